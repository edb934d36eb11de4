package forest

import (
	"fmt"
	"math"
	"os"
	"runtime"
	"slices"
	"syscall"
	"testing"
	"unsafe"

	"threatdetect/internal/heapwalk"
	"threatdetect/internal/testkit"
)

// ratioFloor is how many times faster than the reference walker a way to score has to be, for models of 100 trees of depth 5, 500 of depth 6
// and 200 of depth 8: about half of what it was on a Zen 3 with other work to do, and with AVX-512 on a Zen 5 somewhat over a third, as those of AVX2 are there. What loses that much
// is broken, whatever the machine.
var ratioFloor = []struct {
	way    string
	kernel Kernel
	rows   int  // of a call
	purego bool // of the heap walker
	floor  [3]float64
}{
	{"heap walker, one row", Heap, 1, false, [3]float64{8, 8, 5.5}},
	{"heap walker, 16 rows", Heap, 16, false, [3]float64{10, 10, 7}},
	{"heap walker in Go, one row", Heap, 1, true, [3]float64{3.5, 4, 3.5}},
	{"heap walker in Go, 16 rows", Heap, 16, true, [3]float64{3.5, 4, 3.5}},
	{"generic blocks", Generic, 1024, false, [3]float64{4.5, 12, 7}},
	{"AVX2 blocks", AVX2, 1024, false, [3]float64{30, 50, 25}},
	{"AVX2 blocks of 128 rows", AVX2, 128, false, [3]float64{16, 28, 14}},
	{"AVX2 blocks of 64 rows", AVX2, 64, false, [3]float64{22, 15, 10}},
	{"AVX2 blocks of 32 rows", AVX2, 32, false, [3]float64{16, 9, 5}},
	{"NEON blocks", NEON, 1024, false, [3]float64{4.5, 12, 7}},
	{"AVX-512 blocks", AVX512, 1024, false, [3]float64{60, 100, 50}},
}

// TestRatios guards the speed of each kernel as a ratio to the reference walker's on the same machine. It measures in turns, for other work on the
// machine to hit both, by the time of the thread and not of the clock, and takes the median of the turns. It runs if
// THREATDETECT_RATIOS is set: other tests that run beside it would be in its way.
func TestRatios(t *testing.T) {
	if os.Getenv("THREATDETECT_RATIOS") == "" {
		t.Skip("THREATDETECT_RATIOS is not set")
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	const (
		rows  = 2048
		turns = 15
	)
	for i, shape := range []testkit.BoosterShape{
		{Features: 42, Trees: 100, Depth: 5, Fill: 0.98, Thresholds: 64},
		{Features: 42, Trees: 500, Depth: 6, Fill: 0.95, Thresholds: 64},
		{Features: 42, Trees: 200, Depth: 8, Fill: 0.95, Thresholds: 64},
	} {
		r := testkit.RandFrom(7)
		b := testkit.RandomBooster(r, shape)
		values := make([]float32, rows*b.NumFeature)
		for i := range values {
			values[i] = float32(r.NormFloat64() * 2)
			if r.IntN(20) == 0 {
				values[i] = float32(math.NaN())
			}
		}
		for _, c := range ratioFloor {
			if kind, blocks := c.kernel.Kind(); !blocks && c.purego == heapwalk.Assembly || !kind.Available() {
				continue
			}
			f, err := Compile(b, c.kernel, nil)
			if err != nil {
				t.Fatal(err)
			}
			s, dst, want := f.NewScratch(), make([]float32, rows), make([]float32, rows)
			var ratios []float64
			for turn := range turns {
				// A sample is some rows, others in every turn.
				first, n := turn*128%rows, 128
				begin := threadTime(t)
				for i := first; i < first+n; i++ {
					f.WalkMargins(want[i:i+1], b.BaseScore, values[i*f.NumFeature:][:f.NumFeature])
				}
				reference := float64(threadTime(t)-begin) / float64(n)
				n = max(1024, c.rows)
				begin = threadTime(t)
				for i := 0; i < n; i += c.rows {
					f.Margins(dst[i:i+c.rows], b.BaseScore, values[i*f.NumFeature:][:c.rows*f.NumFeature], s)
				}
				ratios = append(ratios, reference/(float64(threadTime(t)-begin)/float64(n)))
			}
			slices.Sort(ratios)
			median := ratios[turns/2]
			model := fmt.Sprintf("%d trees of depth %d", shape.Trees, shape.Depth)
			t.Logf("%s, %s: %.1f times as fast as the reference walker, from %.1f to %.1f; floor %.1f", model, c.way, median, ratios[0], ratios[turns-1], c.floor[i])
			if !(median >= c.floor[i]) {
				t.Errorf("%s, %s: %.1f times as fast as the reference walker, want %.1f", model, c.way, median, c.floor[i])
			}
			testkit.DiffBits(t, model+", "+c.way, dst[:1024], func() []float32 {
				for i := range 1024 {
					f.WalkMargins(want[i:i+1], b.BaseScore, values[i*f.NumFeature:][:f.NumFeature])
				}
				return want[:1024]
			}())
		}
	}
}

// threadTime is the processor time of this thread so far, in nanoseconds.
func threadTime(t *testing.T) int64 {
	const clock = 3 // CLOCK_THREAD_CPUTIME_ID, which is finer than what getrusage says
	var now syscall.Timespec
	if _, _, err := syscall.Syscall(syscall.SYS_CLOCK_GETTIME, clock, uintptr(unsafe.Pointer(&now)), 0); err != 0 {
		t.Fatal(err)
	}
	return now.Nano()
}

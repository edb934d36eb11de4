//go:build !purego

package kernel

import (
	"fmt"
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
	"testing"
	"time"
	"unsafe"

	"github.com/stretchr/testify/require"

	"threatdetect/internal/testkit"
)

// watch returns vectors whose functions do nothing but check how much they are asked to do in one call.
func watch(t *testing.T, rows int, seen map[string]bool) vectors {
	v := vectors{rows: rows}
	few := func(what string, n, size int, place func(i int) uint32) { // lines
		lines, end := 0, -1
		for i := range n {
			if at := int(place(i)); at >= end || at < end-size {
				lines, end = lines+1, at+size
			}
		}
		require.LessOrEqual(t, rows*lines, maxLines, what)
	}
	v.transpose = func(_, _ *float32, _ uintptr, loads *uint32, n uintptr) {
		seen["transpose"] = true
		require.LessOrEqual(t, int(n), maxLoads)
		few("transpose", int(n), 16, func(i int) uint32 { return unsafe.Slice(loads, n)[i] })
	}
	v.below = func(_ *uint64, _, _ *float32, n uintptr) {
		seen["below"] = true
		require.LessOrEqual(t, int(n), maxThresholds)
	}
	v.belowOrMissing = v.below
	v.rankLinear = func(_ *byte, _ *float32, table *byte, _ *byte) {
		seen["rank"] = true
		require.Less(t, (*lookup)(unsafe.Pointer(table)).compares, 32) // more would cost more than comparing with each threshold
	}
	v.rankLog = v.rankLinear
	v.remap = func(_, _, _ *byte, n uintptr) { require.LessOrEqual(t, int(n), 16) }
	v.expand = func(_ *uint64, _ *byte, _, n uintptr, _ *byte) { require.LessOrEqual(t, int(n), maxRanked) }
	v.compare = func(_ *byte, _ *float32, _ uintptr, windows *byte, n uintptr) {
		seen["compare"] = true
		require.LessOrEqual(t, int(n), maxWindows)
		few("compare", int(n), 16, func(i int) uint32 { return unsafe.Slice((*window)(unsafe.Pointer(windows)), n)[i].first })
	}
	v.spread = func(_ *uint64, _, _ *byte, n uintptr) {
		seen["spread"] = true
		require.LessOrEqual(t, int(n), maxSpreads)
	}
	v.missing = func(_, _ *uint64, _ *float32, _ *uint16, n uintptr) { require.Less(t, int(n), AVX2.planes()) }
	for depth := 1; depth <= MaxDepth; depth++ {
		trees := func(n uintptr) {
			seen[fmt.Sprintf("trees of depth %d", depth)] = true
			require.LessOrEqual(t, int(n)*callNanoseconds[depth], maxCall)
		}
		v.tables[depth] = func(_ *uint64, _ *uint16, _ *byte, _ *float32, n uintptr, _ *byte) { trees(n) }
		v.values[depth] = func(_ *uint64, _ *uint16, _, _ *float32, n uintptr, _ *byte) { trees(n) }
	}
	return v
}

// watchSmall is watch for small blocks.
func watchSmall(t *testing.T, rows int, seen map[string]bool) smallVectors {
	v := smallVectors{vectors: watch(t, rows, seen)}
	v.compare, v.spread = nil, nil
	v.count = func(_ *byte, _, _ *float32, n uintptr) {
		seen["count"] = true
		require.LessOrEqual(t, int(n), maxRanked)
	}
	v.sides = func(_, _ *byte, _ *float32) {}
	v.rowRanks = func(_ *byte, _ uintptr, _ *byte, n uintptr) {
		seen["rowRanks"] = true
		require.LessOrEqual(t, int(n), maxRowRanks)
	}
	for depth := 1; depth <= MaxDepth; depth++ {
		trees := func(n uintptr) {
			seen[fmt.Sprintf("trees of depth %d", depth)] = true
			require.LessOrEqual(t, int(n)*callNanoseconds[depth], maxCall)
		}
		v.tables[depth] = func(_, _, _ *byte, _ *float32, n uintptr, _ *byte) { trees(n) }
		walked := func(_, _ *byte, _, _ *float32, n uintptr, _ *byte, _ uintptr, _ *byte) { trees(n) }
		v.values[depth], v.wide[depth] = walked, walked
	}
	return v
}

// TestCallsAreShort has a plan with more of everything than a call of assembly may take.
func TestCallsAreShort(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	const width = 5000
	var columns []int32 // some of them in lines of their own
	for i := range int32(2000) {
		if i < 150 {
			columns = append(columns, 1+17*i)
		} else {
			columns = append(columns, 2600+i)
		}
	}
	var thresholds []Threshold
	for i := range uint32(4000) { // in clusters so far apart that they are compared one by one
		thresholds = append(thresholds, Threshold{0, math.Float32frombits(0x30000000 + i/50<<23 + i%50)})
	}
	for _, c := range columns {
		for i := range 60 {
			thresholds = append(thresholds, Threshold{c, float32(i)})
		}
	}
	b := NewBuilder(AVX2, width, 1, thresholds)
	for i := range 4000 {
		b.Tree(0, 1, []Cond{b.Less(i, false)}, []float32{0, 1})
	}
	for depth := 1; depth <= MaxDepth; depth++ {
		conds := make([]Cond, 1<<depth-1)
		for range 1000 {
			for i := range conds {
				conds[i] = b.Less(b.Number(columns[r.IntN(len(columns))], float32(r.IntN(2))), false)
			}
			b.Tree(0, depth, conds, make([]float32, 1<<depth))
			if b.Room() < 1<<(MaxDepth+1) {
				b.EndTile()
			}
		}
	}
	for _, c := range columns[:100] {
		for i := range 60 {
			b.Less(b.Number(c, float32(i)), true)
		}
	}
	b.Tree(0, 1, []Cond{b.Less(b.Number(1, 0), true)}, []float32{0, 1})
	p := b.Plan()
	seen := map[string]bool{}
	before256, before128, before64, before32, before16 := vectors256, vectors128, small64, small32, small16
	defer func() {
		vectors256, vectors128, small64, small32, small16 = before256, before128, before64, before32, before16
	}()
	vectors256, vectors128 = watch(t, 256, seen), watch(t, 128, seen)
	small64, small32 = watchSmall(t, SmallRows, seen), watchSmall(t, SmallestRows, seen)
	small16 = small32
	for _, n := range []int{256, SmallRows, SmallestRows, FewRows} {
		clear(seen)
		sums := make([]float32, n)
		p.Margins(sums, []float32{0}, Matrix{make([]float32, width*n), width, 1}, n, false, p.NewScratch())
		if n > SmallRows {
			require.Len(t, seen, 5+MaxDepth)
		} else {
			require.Len(t, seen, 4+MaxDepth)
		}
	}
}

// BenchmarkCalls reports how long the longest calls of the networks take, in microseconds, if their programs and leaves are in no cache; the garbage collector has to
// wait for one of them at most.
func BenchmarkCalls(b *testing.B) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	for depth := 1; depth <= MaxDepth; depth++ {
		b.Run(fmt.Sprint(depth), func(b *testing.B) {
			if !hasAVX2 {
				b.Skip("no AVX2")
			}
			n := maxCall / callNanoseconds[depth] &^ 3
			r := rand.New(rand.NewPCG(1, 2))
			planes, sums, work := aligned[uint64](4*AVX2.planes()), aligned[float32](256), aligned[byte](workBytes)
			program := make([]uint16, (n+1)*(1<<depth-1))
			for i := range program {
				program[i] = AVX2.reference(r.IntN(AVX2.planes()))
			}
			tables, values := make([]byte, n*tableBytes(depth)), make([]float32, n<<depth)
			var times []time.Duration
			other := make([]byte, 64<<20)
			for b.Loop() {
				for i := 0; i < len(other); i += 64 {
					other[i]++
				}
				for i := 0; i < len(planes); i += 8 {
					planes[i]++
				}
				begin := testkit.CPUTime()
				if AVX2.tables(depth) {
					vectors256.tables[depth](&planes[0], &program[0], &tables[0], &sums[0], uintptr(n), &work[0])
				} else {
					vectors256.values[depth](&planes[0], &program[0], &values[0], &sums[0], uintptr(n), &work[0])
				}
				times = append(times, testkit.CPUTime()-begin)
			}
			slices.Sort(times)
			b.ReportMetric(float64(times[len(times)/2])/1000, "us/call")
		})
	}
}

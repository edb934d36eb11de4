package inference

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"threatdetect/internal/testkit"
	"threatdetect/model"
)

// BenchmarkContributionPeer measures exact contributions beside real XGBoost, a batch by the one and a batch by the other in turn, with
// one thread each, and compares the bits. It needs an interpreter with the release; further words are the number of trees and
// their depth:
//
//	THREATDETECT_PEER="$VENVS/xgb-3.2.0/bin/python 100 5" go test -run '^$' -bench ContributionPeer -benchtime 20x ./inference
//
// The metrics are the medians of both and their ratio. Times are those of the processor, which other work on the machine changes less.
func BenchmarkContributionPeer(b *testing.B) {
	command := strings.Fields(os.Getenv("THREATDETECT_PEER"))
	if len(command) == 0 {
		b.Skip("THREATDETECT_PEER names no Python interpreter with XGBoost")
	}
	dir := b.TempDir()
	peer := exec.Command(command[0], append([]string{filepath.Join(testkit.Root(b), "testdata", "golden", "peer.py"), dir}, command[1:]...)...)
	peer.Stderr = os.Stderr
	ask, err := peer.StdinPipe()
	if err != nil {
		b.Fatal(err)
	}
	answers, err := peer.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := peer.Start(); err != nil {
		b.Fatal(err)
	}
	defer func() {
		ask.Close()
		if err := peer.Wait(); err != nil {
			b.Error(err)
		}
	}()
	lines := bufio.NewScanner(answers)
	if !lines.Scan() {
		b.Fatal("the peer says nothing")
	}
	b.Log(lines.Text())

	booster, err := model.Open(filepath.Join(dir, "model.json"), nil)
	if err != nil {
		b.Fatal(err)
	}
	p := newPredictor(b, booster, &Options{Output: Contribution, Workers: 1})
	rows, want := readFloats(b, filepath.Join(dir, "rows.f32")), readFloats(b, filepath.Join(dir, "exact.f32"))
	got := make([]float32, len(want))
	var theirs, ours []float64
	for b.Loop() {
		var ns float64
		fmt.Fprintln(ask)
		if !lines.Scan() {
			b.Fatal("the peer ended")
		}
		if _, err := fmt.Sscan(lines.Text(), &ns); err != nil {
			b.Fatal(err)
		}
		theirs = append(theirs, ns)
		began := processTime(b)
		if err := p.PredictBatch(got, rows); err != nil {
			b.Fatal(err)
		}
		ours = append(ours, float64(processTime(b)-began))
	}
	n := float64(len(rows) / p.NumFeature())
	slices.Sort(theirs)
	slices.Sort(ours)
	their, our := theirs[len(theirs)/2]/n, ours[len(ours)/2]/n
	b.ReportMetric(their, "peer-ns/row")
	b.ReportMetric(our, "ns/row")
	b.ReportMetric(their/our, "times")
	b.ReportMetric(0, "ns/op")
	if booster.Version.Before(3, 3) {
		b.Logf("%d numbers, %d of them differ", len(got), testkit.DiffBits(b, "contributions", got, want))
	}
}

// processTime is the processor time of this process so far, in nanoseconds.
func processTime(t testing.TB) int64 {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		t.Fatal(err)
	}
	return u.Utime.Nano() + u.Stime.Nano()
}

func readFloats(t testing.TB, path string) []float32 {
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	x := make([]float32, len(data)/4)
	for i := range x {
		x[i] = math.Float32frombits(binary.LittleEndian.Uint32(data[4*i:]))
	}
	return x
}

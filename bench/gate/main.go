// Command gate fails if a kernel of the predictor has lost its lead over the reference walker. It measures both in turn on this machine
// and compares the ratio, not nanoseconds, with a floor well below what was measured when the floor was set: noise does not reach it,
// a kernel that is no longer chosen, or that does something twice, does.
package main

import (
	"errors"
	"fmt"
	"math"
	"os"
	"slices"
	"time"

	"golang.org/x/sys/unix"

	"threatdetect/inference"
	"threatdetect/internal/testkit"
	"threatdetect/model"
)

// gate is a kernel with one size of batch.
type gate struct {
	name   string
	kernel inference.Kernel
	batch  int
}

// shape is a model, and the floor for each gate.
type shape struct {
	trees, depth, groups int
	floors               map[string]float64
}

const (
	rows   = 2048
	rounds = 5
	least  = 3 * time.Millisecond // a sample takes that long, or one pass over all rows
)

func main() {
	failed := false
	for _, s := range shapes {
		ok, err := s.measure()
		if err != nil {
			fmt.Fprintln(os.Stderr, "gate:", err)
			os.Exit(1)
		}
		failed = failed || !ok
	}
	if failed {
		os.Exit(1)
	}
}

// measure prints the ratios of one model and reports whether all are above their floors.
func (s *shape) measure() (ok bool, err error) {
	r := testkit.RandFrom(1)
	b := testkit.RandomBooster(r, testkit.BoosterShape{Features: 42, Groups: s.groups, Trees: s.trees, Depth: s.depth, Fill: 0.97, Thresholds: 48})
	input := make([]float32, rows*b.NumFeature)
	for i := range input {
		input[i] = float32(2 * r.NormFloat64())
		if r.IntN(20) == 0 {
			input[i] = float32(math.NaN())
		}
	}
	walker, err := newScorer(b, inference.KernelWalk, 256, input)
	if err != nil {
		return false, err
	}
	ok = true
	for _, g := range gates {
		floor, wanted := s.floors[g.name]
		scorer, err := newScorer(b, g.kernel, g.batch, input)
		if errors.Is(err, model.ErrUnsupported) {
			fmt.Printf("%d trees of depth %d, %d groups: %s: not on this machine\n", s.trees, s.depth, s.groups, g.name)
			continue
		}
		if err != nil || !wanted {
			return false, errors.Join(err, fmt.Errorf("%s has no floor", g.name))
		}
		walker.score()
		scorer.score()
		if !slices.Equal(walker.out, scorer.out) {
			return false, fmt.Errorf("%s predicts other numbers than the reference walker", g.name)
		}
		var ratios []float64
		for range rounds {
			ratios = append(ratios, float64(walker.time())/float64(scorer.time()))
		}
		slices.Sort(ratios)
		ratio, verdict := ratios[rounds/2], "ok"
		if ratio < floor {
			ok, verdict = false, "TOO SLOW"
		}
		fmt.Printf("%d trees of depth %d, %d groups: %s %.1f times faster than the reference walker, at least %.1f: %s\n",
			s.trees, s.depth, s.groups, g.name, ratio, floor, verdict)
	}
	return ok, nil
}

// scorer scores all rows in batches.
type scorer struct {
	p     *inference.Predictor
	batch int
	rows  []float32
	out   []float32
}

func newScorer(b *model.Booster, kernel inference.Kernel, batch int, input []float32) (*scorer, error) {
	p, err := inference.New(b, &inference.Options{Output: inference.Margin, Workers: 1, Kernel: kernel})
	if err != nil {
		return nil, err
	}
	return &scorer{p, batch, input, make([]float32, rows*p.NumOutput())}, nil
}

func (s *scorer) score() {
	width, outputs := s.p.NumFeature(), s.p.NumOutput()
	for at := 0; at < rows; at += s.batch {
		n := min(s.batch, rows-at)
		dst, part := s.out[at*outputs:][:n*outputs], s.rows[at*width:][:n*width]
		var err error
		if n == 1 {
			err = s.p.Predict(dst, part)
		} else {
			err = s.p.PredictBatch(dst, part)
		}
		if err != nil {
			panic(err) // lengths that do not fit
		}
	}
}

// time is the processor time of scoring all rows once.
func (s *scorer) time() time.Duration {
	passes, began := 0, processTime()
	for {
		s.score()
		passes++
		if took := processTime() - began; took >= least {
			return took / time.Duration(passes)
		}
	}
}

func processTime() time.Duration {
	var t unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_PROCESS_CPUTIME_ID, &t); err != nil {
		panic(err)
	}
	return time.Duration(t.Nano())
}

package main

import (
	"sync"
	"sync/atomic"
	"time"

	"threatdetect/inference"
)

// two is how two goroutines compare with one, on 100,000 rows in a call.
type two struct {
	TwoOverOne float64 // wall time of one over that of two in calls one after the other: the median of these pairs
	TwoLoops   float64 // the same of a loop that takes as long and needs no memory, which is what the machine gives
	TwoAtMost  float64 // twice the processor time of one over that of two
}

// measureTwo compares a predictor of one worker with one of two, in turns with a loop that has nothing but registers. It must not be pinned to a core.
func measureTwo(one, both *inference.Predictor, dst, rows []float32, rounds int) (t two, err error) {
	predict := func(p *inference.Predictor) func() {
		return func() {
			if e := p.PredictBatch(dst, rows); e != nil {
				err = e
			}
		}
	}
	wall := func(f func()) float64 {
		began := time.Now()
		f()
		return float64(time.Since(began))
	}
	// The first calls make what later ones use again.
	predict(both)()
	alone := wall(predict(one))
	const some = 1 << 20
	steps := int(some * alone / wall(func() { count(some) }))
	pairs := []struct {
		run    [2]func()
		ratios []float64
		cpu    [2][]float64
	}{
		{run: [2]func(){predict(one), predict(both)}},
		{run: [2]func(){func() { count(steps) }, func() { countBoth(steps) }}},
	}
	for turn, start := 0, time.Now(); rounds > 0 && err == nil && (time.Since(start) < 3*time.Second || turn < 40 && time.Since(start) < 20*time.Second); turn++ {
		for i := range pairs {
			p := &pairs[i]
			var took [2]float64
			for k := range took {
				k ^= turn & 1 // who is first
				began := processTime()
				took[k] = wall(p.run[k])
				p.cpu[k] = append(p.cpu[k], float64(processTime()-began))
			}
			p.ratios = append(p.ratios, took[0]/took[1])
		}
	}
	t.TwoOverOne, t.TwoLoops = median(pairs[0].ratios), median(pairs[1].ratios)
	t.TwoAtMost = 2 * median(pairs[0].cpu[0]) / max(median(pairs[0].cpu[1]), 1)
	return t, err
}

// counted is where a count ends, so that it is not left out.
var counted atomic.Uint64

// count takes a number of steps, each of which waits for the one before.
func count(steps int) {
	x := uint64(1)
	for range steps {
		x ^= x << 13
		x ^= x >> 7
		x ^= x << 17
	}
	counted.Store(x)
}

// countBoth takes as many with two goroutines.
func countBoth(steps int) {
	var wait sync.WaitGroup
	wait.Go(func() { count(steps / 2) })
	count(steps / 2)
	wait.Wait()
}

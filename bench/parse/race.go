package main

import (
	"fmt"
	"hash/maphash"
	"math"
	"runtime"
	"slices"
	"time"

	"golang.org/x/sys/unix"
)

// raced is what a race found out about each that ran: nanoseconds in each round, and allocations.
type raced struct {
	took      [][]float64
	allocated []uint64
}

// race lets all run once in each round, every other one backwards. nil does not run.
func race(runs []func() error, rounds int) (raced, error) {
	r := raced{make([][]float64, len(runs)), make([]uint64, len(runs))}
	for round := range rounds {
		for k := range runs {
			i := k
			if round%2 == 1 {
				i = len(runs) - 1 - k
			}
			if runs[i] == nil {
				continue
			}
			runtime.GC()
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			began := processTime()
			if err := runs[i](); err != nil {
				return r, err
			}
			r.took[i] = append(r.took[i], float64(processTime()-began))
			runtime.ReadMemStats(&after)
			r.allocated[i] = after.Mallocs - before.Mallocs
		}
	}
	return r, nil
}

// ratios are how many times the first one's time another one took, round by round.
func (r *raced) ratios(i int) []float64 {
	ratios := make([]float64, len(r.took[i]))
	for round := range ratios {
		ratios[round] = r.took[i][round] / r.took[0][round]
	}
	return ratios
}

func (r *raced) ratio(i int) float64 { return median(r.ratios(i)) }

// best is the ratio of the best rounds of both.
func (r *raced) best(i int) float64 { return slices.Min(r.took[i]) / slices.Min(r.took[0]) }

// rate is MB/s in the median and in the best round.
func (r *raced) rate(i int, log []byte) [2]float64 {
	return [2]float64{float64(len(log)) / median(r.took[i]) * 1e3, float64(len(log)) / slices.Min(r.took[i]) * 1e3}
}

// cells are columns of a table: MB/s, best round, ns a flow and allocations a flow.
func (r *raced) cells(i int, log []byte, flows uint64) string {
	rate := r.rate(i, log)
	return fmt.Sprintf("%.0f | %.0f | %.0f | %.2f", rate[0], rate[1], median(r.took[i])/float64(flows), float64(r.allocated[i])/float64(flows))
}

// fastestOther writes which of the others is the fastest, and returns how many times our time it takes.
func (r *report) fastestOther(in *input, res *raced, runs []func() error) float64 {
	least, name := math.Inf(1), ""
	for i := range runs {
		if i > 0 && runs[i] != nil && res.ratio(i) < least {
			least, name = res.ratio(i), in.readers[i].title
		}
	}
	if name != "" {
		fmt.Fprintf(&r.page, "\nThe fastest other reader, %s, takes %.2f times our time.\n", name, least)
	}
	return least
}

// sumOfRows tells whether rows are those of another reader, to the bit.
func (c *contender) sumOfRows(log []byte) (uint64, error) {
	var h maphash.Hash
	h.SetSeed(seed)
	rows := 0
	err := c.rows(log, func(row []float32) {
		rows++
		for _, v := range row {
			maphash.WriteComparable(&h, math.Float32bits(v))
		}
	})
	if err == nil && rows == 0 {
		err = fmt.Errorf("%s: no rows", c.title)
	}
	return h.Sum64(), err
}

var seed = maphash.MakeSeed()

func median(x []float64) float64 {
	x = slices.Clone(x)
	slices.Sort(x)
	return x[len(x)/2]
}

// processTime is the processor time of this process, its garbage collector included.
func processTime() time.Duration {
	var t unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_PROCESS_CPUTIME_ID, &t); err != nil {
		panic(err)
	}
	return time.Duration(t.Nano())
}

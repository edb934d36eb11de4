package features

import (
	"errors"
	"fmt"
	"iter"

	"threatdetect/internal/sketch"
)

// ErrOrder says that a method was called out of turn: AppendRow of a set that gives rows in order of time, or Push while
// a row is due.
var ErrOrder = errors.New("called out of turn")

// Extractor returns a new run of the pipeline with the defaults. Each goroutine and each stream of flows takes its own.
func (p *Pipeline) Extractor() *Extractor { return p.ExtractorWith(nil) }

// ExtractorWith returns a new run of the pipeline that keeps to the options, which only concern a Stateful set.
func (p *Pipeline) ExtractorWith(o *StateOptions) *Extractor {
	x := &Extractor{pipeline: p}
	if p.memory != nil {
		x.memory, x.seed = p.memory(o, p.settings, &x.stats), o.seed()
		x.order = &reorder{stats: &x.stats, now: o.clock()}
	}
	return x
}

// Stateful reports whether columns depend on earlier flows; see [Set.Stateful].
func (p *Pipeline) Stateful() bool { return p.memory != nil }

// Stateful reports whether the rows of x come from Push and Next, in order of time.
func (x *Extractor) Stateful() bool { return x.memory != nil }

// Extractor is one run of a pipeline over a stream of flows. It has one owner: it is not safe for concurrent use.
//
// Flows go in with Push and rows come out of Next:
//
//	for f := range flows {
//		x.Push(f)
//		for row, ok := x.Next(); ok; row, ok = x.Next() {
//			...
//		}
//	}
//	x.Finish() // and Next once more until there is none
//
// [Extractor.Rows] does that for a sequence, and [Extractor.RowsParallel] with several goroutines. A set that remembers nothing gives each flow's row at once. A Stateful one
// puts flows in order of their ends first: it holds them for 2 seconds of their own time, and no more than 10,000 of
// them, and its rows come out in the order in which it releases them, with the flow that each belongs to.
type Extractor struct {
	pipeline *Pipeline
	row      []float32
	flow     *Flow // whose row is due, where nothing is remembered
	pushed   int64 // where nothing is remembered

	memory memory // nil where nothing is remembered
	order  *reorder
	stats  Stats
	seed   sketch.Seed
}

// memory is what a set remembers of earlier flows.
type memory interface {
	// fill writes the cells that depend on earlier flows, and remembers f. Its event time is t, never less than that of
	// the flow before; it arrived late by so many nanoseconds.
	fill(row []float32, f *Flow, t, late int64)
	// encode writes all of it, and decode reads that into a memory that is still empty; t is the event time of the last
	// flow, if there was any.
	encode(e *encoder)
	decode(d *decoder, t int64, any bool)
	// reset forgets all of it, and keeps the room for it.
	reset()
}

// StateOptions bound what a Stateful set remembers; nil stands for the defaults.
type StateOptions struct {
	// Budget is how many bytes the memory of host/1 and the sets that hold its columns may take, at least MinBudget; 0 means DefaultBudget. It is taken at
	// once. Rows depend on it where more keys come than there is room for.
	Budget int
	// Seed makes the hashes of filters and of distinct counts ones that nobody else can foresee, so that nobody can choose addresses and
	// names that hide in them: a process that watches an adversary takes a random one. The zero Seed is the same in every process, so
	// that a log gives the same rows in all of them; with another one, columns that are estimated differ by their error, and the
	// others do not. A restored extractor goes on with the seed of the one that was saved.
	Seed [2]uint64
	// Now, unless nil, is the wall clock, in nanoseconds since the Unix epoch; see [WallClock]. A flow that ends more than 5 minutes later is
	// not believed: it gets its row at once, and moves no window. Without a clock every time is believed.
	Now func() int64
	// OnPressure, unless nil, is called at most once a minute of event time in which more than one key had to go for every
	// hundred flows.
	OnPressure func(Pressure)
}

// Bounds of StateOptions.Budget, in bytes.
const (
	DefaultBudget = 256 << 20
	MinBudget     = 16 << 20
)

// leastBudget is MinBudget; tests need less.
var leastBudget = MinBudget

func (o *StateOptions) budget() int {
	switch {
	case o == nil || o.Budget == 0:
		return DefaultBudget
	case o.Budget < leastBudget:
		return leastBudget
	}
	return o.Budget
}

func (o *StateOptions) seed() sketch.Seed {
	if o == nil {
		return sketch.Seed{}
	}
	return o.Seed
}

func (o *StateOptions) clock() func() int64 {
	if o == nil {
		return nil
	}
	return o.Now
}

func (o *StateOptions) onPressure() func(Pressure) {
	if o == nil {
		return nil
	}
	return o.OnPressure
}

// maxLate is how late a flow may be to be counted by sets other than flow-context/1, in nanoseconds.
const maxLate = 60_000_000_000

// Stats counts what a Stateful set did besides making rows.
type Stats struct {
	Held    int64 // flows that went in and whose row did not come out yet
	Late    int64 // flows that ended before one whose row had come out already
	TooLate int64 // those of them that were too late to be counted
	Future  int64 // flows that ended later than the wall clock allows
	Evicted int64 // things remembered that were dropped before their time, for want of room
}

// Stats returns what happened so far. It is all zero for a set that remembers nothing.
func (x *Extractor) Stats() Stats {
	s := x.stats
	if x.order != nil {
		s.Held = int64(len(x.order.heap))
		if x.order.late != nil {
			s.Held++
		}
	}
	return s
}

// Row is a row together with the flow it was made from. Both are valid until the extractor's next step.
type Row struct {
	Flow   *Flow
	Values []float32
	Number int64 // how many flows were pushed ahead of this one; see [Extractor.Waiting]
}

// Push takes the next flow of the stream. It is to be called again only when Next has returned false; until then f must
// not change. It fails with ErrContract if f comes from a source that the set cannot be computed from. It does not
// allocate, but to hold more flows than before.
func (x *Extractor) Push(f *Flow) error {
	if err := x.check(f); err != nil {
		return err
	}
	if x.order == nil {
		if x.flow != nil {
			return fmt.Errorf("features: %w: Push while a row is due", ErrOrder)
		}
		x.flow = f
		x.pushed++
		return nil
	}
	if x.order.late != nil || !x.order.draining && x.order.due() {
		return fmt.Errorf("features: %w: Push while a row is due", ErrOrder)
	}
	x.order.push(f)
	return nil
}

// Finish ends the stream: all flows that are held are due. A later Push goes on with what is remembered, but flows that
// end before the last one released are late.
func (x *Extractor) Finish() {
	if x.order != nil {
		x.order.draining = true
	}
}

// Next returns the next row that is due, or false if there is none before the next Push or Finish. It does not allocate.
func (x *Extractor) Next() (row Row, ok bool) {
	f, t, late, number := x.flow, int64(0), int64(0), x.pushed-1
	if x.order == nil {
		x.flow = nil
		if f == nil {
			return Row{}, false
		}
	} else {
		if f, t, late, ok = x.order.pop(); !ok {
			return Row{}, false
		}
		number = int64(x.order.number)
	}
	if x.row == nil {
		x.row = make([]float32, x.pipeline.NumColumn())
	}
	x.fill(x.row, f, t, late)
	return Row{f, x.row, number}, true
}

// Waiting returns the numbers of the flows that wait for stragglers, in order of their ends. An extractor that is restored counts
// from 0 again: the flows it holds, in that order, and then those that are pushed.
func (x *Extractor) Waiting() []int64 {
	if x.order == nil {
		return nil
	}
	waiting := x.order.sorted()
	numbers := make([]int64, len(waiting))
	for i := range waiting {
		numbers[i] = int64(waiting[i].number)
	}
	return numbers
}

// check reports whether the set can be computed from f.
func (x *Extractor) check(f *Flow) error {
	p := x.pipeline
	if p.source == sourceUNSW && f.UNSW == nil || p.source == sourceNSL && f.NSL == nil {
		return fmt.Errorf("%w: set %s needs %s records", ErrContract, p.schema.Set, p.source)
	}
	return nil
}

// fill makes the row of f.
func (x *Extractor) fill(row []float32, f *Flow, t, late int64) {
	p := x.pipeline
	p.fill(row, f)
	if x.memory != nil {
		x.memory.fill(row[p.stateless:], f, t, late)
	}
	if p.replace != nil {
		x.replaceMissing(row)
	}
}

// replaceMissing makes NaN of the value that counts as missing besides it.
func (x *Extractor) replaceMissing(row []float32) {
	for i, v := range row {
		if v == *x.pipeline.replace {
			row[i] = nan32
		}
	}
}

// AppendRow appends the row of f to dst and returns it. It keeps neither, and allocates only to grow dst. It fails
// with ErrContract if f comes from a source that the set cannot be computed from, and with ErrOrder for a Stateful set,
// whose rows come from Next.
func (x *Extractor) AppendRow(dst []float32, f *Flow) ([]float32, error) {
	p := x.pipeline
	if x.memory != nil {
		return dst, fmt.Errorf("features: %w: rows of set %s come in order of time, from Push and Next", ErrOrder, p.schema.Set)
	}
	if err := x.check(f); err != nil {
		return dst, err
	}
	n, m := len(dst), len(dst)+len(p.schema.Columns)
	if m > cap(dst) {
		dst = append(dst, make([]float32, m-n)...)
	}
	dst = dst[:m]
	x.fill(dst[n:m:m], f, 0, 0)
	return dst, nil
}

// Rows turns a sequence of flows into rows. It is single-use if flows is. Errors of flows are passed on where they occur; the sequence
// goes on behind a [*RecordError], and ends with any other error, ahead of which the rows of the flows so far come out.
func (x *Extractor) Rows(flows iter.Seq2[*Flow, error]) iter.Seq2[Row, error] {
	return func(yield func(Row, error) bool) {
		due := func() bool {
			for row, ok := x.Next(); ok; row, ok = x.Next() {
				if !yield(row, nil) {
					return false
				}
			}
			return true
		}
		for f, err := range flows {
			if err == nil {
				if err = x.Push(f); err == nil {
					if !due() {
						return
					}
					continue
				}
			}
			if _, ok := errors.AsType[*RecordError](err); ok {
				if !yield(Row{}, err) {
					return
				}
				continue
			}
			x.Finish()
			if due() {
				yield(Row{}, err)
			}
			return
		}
		x.Finish()
		due()
	}
}

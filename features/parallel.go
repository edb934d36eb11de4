package features

import (
	"errors"
	"iter"
	"sync"
)

// batchRows is how many rows RowsParallel makes at a time.
const batchRows = 1024

// batchFlow is a flow that was released, with what memory.fill takes.
type batchFlow struct {
	flow    *Flow
	t, late int64
	number  int64
}

// batchMemory is a memory of which parts can be filled by goroutines of their own.
type batchMemory interface {
	fillBatch(rows [][]float32, flows []batchFlow, workers int)
}

// RowsParallel is [Extractor.Rows] with several goroutines: the same rows, to the bit, in the same order, whatever their number. Columns that
// remember nothing are spread by rows, those of hosts by parts of the memory, so that more than 8 help little; what else remembers
// is one goroutine's. The next flows are read meanwhile. It is for sets with columns of hosts: a row of flow-portable/1 costs less than handing
// its flow over.
//
// Rows come in batches of up to 1,024, or when flows end or fail: for files rather than for a sensor. The extractor belongs to the
// sequence until it ends; if it is stopped early, more flows have been counted than rows came out.
func (x *Extractor) RowsParallel(workers int, flows iter.Seq2[*Flow, error]) iter.Seq2[Row, error] {
	return func(yield func(Row, error) bool) {
		b := &batcher{x: x, workers: max(1, workers), yield: yield}
		for f, err := range flows {
			if err == nil {
				if err = x.Push(f); err == nil {
					if !b.collect() {
						return
					}
					continue
				}
			}
			_, passing := errors.AsType[*RecordError](err)
			if !passing {
				x.Finish()
				if !b.collect() {
					return
				}
			}
			if !b.flush() || !yield(Row{}, err) || !passing {
				return
			}
		}
		x.Finish()
		if b.collect() {
			b.flush()
		}
	}
}

// batcher collects flows while the batch before is computed. It has one owner.
type batcher struct {
	x       *Extractor
	workers int
	yield   func(Row, error) bool

	next, now []batchFlow // what is collected, and what is computed
	rows      [][]float32
	spare     []*Flow
	done      sync.WaitGroup
}

// collect takes the flows that are due, and yields rows when there are enough; false if the consumer has had enough.
func (b *batcher) collect() bool {
	for {
		f, ok := b.take()
		if !ok {
			return true
		}
		b.next = append(b.next, f)
		if len(b.next) == batchRows && !b.turn() {
			return false
		}
	}
}

// take is Next without the row: the flow belongs to the batcher.
func (b *batcher) take() (batchFlow, bool) {
	x := b.x
	if x.order == nil {
		f := x.flow
		if x.flow = nil; f == nil {
			return batchFlow{}, false
		}
		return batchFlow{flow: b.copy(f), number: x.pushed - 1}, true
	}
	f, t, late, ok := x.order.pop()
	if !ok {
		return batchFlow{}, false
	}
	if x.order.out != nil {
		x.order.out = nil // the copy that is given out is kept
	} else {
		f = b.copy(f)
	}
	return batchFlow{f, t, late, int64(x.order.number)}, true
}

func (b *batcher) copy(f *Flow) *Flow {
	var c *Flow
	if n := len(b.spare); n > 0 {
		c, b.spare = b.spare[n-1], b.spare[:n-1]
	} else {
		c = new(Flow)
	}
	f.CopyTo(c)
	return c
}

// turn waits for the batch that is computed, yields its rows, and begins to compute the one that was collected.
func (b *batcher) turn() bool {
	b.done.Wait()
	for i := range b.now {
		f := &b.now[i]
		if !b.yield(Row{f.flow, b.rows[i], f.number}, nil) {
			return false
		}
	}
	for i := range b.now {
		if b.x.order != nil && len(b.x.order.spare) < batchRows {
			b.x.order.spare = append(b.x.order.spare, b.now[i].flow)
		} else if len(b.spare) < batchRows {
			b.spare = append(b.spare, b.now[i].flow)
		}
	}
	b.now, b.next = b.next, b.now[:0]
	b.x.compute(b)
	return true
}

// flush yields all rows that are due.
func (b *batcher) flush() bool {
	if !b.turn() {
		return false
	}
	return b.turn()
}

// compute begins to fill the rows of the batch.
func (x *Extractor) compute(b *batcher) {
	for len(b.rows) < len(b.now) {
		b.rows = append(b.rows, make([]float32, x.pipeline.NumColumn()))
	}
	if len(b.now) == 0 {
		return
	}
	b.done.Go(func() {
		p, rows, flows := x.pipeline, b.rows[:len(b.now)], b.now
		var both sync.WaitGroup
		if x.memory != nil {
			remembered := make([][]float32, len(rows))
			for i, row := range rows {
				remembered[i] = row[p.stateless:]
			}
			both.Go(func() { fillMemory(x.memory, remembered, flows, b.workers) })
		}
		inParallel(b.workers, len(rows), func(i int) { p.fill(rows[i], flows[i].flow) })
		both.Wait()
		if p.replace != nil {
			for _, row := range rows {
				x.replaceMissing(row)
			}
		}
	})
}

// fillMemory fills the rows of a batch in the way that the memory has.
func fillMemory(m memory, rows [][]float32, flows []batchFlow, workers int) {
	if m, ok := m.(batchMemory); ok && workers > 1 {
		m.fillBatch(rows, flows, workers)
		return
	}
	for i := range flows {
		m.fill(rows[i], flows[i].flow, flows[i].t, flows[i].late)
	}
}

// inParallel calls f for 0 to n-1 from several goroutines.
func inParallel(workers, n int, f func(i int)) {
	var done sync.WaitGroup
	for w := range workers {
		done.Go(func() {
			for i := w * n / workers; i < (w+1)*n/workers; i++ {
				f(i)
			}
		})
	}
	done.Wait()
}

// fillBatch implements batchMemory.
func (m *twoMemories) fillBatch(rows [][]float32, flows []batchFlow, workers int) {
	first, second := make([][]float32, len(rows)), make([][]float32, len(rows))
	for i, row := range rows {
		first[i], second[i] = row[:m.columns:m.columns], row[m.columns:]
	}
	var done sync.WaitGroup
	done.Go(func() { fillMemory(m.first, first, flows, workers) })
	fillMemory(m.second, second, flows, workers)
	done.Wait()
}

// fillBatch implements batchMemory: each goroutine fills some of the parts, and what is common to all of them comes last.
func (h *hosts) fillBatch(rows [][]float32, flows []batchFlow, workers int) {
	type event struct {
		hostFlow
		srcHash, dstHash uint64
	}
	events := make([]event, len(flows))
	inParallel(workers, len(flows), func(i int) {
		e, f := &events[i], &flows[i]
		e.hostFlow = makeHostFlow(f.flow, f.t, h.site)
		e.count = f.late <= maxLate
		e.srcHash, e.dstHash = e.src.fixed(h.seed), e.dst.fixed(h.seed)
	})
	workers = min(workers, hostParts)
	inParallel(workers, workers, func(worker int) {
		for i := range events {
			e := &events[i]
			if n := partOf(e.srcHash); n%workers == worker {
				h.parts[n].flow = i
				h.parts[n].addSource(rows[i], &e.hostFlow, e.srcHash, e.dstHash)
			}
		}
	})
	inParallel(workers, workers, func(worker int) { // which take what the sources found out
		for i := range events {
			e := &events[i]
			if n := partOf(e.dstHash); n%workers == worker {
				h.parts[n].flow = i
				h.parts[n].addDest(rows[i], &e.hostFlow, e.srcHash, e.dstHash)
			}
		}
	})
	for i := range events {
		e := &events[i]
		h.common.add(rows[i], &e.hostFlow, e.srcHash)
		h.finish(rows[i], &e.hostFlow, h.parts[partOf(e.srcHash)], h.parts[partOf(e.dstHash)], i)
	}
}

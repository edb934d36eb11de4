package features

import "math"

// The reorder buffer of the sets that remember flows: logs are written when a connection ends, but not strictly in that
// order, and what is counted has to be counted in order.
const (
	reorderSpan    = 2_000_000_000 // nanoseconds between the earliest flow held and the latest seen
	reorderRecords = 10_000        // flows held
)

// reorder holds flows until they are due, and hands them out in order of their end. Equal ends leave in order of arrival. A
// flow that ends before what was handed out already is late: it leaves at once, at the time of the latest one handed out.
type reorder struct {
	heap  []held  // the first one is the least; each has up to 4 children
	next  uint64  // number of the next arrival, late ones included
	spare []*Flow // copies to use again

	latest   int64 // greatest end that was pushed
	released int64 // greatest end that was handed out
	begun    bool  // latest holds something
	passed   bool  // released holds something
	draining bool

	number uint64 // of the flow that was handed out last, or that leaves at once
	late   *Flow  // to leave at once; the caller's
	future bool   // late is ahead of the wall clock
	out    *Flow  // the copy that was handed out last
	stats  *Stats

	now func() int64 // the wall clock; nil: every time is believed
}

// maxAhead is how far ahead of the wall clock a flow may end, in nanoseconds.
const maxAhead = 300_000_000_000

// held is a flow that waits.
type held struct {
	end    int64
	number uint64
	flow   *Flow
}

func (h *held) before(o *held) bool { return h.end < o.end || h.end == o.end && h.number < o.number }

// push takes a flow. The caller must have emptied pop before.
func (r *reorder) push(f *Flow) {
	end, number := f.End(), r.next
	r.next++
	r.draining = false
	if r.passed && end < r.released {
		r.late, r.number = f, number
		r.stats.Late++
		return
	}
	if r.now != nil {
		if now := r.now(); end > now && uint64(end)-uint64(now) > maxAhead {
			r.late, r.number, r.future = f, number, true
			r.stats.Future++
			return
		}
	}
	if !r.begun || end > r.latest {
		r.latest, r.begun = end, true
	}
	var c *Flow
	if n := len(r.spare); n > 0 {
		c, r.spare = r.spare[n-1], r.spare[:n-1]
	} else {
		c = new(Flow)
	}
	f.CopyTo(c)
	r.insert(held{end, number, c})
}

// pop returns the next flow that is due, its event time, and by how many nanoseconds it is too late for that. The flow is
// valid until the next call of push or pop. A flow ahead of the wall clock counts as infinitely late.
func (r *reorder) pop() (f *Flow, t, late int64, ok bool) {
	if r.out != nil {
		r.spare = append(r.spare, r.out)
		r.out = nil
	}
	if f = r.late; f != nil {
		t, late = r.released, int64(math.MaxInt64)
		if !r.passed {
			t = math.MinInt64
		}
		if apart := uint64(t) - uint64(f.End()); !r.future && apart < math.MaxInt64 {
			late = int64(apart)
		}
		r.late, r.future = nil, false
		return f, t, late, true
	}
	if !r.due() {
		return nil, 0, 0, false
	}
	first := r.removeFirst()
	r.released, r.passed = first.end, true
	r.out, r.number = first.flow, first.number
	return first.flow, first.end, 0, true
}

// due reports whether the first flow of the heap is.
func (r *reorder) due() bool {
	if len(r.heap) == 0 {
		return false
	}
	// The difference of two int64 is exact in uint64.
	return r.draining || len(r.heap) > reorderRecords || uint64(r.latest)-uint64(r.heap[0].end) > reorderSpan
}

func (r *reorder) insert(h held) {
	r.heap = append(r.heap, h)
	i := len(r.heap) - 1
	for i > 0 {
		parent := (i - 1) / 4
		if !h.before(&r.heap[parent]) {
			break
		}
		r.heap[i] = r.heap[parent]
		i = parent
	}
	r.heap[i] = h
}

func (r *reorder) removeFirst() held {
	first := r.heap[0]
	n := len(r.heap) - 1
	last := r.heap[n]
	r.heap[n] = held{}
	r.heap = r.heap[:n]
	if n == 0 {
		return first
	}
	i := 0
	for {
		child := 4*i + 1
		if child >= n {
			break
		}
		least := child
		for c := child + 1; c < min(child+4, n); c++ {
			if r.heap[c].before(&r.heap[least]) {
				least = c
			}
		}
		if !r.heap[least].before(&last) {
			break
		}
		r.heap[i] = r.heap[least]
		i = least
	}
	r.heap[i] = last
	return first
}

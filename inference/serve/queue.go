package serve

import (
	"context"
	"sync/atomic"
	"time"
)

// queue lets a number of requests be answered at the same time, and some others wait for a moment.
type queue struct {
	places  chan struct{}
	most    int64 // that may wait
	waiting atomic.Int64
	mean    atomic.Int64 // nanoseconds that a place is held, of late
}

// shortestWait is what everybody may wait, as all requests stand still when the machine has other things to do.
const shortestWait = 50 * time.Millisecond

// full tells whether whoever comes now will not be let in.
func (q *queue) full() bool { return q.waiting.Load() >= q.most }

// enter takes a place, for which it waits a little if there is room among those who wait: twice as long as a place is held, that
// nobody who is let in takes a multiple of the usual time, and never longer than longest.
func (q *queue) enter(ctx context.Context, longest time.Duration) bool {
	select {
	case q.places <- struct{}{}:
		return true
	default:
	}
	if q.waiting.Add(1) > q.most {
		q.waiting.Add(-1)
		return false
	}
	defer q.waiting.Add(-1)
	t := time.NewTimer(min(max(2*time.Duration(q.mean.Load()), shortestWait), longest))
	defer t.Stop()
	select {
	case q.places <- struct{}{}:
		return true
	case <-t.C:
	case <-ctx.Done():
	}
	return false
}

// leave gives a place back that was held for some time.
func (q *queue) leave(took time.Duration) {
	const weight = 16
	mean := q.mean.Load()
	q.mean.Store(mean + (int64(took)-mean)/weight) // a lost update is no loss
	<-q.places
}

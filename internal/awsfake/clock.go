package awsfake

import (
	"container/heap"
	"sync"
	"time"
)

// clock is the server's own time: a start, real time that has passed multiplied by a speed, and what it was moved by hand.
type clock struct {
	mu     sync.Mutex
	start  time.Time
	real   time.Time
	speed  float64
	moved  time.Duration
	queue  events
	serial int
	sim    sync.Mutex // held while due events run
}

// event is something that happens at a time: a job enters its next phase, a rule is delivered once more.
type event struct {
	at     time.Time
	serial int
	run    func(at time.Time)
}

type events []event

func (e events) Len() int { return len(e) }
func (e events) Less(i, j int) bool {
	return e[i].at.Before(e[j].at) || e[i].at.Equal(e[j].at) && e[i].serial < e[j].serial
}
func (e events) Swap(i, j int) { e[i], e[j] = e[j], e[i] }
func (e *events) Push(x any)   { *e = append(*e, x.(event)) }
func (e *events) Pop() any {
	old := *e
	x := old[len(old)-1]
	*e = old[:len(old)-1]
	return x
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.nowLocked()
}

func (c *clock) nowLocked() time.Time {
	passed := time.Duration(0)
	if c.speed != 0 {
		passed = time.Duration(float64(time.Since(c.real)) * c.speed)
	}
	return c.start.Add(c.moved + passed).UTC().Truncate(time.Millisecond)
}

// at plans an event. It may be called from wherever, also from events.
func (c *clock) at(when time.Time, run func(time.Time)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.serial++
	heap.Push(&c.queue, event{when, c.serial, run})
}

// pass moves the clock to a time, through the times of what is due until then, in its order: what an event starts begins at the time of the event. A call from
// inside an event, such as of the Lambda handler that an event started, finds another at work and leaves it to that one.
func (c *clock) pass(until time.Time) {
	if !c.sim.TryLock() {
		return
	}
	defer c.sim.Unlock()
	for {
		c.mu.Lock()
		if len(c.queue) == 0 || c.queue[0].at.After(until) {
			c.forwardLocked(until)
			c.mu.Unlock()
			return
		}
		e := heap.Pop(&c.queue).(event)
		c.forwardLocked(e.at)
		c.mu.Unlock()
		e.run(e.at)
	}
}

// forwardLocked moves the clock to a time unless it is past it.
func (c *clock) forwardLocked(to time.Time) {
	if d := to.Sub(c.nowLocked()); d > 0 {
		c.moved += d
	}
}

// pending tells whether anything is still to happen.
func (c *clock) pending() (time.Time, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.queue) == 0 {
		return time.Time{}, false
	}
	return c.queue[0].at, true
}

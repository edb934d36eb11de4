package serve

import (
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// crowd lets short requests wait, when they are too many, after they were read, so that /ping and other requests without a body are found among them.
//
// Many that come at once wait in the kernel, on connections that have something to say, and the runtime hands these over in the order in which something came: so
// a byte is sent through a pipe now and then, which comes back after all who were there before it. As long as little is read meanwhile, each request is answered as
// soon as it is read. Otherwise the rest is read first, and then answered some at a time, with a look at the network in between. What would have to wait for too
// long is refused. To refuse a request takes half as long as to answer it, and many who are refused ask again at once: so refusals wait as well, and take no
// more than a part of the time.
type crowd struct {
	round  int64                    // nanoseconds of work between two looks
	most   time.Duration            // to wait, by the pace of late
	strict func(now time.Time) bool // long requests are refused as well
	begin  time.Time

	open    sync.Once
	in, out *os.File

	sent atomic.Bool  // a byte is under way
	next atomic.Int64 // when another one may be, in nanoseconds since begin
	work atomic.Int64 // nanoseconds of work that was let in since it was sent
	some atomic.Int64 // how many requests came since then
	all  atomic.Int64 // how many came at all
	left atomic.Int64 // when it was sent

	mu      sync.Mutex
	came    int64 // when the last byte was back
	trip    int64 // how long it took
	done    int64 // how many came meanwhile
	waiting []*waiter
	refused []*waiter
	queued  int64   // nanoseconds of work in waiting
	pace    float64 // nanoseconds of work that are done in one by the clock, while there is a crowd
	since   time.Time
	doing   int64 // nanoseconds of work that were let go then
	closed  bool
}

const (
	// crowdRound is for how long requests are answered between two looks at the network, by what they take when nothing else is done.
	crowdRound = time.Millisecond
	// shortWork is what a request takes besides its body, to read it and to send an answer, and refusalWork what it takes to refuse one.
	shortWork   = 50 * time.Microsecond
	refusalWork = 25 * time.Microsecond
	// refusalShare is which part of a round, at most, goes to refusals after it.
	refusalShare = 2
	// probeEvery is how often a byte is sent when there is no crowd.
	probeEvery = 5 * time.Millisecond
	// crowdWait is how long an answer may wait: no longer than the answer to a long request takes, so that 99 of 100 answers come within twice their usual time.
	crowdWait = 20 * time.Millisecond
	// crowdLeast is how many may wait however slow it goes, as when the machine has other things to do: as many as one address may have connections.
	crowdLeast = 256
	// strictWait is how long a request may have waited, in the kernel and here, where long ones are refused: that is overload, and no machine with other things to do.
	strictWait = 4 * time.Millisecond
	// paceWeight is over how many rounds the pace is taken.
	paceWeight = 16
)

// waiter is a request that waits.
type waiter struct {
	work int64
	last bool // of those that were let go together
	free chan struct{}
}

func newCrowd(cores int, wait time.Duration) *crowd {
	return &crowd{round: int64(cores) * int64(crowdRound), most: min(crowdWait, wait), pace: float64(cores), begin: time.Now(),
		strict: func(time.Time) bool { return false }}
}

// enter waits until a short request that came some time ago and has just been read, and whose body takes some time, may be answered. It returns false if it is
// to be refused.
func (c *crowd) enter(since time.Time, takes time.Duration) bool {
	work := int64(shortWork + takes)
	others := c.some.Add(1) - 1
	c.all.Add(1)
	if !c.sent.Load() {
		c.probe(time.Now(), work)
		return true
	}
	if all := c.work.Add(work); all <= c.round && !(others >= someStrict && c.late(since)) {
		return true
	}
	return c.wait(since, work) && !c.late(since)
}

// late tells whether it is too late for a request, where long ones are refused as well.
func (c *crowd) late(since time.Time) bool {
	now := time.Now()
	return now.Sub(since) > strictWait && c.strict(now)
}

// probe sends a byte if none is under way, and the last one was not just now.
func (c *crowd) probe(now time.Time, work int64) {
	at := int64(now.Sub(c.begin))
	if at < c.next.Load() || c.sent.Load() {
		return
	}
	if c.left.Store(at); c.sent.CompareAndSwap(false, true) {
		c.next.Store(at + int64(probeEvery))
		c.work.Store(work)
		c.some.Store(0)
		c.open.Do(c.listen)
		c.send()
	}
}

// lag is how long a short request that comes now is likely to wait: as long as a byte took of late, or the one that is under way does already, and what
// others take who wait. It is 0 if fewer than some have come meanwhile: then it is the machine that had other things to do.
func (c *crowd) lag(now time.Time, some int) time.Duration {
	if c.sent.Load() {
		c.work.Add(int64(refusalWork)) // or what it takes to let the request in that this is for
	} else {
		c.probe(now, 0)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return 0
	}
	at := int64(now.Sub(c.begin))
	var lag int64
	if c.done >= int64(some) && at < c.came+int64(lagSince) {
		lag = c.trip
	}
	if c.sent.Load() && c.some.Load() >= int64(some) {
		lag = max(lag, at-c.left.Load())
	}
	return time.Duration(lag + int64(float64(c.queued)/c.pace))
}

// lagSince is how long it counts what a byte took.
const lagSince = 20 * time.Millisecond

// wait is enter for whoever is not let in at once.
func (c *crowd) wait(since time.Time, work int64) bool {
	waited := max(time.Since(since), 0)
	strict := c.strict(time.Now())
	c.mu.Lock()
	if !c.sent.Load() || c.closed { // it came back meanwhile
		c.mu.Unlock()
		return true
	}
	w := &waiter{work: work, free: make(chan struct{}, 1)}
	waits := waited + time.Duration(float64(c.queued+work)/c.pace)
	full := strict && waits > strictWait || c.queued+work > int64(crowdLeast*2*shortWork) && waits > c.most
	if full {
		w.work = int64(refusalWork)
		c.refused = append(c.refused, w)
	} else {
		c.queued += work
		c.waiting = append(c.waiting, w)
	}
	c.mu.Unlock()
	<-w.free
	if w.last {
		c.send()
	}
	return !full
}

// listen makes the pipe.
func (c *crowd) listen() {
	in, out, err := os.Pipe()
	if err != nil {
		return // and all are let in
	}
	c.in, c.out = in, out
	go func() {
		var b [1]byte
		for {
			if _, err := in.Read(b[:]); err != nil {
				c.end()
				return
			}
			c.returned()
		}
	}()
}

// send sends a byte. Whoever waits for it must not: it would be there before he waits.
func (c *crowd) send() {
	c.left.Store(int64(time.Since(c.begin)))
	if c.out == nil {
		c.end()
	} else if _, err := c.out.Write([]byte{0}); err != nil {
		c.end()
	}
}

// returned lets some of those go who wait, once all have been read who came before a byte was sent.
func (c *crowd) returned() {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := time.Now()
	c.came = int64(now.Sub(c.begin))
	c.trip, c.done = c.came-c.left.Swap(c.came), c.some.Swap(0)
	if c.doing >= c.round { // there was enough to do
		c.pace += (float64(c.doing)/float64(max(now.Sub(c.since), 1)) - c.pace) / paceWeight
	}
	free, work := take(&c.waiting, c.round)
	c.queued -= work
	c.since, c.doing = now, work
	away, _ := take(&c.refused, c.round/refusalShare)
	free = append(free, away...)
	if len(free) == 0 {
		c.work.Store(0)
		c.sent.Store(false)
		return
	}
	c.work.Store(work)
	free[len(free)-1].last = true // who sends another one
	for _, w := range free {
		w.free <- struct{}{}
	}
}

// take takes the first of a queue, as many as come to some work.
func take(queue *[]*waiter, most int64) (taken []*waiter, work int64) {
	n := 0
	for n < len(*queue) && work < most {
		work += (*queue)[n].work
		n++
	}
	taken = append(taken, (*queue)[:n]...)
	clear((*queue)[:n])
	if *queue = (*queue)[n:]; len(*queue) == 0 {
		*queue = nil
	}
	return taken, work
}

// end lets all in, from now on.
func (c *crowd) end() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closed = true
	for _, w := range append(c.waiting, c.refused...) {
		w.free <- struct{}{}
	}
	c.waiting, c.refused, c.queued = nil, nil, 0
}

// close ends it all.
func (c *crowd) close() {
	c.open.Do(func() {})
	if c.out != nil {
		c.out.Close()
		c.in.Close()
	}
}

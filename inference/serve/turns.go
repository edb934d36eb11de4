package serve

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// turns lets requests that take long have the processors in turns: each processor works for one of them at a time, that whose answer is due first,
// and looks at the network between pieces of work. An answer is due after stretchMost times the time that the request takes alone. As long as nobody
// has to wait for longer than a request may, all may wait. From then on, whoever would be late, or make another one late, is refused at once: so a request
// that is let in keeps its time, however many others there are. That ends when a second has passed in which nobody was refused.
type turns struct {
	cores int
	most  int                                         // that may be let in
	wait  time.Duration                               // for a processor
	lag   func(now time.Time, some int) time.Duration // how long short requests wait, if there are some; see crowd
	short func() int64                                // how many of these have come

	mu      sync.Mutex
	jobs    []*job    // those that were let in, by when they are due
	running int       // of them
	rest    time.Time // until when short requests have the processors for themselves if somebody is refused, see fits
	stretch float64   // how many times longer a request takes for what else the machine does meanwhile

	strict atomic.Int64 // until when dues count, in nanoseconds of Unix time
	piece  atomic.Int64 // nanoseconds of work after which others may go first

	breath breath
}

const (
	// stretchMost leaves something of the twofold time for what is not foreseen.
	stretchMost = 1.75
	// dueAtLeast is when the answer to a short request is due.
	dueAtLeast = 5 * time.Millisecond
	// pieceOfWork is after how long others may go first. It is longer the next time, up to pieceMost, if that took them more than pieceShare times as long:
	// whoever has a processor gets a part of it.
	pieceOfWork = 300 * time.Microsecond
	pieceMost   = 500 * time.Microsecond
	pieceShare  = 4
	// pauseRows is after how many rows the clock is looked at for that.
	pauseRows = 32
	// arrival is how long a place is kept for a request whose body is still coming.
	arrival = 50 * time.Millisecond
)

// job is a request that takes long.
type job struct {
	turns *turns
	left  time.Duration // of the time it takes, as far as that is known
	takes time.Duration // that was expected
	took  time.Duration
	held  time.Duration // with what others did meanwhile, but for other jobs
	due   time.Time
	until time.Time // when its place is lost because the body does not come; zero once it is there
	last  time.Time // until is no later than that
	short int64     // how many short requests had come when it was let in

	ready   bool // it can run
	running bool
	since   time.Time     // of its piece of work
	granted chan struct{} // a processor
}

func newTurns(cores, most int, wait time.Duration, lag func(time.Time, int) time.Duration, short func() int64) *turns {
	t := &turns{cores: cores, most: most, wait: wait, lag: lag, short: short, stretch: 1}
	t.piece.Store(int64(pieceOfWork))
	return t
}

// admit keeps a place for a request that takes some time and whose body is still coming, or is not. It returns nil if there is none.
func (t *turns) admit(takes time.Duration, coming bool) *job {
	now := time.Now()
	j := &job{turns: t, left: takes, takes: takes, last: now.Add(t.wait), short: t.short(), granted: make(chan struct{}, 1)}
	j.due = now.Add(dueAfter(takes))
	if coming {
		j.until = now.Add(arrival)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.forget(now)
	if !t.fits(j, now) {
		return nil
	}
	t.insert(j)
	return j
}

// room tells whether admit would find a place.
func (t *turns) room(takes time.Duration) bool {
	now := time.Now()
	t.mu.Lock()
	defer t.mu.Unlock()
	t.forget(now)
	return t.fits(&job{left: takes, due: now.Add(dueAfter(takes))}, now)
}

// isStrict tells whether somebody was refused just now.
func (t *turns) isStrict(now time.Time) bool { return now.UnixNano() < t.strict.Load() }

func (t *turns) beStrict(now time.Time) { t.strict.Store(now.Add(strictFor).UnixNano()) }

// forget gives up places that were kept for too long.
func (t *turns) forget(now time.Time) {
	t.jobs = slices.DeleteFunc(t.jobs, func(k *job) bool { return !k.until.IsZero() && k.until.Before(now) })
}

func dueAfter(takes time.Duration) time.Duration {
	return max(time.Duration(stretchMost*float64(takes)), dueAtLeast)
}

func (t *turns) insert(j *job) {
	at, _ := slices.BinarySearchFunc(t.jobs, j, func(a, b *job) int { return a.due.Compare(b.due) })
	t.jobs = slices.Insert(t.jobs, at, j)
}

// strictFor is how long dues count after somebody was refused.
const strictFor = time.Second

// From what lag on, and of how many at least, short requests have no time to spare for a long one, if somebody was refused, and from what on none may wait for a
// processor.
const (
	lagStrict, someStrict = time.Millisecond, 5
	lagCrowd, someCrowd   = 20 * time.Millisecond, 40
	// restShare is for how many times as long short requests have the processors for themselves as they used them while a long one was at work.
	restShare = 20
)

// fits tells whether there is time for a request. Where somebody is refused, one that would have a processor for itself is let in when short ones do not wait, and when
// these had the processors for themselves for some time: so long ones take what short ones leave, and no more.
func (t *turns) fits(j *job, now time.Time) (ok bool) {
	strict := t.isStrict(now)
	switch {
	case len(t.jobs) < t.cores: // it has a processor for itself, but for short ones
		ok = !strict || !now.Before(t.rest) && t.lag(now, someStrict) <= lagStrict
	case len(t.jobs) >= t.most:
	case strict:
		ok = t.inTime(j, now)
	default:
		var before time.Duration
		for _, k := range t.jobs {
			before += k.left
		}
		ok = t.lag(now, someCrowd) <= lagCrowd && time.Duration(t.stretch*float64(before))/time.Duration(t.cores) <= t.wait
	}
	if !ok {
		t.beStrict(now)
	}
	return ok
}

// inTime tells whether a request would be in time, and those that are due after it as well.
func (t *turns) inTime(j *job, now time.Time) bool {
	late := func(before, left time.Duration, due time.Time) bool {
		return now.Add(time.Duration(t.stretch * float64(before/time.Duration(t.cores)+left))).After(due)
	}
	var before time.Duration
	placed := false
	for _, k := range t.jobs {
		if !placed && j.due.Before(k.due) {
			if late(before, j.left, j.due) {
				return false
			}
			before += j.left
			placed = true
		}
		if placed && late(before, k.left, k.due) {
			return false
		}
		before += k.left
	}
	return placed || !late(before, j.left, j.due)
}

// keep keeps the place of a job for longer, as others went first while its body was read.
func (t *turns) keep(j *job, longer time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if j.until = j.until.Add(longer); j.until.After(j.last) {
		j.until = j.last
	}
}

// arrived tells that the body is there. It returns false if the place was lost meanwhile, and there is none any more.
func (t *turns) arrived(j *job) bool {
	now := time.Now()
	t.mu.Lock()
	defer t.mu.Unlock()
	i := slices.Index(t.jobs, j)
	if i >= 0 {
		t.jobs = slices.Delete(t.jobs, i, i+1)
	}
	j.due = now.Add(dueAfter(j.left))
	if i < 0 && !t.fits(j, now) {
		return false
	}
	j.until = time.Time{}
	t.insert(j)
	return true
}

// begin waits for a processor.
func (t *turns) begin(ctx context.Context, j *job, waited time.Duration) bool {
	t.mu.Lock()
	j.ready = true
	t.grant()
	t.mu.Unlock()
	timer := time.NewTimer(t.wait - waited)
	defer timer.Stop()
	select {
	case <-j.granted:
		j.since = time.Now()
		return true
	case <-timer.C:
		t.beStrict(time.Now())
	case <-ctx.Done():
	}
	return false
}

// grant gives processors that are free to those who are due first. The caller holds mu.
func (t *turns) grant() {
	for _, j := range t.jobs {
		if t.running == t.cores {
			return
		}
		if j.ready && !j.running {
			j.running = true
			t.running++
			j.granted <- struct{}{}
		}
	}
}

// end gives back what a request had, whether it ran or not.
func (t *turns) end(j *job) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if i := slices.Index(t.jobs, j); i >= 0 {
		t.jobs = slices.Delete(t.jobs, i, i+1)
	}
	if j.running {
		if !j.since.IsZero() {
			worked := time.Since(j.since)
			j.took += worked
			j.held += worked
			if t.short()-j.short >= someStrict { // it was for them that it was held
				if rest := time.Now().Add(min(restShare*(j.held-j.took), strictFor)); rest.After(t.rest) {
					t.rest = rest
				}
			}
			if j.takes > 0 {
				t.stretch += (max(float64(j.held)/float64(j.takes), 1) - t.stretch) / stretchWeight
			}
		}
		j.running = false
		t.running--
		t.grant()
	}
}

// pause is called every now and then by whoever works for a request: others may go first. A nil job never waits.
func (j *job) pause() {
	if j == nil {
		return
	}
	now := time.Now()
	worked := now.Sub(j.since)
	t := j.turns
	if worked < time.Duration(t.piece.Load()) {
		return
	}
	t.mu.Lock()
	j.took += worked
	j.held += worked
	j.left -= worked
	switch {
	case j.left > 0:
	case j.took < 2*j.takes: // who takes longer than was thought is thought to take a little longer,
		j.left = j.took / 8
	default: // and then as long again, and lets others go first
		i := slices.Index(t.jobs, j)
		t.jobs = slices.Delete(t.jobs, i, i+1)
		j.left = j.took
		j.due = now.Add(dueAfter(j.left))
		t.insert(j)
	}
	crowded, yields := t.running == t.cores, false
	for _, k := range t.jobs {
		if k == j {
			break
		}
		if k.ready && !k.running {
			yields = true
			break
		}
	}
	if yields {
		j.running = false
		t.running--
		t.grant()
		if j.running { // another processor had become free
			yields = false
			<-j.granted
		}
	}
	t.mu.Unlock()
	switch {
	case yields:
		<-j.granted
		j.since = time.Now()
	case crowded:
		t.breath.take()
		j.since = time.Now()
		breath := j.since.Sub(now)
		j.held += breath
		t.piece.Store(int64(min(max(breath/pieceShare, pieceOfWork), pieceMost)))
	default:
		j.since = now
	}
}

// apart lets others have the processor while wait waits for something that takes none: for what another request has, or for the client. Nor does it count meanwhile
// when somebody asks whether there is time. A nil job has no processor.
func (j *job) apart(wait func()) {
	if j == nil {
		wait()
		return
	}
	t := j.turns
	t.mu.Lock()
	worked := time.Since(j.since)
	j.took += worked
	j.held += worked
	j.left -= worked
	j.ready, j.running = false, false
	t.running--
	t.jobs = slices.DeleteFunc(t.jobs, func(k *job) bool { return k == j })
	t.grant()
	t.mu.Unlock()
	wait()
	t.mu.Lock()
	j.ready = true
	t.insert(j)
	t.grant()
	t.mu.Unlock()
	<-j.granted
	j.since = time.Now()
}

// stretchWeight is over how many requests the stretch is taken.
const stretchWeight = 16

type jobKey struct{}

// jobOf is the job of a request, nil if it is short.
func jobOf(ctx context.Context) *job {
	j, _ := ctx.Value(jobKey{}).(*job)
	return j
}

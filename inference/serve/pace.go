package serve

import "time"

// Pace is that of work that nobody waits for, such as a reload: after each piece of it others have the processor, and the runtime looks at the network. It would
// not do so by itself for 10 ms, and then go on with the work before it looks again: with one processor that added 20 to 40 ms to some requests. It has one
// goroutine, and is a [model.Pauser].
type Pace struct{ since time.Time }

const (
	// pacePiece is after how long it rests.
	pacePiece = time.Millisecond
	// paceRest is how many times as long as a piece of work took others have the processor.
	paceRest = 2
	// paceMost is the longest rest, for when a piece was long because the machine had other things to do.
	paceMost = 20 * time.Millisecond
)

// NewPace is for work that begins now.
func NewPace() *Pace { return &Pace{time.Now()} }

// Pause rests if it is time to.
func (p *Pace) Pause() {
	worked := time.Since(p.since)
	if worked < pacePiece {
		return
	}
	time.Sleep(min(paceRest*worked, paceMost))
	p.since = time.Now()
}

// haste is the pace of work that somebody waits for: between pieces of it everybody is served who has something to say then. It is a [model.Pauser] of one goroutine.
type haste struct {
	since  time.Time
	breath breath
}

func newHaste() *haste { return &haste{since: time.Now()} }

func (h *haste) Pause() {
	if time.Since(h.since) < pacePiece {
		return
	}
	h.breath.take()
	h.since = time.Now()
}

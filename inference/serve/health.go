package serve

import (
	"math"
	"sync"
	"time"
)

const (
	// freshFor is how long a row that was scored shows that a model works, and recheckAfter after what time another one is scored for
	// whoever asks.
	freshFor     = 10 * time.Second
	recheckAfter = 5 * time.Second
	// checkWait is how long who asks waits for that row: SageMaker gives an answer to /ping 2 s.
	checkWait = time.Second
)

// health knows whether a model works: a row without values was scored in the last ten seconds. The row is scored when somebody asks, beside all
// queues, so that too many requests do not make a model look ill. It is safe for concurrent use.
type health struct {
	score func() error     // of the row
	now   func() time.Time // nil is time.Now

	mu      sync.Mutex
	last    time.Time     // when the row was scored
	failing bool          // the last time it was not
	running chan struct{} // closed when the row that is being scored is; nil if none is
}

func newHealth(s scorer) *health {
	return &health{score: func() error { _, err := scoreNothing(s); return err }}
}

// scoreNothing scores a row without values.
func scoreNothing(s scorer) (out []float32, err error) {
	row := make([]float32, s.NumFeature())
	for i := range row {
		row[i] = float32(math.NaN())
	}
	out = make([]float32, s.NumOutput())
	return out, s.Predict(out, row)
}

// ok tells whether the model works.
func (h *health) ok() bool {
	h.mu.Lock()
	age := h.clock().Sub(h.last)
	if age >= 0 && age < recheckAfter && !h.failing {
		h.mu.Unlock()
		return true
	}
	if h.running == nil {
		h.running = make(chan struct{})
		go h.check(h.running)
	}
	running := h.running
	h.mu.Unlock()
	wait := time.NewTimer(checkWait)
	defer wait.Stop()
	select {
	case <-running:
	case <-wait.C: // the last one counts
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	return !h.failing && h.clock().Sub(h.last) < freshFor
}

// check scores the row. A panic is a bug, of which every request to the model is told; here it is no more than a row that was not scored.
func (h *health) check(done chan struct{}) {
	failed := true
	defer func() {
		recover()
		h.mu.Lock()
		defer h.mu.Unlock()
		if h.failing = failed; !failed {
			h.last = h.clock()
		}
		h.running = nil
		close(done)
	}()
	failed = h.score() != nil
}

func (h *health) clock() time.Time {
	if h.now != nil {
		return h.now()
	}
	return time.Now()
}

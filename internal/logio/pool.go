package logio

import (
	"sync"
	"time"
)

// maxShared is how much memory all readers together may take for lines that do not fit into the buffer that each begins with. READ-2 has 64 MiB, and 80 MiB for 256
// readers in all: 64 KiB that each begins with are 16 MiB, and what it knows of its log is some 10 with its stack, which is taken off.
const maxShared = 48 << 20

// perBuffer is how many times a buffer counts: what a reader makes of a line while it reads it, such as texts without their escapes, may be as long as the line.
const perBuffer = 2

// maxTurn is how long a reader waits for others to give memory back. They do so with their next line; one whose owner waits for this reader never would, so that
// the wait has to end.
const maxTurn = 10 * time.Second

// pool is memory for long lines, shared by all readers. A buffer that is given back is kept for the next one.
type pool struct {
	mu    sync.Mutex
	limit int
	total int // bytes of all buffers, lent or free, perBuffer times
	free  [][]byte
	given chan struct{} // closed when something is given back
}

var shared = pool{limit: maxShared, given: make(chan struct{})}

// take returns a buffer of n bytes, if need be when others have given theirs back. It holds what it held before. A reader that is bigger than all
// of the pool, or that waits in vain, gets one of its own: lent is false then.
func (p *pool) take(n int, turn time.Duration) (buf []byte, lent bool) {
	if perBuffer*n > p.limit {
		return make([]byte, n), false
	}
	end := time.Now().Add(turn)
	for {
		p.mu.Lock()
		if buf := p.fit(n); buf != nil {
			p.mu.Unlock()
			return buf, true
		}
		given := p.given
		p.mu.Unlock()
		timer := time.NewTimer(time.Until(end))
		select {
		case <-given:
			timer.Stop()
		case <-timer.C:
			return make([]byte, n), false
		}
	}
}

// fit returns a free buffer, or a new one if there is room for it: nil if there is none.
func (p *pool) fit(n int) []byte {
	for i, b := range p.free {
		if cap(b) >= n {
			last := len(p.free) - 1
			p.free[i] = p.free[last]
			p.free = p.free[:last]
			return b[:n]
		}
	}
	for p.total+perBuffer*n > p.limit && len(p.free) > 0 { // all of them are too small
		last := len(p.free) - 1
		p.total -= perBuffer * cap(p.free[last])
		p.free[last] = nil
		p.free = p.free[:last]
	}
	if p.total+perBuffer*n > p.limit {
		return nil
	}
	p.total += perBuffer * n
	return make([]byte, n)
}

// give takes back what take lent.
func (p *pool) give(buf []byte) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.free = append(p.free, buf)
	close(p.given)
	p.given = make(chan struct{})
}

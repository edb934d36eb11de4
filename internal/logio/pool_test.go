package logio

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// SharedTotal and SharedFree are the bytes of the buffers for long lines.
func SharedTotal() int {
	shared.mu.Lock()
	defer shared.mu.Unlock()
	return shared.total
}

func SharedFree() (n int) {
	shared.mu.Lock()
	defer shared.mu.Unlock()
	for _, b := range shared.free {
		n += perBuffer * cap(b)
	}
	return n
}

func TestPool(t *testing.T) {
	p := pool{limit: 200, given: make(chan struct{})}
	a, lent := p.take(60, time.Minute)
	require.True(t, lent)
	_, lent = p.take(60, time.Millisecond)
	require.False(t, lent, "it waited in vain")
	_, lent = p.take(101, time.Minute)
	require.False(t, lent, "more than there is")
	b, lent := p.take(40, time.Minute)
	require.True(t, lent)
	done := make(chan bool)
	go func() {
		_, lent := p.take(50, time.Minute)
		done <- lent
	}()
	p.give(b) // too small for who waits, and b is not lent
	p.give(a)
	require.True(t, <-done)
	require.LessOrEqual(t, p.total, p.limit)
}

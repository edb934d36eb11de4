package serve

import (
	"math"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestCrowd has many requests wait and says itself when the byte that was sent is back: some are let go each time, first those who came first, and those who
// would wait for too long are refused, no faster than others are answered.
func TestCrowd(t *testing.T) {
	c := newCrowd(1, 250*time.Millisecond)
	var err error
	c.open.Do(func() { c.in, c.out, err = os.Pipe() })
	require.NoError(t, err)
	defer c.close()
	back := func() {
		var b [1]byte
		n, err := c.in.Read(b[:]) // until it was sent
		require.NoError(t, err)
		require.Equal(t, 1, n)
		c.returned()
	}
	const inRound, mayWait, more = int(crowdRound / shortWork), 2 * crowdLeast, 1000
	for range inRound {
		require.True(t, c.enter(time.Now(), 0), "as long as they are few")
	}
	begin := time.Now().Add(time.Hour) // so that nobody has waited before
	var in, refused atomic.Int64
	var wait sync.WaitGroup
	for range mayWait + more {
		wait.Go(func() {
			if c.enter(begin, 0) {
				in.Add(1)
			} else {
				refused.Add(1)
			}
		})
	}
	waiting := func() (waiting, refused int) {
		c.mu.Lock()
		defer c.mu.Unlock()
		return len(c.waiting), len(c.refused)
	}
	require.Eventually(t, func() bool { n, _ := waiting(); return n == mayWait }, 20*time.Second, time.Millisecond)
	require.Eventually(t, func() bool { _, n := waiting(); return n == more }, 20*time.Second, time.Millisecond)
	require.Zero(t, in.Load()+refused.Load())

	back()
	n, away := waiting()
	require.Equal(t, mayWait-inRound, n)
	require.Equal(t, more-int(crowdRound/refusalShare/refusalWork), away)
	for c.sent.Load() {
		back()
	}
	wait.Wait()
	require.EqualValues(t, mayWait, in.Load())
	require.EqualValues(t, more, refused.Load())
	require.Zero(t, c.queued)
	require.True(t, c.enter(time.Now().Add(time.Hour), 0), "and all is as before")

	now := time.Now().Add(2 * time.Hour)
	require.Zero(t, c.lag(now, someStrict), "a byte was sent just now")
	require.Zero(t, c.lag(now.Add(time.Second), someStrict), "and is late, but next to nothing came meanwhile")
	for range someStrict {
		require.True(t, c.enter(begin, 0))
	}
	require.Greater(t, c.lag(now.Add(time.Second), someStrict), time.Second)
	time.Sleep(10 * time.Millisecond)
	back()
	require.False(t, c.sent.Load())
	c.next.Store(math.MaxInt64) // no other byte
	came := c.begin.Add(time.Duration(c.came))
	require.GreaterOrEqual(t, c.lag(came, someStrict), 10*time.Millisecond, "that is how long it took")
	require.Zero(t, c.lag(came.Add(lagSince), someStrict), "which is long ago")
	c.next.Store(0)
	require.True(t, c.enter(begin, 0))

	for range 3 {
		wait.Go(func() { c.enter(begin, time.Minute) })
	}
	require.Eventually(t, func() bool { n, away := waiting(); return n+away == 3 }, 20*time.Second, time.Millisecond)
	c.end()
	wait.Wait() // the end lets everybody go
	require.True(t, c.enter(begin, time.Minute))
}

// TestLate has requests come out of the kernel late, where somebody is refused already: all but a few of them are refused.
func TestLate(t *testing.T) {
	c := newCrowd(1, 250*time.Millisecond)
	c.open.Do(func() {}) // nothing is sent
	c.sent.Store(true)
	var strict atomic.Bool
	c.strict = func(time.Time) bool { return strict.Load() }
	late := time.Now().Add(-2 * strictWait)
	for range someStrict {
		require.True(t, c.enter(late, 0))
	}
	require.True(t, c.enter(late, 0), "nobody is refused yet")
	strict.Store(true)
	require.True(t, c.enter(time.Now().Add(time.Hour), 0), "in time")
	var wait sync.WaitGroup
	var in atomic.Int64
	for range 100 {
		wait.Go(func() {
			if c.enter(late, 0) {
				in.Add(1)
			}
		})
	}
	waiting := func(waiting, refused int) func() bool {
		return func() bool {
			c.mu.Lock()
			defer c.mu.Unlock()
			return len(c.waiting) == waiting && len(c.refused) == refused
		}
	}
	require.Eventually(t, waiting(0, 100), 20*time.Second, time.Millisecond)
	require.False(t, c.late(time.Now().Add(time.Hour)))
	strict.Store(false)
	c.work.Store(c.round)
	wait.Go(func() {
		if c.enter(late, 0) { // nobody is refused any more; but somebody is by the time that it is its turn
			in.Add(1)
		}
	})
	require.Eventually(t, waiting(1, 100), 20*time.Second, time.Millisecond)
	strict.Store(true)
	c.end()
	wait.Wait()
	require.Zero(t, in.Load())
}

// TestCrowdAtTheGate has every request wait for a byte that goes through a real pipe.
func TestCrowdAtTheGate(t *testing.T) {
	s := &Server{}
	s.limits = s.Limits.resolved()
	g := newGate(s)
	g.crowd.round = 1
	defer g.crowd.close()
	var answered atomic.Int64
	var wait sync.WaitGroup
	for range 8 {
		wait.Go(func() {
			for range 200 {
				j, ok := g.enter(t.Context(), nil, &g.costs.cells[0], 300, time.Now())
				if ok {
					answered.Add(1)
					g.slots.leave(0)
				}
				g.end(j)
			}
		})
	}
	wait.Wait()
	require.EqualValues(t, 1600, answered.Load())
	require.Eventually(t, func() bool { return !g.crowd.sent.Load() }, 20*time.Second, time.Millisecond)
}

package serve

import (
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

func noLag(time.Time, int) time.Duration { return 0 }

func noShort() int64 { return 0 }

// TestTurns asks ten times as much as a number of processors can do, by a clock of its own: whoever is let in once it is known that there is too much
// has his answer within twice the time that it takes alone, long and short ones are let in, and the processors are not idle.
func TestTurns(t *testing.T) {
	for _, cores := range []int{1, 2} {
		synctest.Test(t, func(t *testing.T) {
			turns := newTurns(cores, 72, 250*time.Millisecond, noLag, noShort)
			sizes := []time.Duration{2 * time.Millisecond, 4 * time.Millisecond, 4 * time.Millisecond, 40 * time.Millisecond}
			const length = 5 * time.Second
			draw := rand.New(rand.NewPCG(7, uint64(cores)))
			begin := time.Now()
			var mu sync.Mutex
			var wait sync.WaitGroup
			var worked time.Duration
			answered, refused, late := map[time.Duration]int{}, 0, map[time.Duration]int{}
			for time.Since(begin) < length {
				time.Sleep(time.Duration(draw.ExpFloat64() * float64(12500*time.Microsecond) / 10 / float64(cores))) // 12.5 ms is the mean size
				size := sizes[draw.IntN(len(sizes))]
				wait.Go(func() {
					arrived := time.Now()
					j := turns.admit(size, true)
					if j == nil {
						mu.Lock()
						refused++
						mu.Unlock()
						require.Equal(t, arrived, time.Now(), "whoever is refused hears it at once")
						return
					}
					time.Sleep(time.Millisecond) // the body
					arrived = time.Now()
					require.True(t, turns.arrived(j))
					if !turns.begin(t.Context(), j, 0) {
						turns.end(j)
						return
					}
					for done := time.Duration(0); done < size; done += 500 * time.Microsecond {
						time.Sleep(500 * time.Microsecond)
						j.pause()
					}
					turns.end(j)
					mu.Lock()
					defer mu.Unlock()
					worked += size
					if arrived.Sub(begin) < 2*time.Second {
						return
					}
					answered[size]++
					if time.Since(arrived) > max(2*size, 2*dueAtLeast) {
						late[size]++
					}
				})
			}
			wait.Wait()
			turns.breath.close()
			t.Logf("%d processors: answered %v, refused %d, late %v, busy %.2f", cores, answered, refused, late, worked.Seconds()/length.Seconds()/float64(cores))
			all := 0
			for _, size := range sizes {
				require.Greater(t, answered[size], 10)
				all += answered[size]
			}
			require.LessOrEqual(t, len(late)*100, all)
			require.Greater(t, worked, time.Duration(cores)*length*7/10)
			require.Empty(t, turns.jobs)
		})
	}
}

// A place is lost if the body does not come, a request that takes longer than was thought lets others go first, and as long as nobody waits for too long
// nobody is refused.
func TestTurnsOfSlowSenders(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		turns := newTurns(1, 72, 250*time.Millisecond, noLag, noShort)
		defer turns.breath.close()
		slow := turns.admit(100*time.Millisecond, true)
		require.NotNil(t, slow)
		require.NotNil(t, turns.admit(200*time.Millisecond, true), "it may wait for 100 ms")
		require.Nil(t, turns.admit(100*time.Millisecond, true), "but not for 300")
		time.Sleep(arrival + 1)
		next := turns.admit(100*time.Millisecond, true)
		require.NotNil(t, next)
		require.False(t, turns.arrived(slow), "its place was lost")
		require.True(t, turns.arrived(next))
		require.True(t, turns.begin(t.Context(), next, 0))
		due := next.due
		for range 300 {
			time.Sleep(time.Millisecond)
			next.pause()
		}
		require.True(t, next.due.After(due))
		turns.end(next)
		require.True(t, turns.arrived(slow))
		turns.end(slow)
		require.Empty(t, turns.jobs)
		require.Zero(t, turns.running)
	})
}

// Where somebody is refused, a request is let in when short ones have time to spare; to ask whether there is room changes nothing.
func TestTurnsAndShortRequests(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var lag time.Duration
		var short int64
		turns := newTurns(1, 72, 250*time.Millisecond, func(time.Time, int) time.Duration { return lag }, func() int64 { return short })
		defer turns.breath.close()
		const takes = 20 * time.Millisecond
		lag = lagStrict + 1
		require.True(t, turns.room(takes), "nobody is refused yet")
		require.True(t, turns.room(takes))
		first := turns.admit(takes, false)
		require.NotNil(t, first)
		require.True(t, turns.room(takes), "and may wait")
		lag = lagCrowd + 1
		require.False(t, turns.room(takes), "short ones wait for too long")
		require.True(t, turns.isStrict(time.Now()))
		turns.end(first)
		lag = lagStrict + 1
		require.False(t, turns.room(takes), "somebody was refused just now")
		require.Nil(t, turns.admit(takes, false))
		lag = 0
		require.True(t, turns.room(takes))
		j := turns.admit(takes, false)
		require.NotNil(t, j)
		require.True(t, turns.begin(t.Context(), j, 0))
		time.Sleep(takes)
		j.held += 40 * time.Millisecond // as others breathed
		short += someStrict
		turns.end(j)
		require.False(t, turns.room(takes))
		time.Sleep(restShare*40*time.Millisecond - time.Nanosecond)
		require.False(t, turns.room(takes), "the time that others had is theirs again")
		time.Sleep(time.Nanosecond)
		require.True(t, turns.room(takes))
		j = turns.admit(takes, false)
		require.True(t, turns.begin(t.Context(), j, 0))
		time.Sleep(takes)
		j.held += time.Second
		turns.end(j)
		require.True(t, turns.room(takes), "there were no short ones that wanted it")
		lag = lagStrict + 1
		time.Sleep(strictFor)
		require.True(t, turns.room(takes), "nobody was refused for a second")
	})
}

func TestCosts(t *testing.T) {
	c := new(costs)
	cell := &c.cells[0]
	require.Equal(t, 20*time.Millisecond, takes(cell, 1e6))
	learn(cell, 1e6, 10*time.Millisecond)
	require.Equal(t, 10*time.Millisecond, takes(cell, 1e6))
	learn(cell, 100, time.Second) // of so few bytes that nothing follows
	require.Equal(t, 10*time.Millisecond, takes(cell, 1e6))
	learn(cell, 1e6, 74*time.Millisecond)
	require.Equal(t, 11*time.Millisecond, takes(cell, 1e6))
	learn(cell, 1e6, time.Millisecond)
	require.Equal(t, 6*time.Millisecond, takes(cell, 1e6))
}

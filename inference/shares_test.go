package inference

import (
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestShares has every part taken once, whoever comes when.
func TestShares(t *testing.T) {
	for _, parts := range []int{1, 2, 3, 7, 64, 391} {
		for _, most := range []int{1, 3, 100} {
			for _, workers := range []int{2, 3, 64} {
				var s shares
				s.split(parts, most, workers)
				taken := make([]int, parts)
				// All take in turns, but for the last one, which never comes: its share goes to the others.
				for left := workers - 1; left > 0; {
					left = 0
					for worker := range workers - 1 {
						first, n := s.take(worker)
						require.LessOrEqual(t, n, most)
						for i := range n {
							taken[first+i]++
						}
						if n > 0 {
							left++
						}
					}
				}
				for part, times := range taken {
					require.Equal(t, 1, times, "part %d of %d", part, parts)
				}
			}
		}
	}
}

// TestSharesAtOnce is the same with goroutines that take from each other.
func TestSharesAtOnce(t *testing.T) {
	const parts, workers = 20_000, 4
	var s shares
	s.split(parts, 5, workers)
	var wait sync.WaitGroup
	taken := make([][]int, workers)
	for worker := range workers {
		wait.Go(func() {
			for {
				first, n := s.take(worker)
				if n == 0 {
					return
				}
				for i := range n {
					taken[worker] = append(taken[worker], first+i)
				}
			}
		})
	}
	wait.Wait()
	seen := make([]bool, parts)
	for _, of := range taken {
		for _, part := range of {
			require.False(t, seen[part], "part %d twice", part)
			seen[part] = true
		}
	}
	for part := range seen {
		require.True(t, seen[part], "part %d", part)
	}
}

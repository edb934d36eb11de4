package inference

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// TestTurns has every row in one turn, in order, and no long turn among the last.
func TestTurns(t *testing.T) {
	for _, n := range []int{1, 31, 32, 33, 255, 256, 257, 1000, 100_000} {
		for _, part := range []int{32, 256} {
			for _, parts := range []int{1, 3, 4} {
				for _, workers := range []int{2, 3, 64} {
					turns, next := newTurns(n, part, parts*part, workers), 0
					for turn := 0; next < n; turn++ {
						first, rows := turns.rows(turn)
						require.Equal(t, next, first)
						require.Positive(t, rows)
						require.LessOrEqual(t, rows, parts*part)
						next += rows
						if n-next < (workers-1)*parts*part {
							require.LessOrEqual(t, rows, part)
						}
					}
					require.Equal(t, n, next)
					_, rows := turns.rows(n/part + 1)
					require.LessOrEqual(t, rows, 0)
				}
			}
		}
	}
}

package kernel

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestTable numbers keys in the order that they come in, and orders them.
func TestTable(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	var table Table
	for _, n := range []int{0, 1, 2, 300, 5000} {
		for _, bits := range []int{1, 8, 20, 64} {
			table.Clear()
			if r.IntN(2) == 0 {
				table.Grow(r.IntN(2 * (n + 1)))
			}
			numbers := map[uint64]int{}
			for range n {
				key := r.Uint64() >> (64 - bits)
				if r.IntN(2) == 0 {
					key <<= (64 - bits) / 2
				}
				want, known := numbers[key]
				if !known {
					want = len(numbers)
					numbers[key] = want
				}
				number, found := table.Find(key)
				require.Equal(t, known, found)
				require.Equal(t, want, number)
			}
			var sorted []uint64
			for _, i := range table.Order(func() {}) {
				sorted = append(sorted, table.Keys[i])
			}
			require.Equal(t, slices.Sorted(slices.Values(table.Keys)), sorted)
		}
	}
}

//go:build !purego

package kernel

import (
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestTreesNEON compares each network with the walk of its program, from planes of random bits.
func TestTreesNEON(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	const count, trees = 50, 3
	planes := aligned[uint64](2 * count)
	for i := range planes {
		planes[i] = r.Uint64()
	}
	work := aligned[byte](workBytes)
	for depth := 1; depth <= MaxDepth; depth++ {
		program := make([]uint16, trees*(1<<depth-1))
		for i := range program {
			program[i] = reference(r.IntN(count))
		}
		leaves := make([]float32, trees<<depth)
		var tables []byte
		for tree := range trees {
			for i := range 1 << depth {
				leaves[tree<<depth+i] = float32(r.NormFloat64())
			}
			tables = appendTables(tables, leaves[tree<<depth:][:1<<depth])
		}
		sums := aligned[float32](128)
		treesNEON[depth](&planes[0], &program[0], &tables[0], &sums[0], trees, &work[0])
		for row := range sums {
			want := float32(0)
			for tree := range trees {
				code := codeOf(program[tree*(1<<depth-1):][:1<<depth-1], func(reference uint16) bool {
					return planes[int(reference)/planeUnit*2+row/64]>>(row%64)&1 == 1
				})
				want += leaves[tree<<depth:][code]
			}
			require.Equal(t, want, sums[positionsNEON[row]], "row %d at depth %d", row, depth)
		}
	}
}

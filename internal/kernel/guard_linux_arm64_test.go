//go:build !purego

package kernel

import (
	"math/rand/v2"
	"testing"

	"threatdetect/internal/testkit"
)

// TestGuardPages runs every network between pages that it must not touch. A touch ends the test program.
func TestGuardPages(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	const count, trees = 3, 5
	for _, atEnd := range []bool{true, false} {
		work := testkit.Pages(t, make([]byte, workBytes), atEnd)
		planes := testkit.Pages(t, make([]uint64, 2*count), atEnd)
		for i := range planes {
			planes[i] = r.Uint64()
		}
		for depth := 1; depth <= MaxDepth; depth++ {
			program := make([]uint16, trees*(1<<depth-1))
			for i := range program {
				program[i] = reference(r.IntN(count))
			}
			program = testkit.Pages(t, program, atEnd)
			tables := testkit.Pages(t, make([]byte, trees*tableBytes(depth)), atEnd)
			sums := testkit.Pages(t, make([]float32, 128), atEnd)
			treesNEON[depth](&planes[0], &program[0], &tables[0], &sums[0], trees, &work[0])
		}
	}
}

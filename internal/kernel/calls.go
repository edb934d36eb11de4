//go:build (amd64 || arm64) && !purego

package kernel

import "iter"

// maxCall is about how many nanoseconds a call into assembly may take, as the garbage collector cannot stop a goroutine there.
const maxCall = 40_000

// What else a call has to do at most, for the same reason. A rank column has 255 thresholds at most, and a tile MaxPlanes planes of missing rows,
// which takes less.
const (
	maxLoads      = 48   // groups of four columns that become columns
	maxThresholds = 1024 // that a column is compared with
	maxWindows    = 24   // of columns that are compared where they are
	maxSpreads    = 256  // sets of planes of these
)

// calls splits the trees of a run into calls of assembly: from which tree on, and how many.
func (r *run) calls() iter.Seq2[int, int] {
	most := maxCall / callNanoseconds[r.depth]
	return func(yield func(first, n int) bool) {
		for first := 0; first < r.trees; first += most {
			if !yield(first, min(most, r.trees-first)) {
				return
			}
		}
	}
}

//go:build (amd64 || arm64) && !purego

package kernel

import "iter"

// maxCall is about how many nanoseconds a call into assembly may take, as the garbage collector cannot stop a goroutine there.
const maxCall = 40_000

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

//go:build (amd64 || arm64) && !purego

package kernel

import "iter"

// maxCall is about how many nanoseconds a call into assembly may take, as the garbage collector cannot stop a goroutine there.
const maxCall = 40_000

// callNanoseconds is about what a tree takes for a block, by depth, if its planes and its leaves are in no near cache, as after many other columns and trees:
// up to ten times what it takes if they are.
var callNanoseconds = [MaxDepth + 1]int{1: 150, 2: 200, 3: 250, 4: 250, 5: 340, 6: 680, 7: 1250, 8: 2300}

// What else a call has to do at most, for the same reason. A rank column has 255 thresholds at most, and a tile MaxPlanes planes of missing rows,
// which takes less.
const (
	maxLines      = 3072 // of a cache, that hold what is wanted of rows: memory gives one in about 12 ns
	maxLoads      = 48   // groups of four columns that become columns
	maxThresholds = 1024 // that a column is compared with
	maxWindows    = 24   // of columns that are compared where they are
	maxSpreads    = 256  // sets of planes of these
	maxPlaces     = 128  // bytes of bits that are put together
	maxRowRanks   = 512  // columns whose ranks are put in order for rows that walk
)

// inLines is how many of n places in rows a call may take: those in its share of lines, each of which has so many places.
func inLines(rows, n int, size uint32, place func(i int) uint32) int {
	lines, end := 0, uint32(0)
	for i := range n {
		if at := place(i); i == 0 || at >= end || at+size < end {
			if lines++; lines > maxLines/rows {
				return i
			}
			end = at + size
		}
	}
	return n
}

// calls splits the trees of a run into calls of assembly: from which tree on, and how many.
func (r *run) calls() iter.Seq2[int, int] {
	most := maxCall / callNanoseconds[r.depth] &^ 3 // some assembly takes four at a time
	return func(yield func(first, n int) bool) {
		for first := 0; first < r.trees; first += most {
			if !yield(first, min(most, r.trees-first)) {
				return
			}
		}
	}
}

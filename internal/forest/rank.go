package forest

import (
	"cmp"
	"math"
	"math/bits"
	"slices"

	"threatdetect/internal/heapwalk"
)

const (
	// A forest has narrow splits if wide ones and the leaves took more than narrowBytes, which is beyond a second-level cache, and a row
	// takes more than narrowSteps for each used column, so that ranking the row costs less than what it saves.
	narrowBytes = 512 << 10
	narrowSteps = 64

	// maxRank is the most thresholds of a column, and the number of slots, that 16 bits can tell apart, with room for two keys more.
	maxRank = 1<<16 - 2

	rankMissingRight = math.MaxUint16
)

// rankPack ranks the values of some columns. Each column is a tree whose splits are its thresholds in their order, so that the number of
// the leaf is the rank.
type rankPack struct {
	packs   heapwalk.Packs[uint64] // one
	columns []int32                // the places in Forest.columns that the trees stand for
	slots   []uint32               // of their wide keys in which a missing value is less than all thresholds
}

func (p *rankPack) bytes() int64 {
	return int64(8*len(p.packs.Nodes) + 4*(len(p.columns)+len(p.slots)) + 128)
}

// canNarrow tells whether narrow splits can hold ranks and slots of f.
func (f *Forest) canNarrow(thresholds [][]uint32) bool {
	return 2*len(f.columns)+f.tests <= maxRank &&
		!slices.ContainsFunc(thresholds, func(t []uint32) bool { return len(t) > maxRank })
}

// addRanks makes what ranks the columns.
func (f *Forest) addRanks(thresholds [][]uint32) {
	slots := f.wideSlots()
	depth := func(c int32) int { return bits.Len(uint(len(thresholds[c]))) } // has leaves for 0 .. n
	order := make([]int32, len(f.columns))
	for i := range order {
		order[i] = int32(i)
	}
	slices.SortStableFunc(order, func(a, b int32) int { return cmp.Compare(depth(b), depth(a)) })
	for len(order) > 0 {
		deepest := depth(order[0])
		n := 1
		for n < min(heapwalk.PackTrees, len(order)) && depth(order[n])+1 >= deepest {
			n++
		}
		p := rankPack{packs: heapwalk.Packs[uint64]{Trees: n, Depth: deepest}, columns: order[:n:n]}
		p.packs.Nodes = make([]uint64, p.packs.Size())
		for k, c := range p.columns {
			p.slots = append(p.slots, slots[c])
			p.fill(n+k, 0, 1<<deepest, thresholds[c], slots[c])
		}
		f.ranks = append(f.ranks, p)
		order = order[n:]
	}
}

// fill makes the splits from index j on, below which the ranks from begin to end-1 are.
func (p *rankPack) fill(j, begin, end int, thresholds []uint32, slot uint32) {
	if end-begin == 1 {
		return
	}
	middle := (begin + end) / 2
	threshold := uint32(math.MaxUint32) // no rank lies beyond
	if middle <= len(thresholds) {
		threshold = thresholds[middle-1]
	}
	p.packs.Nodes[j] = heapwalk.Wide(threshold, slot)
	p.fill(2*j, begin, middle, thresholds, slot)
	p.fill(2*j+1, middle, end, thresholds, slot)
}

// rank writes the narrow keys of row r of a call, whose wide keys are given.
func (f *Forest) rank(s *Scratch, r int, wide []uint64) {
	n := f.numNarrow()
	keys := s.narrow[r*n:][:n]
	for i := range f.ranks {
		p := &f.ranks[i]
		places := s.places[:len(p.columns)]
		heapwalk.Find(places, &p.packs, wide)
		mask := uint32(1)<<p.packs.Depth - 1
		for k, c := range p.columns {
			left := uint16(places[k] & mask)
			missing := uint16((wide[p.slots[k]]>>32 - 1) >> 48) // all ones for keyMissingLeft, else 0
			pair := keys[2*c:][:2]
			pair[0] = heapwalk.NarrowKey(left)
			pair[1] = heapwalk.NarrowKey(left | missing)
		}
	}
	tests := wide[len(wide)-f.tests:]
	for i, key := range tests {
		keys[2*len(f.columns)+i] = narrowTest(key)
	}
}

// narrowTest makes a narrow key of the wide one of a categorical condition.
func narrowTest(key uint64) uint32 { return uint32(key>>32) | heapwalk.NarrowKey(0) }

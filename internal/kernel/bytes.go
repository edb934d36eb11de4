package kernel

import (
	"encoding/binary"
	"math"
	"slices"
)

// What small blocks need; see the package comment.
const (
	// SmallRows is the number of rows of a small block, and SmallestRows that of one for less.
	SmallRows    = 64
	SmallestRows = 32

	// FewRows is up to how many rows of the smallest block walk without the others.
	FewRows = 16

	// mostSmall is up to how many rows are taken in small blocks, one after the other.
	mostSmall = 64

	// upperLevels is the number of levels that are compared for all rows.
	upperLevels = 6

	// sideBytes is what the ranks of a column take: less 128, as signed bytes, with missing values to the right of all thresholds, and to the left.
	sideBytes = 2 * SmallRows

	// rowBytes is what they take as rows that walk want them: eight rows side by side, as they are, with missing values to the right and to the left.
	rowBytes = 2 * 8

	// maxNarrow is up to how many columns have numbers of both forms of their ranks in a byte.
	maxNarrow = 128

	// maxCounted is up to how many thresholds a rank is the number of those that a comparison with each of them finds.
	maxCounted = 16
)

// byteColumn is thresholds of one column among which small blocks rank its values.
type byteColumn struct {
	slot       int
	ranked     *ranked   // one of those that other blocks have, or an own one; nil if thresholds are counted
	own        bool      // this one alone has it
	thresholds []float32 // to be counted
}

// split is a condition of a small plan while it is built: twice the number of a threshold, plus 2, plus 1 if missing values go left. The
// answer to the zero split does not matter.
type split uint32

// addSplits takes note of what the conditions of a tile are.
func (b *Builder) addSplits(t *tile) {
	t.splits = make([]split, len(b.conds))
	for i, a := range b.asked {
		t.splits[a.right], t.splits[a.left] = split(2*i+2), split(2*i+3)
	}
	t.splits[0] = 0 // of the condition that is not there
}

// byteSplit is a condition of a small plan: a reference to ranks, and the first of them that goes right.
type byteSplit struct {
	ranks uint16
	first byte
}

// placeSmall makes what small blocks need, if references can hold it.
func (b *Builder) placeSmall(slot map[int32]int) {
	p := &b.plan
	splits := make([]byteSplit, 2*len(b.thresholds)+2)
	splits[0].first = 1
	order := make([]int32, 0, len(b.thresholds))
	for i, seen := range b.seen {
		if seen {
			order = append(order, int32(i))
		}
	}
	var values [maxRanked]float32
	infinite := func(number int32) bool { return math.IsInf(float64(b.thresholds[number].Value), 0) }
	for len(order) > 0 {
		b.pause()
		first, n := order[0], 1
		column := b.thresholds[first].Column
		for n < min(len(order), maxRanked) && b.thresholds[order[n]].Column == column && infinite(order[n]) == infinite(first) {
			n++
		}
		c := byteColumn{slot: slot[column]}
		reference := len(p.small) * sideBytes / 8
		if reference > math.MaxUint16-sideBytes/8 {
			p.small = nil
			return
		}
		thresholds := values[:n]
		for i, number := range order[:n] {
			thresholds[i] = b.thresholds[number].Value
			right := byteSplit{uint16(reference), byte(i + 1)}
			splits[2*number+2], splits[2*number+3] = right, byteSplit{right.ranks + SmallRows/8, right.first}
		}
		if n > maxCounted {
			c.find(p, thresholds)
		}
		if c.ranked == nil {
			c.thresholds = slices.Clone(thresholds)
		}
		p.small = append(p.small, c)
		order = order[n:]
	}
	if p.small == nil {
		return
	}
	for i := range p.tiles {
		for j := range p.tiles[i].runs {
			p.walks = p.walks || p.tiles[i].runs[j].depth > upperLevels
		}
	}
	p.wide = p.walks && len(p.small) > maxNarrow
	for i := range p.tiles {
		b.pause()
		p.tiles[i].placeSmall(splits, p.wide)
	}
}

// find looks for the ranks among some thresholds in p, or makes them.
func (c *byteColumn) find(p *Plan, thresholds []float32) {
	look := func(in []ranked) bool {
		for i := range in {
			if r := &in[i]; r.slot == c.slot && r.buckets != nil && slices.Equal(r.thresholds, thresholds) {
				c.ranked = r
				return true
			}
		}
		return false
	}
	if look(p.shared) || len(p.tiles) == 1 && look(p.tiles[0].ranked) {
		return
	}
	if r, ok := newRanked(AVX2, thresholds); ok {
		c.ranked, c.own = &r, true
	}
}

// placeSmall makes the programs of a tile's trees.
func (t *tile) placeSmall(splits []byteSplit, wide bool) {
	size := 0
	for i := range t.runs {
		size += t.runs[i].trees * smallBytes(t.runs[i].depth, wide)
	}
	of := make([]byteSplit, len(t.splits)) // by condition
	for c, s := range t.splits {
		of[c] = splits[s]
	}
	t.small = make([]byte, 0, size)
	for i := range t.runs {
		r := &t.runs[i]
		r.small = len(t.small)
		nodes := 1<<r.depth - 1
		for tree := range r.trees {
			t.small = appendSmall(t.small, r.depth, t.conds[r.program+tree*nodes:][:nodes], of, wide)
		}
	}
}

// upperBytes and smallBytes are the sizes of the upper part of a tree's program, and of all of it.
func upperBytes(depth int) int { return (3*(1<<min(depth, upperLevels)-1) + 1) &^ 1 }

func smallBytes(depth int, wide bool) int {
	size := upperBytes(depth)
	for level := upperLevels; level < depth; level++ {
		size += nodeBytes(wide) << level
	}
	return size
}

// nodeBytes is the size of a node of the lower part.
func nodeBytes(wide bool) int {
	if wide {
		return 4
	}
	return 2
}

// appendSmall appends the program of a tree, whose nodes are in post-order: of the upper levels, in post-order, first all references and then
// all first ranks to the right, less 128; of each lower level, by the code of the way to the node, the first rank to the right and behind it the number of the
// ranks, both in two bytes, or in four if it is wide.
func appendSmall(to []byte, depth int, nodes []Cond, splits []byteSplit, wide bool) []byte {
	begin, size := len(to), smallBytes(depth, wide)
	to = slices.Grow(to, size)[:begin+size]
	program := to[begin:]
	levels := min(depth, upperLevels)
	upper := 1<<levels - 1
	references, first := program[:2*upper], program[2*upper:][:upper]
	if depth <= upperLevels {
		for i, c := range nodes[:upper] {
			s := splits[c]
			binary.LittleEndian.PutUint16(references[2*i:], s.ranks)
			first[i] = s.first ^ 0x80
		}
	} else {
		for level := range levels {
			for i := range 1 << level {
				s, place := splits[nodes[PostOrder(depth-level, i)]], PostOrder(levels-level, i)
				binary.LittleEndian.PutUint16(references[2*place:], s.ranks)
				first[place] = s.first ^ 0x80
			}
		}
	}
	program[3*upper] = 0 // an odd number of bytes are before it
	lower := program[upperBytes(depth):]
	for level := upperLevels; level < depth; level++ {
		n := 1 << level
		for i := range n { // from left to right, which is down from the last code
			s := splits[nodes[PostOrder(depth-level, i)]]
			if number := s.ranks / (SmallRows / 8); wide {
				binary.LittleEndian.PutUint32(lower[4*(n-1-i):], uint32(number)<<16|uint32(s.first))
			} else {
				binary.LittleEndian.PutUint16(lower[2*(n-1-i):], number<<8|uint16(s.first))
			}
		}
		lower = lower[nodeBytes(wide)*n:]
	}
	return to
}

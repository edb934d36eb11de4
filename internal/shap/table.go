package shap

import (
	"math"
	"slices"

	"threatdetect/internal/forest"
)

const (
	// maxTreeTable is the most terms that the table of one tree may hold, 256 KB. A perfect tree of depth 6 has 24,576 of them,
	// one of depth 7 would have 114,688. Beyond the second-level cache a term is no longer cheap, and making one costs about
	// 30 ns.
	maxTreeTable = 1 << 16
	// maxTables is the most terms that all tables of an explainer may hold, 64 MB; making them takes about half a second.
	maxTables = 1 << 24
	// maxTableDepth follows from maxTreeTable: a leaf below d splits has at least 2^d terms.
	maxTableDepth = 16
	// maxTerms is the most terms of a pair; so many are there behind the last one, so that one comparison proves a pair in range.
	maxTerms = 2 * maxTableDepth
)

// table holds, for each leaf of a tree and each pattern of hot and cold on the way to it, the terms of the columns on that way.
// The two leaves below one split make a pair: they have the same columns and are visited one right after the other.
type table struct {
	splits []split // those with another split below them, each before the ones below it
	pairs  []pair
	terms  []float32
	width  int   // columns of the longest path
	top    uint8 // slot of the root's column, which is the first of every pair
	root   uint  // as a child of a split
}

// split is a split of a table. Its children are splits or, from firstPair on, pairs. On the way down to a pair a rank is summed up: its
// low eight bits are how many pairs are visited before it, and the others the pattern. A child that is cold adds to that all the pairs
// of its sibling, and the bit of this split.
type split struct {
	key                 uint64 // the threshold's in the high half, the slot of the row's key in the low one; see package forest
	right, left         uint16
	rightLast, leftLast uint32 // what the child adds if it is the cold one
}

// firstPair is the number of pairs that there can be at most, and more than there can be splits.
const firstPair = 256

// pair is a split with two leaves, or a leaf whose sibling is none. For each pattern above it there are, if the row goes right and if it
// goes left, width terms of the hot leaf and width of the cold one. A leaf alone has the same whatever the row, with -0 in place of
// the other leaf: to add that changes nothing.
type pair struct {
	key   uint64
	term  uint32               // where its terms start
	side  uint32               // from the terms for right to those for left, 0 for a leaf alone
	size  uint32               // from the terms of a pattern to those of the next
	slots [maxTableDepth]uint8 // of its width columns, the places in tree.columns, and noSlot for what is left over
}

// noSlot is the slot of no column. The terms that belong to it are -0.
const noSlot = 255

func (t *table) bytes() int64 {
	return int64(24*len(t.splits) + 40*len(t.pairs) + 4*len(t.terms))
}

// tableMaker makes the table of one tree.
type tableMaker struct {
	f      *forest.Forest
	tree   *tree
	table  *table
	limit  int
	top    int32   // the root's column
	pairAt []int32 // of a split with two leaves, or of a leaf alone: the pair's index
}

// newTable returns the table of t, or nil if that has more than limit terms or t has no splits, too many columns, or splits that are
// no comparisons.
func newTable(f *forest.Forest, t *tree, limit int) *table {
	if t.nodes[0].IsLeaf() || len(t.columns) > noSlot {
		return nil
	}
	m := &tableMaker{f: f, tree: t, table: &table{}, limit: limit, top: int32(t.nodes[0].Column())}
	leaves := 0
	if !m.measure(0, nil, 0, &leaves) {
		return nil
	}
	m.pairAt = make([]int32, len(t.nodes))
	total := 0
	root, ok := m.plan(0, nil, 0, &total)
	if !ok {
		return nil
	}
	m.table.root = uint(root)
	top, _ := slices.BinarySearch(t.columns, m.top)
	m.table.top = uint8(top)
	m.table.terms = slices.Repeat([]float32{float32(math.Copysign(0, -1))}, total+maxTerms)
	m.fill(0, nil, make([]element, (maxTableDepth+2)*(maxTableDepth+2)), rootColumn, 1, 1, 0, 0, nil)
	return m.table
}

// measure finds the width of the table, or returns false if the tree is certainly too large for one. By the inequality of the means, a
// tree of n leaves has at least n*n patterns.
func (m *tableMaker) measure(n int32, path []int32, depth int, leaves *int) bool {
	node := &m.tree.nodes[n]
	if node.IsLeaf() {
		*leaves++
		m.table.width = max(m.table.width, len(path))
		return *leaves**leaves <= m.limit
	}
	path = pathBelow(path, int32(node.Column()))
	return depth < maxTableDepth && m.measure(node.Left, path, depth+1, leaves) && m.measure(node.Right, path, depth+1, leaves)
}

// pathBelow returns the columns on the path below a split on column: it is the last, wherever it was before.
func pathBelow(path []int32, column int32) []int32 {
	below := make([]int32, 0, len(path)+1)
	for _, c := range path {
		if c != column {
			below = append(below, c)
		}
	}
	return append(below, column)
}

// plan lays out what is below node n and returns what n is as a child, or false if there is no table. path holds the columns above n;
// depth counts the splits.
func (m *tableMaker) plan(n int32, path []int32, depth int, total *int) (child int, ok bool) {
	node, t := &m.tree.nodes[n], m.table
	if node.IsLeaf() {
		return m.addPair(n, pair{size: uint32(2 * t.width)}, path, depth, total)
	}
	key, slot, ok := m.f.SplitKey(node)
	if !ok {
		return 0, false
	}
	keys := uint64(key)<<32 | uint64(slot)
	path = pathBelow(path, int32(node.Column()))
	if m.tree.nodes[node.Left].IsLeaf() && m.tree.nodes[node.Right].IsLeaf() {
		return m.addPair(n, pair{key: keys, side: uint32(2 * t.width), size: uint32(4 * t.width)}, path, depth, total)
	}
	at := len(t.splits)
	t.splits = append(t.splits, split{key: keys})
	before := len(t.pairs)
	right, ok := m.plan(node.Right, path, depth+1, total)
	if !ok {
		return 0, false
	}
	between := len(t.pairs)
	left, ok := m.plan(node.Left, path, depth+1, total)
	bit := uint32(firstPair) << depth
	s := &t.splits[at]
	s.right, s.rightLast = uint16(right), bit+uint32(len(t.pairs)-between)
	s.left, s.leftLast = uint16(left), bit+uint32(between-before)
	return at, ok
}

// addPair adds the pair of node n, below depth splits.
func (m *tableMaker) addPair(n int32, p pair, path []int32, depth int, total *int) (child int, ok bool) {
	t := m.table
	p.term = uint32(*total)
	for i := range p.slots {
		p.slots[i] = noSlot
	}
	next := 1
	for _, column := range path {
		slot, _ := slices.BinarySearch(m.tree.columns, column)
		p.slots[m.place(column, &next)] = uint8(slot)
	}
	m.pairAt[n] = int32(len(t.pairs))
	t.pairs = append(t.pairs, p)
	*total += int(p.size) << depth
	return firstPair + len(t.pairs) - 1, *total <= m.limit
}

// place returns where a pair has what belongs to a column: the root's column comes first, and the others, of which next counts, in the
// order of their path.
func (m *tableMaker) place(column int32, next *int) int {
	if column == m.top {
		return 0
	}
	*next++
	return *next - 1
}

// fill is pass.visit for every pattern instead of for the one of a row. to is where the terms go if n is a leaf of a pair.
func (m *tableMaker) fill(n int32, above, memory []element, column int32, zero, one float32, depth int, pattern uint32, to []float32) {
	path := memory[:copy(memory, above)+1]
	extend(path, column, zero, one)
	memory = memory[len(path):]

	node, t := &m.tree.nodes[n], m.table
	if node.IsLeaf() {
		if to == nil {
			p := &t.pairs[m.pairAt[n]]
			to = t.terms[p.term+pattern*p.size:]
		}
		next := 1
		for k := 1; k < len(path); k++ {
			to[2*m.place(path[k].column, &next)] = term(path, k, m.tree.mean[n], 1)
		}
		return
	}
	cover := m.tree.cover
	split := int32(node.Column())
	zero, one = 1, 1
	if k := find(path, split); k >= 0 {
		zero, one = path[k].zero, path[k].one
		path = unwind(path, k)
	}
	var hot, cold [2][]float32
	if isPair := m.tree.nodes[node.Left].IsLeaf() && m.tree.nodes[node.Right].IsLeaf(); isPair {
		p := &t.pairs[m.pairAt[n]]
		for side := range uint32(2) {
			at := t.terms[p.term+pattern*p.size+side*p.side:]
			hot[side], cold[1-side] = at, at[1:]
		}
	}
	for side, child := range [2]int32{node.Right, node.Left} {
		share := cover[child] / cover[n]
		m.fill(child, path, memory, split, share*zero, one, depth+1, pattern, hot[side])
		m.fill(child, path, memory, split, share*zero, 0, depth+1, pattern|1<<depth, cold[side])
	}
}

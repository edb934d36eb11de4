package shap

import (
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
)

// table holds, for each leaf of a tree and each pattern of hot and cold on the way to it, the terms of the columns on that way.
type table struct {
	splits []split // the root's first
	leaves []leaf
	terms  []float32
	slots  []uint8 // for each leaf, the places of its columns in tree.columns, in the order of the path
}

// split is a split of a table. A child that is negative is the complement of a leaf's index.
type split struct {
	key   uint64   // the threshold's in the high half, the slot of the row's key in the low one; see package forest
	child [2]int32 // right, left
}

// leaf says where the columns and the terms of a leaf are: slots[slot:slot+columns], and for each pattern as many terms.
type leaf struct {
	term    uint32
	slot    uint32
	columns uint32
}

func (t *table) bytes() int64 {
	return int64(16*len(t.splits) + 12*len(t.leaves) + 4*len(t.terms) + len(t.slots))
}

// tableMaker makes the table of one tree.
type tableMaker struct {
	f      *forest.Forest
	tree   *tree
	table  *table
	limit  int
	leafAt []int32 // of a node: the leaf's index
}

// newTable returns the table of t, or nil if that has more than limit terms or t has no splits, too many columns, or splits that are
// no comparisons.
func newTable(f *forest.Forest, t *tree, limit int) *table {
	if t.nodes[0].IsLeaf() || len(t.columns) > 255 {
		return nil
	}
	m := &tableMaker{f: f, tree: t, table: &table{}, limit: limit, leafAt: make([]int32, len(t.nodes))}
	total := 0
	if _, ok := m.plan(0, nil, 0, &total); !ok {
		return nil
	}
	m.table.terms = make([]float32, total)
	m.fill(0, nil, make([]element, (maxTableDepth+2)*(maxTableDepth+2)), rootColumn, 1, 1, 0)
	return m.table
}

// plan lays out what is below node n and returns its index, or false if there is no table. path holds the columns above n, as a path
// of the reference would; depth counts the splits.
func (m *tableMaker) plan(n int32, path []int32, depth int, total *int) (index int32, ok bool) {
	node, t := &m.tree.nodes[n], m.table
	if node.IsLeaf() {
		index = int32(len(t.leaves))
		m.leafAt[n] = index
		t.leaves = append(t.leaves, leaf{term: uint32(*total), slot: uint32(len(t.slots)), columns: uint32(len(path))})
		for _, c := range path {
			slot, _ := slices.BinarySearch(m.tree.columns, c)
			t.slots = append(t.slots, uint8(slot))
		}
		*total += len(path) << depth
		return ^index, *total <= m.limit
	}
	key, slot, ok := m.f.SplitKey(node)
	if !ok || depth == maxTableDepth {
		return 0, false
	}
	index = int32(len(t.splits))
	t.splits = append(t.splits, split{key: uint64(key)<<32 | uint64(slot)})
	column := int32(node.Column())
	below := make([]int32, 0, len(path)+1)
	for _, c := range path {
		if c != column {
			below = append(below, c)
		}
	}
	below = append(below, column)
	for side, child := range [2]int32{node.Right, node.Left} {
		at, ok := m.plan(child, below, depth+1, total)
		if !ok {
			return 0, false
		}
		t.splits[index].child[side] = at
	}
	return index, true
}

// fill is pass.visit for every pattern instead of for the one of a row.
func (m *tableMaker) fill(n int32, above, memory []element, column int32, zero, one float32, pattern uint32) {
	path := memory[:copy(memory, above)+1]
	extend(path, column, zero, one)
	memory = memory[len(path):]

	node := &m.tree.nodes[n]
	if node.IsLeaf() {
		l := &m.table.leaves[m.leafAt[n]]
		terms := m.table.terms[l.term+pattern*l.columns:][:l.columns]
		for i := range terms {
			terms[i] = term(path, i+1, m.tree.mean[n], 1)
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
	for _, child := range [2]int32{node.Left, node.Right} {
		share := cover[child] / cover[n]
		m.fill(child, path, memory, split, share*zero, one, pattern<<1)
		m.fill(child, path, memory, split, share*zero, 0, pattern<<1|1)
	}
}

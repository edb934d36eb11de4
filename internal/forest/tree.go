package forest

import (
	"fmt"
	"math"
	"slices"

	"threatdetect/model"
)

// shape is what treeBuilder learns about a tree.
type shape struct {
	splits, leaves, depth int
	categorical           int // splits
}

// addVectors copies the leaf vectors of all trees, if leaves are vectors.
func (f *Forest) addVectors(b *model.Booster) error {
	if !slices.ContainsFunc(b.Trees, isVector) {
		return nil
	}
	rows := 0
	for i := range b.Trees {
		t := &b.Trees[i]
		if t.LeafSize != f.NumGroup || len(t.LeafVector)%t.LeafSize != 0 || len(t.LeafIndex) != len(t.Left) {
			return formatErrorf("tree %d: leaves of %d values for %d outputs, %d values and %d numbers of %d nodes",
				i, t.LeafSize, f.NumGroup, len(t.LeafVector), len(t.LeafIndex), len(t.Left))
		}
		rows += len(t.LeafVector) / t.LeafSize
	}
	if rows > math.MaxInt32 {
		return &model.LimitError{Name: "leaf vectors in a model", Limit: math.MaxInt32, Got: int64(rows)}
	}
	f.vectors = make([]float32, 0, rows*f.NumGroup)
	for i := range b.Trees {
		f.vectors = append(f.vectors, b.Trees[i].LeafVector...)
	}
	return nil
}

func isVector(t model.Tree) bool { return t.LeafSize > 1 }

// unsignZeros makes leaves of -0 positive, as the releases 1.4 to 3.2 do with those of dart boosters.
func (f *Forest) unsignZeros() {
	for i := range f.nodes {
		if n := &f.nodes[i]; n.IsLeaf() && n.Value == 0 {
			n.Value = 0
		}
	}
}

// treeBuilder adds the trees of a booster to a forest, one after the other.
type treeBuilder struct {
	f       *Forest
	used    columnSet // columns of numeric splits
	cats    *categories
	vectors int32 // leaf vectors of the trees before this one

	t      *model.Tree
	places []int32 // see categories.of
	shape  shape

	reached []bool  // nodes of the tree
	pending []place // nodes to look at
}

// place is a node and how many splits are above it.
type place struct {
	node  int32
	depth int
}

// add appends the reached nodes of t, proving F1, F2, F3, F8 and F9 on the way.
func (b *treeBuilder) add(t *model.Tree) (shape, error) {
	n := len(t.Left)
	if n == 0 {
		return shape{}, formatErrorf("no nodes")
	}
	for _, length := range []int{len(t.Right), len(t.Feature), len(t.Value), len(t.DefaultLeft)} {
		if length != n {
			return shape{}, formatErrorf("arrays of %d and of %d nodes", n, length)
		}
	}
	places, err := b.cats.of(t)
	if err != nil {
		return shape{}, err
	}
	b.t, b.places, b.shape = t, places, shape{}
	f := b.f
	first := len(f.nodes)
	f.nodes = f.nodes[:first+n]
	for i := range f.nodes[first:] {
		f.nodes[first+i] = Node{Left: -1, Right: -1}
	}
	f.start = append(f.start, int32(len(f.nodes)))
	nodes := f.nodes[first:]

	reached := append(b.reached[:0], make([]bool, n)...)
	reached[0] = true
	pending := append(b.pending[:0], place{0, 0})
	for len(pending) > 0 {
		p := pending[len(pending)-1]
		pending = pending[:len(pending)-1]
		i := p.node
		if t.Left[i] == -1 {
			if nodes[i], err = b.leaf(i); err != nil {
				return shape{}, err
			}
			b.shape.depth = max(b.shape.depth, p.depth)
			continue
		}
		for _, child := range [2]int32{t.Left[i], t.Right[i]} {
			if child < 0 || int(child) >= n {
				return shape{}, formatErrorf("node %d has the child %d of %d nodes", i, child, n)
			}
			if reached[child] {
				return shape{}, formatErrorf("node %d is reached twice", child)
			}
			reached[child] = true
			pending = append(pending, place{child, p.depth + 1})
		}
		if nodes[i], err = b.split(i); err != nil {
			return shape{}, err
		}
	}
	b.reached, b.pending = reached, pending
	if f.vectors != nil {
		b.vectors += int32(len(t.LeafVector) / t.LeafSize)
	}
	return b.shape, nil
}

// leaf makes the node of leaf i.
func (b *treeBuilder) leaf(i int32) (Node, error) {
	b.shape.leaves++
	if b.f.vectors == nil {
		return Node{Left: -1, Right: -1, Value: b.t.Value[i]}, nil
	}
	v := b.t.LeafIndex[i]
	if n := len(b.t.LeafVector) / b.t.LeafSize; v < 0 || int(v) >= n {
		return Node{}, formatErrorf("leaf %d has the vector %d of %d", i, v, n)
	}
	return Node{Left: -1, Right: b.vectors + v}, nil
}

// split makes the node of split i.
func (b *treeBuilder) split(i int32) (Node, error) {
	b.shape.splits++
	column := b.t.Feature[i]
	if column < 0 || int(column) >= b.f.NumFeature {
		return Node{}, formatErrorf("node %d looks at column %d of %d", i, column, b.f.NumFeature)
	}
	node := Node{Left: b.t.Left[i], Right: b.t.Right[i], split: uint32(column) << 1, Value: b.t.Value[i]}
	if !b.t.DefaultLeft[i] {
		node.split |= 1
	}
	if b.places == nil || b.places[i] == 0 {
		b.used.add(column)
		return node, nil
	}
	b.shape.categorical++
	p := b.places[i] - 1
	codes := b.t.CategoryCodes[b.t.CategoryStart[p]:b.t.CategoryStart[p+1]]
	condition, err := b.cats.add(column, b.t.DefaultLeft[i], codes)
	if err != nil {
		return Node{}, fmt.Errorf("node %d: %w", i, err)
	}
	node.split |= categorical
	node.Value = math.Float32frombits(uint32(condition))
	return node, nil
}

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
	numbers thresholdNumbers
	cats    *categories
	vectors int32 // leaf vectors of the trees before this one

	t      *model.Tree
	first  int     // node of the tree, in the forest
	places []int32 // see categories.of
	shape  shape

	depths  []int32 // splits above a node of the tree, plus 1; 0 if it was not reached
	pending []int32 // nodes to look at
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
	f := b.f
	b.t, b.places, b.first = t, places, len(f.nodes)
	f.nodes = f.nodes[:b.first+n]
	f.start = append(f.start, int32(len(f.nodes)))
	nodes := f.nodes[b.first:]
	if places != nil || f.vectors != nil || !b.inOrder(nodes) {
		if err := b.fromRoot(nodes); err != nil {
			return shape{}, err
		}
	}
	if f.vectors != nil {
		b.vectors += int32(len(t.LeafVector) / t.LeafSize)
	}
	return b.shape, nil
}

// begin forgets what was learnt about a tree of n nodes.
func (b *treeBuilder) begin(n int) {
	b.shape = shape{}
	if cap(b.depths) < n {
		b.depths = make([]int32, n)
	}
	b.depths = b.depths[:n]
	clear(b.depths)
	b.depths[0] = 1
}

// inOrder makes the nodes of a tree whose children come after their parents, as XGBoost writes them, and which has nothing but numeric splits and
// leaves that are numbers. It gives up, with ok false, at whatever else it finds.
func (b *treeBuilder) inOrder(nodes []Node) (ok bool) {
	n := len(nodes)
	b.begin(n)
	left, right, feature, value, defaultLeft := b.t.Left[:n], b.t.Right[:n], b.t.Feature[:n], b.t.Value[:n], b.t.DefaultLeft[:n]
	depths, s := b.depths[:n], shape{}
	for i := range nodes {
		depth := depths[i]
		if depth == 0 {
			nodes[i] = Node{Left: -1, Right: -1}
			continue
		}
		l, r, column := int(left[i]), int(right[i]), feature[i]
		if l == -1 {
			nodes[i] = Node{Left: -1, Right: -1, Value: value[i]}
			s.leaves++
			s.depth = max(s.depth, int(depth)-1)
			continue
		}
		if l <= i || r <= i || l == r || l >= n || r >= n || depths[l] != 0 || depths[r] != 0 || column < 0 || int(column) >= b.f.NumFeature {
			return false
		}
		depths[l], depths[r] = depth+1, depth+1
		split := uint32(column) << 1
		if !defaultLeft[i] {
			split |= 1
		}
		nodes[i] = Node{Left: int32(l), Right: int32(r), split: split, Value: value[i]}
		s.splits++
		b.numbers.add(b.first+i, column, value[i])
	}
	b.shape = s
	return true
}

// fromRoot makes the nodes of any tree, or says what is wrong with it.
func (b *treeBuilder) fromRoot(nodes []Node) (err error) {
	n := len(nodes)
	b.begin(n)
	for i := range nodes {
		nodes[i] = Node{Left: -1, Right: -1}
	}
	pending := append(b.pending[:0], 0)
	for len(pending) > 0 {
		i := pending[len(pending)-1]
		pending = pending[:len(pending)-1]
		depth := b.depths[i]
		if b.t.Left[i] == -1 {
			if nodes[i], err = b.leaf(i); err != nil {
				return err
			}
			b.shape.depth = max(b.shape.depth, int(depth)-1)
			continue
		}
		for _, child := range [2]int32{b.t.Left[i], b.t.Right[i]} {
			if child < 0 || int(child) >= n {
				return formatErrorf("node %d has the child %d of %d nodes", i, child, n)
			}
			if b.depths[child] != 0 {
				return formatErrorf("node %d is reached twice", child)
			}
			b.depths[child] = depth + 1
			pending = append(pending, child)
		}
		if nodes[i], err = b.split(i); err != nil {
			return err
		}
	}
	b.pending = pending
	return nil
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
		b.numbers.add(b.first+int(i), column, node.Value)
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

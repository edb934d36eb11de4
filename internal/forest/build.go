package forest

import (
	"fmt"
	"math"
	"slices"

	"threatdetect/model"
)

const (
	// maxPadding is the most leaves that a quad's heap may have for each leaf of its trees; beyond, and beyond maxHeapDepth,
	// the reference walker takes the quad. Heap and nodes take 16*padding + 32 bytes for each leaf, which a booster's own
	// arrays hold in 34, so 6 keeps the compiled form below four times the booster. Measured on random trees, one core, as
	// the reference walker's time over the heap walker's:
	//
	//	padding       2     3     4     5.5   8     15    20    28
	//	100 trees           3.0   2.5         1.8   1.4   1.3   1.1
	//	1000 trees    2.8   1.3         1.8   0.9
	//
	// Large models lose first, as padding costs cache.
	maxPadding = 6

	// freeDepth is the depth up to which padding does not matter: a tree then takes at most a kilobyte.
	freeDepth = 6

	// maxHeapDepth bounds the heap of one quad to 4 MB.
	maxHeapDepth = 16
)

// Build compiles b. It proves the invariants of the package comment itself, whoever made the booster, and keeps no
// reference to it. The errors answer errors.Is for model.ErrFormat, model.ErrUnsupported and model.ErrTooLarge.
func Build(b *model.Booster) (*Forest, error) {
	if b.Kind != "gbtree" {
		return nil, &model.UnsupportedError{What: fmt.Sprintf("booster %q", b.Kind)}
	}
	if b.NumFeature < 1 || b.NumFeature > math.MaxInt32 {
		return nil, formatErrorf("a model of %d columns", b.NumFeature)
	}
	if len(b.TreeGroup) != len(b.Trees) {
		return nil, formatErrorf("%d trees with %d groups", len(b.Trees), len(b.TreeGroup))
	}
	total := 0
	for i := range b.Trees {
		total += len(b.Trees[i].Left)
	}
	if total > math.MaxInt32 {
		return nil, &model.LimitError{Name: "nodes in a model", Limit: math.MaxInt32, Got: int64(total)}
	}
	f := &Forest{
		NumFeature: b.NumFeature,
		NumGroup:   b.NumGroup(),
		BaseLast:   b.Version.Before(1, 3),
		nodes:      make([]Node, 0, total),
		start:      make([]int32, 1, len(b.Trees)+1),
		group:      slices.Clone(b.TreeGroup),
	}
	shapes := make([]shape, len(b.Trees))
	used := make(map[int32]struct{})
	for i := range b.Trees {
		if g := b.TreeGroup[i]; g < 0 || int(g) >= f.NumGroup {
			return nil, formatErrorf("tree %d adds to output %d of %d", i, g, f.NumGroup)
		}
		s, err := f.addTree(&b.Trees[i], used)
		if err != nil {
			return nil, fmt.Errorf("tree %d: %w", i, err)
		}
		shapes[i] = s
	}
	for c := range used {
		f.columns = append(f.columns, c)
	}
	slices.Sort(f.columns)
	if err := f.addHeaps(shapes); err != nil {
		return nil, err
	}
	f.count(shapes)
	return f, nil
}

func formatErrorf(format string, args ...any) error {
	return fmt.Errorf("%w: %s", model.ErrFormat, fmt.Sprintf(format, args...))
}

// shape is what addTree learns about a tree.
type shape struct{ splits, leaves, depth int }

// addTree appends the reached nodes of t, proving F1, F2 and F3 on the way, and notes the columns it uses.
func (f *Forest) addTree(t *model.Tree, used map[int32]struct{}) (s shape, err error) {
	n := len(t.Left)
	if n == 0 {
		return s, formatErrorf("no nodes")
	}
	for _, length := range []int{len(t.Right), len(t.Feature), len(t.Value), len(t.DefaultLeft)} {
		if length != n {
			return s, formatErrorf("arrays of %d and of %d nodes", n, length)
		}
	}
	first := len(f.nodes)
	for range n {
		f.nodes = append(f.nodes, Node{Left: -1, Right: -1})
	}
	f.start = append(f.start, int32(len(f.nodes)))
	nodes := f.nodes[first:]

	reached := make([]bool, n)
	reached[0] = true
	type place struct {
		node  int32
		depth int
	}
	for pending := []place{{0, 0}}; len(pending) > 0; {
		p := pending[len(pending)-1]
		pending = pending[:len(pending)-1]
		i := p.node
		if t.Left[i] == -1 {
			nodes[i].Value = t.Value[i]
			s.leaves++
			s.depth = max(s.depth, p.depth)
			continue
		}
		for _, child := range [2]int32{t.Left[i], t.Right[i]} {
			if child < 0 || int(child) >= n {
				return s, formatErrorf("node %d has the child %d of %d nodes", i, child, n)
			}
			if reached[child] {
				return s, formatErrorf("node %d is reached twice", child)
			}
			reached[child] = true
			pending = append(pending, place{child, p.depth + 1})
		}
		column := t.Feature[i]
		if column < 0 || int(column) >= f.NumFeature {
			return s, formatErrorf("node %d looks at column %d of %d", i, column, f.NumFeature)
		}
		used[column] = struct{}{}
		split := uint32(column) << 1
		if !t.DefaultLeft[i] {
			split |= 1
		}
		nodes[i] = Node{Left: t.Left[i], Right: t.Right[i], split: split, Value: t.Value[i]}
		s.splits++
	}
	return s, nil
}

// addHeaps groups the trees in quads and makes the heaps of those that are worth one.
func (f *Forest) addHeaps(shapes []shape) error {
	total := 0
	for tree := 0; tree < len(shapes); tree += 4 {
		four := shapes[tree:min(tree+4, len(shapes))]
		q := quad{tree: int32(tree), count: int32(len(four)), depth: -1}
		if depth, ok := heapDepth(four); ok {
			q.depth, q.off = int32(depth), uint32(total)
			total += 4 << depth
		}
		f.quads = append(f.quads, q)
	}
	if total > math.MaxInt32 {
		return &model.LimitError{Name: "compiled nodes", Limit: math.MaxInt32, Got: int64(total)}
	}
	f.splits = make([]uint64, total)
	f.leaves = make([]float32, total)
	f.leafIDs = make([]int32, total)
	slots := make(map[int]uint64, len(f.columns))
	for c, column := range f.columns {
		slots[int(column)] = uint64(2 * c)
	}
	for i := range f.quads {
		if f.quads[i].depth >= 0 {
			f.fillHeap(&f.quads[i], slots)
		}
	}
	return nil
}

// heapDepth decides whether the trees of a quad are padded, and to which depth.
func heapDepth(trees []shape) (depth int, ok bool) {
	leaves := 0
	for _, s := range trees {
		depth = max(depth, s.depth)
		leaves += s.leaves
	}
	if depth <= freeDepth {
		return depth, true
	}
	return depth, depth <= maxHeapDepth && 4<<depth <= maxPadding*leaves
}

// fillHeap makes the heap of one quad.
func (f *Forest) fillHeap(q *quad, slots map[int]uint64) {
	size := uint32(4) << q.depth
	splits, leaves, ids := f.splits[q.off:][:size], f.leaves[q.off:][:size], f.leafIDs[q.off:][:size]
	for i := range leaves {
		leaves[i] = math.Float32frombits(1 << 31)
	}
	for k := range uint32(q.count) {
		nodes := f.Tree(int(q.tree) + int(k))
		// fill puts what is below node n at heap index j. A leaf's two children are the leaf again.
		var fill func(n int32, j uint32)
		fill = func(n int32, j uint32) {
			node := &nodes[n]
			if j >= size {
				leaves[j-size], ids[j-size] = node.Value, n
				return
			}
			left, right := n, n
			if !node.IsLeaf() {
				left, right = node.Left, node.Right
				slot := slots[node.Column()] + uint64(node.split&1)
				splits[j] = uint64(thresholdKey(node.Value))<<32 | slot
			}
			fill(right, 2*j)
			fill(left, 2*j+1)
		}
		fill(0, 4+k)
	}
}

func (f *Forest) count(shapes []shape) {
	s := Stats{Trees: len(shapes), Columns: len(f.columns)}
	for _, t := range shapes {
		s.Splits += t.splits
		s.Leaves += t.leaves
		s.MaxDepth = max(s.MaxDepth, t.depth)
	}
	for _, q := range f.quads {
		if q.depth >= 0 {
			s.HeapTrees += int(q.count)
		}
	}
	s.WalkedTrees = s.Trees - s.HeapTrees
	s.Bytes = int64(16*len(f.nodes) + 8*len(f.splits) + 4*len(f.leaves) + 4*len(f.leafIDs) +
		4*(len(f.start)+len(f.group)+len(f.columns)) + 16*len(f.quads))
	f.stats = s
}

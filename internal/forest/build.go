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

	// maxTests is the most categorical conditions for each step that a row takes in trees with such splits. A booster of 30
	// trees with network traffic's protocols and services takes as long in heaps as walked (1.4 us a row, one core).
	maxTests = 2

	// maxHeapDepth bounds the heap of one quad to 4 MB.
	maxHeapDepth = 16
)

// Build compiles b. It proves the invariants of the package comment itself, whoever made the booster, and keeps no
// reference to it. The errors answer errors.Is for model.ErrFormat, model.ErrUnsupported and model.ErrTooLarge.
func Build(b *model.Booster) (*Forest, error) {
	dart := b.Kind == "dart" || b.TreeWeight != nil
	if b.Kind != "gbtree" && b.Kind != "dart" {
		return nil, &model.UnsupportedError{What: fmt.Sprintf("booster %q", b.Kind)}
	}
	if b.NumFeature < 1 || b.NumFeature > maxColumns {
		return nil, formatErrorf("a model of %d columns", b.NumFeature)
	}
	if len(b.TreeGroup) != len(b.Trees) {
		return nil, formatErrorf("%d trees with %d groups", len(b.Trees), len(b.TreeGroup))
	}
	if b.TreeWeight != nil && len(b.TreeWeight) != len(b.Trees) {
		return nil, formatErrorf("%d trees with %d weights", len(b.Trees), len(b.TreeWeight))
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
		BaseLast:   b.Version.Before(1, 3) || dart && b.Version.Before(1, 4),
		nodes:      make([]Node, 0, total),
		start:      make([]int32, 1, len(b.Trees)+1),
		group:      slices.Clone(b.TreeGroup),
		weight:     slices.Clone(b.TreeWeight),
	}
	if err := f.addVectors(b); err != nil {
		return nil, err
	}
	shapes := make([]shape, len(b.Trees))
	trees := treeBuilder{f: f, used: map[int32]struct{}{}, cats: newCategories(b.Version)}
	for i := range b.Trees {
		if g := b.TreeGroup[i]; g < 0 || int(g) >= f.NumGroup {
			return nil, formatErrorf("tree %d adds to output %d of %d", i, g, f.NumGroup)
		}
		s, err := trees.add(&b.Trees[i])
		if err != nil {
			return nil, fmt.Errorf("tree %d: %w", i, err)
		}
		shapes[i] = s
	}
	if dart && !b.Version.Before(1, 4) && b.Version.Before(3, 3) {
		f.unsignZeros()
	}
	f.conditions = trees.cats.list
	for c := range trees.used {
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

// addHeaps groups the trees in quads and makes the heaps of those that are worth one.
func (f *Forest) addHeaps(shapes []shape) error {
	f.tests = numTests(len(f.conditions), shapes)
	total := 0
	for tree := 0; tree < len(shapes); tree += 4 {
		four := shapes[tree:min(tree+4, len(shapes))]
		q := quad{tree: int32(tree), count: int32(len(four)), depth: -1}
		if depth, ok := heapDepth(four); ok && (f.tests > 0 || !anyCategorical(four)) {
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

// numTests decides whether categorical splits may be in heaps: all conditions are then tested for every row.
func numTests(conditions int, shapes []shape) int {
	steps := 0
	for _, s := range shapes {
		if s.categorical > 0 {
			steps += s.depth
		}
	}
	if conditions > maxTests*steps {
		return 0
	}
	return conditions
}

func anyCategorical(shapes []shape) bool {
	return slices.ContainsFunc(shapes, func(s shape) bool { return s.categorical > 0 })
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
		weight := f.Weight(int(q.tree) + int(k))
		// fill puts what is below node n at heap index j. A leaf's two children are the leaf again.
		var fill func(n int32, j uint32)
		fill = func(n int32, j uint32) {
			node := &nodes[n]
			if j >= size {
				leaves[j-size], ids[j-size] = float32(node.Value*weight), n
				return
			}
			left, right := n, n
			if !node.IsLeaf() {
				left, right = node.Left, node.Right
				if node.Categorical() {
					splits[j] = keyCondition<<32 | uint64(2*len(f.columns)+int(node.condition()))
				} else {
					splits[j] = uint64(thresholdKey(node.Value))<<32 | slots[node.Column()] + uint64(node.split&1)
				}
			}
			fill(right, 2*j)
			fill(left, 2*j+1)
		}
		fill(0, 4+k)
	}
}

func (f *Forest) count(shapes []shape) {
	s := Stats{Trees: len(shapes), Conditions: len(f.conditions)}
	columns := map[int32]struct{}{}
	for _, c := range f.columns {
		columns[c] = struct{}{}
	}
	for _, c := range f.conditions {
		columns[c.column] = struct{}{}
		s.Bytes += int64(48 + 4*(len(c.codes)+len(c.bits)))
	}
	s.Columns = len(columns)
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
	s.Bytes += int64(16*len(f.nodes) + 8*len(f.splits) + 4*len(f.leaves) + 4*len(f.leafIDs) +
		4*(len(f.start)+len(f.group)+len(f.weight)+len(f.vectors)+len(f.columns)) + 16*len(f.quads))
	f.stats = s
}

package forest

import (
	"fmt"
	"math"
	"slices"
	"sync"

	"threatdetect/internal/kernel"
	"threatdetect/model"
)

// maxTests is the most categorical conditions for each step that a row takes in trees with such splits. A booster of 30
// trees with network traffic's protocols and services takes as long in heaps as walked (1.4 us a row, one core).
const maxTests = 2

// mostAtFirst is the most thresholds that there is room for before any tree was looked at.
const mostAtFirst = 1 << 12

// Build is [Compile] with [Auto].
func Build(b *model.Booster) (*Forest, error) { return Compile(b, Auto, nil) }

// Compile makes a forest of b. It proves the invariants of the package comment itself, whoever made the booster, and keeps no
// reference to it. The errors answer errors.Is for model.ErrFormat, model.ErrUnsupported and model.ErrTooLarge.
// pause, if it is not nil, is called for every tree, several times, and for what takes as long as one.
func Compile(b *model.Booster, k Kernel, pause func()) (*Forest, error) {
	return compile(b, k, anySplits, false, pause)
}

// CompileLeaves is Compile for a forest that is asked for [Forest.MatrixLeaves] in place of margins: the blocks of its batches give those.
func CompileLeaves(b *model.Booster, k Kernel, pause func()) (*Forest, error) {
	return compile(b, k, anySplits, true, pause)
}

// splitChoice says which splits the packs of a forest have.
type splitChoice uint8

const (
	anySplits    splitChoice = iota // by size
	wideSplits                      // for tests
	narrowSplits                    // for tests, if they can hold what they have to
)

func compile(b *model.Booster, k Kernel, choice splitChoice, leaves bool, pause func()) (*Forest, error) {
	if pause == nil {
		pause = func() {}
	}
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
	pause() // what was made was cleared
	shapes := make([]shape, len(b.Trees))
	trees := treeBuilder{f: f, numbers: thresholdNumbers{of: make([]int32, total)}, cats: newCategories(b.Version)}
	trees.numbers.table.Pause = pause
	trees.numbers.table.Grow(min(total/2, mostAtFirst))
	for i := range b.Trees {
		if g := b.TreeGroup[i]; g < 0 || int(g) >= f.NumGroup {
			return nil, formatErrorf("tree %d adds to output %d of %d", i, g, f.NumGroup)
		}
		pause()
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
	pause()
	all := trees.numbers.sorted(pause)
	f.columns = all.columns
	f.tests = numTests(len(f.conditions), shapes)
	if err := f.addRuns(shapes, all, choice, pause); err != nil {
		return nil, err
	}
	f.kernel = k
	f.count(shapes)
	pause()
	f.addPlan(shapes, all, leaves, pause)
	pause()
	f.oneRow = f.kernel != Walk && f.inBlocks(1) == 0 && f.vectors == nil && f.stats.WalkedTrees == 0
	f.index = sync.OnceValue(f.newSparseIndex)
	return f, nil
}

func formatErrorf(format string, args ...any) error {
	return fmt.Errorf("%w: %s", model.ErrFormat, fmt.Sprintf(format, args...))
}

// addPlan compiles the forest for the block kernel, if it is to be used and worth it.
func (f *Forest) addPlan(shapes []shape, all *thresholds, leaves bool, pause func()) {
	f.oneCost = f.rowCost(shapes, leaves)
	kind, forced := f.kernel.Kind()
	switch {
	case f.kernel == Auto:
		kind = kernel.Best()
	case !forced || !kind.Available():
		return
	}
	plan, rows, cost := f.newPlan(kind, shapes, all, leaves, forced, pause)
	f.blockRows, f.blockCost = rows, cost
	if leaves {
		f.leafPlan, f.zeros = plan, make([]float32, f.NumTree())
	} else {
		f.plan = plan
	}
	if plan != nil {
		f.stats.BlockBytes = plan.Bytes()
		f.stats.Bytes += f.stats.BlockBytes
		if forced {
			f.blockRows = 1
		}
		f.stats.Kernel, f.stats.BlockRows = kind.String(), f.blockRows
	}
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
	for i := range f.runs {
		r := &f.runs[i]
		if r.heap && f.kernel != Walk {
			s.HeapTrees += len(r.trees)
		}
		s.Bytes += r.bytes()
	}
	s.WalkedTrees = s.Trees - s.HeapTrees
	s.Bytes += int64(16*len(f.nodes) + 4*(len(f.start)+2*len(f.group)+len(f.weight)+len(f.vectors)+len(f.columns)+len(f.quads)))
	for i := range f.ranks {
		s.Bytes += f.ranks[i].bytes()
	}
	f.stats = s
}

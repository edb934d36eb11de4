package forest

import (
	"cmp"
	"math"
	"slices"

	"threatdetect/internal/heapwalk"
	"threatdetect/model"
)

const (
	// maxPadding is the most leaves that a pack may have for each leaf of its trees; beyond, and beyond maxHeapDepth, the
	// reference walker takes them. Splits, leaves and nodes take 16*padding + 32 bytes for each leaf, which a booster's own
	// arrays hold in 34, so 6 keeps the compiled form below four times the booster. Measured on random trees, one core, in Go, as
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

	// farBytes is from how many bytes of wide splits and leaves on packs are taken to come from beyond the nearest cache for every row. Measured on
	// a Zen 3, which has 32 KB of it: 38 KB gain nothing, 384 KB do.
	farBytes = 64 << 10

	// maxHeapDepth bounds a pack to 10 MB.
	maxHeapDepth = 16
)

// run is trees of one group that are walked one after the other: all in packs of equal depth, or node by node.
type run struct {
	trees []int32 // in the file's order
	group int32
	heap  bool

	// If in packs, one of these by Forest.narrow:
	wide   heapwalk.Packs[uint64]
	narrow heapwalk.Packs[uint32]

	leafIDs []int32 // for each leaf of the packs
}

func (r *run) bytes() int64 {
	return int64(8*len(r.wide.Nodes) + 4*(len(r.wide.Leaves)+len(r.narrow.Nodes)+len(r.narrow.Leaves)+len(r.leafIDs)) + 200)
}

// addRuns makes the runs of a forest whose nodes are there.
func (f *Forest) addRuns(shapes []shape, all *thresholds, choice splitChoice, pause func()) error {
	order := make([]int32, len(shapes))
	for t := range order {
		order[t] = int32(t)
	}
	slices.SortStableFunc(order, func(a, b int32) int { return cmp.Compare(f.group[a], f.group[b]) })
	for len(order) > 0 {
		n, depth := f.nextPack(order, shapes)
		r := run{trees: order[:max(n, 1)], group: f.group[order[0]], heap: n > 0}
		r.wide.Trees, r.wide.Depth = n, depth
		if last := len(f.runs) - 1; last >= 0 && r.joins(&f.runs[last]) {
			before := f.runs[last].trees
			f.runs[last].trees = before[:len(before)+len(r.trees)]
		} else {
			f.runs = append(f.runs, r)
		}
		order = order[len(r.trees):]
	}
	total, steps := 0, 0
	for i := range f.runs {
		if r := &f.runs[i]; r.heap {
			total += len(r.trees) << r.wide.Depth
			steps += len(r.trees) * r.wide.Depth
		}
	}
	if total > math.MaxInt32 {
		return &model.LimitError{Name: "compiled nodes", Limit: math.MaxInt32, Got: int64(total)}
	}
	f.quads = f.quadColumns()
	if choice == narrowSplits || choice == anySplits && 12*total > narrowBytes && steps > narrowSteps*len(f.columns) {
		f.narrow = f.canNarrow(all.keys)
	}
	far := 12*total > farBytes
	if f.narrow {
		f.addRanks(all.keys)
		pause()
		p := f.narrowPacker(all)
		for i := range f.runs {
			if r := &f.runs[i]; r.heap {
				r.narrow = heapwalk.Packs[uint32]{Trees: r.wide.Trees, Depth: r.wide.Depth, Far: far}
				r.wide = heapwalk.Packs[uint64]{Far: far}
				p.fill(r, &r.narrow, pause)
			}
		}
		return nil
	}
	pause()
	p := f.widePacker(all)
	for i := range f.runs {
		if r := &f.runs[i]; r.heap {
			r.wide.Far, r.narrow.Far = far, far
			p.fill(r, &r.wide, pause)
		}
	}
	return nil
}

// joins tells whether a run of one pack or tree can be the end of another.
func (r *run) joins(before *run) bool {
	return r.group == before.group && r.heap == before.heap && r.wide.Trees == before.wide.Trees && r.wide.Depth == before.wide.Depth
}

// nextPack returns how many trees, of those in order, the next pack takes, and its depth: as many as can be, or 0 if the first tree has
// to be walked node by node.
func (f *Forest) nextPack(order []int32, shapes []shape) (n, depth int) {
	most := 1
	for most < min(heapwalk.PackTrees, len(order)) && f.group[order[most]] == f.group[order[0]] {
		most++
	}
	for n = most; n > 0; n-- {
		if depth, ok := f.packDepth(order[:n], shapes); ok {
			return n, depth
		}
	}
	return 0, 0
}

// packDepth decides whether some trees make a pack, and of which depth.
func (f *Forest) packDepth(trees []int32, shapes []shape) (depth int, ok bool) {
	leaves := 0
	for _, t := range trees {
		s := &shapes[t]
		if s.categorical > 0 && f.tests == 0 {
			return 0, false
		}
		depth = max(depth, s.depth)
		leaves += s.leaves
	}
	if depth <= freeDepth {
		return depth, true
	}
	return depth, depth <= maxHeapDepth && len(trees)<<depth <= maxPadding*leaves
}

package forest

import (
	"math"

	"threatdetect/internal/kernel"
)

// The compile step of the block kernel: which trees become which networks, and whether that is worth it.

// planner makes the plan of a forest.
type planner struct {
	f     *Forest
	b     *kernel.Builder
	cost  costs
	all   *thresholds
	same  bool          // thresholds have the same order in all and in b
	made  []kernel.Cond // by the number of a threshold, for missing values to the left and to the right, in the current tile; 0 if not made yet
	sets  []kernel.Cond // of the categorical conditions, in the current tile; 0 if not made yet
	edges [][]float32   // of the categorical conditions; nil if not looked at yet

	numbers bool // of leaves are what trees give
	copies  int  // of each tree, for the outputs of leaves that are vectors; else 1

	nodes  []Node     // of the tree at hand
	number []int32    // of these, of p.all.of
	order  []int32    // of these, parents first
	below  []pieceSum // by node
	conds  []kernel.Cond
	at     []int32 // leaves, by code; -1 where the tree goes on in another piece
	leaves []float32
	path   []turn
	pieces []piece
	spent  float64 // cost of the trees so far, in nanoseconds for a block
}

// costs is what a kind of kernel takes for a block, in nanoseconds: roughly, and on one machine, as only their ratios count.
type costs struct {
	tree     [kernel.MaxDepth + 1]float64 // of a network of each depth
	plane    float64                      // of a condition, without what its column takes
	column   float64                      // of reading and ranking a column, once for each tile
	remap    float64                      // of a column that is ranked for several tiles, once for each
	load     float64                      // of reading a column, once
	derive   float64                      // of a source of a derived plane
	overhead float64                      // of everything else
}

// piece is a part of a tree that makes one network: what lies below a node, as deep as the node's cut. Rows that do not get to the node add
// -0, the one number whose addition changes nothing; so the pieces of a tree add its leaf to every row.
type piece struct {
	node int32
	path []turn // from the root
}

// turn is a step of a path.
type turn struct {
	node int32
	left bool
}

// pieceSum is what the sub-trees at each depth below a node cost as pieces of their own, and the best depth of the node's own piece.
type pieceSum struct {
	at  [kernel.MaxDepth + 1]float32
	cut int8
}

const (
	// maxPlanNodes bounds the trees that become networks. A tree of more leaves than half of that takes more time in pieces than
	// walked.
	maxPlanNodes = 1 << 15
	// maxPath bounds the conditions of a piece's path.
	maxPath = 64
	// maxEdges bounds the edges of the codes of a categorical split.
	maxEdges = 512
	// maxPlanGroups bounds the sums of a block.
	maxPlanGroups = 256
	// maxPlanTrees bounds them for the numbers of leaves, of which each tree has a sum.
	maxPlanTrees = 1 << 12
	// maxRowBytes bounds the room that each goroutine has for the rows of a block that is not full.
	maxRowBytes = 64 << 20
	// minGain is how many times less a block has to cost than its rows one by one, for a plan to be kept.
	minGain = 1.25
)

// newPlan compiles f for a kind of kernel: for margins, or for the numbers of leaves. The plan is nil if f is of a kind that networks cannot do, or
// does not gain by them. rows is from how many rows on a block is worth it, and cost what one takes, roughly.
//
// What a tree adds to a row depends on the leaf alone, so whatever depends on the leaf can be added. A leaf that is a vector is a tree for each
// output, of the same conditions. And the number of a leaf is what a tree adds to a sum of its own, which begins with zero.
func (f *Forest) newPlan(kind kernel.Kind, shapes []shape, all *thresholds, leaves, forced bool, pause func()) (plan *kernel.Plan, rows int, cost float64) {
	groups, most, copies, row := f.NumGroup, maxPlanGroups, 1, f.oneCost
	switch {
	case leaves:
		groups, most = f.NumTree(), maxPlanTrees
	case f.vectors != nil:
		copies = f.NumGroup
	}
	if groups > most || f.NumTree() == 0 || !forced && 4*f.NumFeature > maxRowBytes/kind.Rows() {
		return nil, 0, 0
	}
	p := &planner{f: f, all: all, cost: kernelCosts(kind), numbers: leaves, copies: copies,
		made: make([]kernel.Cond, 2*len(all.column)), sets: make([]kernel.Cond, len(f.conditions)), edges: make([][]float32, len(f.conditions))}
	limit := row * float64(kind.Rows()) / minGain
	if forced {
		limit = math.MaxFloat64
	}
	depths := make([]int, f.NumTree())
	for t := range depths {
		nodes := f.Tree(t)
		if len(nodes) > maxPlanNodes {
			return nil, 0, 0
		}
		depth, cost := shapes[t].depth, 0.0
		if simple(shapes[t]) {
			depth = max(depth, 1)
			cost = p.cost.tree[depth]
		} else {
			pause()
			depth, cost = p.measure(nodes)
		}
		depths[t] = depth
		p.spent += float64(cost * float64(copies))
		if p.spent > limit {
			return nil, 0, 0
		}
	}
	if !leaves {
		smooth(f.group, depths)
	}
	leafCount := 0
	for _, depth := range depths {
		leafCount += copies << depth
	}
	p.begin(kind, groups)
	p.b.Pause = pause
	p.b.Grow(leafCount)
	for t, depth := range depths {
		pause()
		if !p.tree(t, depth, shapes[t]) || p.spent > limit {
			return nil, 0, 0
		}
	}
	plan = p.b.Plan()
	size := plan.Size()
	p.spent += p.cost.of(groups, size)
	if p.spent > limit || !forced && f.stats.Bytes+plan.Bytes() > maxBytes(f.stats.Leaves)+16*int64(len(f.vectors)) {
		return nil, 0, 0
	}
	return plan, fewestRows(kind, p.spent/row, size.Bytes > 0, size.Walks), p.spent
}

// fewestRows is from how many rows on the block kernel is worth it, if a block takes as long as some rows one by one.
func fewestRows(kind kernel.Kind, block float64, small, walks bool) int {
	least := func(cost float64) int { return int(math.Ceil(block * cost)) }
	switch {
	case kind != kernel.AVX2 && kind != kernel.AVX512:
		return least(1)
	case small && walks && least(fewBlock) <= kernel.FewRows:
		return least(fewBlock)
	case small && least(smallestBlock) <= kernel.SmallestRows:
		return least(smallestBlock)
	case small && least(smallBlock) <= kernel.SmallRows:
		return max(least(smallBlock), kernel.SmallestRows+1)
	case small:
		return max(least(halfBlock), kernel.SmallRows+1)
	}
	return least(halfBlock)
}

// maxBytes is the most that a forest with a plan may take: four times the booster, whose arrays hold a leaf and its split in 34 bytes, and
// some more where that is little.
func maxBytes(leaves int) int64 { return 1<<18 + 4*34*int64(leaves) }

// smooth makes neighbours of one group equally deep where that costs little, as trees of one depth run in one call.
func smooth(group []int32, depths []int) {
	const most = 6
	last := map[int32][]int{} // the trees of a window of four
	for t, g := range group {
		last[g] = append(last[g], t)
		if len(last[g]) < 4 {
			continue
		}
		deepest := 0
		for _, w := range last[g] {
			if depths[w] <= most {
				deepest = max(deepest, depths[w])
			}
		}
		for _, w := range last[g] {
			if depths[w] >= deepest-2 && depths[w] < deepest {
				depths[w] = deepest
			}
		}
		last[g] = last[g][:0]
	}
}

// simple tells that a tree is one piece, as it is full enough not to ask for the cost of others.
func simple(s shape) bool {
	return s.depth <= 5 || s.depth <= kernel.MaxDepth && s.leaves > 1<<(s.depth-2)
}

// measure chooses the pieces of a tree. It returns the depth of the root's piece and the cost of all.
func (p *planner) measure(nodes []Node) (depth int, cost float64) {
	p.order = append(p.order[:0], 0)
	for i := 0; i < len(p.order); i++ {
		if n := &nodes[p.order[i]]; !n.IsLeaf() {
			p.order = append(p.order, n.Left, n.Right)
		}
	}
	if len(p.below) < len(nodes) {
		p.below = make([]pieceSum, len(nodes))
	}
	for i := len(p.order) - 1; i >= 0; i-- {
		n := p.order[i]
		s := &p.below[n]
		*s = pieceSum{}
		if nodes[n].IsLeaf() {
			continue
		}
		left, right := &p.below[nodes[n].Left], &p.below[nodes[n].Right]
		for d := 1; d < len(s.at); d++ {
			s.at[d] = left.at[d-1] + right.at[d-1]
		}
		deepest, inner := kernel.MaxDepth, 1 // a piece that is not the root's has a level for whether the row gets there
		if n == 0 {
			inner = 0
		}
		deepest -= inner
		best := float32(math.MaxFloat32)
		for d := 1; d <= deepest; d++ {
			if c := float32(p.cost.tree[d+inner]) + s.at[d]; c < best {
				best, s.cut = c, int8(d)
			}
		}
		s.at[0] = best
	}
	if nodes[0].IsLeaf() {
		return 1, p.cost.tree[1]
	}
	return int(p.below[0].cut), float64(p.below[0].at[0])
}

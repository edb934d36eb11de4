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
	sets  []kernel.Cond // of the categorical conditions, in the current tile; 0 if not made yet
	edges [][]float32   // of the categorical conditions; nil if not looked at yet

	numbers bool // of leaves are what trees give
	copies  int  // of each tree, for the outputs of leaves that are vectors; else 1

	order  []int32    // nodes of the tree at hand, parents first
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
	// minGain is how many times less a block has to cost than its rows one by one, for a plan to be kept.
	minGain = 1.25
)

// newPlan compiles f for a kind of kernel: for margins, or for the numbers of leaves. The plan is nil if f is of a kind that networks cannot do, or
// does not gain by them. rows is from how many rows on a block is worth it, and cost what one takes, roughly.
//
// What a tree adds to a row depends on the leaf alone, so whatever depends on the leaf can be added. A leaf that is a vector is a tree for each
// output, of the same conditions. And the number of a leaf is what a tree adds to a sum of its own, which begins with zero.
func (f *Forest) newPlan(kind kernel.Kind, shapes []shape, leaves, forced bool) (plan *kernel.Plan, rows int, cost float64) {
	groups, most, copies, row := f.NumGroup, maxPlanGroups, 1, f.oneCost
	switch {
	case leaves:
		groups, most = f.NumTree(), maxPlanTrees
	case f.vectors != nil:
		copies = f.NumGroup
	}
	if groups > most || f.NumTree() == 0 {
		return nil, 0, 0
	}
	p := &planner{f: f, b: kernel.NewBuilder(kind, f.NumFeature, groups), cost: kernelCosts(kind), numbers: leaves, copies: copies,
		sets: make([]kernel.Cond, len(f.conditions)), edges: make([][]float32, len(f.conditions))}
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
	p.b.Grow(leafCount)
	for t, depth := range depths {
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
	return plan, fewestRows(kind, p.spent/row, size.Bytes > 0), p.spent
}

// fewestRows is from how many rows on the block kernel is worth it, if a block takes as long as some rows one by one.
func fewestRows(kind kernel.Kind, block float64, small bool) int {
	least := func(cost float64) int { return int(math.Ceil(block * cost)) }
	switch {
	case kind != kernel.AVX2:
		return least(1)
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

// tree adds the pieces of a tree, whose root's has the given depth.
func (p *planner) tree(t, depth int, s shape) bool {
	nodes, whole := p.f.Tree(t), 0
	if simple(s) {
		p.below = append(p.below[:0], pieceSum{})
		if s.categorical == 0 {
			whole = s.splits
		}
	} else {
		p.measure(nodes)
	}
	p.below[0].cut = int8(depth)
	p.pieces = append(p.pieces[:0], piece{})
	for len(p.pieces) > 0 {
		one := p.pieces[len(p.pieces)-1]
		p.pieces = p.pieces[:len(p.pieces)-1]
		if !p.piece(t, nodes, one, whole) {
			return false
		}
	}
	return true
}

// piece adds one piece of tree t. whole is the number of splits of a tree that is a single piece without categorical splits; else 0.
func (p *planner) piece(t int, nodes []Node, one piece, whole int) bool {
	depth := int(p.below[one.node].cut)
	need, ok := 4+2*whole, true
	if whole == 0 {
		need, ok = p.need(nodes, one, depth)
	}
	if !ok || len(one.path) > maxPath || need > kernel.MaxPlanes/2 {
		return false
	}
	if need > p.b.Room() {
		p.b.EndTile()
		clear(p.sets)
	}
	p.conds, p.path = p.conds[:0], append(p.path[:0], one.path...)
	height := depth
	if len(one.path) > 0 {
		height++
	}
	p.at = append(p.at[:0], make([]int32, 1<<height)...)
	if len(one.path) == 0 {
		p.fill(nodes, 0, depth, 0)
	} else {
		for i := range p.at[:1<<depth] {
			p.at[i] = -1
		}
		p.fill(nodes, one.node, depth, 1<<depth)
		p.pad(depth)
		p.conds = append(p.conds, p.member(nodes, one.path))
	}
	for output := range p.copies {
		group := output
		switch {
		case p.numbers:
			group = t
		case p.copies == 1:
			group = int(p.f.group[t])
		}
		p.leaves = p.leaves[:0]
		for _, n := range p.at {
			p.leaves = append(p.leaves, p.give(t, n, output))
		}
		p.b.Tree(group, height, p.conds, p.leaves)
	}
	return true
}

// give is what tree t adds to a row that ends in a leaf, which is -1 if it ends in another piece.
func (p *planner) give(t int, leaf int32, output int) float32 {
	if leaf < 0 {
		return negativeZero
	}
	if p.numbers {
		return float32(leaf)
	}
	node := &p.f.Tree(t)[leaf]
	if p.f.vectors != nil {
		return float32(p.f.Vector(node)[output] * p.f.Weight(t))
	}
	return float32(node.Value * p.f.Weight(t))
}

var negativeZero = float32(math.Copysign(0, -1))

// fill writes the conditions of the sub-tree of node n, cut at a height, and its leaves from code on.
func (p *planner) fill(nodes []Node, n int32, height, code int) {
	node := &nodes[n]
	switch {
	case node.IsLeaf():
		for i := range p.at[code:][:1<<height] {
			p.at[code+i] = n
		}
		p.pad(height)
	case height == 0:
		p.at[code] = -1
		p.pieces = append(p.pieces, piece{n, append([]turn(nil), p.path...)})
	default:
		p.path = append(p.path, turn{n, true})
		p.fill(nodes, node.Left, height-1, code|1<<(height-1))
		p.path[len(p.path)-1].left = false
		p.fill(nodes, node.Right, height-1, code)
		p.path = p.path[:len(p.path)-1]
		p.conds = append(p.conds, p.cond(node))
	}
}

// pad writes the conditions of a sub-tree that all rows leave with the same value.
func (p *planner) pad(height int) {
	for range 1<<height - 1 {
		p.conds = append(p.conds, 0)
	}
}

// cond is the condition of a split.
func (p *planner) cond(split *Node) kernel.Cond {
	if !split.Categorical() {
		return p.b.Less(int32(split.Column()), split.Value, split.DefaultLeft())
	}
	i := split.condition()
	if p.sets[i] == 0 {
		c := &p.f.conditions[i]
		p.sets[i] = p.b.Set(c.column, p.edgesOf(i), c.strayLeft, c.missingLeft)
	}
	return p.sets[i]
}

// member is the condition that a row takes a path.
func (p *planner) member(nodes []Node, path []turn) kernel.Cond {
	c := kernel.Cond(0)
	for i, step := range path {
		next := p.cond(&nodes[step.node])
		switch {
		case i > 0:
			c = p.b.And(c, next, step.left)
		case step.left:
			c = next
		default:
			c = p.b.Not(next)
		}
	}
	return c
}

// need is how many planes a piece takes at most. ok is false if it has a split that is not fit for planes.
func (p *planner) need(nodes []Node, one piece, depth int) (planes int, ok bool) {
	planes = 4
	count := func(n *Node) bool {
		planes += 2
		if n.Categorical() {
			edges := len(p.edgesOf(n.condition()))
			planes += edges + 2
			return edges <= maxEdges
		}
		return true
	}
	for _, step := range one.path {
		planes++
		if !count(&nodes[step.node]) {
			return 0, false
		}
	}
	var inside func(n int32, height int) bool
	inside = func(n int32, height int) bool {
		node := &nodes[n]
		if height == 0 || node.IsLeaf() {
			return true
		}
		return count(node) && inside(node.Left, height-1) && inside(node.Right, height-1)
	}
	return planes, inside(one.node, depth)
}

// edgesOf are the edges of a categorical condition, or the first maxEdges+1 of them.
func (p *planner) edgesOf(i int32) []float32 {
	if p.edges[i] == nil {
		p.edges[i] = p.f.conditions[i].edges(maxEdges + 1)
	}
	return p.edges[i]
}

// edges are the numbers from which on a value goes another way than below; at most so many. Beyond the last of them it goes where
// stray values go.
func (c *condition) edges(most int) []float32 {
	edges := []float32{}
	left := c.strayLeft // of values below zero
	turn := func(at int32, to bool) {
		if to != left && len(edges) < most {
			edges = append(edges, float32(at))
			left = to
		}
	}
	next, limit := int32(0), int32(c.limit)
	for _, code := range c.codes {
		if code > next {
			turn(next, true)
		}
		turn(code, false)
		next = code + 1
	}
	if next < limit {
		turn(next, true)
	}
	turn(limit, c.strayLeft)
	return edges
}

package forest

import (
	"math"
	"slices"

	"threatdetect/internal/kernel"
)

// How the trees of a forest, or the pieces that they are cut into, become networks.

// begin makes the builder.
func (p *planner) begin(kind kernel.Kind, groups int) {
	all := make([]kernel.Threshold, 0, len(p.all.column))
	p.same = len(p.f.conditions) == 0
	for place, column := range p.all.columns {
		keys := p.all.keys[place]
		p.same = p.same && keys[0] != keyNaNThreshold // for which the builder has another
		for _, key := range keys {
			all = append(all, kernel.Threshold{Column: column, Value: thresholdOf(key)})
		}
	}
	for i := range p.f.conditions {
		for _, e := range p.edgesOf(int32(i)) {
			all = append(all, kernel.Threshold{Column: p.f.conditions[i].column, Value: e})
		}
	}
	p.b = kernel.NewBuilder(kind, p.f.NumFeature, groups, all)
}

// tree adds the pieces of a tree, whose root's has the given depth.
func (p *planner) tree(t, depth int, s shape) bool {
	p.nodes, p.number = p.f.Tree(t), p.all.of[p.f.start[t]:p.f.start[t+1]]
	whole := 0
	if simple(s) {
		p.below = append(p.below[:0], pieceSum{})
		if s.categorical == 0 {
			whole = s.splits
		}
	} else {
		p.measure(p.nodes)
	}
	p.below[0].cut = int8(depth)
	p.pieces = append(p.pieces[:0], piece{})
	for len(p.pieces) > 0 {
		one := p.pieces[len(p.pieces)-1]
		p.pieces = p.pieces[:len(p.pieces)-1]
		if !p.piece(t, one, whole) {
			return false
		}
	}
	return true
}

// piece adds one piece of tree t. whole is the number of splits of a tree that is a single piece without categorical splits; else 0.
func (p *planner) piece(t int, one piece, whole int) bool {
	depth := int(p.below[one.node].cut)
	need, ok := 4+2*whole, true
	if whole == 0 {
		need, ok = p.need(one, depth)
	}
	if !ok || len(one.path) > maxPath || need > kernel.MaxPlanes/4 {
		return false
	}
	if need > p.b.Room() {
		p.b.EndTile()
		clear(p.sets)
		clear(p.made)
	}
	height := depth
	if len(one.path) > 0 {
		height++
	}
	p.at = slices.Grow(p.at[:0], 1<<height)[:1<<height]
	p.conds, p.path = slices.Grow(p.conds[:0], 1<<height)[:0], append(p.path[:0], one.path...)
	switch {
	case whole > 0:
		p.fillWhole(depth)
	case len(one.path) == 0:
		p.fill(0, depth, 0)
	default:
		for i := range p.at[:1<<depth] {
			p.at[i] = -1
		}
		p.fill(one.node, depth, 1<<depth)
		p.pad(depth)
		p.conds = append(p.conds, p.member(one.path))
	}
	p.leaves = slices.Grow(p.leaves[:0], len(p.at))[:len(p.at)]
	for output := range p.copies {
		group := output
		switch {
		case p.numbers:
			group = t
		case p.copies == 1:
			group = int(p.f.group[t])
		}
		p.give(t, output)
		p.b.Tree(group, height, p.conds, p.leaves)
	}
	return true
}

// give writes what tree t adds to rows that end in its leaves: nothing where the tree goes on in another piece.
func (p *planner) give(t, output int) {
	weight := p.f.Weight(t)
	for code, n := range p.at {
		x := negativeZero
		switch {
		case n < 0:
		case p.numbers:
			x = float32(n)
		case p.f.vectors != nil:
			x = float32(p.f.Vector(&p.nodes[n])[output] * weight)
		default:
			x = float32(p.nodes[n].Value * weight)
		}
		p.leaves[code] = x
	}
}

var negativeZero = float32(math.Copysign(0, -1))

// fill writes the conditions of the sub-tree of node n, cut at a height, and its leaves from code on.
func (p *planner) fill(n int32, height, code int) {
	node := &p.nodes[n]
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
		p.fill(node.Left, height-1, code|1<<(height-1))
		p.path[len(p.path)-1].left = false
		p.fill(node.Right, height-1, code)
		p.path = p.path[:len(p.path)-1]
		p.conds = append(p.conds, p.cond(n))
	}
}

// fillWhole is fill for all of a tree, which no piece and no categorical split is in: level by level.
func (p *planner) fillWhole(depth int) {
	p.conds = p.conds[:1<<depth-1]
	// The code of a leaf has a bit for each way to the left, so codes are from right to left; so are the nodes of a level here.
	p.at[0] = 0
	for d := range depth {
		height := depth - d
		above, below := p.at[:1<<d], p.at[:2<<d]
		for i := len(above) - 1; i >= 0; i-- { // from the end, as the level below is written over this one
			n := above[i]
			node := &p.nodes[n]
			left, right, c := n, n, kernel.Cond(0)
			if !node.IsLeaf() {
				left, right = node.Left, node.Right
				c = p.numeric(n, node)
			}
			below[2*i], below[2*i+1] = right, left
			p.conds[kernel.PostOrder(height, len(above)-1-i)] = c
		}
	}
}

// pad writes the conditions of a sub-tree that all rows leave with the same value.
func (p *planner) pad(height int) {
	for range 1<<height - 1 {
		p.conds = append(p.conds, 0)
	}
}

// cond is the condition of a split.
func (p *planner) cond(n int32) kernel.Cond {
	split := &p.nodes[n]
	if !split.Categorical() {
		return p.numeric(n, split)
	}
	i := split.condition()
	if p.sets[i] == 0 {
		c := &p.f.conditions[i]
		p.sets[i] = p.b.Set(c.column, p.edgesOf(i), c.strayLeft, c.missingLeft)
	}
	return p.sets[i]
}

// numeric is the condition of a numeric split, node n of the tree.
func (p *planner) numeric(n int32, split *Node) kernel.Cond {
	made := &p.made[2*p.number[n]+int32(split.split&1)]
	if *made == 0 {
		number := p.number[n]
		threshold := int(p.all.first[p.all.column[number]] + p.all.rank[number])
		if !p.same {
			threshold = p.b.Number(int32(split.Column()), split.Value)
		}
		*made = p.b.Less(threshold, split.DefaultLeft())
	}
	return *made
}

// member is the condition that a row takes a path.
func (p *planner) member(path []turn) kernel.Cond {
	c := kernel.Cond(0)
	for i, step := range path {
		next := p.cond(step.node)
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
func (p *planner) need(one piece, depth int) (planes int, ok bool) {
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
		if !count(&p.nodes[step.node]) {
			return 0, false
		}
	}
	var inside func(n int32, height int) bool
	inside = func(n int32, height int) bool {
		node := &p.nodes[n]
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

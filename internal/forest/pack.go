package forest

import "threatdetect/internal/heapwalk"

// packer fills packs with trees.
type packer[N heapwalk.Node] struct {
	f      *Forest
	of     []int32 // by node: the number of a numeric split's threshold
	splits []N     // by that number, for missing values to go left
	tests  []N     // by condition: categorical splits
	level  []int32 // nodes of a tree that are equally deep, from left to right
}

func (f *Forest) widePacker(all *thresholds) *packer[uint64] {
	p := &packer[uint64]{f: f, of: all.of, splits: make([]uint64, len(all.column)), tests: make([]uint64, len(f.conditions))}
	slots := f.wideSlots()
	for i, c := range all.column {
		p.splits[i] = heapwalk.Wide(all.keys[c][all.rank[i]], slots[c])
	}
	for i := range p.tests {
		p.tests[i] = heapwalk.Wide(keyCondition, uint32(2*heapwalk.Quad*len(f.quads)+i))
	}
	return p
}

func (f *Forest) narrowPacker(all *thresholds) *packer[uint32] {
	p := &packer[uint32]{f: f, of: all.of, splits: make([]uint32, len(all.column)), tests: make([]uint32, len(f.conditions))}
	for i, c := range all.column {
		p.splits[i] = heapwalk.Narrow(uint16(all.rank[i]+1), uint16(2*c))
	}
	for i := range p.tests {
		p.tests[i] = heapwalk.Narrow(keyCondition, uint16(2*len(f.columns)+i))
	}
	return p
}

// fill makes the packs of r, of which there is nothing but the number and depth of their trees.
func (p *packer[N]) fill(r *run, packs *heapwalk.Packs[N], pause func()) {
	trees, size := packs.Trees, packs.Size()
	total := len(r.trees) << packs.Depth
	packs.Nodes, packs.Leaves, r.leafIDs = make([]N, total), make([]float32, total), make([]int32, total)
	for i, t := range r.trees {
		pause()
		first, k := i/trees*size, i%trees
		at := first + k<<packs.Depth
		p.splitsOf(int(t), packs.Nodes[first:][:size], trees+k, packs.Depth)
		p.leavesOf(int(t), packs.Leaves[at:], r.leafIDs[at:])
	}
}

// splitsOf writes the splits of a tree to a pack, where its root is at an index, level by level. A leaf's two children are the leaf again. In the end
// p.level is the leaves.
func (p *packer[N]) splitsOf(t int, pack []N, root, depth int) {
	nodes, of := p.f.Tree(t), p.of[p.f.start[t]:p.f.start[t+1]]
	if len(p.level) < 1<<depth {
		p.level = make([]int32, 1<<depth)
	}
	p.level = p.level[:1<<depth]
	p.level[0] = 0
	for d := range depth {
		to, above, below := pack[root<<d:][:1<<d], p.level[:1<<d], p.level[:2<<d]
		for i := len(above) - 1; i >= 0; i-- { // from the right, as the level below is written over this one
			n := above[i]
			node := &nodes[n]
			left, right := n, n
			if !node.IsLeaf() {
				left, right = node.Left, node.Right
				if node.Categorical() {
					to[i] = p.tests[node.condition()]
				} else {
					to[i] = p.splits[of[n]] + N(node.split&1)
				}
			}
			below[2*i], below[2*i+1] = left, right
		}
	}
}

// leavesOf writes the values and the numbers of the leaves of a tree that p.level holds.
func (p *packer[N]) leavesOf(t int, values []float32, numbers []int32) {
	nodes, weight := p.f.Tree(t), p.f.Weight(t)
	values, numbers = values[:len(p.level)], numbers[:len(p.level)]
	for i, n := range p.level {
		values[i] = float32(nodes[n].Value * weight)
	}
	copy(numbers, p.level)
}

package forest

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"threatdetect/internal/heapwalk"
	"threatdetect/internal/kernel"
	"threatdetect/internal/testkit"
	"threatdetect/model"
)

// Compiling goes through trees level by level. These tests go from node to node, as the forms are defined, and want the same.

// allDepths are boosters of trees of all depths, some of them with categorical splits or weights.
func allDepths(r *rand.Rand) (all []*model.Booster) {
	for depth := range 11 {
		b := testkit.RandomBooster(r, testkit.BoosterShape{
			Features: 1 + r.IntN(9), Trees: 33, Depth: depth, Fill: 0.6 + 0.4*r.Float64(), Thresholds: 1 + r.IntN(400), Special: depth%2 == 0,
		})
		switch depth % 4 {
		case 2:
			testkit.AddWeights(r, b)
		case 3:
			testkit.AddCategories(r, b)
		}
		all = append(all, b)
	}
	return all
}

// TestNodesInOrder reads the nodes of trees in both ways.
func TestNodesInOrder(t *testing.T) {
	read := 0
	for _, b := range allDepths(testkit.Rand(t)) {
		for i := range b.Trees {
			tree := &b.Trees[i]
			if len(tree.CategoryNodes) > 0 {
				continue
			}
			n := len(tree.Left)
			fromRoot := treeBuilder{f: &Forest{NumFeature: b.NumFeature}, numbers: thresholdNumbers{of: make([]int32, n)}, t: tree}
			inOrder := treeBuilder{f: &Forest{NumFeature: b.NumFeature}, numbers: thresholdNumbers{of: make([]int32, n)}, t: tree}
			want, got := make([]Node, n), make([]Node, n)
			require.NoError(t, fromRoot.fromRoot(want))
			require.True(t, inOrder.inOrder(got))
			require.Equal(t, fromRoot.shape, inOrder.shape)
			for j := range got {
				a, b := want[j], got[j]
				require.Equal(t, math.Float32bits(a.Value), math.Float32bits(b.Value))
				a.Value, b.Value = 0, 0
				require.Equal(t, a, b)
				if !a.IsLeaf() {
					read++
					key := uint64(a.Column())<<32 | uint64(thresholdKey(want[j].Value))
					require.Equal(t, key, fromRoot.numbers.table.Keys[fromRoot.numbers.of[j]])
					require.Equal(t, key, inOrder.numbers.table.Keys[inOrder.numbers.of[j]])
				}
			}
		}
	}
	require.Positive(t, read)
}

// TestPacks fills the packs of forests from node to node.
func TestPacks(t *testing.T) {
	for _, b := range allDepths(testkit.Rand(t)) {
		for _, choice := range []splitChoice{wideSplits, narrowSplits} {
			f, err := compile(b, Heap, choice, false, nil)
			require.NoError(t, err)
			thresholds := make([][]uint32, b.NumFeature) // by column
			for i := range f.nodes {
				if n := &f.nodes[i]; !n.IsLeaf() && !n.Categorical() {
					thresholds[n.Column()] = append(thresholds[n.Column()], thresholdKey(n.Value))
				}
			}
			for c := range thresholds {
				slices.Sort(thresholds[c])
				thresholds[c] = slices.Compact(thresholds[c])
			}
			split := func(n *Node) uint64 {
				key, slot, ok := f.SplitKey(n)
				require.True(t, ok)
				switch {
				case f.narrow && n.Categorical():
					return uint64(heapwalk.Narrow(uint16(key), uint16(slot)))
				case f.narrow:
					rank, _ := slices.BinarySearch(thresholds[n.Column()], key)
					return uint64(heapwalk.Narrow(uint16(rank+1), uint16(slot)))
				case n.Categorical():
					return heapwalk.Wide(key, uint32(2*heapwalk.Quad*len(f.quads))+slot-uint32(2*len(f.columns)))
				}
				return heapwalk.Wide(key, f.wideSlots()[slot/2]+slot%2)
			}
			for i := range f.runs {
				r := &f.runs[i]
				if !r.heap {
					continue
				}
				trees, depth, at := r.wide.Trees, r.wide.Depth, func(i int) uint64 { return r.wide.Nodes[i] }
				leaves := r.wide.Leaves
				if f.narrow {
					trees, depth, at = r.narrow.Trees, r.narrow.Depth, func(i int) uint64 { return uint64(r.narrow.Nodes[i]) }
					leaves = r.narrow.Leaves
				}
				size := trees << depth
				for k, tree := range r.trees {
					first := k / trees * size
					var below func(j int, n int32)
					below = func(j int, n int32) {
						node := &f.Tree(int(tree))[n]
						switch {
						case j >= size:
							require.Equal(t, math.Float32bits(node.Value*f.Weight(int(tree))), math.Float32bits(leaves[first+j-size]))
							require.Equal(t, n, r.leafIDs[first+j-size])
						case node.IsLeaf():
							below(2*j, n)
							below(2*j+1, n)
						default:
							require.Equal(t, split(node), at(first+j))
							below(2*j, node.Left)
							below(2*j+1, node.Right)
						}
					}
					below(trees+k%trees, 0)
				}
			}
		}
	}
}

// TestWholeTrees makes networks of trees that are one piece from node to node.
func TestWholeTrees(t *testing.T) {
	trees := 0
	for _, b := range allDepths(testkit.Rand(t)) {
		f := build(t, b)
		numbers := thresholdNumbers{of: make([]int32, len(f.nodes))}
		for i := range f.nodes {
			if n := &f.nodes[i]; !n.IsLeaf() && !n.Categorical() {
				numbers.add(i, int32(n.Column()), n.Value)
			}
		}
		p := planner{f: f, all: numbers.sorted(func() {}), made: make([]kernel.Cond, 2*len(numbers.table.Keys)), edges: make([][]float32, len(f.conditions))}
		p.begin(kernel.Generic, 1)
		for i := range b.Trees {
			p.nodes, p.number = f.Tree(i), p.all.of[f.start[i]:f.start[i+1]]
			if len(b.Trees[i].CategoryNodes) > 0 {
				continue
			}
			trees++
			for depth := f.stats.MaxDepth; depth <= kernel.MaxDepth; depth++ {
				p.at, p.conds = make([]int32, 1<<depth), make([]kernel.Cond, 0, 1<<depth)
				p.fill(0, depth, 0)
				conds, leaves := p.conds, p.at
				p.at, p.conds = make([]int32, 1<<depth), make([]kernel.Cond, 0, 1<<depth)
				p.fillWhole(depth)
				require.Equal(t, conds, p.conds, "depth %d", depth)
				require.Equal(t, leaves, p.at, "depth %d", depth)
			}
		}
	}
	require.Positive(t, trees)
}

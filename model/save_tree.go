package model

import (
	"math"
	"slices"
	"strconv"
)

// treeWriter writes trees. Its arrays are used again for the next tree.
type treeWriter struct {
	plan *SavePlan
	sink sink

	parents, right []int32
	weights, zeros []float32
	bytes          []byte
	starts, sizes  []int64
}

// What the root has as its parent, in plain trees and in those with vectors.
const (
	noParent       = math.MaxInt32
	noParentVector = -1
)

// tree writes one tree. Trees with vectors have three layouts:
//
//	2.0 to 3.1   base_weights holds a vector for each node, the leaves' own among them; no statistics
//	since 3.2    leaf_weights holds a vector for each leaf, right_children the leaf's place there
//	for both     base_weights and leaf_weights both hold the leaves' vectors
func (w *treeWriter) tree(id int, t *Tree) {
	s, n := w.sink, t.NumNode()
	vector := t.LeafSize > 1
	old, recent := vector && w.plan.before(3, 2), vector && w.plan.atLeast(3, 2)
	if len(w.zeros) < n {
		w.zeros = make([]float32, n)
	}
	s.object()
	s.key("base_weights")
	switch {
	case old:
		s.float32s(w.leavesInWeights(t))
	case vector && t.BaseWeight == nil:
		s.float32s(make([]float32, n*t.LeafSize))
	default:
		s.float32s(w.orZeros(t.BaseWeight, n))
	}
	w.categories(t)
	s.key("default_left")
	if w.plan.Last.Before(1, 6) {
		s.flags(t.DefaultLeft)
	} else {
		s.uint8s(w.flagBytes(t.DefaultLeft))
	}
	s.key("id")
	s.int(int64(id))
	if recent {
		s.key("leaf_weights")
		s.float32s(t.LeafVector)
	}
	s.key("left_children")
	s.int32s(t.Left)
	if !vector || recent {
		s.key("loss_changes")
		s.float32s(w.orZeros(t.LossChange, n))
	}
	s.key("parents")
	s.int32s(w.findParents(t))
	s.key("right_children")
	s.int32s(w.rightChildren(t, recent))
	s.key("split_conditions")
	s.float32s(t.Value)
	s.key("split_indices")
	s.int32s(t.Feature)
	s.key("split_type")
	s.uint8s(w.splitTypes(t))
	if !vector || recent {
		s.key("sum_hessian")
		s.float32s(w.orZeros(t.SumHessian, n))
	}
	s.key("tree_param")
	size := max(t.LeafSize, 1)
	if size == 1 && w.plan.before(2, 0) {
		size = 0
	}
	texts(s, map[string]string{
		"num_deleted":      strconv.Itoa(t.NumDeleted),
		"num_feature":      strconv.Itoa(w.plan.booster.NumFeature),
		"num_nodes":        strconv.Itoa(n),
		"size_leaf_vector": strconv.Itoa(size),
	})
	s.endObject()
}

func (w *treeWriter) orZeros(stats []float32, n int) []float32 {
	if stats == nil {
		return w.zeros[:n]
	}
	return stats
}

// findParents tells the parent of every node. That of a deleted one is the root, as releases look at the children of any node's parent.
func (w *treeWriter) findParents(t *Tree) []int32 {
	n := t.NumNode()
	w.parents = slices.Grow(w.parents[:0], n)[:n]
	clear(w.parents)
	for i, left := range t.Left {
		// Deleted nodes may still point to what were their children, or anywhere.
		if left != -1 && !t.isDeleted(int32(i)) {
			w.parents[left], w.parents[t.Right[i]] = int32(i), int32(i)
		}
	}
	if w.parents[0] = noParent; t.LeafSize > 1 {
		w.parents[0] = noParentVector
	}
	return w.parents
}

// rightChildren has, where leaves are in an array of their own, the places in it.
func (w *treeWriter) rightChildren(t *Tree, places bool) []int32 {
	if !places {
		return t.Right
	}
	w.right = append(w.right[:0], t.Right...)
	for n, place := range t.LeafIndex {
		if place >= 0 {
			w.right[n] = place
		}
	}
	return w.right
}

// leavesInWeights returns a vector for each node, with the leaves' own in their places.
func (w *treeWriter) leavesInWeights(t *Tree) []float32 {
	size := t.NumNode() * t.LeafSize
	w.weights = slices.Grow(w.weights[:0], size)[:size]
	if len(t.BaseWeight) == size {
		copy(w.weights, t.BaseWeight)
	} else {
		clear(w.weights)
	}
	for n, place := range t.LeafIndex {
		if place >= 0 {
			copy(w.weights[n*t.LeafSize:][:t.LeafSize], t.LeafVector[int(place)*t.LeafSize:])
		}
	}
	return w.weights
}

// leavesInWeights tells that the base weights of the leaves are their vectors, or that there are no base weights.
func (t *Tree) leavesInWeights() bool {
	if t.BaseWeight == nil {
		return true
	}
	if len(t.BaseWeight) != t.NumNode()*t.LeafSize {
		return false
	}
	for n, place := range t.LeafIndex {
		if place < 0 {
			continue
		}
		for k, v := range t.LeafVector[int(place)*t.LeafSize:][:t.LeafSize] {
			if math.Float32bits(v) != math.Float32bits(t.BaseWeight[n*t.LeafSize+k]) {
				return false
			}
		}
	}
	return true
}

// categories writes the categorical splits.
func (w *treeWriter) categories(t *Tree) {
	s := w.sink
	w.starts, w.sizes = w.starts[:0], w.sizes[:0]
	for i := range t.CategoryNodes {
		w.starts = append(w.starts, int64(t.CategoryStart[i]))
		w.sizes = append(w.sizes, int64(t.CategoryStart[i+1]-t.CategoryStart[i]))
	}
	s.key("categories")
	s.int32s(t.CategoryCodes)
	s.key("categories_nodes")
	s.int32s(t.CategoryNodes)
	s.key("categories_segments")
	s.int64s(w.starts)
	s.key("categories_sizes")
	s.int64s(w.sizes)
}

func (w *treeWriter) splitTypes(t *Tree) []byte {
	n := t.NumNode()
	w.bytes = slices.Grow(w.bytes[:0], n)[:n]
	clear(w.bytes)
	for _, node := range t.CategoryNodes {
		w.bytes[node] = 1
	}
	return w.bytes
}

func (w *treeWriter) flagBytes(flags []bool) []byte {
	w.bytes = w.bytes[:0]
	for _, flag := range flags {
		b := byte(0)
		if flag {
			b = 1
		}
		w.bytes = append(w.bytes, b)
	}
	return w.bytes
}

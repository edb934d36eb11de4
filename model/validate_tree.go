package model

import (
	"fmt"
	"math"
)

// treeValidator checks trees one after the other.
type treeValidator struct {
	numFeature, numGroup, maxDepth int
	anyLeaf                        bool // leaves may be NaN or infinite
	anyOrder                       bool // right children may be anywhere
	visited                        []bool
	queue                          []int32
	level                          []int32 // of a node, the root's being 1; 0: not reached
	categories                     categoryValidator
}

// nodeError places an error at a node's element of one of the arrays.
func nodeError(array string, n int32, format string, args ...any) error {
	return misplaced(index(array, int(n)), formatErrorf("node %d: %s", n, fmt.Sprintf(format, args...)))
}

func (v *treeValidator) validate(t *Tree) error {
	n := len(t.Left)
	if n == 0 {
		return misplaced("tree_param.num_nodes", formatErrorf("expected at least 1 node, found 0"))
	}
	if len(t.Right) != n || len(t.Feature) != n || len(t.Value) != n || len(t.DefaultLeft) != n {
		return formatErrorf("the arrays of %d nodes are not equally long", n)
	}
	for _, stats := range [][]float32{t.LossChange, t.SumHessian} {
		if stats != nil && len(stats) != n {
			return formatErrorf("%d training statistics for %d nodes", len(stats), n)
		}
	}
	if size := len(t.BaseWeight); size%n != 0 || size/n > max(t.LeafSize, 1) {
		return misplaced("base_weights", formatErrorf("%d training statistics for %d nodes", size, n))
	}
	if err := v.checkVectors(t); err != nil {
		return err
	}
	if err := v.categories.validate(t); err != nil {
		return err
	}
	if v.usual(t) {
		return nil
	}
	if cap(v.visited) < n {
		v.visited = make([]bool, n)
		v.queue = make([]int32, 0, n)
	}
	v.visited = v.visited[:n]
	clear(v.visited)
	if err := v.walk(t); err != nil {
		return err
	}
	return v.checkDeleted(t)
}

// usual tells whether a tree is sound in the form that XGBoost gives to nearly all: every child comes after its parent and the right one
// directly after the left. One pass over the nodes then proves what walk and checkDeleted prove for any form. If it returns
// false, they find out what is wrong, or that nothing is.
func (v *treeValidator) usual(t *Tree) bool {
	n := len(t.Left)
	if cap(v.level) < n {
		v.level = make([]int32, n)
	}
	level := v.level[:n]
	clear(level)
	level[0] = 1
	deleted, features, deepest := 0, uint32(v.numFeature), int32(min(v.maxDepth, math.MaxInt32-1))
	right, feature, value := t.Right[:n], t.Feature[:n], t.Value[:n]
	vectors := t.LeafSize > 1
	for i, left := range t.Left[:n] {
		depth := level[i]
		switch {
		case depth == 0:
			if !t.isDeleted(int32(i)) {
				return false
			}
			deleted++
		case left == -1:
			if !vectors && !v.anyLeaf && !finite(value[i]) {
				return false
			}
		default:
			next := int(left) + 1
			if int(left) <= i || next >= n || int(right[i]) != next || uint32(feature[i]) >= features || depth > deepest ||
				level[left] != 0 || level[next] != 0 {
				return false
			}
			level[left], level[next] = depth+1, depth+1
		}
	}
	return deleted == t.NumDeleted
}

// walk visits the nodes level by level. No node enters the queue twice, so the queue never grows beyond the tree and the walk ends.
func (v *treeValidator) walk(t *Tree) error {
	queue := append(v.queue[:0], 0)
	v.visited[0] = true
	depth, levelEnd := 0, 1
	for head := 0; head < len(queue); head++ {
		if head == levelEnd {
			depth, levelEnd = depth+1, len(queue)
		}
		n := queue[head]
		if t.Left[n] == -1 {
			if t.LeafSize < 2 && !v.anyLeaf && !finite(t.Value[n]) {
				return nodeError("split_conditions", n, "the leaf's value %v is not finite", t.Value[n])
			}
			continue
		}
		if depth == v.maxDepth {
			return misplaced(index("left_children", int(n)), check("depth of a tree", int64(depth)+1, int64(v.maxDepth)))
		}
		if f := t.Feature[n]; f < 0 || int(f) >= v.numFeature {
			return nodeError("split_indices", n, "feature %d is not one of the %d", f, v.numFeature)
		}
		if err := v.visit(t.Left[n], n, "left_children"); err != nil {
			return err
		}
		if err := v.visit(t.Right[n], n, "right_children"); err != nil {
			return err
		}
		if !v.anyOrder && t.Right[n] != t.Left[n]+1 {
			return nodeError("right_children", n, "the right child %d does not follow the left child %d", t.Right[n], t.Left[n])
		}
		queue = append(queue, t.Left[n], t.Right[n])
	}
	v.queue = queue
	return nil
}

// visit marks a child of parent.
func (v *treeValidator) visit(child, parent int32, array string) error {
	switch {
	case child < 0 || int(child) >= len(v.visited):
		return nodeError(array, parent, "the child %d is not one of the %d nodes", child, len(v.visited))
	case v.visited[child]:
		return nodeError(array, parent, "the child %d is reached twice: the nodes are not a tree", child)
	}
	v.visited[child] = true
	return nil
}

// checkDeleted checks that the nodes that the walk did not meet are those that pruning deleted.
func (v *treeValidator) checkDeleted(t *Tree) error {
	deleted := 0
	for i, visited := range v.visited {
		if n := int32(i); !visited {
			if !t.isDeleted(n) {
				return nodeError("left_children", n, "it is neither reachable nor deleted")
			}
			deleted++
		}
	}
	if deleted != t.NumDeleted {
		return misplaced("tree_param.num_deleted", formatErrorf("%d nodes are deleted, not %d", deleted, t.NumDeleted))
	}
	return nil
}

// isDeleted reports whether node n carries the mark of a deleted one: in the legacy form all bits of its split index are set.
func (t *Tree) isDeleted(n int32) bool { return t.Feature[n] == math.MaxInt32 && t.DefaultLeft[n] }

// countDeleted counts the nodes with that mark. The root cannot be deleted.
func (t *Tree) countDeleted() int {
	count := 0
	for n := 1; n < min(len(t.Feature), len(t.DefaultLeft)); n++ {
		if t.isDeleted(int32(n)) {
			count++
		}
	}
	return count
}

// checkVectors checks the vectors of a tree that has them in its leaves.
func (v *treeValidator) checkVectors(t *Tree) error {
	if t.LeafSize < 2 {
		if len(t.LeafIndex) > 0 || len(t.LeafVector) > 0 || t.LeafSize < 0 {
			return misplaced("leaf_weights", formatErrorf("vectors in a tree whose leaves have one value"))
		}
		return nil
	}
	if t.LeafSize != v.numGroup {
		return misplaced("tree_param.size_leaf_vector", formatErrorf("leaves of %d values for %d outputs", t.LeafSize, v.numGroup))
	}
	if len(t.LeafVector)%t.LeafSize != 0 || len(t.LeafIndex) != len(t.Left) {
		return misplaced("leaf_weights", formatErrorf("%d values in vectors of %d, %d places for %d nodes",
			len(t.LeafVector), t.LeafSize, len(t.LeafIndex), len(t.Left)))
	}
	leaves := len(t.LeafVector) / t.LeafSize
	for n, place := range t.LeafIndex {
		switch isLeaf := t.Left[n] == -1; {
		case isLeaf && (place < 0 || int(place) >= leaves):
			return nodeError("right_children", int32(n), "the leaf's vector %d is not one of the %d", place, leaves)
		case !isLeaf && place != -1:
			return nodeError("left_children", int32(n), "a split with the vector %d of a leaf", place)
		}
	}
	for i, value := range t.LeafVector {
		if !v.anyLeaf && !finite(value) {
			return misplaced(index("leaf_weights", i), formatErrorf("the leaf's value %v is not finite", value))
		}
	}
	return nil
}

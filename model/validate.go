package model

import (
	"fmt"
	"math"
)

// pathModel is where the trees are, in the terms of XGBoost's JSON form, which errors use for all formats.
const pathModel = "learner.gradient_booster.model."

// pathParam is where the numbers of the whole model are.
const pathParam = "learner.learner_model_param."

// Validate proves that b is sound, so that code that walks its trees needs no checks:
//
//   - node 0 is the root; every child is a node of its tree, and is the child of one node only, so that every walk ends;
//   - every node is either reachable or marked as deleted, and there are NumDeleted of the latter;
//   - a reachable split looks at a column in [0, NumFeature); slices have one element for each node;
//   - each tree adds to an output in [0, NumGroup), and the rounds cut the trees without gaps;
//   - there is a base score for each output, or one for all, of which the objective's link has an inverse;
//   - nothing is beyond the HardMax constants; in particular no tree is deeper than [HardMaxDepth].
//
// A threshold may be NaN: every value that is not missing then goes right. Validate takes no notice of the two rules that [LoadOptions]
// can loosen, adjacent children and finite leaves.
//
// It returns a *[ParseError] whose Path names the tree and the node as XGBoost's JSON form does, or nil.
func (b *Booster) Validate() error {
	return b.validate((&LoadOptions{
		MaxTrees: HardMaxTrees, MaxNodes: HardMaxNodes, MaxNodesPerTree: HardMaxNodesPerTree, MaxDepth: HardMaxDepth,
		MaxFeatures: HardMaxFeatures, MaxGroups: HardMaxGroups, AllowNonAdjacent: true, AllowNonFinite: true,
	}).resolved())
}

// misplaced is an error at a path, with no known offset.
func misplaced(path string, err error) error {
	return &ParseError{Offset: -1, Path: path, Err: err}
}

func (b *Booster) validate(opts *LoadOptions) error {
	if err := checkBooster(b.Kind); err != nil {
		return misplaced("learner.gradient_booster.name", err)
	}
	if err := checkObjective(b.Objective); err != nil {
		return misplaced("learner.objective.name", err)
	}
	if b.NumFeature < 0 || b.NumClass < 0 || b.NumTarget < 0 {
		return misplaced(pathParam[:len(pathParam)-1], formatErrorf("a number of features, classes or targets is negative"))
	}
	if err := checkShape(b, opts); err != nil {
		return misplaced(pathParam[:len(pathParam)-1], err)
	}
	if isMultiClass(b.Objective) && b.NumClass < 1 {
		return misplaced(pathParam+"num_class", formatErrorf("%q needs at least 1 class", b.Objective))
	}
	if err := b.checkBaseScore(); err != nil {
		return misplaced(pathParam+"base_score", err)
	}
	if n := len(b.FeatureNames); n != 0 && n != b.NumFeature {
		return misplaced("learner.feature_names", formatErrorf("%d names for %d features", n, b.NumFeature))
	}
	if n := len(b.FeatureTypes); n != 0 && n != b.NumFeature {
		return misplaced("learner.feature_types", formatErrorf("%d types for %d features", n, b.NumFeature))
	}
	if err := b.checkForest(opts); err != nil {
		return err
	}
	v := treeValidator{numFeature: b.NumFeature, maxDepth: opts.MaxDepth, anyLeaf: opts.AllowNonFinite,
		anyOrder: opts.AllowNonAdjacent || b.Version.Before(1, 3)}
	nodes := 0
	for i := range b.Trees {
		path := index(pathModel+"trees", i)
		n := len(b.Trees[i].Left)
		nodes += n
		if err := check("nodes in a tree", int64(n), int64(opts.MaxNodesPerTree)); err != nil {
			return misplaced(path, err)
		}
		if err := check("nodes", int64(nodes), int64(opts.MaxNodes)); err != nil {
			return misplaced(path, err)
		}
		if err := v.validate(&b.Trees[i]); err != nil {
			return within(path, at(-1, err))
		}
	}
	return nil
}

func (b *Booster) checkBaseScore() error {
	if n := len(b.BaseScore); n != 1 && n != b.NumGroup() {
		return formatErrorf("%d values for %d outputs", n, b.NumGroup())
	}
	for _, v := range b.BaseScore {
		if !finite(v) {
			return formatErrorf("%v is not finite", v)
		}
		if !isLogistic(b.Objective) || b.BaseIsMargin {
			continue
		}
		// Releases from 3.2 on clamp the value before they take its logit; earlier ones refuse 0 and 1.
		if v < 0 || v > 1 || b.Version.Before(3, 2) && (v == 0 || v == 1) {
			return formatErrorf("%v is not a probability that %q can start from", v, b.Objective)
		}
	}
	return nil
}

func finite(v float32) bool {
	const exponent = 0xff << 23 // all ones in NaN and infinities alone
	return math.Float32bits(v)&exponent != exponent
}

// checkForest checks how the trees make up the model.
func (b *Booster) checkForest(opts *LoadOptions) error {
	if err := check("trees", int64(len(b.Trees)), int64(opts.MaxTrees)); err != nil {
		return misplaced(pathModel+"trees", err)
	}
	if len(b.TreeGroup) != len(b.Trees) {
		return misplaced(pathModel+"tree_info", formatErrorf("%d elements for %d trees", len(b.TreeGroup), len(b.Trees)))
	}
	for i, g := range b.TreeGroup {
		if g < 0 || int(g) >= b.NumGroup() {
			return misplaced(index(pathModel+"tree_info", i), formatErrorf("output %d is not one of the %d", g, b.NumGroup()))
		}
	}
	if b.NumParallelTree < 1 {
		return misplaced(pathModel+"gbtree_model_param.num_parallel_tree", formatErrorf("expected at least 1 tree, found %d", b.NumParallelTree))
	}
	const indptr = pathModel + "iteration_indptr"
	rounds := b.IterationStart
	if len(rounds) == 0 || rounds[0] != 0 {
		return misplaced(indptr, formatErrorf("the first round does not start at tree 0"))
	}
	for i := 1; i < len(rounds); i++ {
		if rounds[i] < rounds[i-1] {
			return misplaced(index(indptr, i), formatErrorf("%d is below the element before it, %d", rounds[i], rounds[i-1]))
		}
	}
	if last := rounds[len(rounds)-1]; int(last) != len(b.Trees) {
		return misplaced(index(indptr, len(rounds)-1), formatErrorf("the last round ends at tree %d of %d", last, len(b.Trees)))
	}
	return nil
}

// treeValidator checks trees one after the other.
type treeValidator struct {
	numFeature, maxDepth int
	anyLeaf              bool // leaves may be NaN or infinite
	anyOrder             bool // right children may be anywhere
	visited              []bool
	queue                []int32
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
	for _, stats := range [][]float32{t.LossChange, t.SumHessian, t.BaseWeight} {
		if stats != nil && len(stats) != n {
			return formatErrorf("%d training statistics for %d nodes", len(stats), n)
		}
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
			if !v.anyLeaf && !finite(t.Value[n]) {
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

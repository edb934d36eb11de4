package model

import "math"

// pathModel is where the trees are, in the terms of XGBoost's JSON form, which errors use for all formats.
const pathModel = "learner.gradient_booster.model."

// treePath is where tree i is. It is made for errors only: a model has thousands of trees.
func treePath(i int) string { return index(pathModel+"trees", i) }

// pathParam is where the numbers of the whole model are.
const pathParam = "learner.learner_model_param."

// Validate proves that b is sound, so that code that walks its trees needs no checks:
//
//   - node 0 is the root; every child is a node of its tree, and is the child of one node only, so that every walk ends;
//   - every node is either reachable or marked as deleted, and there are NumDeleted of the latter;
//   - a reachable split looks at a column in [0, NumFeature); slices have one element for each node;
//   - a categorical split has codes that go right, all below 2^24, and not so few and great that their bits would exhaust memory;
//   - each tree adds to an output in [0, NumGroup), and the rounds cut the trees without gaps; vector leaves have a value for each output;
//   - there is a base score for each output, or one for all, of which the objective's link has an inverse;
//   - there are as many weights of trees as trees, or none, and as many of a linear booster as features and outputs demand, or none;
//   - nothing is beyond the HardMax constants; in particular no tree is deeper than [HardMaxDepth].
//
// A threshold may be NaN: every value that is not missing then goes right. Validate takes no notice of the two rules that [LoadOptions]
// can loosen, adjacent children and finite leaves and weights.
//
// It returns a *[ParseError] whose Path names the tree and the node as XGBoost's JSON form does, or nil.
func (b *Booster) Validate() error {
	return b.validate((&LoadOptions{
		MaxTrees: HardMaxTrees, MaxNodes: HardMaxNodes, MaxNodesPerTree: HardMaxNodesPerTree, MaxDepth: HardMaxDepth,
		MaxFeatures: HardMaxFeatures, MaxGroups: HardMaxGroups, MaxCategories: HardMaxCategories,
		AllowNonAdjacent: true, AllowNonFinite: true,
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
	if err := opts.checkObjective(b.Objective); err != nil {
		return misplaced("learner.objective.name", err)
	}
	if b.NumFeature < 1 || b.NumClass < 0 || b.NumTarget < 0 {
		return misplaced(pathParam[:len(pathParam)-1], formatErrorf("%d features, %d classes and %d targets: expected a feature at least, and no negative number", b.NumFeature, b.NumClass, b.NumTarget))
	}
	if err := checkShape(b, opts); err != nil {
		return misplaced(pathParam[:len(pathParam)-1], err)
	}
	if err := b.checkOutputs(); err != nil {
		return err
	}
	if n := len(b.BaseScore); n != 1 && n != b.NumGroup() {
		return misplaced(pathParam+"base_score", formatErrorf("%d values for %d outputs", n, b.NumGroup()))
	}
	for _, v := range b.BaseScore {
		if err := b.checkBaseScore(v); err != nil {
			return misplaced(pathParam+"base_score", err)
		}
	}
	if n := len(b.FeatureNames); n != 0 && n != b.NumFeature {
		return misplaced("learner.feature_names", formatErrorf("%d names for %d features", n, b.NumFeature))
	}
	if n := len(b.FeatureTypes); n != 0 && n != b.NumFeature {
		return misplaced("learner.feature_types", formatErrorf("%d types for %d features", n, b.NumFeature))
	}
	if n := len(b.Categories); n != 0 && n != b.NumFeature {
		return misplaced(pathModel+"cats.enc", formatErrorf("%d lists of categories for %d features", n, b.NumFeature))
	}
	if err := b.checkForest(opts); err != nil {
		return err
	}
	if err := b.checkWeights(opts); err != nil {
		return err
	}
	v := treeValidator{numFeature: b.NumFeature, numGroup: b.NumGroup(), maxDepth: opts.MaxDepth, anyLeaf: opts.AllowNonFinite,
		anyOrder: opts.AllowNonAdjacent || b.Version.Before(1, 3), categories: categoryValidator{limit: opts.MaxCategories}}
	nodes := 0
	for i := range b.Trees {
		if err := opts.stopped(); err != nil {
			return err
		}
		t := &b.Trees[i]
		n := len(t.Left)
		nodes += n
		if err := check("nodes in a tree", int64(n), int64(opts.MaxNodesPerTree)); err != nil {
			return misplaced(treePath(i), err)
		}
		if err := check("nodes", int64(nodes), int64(opts.MaxNodes)); err != nil {
			return misplaced(treePath(i), err)
		}
		if (t.LeafSize > 1) != (b.Trees[0].LeafSize > 1) {
			return misplaced(treePath(i), formatErrorf("trees with a vector in each leaf beside trees without"))
		}
		if t.LeafSize > 1 && b.TreeGroup[i] != 0 {
			return misplaced(index(pathModel+"tree_info", i), formatErrorf("output %d for a tree of all outputs", b.TreeGroup[i]))
		}
		if err := v.validate(t); err != nil {
			return within(treePath(i), at(-1, err))
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

// checkWeights checks the weights of DART's trees and of linear boosters.
func (b *Booster) checkWeights(opts *LoadOptions) error {
	isLinear := b.Kind == kindLinear
	const dart, linear = pathModel + "weight_drop", pathModel + "weights"
	switch {
	case b.TreeWeight != nil && b.Kind != kindDart:
		return misplaced(dart, formatErrorf("weights of trees in a %q booster", b.Kind))
	case b.TreeWeight != nil && len(b.TreeWeight) != len(b.Trees):
		return misplaced(dart, formatErrorf("%d weights for %d trees", len(b.TreeWeight), len(b.Trees)))
	case len(b.Linear) > 0 && !isLinear:
		return misplaced(linear, formatErrorf("linear weights in a %q booster", b.Kind))
	case len(b.Trees) > 0 && isLinear:
		return misplaced(pathModel+"trees", formatErrorf("trees in a %q booster", b.Kind))
	case len(b.Linear) > 0 && int64(len(b.Linear)) != (int64(b.NumFeature)+1)*int64(b.NumGroup()):
		return misplaced(linear, formatErrorf("%d weights for %d features and %d outputs", len(b.Linear), b.NumFeature, b.NumGroup()))
	case b.LinearRounds < 0:
		return misplaced(pathModel+"boosted_rounds", formatErrorf("%d is negative", b.LinearRounds))
	case opts.AllowNonFinite:
		return nil
	}
	for i, v := range b.TreeWeight {
		if !finite(v) {
			return misplaced(index(dart, i), formatErrorf("%v is not finite", v))
		}
	}
	for i, v := range b.Linear {
		if !finite(v) {
			return misplaced(index(linear, i), formatErrorf("%v is not finite", v))
		}
	}
	return nil
}

package model

// finish fills in what files of older releases leave out, after the parts of b have been read: indptr is nil and forest 0 if
// the file has no iteration_indptr and no num_parallel_tree.
func finish(b *Booster, indptr []int32, forest int) {
	if len(b.FeatureNames) == 0 {
		b.FeatureNames = nil
	}
	if len(b.FeatureTypes) == 0 {
		b.FeatureTypes = nil
	}
	if len(b.Trees) == 0 {
		b.Trees = nil
	}
	if b.Kind == kindLinear {
		b.TreeGroup, b.NumParallelTree, b.IterationStart = nil, 1, []int32{0}
		return
	}
	if forest == 0 {
		forest = inferForest(b)
	}
	b.NumParallelTree = forest
	b.IterationStart = indptr
	if indptr == nil {
		b.IterationStart = makeRounds(b.TreeGroup, forest)
	}
}

// inferForest finds out how many trees a round adds for each output. With one output the trees do not tell, and XGBoost takes 1.
func inferForest(b *Booster) int {
	if b.NumGroup() == 1 {
		return 1
	}
	n := 0
	for n < len(b.TreeGroup) && b.TreeGroup[n] == b.TreeGroup[0] {
		n++
	}
	return max(n, 1)
}

// makeRounds cuts the trees into rounds of equal size, as XGBoost does for files without iteration_indptr. If
// the last one is not complete it still gets a place.
func makeRounds(group []int32, forest int) []int32 {
	groups := int64(1)
	for _, g := range group {
		groups = max(groups, int64(g)+1)
	}
	size := groups * int64(forest)
	starts := []int32{0}
	for end := size; end < int64(len(group)); end += size {
		starts = append(starts, int32(end))
	}
	if len(group) > 0 {
		starts = append(starts, int32(len(group)))
	}
	return starts
}

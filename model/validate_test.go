package model

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestValidate(t *testing.T) {
	require.NoError(t, tiny().Validate())
	require.ErrorIs(t, (&Booster{}).Validate(), ErrUnsupported)
	for path, spoil := range map[string]func(b *Booster){
		"learner.gradient_booster.model.trees[1].tree_param.num_nodes": func(b *Booster) { b.Trees[1] = Tree{} },
		"learner.gradient_booster.model.trees[1]":                      func(b *Booster) { b.Trees[1].Value = nil },
		"learner.gradient_booster.model.trees[0]":                      func(b *Booster) { b.Trees[0].SumHessian = []float32{1} },
		"learner.gradient_booster.model.tree_info":                     func(b *Booster) { b.TreeGroup = nil },
		"learner.gradient_booster.model.iteration_indptr":              func(b *Booster) { b.IterationStart = nil },
		"learner.gradient_booster.model.iteration_indptr[2]":           func(b *Booster) { b.IterationStart[2] = 5 },
		"learner.learner_model_param":                                  func(b *Booster) { b.NumFeature = -1 },
		"learner.learner_model_param.base_score":                       func(b *Booster) { b.BaseScore = nil },
		"learner.gradient_booster.model.trees[0].split_indices[0]":     func(b *Booster) { b.Trees[0].Feature[0] = -1 },
		"learner.objective.name":                                       func(b *Booster) { b.Objective = "x" },
	} {
		b := tiny()
		spoil(b)
		var p *ParseError
		require.ErrorAs(t, b.Validate(), &p, path)
		require.Equal(t, path, p.Path)
		require.EqualValues(t, -1, p.Offset)
	}
	// what LoadOptions can allow is sound
	b := tiny()
	b.Trees[0].Left[0], b.Trees[0].Right[0] = 2, 1
	b.Trees[1].Value[0] = float32(nan)
	require.NoError(t, b.Validate())
	// a margin may be any finite number
	b.BaseScore[0], b.BaseIsMargin = -7, true
	require.NoError(t, b.Validate())
	b.TreeGroup = make([]int32, HardMaxTrees+1)
	b.Trees = make([]Tree, HardMaxTrees+1)
	require.ErrorIs(t, b.Validate(), ErrTooLarge)
}

func TestWarnings(t *testing.T) {
	require.Nil(t, tiny().Warnings())
	b := tiny()
	b.Version = Version{3, 4, 9}
	require.Nil(t, b.Warnings())
	b.Version[1] = 5
	b.Trees[0].Value[0], b.Trees[0].Value[1] = float32(nan), float32(nan)
	b.NumParallelTree = 3
	require.Len(t, b.Warnings(), 3)
}

func TestOptions(t *testing.T) {
	var none *LoadOptions
	require.Equal(t, &LoadOptions{MaxBytes: DefaultMaxBytes, MaxTrees: DefaultMaxTrees, MaxNodes: DefaultMaxNodes, MaxNodesPerTree: DefaultMaxNodesPerTree,
		MaxDepth: DefaultMaxDepth, MaxFeatures: DefaultMaxFeatures, MaxGroups: DefaultMaxGroups, MaxCategories: DefaultMaxCategories}, none.resolved())
	o := &LoadOptions{MaxBytes: math.MaxInt64, MaxTrees: math.MaxInt32, MaxDepth: -1}
	r := o.resolved()
	require.Equal(t, int64(HardMaxBytes), r.MaxBytes)
	require.Equal(t, HardMaxTrees, r.MaxTrees)
	require.Equal(t, DefaultMaxDepth, r.MaxDepth)
	require.Equal(t, int64(math.MaxInt64), o.MaxBytes, "the caller's options are not changed")
}

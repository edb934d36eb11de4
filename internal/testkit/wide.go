package testkit

import (
	"math/rand/v2"

	"threatdetect/model"
)

// WideBooster is a model of perfect trees with thresholds that hardly ever come twice: what takes long to load.
func WideBooster(trees, depth, features int, seed uint64) *model.Booster {
	r := rand.New(rand.NewPCG(seed, 1))
	b := &model.Booster{Version: model.Version{3, 2, 0}, Kind: "gbtree", Objective: "binary:logistic", NumFeature: features, NumTarget: 1,
		BaseScore: []float32{0.5}, NumParallelTree: 1, Attributes: map[string]string{}}
	n := 1<<(depth+1) - 1
	for i := range trees {
		tree := model.Tree{Left: make([]int32, n), Right: make([]int32, n), Feature: make([]int32, n), Value: make([]float32, n), DefaultLeft: make([]bool, n)}
		for j := range n {
			tree.Value[j] = r.Float32() - 0.5
			if tree.Left[j], tree.Right[j] = -1, -1; j < n/2 {
				tree.Left[j], tree.Right[j], tree.Feature[j] = int32(2*j+1), int32(2*j+2), int32(r.IntN(features))
			}
		}
		b.Trees, b.TreeGroup, b.IterationStart = append(b.Trees, tree), append(b.TreeGroup, 0), append(b.IterationStart, int32(i))
	}
	b.IterationStart = append(b.IterationStart, int32(trees))
	return b
}

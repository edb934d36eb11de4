package serve

import (
	"bytes"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"threatdetect/model"
)

// wide is a model of perfect trees: what takes long to load.
func wide(trees, depth, features int) *model.Booster {
	r := rand.New(rand.NewPCG(uint64(trees), 1))
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

// fileOf is the file of a model.
func fileOf(t testing.TB, b *model.Booster, format model.Format) []byte {
	t.Helper()
	var w bytes.Buffer
	require.NoError(t, model.Save(&w, b, &model.SaveOptions{Format: format}))
	return w.Bytes()
}

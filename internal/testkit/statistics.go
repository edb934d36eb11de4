package testkit

import (
	"math/rand/v2"

	"threatdetect/model"
)

// AddCovers gives every tree of b a SumHessian: random at the leaves, the rounded sum of the children above them. With zeros, some
// nodes have none, and what is computed from them is NaN.
func AddCovers(r *rand.Rand, b *model.Booster, zeros bool) {
	for i := range b.Trees {
		t := &b.Trees[i]
		t.SumHessian = make([]float32, t.NumNode())
		var cover func(n int32) float32
		cover = func(n int32) float32 {
			switch {
			case !t.IsLeaf(n):
				t.SumHessian[n] = cover(t.Left[n])
				t.SumHessian[n] += cover(t.Right[n])
			case zeros && r.IntN(4) == 0:
			case r.IntN(2) == 0:
				t.SumHessian[n] = float32(1 + r.IntN(100))
			default:
				t.SumHessian[n] = float32(r.ExpFloat64())
			}
			return t.SumHessian[n]
		}
		cover(0)
	}
}

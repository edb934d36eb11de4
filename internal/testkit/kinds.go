package testkit

import (
	"math"
	"math/rand/v2"
	"slices"

	"threatdetect/model"
)

// The functions of this file turn what [RandomBooster] makes into boosters of other kinds.

// AddWeights makes b a dart booster. Some weights are 0, 1 or negative.
func AddWeights(r *rand.Rand, b *model.Booster) {
	b.Kind = "dart"
	b.TreeWeight = make([]float32, len(b.Trees))
	for i := range b.TreeWeight {
		b.TreeWeight[i] = []float32{0, 1, -0.5, r.Float32(), r.Float32(), r.Float32()}[r.IntN(6)]
	}
}

// AddVectors makes the leaves of b vectors with a value for each output.
func AddVectors(r *rand.Rand, b *model.Booster) {
	size := b.NumGroup()
	clear(b.TreeGroup)
	for i := range b.Trees {
		t := &b.Trees[i]
		t.LeafSize, t.LeafIndex = size, make([]int32, len(t.Left))
		leaves := int32(0)
		for n := range t.Left {
			t.LeafIndex[n] = -1
			if t.Left[n] == -1 {
				t.LeafIndex[n] = leaves
				leaves++
			}
		}
		for range int(leaves) * size {
			t.LeafVector = append(t.LeafVector, float32(r.NormFloat64()))
		}
	}
}

// AddCategories makes about half of the splits of b categorical. Their thresholds become NaN.
func AddCategories(r *rand.Rand, b *model.Booster) {
	sets := make([][]int32, 12) // splits share them
	for i := range sets {
		sets[i] = randomCodes(r)
	}
	for i := range b.Trees {
		t := &b.Trees[i]
		t.CategoryStart = []int32{0}
		for n := range t.Left {
			if t.Left[n] == -1 || r.IntN(2) == 0 {
				continue
			}
			t.Value[n] = float32(math.NaN())
			t.CategoryNodes = append(t.CategoryNodes, int32(n))
			t.CategoryCodes = append(t.CategoryCodes, sets[r.IntN(len(sets))]...)
			t.CategoryStart = append(t.CategoryStart, int32(len(t.CategoryCodes)))
		}
		if t.CategoryNodes == nil {
			t.CategoryStart = nil
		}
	}
}

func randomCodes(r *rand.Rand) []int32 {
	var codes []int32
	switch limit := []int32{8, 40, 200, 1 << 24}[r.IntN(4)]; r.IntN(3) {
	case 0:
		codes = []int32{r.Int32N(limit)}
	case 1:
		for range 1 + r.IntN(40) {
			codes = append(codes, r.Int32N(limit))
		}
	case 2:
		codes = []int32{r.Int32N(limit), r.Int32N(64), 31, 32}
	}
	slices.Sort(codes)
	return slices.Compact(codes)
}

// HardCodes replaces some values of rows, made for b, by category codes, those of b among them, and by what is none.
func HardCodes(r *rand.Rand, b *model.Booster, rows []float32) {
	edges := []float32{-1, -0.5, float32(math.Copysign(0, -1)), 0, 1.7, 31, 32, 63, 64, 65, 1<<24 - 1, 1 << 24, 3e9,
		float32(math.Inf(1)), float32(math.Inf(-1)), float32(math.NaN())}
	var codes []int32
	for i := range b.Trees {
		codes = append(codes, b.Trees[i].CategoryCodes...)
	}
	for i := range rows {
		switch choice := r.IntN(8); {
		case choice < 3 && len(codes) > 0:
			rows[i] = float32(codes[r.IntN(len(codes))]) + []float32{0, 0, 0.5, 1, -1, 32}[r.IntN(6)]
		case choice == 3:
			rows[i] = edges[r.IntN(len(edges))]
		case choice == 4:
			rows[i] = float32(r.IntN(70))
		}
	}
}

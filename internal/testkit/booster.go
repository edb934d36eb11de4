package testkit

import (
	"math"
	"math/rand/v2"

	"threatdetect/model"
)

// BoosterShape bounds the boosters that [RandomBooster] makes.
type BoosterShape struct {
	Features, Groups, Trees int
	Depth                   int     // splits on the longest path, at most
	Fill                    float64 // chance that a node above that depth is a split: 1 makes perfect trees
	Thresholds              int     // distinct thresholds of a column; few of them repeat in a path
	Special                 bool    // NaN, infinite, zero and subnormal thresholds and leaves too
}

// RandomBooster makes a valid booster of the newest release with a margin as its base score. Among its trees are single
// leaves, chains, nodes that pruning deleted, and both default directions.
func RandomBooster(r *rand.Rand, s BoosterShape) *model.Booster {
	b := &model.Booster{
		Version:         model.Version{3, 2, 0},
		Kind:            "gbtree",
		Objective:       "reg:squarederror",
		NumFeature:      s.Features,
		NumTarget:       1,
		BaseIsMargin:    true,
		NumParallelTree: 1,
		Attributes:      map[string]string{},
	}
	if s.Groups > 1 {
		b.Objective, b.NumClass = "multi:softprob", s.Groups
	}
	for range b.NumGroup() {
		b.BaseScore = append(b.BaseScore, float32(r.NormFloat64()))
	}
	thresholds := make([][]float32, s.Features)
	for c := range thresholds {
		for range s.Thresholds {
			thresholds[c] = append(thresholds[c], randomNumber(r, s.Special))
		}
	}
	for t := range s.Trees {
		b.Trees = append(b.Trees, randomTree(r, s, thresholds))
		b.TreeGroup = append(b.TreeGroup, int32(t%b.NumGroup()))
		if t%b.NumGroup() == 0 {
			b.IterationStart = append(b.IterationStart, int32(t))
		}
	}
	b.IterationStart = append(b.IterationStart, int32(s.Trees))
	return b
}

func randomTree(r *rand.Rand, s BoosterShape, thresholds [][]float32) model.Tree {
	var t model.Tree
	node := func() int32 {
		t.Left, t.Right = append(t.Left, -1), append(t.Right, -1)
		t.Feature = append(t.Feature, math.MaxInt32)
		t.Value = append(t.Value, 0)
		t.DefaultLeft = append(t.DefaultLeft, false)
		return int32(len(t.Left) - 1)
	}
	depth := s.Depth
	if r.IntN(8) == 0 {
		depth = r.IntN(depth + 1)
	}
	chain := depth > 1 && r.IntN(8) == 0
	var grow func(n int32, above int)
	grow = func(n int32, above int) {
		if above == depth || !chain && r.Float64() >= s.Fill {
			t.Feature[n] = r.Int32() // stale on a leaf, and to be ignored
			t.Value[n] = randomNumber(r, s.Special)
			if s.Special && r.IntN(16) == 0 {
				t.Value[n] = float32(math.Copysign(0, -1))
			}
			return
		}
		if r.IntN(10) == 0 { // a pair of deleted nodes
			node()
			node()
			t.NumDeleted += 2
		}
		c := r.IntN(len(thresholds))
		t.Feature[n] = int32(c)
		t.Value[n] = thresholds[c][r.IntN(len(thresholds[c]))]
		t.DefaultLeft[n] = r.IntN(2) == 0
		left := node()
		right := node()
		t.Left[n], t.Right[n] = left, right
		if chain {
			long := r.IntN(2)
			short := [2]int32{left, right}[1-long]
			t.Value[short] = randomNumber(r, false)
			grow([2]int32{left, right}[long], above+1)
			return
		}
		grow(left, above+1)
		grow(right, above+1)
	}
	grow(node(), 0)
	return t
}

var specialNumbers = []float32{
	0, float32(math.Copysign(0, -1)),
	math.SmallestNonzeroFloat32, -math.SmallestNonzeroFloat32, 1e-40, -1e-40,
	0x1p-126, -0x1p-126, math.MaxFloat32, -math.MaxFloat32,
	float32(math.Inf(1)), float32(math.Inf(-1)),
	float32(math.NaN()), math.Float32frombits(0xFFC00000), math.Float32frombits(0x7F800001), math.Float32frombits(0xFFFFFFFF),
}

func randomNumber(r *rand.Rand, special bool) float32 {
	if special && r.IntN(6) == 0 {
		return specialNumbers[r.IntN(len(specialNumbers))]
	}
	if r.IntN(2) == 0 {
		return float32(r.IntN(9) - 4)
	}
	return float32(r.NormFloat64())
}

// HardRows makes n rows for b, row-major, out of what is hard: the thresholds of each column, their neighbours in the
// order of float32, zeros of both signs, infinities, subnormal numbers, NaNs of both signs, and ordinary numbers.
func HardRows(r *rand.Rand, b *model.Booster, n int) []float32 {
	thresholds := make([][]float32, b.NumFeature)
	for i := range b.Trees {
		t := &b.Trees[i]
		for n := range t.Left {
			if c := t.Feature[n]; t.Left[n] != -1 && int(c) < b.NumFeature {
				thresholds[c] = append(thresholds[c], t.Value[n])
			}
		}
	}
	rows := make([]float32, n*b.NumFeature)
	for i := range rows {
		near := thresholds[i%b.NumFeature]
		choice := r.IntN(8)
		switch {
		case choice < 4 && len(near) > 0:
			x := near[r.IntN(len(near))]
			rows[i] = []float32{x, x,
				math.Nextafter32(x, float32(math.Inf(1))), math.Nextafter32(x, float32(math.Inf(-1)))}[choice]
		case choice < 6:
			rows[i] = specialNumbers[r.IntN(len(specialNumbers))]
		default:
			rows[i] = float32(r.NormFloat64() * 2)
		}
	}
	return rows
}

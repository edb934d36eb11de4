package kernel

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

// randomPlan makes the same plan of trees of all depths for any kind, with conditions of all sorts, but none that is made of others for every
// other seed.
func randomPlan(kind Kind, seed uint64, trees int) *Plan {
	r := rand.New(rand.NewPCG(seed, 2))
	const width, groups = 7, 3
	thresholds := make([][]float32, width)
	for c := range thresholds {
		thresholds[c] = hardThresholds(r, []int{1, 3, 9, 14, 40, 100, 300}[c])
	}
	var all []Threshold
	for c := range int32(width) {
		for _, value := range append(thresholds[c], float32(math.Inf(1)), float32(math.Inf(-1)), 0, 1, 5) {
			all = append(all, Threshold{c, value})
		}
	}
	b := NewBuilder(kind, width, groups, all)
	less := func() Cond {
		c := r.IntN(width)
		value := thresholds[c][r.IntN(len(thresholds[c]))]
		if r.IntN(30) == 0 {
			value = float32(math.Inf(1 - 2*r.IntN(2)))
		}
		return b.Less(b.Number(int32(c), value), r.IntN(2) == 0)
	}
	for t := range trees {
		depth := 1 + (t/5+r.IntN(2))%MaxDepth
		if b.Room() < 6<<depth || t%40 == 39 {
			b.EndTile()
		}
		conds := make([]Cond, 1<<depth-1)
		for i := range conds {
			what := r.IntN(9)
			if seed%2 == 1 {
				what *= 4
			}
			switch what {
			case 0:
			case 1:
				conds[i] = b.And(less(), less(), r.IntN(2) == 0)
			case 2:
				conds[i] = b.Not(less())
			case 3:
				conds[i] = b.Set(1, []float32{0, 1, 5}, r.IntN(2) == 0, r.IntN(2) == 0)
			default:
				conds[i] = less()
			}
		}
		leaves := make([]float32, 1<<depth)
		for i := range leaves {
			leaves[i] = float32(r.NormFloat64())
		}
		b.Tree(r.IntN(groups), depth, conds, leaves)
	}
	return b.Plan()
}

// compareKinds checks that a kind of kernel gives the sums of the portable one, from one base margin and from one for each row, of rows and of
// columns.
func compareKinds(t *testing.T, kind Kind, seed uint64, trees int, counts ...int) {
	t.Helper()
	r := rand.New(rand.NewPCG(seed, 3))
	want, got := randomPlan(Generic, seed, trees), randomPlan(kind, seed, trees)
	ws, gs := want.NewScratch(), got.NewScratch()
	for _, n := range counts {
		values := hardValues(r, hardThresholds(r, 300), 7*n)
		bases := make([]float32, 3*n)
		for i := range bases {
			bases[i] = r.Float32()
		}
		for _, m := range []Matrix{{values, 7, 1}, {values, 1, n}} {
			for _, base := range [][]float32{bases[:3], bases} {
				for _, baseLast := range []bool{false, true} {
					a, b := make([]float32, 3*n), make([]float32, 3*n)
					want.Margins(a, base, m, n, baseLast, ws)
					got.Margins(b, base, m, n, baseLast, gs)
					require.Equal(t, a, b, "%v, seed %d, %d rows, strides %d and %d", kind, seed, n, m.RowStride, m.ColumnStride)
				}
			}
		}
	}
}

func TestMargins(t *testing.T) {
	for kind := Generic + 1; kind <= NEON; kind++ {
		t.Run(fmt.Sprint(kind), func(t *testing.T) {
			if !kind.Available() {
				t.Skip("not on this machine")
			}
			for seed := range uint64(6) {
				compareKinds(t, kind, seed, 120, 1, 64, 127, 129, 255, 257, 511, 513)
			}
		})
	}
}

// TestDeepTrees has trees of equal depth in a row, which some kernels score several at a time, and some more, with so many columns that their numbers take
// a byte or two.
func TestDeepTrees(t *testing.T) {
	for kind := Generic + 1; kind <= NEON; kind++ {
		if !kind.Available() {
			continue
		}
		for depth := 6; depth <= MaxDepth; depth++ {
			for _, trees := range []int{3, 4, 11} {
				for _, width := range []int{3, 150, 700} {
					compareDeep(t, kind, depth, trees, width)
				}
			}
		}
	}
}

// compareDeep checks that a kind of kernel gives the sums of the portable one, of trees that ask about some columns.
func compareDeep(t *testing.T, kind Kind, depth, trees, width int) {
	t.Helper()
	each := 1 + 150/width // thresholds of a column
	plan := func(kind Kind) *Plan {
		r := rand.New(rand.NewPCG(uint64(depth), uint64(trees)))
		var thresholds []Threshold
		for i := range width * each {
			thresholds = append(thresholds, Threshold{int32(i / each), float32(i % each)})
		}
		b := NewBuilder(kind, width, 1, thresholds)
		for range trees {
			conds, leaves := make([]Cond, 1<<depth-1), make([]float32, 1<<depth)
			for i := range conds {
				conds[i] = b.Less(r.IntN(len(thresholds)), r.IntN(2) == 0)
			}
			for i := range leaves {
				leaves[i] = float32(r.NormFloat64())
			}
			b.Tree(0, depth, conds, leaves)
		}
		return b.Plan()
	}
	want, got := plan(Generic), plan(kind)
	ws, gs := want.NewScratch(), got.NewScratch()
	r := rand.New(rand.NewPCG(3, 4))
	for _, n := range []int{1, 7, 8, 9, 16, 17, 33, 63, 64, 65} {
		values, bases := make([]float32, width*n), make([]float32, n)
		for i := range values {
			values[i] = float32(r.IntN(each+1)) - 0.5
			if r.IntN(9) == 0 {
				values[i] = float32(math.NaN())
			}
		}
		for i := range bases {
			bases[i] = r.Float32()
		}
		a, b := make([]float32, n), make([]float32, n)
		want.Margins(a, bases, Matrix{values, width, 1}, n, false, ws)
		got.Margins(b, bases, Matrix{values, width, 1}, n, false, gs)
		require.Equal(t, a, b, "%v, %d trees of depth %d, %d columns, %d rows", kind, trees, depth, width, n)
	}
}

// TestUnevenTiles has a column in two tiles, each of which ranks its upper thresholds and compares with the lower ones, as these lie too unevenly for a table: missing
// values then go left only once both were done.
func TestUnevenTiles(t *testing.T) {
	var thresholds []Threshold
	for i := range uint32(maxRanked) {
		thresholds = append(thresholds, Threshold{0, math.Float32frombits(0x30000000 + i/50<<23 + i%50)})
	}
	for i := range 100 {
		thresholds = append(thresholds, Threshold{0, float32(1000 + i)})
	}
	plan := func(kind Kind) *Plan {
		b := NewBuilder(kind, 1, 1, thresholds)
		for range 2 {
			for i := range thresholds {
				b.Tree(0, 1, []Cond{b.Less(i, true)}, []float32{0, float32(i)})
			}
			b.EndTile()
		}
		return b.Plan()
	}
	const n = 600
	values := make([]float32, n)
	for i := range values {
		values[i] = thresholds[i%len(thresholds)].Value
		if i%2 == 0 {
			values[i] = float32(math.NaN())
		}
	}
	want, got := make([]float32, n), make([]float32, n)
	p := plan(Generic)
	p.Margins(want, []float32{0}, Matrix{values, 1, 1}, n, false, p.NewScratch())
	for kind := Generic + 1; kind <= NEON; kind++ {
		if !kind.Available() {
			continue
		}
		p := plan(kind)
		for _, rows := range []int{n, 256, 128, 1} {
			p.Margins(got[:rows], []float32{0}, Matrix{values, 1, 1}, rows, false, p.NewScratch())
			require.Equal(t, want[:rows], got[:rows], "%v, %d rows", kind, rows)
		}
	}
}

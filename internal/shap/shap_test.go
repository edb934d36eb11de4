package shap

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"threatdetect/internal/forest"
	"threatdetect/internal/testkit"
	"threatdetect/model"
)

func explainer(t testing.TB, b *model.Booster) *Explainer {
	t.Helper()
	f, err := forest.Build(b)
	if err != nil {
		t.Fatal(err)
	}
	e, err := Build(b, f, true, nil)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// compare checks, for every row, that tables and reference give the same bits, and returns how many numbers that were.
func compare(t *testing.T, e *Explainer, base, rows []float32) int {
	t.Helper()
	s := e.NewScratch()
	n, width := len(rows)/e.forest.NumFeature, e.forest.NumFeature
	want := make([]float32, n*e.NumOutput())
	for r := range n {
		e.Reference(want[r*e.NumOutput():][:e.NumOutput()], base, rows[r*width:][:width], s)
	}
	got := testkit.Guard(len(want))
	e.Contributions(got.Values(), base, rows, s)
	testkit.DiffBits(t, "tables", got.Values(), want)
	got.Check(t)
	var own []float32 // another base margin for each row
	for r := range n {
		for g := range base {
			own = append(own, base[g]+float32(r))
		}
		e.Reference(want[r*e.NumOutput():][:e.NumOutput()], own[len(own)-len(base):], rows[r*width:][:width], s)
	}
	e.Contributions(got.Values(), own, rows, s)
	testkit.DiffBits(t, "tables with base margins", got.Values(), want)
	for c, x := range s.phi {
		if x != 0 {
			t.Errorf("scratch keeps %v at %d", x, c)
		}
	}
	return len(want)
}

// randomExplainer makes a booster with covers whose trees repeat columns on their paths, and its explainer.
func randomExplainer(t testing.TB, r *rand.Rand, depth int) (*model.Booster, *Explainer) {
	fill := []float64{0.6, 0.9, 1}[r.IntN(3)]
	if depth > 8 {
		fill = 0.6 // few leaves on long paths
	}
	b := testkit.RandomBooster(r, testkit.BoosterShape{
		Features: 1 + r.IntN(2*depth+2), Groups: 1 + 2*r.IntN(2), Trees: 1 + r.IntN(8), Depth: depth,
		Fill: fill, Thresholds: 1 + r.IntN(5), Special: r.IntN(3) == 0,
	})
	testkit.AddCovers(r, b, r.IntN(4) == 0)
	if r.IntN(4) == 0 {
		b.Version = model.Version{0, 90, 0}
	}
	if r.IntN(4) == 0 {
		for range b.Trees {
			b.TreeWeight = append(b.TreeWeight, r.Float32())
		}
	}
	return b, explainer(t, b)
}

func TestTablesEqualReference(t *testing.T) {
	r := testkit.Rand(t)
	numbers, tables, trees := 0, 0, 0
	for depth := range maxTableDepth {
		t.Run(fmt.Sprintf("depth=%d", depth), func(t *testing.T) {
			for range 30 {
				b, e := randomExplainer(t, r, depth)
				numbers += compare(t, e, b.BaseScore, testkit.HardRows(r, b, 1+r.IntN(2+2*blockRows/(1+depth))))
				tables += e.Stats().TableTrees
				trees += len(e.trees)
				if t.Failed() {
					return
				}
			}
		})
	}
	if tables == 0 || tables == trees {
		t.Errorf("%d of %d trees have tables: both ways should be met", tables, trees)
	}
	t.Logf("%d numbers, %d of %d trees with tables", numbers, tables, trees)
}

// TestLongPaths has chains of splits on many columns: their tables have more columns than table.add has written out.
func TestLongPaths(t *testing.T) {
	r := testkit.Rand(t)
	widest := 0
	for depth := 5; depth < 12; depth++ {
		b := testkit.RandomBooster(r, testkit.BoosterShape{Features: 300, Trees: 100, Depth: depth, Thresholds: 2})
		testkit.AddCovers(r, b, false)
		e := explainer(t, b)
		compare(t, e, b.BaseScore, testkit.HardRows(r, b, 7))
		for i := range e.trees {
			if table := e.trees[i].table; table != nil {
				widest = max(widest, table.width)
			}
		}
	}
	if widest < 9 {
		t.Errorf("the widest table has %d columns", widest)
	}
}

func FuzzTables(f *testing.F) {
	f.Add(uint64(1), uint8(5))
	f.Add(uint64(2), uint8(8))
	f.Fuzz(func(t *testing.T, seed uint64, depth uint8) {
		r := testkit.RandFrom(seed)
		b, e := randomExplainer(t, r, int(depth%10))
		compare(t, e, b.BaseScore, testkit.HardRows(r, b, 20))
	})
}

// double computes the exact contributions of one tree by their definition, over all subsets of its columns, in float64.
func double(e *Explainer, t *tree, row []float32) []float64 {
	phi := make([]float64, e.forest.NumFeature+1)
	k := len(t.columns)
	value := func(known int) float64 {
		var expect func(n int32) float64
		expect = func(n int32) float64 {
			node := &t.nodes[n]
			if node.IsLeaf() {
				return float64(t.mean[n])
			}
			for i, c := range t.columns {
				if int(c) == node.Column() && known>>i&1 == 1 {
					if e.forest.GoesLeft(node, row) {
						return expect(node.Left)
					}
					return expect(node.Right)
				}
			}
			return (expect(node.Left)*float64(t.cover[node.Left]) + expect(node.Right)*float64(t.cover[node.Right])) / float64(t.cover[n])
		}
		return expect(0)
	}
	factorial := func(n int) float64 { return math.Gamma(float64(n) + 1) }
	for known := range 1 << k {
		size := 0
		for i := range k {
			size += known >> i & 1
		}
		for i := range k {
			if known>>i&1 == 0 {
				share := factorial(size) * factorial(k-size-1) / factorial(k)
				phi[t.columns[i]] += share * (value(known|1<<i) - value(known))
			}
		}
	}
	phi[len(phi)-1] = value(0)
	return phi
}

// TestDefinition compares with Shapley values by their definition.
func TestDefinition(t *testing.T) {
	r := testkit.Rand(t)
	for range 60 {
		b := testkit.RandomBooster(r, testkit.BoosterShape{
			Features: 1 + r.IntN(5), Trees: 4, Depth: r.IntN(7), Fill: 0.9, Thresholds: 4,
		})
		testkit.AddCovers(r, b, false)
		e := explainer(t, b)
		rows := testkit.HardRows(r, b, 4)
		dst, s := make([]float32, e.NumOutput()), e.NewScratch()
		for i := 0; i < len(rows); i += b.NumFeature {
			row := rows[i:][:b.NumFeature]
			want := make([]float64, len(dst))
			want[len(want)-1] = float64(b.BaseScore[0])
			for k := range e.trees {
				for c, x := range double(e, &e.trees[k], row) {
					want[c] += x
				}
			}
			e.Contributions(dst, b.BaseScore, row, s)
			near(t, "contributions", dst, want)
		}
	}
}

// near checks that got is want but for rounding.
func near(t *testing.T, what string, got []float32, want []float64) {
	t.Helper()
	scale := 1.0
	for _, x := range want {
		scale += math.Abs(x)
	}
	for i := range got {
		if !(math.Abs(float64(got[i])-want[i]) <= 1e-4*scale) {
			t.Fatalf("%s: [%d] = %v, want %v of %v", what, i, got[i], want[i], want)
		}
	}
}

// TestSums checks that contributions add up to margins, and interactions to contributions.
func TestSums(t *testing.T) {
	r := testkit.Rand(t)
	for range 60 {
		b := testkit.RandomBooster(r, testkit.BoosterShape{
			Features: 1 + r.IntN(5), Groups: 1 + 2*r.IntN(2), Trees: 1 + r.IntN(9), Depth: r.IntN(6), Fill: 0.9, Thresholds: 4,
		})
		testkit.AddCovers(r, b, false)
		if r.IntN(3) == 0 {
			b.Version = model.Version{}
		}
		e := explainer(t, b)
		s, width := e.NewScratch(), b.NumFeature+1
		row := testkit.HardRows(r, b, 1)
		margins := make([]float32, b.NumGroup())
		e.forest.WalkMargins(margins, b.BaseScore, row)
		exact, approximate := make([]float32, e.NumOutput()), make([]float32, e.NumOutput())
		e.Contributions(exact, b.BaseScore, row, s)
		e.Approximate(approximate, b.BaseScore, row, s)
		matrix := testkit.Guard(e.NumInteraction())
		e.Interactions(matrix.Values(), b.BaseScore, row, s)
		matrix.Check(t)
		for g, margin := range margins {
			near(t, "exact sum", []float32{total(exact[g*width:][:width])}, []float64{float64(margin)})
			near(t, "approximate sum", []float32{total(approximate[g*width:][:width])}, []float64{float64(margin)})
			group := matrix.Values()[g*width*width:][:width*width]
			for i := range width {
				near(t, "row of interactions", []float32{total(group[i*width:][:width])}, []float64{float64(exact[g*width+i])})
				for k := range i {
					near(t, "symmetry", group[i*width+k:][:1], []float64{float64(group[k*width+i])})
				}
			}
		}
	}
}

func total(x []float32) float32 {
	var sum float64
	for _, v := range x {
		sum += float64(v)
	}
	return float32(sum)
}

// TestZeroCover has a split that no row of the training data reached.
func TestZeroCover(t *testing.T) {
	b := &model.Booster{
		Version: model.Version{3, 2, 0}, Kind: "gbtree", Objective: "reg:squarederror", NumFeature: 1, NumTarget: 1,
		BaseScore: []float32{0}, TreeGroup: []int32{0}, Trees: []model.Tree{{
			Left: []int32{1, -1, -1}, Right: []int32{2, -1, -1}, Feature: []int32{0, 0, 0}, Value: []float32{1, 2, 3},
			DefaultLeft: make([]bool, 3), SumHessian: make([]float32, 3),
		}},
	}
	e := explainer(t, b)
	if e.Stats().ZeroCovers != 1 {
		t.Errorf("%+v", e.Stats())
	}
	dst := make([]float32, 2)
	e.Contributions(dst, b.BaseScore, []float32{0}, e.NewScratch())
	if dst[0] == dst[0] || dst[1] == dst[1] {
		t.Errorf("contributions %v, want NaN", dst)
	}
	compare(t, e, b.BaseScore, []float32{0, 1})

	b.Trees[0].SumHessian = nil
	if _, err := Build(b, e.forest, true, nil); err == nil {
		t.Error("a split without a cover is accepted")
	}
}

func BenchmarkContributions(b *testing.B) {
	for _, shape := range [][2]int{{100, 5}, {100, 6}, {100, 8}} {
		r := testkit.RandFrom(1)
		booster := testkit.RandomBooster(r, testkit.BoosterShape{
			Features: 42, Groups: 1, Trees: shape[0], Depth: shape[1], Fill: 0.98, Thresholds: 64,
		})
		testkit.AddCovers(r, booster, false)
		e := explainer(b, booster)
		const n = 256
		rows := make([]float32, n*42)
		for i := range rows {
			rows[i] = float32(r.NormFloat64() * 2)
		}
		dst, s := make([]float32, n*e.NumOutput()), e.NewScratch()
		name := fmt.Sprintf("%dx%d", shape[0], shape[1])
		b.Run("tables/"+name, func(b *testing.B) {
			for b.Loop() {
				e.Contributions(dst, booster.BaseScore, rows, s)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*n), "ns/row")
		})
		b.Run("reference/"+name, func(b *testing.B) {
			i := 0
			for b.Loop() {
				e.Reference(dst[:e.NumOutput()], booster.BaseScore, rows[i*42:][:42], s)
				i = (i + 1) % n
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N), "ns/row")
		})
	}
}

package forest

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"threatdetect/internal/testkit"
	"threatdetect/model"
)

func build(t testing.TB, b *model.Booster) *Forest {
	t.Helper()
	f, err := Build(b)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// compare checks that the heap walker, with splits of both kinds, gives what the reference walker gives: row by row, and for all rows at
// once. change, if there is one, is what happens to a forest after it was built.
func compare(t *testing.T, b *model.Booster, base, rows []float32, change ...func(*Forest)) {
	t.Helper()
	for _, choice := range []splitChoice{wideSplits, narrowSplits} {
		f, err := compile(b, Heap, choice, false, nil)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range change {
			c(f)
		}
		compareForest(t, f, base, rows)
		if t.Failed() {
			t.Fatalf("narrow splits: %v", f.narrow)
		}
	}
}

func compareForest(t *testing.T, f *Forest, base, rows []float32) {
	t.Helper()
	s, n := f.NewScratch(), len(rows)/f.NumFeature
	all := make([]float32, 0, n*f.NumGroup)
	for i := 0; i < len(rows); i += f.NumFeature {
		row := rows[i : i+f.NumFeature : i+f.NumFeature]
		got, want := testkit.Guard(f.NumGroup), make([]float32, f.NumGroup)
		f.Margins(got.Values(), base, row, s)
		f.WalkMargins(want, base, row)
		testkit.DiffBits(t, fmt.Sprintf("margins of row %v", row), got.Values(), want)
		got.Check(t)
		all = append(all, want...)

		got, want = testkit.Guard(f.NumTree()), make([]float32, f.NumTree())
		f.Leaves(got.Values(), row, s)
		f.WalkLeaves(want, row)
		testkit.DiffBits(t, fmt.Sprintf("leaves of row %v", row), got.Values(), want)
		got.Check(t)
		if t.Failed() {
			return
		}
	}
	compareForms(t, f, base, rows, all, s)
	got := testkit.Guard(len(all))

	// Base margins for each row, which are all different.
	own := make([]float32, len(all))
	for i := range own {
		own[i] = base[i%len(base)] + float32(i)/8
	}
	for r := range n {
		f.WalkMargins(all[r*f.NumGroup:][:f.NumGroup], own[r*f.NumGroup:][:f.NumGroup], rows[r*f.NumFeature:][:f.NumFeature])
	}
	f.Margins(got.Values(), own, rows, s)
	testkit.DiffBits(t, fmt.Sprintf("margins of %d rows from their own base", n), got.Values(), all)
	got.Check(t)
}

// compareForms compares the margins of rows in all forms that rows can have.
func compareForms(t *testing.T, f *Forest, base, rows, want []float32, s *Scratch) {
	t.Helper()
	width := f.NumFeature
	n := len(rows) / width
	check := func(form string, margins func(dst []float32)) {
		t.Helper()
		got := testkit.Guard(len(want))
		for range 2 { // the second time with a scratch that remembers something
			margins(got.Values())
			testkit.DiffBits(t, fmt.Sprintf("margins of %d rows, %s", n, form), got.Values(), want)
		}
		got.Check(t)
	}
	check("row by row", func(dst []float32) { f.Margins(dst, base, rows, s) })

	byRow := Matrix{Data: make([]float32, n*(width+3)), RowStride: width + 3, ColumnStride: 1}
	byColumn := Matrix{Data: make([]float32, (n+2)*width), RowStride: 1, ColumnStride: n + 2}
	sparse := Sparse{Offsets: []int{0, 0}} // row 0 is empty, and not asked for
	for r := range n {
		for c, x := range rows[r*width:][:width] {
			byRow.Data[r*byRow.RowStride+c] = x
			byColumn.Data[r+c*byColumn.ColumnStride] = x
			switch {
			case x == x && c%3 == 0: // twice
				sparse.Columns, sparse.Values = append(sparse.Columns, int32(c)), append(sparse.Values, x+1)
				fallthrough
			case x == x || c%2 == 0: // some of the missing ones spelled out
				sparse.Columns, sparse.Values = append(sparse.Columns, int32(c)), append(sparse.Values, x)
			}
		}
		sparse.Offsets = append(sparse.Offsets, len(sparse.Columns))
	}
	check("apart", func(dst []float32) { f.MatrixMargins(dst, base, byRow, n, s) })
	check("column by column", func(dst []float32) { f.MatrixMargins(dst, base, byColumn, n, s) })
	check("sparse", func(dst []float32) { f.SparseMargins(dst, base, &sparse, 1, n, s) })
}

// TestForms has rows in all forms and numbers, with every kernel.
func TestForms(t *testing.T) {
	r := testkit.Rand(t)
	for kind := range 8 {
		for _, k := range kernels() {
			for _, n := range []int{0, 1, 2, 17, 64, 300} {
				b := testkit.RandomBooster(r, testkit.BoosterShape{
					Features: 1 + r.IntN(9), Groups: 1 + 2*r.IntN(2), Trees: r.IntN(25), Depth: r.IntN(10),
					Fill: []float64{0.5, 0.9}[r.IntN(2)], Thresholds: 1 + r.IntN(9), Special: true,
				})
				if kind&1 != 0 {
					testkit.AddWeights(r, b)
				}
				if kind&2 != 0 && b.NumGroup() > 1 {
					testkit.AddVectors(r, b)
				}
				if kind&4 != 0 {
					testkit.AddCategories(r, b)
				}
				f, err := compile(b, k, []splitChoice{wideSplits, narrowSplits}[r.IntN(2)], r.IntN(4) == 0, nil)
				if err != nil {
					t.Fatal(err)
				}
				rows := testkit.HardRows(r, b, n)
				want := make([]float32, n*f.NumGroup)
				for i := range n {
					f.WalkMargins(want[i*f.NumGroup:][:f.NumGroup], b.BaseScore, rows[i*f.NumFeature:][:f.NumFeature])
				}
				compareForms(t, f, b.BaseScore, rows, want, f.NewScratch())
				if t.Failed() {
					t.Fatalf("kind %d, kernel %d, narrow %v", kind, k, f.narrow)
				}
			}
		}
	}
}

func TestHeapEqualsReference(t *testing.T) {
	r := testkit.Rand(t)
	for depth := range 13 {
		for _, groups := range []int{1, 3} {
			t.Run(fmt.Sprintf("depth=%d/groups=%d", depth, groups), func(t *testing.T) {
				for range 12 {
					b := testkit.RandomBooster(r, testkit.BoosterShape{
						Features:   []int{1 + r.IntN(6), 1 + r.IntN(50)}[r.IntN(2)],
						Groups:     groups,
						Trees:      r.IntN(34),
						Depth:      depth,
						Fill:       []float64{0.6, 0.9, 1}[r.IntN(3)],
						Thresholds: 1 + r.IntN(5),
						Special:    r.IntN(2) == 0,
					})
					last := r.IntN(2) == 0
					compare(t, b, b.BaseScore, testkit.HardRows(r, b, 20), func(f *Forest) { f.BaseLast = last })
				}
			})
		}
	}
}

// TestManyThresholds has more distinct thresholds in a column than a byte can number.
func TestManyThresholds(t *testing.T) {
	r := testkit.Rand(t)
	for _, n := range []int{254, 255, 256, 257, 1000} {
		b := testkit.RandomBooster(r, testkit.BoosterShape{
			Features: 2, Trees: 16, Depth: 7, Fill: 1, Thresholds: n, Special: true,
		})
		compare(t, b, b.BaseScore, testkit.HardRows(r, b, 200))
	}
}

func FuzzHeap(f *testing.F) {
	for seed := range uint64(8) {
		f.Add(seed, uint8(seed), uint8(seed*5), uint8(1+seed%3))
	}
	f.Fuzz(func(t *testing.T, seed uint64, depth, trees, groups uint8) {
		r := testkit.RandFrom(seed)
		b := testkit.RandomBooster(r, testkit.BoosterShape{
			Features: 1 + r.IntN(20), Groups: 1 + int(groups%4), Trees: int(trees % 32), Depth: int(depth % 10),
			Fill: 0.5 + r.Float64()/2, Thresholds: 1 + r.IntN(8), Special: true,
		})
		compare(t, b, b.BaseScore, testkit.HardRows(r, b, 16))
	})
}

// stump is a tree of one split.
func stump(threshold float32, defaultLeft bool, left, right float32) model.Tree {
	return model.Tree{
		Left: []int32{1, -1, -1}, Right: []int32{2, -1, -1}, Feature: []int32{0, 0, 0},
		Value: []float32{threshold, left, right}, DefaultLeft: []bool{defaultLeft, false, false},
	}
}

func leaf(value float32) model.Tree {
	return model.Tree{Left: []int32{-1}, Right: []int32{-1}, Feature: []int32{0}, Value: []float32{value},
		DefaultLeft: []bool{false}}
}

func boosterOf(trees ...model.Tree) *model.Booster {
	return &model.Booster{
		Version: model.Version{3, 2, 0}, Kind: "gbtree", Objective: "reg:squarederror", NumFeature: 1, NumTarget: 1,
		BaseScore: []float32{0}, BaseIsMargin: true, Trees: trees, TreeGroup: make([]int32, len(trees)),
	}
}

// TestSplit spells out where a row goes, for both walkers.
func TestSplit(t *testing.T) {
	nan, inf := float32(math.NaN()), float32(math.Inf(1))
	negNaN, negZero := math.Float32frombits(0xFFC00001), float32(math.Copysign(0, -1))
	tiny := float32(math.SmallestNonzeroFloat32)
	for _, c := range []struct {
		x, threshold float32
		defaultLeft  bool
		left         bool
	}{
		{1, 2, false, true},
		{2, 2, true, false}, // equal goes right, whatever the default
		{3, 2, true, false},
		{-3, -2, false, true},
		{-2, -3, true, false},
		{-1, 1, false, true},
		{0, negZero, true, false}, // the zeros are equal
		{negZero, 0, true, false},
		{tiny, 0, true, false}, // nothing is flushed to zero
		{0, tiny, false, true},
		{-tiny, 0, false, true},
		{inf, inf, true, false},
		{math.MaxFloat32, inf, false, true},
		{-inf, -inf, true, false},
		{-inf, -math.MaxFloat32, false, true},
		{nan, 0, true, true},
		{nan, 0, false, false},
		{negNaN, 0, true, true},
		{negNaN, 0, false, false},
		{nan, -inf, true, true},
		{nan, inf, false, false},
		{-inf, nan, true, false}, // against a NaN threshold every value goes right
		{inf, negNaN, true, false},
		{nan, nan, true, true},
		{nan, nan, false, false},
	} {
		f := build(t, boosterOf(stump(c.threshold, c.defaultLeft, 10, 20)))
		want := float32(20)
		if c.left {
			want = 10
		}
		var margin [1]float32
		f.WalkMargins(margin[:], []float32{0}, []float32{c.x})
		if margin[0] != want {
			t.Errorf("%+v: reference walker gives %v", c, margin[0])
		}
		f.Margins(margin[:], []float32{0}, []float32{c.x}, f.NewScratch())
		if margin[0] != want {
			t.Errorf("%+v: heap walker gives %v", c, margin[0])
		}
	}
}

// TestStoredChild has children in the other order than XGBoost makes them, with a deleted node between them.
func TestStoredChild(t *testing.T) {
	b := boosterOf(model.Tree{
		Left: []int32{3, -1, -1, -1}, Right: []int32{1, -1, -1, -1}, Feature: []int32{0, 0, math.MaxInt32, 0},
		Value: []float32{5, 20, 0, 10}, DefaultLeft: make([]bool, 4), NumDeleted: 1,
	})
	f := build(t, b)
	for x, want := range map[float32]float32{4: 10, 5: 20} {
		var got [1]float32
		f.WalkMargins(got[:], []float32{0}, []float32{x})
		if got[0] != want {
			t.Errorf("at %v the reference walker gives %v, want %v", x, got[0], want)
		}
		compare(t, b, []float32{0}, []float32{x})
	}
	var id [1]float32
	f.Leaves(id[:], []float32{4}, f.NewScratch())
	if id[0] != 3 {
		t.Errorf("leaf %v, want 3", id[0])
	}
}

// TestOrder shows both orders of the sum on numbers for which they differ.
func TestOrder(t *testing.T) {
	b := boosterOf(leaf(1), leaf(1))
	base := []float32{1 << 24} // adding 1 twice changes nothing, adding 2 does
	var margin [1]float32
	for _, c := range []struct {
		version model.Version
		want    float32
	}{
		{model.Version{3, 2, 0}, 1 << 24},
		{model.Version{1, 3, 0}, 1 << 24},
		{model.Version{1, 2, 1}, 1<<24 + 2},
		{model.Version{}, 1<<24 + 2},
	} {
		b.Version = c.version
		f := build(t, b)
		f.WalkMargins(margin[:], base, []float32{0})
		if margin[0] != c.want {
			t.Errorf("version %v: reference walker gives %v, want %v", c.version, margin[0], c.want)
		}
		f.Margins(margin[:], base, []float32{0}, f.NewScratch())
		if margin[0] != c.want {
			t.Errorf("version %v: heap walker gives %v, want %v", c.version, margin[0], c.want)
		}
	}
}

// TestNegativeZero shows that nothing but leaves is added.
func TestNegativeZero(t *testing.T) {
	negZero := float32(math.Copysign(0, -1))
	f := build(t, boosterOf(leaf(negZero)))
	var margin [1]float32
	f.Margins(margin[:], []float32{negZero}, []float32{0}, f.NewScratch())
	if math.Float32bits(margin[0]) != 1<<31 {
		t.Errorf("-0 + -0 = %v", margin[0])
	}
}

// TestDeep has trees that no heap could hold.
func TestDeep(t *testing.T) {
	const depth = 5000
	r := testkit.Rand(t)
	b := testkit.RandomBooster(r, testkit.BoosterShape{Features: 2, Trees: 6, Depth: 3, Fill: 1, Thresholds: 3})
	var chain model.Tree
	for d := range int32(depth) {
		chain.Left = append(chain.Left, 2*d+1, -1)
		chain.Right = append(chain.Right, 2*d+2, -1)
		chain.Feature = append(chain.Feature, d%2, 0)
		chain.Value = append(chain.Value, float32(d), float32(d))
		chain.DefaultLeft = append(chain.DefaultLeft, false, false)
	}
	chain.Left, chain.Right = append(chain.Left, -1), append(chain.Right, -1)
	chain.Feature, chain.Value = append(chain.Feature, 0), append(chain.Value, -1)
	chain.DefaultLeft = append(chain.DefaultLeft, false)
	b.Trees[1] = chain
	rows := []float32{-1, -1, 17, 16.5, 4998, 5000, 1e9, 1e9, float32(math.NaN()), 77}
	compare(t, b, b.BaseScore, rows)
	s := build(t, b).Stats()
	if s.HeapTrees != 5 || s.WalkedTrees != 1 || s.MaxDepth != depth {
		t.Errorf("stats %+v", s)
	}
}

// TestMemory holds F7 for trees of all shapes.
func TestMemory(t *testing.T) {
	r := testkit.Rand(t)
	for range 100 {
		b := testkit.RandomBooster(r, testkit.BoosterShape{
			Features: 3, Trees: 40, Depth: r.IntN(14), Fill: 0.4 + 0.6*r.Float64(), Thresholds: 4,
		})
		s := build(t, b).Stats()
		nodes := 0
		for i := range b.Trees {
			nodes += len(b.Trees[i].Left)
		}
		limit := int64(16*maxPadding*s.Leaves + 16*nodes + 64*16*s.Trees + 350*s.Trees + 64)
		if s.Kernel != "" {
			limit = maxBytes(s.Leaves)
		}
		if s.Bytes > limit {
			t.Errorf("%d bytes for %d leaves of %d trees, over %d", s.Bytes, s.Leaves, s.Trees, limit)
		}
		if s.Leaves != s.Splits+s.Trees {
			t.Errorf("stats %+v: a binary tree has one leaf more than splits", s)
		}
	}
}

func TestBuildRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		change func(b *model.Booster)
		kind   error
	}{
		"booster":          {func(b *model.Booster) { b.Kind = "gblinear" }, model.ErrUnsupported},
		"no columns":       {func(b *model.Booster) { b.NumFeature = 0 }, model.ErrFormat},
		"groups missing":   {func(b *model.Booster) { b.TreeGroup = nil }, model.ErrFormat},
		"group too large":  {func(b *model.Booster) { b.TreeGroup[0] = 1 }, model.ErrFormat},
		"group negative":   {func(b *model.Booster) { b.TreeGroup[0] = -1 }, model.ErrFormat},
		"no nodes":         {func(b *model.Booster) { b.Trees[0] = model.Tree{} }, model.ErrFormat},
		"array too short":  {func(b *model.Booster) { b.Trees[0].Value = b.Trees[0].Value[:2] }, model.ErrFormat},
		"child too large":  {func(b *model.Booster) { b.Trees[0].Right[0] = 3 }, model.ErrFormat},
		"child negative":   {func(b *model.Booster) { b.Trees[0].Right[0] = -2 }, model.ErrFormat},
		"left is -2":       {func(b *model.Booster) { b.Trees[0].Left[0] = -2 }, model.ErrFormat},
		"child is root":    {func(b *model.Booster) { b.Trees[0].Right[0] = 0 }, model.ErrFormat},
		"shared child":     {func(b *model.Booster) { b.Trees[0].Right[0] = 1 }, model.ErrFormat},
		"cycle":            {func(b *model.Booster) { b.Trees[0].Left[1], b.Trees[0].Right[1] = 0, 2 }, model.ErrFormat},
		"column too large": {func(b *model.Booster) { b.Trees[0].Feature[0] = 1 }, model.ErrFormat},
		"column negative":  {func(b *model.Booster) { b.Trees[0].Feature[0] = -1 }, model.ErrFormat},
	} {
		b := boosterOf(stump(1, true, 2, 3))
		c.change(b)
		if _, err := Build(b); !errors.Is(err, c.kind) {
			t.Errorf("%s: error %v, want one of the kind %q", name, err, c.kind)
		}
	}
}

func TestKeyOrder(t *testing.T) {
	r := testkit.Rand(t)
	for range 100_000 {
		x, y := math.Float32frombits(r.Uint32()), math.Float32frombits(r.Uint32())
		if r.IntN(4) == 0 {
			y = math.Nextafter32(x, y)
		}
		if x != x || y != y {
			continue
		}
		if (x < y) != (thresholdKey(x) < thresholdKey(y)) {
			t.Fatalf("order of %v and %v is lost", x, y)
		}
		if k := thresholdKey(x); k <= keyNaNThreshold || k == keyMissingRight {
			t.Fatalf("%v has the key %#x of something else", x, k)
		}
	}
}

func BenchmarkPredict(b *testing.B) {
	for _, shape := range []struct {
		trees, depth, groups, features int
		fill                           float64
	}{
		{100, 5, 1, 42, 1},
		{500, 6, 1, 42, 0.95},
		{1000, 8, 1, 42, 0.95},
		{1000, 6, 5, 42, 0.95},
		{100, 10, 1, 42, 0.9},
		{100, 12, 1, 42, 0.85},
	} {
		r := rand.New(rand.NewPCG(1, 2))
		booster := testkit.RandomBooster(r, testkit.BoosterShape{
			Features: shape.features, Groups: shape.groups, Trees: shape.trees, Depth: shape.depth,
			Fill: shape.fill, Thresholds: 64,
		})
		f := build(b, booster)
		const n = 4096
		rows := make([]float32, n*f.NumFeature)
		for i := range rows {
			rows[i] = float32(r.NormFloat64() * 2)
			if r.IntN(20) == 0 {
				rows[i] = float32(math.NaN())
			}
		}
		dst, s := make([]float32, f.NumGroup), f.NewScratch()
		name := fmt.Sprintf("%dx%dx%d", f.NumTree(), f.stats.MaxDepth, f.NumGroup)
		for impl, predict := range map[string]func(row []float32){
			"heap": func(row []float32) { f.Margins(dst, booster.BaseScore, row, s) },
			"walk": func(row []float32) { f.WalkMargins(dst, booster.BaseScore, row) },
		} {
			b.Run(impl+"/"+name, func(b *testing.B) {
				i := 0
				for b.Loop() {
					predict(rows[i*f.NumFeature:][:f.NumFeature])
					i = (i + 1) % n
				}
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*f.NumTree()), "ns/tree")
			})
		}
	}
}

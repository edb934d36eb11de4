package forest

import (
	"fmt"
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
	"testing"
	"time"

	"threatdetect/internal/testkit"
	"threatdetect/model"
)

// kernels are those of this machine and build.
func kernels() (all []Kernel) {
	all = []Kernel{Auto, Walk, Heap}
	for k := Heap + 1; ; k++ {
		kind, ok := k.Kind()
		if !ok {
			return all
		}
		if kind.Available() {
			all = append(all, k)
		}
	}
}

func compiled(t testing.TB, b *model.Booster, k Kernel) *Forest {
	t.Helper()
	f, err := Compile(b, k, nil)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// compareBatches checks that every kernel gives, for every batch size, what the reference walker gives, with one base margin and with one
// for each row. It returns the number of blocks plans.
func compareBatches(t *testing.T, b *model.Booster, rows []float32, sizes ...int) (plans int) {
	t.Helper()
	reference := build(t, b)
	groups, width := reference.NumGroup, reference.NumFeature
	n := len(rows) / width
	bases := make([]float32, n*groups)
	for i := range bases {
		bases[i] = b.BaseScore[i%len(b.BaseScore)]
		if i%3 == 0 {
			bases[i] = float32(i) / 7
		}
	}
	one := make([]float32, groups)
	for g := range one {
		one[g] = b.BaseScore[g%len(b.BaseScore)]
	}
	want, wantOwn := make([]float32, n*groups), make([]float32, n*groups)
	trees := reference.NumTree()
	wantLeaves := make([]float32, n*trees)
	for r := range n {
		row := rows[r*width:][:width]
		reference.WalkLeaves(wantLeaves[r*trees:][:trees], row)
		reference.WalkMargins(want[r*groups:][:groups], one, row)
		reference.WalkMargins(wantOwn[r*groups:][:groups], bases[r*groups:][:groups], row)
	}
	for _, k := range kernels() {
		f := compiled(t, b, k)
		if f.plan != nil && k != Auto {
			plans++
		}
		leafy, err := CompileLeaves(b, k, nil)
		if err != nil {
			t.Fatal(err)
		}
		s, ls := f.NewScratch(), leafy.NewScratch()
		for i, size := range sizes {
			size = min(size, n)
			got := testkit.Guard(size * groups)
			name := fmt.Sprintf("kernel %d, %d rows", k, size)
			f.Margins(got.Values(), one, rows[:size*width], s)
			testkit.DiffBits(t, name, got.Values(), want[:size*groups])
			f.Margins(got.Values(), bases[:size*groups], rows[:size*width], s)
			testkit.DiffBits(t, name+" with base margins", got.Values(), wantOwn[:size*groups])
			got.Check(t)
			if i < len(sizes)-1 {
				continue
			}
			got = testkit.Guard(size * trees)
			leafy.MatrixLeaves(got.Values(), Matrix{Data: rows, RowStride: width, ColumnStride: 1}, size, ls)
			testkit.DiffBits(t, name+", leaves", got.Values(), wantLeaves[:size*trees])
			got.Check(t)
			if t.Failed() {
				t.FailNow()
			}
		}
	}
	return plans
}

var batchSizes = []int{1, 7, 63, 64, 65, 127, 128, 129, 255, 256, 257, 511, 513, 1000}

func TestBlocksEqualReference(t *testing.T) {
	r := testkit.Rand(t)
	plans := 0
	for depth := range 13 {
		for _, groups := range []int{1, 3} {
			for range 4 {
				b := testkit.RandomBooster(r, testkit.BoosterShape{
					Features:   1 + r.IntN(9),
					Groups:     groups,
					Trees:      r.IntN(14),
					Depth:      depth,
					Fill:       []float64{0.6, 0.9, 1}[r.IntN(3)],
					Thresholds: 1 + r.IntN(40),
					Special:    r.IntN(2) == 0,
				})
				if r.IntN(3) == 0 {
					b.Version = model.Version{1, 2, 0} // base last
				}
				plans += compareBatches(t, b, testkit.HardRows(r, b, 300), 1, 63, 64, 65, 255, 256, 257, 300)
			}
		}
	}
	if plans == 0 {
		t.Error("no forest was compiled for blocks")
	}
}

func TestBlockSizes(t *testing.T) {
	r := testkit.Rand(t)
	for _, groups := range []int{1, 5} {
		b := testkit.RandomBooster(r, testkit.BoosterShape{
			Features: 42, Groups: groups, Trees: 60, Depth: 6, Fill: 0.95, Thresholds: 64,
		})
		if compareBatches(t, b, testkit.HardRows(r, b, 1000), batchSizes...) == 0 {
			t.Error("no plan")
		}
	}
}

// TestBlockFlags has many columns of which one or two things are asked.
func TestBlockFlags(t *testing.T) {
	r := testkit.Rand(t)
	for thresholds := 1; thresholds <= 2; thresholds++ {
		b := testkit.RandomBooster(r, testkit.BoosterShape{
			Features: 60, Groups: 2, Trees: 60, Depth: 5, Fill: 0.95, Thresholds: thresholds, Special: true,
		})
		if compareBatches(t, b, testkit.HardRows(r, b, 600), 65, 129, 256, 600) == 0 {
			t.Error("no plan")
		}
	}
}

// TestBlockThresholds has columns of as many thresholds as a rank has values, and some more or less.
func TestBlockThresholds(t *testing.T) {
	r := testkit.Rand(t)
	for _, n := range []int{1, 2, 3, 40, 41, 127, 128, 129, 254, 255, 256, 257, 511, 1000} {
		for range 3 {
			b := &model.Booster{
				Version: model.Version{3, 2, 0}, Kind: "gbtree", Objective: "reg:squarederror", NumFeature: 2, NumTarget: 1,
				BaseScore: []float32{0.5}, BaseIsMargin: true,
			}
			scale := float32(1)
			for i := range n { // each threshold is there
				if r.IntN(50) == 0 {
					scale *= -3
				}
				b.Trees = append(b.Trees, stump((float32(i)+r.Float32())*scale, r.IntN(2) == 0, r.Float32(), r.Float32()))
			}
			b.TreeGroup = make([]int32, n)
			compareBatches(t, b, testkit.HardRows(r, b, 300), 256, 300)
		}
	}
}

// TestBlockKinds has boosters of other kinds.
func TestBlockKinds(t *testing.T) {
	r := testkit.Rand(t)
	plans := 0
	for range 40 {
		b := testkit.RandomBooster(r, testkit.BoosterShape{
			Features: 1 + r.IntN(6), Groups: 1 + 2*r.IntN(2), Trees: 4 + r.IntN(20), Depth: 1 + r.IntN(9), Fill: 0.9, Thresholds: 1 + r.IntN(20), Special: true,
		})
		switch r.IntN(3) {
		case 0:
			testkit.AddWeights(r, b)
			b.Version = []model.Version{{1, 3, 0}, {2, 1, 0}, {3, 3, 0}}[r.IntN(3)]
		case 1:
			testkit.AddVectors(r, b)
		}
		if r.IntN(2) == 0 {
			testkit.AddCategories(r, b)
			b.Version = []model.Version{{1, 4, 2}, {1, 5, 2}, {1, 6, 2}, {3, 2, 0}}[r.IntN(4)]
		}
		rows := testkit.HardRows(r, b, 300)
		testkit.HardCodes(r, b, rows)
		plans += compareBatches(t, b, rows, 1, 64, 256, 300)
	}
	if plans == 0 {
		t.Error("no forest was compiled for blocks")
	}
}

// TestBlockTiles has more conditions than a tile.
func TestBlockTiles(t *testing.T) {
	r := testkit.Rand(t)
	b := testkit.RandomBooster(r, testkit.BoosterShape{
		Features: 200, Groups: 2, Trees: 320, Depth: 7, Fill: 1, Thresholds: 300, Special: true,
	})
	compareBatches(t, b, testkit.HardRows(r, b, 300), 64, 300)
	if f := compiled(t, b, Generic); f.plan == nil || f.plan.Size().Tiles < 2 {
		t.Error("one tile at most")
	}
	f, err := CompileLeaves(b, Generic, nil)
	if err != nil || f.leafPlan == nil {
		t.Errorf("no plan for leaves: %v", err)
	}
}

func FuzzBlocks(f *testing.F) {
	for seed := range uint64(8) {
		f.Add(seed, uint8(seed), uint8(seed*5), uint8(1+seed%3), uint8(seed*30))
	}
	f.Fuzz(func(t *testing.T, seed uint64, depth, trees, groups, thresholds uint8) {
		r := testkit.RandFrom(seed)
		b := testkit.RandomBooster(r, testkit.BoosterShape{
			Features: 1 + r.IntN(20), Groups: 1 + int(groups%4), Trees: int(trees % 32), Depth: int(depth % 12),
			Fill: 0.5 + r.Float64()/2, Thresholds: 1 + int(thresholds), Special: r.IntN(2) == 0,
		})
		if r.IntN(4) == 0 {
			testkit.AddCategories(r, b)
		}
		rows := testkit.HardRows(r, b, 130)
		if r.IntN(2) == 0 {
			testkit.HardCodes(r, b, rows)
		}
		compareBatches(t, b, rows, 1+r.IntN(130), 130)
	})
}

// BenchmarkBatch scores batches of 1000 rows; the metric is the time of one row.
func BenchmarkBatch(b *testing.B) {
	for _, shape := range []struct {
		trees, depth, groups, features int
	}{
		{100, 5, 1, 42},
		{100, 5, 1, 196},
		{500, 6, 1, 42},
		{1000, 8, 1, 42},
		{1000, 6, 5, 42},
	} {
		r := rand.New(rand.NewPCG(1, 2))
		booster := testkit.RandomBooster(r, testkit.BoosterShape{
			Features: shape.features, Groups: shape.groups, Trees: shape.trees, Depth: shape.depth, Fill: 0.95, Thresholds: 64,
		})
		const n, batch = 16000, 1000
		rows := make([]float32, n*shape.features)
		for i := range rows {
			rows[i] = float32(r.NormFloat64() * 2)
			if r.IntN(20) == 0 {
				rows[i] = nan
			}
		}
		for _, k := range kernels() {
			if k == Auto {
				continue
			}
			f := compiled(b, booster, k)
			dst, s := make([]float32, batch*f.NumGroup), f.NewScratch()
			b.Run(fmt.Sprintf("kernel=%d/%dx%dx%d,%d", k, f.NumTree(), f.stats.MaxDepth, f.NumGroup, f.NumFeature), func(b *testing.B) {
				b.ReportAllocs()
				at := 0
				runtime.LockOSThread()
				defer runtime.UnlockOSThread()
				var times []time.Duration // of single batches, which is robust on a busy machine
				for b.Loop() {
					begin := testkit.CPUTime()
					f.Margins(dst, booster.BaseScore, rows[at*f.NumFeature:][:batch*f.NumFeature], s)
					times = append(times, testkit.CPUTime()-begin)
					at = (at + batch) % n
				}
				slices.Sort(times)
				b.ReportMetric(float64(times[len(times)/4])/batch, "cpu-ns/row")
			})
		}
	}
}

var nan = math.Float32frombits(0x7FC00000)

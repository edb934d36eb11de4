package forest

import (
	"errors"
	"fmt"
	"math"
	"testing"

	"threatdetect/internal/testkit"
	"threatdetect/model"
)

// TestKinds compares the walkers on trees with weights, leaf vectors and categorical splits, and on all of these.
func TestKinds(t *testing.T) {
	r := testkit.Rand(t)
	heaps, walks := 0, 0
	for kind := range 8 {
		for depth := range 9 {
			t.Run(fmt.Sprintf("kind=%d/depth=%d", kind, depth), func(t *testing.T) {
				for range 8 {
					b := testkit.RandomBooster(r, testkit.BoosterShape{
						Features: 1 + r.IntN(6), Groups: 1 + 2*r.IntN(2), Trees: r.IntN(14), Depth: depth,
						Fill: []float64{0.6, 0.9, 1}[r.IntN(3)], Thresholds: 1 + r.IntN(5), Special: r.IntN(2) == 0,
					})
					b.Version = []model.Version{{3, 2, 0}, {3, 3, 0}, {1, 6, 0}, {1, 3, 0}}[r.IntN(4)]
					if kind&1 != 0 {
						testkit.AddWeights(r, b)
					}
					if kind&2 != 0 && b.NumGroup() > 1 {
						testkit.AddVectors(r, b)
					}
					if kind&4 != 0 {
						testkit.AddCategories(r, b)
					}
					rows := testkit.HardRows(r, b, 40)
					testkit.HardCodes(r, b, rows)
					f := build(t, b)
					if f.tests > 0 {
						heaps++
					} else if len(f.conditions) > 0 {
						walks++
					}
					compare(t, b, b.BaseScore, rows)
				}
			})
		}
	}
	if heaps == 0 || walks == 0 {
		t.Errorf("%d forests with conditions in heaps, %d without", heaps, walks)
	}
}

// categorical makes a stump that sends some codes to the right.
func categoricalStump(defaultLeft bool, codes ...int32) model.Tree {
	tree := stump(float32(math.NaN()), defaultLeft, -1, 1)
	tree.CategoryNodes, tree.CategoryStart, tree.CategoryCodes = []int32{0}, []int32{0, int32(len(codes))}, codes
	return tree
}

// TestCategory has the places that XGBoost releases send codes and other numbers to.
func TestCategory(t *testing.T) {
	const left, right, miss = -1, 1, 0
	for _, c := range []struct {
		version model.Version
		codes   []int32
		x       float32
		want    float32 // miss: where missing values go
	}{
		{model.Version{3, 2, 0}, []int32{1, 40}, 1, right},
		{model.Version{3, 2, 0}, []int32{1, 40}, 1.7, right},
		{model.Version{3, 2, 0}, []int32{1, 40}, 0, left},
		{model.Version{3, 2, 0}, []int32{0}, float32(math.Copysign(0, -1)), right},
		{model.Version{3, 2, 0}, []int32{0}, -0.5, left},
		{model.Version{3, 2, 0}, []int32{0}, -1, left},
		{model.Version{3, 2, 0}, []int32{1, 40}, 40.9, right},
		{model.Version{3, 2, 0}, []int32{1, 40}, 63, left},
		{model.Version{3, 2, 0}, []int32{1, 40}, 64, left},
		{model.Version{3, 2, 0}, []int32{1<<24 - 1}, 1<<24 - 1, right},
		{model.Version{3, 2, 0}, []int32{0, 1<<24 - 1}, 0, right},
		{model.Version{3, 2, 0}, []int32{0, 1<<24 - 1}, 5000, left},
		{model.Version{3, 2, 0}, []int32{1<<24 - 1}, 1 << 24, left},
		{model.Version{3, 2, 0}, []int32{1, 40}, 3e9, left},
		{model.Version{3, 2, 0}, []int32{1, 40}, float32(math.Inf(1)), left},
		{model.Version{3, 2, 0}, []int32{1, 40}, float32(math.NaN()), miss},
		{model.Version{3, 2, 0}, nil, 0, left},
		{model.Version{1, 5, 2}, []int32{1, 40}, 64, left},
		{model.Version{1, 5, 2}, []int32{1, 40}, -1, left},
		// 1.6 sends what is no code, or beyond the field, where missing values go.
		{model.Version{1, 6, 2}, []int32{1, 40}, 63, left},
		{model.Version{1, 6, 2}, []int32{1, 40}, 64, miss},
		{model.Version{1, 6, 2}, []int32{1, 40}, -1, miss},
		{model.Version{1, 6, 2}, []int32{1, 40}, 3e9, miss},
		{model.Version{1, 6, 2}, []int32{1, 40}, 40, right},
		// 1.3 and 1.4 compare with the threshold, which is NaN.
		{model.Version{1, 4, 2}, []int32{1, 40}, 0, right},
		{model.Version{1, 3, 3}, []int32{1, 40}, -1, right},
		{model.Version{1, 3, 3}, []int32{1, 40}, float32(math.NaN()), miss},
	} {
		for _, defaultLeft := range []bool{false, true} {
			want := c.want
			if want == miss {
				want = right
				if defaultLeft {
					want = left
				}
			}
			b := boosterOf(categoricalStump(defaultLeft, c.codes...))
			b.Version = c.version
			f := build(t, b)
			var walked, fast [1]float32
			f.WalkMargins(walked[:], []float32{0}, []float32{c.x})
			f.Margins(fast[:], []float32{0}, []float32{c.x}, f.NewScratch())
			if walked[0] != want || fast[0] != want {
				t.Errorf("%v, codes %v, default left %v: %v goes to %v and %v, want %v", c.version, c.codes, defaultLeft, c.x, walked[0], fast[0], want)
			}
		}
	}
}

// TestSparseCodes has codes that lie far apart: bits for all of those between would take megabytes for every split.
func TestSparseCodes(t *testing.T) {
	var trees []model.Tree
	for i := range int32(1000) {
		trees = append(trees, categoricalStump(true, i, 1<<24-1))
	}
	if size := build(t, boosterOf(trees...)).Stats().Bytes; size > 1<<20 {
		t.Errorf("%d bytes", size)
	}
}

// TestWeightRounding has a weight whose product with a leaf is rounded before it is added.
func TestWeightRounding(t *testing.T) {
	b := boosterOf(leaf(0.1), leaf(0.3), leaf(float32(math.Copysign(0, -1))))
	b.Kind, b.TreeWeight = "dart", []float32{0.7, 1.1, 1}
	base := float32(0.4)
	p := float32(float32(0.1) * 0.7)
	q := float32(float32(0.3) * 1.1)
	for version, want := range map[model.Version]float32{
		{1, 4, 0}: (base + p) + q,
		{3, 4, 0}: (base + p) + q,
		{1, 3, 0}: base + ((0 + p) + q),
	} {
		b.Version = version
		f := build(t, b)
		var walked, fast [1]float32
		f.WalkMargins(walked[:], []float32{base}, []float32{0})
		f.Margins(fast[:], []float32{base}, []float32{0}, f.NewScratch())
		testkit.DiffBits(t, fmt.Sprint(version), []float32{walked[0], fast[0]}, []float32{want, want})
	}

	// A sum of -0 stays negative in 3.3, where the releases before made it positive.
	b = boosterOf(leaf(float32(math.Copysign(0, -1))))
	b.Kind, b.TreeWeight = "dart", []float32{1}
	for version, want := range map[model.Version]uint32{{3, 3, 0}: 1 << 31, {3, 2, 0}: 0} {
		b.Version = version
		var got [1]float32
		build(t, b).WalkMargins(got[:], []float32{float32(math.Copysign(0, -1))}, []float32{0})
		if math.Float32bits(got[0]) != want {
			t.Errorf("%v: %#08x", version, math.Float32bits(got[0]))
		}
	}
}

func TestBuildRefusesKinds(t *testing.T) {
	for name, change := range map[string]func(*model.Booster){
		"weights":         func(b *model.Booster) { b.TreeWeight = []float32{1, 2} },
		"starts":          func(b *model.Booster) { b.Trees[0].CategoryStart = []int32{0} },
		"start beyond":    func(b *model.Booster) { b.Trees[0].CategoryStart[1] = 9 },
		"start below":     func(b *model.Booster) { b.Trees[0].CategoryStart[0] = -1 },
		"start falls":     func(b *model.Booster) { b.Trees[0].CategoryStart = []int32{1, 0} },
		"node":            func(b *model.Booster) { b.Trees[0].CategoryNodes[0] = 3 },
		"node below":      func(b *model.Booster) { b.Trees[0].CategoryNodes[0] = -1 },
		"code":            func(b *model.Booster) { b.Trees[0].CategoryCodes[0] = 1 << 24 },
		"code below":      func(b *model.Booster) { b.Trees[0].CategoryCodes[0] = -1 },
		"vector size":     func(b *model.Booster) { b.Trees[0].LeafSize = 3 },
		"vector missing":  func(b *model.Booster) { vectors(b); b.Trees[0].LeafVector = b.Trees[0].LeafVector[:4] },
		"vector part":     func(b *model.Booster) { vectors(b); b.Trees[0].LeafVector = b.Trees[0].LeafVector[:5] },
		"vector number":   func(b *model.Booster) { vectors(b); b.Trees[0].LeafIndex[2] = -1 },
		"vector numbers":  func(b *model.Booster) { vectors(b); b.Trees[0].LeafIndex = nil },
		"vector of other": func(b *model.Booster) { vectors(b); b.Trees = append(b.Trees, leaf(1)); b.TreeGroup = []int32{0, 0} },
	} {
		b := boosterOf(categoricalStump(true, 1, 5))
		change(b)
		if _, err := Build(b); !errors.Is(err, model.ErrFormat) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// vectors gives b three outputs and its stump three vectors, of which two are used.
func vectors(b *model.Booster) {
	t := &b.Trees[0]
	b.NumTarget, t.LeafSize = 3, 3
	t.LeafIndex, t.LeafVector = []int32{-1, 0, 2}, []float32{1, 2, 3, 4, 5, 6, 7, 8, 9}
}

func TestVectors(t *testing.T) {
	b := boosterOf(categoricalStump(true, 1, 5))
	vectors(b)
	f := build(t, b)
	for x, want := range map[float32][]float32{0: {11, 22, 33}, 5: {17, 28, 39}} {
		got := make([]float32, 3)
		f.Margins(got, []float32{10, 20, 30}, []float32{x}, f.NewScratch())
		testkit.DiffBits(t, fmt.Sprint(x), got, want)
	}
	if f.Vector(&f.Tree(0)[2])[0] != 7 {
		t.Error("the vector of leaf 2")
	}
}

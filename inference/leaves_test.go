package inference

import (
	"bufio"
	"bytes"
	"math"
	"path/filepath"
	"testing"

	"github.com/dmitryikh/leaves"

	"threatdetect/internal/testkit"
	"threatdetect/model"
)

// The library github.com/dmitryikh/leaves reads legacy files of XGBoost up to 0.90. These tests run it beside our
// predictor and pin where it differs from us, that is from XGBoost. Everything else has to agree.

// both loads a file into leaves and into a predictor of margins.
func both(t testing.TB, file []byte) (*leaves.Ensemble, *Predictor) {
	t.Helper()
	theirs, err := readLeaves(file)
	if err != nil {
		t.Fatal(err)
	}
	b, err := model.Load(bytes.NewReader(file), nil)
	if err != nil {
		t.Fatal(err)
	}
	ours, err := New(b, &Options{Output: Margin})
	if err != nil {
		t.Fatal(err)
	}
	return theirs, ours
}

func margins(t *testing.T, theirs *leaves.Ensemble, ours *Predictor, row []float32) (a []float64, b []float32) {
	t.Helper()
	wide := make([]float64, len(row))
	for i, x := range row {
		wide[i] = float64(x)
	}
	a, b = make([]float64, ours.NumOutput()), make([]float32, ours.NumOutput())
	if err := theirs.Predict(wide, 0, a); err != nil {
		t.Fatal(err)
	}
	if err := ours.Predict(b, row); err != nil {
		t.Fatal(err)
	}
	return a, b
}

// TestLeaves compares on random models and rows that hold no threshold: the same leaves are reached, and the sums differ by
// no more than the rounding of float32 that leaves, which adds in float64, does not do.
func TestLeaves(t *testing.T) {
	r := testkit.Rand(t)
	compared, same := 0, 0
	for _, groups := range []int{1, 3} {
		for range 20 {
			b := testkit.RandomBooster(r, testkit.BoosterShape{
				Features: 5, Groups: groups, Trees: 12, Depth: 6, Fill: 0.85, Thresholds: 8,
			})
			for i := range b.Trees {
				plainLeaf(&b.Trees[i])
			}
			b.BaseScore = b.BaseScore[:1]
			theirs, ours := both(t, writeLegacy090(t, b))
			thresholds := map[float32]bool{}
			for i := range b.Trees {
				for _, x := range b.Trees[i].Value {
					thresholds[x] = true
				}
			}
			row := make([]float32, b.NumFeature)
			for range 100 {
				for c := range row {
					row[c] = float32(r.NormFloat64() * 2)
					for thresholds[row[c]] {
						row[c] = math.Nextafter32(row[c], 100)
					}
					if r.IntN(8) == 0 {
						row[c] = float32(math.NaN())
					}
				}
				a, b := margins(t, theirs, ours, row)
				for g := range a {
					if diff := math.Abs(a[g] - float64(b[g])); diff > 1e-5*(1+math.Abs(a[g])) {
						t.Fatalf("row %v, output %d: leaves gives %v, we %v", row, g, a[g], b[g])
					}
					compared++
					if float32(a[g]) == b[g] {
						same++
					}
				}
			}
		}
	}
	t.Logf("leaves: %d margins within 1e-5, %d of them with our bits", compared, same)
	if same == compared {
		t.Error("leaves has our bits everywhere: the difference between float64 and float32 sums is not shown")
	}
}

// plainLeaf turns a tree that is a leaf with deleted nodes behind it into a plain leaf: see TestLeavesRefuses.
func plainLeaf(t *model.Tree) {
	if t.IsLeaf(0) {
		*t = model.Tree{Left: []int32{-1}, Right: []int32{-1}, Feature: []int32{0}, Value: t.Value[:1],
			DefaultLeft: []bool{false}}
	}
}

// TestLeavesThreshold pins the first difference: at a threshold leaves goes left, as LightGBM does, XGBoost right.
func TestLeavesThreshold(t *testing.T) {
	theirs, ours := both(t, writeLegacy090(t, stumps(1.5)))
	for _, c := range []struct{ x, leaves, xgboost float32 }{
		{math.Nextafter32(1.5, 0), 10, 10},
		{1.5, 10, 20},
		{math.Nextafter32(1.5, 2), 20, 20},
	} {
		a, b := margins(t, theirs, ours, []float32{c.x})
		if a[0] != float64(c.leaves) || b[0] != c.xgboost {
			t.Errorf("at %v leaves gives %v, we %v; want %v and %v", c.x, a[0], b[0], c.leaves, c.xgboost)
		}
	}
}

// TestLeavesGolden shows what the first difference is worth: on rows full of thresholds that XGBoost 1.0.2 has scored, leaves
// is wrong in many and we are in none.
func TestLeavesGolden(t *testing.T) {
	for _, c := range testkit.Golden(t, filepath.Join(testkit.Root(t), "testdata", "golden")) {
		if c.Release != "1.0.2" || c.Name != "squarederror-base-0.7" {
			continue
		}
		b, err := model.Open(c.Paths[0], nil)
		if err != nil {
			t.Fatal(err)
		}
		theirs, ours := both(t, writeLegacy090(t, b))
		wrong := 0
		for r := range c.NumRow {
			a, b := margins(t, theirs, ours, c.Rows[r*c.NumFeature:][:c.NumFeature])
			if !testkit.SameBits(b[0], c.Margins[r]) {
				t.Errorf("row %d: we give %v, XGBoost %v", r, b[0], c.Margins[r])
			}
			if math.Abs(a[0]-float64(c.Margins[r])) > 1e-4 {
				wrong++
			}
		}
		t.Logf("%s: leaves is off by more than 1e-4 in %d of %d rows", c.Name, wrong, c.NumRow)
		if wrong == 0 {
			t.Error("leaves agrees on every row: the difference at thresholds is not shown")
		}
		return
	}
	t.Error("the golden case is gone")
}

// TestLeavesWidth pins the second: leaves compares in float64, where a number that rounds to the threshold is still less.
// XGBoost has rounded it before. Our rows are float32 and cannot hold such a number.
func TestLeavesWidth(t *testing.T) {
	a, b := []float64{0}, []float32{0}
	const below = 1.5 - 1e-12 // rounds to 1.5, which goes right at the first split
	theirs, ours := both(t, writeLegacy090(t, stumps(1.5)))
	if err := theirs.Predict([]float64{below}, 0, a); err != nil {
		t.Fatal(err)
	}
	if err := ours.Predict(b, []float32{float32(below)}); err != nil {
		t.Fatal(err)
	}
	if a[0] != 10 || b[0] != 20 {
		t.Errorf("leaves gives %v, we %v", a[0], b[0])
	}
}

// TestLeavesBaseScore pins the third: leaves takes the base score for a margin, which files from release 1.0 on do not mean.
func TestLeavesBaseScore(t *testing.T) {
	b := stumps(1.5)
	b.Objective, b.BaseScore = "binary:logistic", []float32{0.5}
	file := writeLegacy090(t, b)
	theirs, ours := both(t, file)
	x, y := margins(t, theirs, ours, []float32{0})
	if x[0] != 10.5 || y[0] != 10.5 {
		t.Errorf("file of 0.90: leaves gives %v, we %v", x[0], y[0])
	}

	file[20] = 1 // major_version
	theirs, ours = both(t, file)
	x, y = margins(t, theirs, ours, []float32{0})
	if x[0] != 10.5 || y[0] != 10 {
		t.Errorf("file of 1.0: leaves gives %v, we %v", x[0], y[0])
	}
}

// TestLeavesRefuses pins a file that leaves cannot read though it is of its form: pruning has cut a tree down to its root.
func TestLeavesRefuses(t *testing.T) {
	pruned := stumps(1.5)
	pruned.Trees[0].Left[0], pruned.Trees[0].NumDeleted = -1, 2
	file := writeLegacy090(t, pruned)
	if _, err := readLeaves(file); err == nil {
		t.Error("leaves reads a root with deleted nodes behind it")
	}
	b, err := model.Load(bytes.NewReader(file), nil)
	if err != nil {
		t.Fatal(err)
	}
	p, err := New(b, nil)
	if err != nil {
		t.Fatal(err)
	}
	var value [1]float32
	if err := p.Predict(value[:], []float32{0}); err != nil || value[0] != 1.5 {
		t.Errorf("we give %v, %v", value[0], err)
	}
}

func readLeaves(file []byte) (*leaves.Ensemble, error) {
	return leaves.XGEnsembleFromReader(bufio.NewReader(bytes.NewReader(file)), false)
}

// stumps is a model of one column and a tree of one split for each threshold: 10 on the left side, 20 on the right.
func stumps(thresholds ...float32) *model.Booster {
	b := &model.Booster{
		Version: model.Version{3, 2, 0}, Kind: "gbtree", Objective: "reg:squarederror", NumFeature: 1, NumTarget: 1,
		BaseScore: []float32{0}, NumParallelTree: 1, IterationStart: []int32{0},
	}
	for i, threshold := range thresholds {
		b.Trees = append(b.Trees, model.Tree{
			Left: []int32{1, -1, -1}, Right: []int32{2, -1, -1}, Feature: []int32{0, 0, 0},
			Value: []float32{threshold, 10, 20}, DefaultLeft: []bool{false, false, false},
		})
		b.TreeGroup = append(b.TreeGroup, 0)
		b.IterationStart = append(b.IterationStart, int32(i+1))
	}
	return b
}

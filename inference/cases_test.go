package inference

import (
	"errors"
	"fmt"
	"math"
	"path/filepath"
	"sync"
	"testing"

	"threatdetect/internal/testkit"
	"threatdetect/model"
)

// TestValueOfMargin has the links at the margins where they are easy to get wrong, with the bits that XGBoost gives.
func TestValueOfMargin(t *testing.T) {
	const old, new = 5, 7 // of release 1
	for _, c := range []struct {
		objective string
		minor     int
		margin    float32
		want      uint32
	}{
		{"binary:logistic", new, -200, 0x0020BD47}, // the exponent ends at 88.7
		{"binary:logistic", new, -88.7, 0x0020BD47},
		{"binary:logistic", new, 17, 0x3F800000},
		{"binary:logistic", new, 200, 0x3F800000},
		{"reg:logistic", new, -200, 0x0020BD47},
		{"binary:logistic", old, -200, 0},
		{"binary:logistic", old, -88.7, 0x0020BD47},
		{"binary:logistic", old, 17, 0x3F800000},
		{"binary:logistic", old, 200, 0x3F800000},
		{"binary:hinge", new, 0, 0},
		{"binary:hinge", new, float32(math.Copysign(0, -1)), 0},
		{"binary:hinge", new, math.SmallestNonzeroFloat32, 0x3F800000},
		{"binary:hinge", new, -1, 0},
		{"binary:hinge", new, float32(math.NaN()), 0},
		// An exponential in float64, rounded, is one unit off here. survival:aft has float32's in every release: seen in
		// 1.1.1, 1.2.1, 1.3.3, 1.7.6, 3.2.0 and 3.4.1.
		{"survival:aft", 1, math.Float32frombits(0x3F001569), 0x3FD31AF4},
		{"survival:aft", new, math.Float32frombits(0x3F001569), 0x3FD31AF4},
		{"survival:aft", new, math.Float32frombits(0x3F00243B), 0x3FD3272D},
		{"survival:aft", new, math.Float32frombits(0x3F0037EF), 0x3FD3376E},
		{"count:poisson", new, math.Float32frombits(0x3F003946), 0x3FD33889},
	} {
		b := stumps(0)
		b.Version, b.Objective, b.BaseScore[0] = model.Version{1, c.minor, 0}, c.objective, 0.5
		b.Trees, b.TreeGroup, b.IterationStart = nil, nil, []int32{0}
		var dst [1]float32
		err := newPredictor(t, b, nil).PredictFrom(dst[:], []float32{0}, []float32{c.margin})
		if got := math.Float32bits(dst[0]); err != nil || got != c.want {
			t.Errorf("%s of %v in 1.%d: %#08x, %v, want %#08x", c.objective, c.margin, c.minor, got, err, c.want)
		}
	}
}

// TestSoftmaxOfNaN: one margin that is no number makes all probabilities such.
func TestSoftmaxOfNaN(t *testing.T) {
	b := stumps(0, 0, 0)
	b.Objective, b.NumClass, b.TreeGroup = "multi:softprob", 3, []int32{0, 1, 2}
	var dst [3]float32
	if err := newPredictor(t, b, nil).PredictFrom(dst[:], []float32{0}, []float32{1, float32(math.NaN()), 2}); err != nil {
		t.Fatal(err)
	}
	for i, x := range dst {
		if x == x {
			t.Errorf("class %d: %v", i, x)
		}
	}
}

// TestBaseScoreLimits: up to 3.1 a probability of 0 or 1 is an error, later it is moved inside.
func TestBaseScoreLimits(t *testing.T) {
	for _, score := range []float32{0, 1, -0.1, 1.1, float32(math.NaN())} {
		for _, version := range []model.Version{{1, 0, 0}, {1, 7, 0}, {3, 1, 0}, {3, 2, 0}, {3, 4, 0}} {
			b := stumps(0)
			b.Objective, b.BaseScore[0], b.Version = "binary:logistic", score, version
			_, err := New(b, nil)
			if valid := !version.Before(3, 2) && (score == 0 || score == 1); valid != (err == nil) || !valid && !errors.Is(err, model.ErrFormat) {
				t.Errorf("%v in %v: %v", score, version, err)
			}
		}
	}
}

// TestRoundedFeature: a number is rounded to float32 before it is compared, so one just below a threshold may be equal to it.
func TestRoundedFeature(t *testing.T) {
	const threshold = float32(0.7)
	p := newPredictor(t, stumps(threshold), &Options{Output: Leaf})
	for _, c := range []struct {
		x    float64
		leaf float32
	}{
		{float64(threshold), 2},
		{float64(threshold) - 1e-12, 2}, // rounds to the threshold
		{float64(threshold) + 1e-12, 2},
		{float64(math.Nextafter32(threshold, 0)), 1},
		{1e300, 2}, // infinite
		{-1e300, 1},
		{math.Inf(-1), 1},
	} {
		var dst [1]float32
		if err := p.Predict(dst[:], []float32{float32(c.x)}); err != nil || dst[0] != c.leaf {
			t.Errorf("%v: leaf %v, %v, want %v", c.x, dst[0], err, c.leaf)
		}
	}
}

// TestManyGoroutines shares a predictor of every output between 64 goroutines; run it with the race detector.
func TestManyGoroutines(t *testing.T) {
	r := testkit.Rand(t)
	b := testkit.RandomBooster(r, testkit.BoosterShape{Features: 4, Groups: 3, Trees: 12, Depth: 4, Fill: 0.9, Thresholds: 5})
	testkit.AddCovers(r, b, false)
	const n = 16
	rows := testkit.HardRows(r, b, n)
	for _, output := range []Output{Value, Margin, Leaf, Contribution, ApproxContribution, Interaction} {
		p := newPredictor(t, b, &Options{Output: output, Workers: 1})
		want := make([]float32, n*p.NumOutput())
		if err := p.PredictBatch(want, rows); err != nil {
			t.Fatal(err)
		}
		var wait sync.WaitGroup
		for g := range 64 {
			wait.Go(func() {
				got := make([]float32, n*p.NumOutput())
				if err := p.PredictBatch(got, rows); err != nil {
					t.Error(err)
				}
				testkit.DiffBits(t, fmt.Sprint(output, " in goroutine ", g), got, want)
			})
		}
		wait.Wait()
	}
}

// TestInteractionRows: the rows of interactions of real models add up to their contributions, and nothing is said about the bias.
func TestInteractionRows(t *testing.T) {
	seen := 0
	for _, c := range testkit.Golden(t, filepath.Join(testkit.Root(t), "testdata", "golden")) {
		if len(c.Interactions) == 0 {
			continue
		}
		seen++
		width := c.NumFeature + 1
		for i := range len(c.Exact) {
			row := c.Interactions[i*width:][:width]
			var sum, size float64
			for k, x := range row {
				sum, size = sum+float64(x), size+math.Abs(float64(x))
				if i%width == width-1 && k < width-1 && x != 0 {
					t.Errorf("%s/%s: the bias and column %d interact: %v", c.Release, c.Name, k, x)
				}
			}
			if math.Abs(sum-float64(c.Exact[i])) > 1e-5*(size+1) {
				t.Errorf("%s/%s: row %d adds up to %v, want %v", c.Release, c.Name, i, sum, c.Exact[i])
			}
		}
	}
	if seen == 0 {
		t.Error("no interactions")
	}
}

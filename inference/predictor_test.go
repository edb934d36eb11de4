package inference

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"sync"
	"testing"

	"threatdetect/internal/testkit"
	"threatdetect/model"
)

func newPredictor(t testing.TB, b *model.Booster, opts *Options) *Predictor {
	t.Helper()
	p, err := New(b, opts)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// TestBatch scores batches of many lengths with several numbers of workers: every row has to come out as it does alone,
// nothing may be written outside dst, and the rows may not change.
func TestBatch(t *testing.T) {
	r := testkit.Rand(t)
	workerCounts, rowCounts := []int{0, 1, 2, 3, 16}, []int{0, 1, 2, 3, 47, 48, 63, 64, 65, 255, 256, 257, 511, 512, 513, 1100}
	if raceEnabled { // thirty times slower, and only several workers are of interest
		workerCounts, rowCounts = []int{3}, []int{2, 65, 257, 1100}
	}
	for _, groups := range []int{1, 3} {
		b := testkit.RandomBooster(r, testkit.BoosterShape{
			Features: 7, Groups: groups, Trees: 150, Depth: 5, Fill: 0.9, Thresholds: 5, Special: true,
		})
		testkit.AddCovers(r, b, false)
		all := testkit.HardRows(r, b, 1100)
		for _, output := range []Output{Value, Margin, Leaf, Contribution, ApproxContribution} {
			single := newPredictor(t, b, &Options{Output: output, Workers: 1})
			want := make([]float32, 1100*single.NumOutput())
			for i := range 1100 {
				dst := testkit.Guard(single.NumOutput())
				if err := single.Predict(dst.Values(), all[i*7:i*7+7]); err != nil {
					t.Fatal(err)
				}
				dst.Check(t)
				copy(want[i*single.NumOutput():], dst.Values())
			}
			for _, workers := range workerCounts {
				p := newPredictor(t, b, &Options{Output: output, Workers: workers})
				for _, n := range rowCounts {
					rows := slices.Clone(all[:7*n])
					dst := testkit.Guard(n * p.NumOutput())
					if err := p.PredictBatch(dst.Values(), rows); err != nil {
						t.Fatal(err)
					}
					what := fmt.Sprintf("%d groups, %v, %d workers, %d rows", groups, output, workers, n)
					testkit.DiffBits(t, what, dst.Values(), want[:n*p.NumOutput()])
					dst.Check(t)
					for i := range rows {
						if math.Float32bits(rows[i]) != math.Float32bits(all[i]) {
							t.Fatalf("%s: value %d of the rows was changed", what, i)
						}
					}
				}
			}
		}
	}
}

// TestConcurrent shares one predictor between goroutines; run it with the race detector.
func TestConcurrent(t *testing.T) {
	r := testkit.Rand(t)
	b := testkit.RandomBooster(r, testkit.BoosterShape{
		Features: 4, Groups: 3, Trees: 60, Depth: 5, Fill: 0.9, Thresholds: 5,
	})
	p := newPredictor(t, b, &Options{Workers: 3})
	const n = 400
	rows := testkit.HardRows(r, b, n)
	want := make([]float32, n*p.NumOutput())
	if err := p.PredictBatch(want, rows); err != nil {
		t.Fatal(err)
	}
	var wait sync.WaitGroup
	for g := range 16 {
		wait.Go(func() {
			got := make([]float32, n*p.NumOutput())
			for range 5 {
				clear(got)
				if g%2 == 0 {
					if err := p.PredictBatch(got, rows); err != nil {
						t.Error(err)
					}
				} else {
					for i := range n {
						if err := p.Predict(got[i*p.NumOutput():][:p.NumOutput()], rows[i*4:i*4+4]); err != nil {
							t.Error(err)
						}
					}
				}
				testkit.DiffBits(t, "concurrent", got, want)
			}
		})
	}
	wait.Wait()
}

// TestKeepsNothing changes the booster after New.
func TestKeepsNothing(t *testing.T) {
	b := stumps(1.5)
	b.FeatureNames = []string{"a"}
	p := newPredictor(t, b, nil)
	b.Trees[0].Value[1], b.BaseScore[0], b.TreeGroup[0], b.FeatureNames[0] = 99, 99, 99, "b"
	var dst [1]float32
	if err := p.Predict(dst[:], []float32{1}); err != nil || dst[0] != 10 {
		t.Errorf("predicts %v, %v", dst[0], err)
	}
	if err := p.CheckFeatures([]string{"a"}); err != nil {
		t.Error(err)
	}
	p.FeatureNames()[0] = "c"
	if err := p.CheckFeatures([]string{"a"}); err != nil {
		t.Error(err)
	}
}

func TestShapeError(t *testing.T) {
	r := testkit.Rand(t)
	b := testkit.RandomBooster(r, testkit.BoosterShape{
		Features: 3, Groups: 2, Trees: 4, Depth: 2, Fill: 1, Thresholds: 2,
	})
	p := newPredictor(t, b, nil)
	floats := func(n int) []float32 { return make([]float32, n) }
	for _, c := range []struct {
		err  error
		want ShapeError
	}{
		{p.Predict(floats(2), floats(2)), ShapeError{"Predict", "row", 2, 3}},
		{p.Predict(floats(2), floats(4)), ShapeError{"Predict", "row", 4, 3}},
		{p.Predict(floats(1), floats(3)), ShapeError{"Predict", "dst", 1, 2}},
		{p.Predict(floats(3), floats(3)), ShapeError{"Predict", "dst", 3, 2}},
		{p.Predict(nil, nil), ShapeError{"Predict", "row", 0, 3}},
		{p.PredictBatch(floats(4), floats(7)), ShapeError{"PredictBatch", "rows", 7, 3}},
		{p.PredictBatch(floats(3), floats(6)), ShapeError{"PredictBatch", "dst", 3, 4}},
		{p.PredictBatch(floats(1), nil), ShapeError{"PredictBatch", "dst", 1, 0}},
	} {
		var e *ShapeError
		if !errors.As(c.err, &e) || *e != c.want {
			t.Errorf("error %v, want %v", c.err, &c.want)
		}
	}
	if err := p.PredictBatch(nil, nil); err != nil {
		t.Errorf("no rows: %v", err)
	}
}

func TestNumOutput(t *testing.T) {
	b := stumps(1, 2, 3)
	b.Objective, b.NumClass, b.TreeGroup = "multi:softmax", 3, []int32{0, 1, 2}
	for output, want := range map[Output]int{Value: 1, Margin: 3, Leaf: 3} {
		if got := newPredictor(t, b, &Options{Output: output}).NumOutput(); got != want {
			t.Errorf("%v: %d outputs, want %d", output, got, want)
		}
	}
	b.Objective = "multi:softprob"
	if got := newPredictor(t, b, nil).NumOutput(); got != 3 {
		t.Errorf("softprob: %d outputs", got)
	}
}

func TestNewRefuses(t *testing.T) {
	nan, inf := float32(math.NaN()), float32(math.Inf(1))
	for name, c := range map[string]struct {
		change func(*model.Booster)
		kind   error
	}{
		"objective":           {func(b *model.Booster) { b.Objective = "rank:unheard-of" }, model.ErrUnsupported},
		"no objective":        {func(b *model.Booster) { b.Objective = "" }, model.ErrUnsupported},
		"booster":             {func(b *model.Booster) { b.Kind = "gbforest" }, model.ErrUnsupported},
		"no base score":       {func(b *model.Booster) { b.BaseScore = nil }, model.ErrFormat},
		"two base scores":     {func(b *model.Booster) { b.BaseScore = []float32{1, 2} }, model.ErrFormat},
		"base score NaN":      {func(b *model.Booster) { b.BaseScore[0] = nan }, model.ErrFormat},
		"base score infinite": {func(b *model.Booster) { b.BaseScore[0] = inf }, model.ErrFormat},
		"probability 1.5": {func(b *model.Booster) {
			b.Objective, b.BaseScore[0] = "binary:logistic", 1.5
		}, model.ErrFormat},
		"probability 0 in 3.1": {func(b *model.Booster) {
			b.Objective, b.Version, b.BaseScore[0] = "binary:logistic", model.Version{3, 1, 0}, 0
		}, model.ErrFormat},
		"cycle": {func(b *model.Booster) { b.Trees[0].Right[0] = 0 }, model.ErrFormat},
	} {
		b := stumps(1)
		c.change(b)
		if _, err := New(b, nil); !errors.Is(err, c.kind) {
			t.Errorf("%s: error %v, want one of the kind %q", name, err, c.kind)
		}
	}
	if _, err := New(stumps(1), &Options{Output: 77}); err == nil {
		t.Error("output 77 is accepted")
	}
	if _, err := Open("no-such-file", nil); err == nil {
		t.Error("a missing file is opened")
	}
}

func TestCheckFeatures(t *testing.T) {
	b := stumps(1)
	b.NumFeature, b.FeatureNames = 3, []string{"dur", "bytes", "pkts"}
	p := newPredictor(t, b, nil)
	for _, c := range []struct {
		names []string
		want  *FeatureError
	}{
		{[]string{"dur", "bytes", "pkts"}, nil},
		{[]string{"dur", "pkts", "bytes"}, &FeatureError{Position: 1, Got: "pkts", Want: "bytes", NumGot: 3, NumWant: 3}},
		{[]string{"dur", "bytes"}, &FeatureError{Missing: []string{"pkts"}, Position: 2, Want: "pkts", NumGot: 2, NumWant: 3}},
		{[]string{"dur", "bytes", "pkts", "x"}, &FeatureError{Unknown: []string{"x"}, Position: 3, Got: "x", NumGot: 4, NumWant: 3}},
		{[]string{"dur", "dur", "pkts"}, &FeatureError{Missing: []string{"bytes"}, Unknown: []string{"dur"}, Position: 1,
			Got: "dur", Want: "bytes", NumGot: 3, NumWant: 3}},
		{nil, &FeatureError{Missing: []string{"dur", "bytes", "pkts"}, Want: "dur", NumGot: 0, NumWant: 3}},
	} {
		err := p.CheckFeatures(c.names)
		if c.want == nil {
			if err != nil {
				t.Errorf("%q: %v", c.names, err)
			}
			continue
		}
		var e *FeatureError
		if !errors.As(err, &e) {
			t.Errorf("%q: error %v", c.names, err)
			continue
		}
		if fmt.Sprintf("%+v", *e) != fmt.Sprintf("%+v", *c.want) {
			t.Errorf("%q: error %+v, want %+v", c.names, *e, *c.want)
		}
		t.Log(err)
	}

	b.FeatureNames = nil
	p = newPredictor(t, b, nil)
	if err := p.CheckFeatures([]string{"x", "y", "z"}); err != nil {
		t.Errorf("a model without names: %v", err)
	}
	if err := p.CheckFeatures([]string{"x"}); err == nil {
		t.Error("a model without names accepts another number of them")
	} else {
		t.Log(err)
	}
}

func TestStats(t *testing.T) {
	b := stumps(1, 2, 3)
	b.Digest = "abc"
	p := newPredictor(t, b, nil)
	s := p.Stats()
	if s.Engine != "heap" || s.Trees != 3 || s.HeapTrees != 3 || s.Splits != 3 || s.Leaves != 6 || s.Columns != 1 ||
		s.MaxDepth != 1 || s.Bytes <= 0 {
		t.Errorf("%+v", s)
	}
	if p.Digest() != "abc" || p.Objective() != b.Objective || p.NumFeature() != 1 || p.Output() != Value {
		t.Error("the predictor does not repeat what the model says")
	}
}

package inference

import (
	"errors"
	"fmt"
	"math"
	"testing"

	"threatdetect/internal/testkit"
	"threatdetect/model"
)

// forestOf has rounds of two trees; tree i adds 2^i.
func forestOf(rounds int) *model.Booster {
	b := stumps(make([]float32, 2*rounds)...)
	b.NumParallelTree, b.IterationStart = 2, []int32{0}
	for i := range b.Trees {
		b.Trees[i].Value = []float32{0, float32(int(1) << i), float32(int(1) << i)}
		if i%2 == 1 {
			b.IterationStart = append(b.IterationStart, int32(i+1))
		}
	}
	return b
}

func TestRounds(t *testing.T) {
	for _, c := range []struct {
		opts    Options
		version model.Version
		want    float32 // a bit for each tree
	}{
		{Options{}, model.Version{3, 2, 0}, 63},
		{Options{Rounds: Rounds{0, 2}}, model.Version{3, 2, 0}, 15},
		{Options{Rounds: Rounds{1, 0}}, model.Version{3, 2, 0}, 60},
		{Options{Rounds: Rounds{1, 2}}, model.Version{3, 2, 0}, 12},
		{Options{Rounds: Rounds{2, 2}}, model.Version{3, 2, 0}, 0},
		{Options{Rounds: Rounds{3, 0}}, model.Version{3, 2, 0}, 0},
		{Options{Rounds: Rounds{0, 1}, NumTreeLimit: 4}, model.Version{3, 2, 0}, 3},
		// ntree_limit counts trees up to 1.3, and later the whole rounds in it, where none are all.
		{Options{NumTreeLimit: 1}, model.Version{1, 3, 0}, 1},
		{Options{NumTreeLimit: 3}, model.Version{1, 3, 0}, 7},
		{Options{NumTreeLimit: 99}, model.Version{1, 3, 0}, 63},
		{Options{NumTreeLimit: 1}, model.Version{1, 4, 0}, 63},
		{Options{NumTreeLimit: 3}, model.Version{1, 4, 0}, 3},
		{Options{NumTreeLimit: 99}, model.Version{1, 4, 0}, 63},
		{Options{NumTreeLimit: 3}, model.Version{1, 7, 0}, 3},
		{Options{NumTreeLimit: 3, Runtime: model.Version{1, 2, 0}}, model.Version{1, 7, 0}, 7},
		// The attributes are best_iteration 1 and best_ntree_limit 4.
		{Options{TreeLimit: LimitNone}, model.Version{1, 7, 0}, 63},
		{Options{TreeLimit: LimitBest}, model.Version{1, 7, 0}, 15},
		{Options{TreeLimit: LimitContainer}, model.Version{1, 7, 0}, 15},
		{Options{TreeLimit: LimitContainer}, model.Version{1, 3, 0}, 63},
		{Options{TreeLimit: LimitContainer}, model.Version{2, 0, 0}, 63},
	} {
		b := forestOf(3)
		b.Version = c.version
		b.Attributes = map[string]string{"best_iteration": "1", "best_ntree_limit": "4"}
		var dst [1]float32
		if err := newPredictor(t, b, &c.opts).Predict(dst[:], []float32{0}); err != nil || dst[0] != c.want {
			t.Errorf("%v, %+v: %v, %v, want %v", c.version, c.opts, dst[0], err, c.want)
		}
	}
}

// TestPickleLimit has the default for models out of pickles.
func TestPickleLimit(t *testing.T) {
	b := forestOf(3)
	b.Version, b.Format, b.BestNtreeLimit = model.Version{1, 2, 0}, model.FormatPickle, 4
	for limit, want := range map[TreeLimit]float32{LimitDefault: 15, LimitContainer: 15, LimitNone: 63, LimitBest: 63} {
		var dst [1]float32
		if err := newPredictor(t, b, &Options{TreeLimit: limit}).Predict(dst[:], []float32{0}); err != nil || dst[0] != want {
			t.Errorf("limit %d: %v, %v, want %v", limit, dst[0], err, want)
		}
	}
	// The images 3.0-5 and 3.2-0 take it for rounds, of which there are 3 with 2 trees each.
	for limit, want := range map[int]float32{0: 63, 1: 3, 2: 15, 3: 63, 4: 63} {
		b.BestNtreeLimit = limit
		var dst [1]float32
		if err := newPredictor(t, b, &Options{TreeLimit: LimitContainer, Runtime: model.Version{3, 0, 5}}).Predict(dst[:], []float32{0}); err != nil || dst[0] != want {
			t.Errorf("limit %d in 3.0.5: %v, %v, want %v", limit, dst[0], err, want)
		}
	}
}

func TestRoundsRefused(t *testing.T) {
	linear := &model.Booster{Kind: "gblinear", Objective: "reg:squarederror", NumFeature: 1, BaseScore: []float32{0}}
	for _, c := range []struct {
		b    *model.Booster
		opts Options
	}{
		{forestOf(3), Options{Rounds: Rounds{2, 1}}},
		{forestOf(3), Options{Rounds: Rounds{0, 4}}},
		{forestOf(3), Options{Rounds: Rounds{4, 0}}},
		{forestOf(3), Options{Rounds: Rounds{-1, 2}}},
		{forestOf(3), Options{Rounds: Rounds{0, -1}}},
		{forestOf(3), Options{Rounds: Rounds{1, 2}, Output: Leaf}},
		{linear, Options{Rounds: Rounds{1, 0}}},
	} {
		var e *RoundsError
		if _, err := New(c.b, &c.opts); !errors.As(err, &e) || e.Error() == "" {
			t.Errorf("%+v: %v", c.opts, err)
		}
	}
	if _, err := New(forestOf(3), &Options{TreeLimit: 77}); err == nil {
		t.Error("tree limit 77 is accepted")
	}
	broken := forestOf(3)
	broken.IterationStart = []int32{0, 5, 99}
	if _, err := New(broken, &Options{Rounds: Rounds{0, 2}}); !errors.Is(err, model.ErrFormat) {
		t.Errorf("rounds beyond the trees: %v", err)
	}
}

func TestRuntime(t *testing.T) {
	b := stumps(1)
	b.Objective, b.BaseScore, b.Trees[0].Value[1] = "binary:logistic", []float32{0.5}, -200
	for runtime, want := range map[model.Version]uint32{{}: 0x0020BD47, {1, 5, 2}: 0, {1, 7, 0}: 0x0020BD47} {
		var dst [1]float32
		err := newPredictor(t, b, &Options{Runtime: runtime}).Predict(dst[:], []float32{0})
		if err != nil || math.Float32bits(dst[0]) != want {
			t.Errorf("%v: %#08x, %v, want %#08x", runtime, math.Float32bits(dst[0]), err, want)
		}
	}
	if b.Version != (model.Version{3, 2, 0}) {
		t.Errorf("the booster was changed to %v", b.Version)
	}
}

func TestLinear(t *testing.T) {
	inf, nan := float32(math.Inf(1)), float32(math.NaN())
	b := &model.Booster{
		Version: model.Version{3, 2, 0}, Kind: "gblinear", Objective: "multi:softprob", NumFeature: 2, NumClass: 2,
		BaseScore: []float32{100, 200}, Linear: []float32{1, 2, 3, 4, 5, 6},
	}
	for _, c := range []struct{ row, want []float32 }{
		{[]float32{0, 0}, []float32{105, 106}}, // the first base score counts for all
		{[]float32{10, 100}, []float32{415, 526}},
		{[]float32{nan, 1}, []float32{108, 110}},
		{[]float32{nan, nan}, []float32{105, 106}},
		{[]float32{inf, 1}, []float32{inf, inf}},
	} {
		p := newPredictor(t, b, &Options{Output: Margin})
		got := make([]float32, 2)
		if err := p.Predict(got, c.row); err != nil {
			t.Error(err)
		}
		testkit.DiffBits(t, fmt.Sprint(c.row), got, c.want)
		if err := p.PredictFrom(got, c.row, []float32{c.want[0] * 0, 100}); err != nil {
			t.Error(err)
		}
		if p.Engine() != "linear" || p.Stats().Columns != 2 {
			t.Errorf("%+v", p.Stats())
		}
	}
	if _, err := New(b, &Options{Output: Leaf}); !errors.Is(err, model.ErrUnsupported) {
		t.Errorf("leaves: %v", err)
	}
	b.Linear = b.Linear[1:]
	if _, err := New(b, nil); !errors.Is(err, model.ErrFormat) {
		t.Errorf("five weights: %v", err)
	}
	// One that was never trained has no weights, however many columns and classes it claims to have.
	b.Linear, b.NumFeature, b.NumClass, b.BaseScore = nil, 1<<20, 50000, []float32{1}
	p := newPredictor(t, b, &Options{Output: Margin})
	got := make([]float32, p.NumOutput())
	if err := p.Predict(got[:1], nil); err == nil {
		t.Error("no row is accepted")
	}
}

func TestPredictFrom(t *testing.T) {
	r := testkit.Rand(t)
	b := testkit.RandomBooster(r, testkit.BoosterShape{Features: 4, Groups: 3, Trees: 300, Depth: 4, Fill: 0.9, Thresholds: 5})
	const n = 300
	rows := testkit.HardRows(r, b, n)
	base := make([]float32, 3*n)
	for i := range base {
		base[i] = float32(r.NormFloat64())
	}
	for _, version := range []model.Version{{1, 2, 0}, {3, 2, 0}} {
		b.Version = version
		want := make([]float32, 3*n)
		p := newPredictor(t, b, &Options{Output: Margin, Workers: 3})
		for i := range n {
			p.forest.WalkMargins(want[3*i:][:3], base[3*i:][:3], rows[4*i:][:4])
		}
		got := make([]float32, 3*n)
		if err := p.PredictFrom(got, rows, base); err != nil {
			t.Fatal(err)
		}
		testkit.DiffBits(t, fmt.Sprint(version), got, want)
	}
	p := newPredictor(t, b, nil)
	var shape *ShapeError
	for _, err := range []error{
		p.PredictFrom(make([]float32, 3*n), rows, base[1:]),
		p.PredictFrom(make([]float32, 3*n), rows, nil),
		p.PredictFrom(make([]float32, 3*n-1), rows, base),
		p.PredictFrom(make([]float32, 3*n), rows[1:], base[3:]),
	} {
		if !errors.As(err, &shape) {
			t.Errorf("error %v", err)
		}
	}
}

package inference

import (
	"errors"
	"fmt"
	"math"
	"testing"

	"threatdetect/internal/testkit"
	"threatdetect/model"
)

// constant is a booster that predicts a number.
func constant(x float32) *model.Booster {
	b := stumps(0)
	b.Trees[0].Value[1], b.Trees[0].Value[2] = x, x
	b.BaseScore[0] = float32(math.Copysign(0, -1))
	return b
}

// TestEnsembleMean has the means that NumPy 1.26 gives for one row, and for more than one.
func TestEnsembleMean(t *testing.T) {
	for _, c := range []struct {
		members   int
		one, more uint32
	}{
		{1, 0x459B06F5, 0x459B06F5},
		{2, 0x4543F369, 0x4543F369},
		{3, 0x4803035B, 0x4803035B},
		{7, 0x47AF5911, 0x47AF5911},
		{8, 0x491F8E55, 0x491F8E55},
		{9, 0x49105104, 0x49105104},
		{10, 0x490357ED, 0x490357ED},
		{15, 0x48BA035D, 0x48BA035D},
		{16, 0x48AF8DD2, 0x48AF8DD3},
		{17, 0x48A68272, 0x48A68273},
		{23, 0x48BF2AFD, 0x48BF2AFD},
		{100, 0x48BCCEE6, 0x48BCCEE8},
		{127, 0x489F7BBE, 0x489F7BBF},
		{128, 0x489E8EB2, 0x489E8EB3},
		{129, 0x489D9E91, 0x489D9E91},
		{130, 0x489C8BAF, 0x489C8BAF},
		{136, 0x48989C5E, 0x48989C5F},
		{200, 0x4874AAE9, 0x4874AAEE},
		{255, 0x486200F5, 0x486200FB},
		{256, 0x48618102, 0x48618109},
		{257, 0x486164C3, 0x486164C9},
		{300, 0x485601D4, 0x485601D9},
		{1000, 0x483C9E1F, 0x483C9E20},
	} {
		var boosters []*model.Booster
		x := uint32(12345)
		for range c.members {
			x = x*1664525 + 1013904223
			boosters = append(boosters, constant(float32(x>>8)/float32(1+x&255)))
		}
		e, err := NewEnsemble(boosters, nil)
		if err != nil {
			t.Fatal(err)
		}
		var dst [3]float32
		if err := e.Predict(dst[:1], []float32{0}); err != nil || math.Float32bits(dst[0]) != c.one {
			t.Errorf("%d members: %#08x, %v, want %#08x", c.members, math.Float32bits(dst[0]), err, c.one)
		}
		if err := e.PredictBatch(dst[:], []float32{0, 1, 2}); err != nil {
			t.Fatal(err)
		}
		more := math.Float32frombits(c.more)
		testkit.DiffBits(t, fmt.Sprint(c.members, " members, more rows"), dst[:], []float32{more, more, more})
	}
}

func TestEnsembleZero(t *testing.T) {
	for _, n := range []int{2, 8} {
		var boosters []*model.Booster
		for range n {
			boosters = append(boosters, constant(float32(math.Copysign(0, -1))))
		}
		e, err := NewEnsemble(boosters, nil)
		if err != nil {
			t.Fatal(err)
		}
		dst := []float32{1, 1, 1}
		if err := errors.Join(e.Predict(dst[:1], []float32{0}), e.PredictBatch(dst[1:], []float32{0, 0})); err != nil {
			t.Error(err)
		}
		testkit.DiffBits(t, "zeros", dst, []float32{0, 0, 0})
	}
}

func TestEnsembleVote(t *testing.T) {
	for _, c := range []struct {
		values []float32
		want   float32
	}{
		{[]float32{2, 1, 2}, 2},
		{[]float32{2, 1, 0, 1, 2}, 1}, // a tie
		{[]float32{3, 2, 1}, 1},
		{[]float32{5}, 5},
		{[]float32{1, 0, 1, 0, 0, 2, 2, 2}, 0},
	} {
		var boosters []*model.Booster
		for _, class := range c.values {
			b := stumps(0, 0, 0, 0, 0, 0)
			b.Objective, b.NumClass, b.TreeGroup = "multi:softmax", 6, []int32{0, 1, 2, 3, 4, 5}
			b.Trees[int(class)].Value = []float32{0, 50, 50}
			boosters = append(boosters, b)
		}
		e, err := NewEnsemble(boosters, nil)
		if err != nil {
			t.Fatal(err)
		}
		dst := []float32{-1, -1, -1}
		if err := errors.Join(e.Predict(dst[:1], []float32{0}), e.PredictBatch(dst[1:], []float32{0, 0})); err != nil {
			t.Error(err)
		}
		testkit.DiffBits(t, fmt.Sprint(c.values), dst, []float32{c.want, c.want, c.want})
	}
}

func TestEnsembleShape(t *testing.T) {
	e, err := NewEnsemble([]*model.Booster{constant(1), constant(2)}, &Options{Workers: 2})
	if err != nil {
		t.Fatal(err)
	}
	if e.NumMember() != 2 || e.NumFeature() != 1 || e.NumOutput() != 1 || e.Objective() != "reg:squarederror" || e.Member(1) == nil {
		t.Error("the ensemble describes itself wrongly")
	}
	const n = 2*ensembleRows + 5
	rows, dst := make([]float32, n), make([]float32, n)
	if err := e.PredictBatch(dst, rows); err != nil || dst[0] != 1.5 || dst[n-1] != 1.5 {
		t.Errorf("%v, %v, %v", dst[0], dst[n-1], err)
	}
	var shape *ShapeError
	for _, err := range []error{
		e.Predict(dst[:2], rows[:1]), e.Predict(dst[:1], rows[:2]), e.PredictBatch(dst[:2], rows[:3]), e.PredictBatch(nil, rows[:1]),
	} {
		if !errors.As(err, &shape) {
			t.Errorf("error %v", err)
		}
	}
	if err := e.PredictBatch(nil, nil); err != nil {
		t.Error(err)
	}
	if raceEnabled {
		return
	}
	if a := steadyAllocs(func() {
		if err := errors.Join(e.Predict(dst[:1], rows[:1]), e.PredictBatch(dst, rows)); err != nil {
			t.Fatal(err)
		}
	}); a != 0 {
		t.Errorf("%v allocations", a)
	}
}

func TestNewEnsembleRefuses(t *testing.T) {
	wide, broken := constant(1), constant(1)
	wide.NumFeature = 2
	broken.Kind = "gbforest"
	for name, c := range map[string]struct {
		boosters []*model.Booster
		opts     *Options
		kind     error
	}{
		"none":    {nil, nil, model.ErrFormat},
		"columns": {[]*model.Booster{constant(1), wide}, nil, model.ErrFormat},
		"broken":  {[]*model.Booster{constant(1), broken}, nil, model.ErrUnsupported},
		"margin":  {[]*model.Booster{constant(1)}, &Options{Output: Margin}, model.ErrUnsupported},
	} {
		if _, err := NewEnsemble(c.boosters, c.opts); !errors.Is(err, c.kind) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

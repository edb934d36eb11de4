package inference

import (
	"fmt"
	"math"
	"testing"

	"threatdetect/internal/f32math"
	"threatdetect/model"
)

// TestBaseMargin has the base margin of every objective in the releases that treat it differently.
func TestBaseMargin(t *testing.T) {
	v := func(major, minor int) model.Version { return model.Version{major, minor, 0} }
	for _, c := range []struct {
		objective string
		version   model.Version
		isMargin  bool
		score     float32
		want      uint32
	}{
		{"reg:squarederror", v(3, 2), false, 0.7, math.Float32bits(0.7)},
		{"reg:linear", v(1, 0), false, -3, math.Float32bits(-3)},
		{"multi:softprob", v(1, 7), false, 0.5, 0x3F000000},
		{"multi:softmax", v(1, 7), false, 0.5, 0x3F000000},
		{"binary:logistic", v(1, 0), false, 0.5, 0x80000000}, // -0
		{"binary:logistic", v(3, 2), false, 0.5, 0x80000000},
		{"binary:logistic", v(2, 1), false, 0.1, 0xC00C9F54},
		{"reg:logistic", v(2, 1), false, 0.999, 0x40DD0424},
		{"binary:logistic", v(0, 0), true, 0.1, math.Float32bits(0.1)}, // before 1.0 it is a margin
		{"binary:logistic", v(3, 2), false, 0, 0xC15D0C54},             // clamped to 1e-6
		{"binary:logistic", v(3, 2), false, 1, 0x415BEC2D},             // clamped to 1 - 1e-6
		{"binary:logistic", v(3, 2), false, 1e-7, 0xC15D0C54},
		{"binary:logistic", v(3, 1), false, 1e-7, 0xC180F1DC}, // not clamped
		{"binary:logitraw", v(0, 0), true, 0.2, math.Float32bits(0.2)},
		{"binary:logitraw", v(1, 0), false, 0.7, 0x3F58E882},
		{"binary:logitraw", v(1, 2), false, 0.7, 0x3F58E882},
		{"binary:logitraw", v(1, 3), false, 0.7, math.Float32bits(0.7)},
		{"binary:logitraw", v(3, 2), false, 0.7, math.Float32bits(0.7)},
	} {
		b := stumps(1)
		b.Objective, b.Version, b.BaseIsMargin, b.BaseScore = c.objective, c.version, c.isMargin, []float32{c.score}
		p, err := New(b, nil)
		name := fmt.Sprintf("%s of %v in %v", c.objective, c.score, c.version)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if got := math.Float32bits(p.base[0]); got != c.want {
			t.Errorf("%s: margin %#08x (%v), want %#08x (%v)", name, got, p.base[0], c.want, math.Float32frombits(c.want))
		}
	}
}

// TestBaseOfOldFiles reads what releases before 1.0 wrote as later ones do, which make a value of the margin and a margin of that.
func TestBaseOfOldFiles(t *testing.T) {
	for _, c := range []struct {
		objective   string
		runtime     model.Version
		score, want float32 // NaN is an error
	}{
		{"binary:hinge", model.Version{}, 0.5, 0.5},
		{"binary:hinge", model.Version{1, 0, 0}, 0.5, 0.5},
		{"binary:hinge", model.Version{1, 1, 0}, 0.5, 1},
		{"binary:hinge", model.Version{3, 0, 5}, -0.3, 0},
		{"binary:logitraw", model.Version{1, 0, 0}, 0.25, 0.25},
		{"binary:logitraw", model.Version{1, 2, 0}, 0.25, f32math.Logit(0.25)},
		{"binary:logitraw", model.Version{1, 2, 0}, 0, float32(math.NaN())},
		{"binary:logitraw", model.Version{1, 3, 0}, 0, 0},
		{"binary:logistic", model.Version{1, 7, 0}, 0.25, f32math.Logit(f32math.Sigmoid(0.25))},
		{"count:poisson", model.Version{1, 7, 0}, 0.3, f32math.Log(f32math.Exp(0.3))},
		{"multi:softmax", model.Version{1, 7, 0}, 0.3, 0.3},
		{"reg:squarederror", model.Version{1, 7, 0}, -7, -7},
	} {
		b := stumps(1)
		b.Objective, b.Version, b.BaseIsMargin, b.BaseScore = c.objective, model.Version{}, true, []float32{c.score}
		p, err := New(b, &Options{Runtime: c.runtime})
		switch {
		case err != nil && c.want == c.want, err == nil && p.base[0] != c.want:
			t.Errorf("%s of %v for %v: %v, %v, want %v", c.objective, c.score, c.runtime, p, err, c.want)
		case b.BaseScore[0] != c.score || !b.BaseIsMargin:
			t.Errorf("%s: the booster was changed", c.objective)
		}
	}
}

// TestBaseVector has one base score for each class, as releases from 3.1 on write them.
func TestBaseVector(t *testing.T) {
	b := stumps(1, 1, 1)
	b.Objective, b.NumClass, b.TreeGroup = "multi:softprob", 3, []int32{0, 1, 2}
	b.BaseScore = []float32{1, 2, 4}
	p := newPredictor(t, b, &Options{Output: Margin})
	var dst [3]float32
	if err := p.Predict(dst[:], []float32{0}); err != nil || dst != [3]float32{11, 12, 14} {
		t.Errorf("margins %v, %v", dst, err)
	}
	b.BaseScore = []float32{5}
	p = newPredictor(t, b, &Options{Output: Margin})
	if err := p.Predict(dst[:], []float32{0}); err != nil || dst != [3]float32{15, 15, 15} {
		t.Errorf("margins %v, %v", dst, err)
	}
}

// TestSigmoidRelease has the clamp that came with 1.6.
func TestSigmoidRelease(t *testing.T) {
	b := stumps(1)
	b.Objective, b.BaseScore = "binary:logistic", []float32{0.5}
	b.Trees[0].Value[1] = -200
	for _, c := range []struct {
		version model.Version
		want    uint32
	}{
		{model.Version{1, 5, 2}, 0},
		{model.Version{1, 6, 0}, 0x0020BD47},
		{model.Version{3, 2, 0}, 0x0020BD47},
	} {
		b.Version = c.version
		var dst [1]float32
		if err := newPredictor(t, b, nil).Predict(dst[:], []float32{0}); err != nil || math.Float32bits(dst[0]) != c.want {
			t.Errorf("%v: %#08x, %v, want %#08x", c.version, math.Float32bits(dst[0]), err, c.want)
		}
	}
}

func TestArgMax(t *testing.T) {
	nan := float32(math.NaN())
	for _, c := range []struct {
		margins []float32
		want    float32
	}{
		{[]float32{1}, 0},
		{[]float32{1, 2, 3}, 2},
		{[]float32{3, 3, 3}, 0}, // ties go to the first
		{[]float32{1, 3, 3}, 1},
		{[]float32{nan, 3, 4}, 0}, // a NaN wins in the first place
		{[]float32{1, nan, 4}, 2}, // and loses elsewhere
		{[]float32{5, nan, nan}, 0},
		{[]float32{float32(math.Inf(-1)), -1}, 1},
	} {
		name := fmt.Sprint(c.margins)
		argMax(c.margins)
		if c.margins[0] != c.want {
			t.Errorf("%s: class %v, want %v", name, c.margins[0], c.want)
		}
	}
}

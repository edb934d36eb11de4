package inference

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"testing"

	"threatdetect/internal/testkit"
	"threatdetect/model"
)

// TestExplainedRows asks for interactions, which take long, in batches with workers and base margins, and row by row.
func TestExplainedRows(t *testing.T) {
	r := testkit.Rand(t)
	b := testkit.RandomBooster(r, testkit.BoosterShape{Features: 4, Groups: 3, Trees: 9, Depth: 4, Fill: 0.9, Thresholds: 3})
	testkit.AddCovers(r, b, false)
	rows := testkit.HardRows(r, b, 50)
	for _, output := range []Output{Contribution, ApproxContribution, Interaction} {
		p := newPredictor(t, b, &Options{Output: output, Workers: 3})
		base := slices.Repeat(p.base, 50)
		got, want := make([]float32, 50*p.NumOutput()), make([]float32, 50*p.NumOutput())
		if err := p.PredictFrom(got, rows, base); err != nil {
			t.Fatal(err)
		}
		for i := range 50 {
			if err := p.Predict(want[i*p.NumOutput():][:p.NumOutput()], rows[i*4:][:4]); err != nil {
				t.Fatal(err)
			}
		}
		testkit.DiffBits(t, output.String()+" with the model's base margin", got, want)

		for i := range base {
			base[i] = float32(i)
		}
		if err := p.PredictFrom(got, rows, base); err != nil {
			t.Fatal(err)
		}
		margin := newPredictor(t, b, &Options{Output: Margin})
		margins := make([]float32, 150)
		if err := margin.PredictFrom(margins, rows, base); err != nil {
			t.Fatal(err)
		}
		for i, m := range margins {
			var sum, size float64
			for _, x := range got[i*p.NumOutput()/3:][:p.NumOutput()/3] {
				sum, size = sum+float64(x), size+math.Abs(float64(x))
			}
			if math.Abs(sum-float64(m)) > 1e-5*size {
				t.Errorf("%v: output %d adds up to %v, its margin is %v", output, i, sum, m)
			}
		}
	}
}

func TestNumOutputExplained(t *testing.T) {
	b := stumps(1, 2, 3)
	b.Objective, b.NumClass, b.TreeGroup, b.NumFeature = "multi:softmax", 3, []int32{0, 1, 2}, 4
	testkit.AddCovers(testkit.Rand(t), b, false)
	for output, want := range map[Output]int{Contribution: 15, ApproxContribution: 15, Interaction: 75} {
		if got := newPredictor(t, b, &Options{Output: output}).NumOutput(); got != want {
			t.Errorf("%v: %d outputs, want %d", output, got, want)
		}
	}
	b.NumFeature = 1 << 20
	if _, err := New(b, &Options{Output: Interaction}); !errors.Is(err, model.ErrTooLarge) {
		t.Errorf("interactions of a million columns: %v", err)
	}
}

func TestNoStatistics(t *testing.T) {
	for _, output := range []Output{Contribution, ApproxContribution, Interaction} {
		b := stumps(1, 2)
		testkit.AddCovers(testkit.Rand(t), b, false)
		newPredictor(t, b, &Options{Output: output})
		b.Trees[1].SumHessian = nil
		_, err := New(b, &Options{Output: output})
		var e *StatisticsError
		if !errors.As(err, &e) || e.Tree != 1 || !errors.Is(err, model.ErrUnsupported) {
			t.Errorf("%v: error %v", output, err)
		}
		b.Trees[1].SumHessian = make([]float32, 1)
		if _, err := New(b, &Options{Output: output}); !errors.Is(err, model.ErrFormat) {
			t.Errorf("%v: error %v", output, err)
		}
	}
}

func TestZeroCovers(t *testing.T) {
	b := stumps(1, 2)
	testkit.AddCovers(testkit.Rand(t), b, false)
	clear(b.Trees[1].SumHessian)
	p := newPredictor(t, b, &Options{Output: Contribution})
	if s := p.Stats(); s.ZeroCovers != 1 || s.TableTrees != 2 || s.Bytes <= 0 {
		t.Errorf("%+v", s)
	}
	var dst [2]float32
	if err := p.Predict(dst[:], []float32{0}); err != nil || dst[0] == dst[0] {
		t.Errorf("%v, %v: want NaN", dst, err)
	}
}

// TestLinearContributions: a missing value adds nothing, and the bias holds the base margin.
func TestLinearContributions(t *testing.T) {
	b := &model.Booster{
		Version: model.Version{3, 2, 0}, Kind: "gblinear", Objective: "reg:squarederror", NumFeature: 2, NumTarget: 2,
		BaseScore: []float32{0.5}, Linear: []float32{2, 3, 4, 5, 6, 7},
	}
	for _, output := range []Output{Contribution, ApproxContribution} {
		p := newPredictor(t, b, &Options{Output: output})
		dst := make([]float32, 6)
		if err := p.Predict(dst, []float32{float32(math.NaN()), 10}); err != nil {
			t.Fatal(err)
		}
		if want := "[0 40 6.5 0 50 7.5]"; fmt.Sprint(dst) != want {
			t.Errorf("%v: %v, want %s", output, dst, want)
		}
	}
	if _, err := New(b, &Options{Output: Interaction}); !errors.Is(err, model.ErrUnsupported) {
		t.Errorf("interactions: %v", err)
	}
}

package inference

import (
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"threatdetect/internal/testkit"
	"threatdetect/model"
)

// TestGoldenExplained compares every bit of contributions and interactions with real XGBoost releases.
func TestGoldenExplained(t *testing.T) {
	compareExplained(t, testkit.Golden(t, filepath.Join(testkit.Root(t), "testdata", "golden")))
}

// TestOracleExplained is TestGoldenExplained on the files that "testdata/golden/make.sh fresh" has just made.
func TestOracleExplained(t *testing.T) {
	dir := os.Getenv("THREATDETECT_ORACLE")
	if dir == "" {
		t.Skip("THREATDETECT_ORACLE names no directory of fresh predictions; testdata/golden/make.sh makes one")
	}
	compareExplained(t, testkit.Fresh(t, dir))
}

func compareExplained(t *testing.T, cases []*testkit.Case) {
	models, numbers, differing := map[string]int{}, map[Output]int{}, map[Output]int{}
	for _, c := range cases {
		if c.NumExplained == 0 {
			continue
		}
		t.Run(c.Release+"/"+c.Name, func(t *testing.T) {
			for _, path := range c.Paths {
				b, err := model.Open(path, nil)
				if err != nil {
					t.Error(err)
					continue
				}
				models[b.Kind]++
				rows := c.Rows[:c.NumExplained*c.NumFeature]
				for output, want := range map[Output][]float32{Contribution: c.Exact, ApproxContribution: c.Approximate, Interaction: c.Interactions} {
					if output == Interaction && b.Kind == kindLinear {
						continue // XGBoost refuses them
					}
					numbers[output] += len(want)
					if output != ApproxContribution && !b.Version.Before(3, 3) {
						compareNear(t, filepath.Base(path), b, output, rows, want)
						continue
					}
					differing[output] += compareOutput(t, filepath.Base(path), b, output, rows, want)
				}
			}
		})
	}
	if len(models) == 0 {
		t.Error("no case is explained")
	}
	t.Logf("models %v, numbers %v, of which differ %v", models, numbers, differing)
}

// compareNear compares with the releases from 3.3 on, which compute exact contributions by another formula: a number may be off by 1e-5
// times the sum of the absolute numbers of its row.
func compareNear(t *testing.T, what string, b *model.Booster, output Output, rows, want []float32) {
	t.Helper()
	p := newPredictor(t, b, &Options{Output: output})
	got := make([]float32, len(want))
	if err := p.PredictBatch(got, rows); err != nil {
		t.Fatal(err)
	}
	for n := p.NumOutput(); len(want) > 0; got, want = got[n:], want[n:] {
		size := 0.0
		for _, x := range want[:n] {
			size += math.Abs(float64(x))
		}
		for i, x := range want[:n] {
			if !(math.Abs(float64(got[i])-float64(x)) <= 1e-5*size) && (got[i] == got[i] || x == x) {
				t.Errorf("%s %v: %v, want %v", what, output, got[i], x)
			}
		}
	}
}

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

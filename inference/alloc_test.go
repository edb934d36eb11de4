package inference

import (
	"fmt"
	"testing"

	"threatdetect/internal/testkit"
)

// TestAllocs holds the promise that scoring does not allocate, with one goroutine and with several.
func TestAllocs(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector makes pools forget")
	}
	r := testkit.Rand(t)
	for _, groups := range []int{1, 3} {
		b := testkit.RandomBooster(r, testkit.BoosterShape{
			Features: 9, Groups: groups, Trees: 120, Depth: 5, Fill: 0.9, Thresholds: 5,
		})
		if groups > 1 {
			b.Objective = "multi:softmax" // its margins do not fit in dst
		}
		testkit.AddCovers(r, b, false)
		all := testkit.HardRows(r, b, 512)
		for _, output := range []Output{Value, Margin, Leaf, Contribution, ApproxContribution} {
			rows := all
			if output >= Contribution {
				rows = all[:9*48] // as each takes as long as many
			}
			n := len(rows) / 9
			for _, workers := range []int{1, 4} {
				p := newPredictor(t, b, &Options{Output: output, Workers: workers})
				if int64(n)*p.steps() < 4*minShare && output != ApproxContribution {
					t.Fatalf("%v: %d rows do not keep 4 workers busy", output, n)
				}
				dst := make([]float32, n*p.NumOutput())
				name := fmt.Sprintf("%d groups, %v, %d workers", groups, output, workers)
				if a := steadyAllocs(func() {
					if err := p.Predict(dst[:p.NumOutput()], rows[:9]); err != nil {
						t.Fatal(err)
					}
				}); a != 0 {
					t.Errorf("%s: Predict allocates %v times", name, a)
				}
				if a := steadyAllocs(func() {
					if err := p.PredictBatch(dst, rows); err != nil {
						t.Fatal(err)
					}
				}); a != 0 {
					t.Errorf("%s: PredictBatch allocates %v times", name, a)
				}
			}
		}
	}
}

// steadyAllocs is how often f allocates once it is warm: the least of several measurements. In the first ones a goroutine that was
// set aside may still make more workers need scratch memory at the same time than ever before.
func steadyAllocs(f func()) float64 {
	least := testing.AllocsPerRun(20, f)
	for range 4 {
		if least > 0 {
			least = min(least, testing.AllocsPerRun(20, f))
		}
	}
	return least
}

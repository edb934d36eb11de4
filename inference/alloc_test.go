package inference

import (
	"fmt"
	"slices"
	"testing"

	"threatdetect/internal/testkit"
)

// TestManyGoroutinesAlloc has many goroutines that score at the same time, each with a session of its own.
func TestManyGoroutinesAlloc(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	r := testkit.Rand(t)
	b := testkit.RandomBooster(r, testkit.BoosterShape{Features: 9, Trees: 50, Depth: 5, Fill: 0.9, Thresholds: 5})
	p := newPredictor(t, b, nil)
	rows := testkit.HardRows(r, b, 300)
	const goroutines = 50
	turn, done := make(chan struct{}), make(chan struct{})
	for range goroutines {
		go func() {
			s, dst := p.NewSession(), make([]float32, 300)
			for range turn {
				if err := s.PredictBatch(dst, rows); err != nil {
					t.Error(err)
				}
				done <- struct{}{}
			}
		}()
	}
	if a := testing.AllocsPerRun(20, func() {
		for range goroutines {
			turn <- struct{}{}
		}
		for range goroutines {
			<-done
		}
	}); a != 0 {
		t.Errorf("%v allocations in %d goroutines", a, goroutines)
	}
	close(turn)
}

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
		all := testkit.HardRows(r, b, 1<<15)
		for _, output := range []Output{Value, Margin, Leaf, Contribution, ApproxContribution} {
			rows := all
			switch { // as each takes as long as many
			case output >= Contribution:
				rows = all[:9*48]
			case output == Leaf:
				rows = all[:9*8192]
			}
			n := len(rows) / 9
			for _, workers := range []int{1, 4} {
				p := newPredictor(t, b, &Options{Output: output, Workers: workers})
				if p.cost(n) < 4*minShare && output != ApproxContribution {
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
				_, byColumn, csr := forms(rows, 9)
				packed := packRows(t, r, p, slices.Clone(rows), bitValues[0])
				session := p.NewSession()
				for form, predict := range map[string]func() error{
					"PredictBatch":          func() error { return p.PredictBatch(dst, rows) },
					"PredictMatrix":         func() error { return p.PredictMatrix(dst, byColumn) },
					"PredictCSR":            func() error { return p.PredictCSR(dst, csr) },
					"PredictPacked":         func() error { return p.PredictPacked(dst, packed) },
					"Session.PredictPacked": func() error { return session.PredictPacked(dst, packed) },
					"Session.Predict":       func() error { return session.Predict(dst[:p.NumOutput()], rows[:9]) },
					"Session.PredictBatch":  func() error { return session.PredictBatch(dst, rows) },
					"Session.PredictMatrix": func() error { return session.PredictMatrix(dst, byColumn) },
					"Session.PredictCSR":    func() error { return session.PredictCSR(dst, csr) },
				} {
					if a := steadyAllocs(func() {
						if err := predict(); err != nil {
							t.Fatal(err)
						}
					}); a != 0 {
						t.Errorf("%s: %s allocates %v times", name, form, a)
					}
				}
			}
		}
	}
}

// steadyAllocs is how often f allocates once it is warm: the least of several measurements. In the first ones a goroutine that was
// set aside may still make more workers need scratch memory at the same time than ever before.
func steadyAllocs(f func()) float64 {
	least := testing.AllocsPerRun(5, f)
	for range 4 {
		if least > 0 {
			least = min(least, testing.AllocsPerRun(5, f))
		}
	}
	return least
}

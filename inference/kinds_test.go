package inference

import (
	"testing"

	"threatdetect/internal/testkit"
)

// TestKindsAllocs is TestAllocs for boosters with weights, leaf vectors and categorical splits, and for base margins of rows.
func TestKindsAllocs(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector makes pools forget")
	}
	r := testkit.Rand(t)
	b := testkit.RandomBooster(r, testkit.BoosterShape{Features: 6, Groups: 3, Trees: 60, Depth: 4, Fill: 0.9, Thresholds: 5})
	testkit.AddWeights(r, b)
	testkit.AddVectors(r, b)
	testkit.AddCategories(r, b)
	const n = 64
	rows := testkit.HardRows(r, b, n)
	testkit.HardCodes(r, b, rows)
	p := newPredictor(t, b, &Options{Workers: 1})
	dst, base := make([]float32, 3*n), make([]float32, 3*n)
	if a := steadyAllocs(func() {
		if err := p.PredictFrom(dst, rows, base); err != nil {
			t.Fatal(err)
		}
	}); a != 0 {
		t.Errorf("%v allocations", a)
	}
}

// TestLarge has 3000 columns and a million nodes.
func TestLarge(t *testing.T) {
	r := testkit.RandFrom(1)
	b := testkit.RandomBooster(r, testkit.BoosterShape{Features: 3000, Trees: 800, Depth: 10, Fill: 1, Thresholds: 3})
	if n := b.NumNode(); n < 1_000_000 {
		t.Fatalf("%d nodes", n)
	}
	rows := testkit.HardRows(r, b, 20)
	p := newPredictor(t, b, &Options{Output: Margin})
	got, want := make([]float32, 20), make([]float32, 20)
	if err := p.PredictBatch(got, rows); err != nil {
		t.Fatal(err)
	}
	for i := range want {
		p.forest.WalkMargins(want[i:i+1], p.base, rows[i*3000:][:3000])
	}
	testkit.DiffBits(t, "margins", got, want)
}

package testkit

import (
	"math"
	"slices"
	"testing"
)

// SameBits reports whether a and b are the same float32: equal bits, or both NaN. Sign and payload of a NaN that
// arithmetic made depend on the machine and mean nothing.
func SameBits(a, b float32) bool {
	return math.Float32bits(a) == math.Float32bits(b) || a != a && b != b
}

// DiffBits counts the positions at which got and want differ as [SameBits] sees it, and reports the first of them as an
// error of t, naming it what. It fails on a difference in length.
func DiffBits(t testing.TB, what string, got, want []float32) int {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%s: %d values, want %d", what, len(got), len(want))
	}
	n, first := 0, 0
	for i := range got {
		if !SameBits(got[i], want[i]) {
			if n == 0 {
				first = i
			}
			n++
		}
	}
	if n > 0 {
		t.Errorf("%s: %d of %d values differ, the first is [%d] = %v (%#08x), want %v (%#08x)", what, n, len(got), first,
			got[first], math.Float32bits(got[first]), want[first], math.Float32bits(want[first]))
	}
	return n
}

const (
	canaries = 16
	canary   = 0x7FC0CA4A // a NaN that no arithmetic makes
)

// Guarded is a slice with canaries before and after it.
type Guarded struct{ all []float32 }

// Guard returns n values, all of them NaN, between canaries.
func Guard(n int) *Guarded {
	return &Guarded{slices.Repeat([]float32{math.Float32frombits(canary)}, n+2*canaries)}
}

// Values returns the slice between the canaries, with nothing behind it that append could use.
func (g *Guarded) Values() []float32 {
	return g.all[canaries : len(g.all)-canaries : len(g.all)-canaries]
}

// Check reports an error of t if a canary was overwritten.
func (g *Guarded) Check(t testing.TB) {
	t.Helper()
	for i, v := range g.all {
		outside := i < canaries || i >= len(g.all)-canaries
		if outside && math.Float32bits(v) != canary {
			t.Errorf("value written at %d of a slice of %d", i-canaries, len(g.all)-2*canaries)
		}
	}
}

package sketch

import (
	"math"
	"math/big"
	"math/rand/v2"
	"sort"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestDecay(t *testing.T) {
	require.Equal(t, 1.0, Decay(0))
	require.Equal(t, 0.5, Decay(1))
	require.Equal(t, 0.125, Decay(3))
	require.Zero(t, Decay(1100))
	require.Zero(t, Decay(math.Inf(1)))
	require.Zero(t, Decay(math.NaN()))
	r := rand.New(rand.NewPCG(1, 1))
	for range 20_000 {
		x := r.Float64() * math.Exp2(float64(r.IntN(20)-10))
		got, want := Decay(x), math.Exp2(-x)
		require.InEpsilon(t, want, got, 5e-16, "%v", x)
	}
	for i := range 64 { // against exact square roots
		want := new(big.Float).SetPrec(200).SetInt64(2)
		for range 6 {
			want.Sqrt(want)
		}
		power := new(big.Float).SetPrec(200).SetInt64(1)
		for range i {
			power.Quo(power, want)
		}
		exact, _ := power.Float64()
		require.InDelta(t, exact, Decay(float64(i)/64), 1.2e-16)
	}
}

// The share of estimates that are off by more than 5 % is at most 5 %, for numbers above 1,000.
func TestDistinctIsWithinFivePercent(t *testing.T) {
	for _, n := range []int{1000, 3000, 10_000, 100_000, 1_000_000} {
		var errs []float64
		runs := 60
		if n >= 100_000 {
			runs = 40
		}
		for run := range runs {
			var d Distinct
			d.Reset()
			for i := range n {
				d.Add(uint32(Hash(uint64(i), uint64(run))))
				if i == n/3 {
					d.Turn()
				}
			}
			errs = append(errs, math.Abs(d.Estimate()/float64(n)-1))
		}
		sort.Float64s(errs)
		require.Less(t, errs[len(errs)*95/100], 0.05, "n = %d", n)
	}
}

func TestDistinctForgetsWhatIsTwoHalvesOld(t *testing.T) {
	var d Distinct
	d.Reset()
	require.Zero(t, d.Estimate())
	for i := range 5000 {
		d.Add(uint32(Hash(uint64(i), 0)))
	}
	saved := d.AppendTo(nil)
	require.Len(t, saved, SavedDistinct)
	var e Distinct
	require.True(t, e.Load(saved))
	require.Equal(t, d, e)
	before := d.Estimate()
	d.Turn()
	require.Equal(t, before, d.Estimate())
	for i := range 10 {
		d.Add(uint32(Hash(uint64(i), 0)))
	}
	require.Equal(t, before, d.Estimate(), "they are there already")
	d.Turn()
	require.InDelta(t, 10, d.Estimate(), 1)
	d.Turn()
	require.Zero(t, d.Estimate())
	saved[7] = 22
	require.False(t, e.Load(saved))
}

func TestBloom(t *testing.T) {
	b := NewBloom(1 << 12)
	n := 1 << 12 * 8 / 10
	for i := range n {
		b.Add(Hash(uint64(i), 1))
	}
	for i := range n {
		require.True(t, b.Has(Hash(uint64(i), 1)))
	}
	wrong := 0
	for i := range 100_000 {
		if b.Has(Hash(uint64(i), 2)) {
			wrong++
		}
	}
	require.Less(t, wrong, 1500, "of 100,000")
	b.Turn()
	require.True(t, b.Has(Hash(5, 1)))
	require.True(t, b.Add(Hash(5, 1)))
	b.Turn()
	require.True(t, b.Has(Hash(5, 1)), "it was added again")
	require.False(t, b.Has(Hash(6, 1)) && b.Has(Hash(7, 1)) && b.Has(Hash(8, 1)))
	require.False(t, b.SetAdded(n+1))
}

func TestLog2(t *testing.T) {
	r := rand.New(rand.NewPCG(2, 2))
	for i := 1; i < 300; i++ {
		require.InDelta(t, math.Log2(float64(i)), Log2(float64(i)), 2e-15)
	}
	require.Equal(t, 10.0, Log2(1024))
	require.Equal(t, -3.0, Log2(0.125))
	for range 10_000 {
		x := math.Exp(20 * r.NormFloat64())
		require.InDelta(t, math.Log2(x), Log2(x), 1e-13)
	}
}

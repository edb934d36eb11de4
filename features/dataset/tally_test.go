package dataset

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestFloatKeyKeepsTheOrder(t *testing.T) {
	values := []float32{float32(math.Inf(-1)), -math.MaxFloat32, -1, -math.SmallestNonzeroFloat32, 0, math.SmallestNonzeroFloat32, 1, 2, math.MaxFloat32, float32(math.Inf(1))}
	for i, v := range values {
		require.Equal(t, v, keyFloat(floatKey(v)))
		if i > 0 {
			require.Less(t, floatKey(values[i-1]), floatKey(v))
		}
	}
	require.Equal(t, floatKey(0), floatKey(float32(math.Copysign(0, -1))))
	for _, ns := range []int64{math.MinInt64, -1, 0, 1, math.MaxInt64} {
		require.Equal(t, ns, keyTime(timeKey(ns)))
	}
}

// Coarser bins lose no row, and keep the order.
func TestTallyCoarsens(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	tl := newTally(64)
	var want cells
	for range 20000 {
		v := float32(random.ExpFloat64() * 1000)
		part, class := Part(random.IntN(int(numParts))), random.IntN(2)
		tl.add(floatKey(v), part, class)
		want[part][class]++
	}
	require.False(t, tl.exact())
	require.LessOrEqual(t, len(tl.bins), 64)
	var got cells
	bins := tl.sorted()
	require.True(t, slices.IsSortedFunc(bins, func(a, b bin) int { return int(int64(a.key) - int64(b.key)) }))
	for _, b := range bins {
		got.add(&b.count)
	}
	require.Equal(t, want, got)
}

func TestSketch(t *testing.T) {
	for _, n := range []int{0, 10, 1000, 50_000, 2_000_000} {
		var s sketch
		for i := range n {
			s.add(mix(uint64(i)))
			s.add(mix(uint64(i)))
		}
		require.InEpsilon(t, float64(n)+1, s.estimate()+1, 0.05)
	}
}

// Numbers that are all different are estimated, but never to be more than there are.
func TestDistinctIsPossible(t *testing.T) {
	for n := 5000; n < 7000; n += 20 {
		c := newColumnStats("id")
		for i := range n {
			c.add(float32(i), Train, 0)
		}
		require.LessOrEqual(t, c.distinct(), int64(n))
		require.InEpsilon(t, n, c.distinct(), 0.05)
	}
}

// A sample chosen by hash gives the same shares as counting everything.
func TestDuplicatesSampled(t *testing.T) {
	exact, sampled := newDuplicates(), newDuplicates()
	sampled.limit = 2000
	random := rand.New(rand.NewPCG(3, 4))
	for range 60000 {
		row := []float32{float32(random.IntN(150)), float32(random.IntN(150))}
		part := Part(random.IntN(int(numParts)))
		exact.add(row, part, 0)
		sampled.add(row, part, 0)
	}
	a, b := exact.report(), sampled.report()
	require.Equal(t, 1.0, a.Sample)
	require.Less(t, b.Sample, 0.2)
	require.Equal(t, int64(60000), a.Rows)
	require.InDelta(t, a.Repeated, b.Repeated, 0.05)
	require.InDelta(t, a.TestInTrain, b.TestInTrain, 0.05)
	require.InEpsilon(t, a.Distinct, b.Distinct, 0.1)
}

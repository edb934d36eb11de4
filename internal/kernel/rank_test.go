package kernel

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

// hardThresholds makes n different finite thresholds, ascending: evenly spaced, of all magnitudes, or in clusters.
func hardThresholds(r *rand.Rand, n int) []float32 {
	t := map[float32]bool{}
	shape := r.IntN(4)
	for len(t) < n {
		x := float32(0)
		switch shape {
		case 0:
			x = float32(r.IntN(4*n)) / 4
		case 1:
			x = math.Float32frombits(r.Uint32())
		case 2:
			x = float32(r.NormFloat64())
		case 3:
			x = float32(r.IntN(3)-1)*1000 + math.Float32frombits(0x3F800000+r.Uint32N(uint32(2*n)))
		}
		if x-x == 0 {
			t[x] = true
		}
	}
	var sorted []float32
	for x := range t {
		sorted = append(sorted, x)
	}
	slices.Sort(sorted)
	return sorted
}

// hardValues are the thresholds, their neighbours, and what is special, count of them.
func hardValues(r *rand.Rand, thresholds []float32, count int) []float32 {
	inf := float32(math.Inf(1))
	special := []float32{0, float32(math.Copysign(0, -1)), inf, -inf, math.MaxFloat32, -math.MaxFloat32, math.SmallestNonzeroFloat32,
		-math.SmallestNonzeroFloat32, float32(math.NaN()), math.Float32frombits(0xFFC00000), math.Float32frombits(0x7F800001), math.Float32frombits(0xFFFFFFFF)}
	values := make([]float32, count)
	for i := range values {
		t := thresholds[r.IntN(len(thresholds))]
		values[i] = []float32{t, math.Nextafter32(t, inf), math.Nextafter32(t, -inf), special[r.IntN(len(special))], float32(r.NormFloat64())}[r.IntN(5)]
	}
	return values
}

func TestRanks(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	tables := 0
	for range 600 {
		n := []int{1, 2, 3, 15, 16, 17, 63, 64, 127, 128, 254, 255}[r.IntN(12)]
		thresholds := hardThresholds(r, n)
		table, ok := newRanked(Generic, thresholds)
		if !ok {
			continue
		}
		tables++
		values := hardValues(r, thresholds, 64)
		var keys [64]int32
		keysGeneric(&keys, values, 1)
		bits := rankGeneric(&keys, &table)
		planes := make([]uint64, n)
		expandGeneric(planes, &bits, table.bits)
		for row, x := range values {
			for k, threshold := range thresholds {
				if got := planes[k]>>row&1 == 1; got != (x < threshold) {
					t.Fatalf("%v < %v, threshold %d of %d", x, threshold, k, n)
				}
			}
		}
	}
	require.Greater(t, tables, 100)
}

// TestNumberKeys compares with the plain order of numbers, behind which missing values are.
func TestNumberKeys(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for range 1000 {
		values := hardValues(r, []float32{0, 1, -1}, 64)
		var keys [64]int32
		missing := keysGeneric(&keys, values, 1)
		for row, x := range values {
			y := values[(row+1)%64]
			require.Equal(t, x != x, missing>>row&1 == 1)
			require.Equal(t, x < y || x == x && y != y, keys[row] < keys[(row+1)%64] && x == x, "%v and %v", x, y)
			if x == x {
				require.Equal(t, numberKeyOf(x), keys[row])
			}
		}
	}
}

package inference

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"threatdetect/internal/testkit"
	"threatdetect/model"
)

// bitValues are pairs of values that bits stand for.
var bitValues = [][2]float32{{0, 1}, {float32(math.NaN()), 1}, {float32(math.Inf(-1)), 0.5}, {1, float32(math.NaN())}, {2, 2}}

// packRows chooses columns to be bits, gives them values that bits stand for, and packs the rows.
func packRows(t testing.TB, r *rand.Rand, p *Predictor, rows []float32, values [2]float32) Packed {
	t.Helper()
	width := p.NumFeature()
	n := len(rows) / width
	columns := r.Perm(width)[:1+r.IntN(width)]
	if r.IntN(2) == 0 { // some of them side by side
		slices.Sort(columns)
	}
	for i := range n {
		for _, c := range columns {
			rows[i*width+c] = values[r.IntN(2)]
		}
	}
	k, err := p.NewPacking(columns, values[0], values[1])
	require.NoError(t, err)
	require.Equal(t, width-len(columns), k.NumDense())
	require.Equal(t, (len(columns)+7)/8, k.NumBytes())
	x := Packed{Packing: k, Dense: make([]float32, n*k.NumDense()), Bits: make([]byte, n*k.NumBytes())}
	require.NoError(t, k.Pack(x.Dense, x.Bits, rows))
	if spare := 8*k.NumBytes() - len(columns); spare > 0 { // bits that nobody looks at
		for i := k.NumBytes() - 1; i < len(x.Bits); i += k.NumBytes() {
			x.Bits[i] |= byte(r.Uint32()) << (8 - spare)
		}
	}
	return x
}

// packedBoosters is a booster of each kind, and some of many columns that are asked one thing.
func packedBoosters(r *rand.Rand, t testing.TB) map[string]*model.Booster {
	all := formBoosters(r, t)
	flags := testkit.RandomBooster(r, testkit.BoosterShape{Features: 60, Groups: 1, Trees: 60, Depth: 5, Fill: 0.9, Thresholds: 1})
	testkit.AddCovers(r, flags, false)
	all["flags"] = flags
	dart := testkit.RandomBooster(r, testkit.BoosterShape{Features: 30, Groups: 3, Trees: 60, Depth: 5, Fill: 0.9, Thresholds: 2, Special: true})
	testkit.AddWeights(r, dart)
	testkit.AddCovers(r, dart, false)
	all["dart"] = dart
	vectors := testkit.RandomBooster(r, testkit.BoosterShape{Features: 20, Groups: 3, Trees: 40, Depth: 5, Fill: 0.9, Thresholds: 2})
	testkit.AddVectors(r, vectors)
	all["vectors"] = vectors
	categories := testkit.RandomBooster(r, testkit.BoosterShape{Features: 20, Groups: 1, Trees: 40, Depth: 5, Fill: 0.9, Thresholds: 3})
	testkit.AddCategories(r, categories)
	all["categories"] = categories
	deep := testkit.RandomBooster(r, testkit.BoosterShape{Features: 40, Groups: 1, Trees: 20, Depth: 14, Fill: 0.8, Thresholds: 1})
	all["deep"] = deep
	return all
}

// TestPacked gives rows as bits and as floats, by every kernel, with few and many goroutines and by sessions, for all outputs.
func TestPacked(t *testing.T) {
	r := testkit.Rand(t)
	for name, b := range packedBoosters(r, t) {
		for output := Value; output <= Interaction; output++ {
			for _, kernel := range forcedKernels() {
				if kernel != KernelAuto && output >= Contribution {
					continue
				}
				for _, n := range []int{0, 1, 40, 100, 300, 3000} {
					if n > 40 && (output > Margin || kernel == KernelWalk) || n > 1 && output == Interaction || n == 3000 && kernel != KernelAuto {
						continue
					}
					p, err := New(b, &Options{Output: output, Workers: 1 + n/1000, Kernel: kernel})
					if errors.Is(err, model.ErrUnsupported) {
						continue
					}
					require.NoError(t, err)
					rows := testkit.HardRows(r, b, n)
					x := packRows(t, r, p, rows, bitValues[r.IntN(len(bitValues))])
					m := Matrix{Data: rows, Rows: n}
					if r.IntN(2) == 0 {
						x.Base = make([]float32, n*p.NumGroup())
						for i := range x.Base {
							x.Base[i] = float32(r.NormFloat64())
						}
						m.Base = x.Base
					}
					want := make([]float32, n*p.NumOutput())
					require.NoError(t, p.PredictMatrix(want, m))
					for form, predict := range map[string]func([]float32, Packed) error{"predictor": p.PredictPacked, "session": p.NewSession().PredictPacked} {
						got := testkit.Guard(len(want))
						require.NoError(t, predict(got.Values(), x))
						testkit.DiffBits(t, fmt.Sprintf("%s: %v, kernel %d, %d rows, %s", name, output, kernel, n, form), got.Values(), want)
						got.Check(t)
					}
				}
			}
		}
	}
}

func TestPackedErrors(t *testing.T) {
	b := testkit.RandomBooster(testkit.Rand(t), testkit.BoosterShape{Features: 11, Trees: 3, Depth: 3, Fill: 1, Thresholds: 1})
	p, other := newPredictor(t, b, nil), newPredictor(t, b, nil)
	var wrong *PackingError
	for want, columns := range map[string][]int{
		"no columns":                           {},
		"bit 1 is of column 11, want 0 to 10":  {0, 11},
		"bit 0 is of column -1, want 0 to 10":  {-1},
		"bit 2 is of column 4 again":           {4, 5, 4},
		"bit 0 is of column 4294967296, want ": {1 << 32},
	} {
		_, err := p.NewPacking(columns, 0, 1)
		require.ErrorContains(t, err, want)
		require.ErrorAs(t, err, &wrong)
	}
	k, err := p.NewPacking([]int{0, 1, 2, 3, 4, 5, 6, 7, 10}, 0, 1)
	require.NoError(t, err)
	require.Equal(t, 2, k.NumDense())
	require.Equal(t, 2, k.NumBytes())
	dst := []float32{7, 7}
	dense, bits := make([]float32, 4), make([]byte, 4)
	var shape *ShapeError
	for want, x := range map[string]Packed{
		"Bits has 3 bytes, want a multiple of 2": {Packing: k, Dense: dense, Bits: bits[:3]},
		"Dense has 3 values, want 4":             {Packing: k, Dense: dense[:3], Bits: bits},
		"dst has 2 values, want 1":               {Packing: k, Dense: dense[:2], Bits: bits[:2]},
		"Base has 3 values, want 2":              {Packing: k, Dense: dense, Bits: bits, Base: make([]float32, 3)},
	} {
		err := p.PredictPacked(dst, x)
		require.ErrorContains(t, err, want)
		require.ErrorAs(t, err, &shape)
		require.Equal(t, "PredictPacked", shape.Op)
		require.ErrorContains(t, p.NewSession().PredictPacked(dst, x), want)
	}
	for _, x := range []Packed{{Dense: dense, Bits: bits}, {Packing: k, Dense: dense, Bits: bits}} {
		require.ErrorAs(t, other.PredictPacked(dst, x), &wrong)
	}
	require.Equal(t, []float32{7, 7}, dst)

	rows := make([]float32, 22)
	for _, x := range []float32{float32(math.NaN()), float32(math.Copysign(0, -1)), 0.5} {
		rows[11+10] = x
		err := k.Pack(dense, bits, rows)
		require.ErrorAs(t, err, &wrong)
		require.Equal(t, [2]int{1, 10}, [2]int{wrong.Row, wrong.Column})
		require.ErrorContains(t, err, "row 1 has")
	}
	require.ErrorContains(t, k.Pack(dense, bits, rows[:21]), "rows has 21 values, want a multiple of 11")
	require.ErrorContains(t, k.Pack(dense[:3], bits, rows), "Dense has 3 values, want 4")
	require.ErrorContains(t, k.Pack(dense, bits[:3], rows), "Bits has 3 bytes, want 4")
	require.NoError(t, k.Pack(nil, nil, nil))
	require.NoError(t, p.PredictPacked(nil, Packed{Packing: k}))
}

// FuzzPacked compares rows of bits with the same rows of floats.
func FuzzPacked(f *testing.F) {
	for seed := range uint64(8) {
		f.Add(seed, uint8(seed*3), uint8(1+seed), uint16(seed*60))
	}
	f.Fuzz(func(t *testing.T, seed uint64, trees, thresholds uint8, n uint16) {
		r := testkit.RandFrom(seed)
		b := testkit.RandomBooster(r, testkit.BoosterShape{
			Features: 1 + r.IntN(70), Groups: 1 + r.IntN(3), Trees: int(trees % 40), Depth: r.IntN(9),
			Fill: 0.5 + r.Float64()/2, Thresholds: 1 + int(thresholds%8), Special: r.IntN(2) == 0,
		})
		if r.IntN(4) == 0 {
			testkit.AddCategories(r, b)
		}
		kernels := forcedKernels()
		p := newPredictor(t, b, &Options{Output: Margin, Workers: 1, Kernel: kernels[r.IntN(len(kernels))]})
		rows := testkit.HardRows(r, b, int(n%600))
		x := packRows(t, r, p, rows, bitValues[r.IntN(len(bitValues))])
		want, got := make([]float32, int(n%600)*p.NumOutput()), make([]float32, int(n%600)*p.NumOutput())
		require.NoError(t, p.PredictBatch(want, rows))
		require.NoError(t, p.PredictPacked(got, x))
		testkit.DiffBits(t, "bits", got, want)
	})
}

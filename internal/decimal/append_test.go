package decimal

import (
	"math"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestAppendFloat32(t *testing.T) {
	for want, f := range map[string]float32{
		"0": 0, "-0": float32(math.Copysign(0, -1)), "1": 1, "-3": -3, "16777215": 1<<24 - 1, "16777216": 1 << 24, "0.1": 0.1, "1e-7": 1e-7, "1e-45": math.SmallestNonzeroFloat32,
		"3.4028235e+38": math.MaxFloat32, "0.9973": 0.9973, "100000000000000000000": 1e20, "1e+21": 1e21, "nan": float32(math.NaN()),
		"inf": float32(math.Inf(1)), "-inf": float32(math.Inf(-1)), "0.000001": 1e-6,
	} {
		require.Equal(t, want, string(AppendFloat32(nil, f)))
	}
}

func FuzzAppendFloat32(f *testing.F) {
	f.Add(uint32(0x3f7f4f0e))
	f.Fuzz(func(t *testing.T, bits uint32) {
		want := math.Float32frombits(bits)
		got, err := strconv.ParseFloat(string(AppendFloat32(nil, want)), 32)
		require.NoError(t, err)
		if want != want {
			require.True(t, got != got)
			return
		}
		require.Equal(t, bits, math.Float32bits(float32(got)))
	})
}

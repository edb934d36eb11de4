package inference

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"threatdetect/internal/kernel"
	"threatdetect/internal/testkit"
	"threatdetect/model"
)

// forcedKernels are those of this machine and build.
func forcedKernels() []Kernel {
	var all []Kernel
	for k := KernelWalk; k <= KernelNEON; k++ {
		if k.check() == nil {
			all = append(all, k)
		}
	}
	return all
}

// compareKernels compares values, margins and those from base margins of each kernel with XGBoost's.
func compareKernels(t *testing.T, what string, b *model.Booster, c *testkit.Case) {
	t.Helper()
	for _, k := range forcedKernels() {
		for output, want := range map[Output][2][]float32{Value: {c.Values, c.BaseValues}, Margin: {c.Margins, c.BaseMargins}} {
			p := newPredictor(t, b, &Options{Output: output, Kernel: k})
			name := fmt.Sprintf("%s %v with kernel %d", what, output, k)
			got := make([]float32, len(want[0]))
			require.NoError(t, p.PredictBatch(got, c.Rows), name)
			testkit.DiffBits(t, name, got, want[0])
			if c.Base != nil {
				require.NoError(t, p.PredictFrom(got, c.Rows, c.Base), name)
				testkit.DiffBits(t, name+" from base margins", got, want[1])
			}
		}
	}
}

// TestKernelStats has a model that every kernel can do.
func TestKernelStats(t *testing.T) {
	b := testkit.RandomBooster(testkit.Rand(t), testkit.BoosterShape{Features: 9, Groups: 1, Trees: 200, Depth: 6, Fill: 0.95, Thresholds: 20})
	for k, want := range map[Kernel]string{KernelAuto: kernel.Best().String(), KernelWalk: "", KernelHeap: "", KernelGeneric: "generic"} {
		s := newPredictor(t, b, &Options{Kernel: k}).Stats()
		require.Equal(t, want, s.Kernel, "kernel %d", k)
		require.Equal(t, map[bool]string{true: "walk", false: "heap"}[k == KernelWalk], s.Engine, "kernel %d", k)
		require.Equal(t, want != "", s.BlockRows > 0 && s.BlockBytes > 0, "kernel %d: %+v", k, s)
		require.Positive(t, s.CompileTime)
		require.Less(t, s.BlockBytes, s.Bytes)
	}
	s := newPredictor(t, b, nil).Stats()
	require.Greater(t, s.BlockRows, 1, "a single row is not worth a block")
	require.LessOrEqual(t, s.BlockRows, kernel.Best().Rows())

	_, err := New(b, &Options{Kernel: KernelNEON + 1})
	require.ErrorContains(t, err, "unknown kernel")
	for k, kind := range map[Kernel]kernel.Kind{KernelAVX2: kernel.AVX2, KernelAVX512: kernel.AVX512, KernelNEON: kernel.NEON} {
		_, err := New(b, &Options{Kernel: k})
		if kind.Available() {
			require.NoError(t, err)
		} else {
			require.ErrorIs(t, err, model.ErrUnsupported)
		}
	}
}

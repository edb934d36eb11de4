package evaluate

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestBinaryCountsByHand(t *testing.T) {
	scores := []float32{0.1, 0.4, 0.35, 0.8, 0.5}
	attack := []bool{false, false, true, true, false}
	r, err := Binary(scores, attack, 0.5)
	require.NoError(t, err)
	require.Equal(t, [4]int{1, 1, 2, 1}, [4]int{r.TruePositive, r.FalsePositive, r.TrueNegative, r.FalseNegative}, "0.5 is at the threshold")
	require.InDelta(t, 0.6, r.Accuracy, 1e-15)
	require.InDelta(t, 0.5, r.Precision, 1e-15)
	require.InDelta(t, 0.5, r.F1, 1e-15)
	require.InDelta(t, 1./3, r.FalsePositiveRate, 1e-15)
	// Of the 6 pairs of an attack and a benign flow 4 are in order: 0.8 beats three, 0.35 beats one.
	require.InDelta(t, 4./6, r.AUC, 1e-12)
	require.InDelta(t, 0.5*1+0.5*2./4, r.AveragePrecision, 1e-12)
	require.InDelta(t, 0.5, r.RecallAt[0.01], 1e-15)
}

func TestBinaryTies(t *testing.T) {
	r, err := Binary([]float32{0.5, 0.5, 0.5, 0.5}, []bool{true, false, true, false}, 0.6)
	require.NoError(t, err)
	require.InDelta(t, 0.5, r.AUC, 1e-12)
	require.InDelta(t, 0.5, r.AveragePrecision, 1e-12)
	require.True(t, math.IsNaN(r.Precision), "nothing was judged a threat")
}

func TestBinaryOneKindHasNoCurve(t *testing.T) {
	r, err := Binary([]float32{0.5, 0.7}, []bool{true, true}, 0.6)
	require.NoError(t, err)
	require.True(t, math.IsNaN(r.AUC))
	require.Equal(t, 0.5, r.Recall)
	_, err = Binary([]float32{0.5}, nil, 0.5)
	require.Error(t, err)
	_, err = Binary([]float32{float32(math.NaN())}, []bool{true}, 0.5)
	require.Error(t, err)
}

func TestDistinct(t *testing.T) {
	nan := float32(math.NaN())
	rows := []float32{1, 2, 1, 2, 3, nan, 3, nan, 4, 4}
	require.Equal(t, []int{0, 2, 4}, Distinct(rows, 2, nil))
	require.Equal(t, []int{2}, Distinct(rows, 2, []float32{4, 4, 1, 2}))
}

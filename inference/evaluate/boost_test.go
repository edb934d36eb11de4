package evaluate

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestBoost(t *testing.T) {
	nan := float32(math.NaN())
	var rows [][]float32
	var attack []bool
	for i := range 4000 {
		x, y := float32(i%97), float32(i%89) // of more values than there are cuts
		row := []float32{x, y, 7, nan, nan}
		if i%3 == 0 {
			row[3] = 5 // a value against a missing one
		}
		rows = append(rows, row)
		attack = append(attack, ((x > 48) != (y > 44)) != (i%3 == 0))
	}
	b := boost(rows, attack)
	require.Len(t, b.trees, boostTrees)
	right := 0
	for i, row := range rows {
		score := b.score(row)
		require.True(t, score >= 0 && score <= 1)
		if (score >= 0.5) == attack[i] {
			right++
		}
	}
	require.Greater(t, right, 3950)
	for _, nodes := range b.trees {
		require.LessOrEqual(t, len(nodes), 1<<(boostDepth+1)-1)
		for _, n := range nodes {
			require.NotContains(t, []int{2, 4}, n.column, "nothing can be told from it")
		}
	}
	require.Equal(t, b, boost(rows, attack), "nothing is drawn")
}

// What trees are grown to is what training says of the rows: a single row, or rows that are all alike, have the share of attacks.
func TestBoostWithoutColumns(t *testing.T) {
	rows, attack := make([][]float32, 400), make([]bool, 400)
	for i := range rows {
		rows[i], attack[i] = []float32{1, float32(math.NaN())}, i%4 == 0
	}
	require.InDelta(t, 0.25, boost(rows, attack).score(rows[0]), 0.01)
	require.Less(t, boost(rows[1:2], attack[1:2]).score(rows[0]), float32(0.5))
}

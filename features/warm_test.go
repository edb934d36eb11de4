package features

import (
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

// In every set that remembers, but the one that is laid down without it and the one that a cluster computes source by source, state_warm is 1 from an hour after the first flow that counts on.
func TestStateWarm(t *testing.T) {
	for _, name := range statefulSets() {
		if name == "flow-context/1" || name == "beacon/1" {
			continue
		}
		p := pipelineOf(t, name)
		at := -1
		for i, c := range p.Schema().Columns {
			if c.Name == "state_warm" {
				require.Negative(t, at, name)
				at = i
			}
		}
		require.GreaterOrEqual(t, at, 0, name)
		flows := contextFlows(rand.New(rand.NewPCG(8, 15)), 400, 4e10, 3e11)
		cold, warm, began, begun := 0, 0, int64(0), false
		rows, _ := allRows(t, p.ExtractorWith(smallState), flows, true)
		for i, o := range release(flows) {
			if !begun && o.t-o.f.End() <= 60e9 {
				begun, began = true, o.t
			}
			want := begun && o.t-began >= 3600e9
			require.Equal(t, flag(want), rows[i][at], "%s, row %d", name, i)
			cold, warm = cold+one(!want), warm+one(want)
		}
		require.Positive(t, cold)
		require.Positive(t, warm)
	}
}

package features

import (
	"runtime"
	"testing"
	"unsafe"

	"github.com/stretchr/testify/require"
)

// WIN-1: what the default budget has room for, and what a key takes of it.
func TestCapacity(t *testing.T) {
	h := newHosts(nil, noSettings, new(Stats)).(*hosts)
	sources, dests, pairs := 0, 0, 0
	for _, p := range h.parts {
		sources += p.sources.capacity()
		dests += p.dests.capacity()
		pairs += p.pairs.capacity()
	}
	t.Logf("host/1: %d sources, %d destinations, %d pairs", sources, dests, pairs)
	require.GreaterOrEqual(t, sources+dests+pairs, 500_000)
	require.LessOrEqual(t, unsafe.Sizeof(sourceState{})+unsafe.Sizeof(storeNode[hostKey]{})+8, uintptr(512))
	require.LessOrEqual(t, unsafe.Sizeof(destState{})+unsafe.Sizeof(storeNode[hostKey]{})+8, uintptr(512))
	require.LessOrEqual(t, unsafe.Sizeof(pairState{})+unsafe.Sizeof(storeNode[pairKey]{})+8, uintptr(512))
	t.Logf("bytes: source %d, destination %d, pair %d", unsafe.Sizeof(sourceState{})+unsafe.Sizeof(storeNode[hostKey]{})+8,
		unsafe.Sizeof(destState{})+unsafe.Sizeof(storeNode[hostKey]{})+8, unsafe.Sizeof(pairState{})+unsafe.Sizeof(storeNode[pairKey]{})+8)
}

// WIN-1: what a memory takes at once, all of its tables, filters and sketches, is within its budget, and not much less.
func TestBudget(t *testing.T) {
	const budget = 64 << 20
	for _, set := range []string{"host/1", "beacon/1", "name/1", "dns/1", "tls/1"} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		x := pipelineOf(t, set).ExtractorWith(&StateOptions{Budget: budget})
		runtime.ReadMemStats(&after)
		took := after.TotalAlloc - before.TotalAlloc
		t.Logf("%s: %.1f %% of the budget", set, 100*float64(took)/budget)
		require.LessOrEqual(t, took, uint64(budget), set)
		require.GreaterOrEqual(t, took, uint64(budget*3/4), set)
		runtime.KeepAlive(x)
	}
}

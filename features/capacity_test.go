package features

import (
	"testing"
	"unsafe"

	"github.com/stretchr/testify/require"
)

// WIN-1: what the default budget has room for, and what a key takes of it.
func TestCapacity(t *testing.T) {
	h := newHosts(nil, new(Stats)).(*hosts)
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

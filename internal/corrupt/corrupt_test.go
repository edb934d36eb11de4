package corrupt

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestSweep(t *testing.T) {
	data := []byte(`{"a":[1,{"bc": "x"}],"d":2}`)
	kinds := map[string]int{}
	seen := map[string]bool{}
	var number int64
	for c := range Sweep(data, 1) {
		require.Equal(t, number, c.Number)
		number++
		kinds[c.What]++
		seen[string(c.Data)] = true
	}
	n := len(data)
	require.Equal(t, n, kinds["truncated"])
	require.Equal(t, 8*n, kinds["bit flipped"])
	require.Equal(t, 4*n, kinds["byte set"])
	require.Equal(t, (n/4)*12+(n/8)*14, kinds["word set"])
	require.Equal(t, 3, kinds["key left out"])
	for _, want := range []string{`{"_":0,"d":2}`, `{"a":[1,{"_":0}],"d":2}`, `{"a":[1,{"bc": "x"}],"d":2,"d":2}`, `{"a":null,"d":2}`, `{"a":[1,{"bc": [1e99]}],"d":2}`} {
		require.Contains(t, seen, want)
	}
	require.Equal(t, `{"a":[1,{"bc": "x"}],"d":2}`, string(data), "the file itself stays")
}

func TestSweepStride(t *testing.T) {
	data := make([]byte, 1000)
	all, some := 0, 0
	for range Sweep(data, 1) {
		all++
	}
	for range Sweep(data, 10) {
		some++
	}
	require.InDelta(t, all/10, some, 10)
}

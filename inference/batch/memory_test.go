package batch

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"

	"threatdetect/features"
)

// Memory that a long text has grown is not kept for the tasks to come.
func TestLongTextsAreNotKept(t *testing.T) {
	r := &run{}
	for _, c := range []struct {
		text int
		kept bool
	}{{20, true}, {maxText + 1, false}} {
		b := &flows{}
		for range 10 {
			require.NoError(t, b.take(&features.Flow{UID: bytes.Repeat([]byte("x"), c.text)}, nil))
		}
		require.Equal(t, c.kept, !b.large)
		r.release(b)
		for range 20 {
			if got := r.newFlows(); got.list != nil {
				require.True(t, c.kept)
				require.Zero(t, got.n)
			}
		}
	}
}

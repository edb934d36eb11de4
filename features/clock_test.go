package features

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestSteady sets a clock forward and back.
func TestSteady(t *testing.T) {
	wall, passed := int64(1000), int64(0)
	now := steady(func() int64 { return wall }, func() int64 { return passed })
	require.EqualValues(t, 1000, now())
	wall, passed = 1010, 10
	require.EqualValues(t, 1010, now())
	wall, passed = 0, 20
	require.EqualValues(t, 1020, now(), "set back: what has passed counts")
	wall, passed = 5000, 30
	require.EqualValues(t, 5000, now(), "set forward: that is the time")
	wall, passed = 40, 40
	require.EqualValues(t, 5010, now())

	clock := WallClock()
	before := time.Now().UnixNano()
	require.GreaterOrEqual(t, clock(), before-int64(time.Second))
	require.LessOrEqual(t, clock(), time.Now().UnixNano()+int64(time.Second))
}

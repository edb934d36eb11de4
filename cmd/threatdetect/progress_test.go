//go:build !noprogress

package main

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/vbauerster/mpb/v8/decor"
)

// TestPace: what an earlier run did is neither in the rate nor in the time that is left.
func TestPace(t *testing.T) {
	began := time.Now()
	p := &pace{began: began, before: 80 << 20}
	for _, c := range []struct {
		current    int64 // MiB of 100
		after      time.Duration
		rate, left string
	}{{80, 0, " 0.0 b/s", ""}, {80, time.Second, " 0.0 b/s", ""}, {81, time.Second, " 1.0 MiB/s", "  19s"}, {90, 5 * time.Second, " 2.0 MiB/s", "  5s"}, {100, 90 * time.Second, " 227.6 KiB/s", "  0s"}} {
		s := decor.Statistics{Total: 100 << 20, Current: c.current << 20}
		require.Equal(t, c.rate, p.rate(s, began.Add(c.after)))
		require.Equal(t, c.left, p.left(s, began.Add(c.after)))
	}
}

package testkit

import (
	"runtime"
	"slices"
	"testing"
	"time"
)

// evicted is more than the caches of a machine hold.
const evicted = 96 << 20

// ReportCalls reports how many microseconds of processor time a function takes, as medians: if no cache has anything of what it needs, and if it ran just before.
func ReportCalls(b *testing.B, call func()) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	other := make([]byte, evicted)
	var cold, warm []time.Duration
	for b.Loop() {
		for i := 0; i < len(other); i += 64 {
			other[i]++
		}
		begin := CPUTime()
		call()
		between := CPUTime()
		call()
		end := CPUTime()
		cold, warm = append(cold, between-begin), append(warm, end-between)
	}
	slices.Sort(cold)
	slices.Sort(warm)
	b.ReportMetric(float64(cold[len(cold)/2])/1000, "cold-us/call")
	b.ReportMetric(float64(warm[len(warm)/2])/1000, "warm-us/call")
	b.ReportMetric(0, "ns/op") // of the eviction, mostly
}

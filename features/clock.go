package features

import (
	"sync"
	"time"
)

// WallClock returns a clock for [StateOptions.Now] that somebody who sets the machine's back does not stop: it goes on from the latest time that it was
// set to, by the time that has passed since. It may be used by several goroutines.
func WallClock() func() int64 {
	begin := time.Now()
	return steady(func() int64 { return time.Now().UnixNano() }, func() int64 { return int64(time.Since(begin)) })
}

// steady is the wall clock, or what it would show had it not been set back. passed is time that nobody sets.
func steady(wall, passed func() int64) func() int64 {
	var mu sync.Mutex
	ahead := wall() - passed() // of the wall clock, at most
	return func() int64 {
		mu.Lock()
		defer mu.Unlock()
		since := passed()
		ahead = max(ahead, wall()-since)
		return ahead + since
	}
}

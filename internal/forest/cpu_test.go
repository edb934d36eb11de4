//go:build !linux

package forest

import "time"

var start = time.Now()

// cpuTime is the time that has passed, as nothing better is portable.
func cpuTime() time.Duration { return time.Since(start) }

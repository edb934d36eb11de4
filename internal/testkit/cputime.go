//go:build !linux

package testkit

import "time"

var loaded = time.Now()

// CPUTime is the time that has passed, as nothing better is portable.
func CPUTime() time.Duration { return time.Since(loaded) }

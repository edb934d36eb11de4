package features

import (
	"time"

	"golang.org/x/sys/unix"
)

// threadTime is the processor time of the calling thread: what else runs on a machine does not lengthen it.
func threadTime() time.Duration {
	var t unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_THREAD_CPUTIME_ID, &t); err != nil {
		panic(err)
	}
	return time.Duration(t.Nano())
}

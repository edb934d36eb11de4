package forest

import (
	"syscall"
	"time"
	"unsafe"
)

// cpuTime is the processor time of this thread, which other programs of the machine do not add to.
func cpuTime() time.Duration {
	var t syscall.Timespec
	syscall.RawSyscall(syscall.SYS_CLOCK_GETTIME, 3, uintptr(unsafe.Pointer(&t)), 0)
	return time.Duration(t.Nano())
}

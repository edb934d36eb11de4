package testkit

import (
	"syscall"
	"time"
	"unsafe"
)

// CPUTime is the processor time of this thread, which other programs of the machine hardly add to. Benchmarks that stay on one
// thread (see runtime.LockOSThread) tell more by it than by the time that passed.
func CPUTime() time.Duration {
	var t syscall.Timespec
	syscall.RawSyscall(syscall.SYS_CLOCK_GETTIME, 3, uintptr(unsafe.Pointer(&t)), 0)
	return time.Duration(t.Nano())
}

package testkit

import (
	"syscall"
	"testing"
	"unsafe"
)

// Pages returns a copy of values between pages that cannot be touched: it ends where one of them begins, or else begins where one ends. A
// touch ends the test program.
func Pages[T byte | int32 | uint16 | uint32 | uint64 | float32](t testing.TB, values []T, atEnd bool) []T {
	t.Helper()
	page := syscall.Getpagesize()
	var zero T
	size := len(values) * int(unsafe.Sizeof(zero))
	pages := (size + page - 1) / page
	m, err := syscall.Mmap(-1, 0, (pages+2)*page, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_ANON|syscall.MAP_PRIVATE)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := syscall.Munmap(m); err != nil {
			t.Error(err)
		}
	})
	for _, guard := range [][]byte{m[:page], m[(pages+1)*page:]} {
		if err := syscall.Mprotect(guard, syscall.PROT_NONE); err != nil {
			t.Fatal(err)
		}
	}
	from := page
	if atEnd {
		from = (pages+1)*page - size
	}
	s := unsafe.Slice((*T)(unsafe.Pointer(&m[from])), len(values))
	copy(s, values)
	return s
}

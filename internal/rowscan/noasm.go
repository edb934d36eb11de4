//go:build !amd64 || purego

package rowscan

const hasAVX2 = false

func blockAVX2(_, _ *uint16, _ *byte, _ uintptr, _, _ byte) (numEnds, numLines, found uint64) {
	panic("rowscan: no assembly in this build")
}

func readAVX2(*uint64, *int64, *byte, *uint16, byte) { panic("rowscan: no assembly in this build") }

func floatsAVX2(*float32, *byte, *uint16, uintptr, uintptr) uintptr {
	panic("rowscan: no assembly in this build")
}

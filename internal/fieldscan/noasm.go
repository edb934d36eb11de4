//go:build !amd64 || purego

package fieldscan

const hasAVX2 = false

func scanAVX2(*uint16, *byte, uintptr, byte, byte, byte) (seps, found uint64) {
	panic("fieldscan: no assembly in this build")
}

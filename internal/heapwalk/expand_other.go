//go:build !amd64 || purego

package heapwalk

func expand(keys []uint64, row []float32, quads []uint32) { expandGeneric(keys, row, quads) }

//go:build !purego

package heapwalk

const hasFar = false

func sumRowFar64(sum float32, nodes *uint64, leaves *float32, depth, packs int, keys *uint64) float32 {
	return sumRow64(sum, nodes, leaves, depth, packs, keys)
}

func sumRowFar32(sum float32, nodes *uint32, leaves *float32, depth, packs int, keys *uint32) float32 {
	return sumRow32(sum, nodes, leaves, depth, packs, keys)
}

//go:build !purego

package heapwalk

// hasFar tells that there is a walker for packs that are far.
const hasFar = true

//go:noescape
func sumRowFar64(sum float32, nodes *uint64, leaves *float32, depth, packs int, keys *uint64) float32

//go:noescape
func sumRowFar32(sum float32, nodes *uint32, leaves *float32, depth, packs int, keys *uint32) float32

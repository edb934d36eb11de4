//go:build amd64 && !purego

package heapwalk

//go:noescape
func expandQuads(keys *uint64, row *float32, quads *uint32, n int)

func expand(keys []uint64, row []float32, quads []uint32) {
	_ = keys[2*Quad*len(quads)-1]
	expandQuads(&keys[0], &row[0], &quads[0], len(quads))
}

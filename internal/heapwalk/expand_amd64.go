//go:build amd64 && !purego

package heapwalk

//go:noescape
func expandQuads(keys *uint64, row *float32, quads *uint32, n int)

// maxQuads is the most quads of one call of assembly, for the reason of [maxCall]: each touches up to three lines, two of the row and one of the keys, and a 16th of one of quads.
const maxQuads = 512

func expand(keys []uint64, row []float32, quads []uint32) {
	_ = keys[2*Quad*len(quads)-1]
	for first := 0; first < len(quads); first += maxQuads {
		expandQuads(&keys[2*Quad*first], &row[0], &quads[first], min(maxQuads, len(quads)-first))
	}
}

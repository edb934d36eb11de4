package heapwalk

import "math"

// Quad is the number of columns that are expanded together.
const Quad = 4

// Expand writes the two wide keys of each column of some quads of a row: of the columns quads[i] to quads[i]+3 to
// keys[8*i:8*i+8]. The first key of a column takes a missing value for less than all thresholds, the second for more. See [Order] for
// the values of the keys. All quads have to lie in the row.
func Expand(keys []uint64, row []float32, quads []uint32) {
	if len(quads) == 0 {
		return
	}
	expand(keys, row, quads)
}

func expandGeneric(keys []uint64, row []float32, quads []uint32) {
	for _, q := range quads {
		from, to := (*[Quad]float32)(row[q:]), (*[2 * Quad]uint64)(keys)
		to[0], to[1] = wideKeys(from[0])
		to[2], to[3] = wideKeys(from[1])
		to[4], to[5] = wideKeys(from[2])
		to[6], to[7] = wideKeys(from[3])
		keys = keys[2*Quad:]
	}
}

// wideKeys are the two keys of a value, by [Order]; -0 + 0 is 0.
func wideKeys(x float32) (left, right uint64) {
	b := math.Float32bits(x + 0)
	key := uint64(b^(uint32(int32(b)>>31)|1<<31))<<32 | math.MaxUint32
	missing := uint64(int64(int32(0x7F800000-b&0x7FFFFFFF))>>31) << 32 // the upper half of all ones for a NaN, else 0
	return key &^ missing, key | missing
}

// Order maps the bits of a float32 that is not NaN to an integer of the same order; both zeros have the same. It gives 0x007FFFFF for
// -Inf, 0xFF800000 for +Inf, and what is between for the others.
func Order(bits uint32) uint32 {
	if bits == 1<<31 {
		bits = 0
	}
	return bits ^ (uint32(int32(bits)>>31) | 1<<31)
}

// Unorder is the inverse of Order: the bits of the float32 that has a place in that order, 0 for the zeros.
func Unorder(order uint32) uint32 { return order ^ (^uint32(int32(order)>>31) | 1<<31) }

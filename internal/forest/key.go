package forest

import "math"

const (
	keyMissingLeft  = 0
	keyNaNThreshold = 1
	keyMissingRight = math.MaxUint32
)

// key maps the bits of a float32 that is not NaN to an integer of the same order; both zeros have the same key.
func key(bits uint32) uint32 {
	if bits == 1<<31 {
		bits = 0
	}
	return bits ^ (uint32(int32(bits)>>31) | 1<<31)
}

// thresholdKey is the key of a threshold: a row goes left where its own key is less.
func thresholdKey(x float32) uint32 {
	if x != x {
		return keyNaNThreshold
	}
	return key(math.Float32bits(x))
}

// Scratch is the memory of one call. It may be used again, for the same forest, by one goroutine at a time.
type Scratch struct{ keys []uint32 }

// NewScratch returns memory for one call at a time.
func (f *Forest) NewScratch() *Scratch {
	return &Scratch{keys: make([]uint32, 2*len(f.columns)+f.tests)}
}

// expand writes both keys of every used column of row, which does not branch on values, and the keys of the conditions.
func (f *Forest) expand(keys []uint32, row []float32) {
	for c, column := range f.columns {
		b := math.Float32bits(row[column])
		k := key(b)
		missing := uint32(int32(0x7F800000-b&0x7FFFFFFF) >> 31) // all ones for a NaN, else 0
		pair := keys[2*c:][:2]
		pair[0] = k &^ missing // keyMissingLeft
		pair[1] = k | missing  // keyMissingRight
	}
	for i := range f.tests {
		test := &f.conditions[i]
		keys[2*len(f.columns)+i] = test.key(row[test.column])
	}
}

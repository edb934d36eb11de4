package forest

import (
	"math"
	"slices"

	"threatdetect/internal/heapwalk"
)

// NumKey is the number of keys that a row expands to.
func (f *Forest) NumKey() int { return 2*len(f.columns) + f.tests }

// Expand writes the NumKey keys of a row of NumFeature values. It does not branch on them.
func (f *Forest) Expand(keys []uint32, row []float32) {
	for c, column := range f.columns {
		b := math.Float32bits(row[column])
		k := heapwalk.Order(b)
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

// SplitKey returns how keys decide a split of f: a row goes left if its key in slot is less than key. ok is false for a split
// that no comparison decides, for which only GoesLeft knows the way.
func (f *Forest) SplitKey(split *Node) (key, slot uint32, ok bool) {
	if split.Categorical() {
		return keyCondition, uint32(2*len(f.columns)) + uint32(split.condition()), f.tests > 0
	}
	c, ok := slices.BinarySearch(f.columns, int32(split.Column()))
	return thresholdKey(split.Value), uint32(2*c) + split.split&1, ok
}

// HasVectors tells that every leaf holds a value for each output.
func (f *Forest) HasVectors() bool { return f.vectors != nil }

package forest

import (
	"encoding/binary"
	"slices"

	"threatdetect/model"
)

// maxCategory is the first number that is no category code any more: float32 skips whole numbers from there on.
const maxCategory = 1 << 24

// condition is what a categorical split asks of its column. Splits that ask the same share one.
type condition struct {
	column      int32
	missingLeft bool
	strayLeft   bool    // where values go that are no code, or a code beyond the field
	limit       float32 // first code beyond the field, which ends with the 32-bit word that holds the largest of codes
	codes       []int32 // ascending; they go right, and the other codes of the field left

	// bits is codes again, one bit each from code 32*first on; nil where that takes much more room than codes.
	first uint32
	bits  []uint32
}

// left tells where x goes.
func (c *condition) left(x float32) bool {
	if x != x {
		return c.missingLeft
	}
	if x < 0 || x >= c.limit {
		return c.strayLeft
	}
	_, found := slices.BinarySearch(c.codes, int32(x))
	return !found
}

// key is 0 if x goes left, else all ones: left, by the bits if there are some.
func (c *condition) key(x float32) uint32 {
	left := false
	switch {
	case c.bits == nil || x != x || x < 0 || x >= c.limit:
		left = c.left(x)
	default:
		code := uint32(x)
		i := int(code/32) - int(c.first)
		left = i < 0 || c.bits[i]>>(code%32)&1 == 0 // below limit, so i is in range
	}
	if left {
		return 0
	}
	return keyMissingRight
}

// keyCondition is the threshold of a categorical split in a heap, between the two keys that a condition gives.
const keyCondition = 1

// sparseWords is how many words of bits a condition may have for each of its codes, beyond a few that are free.
const sparseWords = 2

// pack makes the bits if they are worth their room.
func (c *condition) pack() {
	if len(c.codes) == 0 {
		return
	}
	c.first = uint32(c.codes[0]) / 32
	words := int(c.codes[len(c.codes)-1])/32 - int(c.first) + 1
	if words > 8+sparseWords*len(c.codes) {
		return
	}
	c.bits = make([]uint32, words)
	for _, code := range c.codes {
		c.bits[uint32(code)/32-c.first] |= 1 << (code % 32)
	}
}

// categories collects the conditions of a forest while it is built.
type categories struct {
	numeric     bool // the release ignores that splits are categorical and compares with the threshold
	strayByMiss bool // the release sends stray values where missing ones go
	known       map[string]int32
	list        []condition
	key         []byte
}

func newCategories(v model.Version) *categories {
	return &categories{
		numeric:     v.Before(1, 5),
		strayByMiss: v[0] == 1 && v[1] == 6,
		known:       map[string]int32{},
	}
}

// of returns, for each node of t, the place of its codes in CategoryCodes plus 1, or nil if no split is categorical.
func (c *categories) of(t *model.Tree) ([]int32, error) {
	if len(t.CategoryNodes) == 0 {
		return nil, nil
	}
	if len(t.CategoryStart) != len(t.CategoryNodes)+1 {
		return nil, formatErrorf("%d categorical splits with %d places of codes", len(t.CategoryNodes), len(t.CategoryStart))
	}
	place := make([]int32, len(t.Left))
	for i, n := range t.CategoryNodes {
		if n < 0 || int(n) >= len(place) {
			return nil, formatErrorf("node %d of %d is categorical", n, len(place))
		}
		begin, end := t.CategoryStart[i], t.CategoryStart[i+1]
		if begin < 0 || begin > end || int(end) > len(t.CategoryCodes) {
			return nil, formatErrorf("node %d has the codes %d to %d of %d", n, begin, end, len(t.CategoryCodes))
		}
		place[n] = int32(i) + 1
	}
	if c.numeric {
		return nil, nil
	}
	return place, nil
}

// add returns the number of the condition of a split.
func (c *categories) add(column int32, missingLeft bool, codes []int32) (int32, error) {
	codes = slices.Clone(codes)
	slices.Sort(codes)
	codes = slices.Compact(codes)
	if n := len(codes); n > 0 && (codes[0] < 0 || codes[n-1] >= maxCategory) {
		return 0, formatErrorf("category codes from %d to %d are not in [0, %d)", codes[0], codes[n-1], maxCategory)
	}
	c.key = binary.LittleEndian.AppendUint32(c.key[:0], uint32(column))
	c.key = append(c.key, 0)
	if missingLeft {
		c.key[4] = 1
	}
	for _, code := range codes {
		c.key = binary.LittleEndian.AppendUint32(c.key, uint32(code))
	}
	if i, ok := c.known[string(c.key)]; ok {
		return i, nil
	}
	test := condition{column: column, missingLeft: missingLeft, strayLeft: missingLeft || !c.strayByMiss, codes: codes}
	if n := len(codes); n > 0 {
		test.limit = float32((codes[n-1]/32 + 1) * 32)
	}
	test.pack()
	i := int32(len(c.list))
	c.list = append(c.list, test)
	c.known[string(c.key)] = i
	return i, nil
}

package kernel

import (
	"math/bits"
	"slices"
)

// Table is a hash table of keys that numbers them in the order that they came in. The zero Table is empty.
type Table struct {
	Pause  func()   // called again and again while the table grows, if it is not nil
	Keys   []uint64 // by number
	places []int32  // of keys, plus 1
}

// Clear makes t empty.
func (t *Table) Clear() {
	clear(t.places)
	t.Keys = t.Keys[:0]
}

// Find returns the number of a key, which is a new one if it was not found.
func (t *Table) Find(key uint64) (number int, found bool) {
	if 2*len(t.Keys) >= len(t.places) {
		size := 2 * len(t.places)
		if size < 1<<13 {
			size = max(1<<10, 2*size)
		}
		t.resize(size)
	}
	p := t.free(key)
	if *p != 0 {
		return int(*p) - 1, true
	}
	t.Keys = append(t.Keys, key)
	*p = int32(len(t.Keys))
	return len(t.Keys) - 1, false
}

// Grow makes room for so many keys in all, so that the first ones are found faster.
func (t *Table) Grow(keys int) {
	t.Keys = slices.Grow(t.Keys, max(keys-len(t.Keys), 0))
	if size := 1 << bits.Len(uint(2*keys)); size > len(t.places) {
		t.resize(size)
	}
}

func (t *Table) resize(size int) {
	t.places = make([]int32, size)
	for i, k := range t.Keys {
		if i%between == 0 && t.Pause != nil {
			t.Pause()
		}
		*t.free(k) = int32(i) + 1
	}
}

// between is how many keys are looked at between pauses.
const between = 1 << 15

// Order returns the numbers of the keys, in ascending order of the keys. It calls pause again and again.
func (t *Table) Order(pause func()) []int32 {
	order, next := make([]int32, len(t.Keys)), make([]int32, len(t.Keys))
	for i := range order {
		order[i] = int32(i)
	}
	var counts [8][256]int32
	for _, key := range t.Keys {
		for digit := range counts {
			counts[digit][byte(key>>(8*digit))]++
		}
	}
	for digit := range counts { // from the lowest; each pass keeps the order of those before
		at, shift := &counts[digit], 8*digit
		if len(order) == 0 || int(at[byte(t.Keys[0]>>shift)]) == len(order) {
			continue // all are equal there
		}
		sum := int32(0)
		for i, n := range at {
			at[i] = sum
			sum += n
		}
		for part := range slices.Chunk(order, between) {
			pause()
			for _, i := range part {
				p := &at[byte(t.Keys[i]>>shift)]
				next[*p] = i
				*p++
			}
		}
		order, next = next, order
	}
	return order
}

// free returns where key is, or where it belongs.
func (t *Table) free(key uint64) *int32 {
	mask := uint64(len(t.places) - 1)
	for h := key * 0x9E3779B97F4A7C15 >> 32; ; h++ {
		if p := &t.places[h&mask]; *p == 0 || t.Keys[*p-1] == key {
			return p
		}
	}
}

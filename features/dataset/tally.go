package dataset

import (
	"maps"
	"math"
	"slices"
)

// tally counts values in bounded memory. Values are keys whose order is theirs. As long as there are no more different
// ones than it may hold, each has a bin of its own; then bins become twice as wide, and again, until they fit: a bin holds
// the keys that are equal but for their last shift bits.
type tally struct {
	limit int
	shift uint
	index map[uint64]int32 // of key >> shift, into bins
	bins  []bin

	lastKey uint64 // of the bin that was counted in last, which is often the next one too
	last    int32
}

// cells counts rows by class and part: cells[part][class], class 0 being the benign one.
type cells [numParts][2]int64

type bin struct {
	key   uint64 // key >> shift
	count cells
}

func newTally(limit int) *tally { return &tally{limit: limit, index: make(map[uint64]int32)} }

func (t *tally) add(key uint64, part Part, class int) {
	key >>= t.shift
	i, ok := t.last, key == t.lastKey && len(t.bins) > 0
	if !ok {
		i, ok = t.index[key]
	}
	if !ok {
		i = int32(len(t.bins))
		t.index[key] = i
		t.bins = append(t.bins, bin{key: key})
	}
	t.bins[i].count[part][class]++
	t.last, t.lastKey = i, key
	if len(t.bins) > t.limit {
		t.coarsen()
	}
}

// coarsen widens the bins until half of the limit holds them.
func (t *tally) coarsen() {
	for len(t.bins) > t.limit/2 {
		t.shift++
		old := t.bins
		t.bins = make([]bin, 0, t.limit/2)
		clear(t.index)
		for i := range old {
			key := old[i].key >> 1
			at, ok := t.index[key]
			if !ok {
				at = int32(len(t.bins))
				t.index[key] = at
				t.bins = append(t.bins, bin{key: key})
			}
			t.bins[at].count.add(&old[i].count)
		}
	}
	t.last, t.lastKey = 0, t.bins[0].key
}

func (c *cells) add(d *cells) {
	for part := range c {
		for class := range c[part] {
			c[part][class] += d[part][class]
		}
	}
}

func (c *cells) total() (n int64) {
	for _, of := range c {
		n += of[0] + of[1]
	}
	return n
}

// class is how many rows of a class there are, in all parts.
func (c *cells) class(class int) (n int64) {
	for _, of := range c {
		n += of[class]
	}
	return n
}

// sorted returns the bins in the order of their keys.
func (t *tally) sorted() []bin {
	bins := make([]bin, 0, len(t.bins))
	for _, key := range slices.Sorted(maps.Keys(t.index)) {
		bins = append(bins, t.bins[t.index[key]])
	}
	return bins
}

// exact reports whether every bin is one value.
func (t *tally) exact() bool { return t.shift == 0 }

// floatKey returns a key whose order is that of v, which is not NaN. Both zeros have one key.
func floatKey(v float32) uint64 {
	b := math.Float32bits(v + 0)
	if b>>31 != 0 {
		return uint64(^b)
	}
	return uint64(b | 1<<31)
}

// keyFloat is the value of a key.
func keyFloat(key uint64) float32 {
	b := uint32(key)
	if b>>31 != 0 {
		return math.Float32frombits(b &^ (1 << 31))
	}
	return math.Float32frombits(^b)
}

// timeKey returns a key whose order is that of a time.
func timeKey(ns int64) uint64 { return uint64(ns) ^ 1<<63 }

func keyTime(key uint64) int64 { return int64(key ^ 1<<63) }

// hashWords returns a hash of words. It is the same on every machine and in every version: parts depend on it.
func hashWords(seed uint64, words ...uint64) uint64 {
	h := mix(seed + 0x9e3779b97f4a7c15)
	for _, w := range words {
		h = mix(h ^ w*0xbf58476d1ce4e5b9)
	}
	return h
}

// hashRow is hashWords over the bits of a row; all NaNs are one value, and both zeros.
func hashRow(seed uint64, row []float32) uint64 {
	h := mix(seed + 0x9e3779b97f4a7c15)
	for _, v := range row {
		w := uint64(math.Float32bits(v + 0))
		if v != v {
			w = 0x7fc00000
		}
		h = mix(h ^ w*0xbf58476d1ce4e5b9)
	}
	return h
}

// mix is the finalizer of splitmix64: every bit of the result depends on every bit of x.
func mix(x uint64) uint64 {
	x ^= x >> 30
	x *= 0xbf58476d1ce4e5b9
	x ^= x >> 27
	x *= 0x94d049bb133111eb
	return x ^ x>>31
}

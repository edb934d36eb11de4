package kernel

import (
	"math"
	"math/bits"
	"unsafe"
)

// ranked is thresholds of one column, ascending and finite, among which a value has a rank: how many of them it is not below.
//
// The rank is found by a bucket and a few comparisons. A value is clamped to [lo, last], from just below the first threshold to the
// last one; a missing value becomes the last one, so that it is below none. A function that never falls then gives the number of
// its bucket: either linear, or the upper bits of the float, which suits numbers of many magnitudes. No bucket has more than
// `compares` thresholds in it, so comparing with that many from its first one on makes the rank exact.
type ranked struct {
	slot    int
	plane   int // of the first threshold; those of the others follow
	n       int // thresholds
	bits    int // of a rank
	missing int // what follows in tile.missing, or -1
	linear  bool

	thresholds []float32 // until the plan is complete; then if there is nothing else for blocks that search no tree

	lookup
	buckets []bucket
	more    []int32 // as in bucket: the thresholds, with some of +Inf before and behind them; nil if there is but one comparison

	// If tiles share the ranks of the column, the above is not there but in Plan.shared, at place from, and table has the rank in this tile for
	// each rank there.
	from  int
	table []byte

	// For blocks of 512 rows, in place of buckets: a search tree of the thresholds and +Inf, the root at 1, of 4 levels at least. It has no place for the one
	// behind 255. There may be no buckets beside it, as a tree suits thresholds that lie unevenly, too; other blocks then compare with each of them.
	tree []float32
}

// lookup is what assembly has to know of a ranked, in the order that it knows.
type lookup struct {
	lo, last     float32
	scale        float32 // if linear: buckets for each unit
	key          int32   // of lo
	shift        uint64  // if not linear: bits of a key that a bucket has no use for
	firstBucket  *bucket
	firstCompare *int32 // of more, by the rank of a bucket: the threshold of the second comparison
	compares     int
}

// bucket is an entry of the table, as assembly has it. Thresholds are bits of floats there, and keys in the portable kernel.
type bucket struct {
	threshold int32 // the first one in it, or +Inf
	rank      int32 // of values that are below none of those compared with: the thresholds in the buckets before, and compares
}

// size is the memory that r takes.
func (r *ranked) size() int64 {
	return int64(unsafe.Sizeof(*r)) + 8*int64(len(r.buckets)) + 4*int64(len(r.more)+len(r.tree)+len(r.thresholds)) + int64(len(r.table))
}

// maxBuckets bounds the table of a rank column to 32 KB.
const maxBuckets = 4096

// keyOf maps a float that is not NaN to an integer of the same order; the zeros have the same.
func keyOf(x float32) int32 {
	b := math.Float32bits(x)
	if b == 1<<31 {
		b = 0
	}
	return keyOfBits(b)
}

// keyOfBits is its own inverse.
func keyOfBits(b uint32) int32 { return int32(b ^ uint32(int32(b)>>31)>>1) }

// keyShift is how much less numberKey is than keyOf: that of -Inf is the least of all integers, and those of all NaNs, which would lie at both ends, are the largest ones.
const keyShift = 0x7FFFFF

// numberKey is the key of a float, by its bits, in the portable kernel. It must not be -0.
func numberKey(b uint32) int32 { return keyOfBits(b) - keyShift }

func numberKeyOf(x float32) int32 { return keyOf(x) - keyShift }

// newRanked makes the table of thresholds, of which there are 1 to maxRanked. ok is false if they lie so unevenly that
// comparing with each of them costs less.
func newRanked(kind Kind, thresholds []float32) (r ranked, ok bool) {
	n := len(thresholds)
	cost := kind.costs()
	if kind == AVX512 {
		r, _ = newRanked(AVX2, thresholds)
		r.setTree(thresholds)
		return r, cost.rank+cost.compare*r.bits+cost.expand*n < cost.direct*n
	}
	first, last := thresholds[0], thresholds[n-1]
	r = ranked{n: n}
	r.lo, r.last = math.Nextafter32(first, float32(math.Inf(-1))), last
	r.key = keyOf(r.lo)
	for 1<<r.bits < n+1 {
		r.bits++
	}
	var steps thresholdSteps
	steps.set(thresholds, &r)
	best, chosen := cost.direct*n, r
	try := func(size int) {
		c := cost.rank + cost.expand*n + size*8/cost.bytes
		if c >= best {
			return
		}
		most := (best - 1 - c) / cost.compare // comparisons with which it is still less
		if compares := steps.fullest(&r, most); compares <= most {
			best, chosen = c+cost.compare*compares, r
			chosen.compares = compares
		}
	}
	for size := 16; size <= maxBuckets && chosen.compares != 1; size *= 2 {
		if cost.rank+cost.compare+size*8/cost.bytes > best {
			break
		}
		span := uint32(keyOf(last)) - uint32(r.key)
		r.linear, r.shift = false, 0
		for span>>r.shift >= uint32(size) {
			r.shift++
		}
		try(size)
		r.linear, r.scale = true, float32(float64(size)*(1-0x1p-20)/(float64(last)-float64(r.lo)))
		if !math.IsInf(float64(r.lo), 0) && float32(last-r.lo) <= math.MaxFloat32 && r.scale <= math.MaxFloat32 {
			try(size)
		}
	}
	if chosen.compares == 0 {
		return ranked{}, false
	}
	r = chosen
	stored := func(x float32) int32 {
		if kind.keys() {
			return numberKeyOf(x)
		}
		return int32(math.Float32bits(x))
	}
	inf := float32(math.Inf(1))
	steps.fullest(&r, n)
	r.buckets = make([]bucket, steps.bucket[n-1]+1)
	for i, next := 0, 0; next < n; i++ {
		first, at := next, int(steps.bucket[next])
		for ; i < at; i++ {
			r.buckets[i] = bucket{stored(inf), int32(first + r.compares)}
		}
		r.buckets[i] = bucket{stored(thresholds[first]), int32(first + r.compares)}
		for next < n && int(steps.bucket[next]) == at {
			next++
		}
	}
	if r.compares > 1 {
		r.more = make([]int32, 0, n+2*r.compares-1)
		for i := -(r.compares - 1); i < n+r.compares; i++ {
			t := inf
			if i >= 0 && i < n {
				t = thresholds[i]
			}
			r.more = append(r.more, stored(t))
		}
		r.firstCompare = &r.more[0]
	}
	r.firstBucket = &r.buckets[0]
	if kind.keys() {
		r.key = numberKeyOf(r.lo)
	}
	return r, true
}

// thresholdSteps are how far some thresholds are from ranked.lo, and the buckets that follow from that.
type thresholdSteps struct {
	n      int
	keys   [maxRanked]uint32
	values [maxRanked]float32
	bucket [maxRanked]int32
}

func (s *thresholdSteps) set(thresholds []float32, r *ranked) {
	s.n = len(thresholds)
	for i, t := range thresholds {
		s.keys[i], s.values[i] = uint32(keyOf(t)-r.key), t-r.lo
	}
}

// fullest finds the buckets of the thresholds, as r numbers them, and returns how many the fullest has. It stops where one has more than most.
func (s *thresholdSteps) fullest(r *ranked, most int) (fullest int) {
	buckets := s.bucket[:s.n]
	count, last := 0, int32(-1)
	more := func(i int, b int32) bool {
		buckets[i] = b
		if b != last {
			last, count = b, 0
		}
		count++
		fullest = max(fullest, count)
		return count > most
	}
	if r.linear {
		for i, x := range s.values[:s.n] {
			if more(i, int32(x*r.scale)) {
				break
			}
		}
	} else {
		for i, k := range s.keys[:s.n] {
			if more(i, int32(k>>r.shift)) {
				break
			}
		}
	}
	return fullest
}

// setTree makes the search tree of thresholds.
func (r *ranked) setTree(thresholds []float32) {
	r.n, r.bits = len(thresholds), bits.Len(uint(len(thresholds)))
	levels := max(r.bits, 4)
	r.tree = aligned[float32](1 << levels)
	for level := range levels {
		for i := range 1 << level {
			r.tree[1<<level+i] = float32(math.Inf(1))
			if k := (2*i+1)<<(levels-1-level) - 1; k < r.n {
				r.tree[1<<level+i] = thresholds[k]
			}
		}
	}
}

// columnCosts is what a block takes for a column, in cycles of a Zen 3 and roughly.
type columnCosts struct {
	direct  int // a threshold that is compared directly
	rank    int // a rank column, without:
	compare int // one of the comparisons of a value
	expand  int // a plane
	bytes   int // of a table that take one cycle more
}

func (k Kind) costs() columnCosts {
	switch k {
	case Generic, NEON: // 64 rows
		return columnCosts{direct: 90, rank: 600, compare: 130, expand: 2, bytes: 64}
	case AVX512: // of a Zen 5; compare is for each bit of a rank
		return columnCosts{direct: 34, rank: 100, compare: 80, expand: 3, bytes: 64}
	}
	return columnCosts{direct: 26, rank: 200, compare: 320, expand: 2, bytes: 64}
}

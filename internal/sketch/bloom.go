package sketch

// Bloom is a Bloom filter in two generations: what was added to the present or the one before it is there, and about one in
// a hundred of what was not, as long as no more was added to a generation than it is made for.
type Bloom struct {
	generations [2][]uint64
	added       int // to the present one, which is the first
	capacity    int
	clean       bool // nothing was added since all of it was cleared
}

const (
	bloomBits   = 10 // for each key
	bloomHashes = 7
)

// NewBloom returns a filter whose generations take so many bytes each, a power of two and at least 8.
func NewBloom(bytes int) *Bloom {
	return &Bloom{generations: [2][]uint64{make([]uint64, bytes/8), make([]uint64, bytes/8)}, capacity: bytes * 8 / bloomBits, clean: true}
}

// Add puts a key, given by a hash of 64 bits, into the present generation, and reports whether it was there already, in either
// one. A generation that is full turns.
func (b *Bloom) Add(h uint64) (seen bool) {
	if b.added >= b.capacity {
		b.Turn()
	}
	b.clean = false
	now, before := b.generations[0], b.generations[1]
	inNow, inBefore := true, true
	step := h>>32 | 1
	mask := uint64(len(now)*64 - 1)
	for range bloomHashes {
		at := h & mask
		bit := uint64(1) << (at & 63)
		inNow = inNow && now[at>>6]&bit != 0
		inBefore = inBefore && before[at>>6]&bit != 0
		now[at>>6] |= bit
		h += step
	}
	if !inNow {
		b.added++
	}
	return inNow || inBefore
}

// Has reports whether a key is there.
func (b *Bloom) Has(h uint64) bool {
	step, mask := h>>32|1, uint64(len(b.generations[0])*64-1)
	inNow, inBefore := true, true
	for range bloomHashes {
		at := h & mask
		bit := uint64(1) << (at & 63)
		inNow = inNow && b.generations[0][at>>6]&bit != 0
		inBefore = inBefore && b.generations[1][at>>6]&bit != 0
		h += step
	}
	return inNow || inBefore
}

// Turn forgets the generation before the present one, and begins a new one.
func (b *Bloom) Turn() {
	b.generations[0], b.generations[1] = b.generations[1], b.generations[0]
	clear(b.generations[0])
	b.added = 0
}

// Reset forgets everything.
func (b *Bloom) Reset() {
	if !b.clean {
		clear(b.generations[0])
		clear(b.generations[1])
		b.added, b.clean = 0, true
	}
}

// Added is how many keys were put into the present generation, and Words are its bits and those of the one before it, which may be
// changed: together they are all that there is to save.
func (b *Bloom) Added() int { return b.added }

// SetAdded sets what Added returns; it reports whether it can be.
func (b *Bloom) SetAdded(n int) bool {
	b.added, b.clean = n, false
	return n >= 0 && n <= b.capacity
}

// Words returns the bits of a generation: 0 is the present one.
func (b *Bloom) Words(generation int) []uint64 {
	b.clean = false
	return b.generations[generation]
}

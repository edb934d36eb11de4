package sketch

// Seed is a secret of a process that makes hashes others cannot foresee. The zero Seed is the fixed one: Hash and HashText are its.
type Seed [2]uint64

// Hash is the seeded [Hash]: f(f(a xor s0) xor b xor s1).
func (s Seed) Hash(a, b uint64) uint64 { return finish(finish(a^s[0]) ^ b ^ s[1]) }

// HashText is the seeded [HashText]: FNV-1a from another beginning, and another end.
func (s Seed) HashText(text []byte) uint64 {
	h := uint64(0xcbf29ce484222325) ^ s[0]
	for _, c := range text {
		h = (h ^ uint64(c)) * 0x100000001b3
	}
	return finish(h ^ s[1])
}

// Hash mixes two numbers into 64 bits that look random: it is the finaliser of splitmix64 applied to the first, and to the
// result combined with the second. It is fixed for ever, because the values of columns depend on it.
func Hash(a, b uint64) uint64 { return finish(finish(a) ^ b) }

func finish(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// HashText mixes a text into 64 bits: FNV-1a, finished as in Hash.
func HashText[T ~string | ~[]byte](s T) uint64 {
	h := uint64(0xcbf29ce484222325)
	for i := range len(s) {
		h = (h ^ uint64(s[i])) * 0x100000001b3
	}
	return finish(h)
}

package sketch

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

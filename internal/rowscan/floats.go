package rowscan

// Lookahead is how many bytes [Block.Floats] looks at from the first digit of a number on.
const Lookahead = 16

// maxFloats is how many fields one call of assembly reads: a goroutine cannot be stopped in it, and a garbage collection has to wait.
const maxFloats = 1 << 10

// HasFloats reports whether [Block.Floats] is there on this machine and in this build.
func HasFloats() bool { return hasAVX2 }

// Fields returns how many fields line i has, at least one.
func (b *Block) Fields(i int) int { return int(b.lines[i+1]) - int(b.first(i)) + 1 }

// Field returns where a field of line i is in the text.
func (b *Block) Field(i, field int) (start, end int) {
	ends := b.ends[b.first(i)+field:]
	return int(ends[0] + 1), int(ends[1])
}

// Floats reads fields of line i, from a given one on, into dst. It reads up to 15 characters, digits of which one may be a point, with or without a minus ahead, as
// the float32 of the nearest float64, and an empty field as NaN. It returns how many it read before the first that is anything else, or of which [Lookahead] bytes from its first digit
// on, which are looked at, are not within the capacity of the text.
func (b *Block) Floats(dst []float32, i, field int) int {
	n := min(len(dst), b.Fields(i)-field)
	if n <= 0 || cap(b.text) < Lookahead || !hasAVX2 {
		return 0
	}
	read, ends := 0, b.ends[b.first(i)+field:]
	for read < n {
		some := min(maxFloats, n-read)
		k := int(floatsAVX2(&dst[read], &b.text[0], &ends[read], uintptr(some), uintptr(cap(b.text)-Lookahead)))
		if read += k; k < some {
			break
		}
	}
	return read
}

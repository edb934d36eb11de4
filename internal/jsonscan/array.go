package jsonscan

import "iter"

// Elements returns the values of the array that is all of b and well-formed, each with its quotes or brackets; none if b is
// no array.
func Elements(b []byte) iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		if len(b) == 0 || b[0] != '[' {
			return
		}
		for i := skipSpace(b, 1); i < len(b) && b[i] != ']'; {
			start := i
			switch b[i] {
			case '"':
				if i, _ = scanString(b, i+1); i >= 0 {
					i++
				}
			case '{', '[':
				i = scanNested(b, i, 1)
			default:
				i, _ = scanScalar(b, i)
			}
			if i < 0 || !yield(b[start:i]) {
				return
			}
			if i = skipSpace(b, i); i < len(b) && b[i] == ',' {
				i = skipSpace(b, i+1)
			}
		}
	}
}

// Len is how many values the array has that is all of b and well-formed; ok is false if b is no array.
func Len(b []byte) (n int, ok bool) {
	for range Elements(b) {
		n++
	}
	return n, len(b) > 0 && b[0] == '['
}

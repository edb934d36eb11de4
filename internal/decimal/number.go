package decimal

import "math/bits"

// number is a decimal text taken apart: ± whole . frac × 10^exp.
type number struct {
	whole, frac []byte // digits
	exp         int
	signed, neg bool
}

// maxExp bounds exponents: no text is long enough to bring a larger one back into the range of a result.
const maxExp = 1 << 30

// take checks b against the grammar of reals and takes it apart.
func take(b []byte) (n number, ok bool) {
	i := 0
	if i < len(b) && (b[i] == '-' || b[i] == '+') {
		n.signed, n.neg = true, b[i] == '-'
		i++
	}
	n.whole = digits(b[i:])
	i += len(n.whole)
	if i < len(b) && b[i] == '.' {
		i++
		n.frac = digits(b[i:])
		i += len(n.frac)
	}
	if len(n.whole)+len(n.frac) == 0 {
		return n, false
	}
	if i < len(b) && (b[i] == 'e' || b[i] == 'E') {
		i++
		neg := false
		if i < len(b) && (b[i] == '-' || b[i] == '+') {
			neg = b[i] == '-'
			i++
		}
		exp := digits(b[i:])
		if len(exp) == 0 {
			return n, false
		}
		i += len(exp)
		for _, c := range exp {
			n.exp = min(n.exp*10+int(c-'0'), maxExp)
		}
		if neg {
			n.exp = -n.exp
		}
	}
	return n, i == len(b)
}

func digits(b []byte) []byte {
	for i, c := range b {
		if c-'0' > 9 {
			return b[:i]
		}
	}
	return b
}

func (n *number) digit(i int) byte {
	if i < len(n.whole) {
		return n.whole[i] - '0'
	}
	return n.frac[i-len(n.whole)] - '0'
}

// rest is what is left behind the last whole digit of a number, compared with one half.
type rest uint8

const (
	restNone rest = iota
	restLess
	restHalf
	restMore
)

// shifted returns the magnitude of n times 10^places as an integer and what is left; ok is false if the integer
// does not fit.
func (n *number) shifted(places int) (value uint64, left rest, ok bool) {
	total := len(n.whole) + len(n.frac)
	first := 0
	for first < total && n.digit(first) == 0 {
		first++
	}
	if first == total {
		return 0, restNone, true
	}
	// The number is 0.d1d2d3... × 10^point, d1 not 0.
	point := len(n.whole) - first + n.exp + places
	if point > 20 {
		return 0, restNone, false
	}
	i := first
	for ; i < first+point; i++ {
		hi, lo := bits.Mul64(value, 10)
		d := byte(0)
		if i < total {
			d = n.digit(i)
		}
		sum, carry := bits.Add64(lo, uint64(d), 0)
		if hi != 0 || carry != 0 {
			return 0, restNone, false
		}
		value = sum
	}
	if point < 0 {
		return 0, restLess, true
	}
	return value, n.compareHalf(i, total), true
}

// compareHalf compares the digits from i on, as a fraction, with one half.
func (n *number) compareHalf(i, total int) rest {
	if i >= total {
		return restNone
	}
	head := n.digit(i)
	tail := false
	for i++; i < total && !tail; i++ {
		tail = n.digit(i) != 0
	}
	switch {
	case head == 0 && !tail:
		return restNone
	case head < 5:
		return restLess
	case head == 5 && !tail:
		return restHalf
	}
	return restMore
}

package decimal

import (
	"encoding/binary"
	"strconv"
)

// Count returns the value of text that is an integer in 0..2^64-1: digits, then an optional fraction and exponent
// (`12`, `12.0`, `1e5`), no sign. ok is false for anything else.
func Count(b []byte) (value uint64, ok bool) {
	// Nineteen digits cannot overflow.
	if len(b) == 0 || len(b) > 19 {
		return countSlow(b)
	}
	for _, c := range b {
		d := c - '0'
		if d > 9 {
			return countSlow(b)
		}
		value = value*10 + uint64(d)
	}
	return value, true
}

// CountAt is Count of the bytes of b from start to end. It is faster where b has eight bytes up to end.
func CountAt(b []byte, start, end int) (value uint64, ok bool) {
	if n := end - start; uint(n-1) < 8 && end >= 8 && end <= len(b) {
		if value, ok = Last(binary.LittleEndian.Uint64(b[end-8:]), n); ok {
			return value, true
		}
	}
	return Count(b[start:end])
}

func countSlow(b []byte) (uint64, bool) {
	n, ok := take(b)
	if !ok || n.signed || len(n.whole) == 0 {
		return 0, false
	}
	value, left, ok := n.shifted(0)
	return value, ok && left == restNone
}

// exactPow10 are the powers of ten that a float64 holds exactly.
var exactPow10 = [...]float64{1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19,
	1e20, 1e21, 1e22}

// Real returns the float64 nearest to the text: an optional sign, digits, an optional fraction and exponent. Digits
// may be missing on one side of the point. ok is false for anything else and for what is not finite.
func Real(b []byte) (value float64, ok bool) {
	if m, places, neg, ok := plain(b); ok && m < 1<<53 {
		// Both operands are exact, so the one rounding of the division is the right one.
		value = float64(m) / exactPow10[places]
		if neg {
			value = -value
		}
		return value, true
	}
	if _, ok := take(b); !ok {
		return 0, false
	}
	value, err := strconv.ParseFloat(string(b), 64)
	return value, err == nil
}

var pow10 = [...]int64{1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18}

// Fixed returns the value of the text, a real, times 10^places, rounded to the nearest integer with ties to even:
// with 9 places decimal seconds become nanoseconds. ok is false if the text is no real or the result no int64.
func Fixed(b []byte, places int) (value int64, ok bool) {
	if places == 6 && len(b) >= 8 && len(b) <= 17 && b[len(b)-7] == '.' {
		if v, ok := micros(b); ok {
			return v, true
		}
	}
	if places == 6 && len(b) > 17 {
		if v, ok := noisyMicros(b); ok {
			return v, true
		}
	}
	m, frac, neg, ok := plain(b)
	if ok && frac > places && places >= 0 {
		// Programs that print a float64 write more digits than there are.
		unit := uint64(pow10[frac-places])
		u, rest := m/unit, m%unit
		if rest > unit/2 || rest == unit/2 && u&1 == 1 { // half a unit is whole
			u++
		}
		if neg {
			return -int64(u), true
		}
		return int64(u), true
	}
	if ok && places < len(pow10) {
		// m has at most 18 digits; the check leaves room for one more factor.
		if scale := pow10[places-frac]; int64(m) <= (1<<63-1)/scale {
			value = int64(m) * scale
			if neg {
				value = -value
			}
			return value, true
		}
	}
	n, ok := take(b)
	if !ok {
		return 0, false
	}
	u, left, ok := n.shifted(places)
	if !ok || u > 1<<63 {
		return 0, false
	}
	if left == restMore || left == restHalf && u&1 == 1 {
		u++
	}
	switch {
	case !n.neg && u < 1<<63:
		return int64(u), true
	case n.neg && u <= 1<<63:
		return -int64(u), true // -(1<<63) wraps to itself, which is right
	}
	return 0, false
}

// zeros are eight digits 0.
const zeros = 0x3030303030303030

// micros reads the form in which Zeek writes times and intervals: one to ten digits, a point, six digits. It is Fixed with six
// places.
func micros(b []byte) (value int64, ok bool) {
	n := len(b) - 7
	// The six digits and the point and one digit before them, as if the point were a 0.
	tail := binary.LittleEndian.Uint64(b[n-1:])
	low := tail&^(0xff<<8) | '0'<<8
	if !digits8(low) {
		return 0, false
	}
	if n == 10 { // seconds of today
		head := binary.LittleEndian.Uint64(b)
		if !digits8(head) || b[8]-'0' > 9 {
			return 0, false
		}
		value = value8(head)*10 + int64(b[8]-'0')
	} else {
		for _, c := range b[:n-1] {
			d := c - '0'
			if d > 9 {
				return 0, false
			}
			value = value*10 + int64(d)
		}
	}
	v := value8(low) // d0ffffff
	return (value*10+v/1e7)*1e6 + v%1e7, true
}

// Recent reads times in seconds, of which the first digits are mostly those of the time before. The zero value is ready. It has one owner.
type Recent struct {
	head  uint64 // the first eight digits, as they are
	value int64  // what they mean
}

// Seconds reads ten digits, which is what times since 2001 have ahead of the point; behind them are a point and what else there is to the last rest bytes of b, which is
// for others to read. ok is false for other forms.
func (r *Recent) Seconds(b []byte, rest int) (value int64, ok bool) {
	const form = "0000000000."
	if len(b) < len(form) || len(b)-rest != len(form)-1 || b[10] != '.' || b[8]-'0' > 9 || b[9]-'0' > 9 {
		return 0, false
	}
	head := binary.LittleEndian.Uint64(b) ^ zeros
	if head != r.head {
		if !digits8(head ^ zeros) {
			return 0, false
		}
		r.head, r.value = head, value8(head^zeros)
	}
	return r.value*100 + int64(b[8]-'0')*10 + int64(b[9]-'0'), true
}

// noisyMicros reads the form in which programs write a float64 of seconds: one to ten digits, a point, and 7 to 22 digits, of which most are noise. It is
// Fixed with six places.
func noisyMicros(b []byte) (value int64, ok bool) {
	point := 0
	for point < min(len(b), 11) && b[point]-'0' <= 9 {
		value = value*10 + int64(b[point]-'0')
		point++
	}
	noise := point + 7
	if point == 0 || point > 10 || noise >= len(b) || len(b)-noise > 16 || b[point] != '.' {
		return 0, false
	}
	us, ok := Last(binary.LittleEndian.Uint64(b[noise-8:]), 6)
	if !ok {
		return 0, false
	}
	// What is behind the six digits is compared with a half: the first eight of it, or all, and then whether there is anything but zeros.
	last := binary.LittleEndian.Uint64(b[len(b)-8:])
	n := min(len(b)-noise, 8)
	first := last
	if len(b)-noise > 8 {
		first = binary.LittleEndian.Uint64(b[noise:])
		if !digits8(last) {
			return 0, false
		}
	}
	rest, ok := Last(first, n)
	if !ok {
		return 0, false
	}
	half := uint64(pow10[n]) / 2
	more := len(b)-noise > 8 && last != zeros && rest == half // the five itself is not among the last eight
	if rest > half || more || rest == half && us&1 == 1 {
		us++
	}
	return value*1e6 + int64(us), true
}

// Last is Count of the last n of eight bytes, of which the last is the highest of b. n is from 1 to 8.
func Last(b uint64, n int) (value uint64, ok bool) {
	const sixes, high = 0x0606060606060606, 0xf0f0f0f0f0f0f0f0
	shift := uint(64-8*n) & 63
	b = b>>shift<<shift ^ zeros<<shift
	if (b|(b+sixes))&high != 0 {
		return 0, false
	}
	return uint64(value8(b + zeros)), true
}

// digits8 reports whether all bytes of x are digits.
func digits8(x uint64) bool {
	const high = 0xf0f0f0f0f0f0f0f0
	return x&high == zeros && (x+0x0606060606060606)&high == zeros
}

// value8 is the value of eight digits, the first in the lowest byte.
func value8(x uint64) int64 {
	x -= zeros
	x = x*10 + x>>8
	x = (x&0x000000ff000000ff*(100+1000000<<32) + x>>16&0x000000ff000000ff*(1+10000<<32)) >> 32
	return int64(x)
}

// plain reads the usual form, an optional sign and up to 18 digits with one point among or behind them, as
// ±digits / 10^places.
func plain(b []byte) (digits uint64, places int, neg, ok bool) {
	if len(b) > 0 && (b[0] == '-' || b[0] == '+') {
		neg = b[0] == '-'
		b = b[1:]
	}
	if len(b) == 0 || len(b) > 19 {
		return 0, 0, false, false
	}
	point := -1
	for i, c := range b {
		d := c - '0'
		if d > 9 {
			if c != '.' || point >= 0 {
				return 0, 0, false, false
			}
			point = i
			continue
		}
		digits = digits*10 + uint64(d)
	}
	switch {
	case point < 0:
		return digits, 0, neg, len(b) < 19
	case len(b) == 1:
		return 0, 0, false, false
	}
	return digits, len(b) - 1 - point, neg, true
}

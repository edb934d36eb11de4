package rows

import (
	"encoding/binary"
	"math"
	"strconv"
)

// powers holds 10^i; the first exactPower+1 are exact in float64.
var powers = [...]float64{
	1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
	1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22, 1e23, 1e24, 1e25, 1e26, 1e27, 1e28, 1e29, 1e30,
	1e31, 1e32, 1e33, 1e34, 1e35, 1e36, 1e37, 1e38, 1e39, 1e40, 1e41, 1e42, 1e43, 1e44, 1e45,
}

const (
	exactPower    = 22          // largest i with an exact powers[i]
	exactMantissa = 1 << 53     // every integer up to it is exact in float64
	maxDigits     = 18          // decimal digits that always fit an int64
	maxExponent   = 100_000_000 // more than any line has digits: beyond it every number is 0 or infinite
)

// decimal reads the number that text starts with: [+-] digits [. digits] [e [+-] digits], where either group of digits
// round the point may be empty. It returns the float32 of its float64, and its length, which is 0 if there is no number.
func decimal(text []byte) (float32, int) {
	i := 0
	negative := false
	if len(text) > 0 && (text[0] == '-' || text[0] == '+') {
		negative = text[0] == '-'
		i = 1
	}
	first := i
	var mantissa uint64
	for ; i < len(text); i++ {
		c := text[i] - '0'
		if c > 9 {
			break
		}
		mantissa = mantissa*10 + uint64(c)
	}
	digits := i - first
	exponent := 0
	if i < len(text) && text[i] == '.' {
		i++
		point := i
		for i+8 <= len(text) && text[i+6]-'0' <= 9 { // as programs write a float64
			eight, ok := digits8(binary.LittleEndian.Uint64(text[i:]))
			if !ok {
				break
			}
			mantissa = mantissa*1e8 + eight
			i += 8
		}
		for ; i < len(text); i++ {
			c := text[i] - '0'
			if c > 9 {
				break
			}
			mantissa = mantissa*10 + uint64(c)
		}
		exponent = point - i
		digits += i - point
	}
	if digits == 0 {
		return 0, 0
	}
	if digits > maxDigits { // leading zeros add nothing to the mantissa
		for j := first; j < i && (text[j] == '0' || text[j] == '.'); j++ {
			if text[j] == '0' {
				digits--
			}
		}
	}
	if i < len(text) && text[i]|0x20 == 'e' {
		if e, n := power(text[i+1:]); n > 0 {
			exponent += e
			i += 1 + n
		}
	}
	if digits <= maxDigits {
		if f, ok := scale(mantissa, exponent); ok {
			if negative {
				f = -f
			}
			return f, i
		}
	}
	f, _ := strconv.ParseFloat(string(text[:i]), 64) // the text is valid, so an error means out of range: infinite, as wanted
	return float32(f), i
}

// power reads what follows the e of a number; its length is 0 if that is no integer.
func power(text []byte) (e, n int) {
	i := 0
	negative := false
	if len(text) > 0 && (text[0] == '-' || text[0] == '+') {
		negative = text[0] == '-'
		i = 1
	}
	first := i
	for ; i < len(text) && '0' <= text[i] && text[i] <= '9'; i++ {
		if e < maxExponent {
			e = e*10 + int(text[i]-'0')
		}
	}
	if i == first {
		return 0, 0
	}
	if negative {
		e = -e
	}
	return e, i
}

// scale returns the float32 of the float64 nearest to mantissa * 10^exponent, or false where it cannot be sure of it.
// The mantissa has at most maxDigits digits.
//
// With a mantissa and a power that are exact, one operation rounds once: that is the nearest float64. Otherwise mantissa,
// power and operation err by 2^-53 each, together by no more than 4 units in the last place. A float64 further than that
// from the middle between two float32 goes to the same float32 as the nearest float64 does.
func scale(mantissa uint64, exponent int) (float32, bool) {
	f := float64(int64(mantissa))
	switch {
	case exponent == 0:
	case 0 < exponent && exponent < len(powers):
		f *= powers[exponent]
	case -len(powers) < exponent && exponent < 0:
		f /= powers[-exponent]
	case exponent > 0:
		return float32(math.Inf(1)), mantissa > 0 // 1e46 and more
	default:
		return 0, exponent < -maxDigits-len(powers) // less than 1e-46; float32 begins at 7e-46, half its smallest value
	}
	if mantissa <= exactMantissa && -exactPower <= exponent && exponent <= exactPower {
		return float32(f), true
	}
	const (
		dropped = 52 - 23 // bits of a float64's fraction that a float32 has not
		middle  = 1 << (dropped - 1)
		margin  = 8
	)
	if f < 0x1p-125 || f > 0x1p127 { // float32 has fewer bits there, or none
		return 0, false
	}
	fraction := math.Float64bits(f) & (1<<dropped - 1)
	if fraction-(middle-margin) <= 2*margin {
		return 0, false
	}
	return float32(f), true
}

// number reads all of text as a number or an infinity.
func number(text []byte) (float32, bool) {
	v, n := decimal(text)
	if n > 0 {
		return v, n == len(text)
	}
	if len(text) == 0 {
		return 0, false
	}
	sign := 1
	switch text[0] {
	case '-':
		sign = -1
		text = text[1:]
	case '+':
		text = text[1:]
	}
	return float32(math.Inf(sign)), isWord(text, "inf") || isWord(text, "infinity")
}

// value is number for a field that may be missing: empty, or nan.
func value(text []byte) (float32, bool) {
	if len(text) == 0 || isWord(text, "nan") {
		return nan, true
	}
	return number(text)
}

// isWord reports whether text is word, given in lower case, in any case.
func isWord(text []byte, word string) bool {
	if len(text) != len(word) {
		return false
	}
	for i := range text {
		if c := text[i]; c|0x20 != word[i] { // ASCII letters only: no other byte becomes one of them
			return false
		}
	}
	return true
}

// isBlank reports a space or a tab.
func isBlank(c byte) bool { return c == ' ' || c == '\t' }

// trim takes the blanks off both ends.
func trim(text []byte) []byte {
	for len(text) > 0 && isBlank(text[0]) {
		text = text[1:]
	}
	for len(text) > 0 && isBlank(text[len(text)-1]) {
		text = text[:len(text)-1]
	}
	return text
}

// digits8 is the value of eight digits, the first in the lowest byte.
func digits8(x uint64) (value uint64, ok bool) {
	const zeros, sixes, high = 0x3030303030303030, 0x0606060606060606, 0xf0f0f0f0f0f0f0f0
	x ^= zeros
	if (x|(x+sixes))&high != 0 {
		return 0, false
	}
	x = x*10 + x>>8
	return (x&0x000000ff000000ff*(100+1000000<<32) + x>>16&0x000000ff000000ff*(1+10000<<32)) >> 32, true
}

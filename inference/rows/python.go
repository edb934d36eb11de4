package rows

import (
	"math"
	"strconv"
	"strings"
	"unicode"
)

// isPythonSpace reports what float() and int() of Python skip at both ends: not the separators 0x1c to 0x1f, which strip() takes.
func isPythonSpace(r rune) bool {
	return '\t' <= r && r <= '\r' || r == ' ' || r == 0x85 || r == 0xa0 || r > 0xff && unicode.IsSpace(r)
}

// pythonASCII brings the digits of all scripts to ASCII and takes blanks off both ends, and underscores out where they
// stand between digits. ok is false where Python would see no number. It adds to ascii.
func pythonASCII(ascii []byte, text string) (_ []byte, ok bool) {
	text = strings.TrimFunc(text, isPythonSpace)
	last := byte(0) // the character before, with its underscore
	for _, r := range text {
		c := byte('?')
		switch {
		case r < 0x80:
			c = byte(r)
		case unicode.IsDigit(r):
			c = digitOf(r)
		}
		isDigit := '0' <= c && c <= '9'
		if last == '_' && !isDigit || c == '_' && (last < '0' || last > '9') {
			return nil, false
		}
		if last = c; c != '_' {
			ascii = append(ascii, c)
		}
	}
	return ascii, last != '_'
}

// digitOf is the ASCII digit that a decimal digit of any script stands for. Each script has them in a row of ten.
func digitOf(r rune) byte {
	first := r
	for _, span := range unicode.Nd.R16 {
		if lo := rune(span.Lo); lo <= r && r <= rune(span.Hi) {
			first = lo
		}
	}
	for _, span := range unicode.Nd.R32 {
		if lo := rune(span.Lo); lo <= r && r <= rune(span.Hi) {
			first = lo
		}
	}
	return '0' + byte((r-first)%10)
}

// pythonFloat reads what float() of Python reads, as NumPy asks it to: zero bytes at the end do not count.
func pythonFloat(text string) (float64, bool) {
	var room [32]byte
	ascii, ok := pythonASCII(room[:0], strings.TrimRight(text, "\x00"))
	if !ok {
		return 0, false
	}
	bare := ascii
	if len(bare) > 0 && (bare[0] == '+' || bare[0] == '-') {
		bare = bare[1:]
	}
	if isWord(bare, "nan") {
		return math.NaN(), true
	}
	if _, ok := number(ascii); !ok {
		return 0, false
	}
	v, _ := strconv.ParseFloat(string(ascii), 64) // out of range is infinite, as in Python
	return v, true
}

// pythonIndex reads what int() of Python reads, if it is a number that NumPy can hold and an index.
func pythonIndex(text string) (uint64, bool) {
	if n, ok := shortIndex(text); ok {
		return n, true
	}
	var room [32]byte
	ascii, ok := pythonASCII(room[:0], strings.TrimRight(text, "\x00"))
	if !ok || len(ascii) == 0 {
		return 0, false
	}
	digits := ascii
	if digits[0] == '+' || digits[0] == '-' {
		digits = digits[1:]
	}
	if !isDigits(digits) {
		return 0, false
	}
	v, err := strconv.ParseInt(string(ascii), 10, 64)
	return uint64(v), err == nil && v >= 0
}

// shortIndex reads the digits that nearly every index is.
func shortIndex(text string) (n uint64, ok bool) {
	for i := range len(text) {
		c := text[i]
		if c < '0' || c > '9' {
			return 0, false
		}
		n = n*10 + uint64(c-'0')
	}
	return n, 0 < len(text) && len(text) <= 9
}

package detect

import (
	"math"
	"strconv"
	"unicode"
	"unicode/utf8"

	"threatdetect/internal/decimal"
)

// maxText is how many bytes of one text of a log are written; a longer one is cut and marked, so that a line stays
// bounded whatever the log holds.
const maxText = 1024

const cutMark = "…"

// text is what a log holds: bytes that are usually, but need not be, UTF-8.
type text interface{ ~string | ~[]byte }

// cutText returns the length of the part of s that is written, which does not end inside a UTF-8 sequence, and whether
// that is less than all.
func cutText[T text](s T) (n int, cut bool) {
	if len(s) <= maxText {
		return len(s), false
	}
	n = maxText
	for n > maxText-utf8.UTFMax && !utf8.RuneStart(s[n]) {
		n--
	}
	return n, true
}

// appendString appends s as a JSON string. Everything that a terminal might act on or that has no shape of its own
// (controls, line separators, marks of direction, invisible characters) is escaped; bytes that are not UTF-8 become
// U+FFFD.
func appendString[T text](dst []byte, s T) []byte {
	dst = append(dst, '"')
	dst = appendEscaped(dst, s, `\"`)
	return append(dst, '"')
}

// appendEscaped appends s with the escapes of a JSON string, and quote for each quotation mark.
func appendEscaped[T text](dst []byte, s T, quote string) []byte {
	n, cut := cutText(s)
	i := 0
	for i < n && plain[s[i]] {
		i++
	}
	for dst = append(dst, s[:i]...); i < n; {
		c := s[i]
		if c < utf8.RuneSelf {
			i++
			switch {
			case c == '"':
				dst = append(dst, quote...)
			case c == '\\':
				dst = append(dst, `\\`...)
			case c == '\n':
				dst = append(dst, `\n`...)
			case c == '\r':
				dst = append(dst, `\r`...)
			case c == '\t':
				dst = append(dst, `\t`...)
			case c < ' ' || c == 0x7f:
				dst = appendUnicodeEscape(dst, rune(c))
			default:
				dst = append(dst, c)
			}
			continue
		}
		var seq [utf8.UTFMax]byte
		r, size := utf8.DecodeRune(seq[:copy(seq[:], s[i:n])])
		i += size
		switch {
		case unicode.IsPrint(r): // U+FFFD included
			dst = utf8.AppendRune(dst, r)
		case r > 0xffff:
			r -= 0x10000
			dst = appendUnicodeEscape(appendUnicodeEscape(dst, 0xd800+r>>10), 0xdc00+r&0x3ff)
		default:
			dst = appendUnicodeEscape(dst, r)
		}
	}
	if cut {
		dst = append(dst, cutMark...)
	}
	return dst
}

// AppendText appends a text of a log for records that are no text themselves, such as those of a table: what a JSON string of the other outputs says,
// so UTF-8 of 1,024 bytes and a mark where it is cut at most.
func AppendText[T ~string | ~[]byte](dst []byte, s T) []byte {
	n, cut := cutText(s)
	for i := 0; i < n; {
		if c := s[i]; c < utf8.RuneSelf {
			dst = append(dst, c)
			i++
			continue
		}
		var seq [utf8.UTFMax]byte
		r, size := utf8.DecodeRune(seq[:copy(seq[:], s[i:n])])
		dst = utf8.AppendRune(dst, r)
		i += size
	}
	if cut {
		dst = append(dst, cutMark...)
	}
	return dst
}

// plain tells of a byte that it stands for itself in a JSON string.
var plain = func() (t [256]bool) {
	for c := byte(' '); c < 0x7f; c++ {
		t[c] = c != '"' && c != '\\'
	}
	return t
}()

const hexDigits = "0123456789abcdef"

// appendUnicodeEscape appends the escape of one UTF-16 code unit.
func appendUnicodeEscape(dst []byte, unit rune) []byte {
	return append(dst, '\\', 'u', hexDigits[unit>>12&15], hexDigits[unit>>8&15], hexDigits[unit>>4&15], hexDigits[unit&15])
}

// appendNumber appends f as JSON has it: null for what is not finite.
func appendNumber(dst []byte, f float32) []byte {
	if f-f != 0 {
		return append(dst, "null"...)
	}
	return decimal.AppendFloat32(dst, f)
}

// appendTime appends a time in nanoseconds since the epoch by RFC 3339 in UTC: with six decimals, or nine if six do not
// hold it.
func appendTime(dst []byte, ns int64) []byte {
	var c clock
	return c.appendTime(dst, ns)
}

// putDigits fills b with the last digits of n, which is not negative.
func putDigits(b []byte, n int) {
	for ; len(b) >= 2; b = b[:len(b)-2] {
		pair := n % 100 * 2
		n /= 100
		b[len(b)-2], b[len(b)-1] = pairs[pair], pairs[pair+1]
	}
	if len(b) == 1 {
		b[0] = '0' + byte(n%10)
	}
}

// pairs are the numbers of two digits, one after the other.
const pairs = "00010203040506070809101112131415161718192021222324252627282930313233343536373839404142434445464748495051525354555657585960616263646566676869" +
	"707172737475767778798081828384858687888990919293949596979899"

// appendSeconds appends a time in nanoseconds as decimal seconds with six or nine decimals, as appendTime.
func appendSeconds(dst []byte, ns int64) []byte {
	abs := uint64(ns)
	if ns < 0 {
		dst = append(dst, '-')
		abs = -abs
	}
	dst = strconv.AppendUint(dst, abs/1e9, 10)
	fraction, digits := abs%1e9, [...]byte{'.', 0, 0, 0, 0, 0, 0, 0, 0, 0}
	for i := len(digits) - 1; i > 0; i-- {
		digits[i] = '0' + byte(fraction%10)
		fraction /= 10
	}
	if ns%1000 == 0 {
		return append(dst, digits[:7]...)
	}
	return append(dst, digits[:]...)
}

// appendKey appends the key of the next member of an object, with the comma ahead of it. The key needs no escapes.
func appendKey(dst []byte, key string) []byte {
	if c := dst[len(dst)-1]; c != '{' && c != '[' {
		dst = append(dst, ',')
	}
	dst = append(dst, '"')
	dst = append(dst, key...)
	return append(dst, '"', ':')
}

// appendOpen begins the object of a key.
func appendOpen(dst []byte, key string) []byte { return append(appendKey(dst, key), '{') }

// appendClose ends the object that appendOpen began when dst had length start, or takes it away if it stayed empty.
func appendClose(dst []byte, start int) []byte {
	if dst[len(dst)-1] == '{' {
		return dst[:start]
	}
	return append(dst, '}')
}

// appendMember appends a member with a text.
func appendMember[T text](dst []byte, key string, value T) []byte {
	return appendString(appendKey(dst, key), value)
}

// appendInt appends a member with an integer.
func appendInt(dst []byte, key string, n int64) []byte {
	return strconv.AppendInt(appendKey(dst, key), n, 10)
}

// appendCount appends a member with a counter if it is known and fits a signed integer, which is all that an index
// takes for a whole number.
func appendCount(dst []byte, key string, n uint64, known bool) []byte {
	if !known || n > math.MaxInt64 {
		return dst
	}
	return strconv.AppendUint(appendKey(dst, key), n, 10)
}

// appendAddrMember appends a member with the address of a side, if it is known.
func appendAddrMember(dst []byte, key string, s *side) []byte {
	if !s.hasAddr {
		return dst
	}
	return append(appendAddr(append(appendKey(dst, key), '"'), s.addr), '"')
}

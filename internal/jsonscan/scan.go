package jsonscan

import (
	"encoding/binary"
	"math/bits"
)

const (
	lowBits  = 0x0101010101010101
	highBits = 0x8080808080808080
)

// Limits of an object.
const (
	MaxDepth  = 64   // of nested objects and arrays, the outermost included
	MaxMember = 1024 // of the outermost object
)

// Kind is what a value is.
type Kind uint8

// The kinds. An absent member is as good as Null.
const (
	Null Kind = iota
	String
	Number
	True
	False
	Nested // an object or an array
)

// Members walks over the members of a JSON object. The slices that it gives out lie in the object's own bytes.
type Members struct {
	b     []byte
	i     int
	count int

	Key                      []byte // between the quotes, escapes not undone
	Value                    []byte // between the quotes if it is a string, escapes not undone
	Kind                     Kind
	KeyEscaped, ValueEscaped bool

	Closed bool // the object is well-formed and nothing but white space is behind it
}

// Open begins with the object that is all of b.
func (m *Members) Open(b []byte) {
	*m = Members{b: b, i: skipSpace(b, 0)}
}

// Next goes to the next member and reports whether there is one. Without one, Closed says whether all was well.
func (m *Members) Next() bool {
	b, i := m.b, m.i
	if i >= len(b) {
		return false
	}
	// The byte at i is the brace or comma before the member, or the brace behind the last one.
	switch c := b[i]; {
	case m.count == 0 && c == '{':
		i = skipSpace(b, i+1)
		if i < len(b) && b[i] == '}' {
			m.Closed = skipSpace(b, i+1) == len(b)
			return false
		}
	case m.count > 0 && c == ',':
		i = skipSpace(b, i+1)
	case m.count > 0 && c == '}':
		m.Closed = skipSpace(b, i+1) == len(b)
		return false
	default:
		return false
	}
	m.count++
	if i >= len(b) || b[i] != '"' || m.count > MaxMember {
		return false
	}
	start := i + 1
	if i, m.KeyEscaped = scanString(b, start); i < 0 {
		return false
	}
	m.Key = b[start:i]
	if i = colon(b, i+1); i < 0 {
		return false
	}
	start = i
	switch c := b[i]; {
	case c == '"':
		if i, m.ValueEscaped = scanString(b, start+1); i < 0 {
			return false
		}
		m.Value, m.Kind = b[start+1:i], String
		i++
	case c == '{' || c == '[':
		if i = scanNested(b, i); i < 0 {
			return false
		}
		m.Value, m.Kind = b[start:i], Nested
	default:
		if i, m.Kind = scanScalar(b, i); i < 0 {
			return false
		}
		m.Value = b[start:i]
	}
	m.i = skipSpace(b, i)
	return true
}

// colon returns where the value behind a key begins, -1 if there is none; i is behind the key.
func colon(b []byte, i int) int {
	i = skipSpace(b, i)
	if i >= len(b) || b[i] != ':' {
		return -1
	}
	if i = skipSpace(b, i+1); i >= len(b) {
		return -1
	}
	return i
}

func skipSpace(b []byte, i int) int {
	for i < len(b) && (b[i] == ' ' || b[i] == '\t' || b[i] == '\r' || b[i] == '\n') {
		i++
	}
	return i
}

// scanString returns where the string that begins at i, behind its quote, ends: the place of the other quote, -1 if
// there is none or the string is not well-formed. Bytes that are no UTF-8 are tolerated.
//
// Eight bytes are looked at together. In (y-0x01..)&^y, y being x with the sought byte made zero, the lowest of the
// high bits that is set marks the first such byte; in (x-0x20..)&^x it marks the first control character.
func scanString(b []byte, i int) (end int, escaped bool) {
	for {
		for i+8 <= len(b) {
			x := binary.LittleEndian.Uint64(b[i:])
			quote := x ^ '"'*lowBits
			slash := x ^ '\\'*lowBits
			hits := ((quote - lowBits) &^ quote) | ((slash - lowBits) &^ slash) | ((x - 0x20*lowBits) &^ x)
			if hits &= highBits; hits != 0 {
				i += bits.TrailingZeros64(hits) >> 3
				break
			}
			i += 8
		}
		for i < len(b) && b[i] != '"' && b[i] != '\\' && b[i] >= ' ' {
			i++
		}
		switch {
		case i >= len(b) || b[i] < ' ':
			return -1, false
		case b[i] == '"':
			return i, escaped
		}
		escaped = true
		if i = scanEscape(b, i+1); i < 0 {
			return -1, false
		}
	}
}

// scanEscape returns where the escape whose letter is at i ends, -1 if it is none.
func scanEscape(b []byte, i int) int {
	if i >= len(b) {
		return -1
	}
	switch b[i] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return i + 1
	case 'u':
		if i+5 <= len(b) && hexDigit[b[i+1]]|hexDigit[b[i+2]]|hexDigit[b[i+3]]|hexDigit[b[i+4]] < 16 {
			return i + 5
		}
	}
	return -1
}

// scanScalar returns where the number or word that begins at i ends and what it is; -1 if it is neither.
func scanScalar(b []byte, i int) (end int, k Kind) {
	switch b[i] {
	case 't':
		return scanWord(b, i, "true"), True
	case 'f':
		return scanWord(b, i, "false"), False
	case 'n':
		return scanWord(b, i, "null"), Null
	}
	if b[i] == '-' {
		i++
	}
	start := i
	i = skipDigits(b, i)
	if i == start || b[start] == '0' && i > start+1 {
		return -1, 0
	}
	if i < len(b) && b[i] == '.' {
		start = i + 1
		if i = skipDigits(b, start); i == start {
			return -1, 0
		}
	}
	if i < len(b) && (b[i] == 'e' || b[i] == 'E') {
		i++
		if i < len(b) && (b[i] == '+' || b[i] == '-') {
			i++
		}
		start = i
		if i = skipDigits(b, start); i == start {
			return -1, 0
		}
	}
	return i, Number
}

func scanWord(b []byte, i int, word string) int {
	if len(b)-i < len(word) || string(b[i:i+len(word)]) != word {
		return -1
	}
	return i + len(word)
}

func skipDigits(b []byte, i int) int {
	for i < len(b) && b[i]-'0' <= 9 {
		i++
	}
	return i
}

// scanNested returns where the object or array that begins at i ends; -1 if it is not well-formed or too deep.
func scanNested(b []byte, i int) int {
	objects := uint64(0) // one bit a level, the innermost lowest; set for an object
	depth := 1           // the record
	for {
		// A value begins at i.
		if i >= len(b) {
			return -1
		}
		switch c := b[i]; c {
		case '{', '[':
			if depth++; depth > MaxDepth {
				return -1
			}
			objects <<= 1
			i = skipSpace(b, i+1)
			if i < len(b) && b[i] == c+2 { // the closing brackets are two behind the opening ones
				break
			}
			if c == '{' {
				objects |= 1
				if i = nestedKey(b, i); i < 0 {
					return -1
				}
			}
			continue
		case '"':
			if i, _ = scanString(b, i+1); i < 0 {
				return -1
			}
		default:
			if i, _ = scanScalar(b, i); i < 0 {
				return -1
			}
			i--
		}
		// The last byte of a value, or of an empty container, is at i.
		if c := b[i]; c == '}' || c == ']' {
			depth--
			objects >>= 1
		}
		i = i + 1
		for {
			if depth == 1 {
				return i
			}
			i = skipSpace(b, i)
			if i >= len(b) {
				return -1
			}
			object := objects&1 == 1
			if object && b[i] == '}' || !object && b[i] == ']' {
				depth--
				objects >>= 1
				i++
				continue
			}
			if b[i] != ',' {
				return -1
			}
			i = skipSpace(b, i+1)
			if object {
				if i = nestedKey(b, i); i < 0 {
					return -1
				}
			}
			break
		}
	}
}

// nestedKey passes over a key and the colon behind it; i is where the key should begin.
func nestedKey(b []byte, i int) int {
	if i >= len(b) || b[i] != '"' {
		return -1
	}
	if i, _ = scanString(b, i+1); i < 0 {
		return -1
	}
	return colon(b, i+1)
}

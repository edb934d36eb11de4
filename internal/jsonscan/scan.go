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

// NoObject reports whether a line, which is not blank, is plainly no object: it is too short for one, or begins as none does.
func NoObject(line []byte) bool { return len(line) < 2 || line[0] > ' ' && line[0] != '{' }

// Members walks over the members of a JSON object. The slices that it gives out lie in the object's own bytes.
type Members struct {
	b       []byte
	i       int
	count   int
	depth   int  // of the object
	pending bool // a nested value begins at i and was not looked into

	Key                      []byte // between the quotes, escapes not undone
	Value                    []byte // between the quotes if it is a string, escapes not undone
	Kind                     Kind
	KeyEscaped, ValueEscaped bool

	// ID is what the layout remembers of the key, see [Layout.Learn]; Unknown if it remembers nothing. A key that it
	// remembers is not given out: Key is empty.
	ID     ID
	layout *Layout
	at     uint8 // in the layout

	Closed bool // the object is well-formed and, unless it is nested, nothing but white space is behind it
}

// Open begins with the object that is all of b.
func (m *Members) Open(b []byte) { m.OpenWith(b, nil) }

// OpenWith is Open for records of which many look alike: layout, if it is not nil, makes reading their keys faster. Then a
// nested value is not given out, but entered, or read with Raw, or passed over.
func (m *Members) OpenWith(b []byte, layout *Layout) {
	m.b, m.i, m.count, m.depth, m.pending = b, skipSpace(b, 0), 0, 1, false
	m.layout, m.at, m.ID, m.Closed = layout, 0, Unknown, false
}

// Enter begins with the value of the member that outer is at, and reports whether that is an object. It has to be walked
// to its end, and then left.
func (m *Members) Enter(outer *Members, layout *Layout) bool {
	if !outer.pending || outer.b[outer.i] != '{' || outer.depth >= MaxDepth {
		return false
	}
	m.b, m.i, m.count, m.depth, m.pending = outer.b, outer.i, 0, outer.depth+1, false
	m.layout, m.at, m.ID, m.Closed = layout, 0, Unknown, false
	return true
}

// Leave goes on behind the object that inner has walked over, which has to be Closed.
func (m *Members) Leave(inner *Members) {
	m.i, m.pending = skipSpace(m.b, inner.i), false
}

// Raw returns the bytes of the nested value that m is at; ok says whether it is well-formed.
func (m *Members) Raw() (value []byte, ok bool) {
	if !m.pending {
		return m.Value, true
	}
	start := m.i
	if !m.pass() {
		return nil, false
	}
	m.Value = trimSpace(m.b[start:m.i])
	return m.Value, true
}

// pass passes over a nested value that nobody has looked into.
func (m *Members) pass() bool {
	i := scanNested(m.b, m.i, m.depth)
	if i < 0 {
		return false
	}
	m.i, m.pending = skipSpace(m.b, i), false
	return true
}

// Next goes to the next member and reports whether there is one. Without one, Closed says whether all was well.
func (m *Members) Next() bool {
	if m.pending && !m.pass() {
		return false
	}
	m.count++
	if l := m.layout; l != nil {
		at := uint8(nowhere)
		if rest := m.b[m.i:]; len(rest) >= maxRaw {
			at = l.match(m.at, (*[maxRaw]byte)(rest))
		} else {
			at = l.matchShort(m.at, rest)
		}
		if at != nowhere {
			e := &l.entries[at%maxEntries]
			m.at, m.ID = at, e.id
			return m.value(m.i + int(e.size))
		}
	}
	return m.member(m.i)
}

// member reads a key that is not remembered, and its value.
func (m *Members) member(i int) bool {
	b := m.b
	if i >= len(b) {
		return false
	}
	from := i
	// The byte at i is the brace or comma before the member, or the brace behind the last one.
	switch c := b[i]; {
	case m.count == 1 && c == '{':
		i = skipSpace(b, i+1)
		if i < len(b) && b[i] == '}' {
			m.end(i)
			return false
		}
	case m.count > 1 && c == ',':
		i = skipSpace(b, i+1)
	case m.count > 1 && c == '}':
		m.end(i)
		return false
	default:
		return false
	}
	if i >= len(b) || b[i] != '"' {
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
	if m.ID = Unknown; m.layout != nil {
		m.at = m.layout.find(m.at, b[from:i])
		m.ID = m.layout.entries[m.at].id
	}
	return m.value(i)
}

// Learn makes the layout remember the key that m is at, which it gave out, as id.
func (m *Members) Learn(id ID) {
	if m.layout != nil && m.at != nowhere {
		m.layout.learn(m.at, id)
	}
}

// end is where the brace at i closes the object.
func (m *Members) end(i int) {
	m.i = i + 1
	m.Closed = m.depth > 1 || skipSpace(m.b, i+1) == len(m.b)
}

// value reads the value that begins at i.
func (m *Members) value(i int) bool {
	b := m.b
	if i < len(b) && b[i] <= ' ' {
		i = skipSpace(b, i)
	}
	if i >= len(b) || m.count > MaxMember {
		return false
	}
	start := i
	switch c := b[i]; {
	case c == '"':
		if i, m.ValueEscaped = scanString(b, start+1); i < 0 {
			return false
		}
		m.Value, m.Kind = b[start+1:i], String
		i++
	case c == '{' || c == '[':
		m.i, m.Kind, m.pending, m.Value = i, Nested, true, b[i:i]
		if m.layout == nil {
			_, ok := m.Raw()
			return ok
		}
		return true
	default:
		if i, m.Kind = scanScalar(b, i); i < 0 {
			return false
		}
		m.Value = b[start:i]
	}
	if i < len(b) && b[i] > ' ' {
		m.i = i
		return true
	}
	m.i = skipSpace(b, i)
	return true
}

func trimSpace(b []byte) []byte {
	for len(b) > 0 && b[len(b)-1] <= ' ' {
		b = b[:len(b)-1]
	}
	return b
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
	for i+8 <= len(b) {
		// A byte is no digit if its upper half is not that of '0', or if it carries out of the lower half when 6 is added. The lowest byte
		// that is none is marked first, whatever carries do behind it.
		x := binary.LittleEndian.Uint64(b[i:]) ^ '0'*lowBits
		if x = (x | (x + 6*lowBits)) & (0xf0 * lowBits); x != 0 {
			return i + bits.TrailingZeros64(x)>>3
		}
		i += 8
	}
	for i < len(b) && b[i]-'0' <= 9 {
		i++
	}
	return i
}

// scanNested returns where the object or array that begins at i ends; -1 if it is not well-formed or too deep. outer is the
// depth of what it is in.
func scanNested(b []byte, i, outer int) int {
	objects := uint64(0) // one bit a level, the innermost lowest; set for an object
	depth := outer       // of what the value is in
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
			if depth == outer {
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

package jsonscan

import (
	"encoding/binary"
	"math/bits"
)

// Span is a value where it lies in the bytes of a record: between the quotes if it is a string, which has no escapes then. Nothing is given out of a nested value.
type Span struct {
	Start, End uint32
	Kind       Kind
}

// MaxSpans is how many IDs, from 0 on, a [Cursor] stores values of.
const MaxSpans = 32

// Spans are the values of the members of a record by the IDs of their keys. Seen has a bit for each ID that there is a value of; of equal keys the last counts.
type Spans struct {
	Values [MaxSpans]Span
	Seen   uint32
}

// Stop says where a [Cursor] stopped.
type Stop uint8

// The places: behind the object, before a nested value whose key has an ID below MaxSpans, and before something that is not usual, be it well-formed or not: a key that the
// layout does not know, an escape, white space.
const (
	Behind Stop = iota
	Before
	Unusual
)

// Cursor reads all members of an object whose keys a [Layout] knows, at once. It reads what is usual and nothing else: where it stops at something [Unusual] the whole
// record has to be read again with [Members], which says what is wrong with it, if anything is, and learns the keys.
type Cursor struct {
	b      []byte
	i      int
	at     uint8
	count  uint16
	depth  uint8
	layout *Layout

	ID ID // of the key whose nested value the cursor stopped before
}

// Open begins with the object that is all of b, which is less than 4 GiB long.
func (c *Cursor) Open(b []byte, layout *Layout) {
	*c = Cursor{b: b, depth: 1, layout: layout}
}

// Enter begins with the nested value that outer stopped before, and reports whether that is an object.
func (c *Cursor) Enter(outer *Cursor, layout *Layout) bool {
	*c = Cursor{b: outer.b, i: outer.i, depth: outer.depth + 1, layout: layout}
	return c.b[c.i] == '{'
}

// Leave goes on behind the object that inner has walked over.
func (c *Cursor) Leave(inner *Cursor) { c.i = inner.i }

// Pass passes over the nested value that the cursor stopped before, and reports whether it is well-formed. The span of its ID is all of it.
func (c *Cursor) Pass(to *Spans) bool {
	i := scanNested(c.b, c.i, int(c.depth))
	if i < 0 {
		return false
	}
	to.Values[c.ID%MaxSpans] = Span{uint32(c.i), uint32(i), Nested}
	c.i = i
	return true
}

// Whole reports whether the cursor is behind all of the record.
func (c *Cursor) Whole() bool { return c.i == len(c.b) }

// Run goes on to where it stops, and stores what it passes. Members whose key has the ID unwanted are only checked.
func (c *Cursor) Run(to *Spans, unwanted ID) Stop {
	b, i, at, count, l := c.b, c.i, c.at, c.count, c.layout
	seen := to.Seen
	for {
		if count++; count > MaxMember {
			return Unusual
		}
		at = l.match(at, b[i:])
		if at == nowhere {
			if count == 1 || i >= len(b) || b[i] != '}' {
				return Unusual
			}
			c.i, to.Seen = i+1, seen
			return Behind
		}
		e := &l.entries[at%maxEntries]
		i += int(e.size)
		if i+16 > len(b) {
			// No member ends a record so soon but the last ones: of them the bytes are looked at one by one.
			return c.slow(to, unwanted, i, at, count, seen)
		}
		start, kind := i, Number
		switch first := b[i]; {
		case first == '"':
			kind = String
			start++
			i = quickString(b, start)
			if i < 0 {
				return Unusual
			}
			if e.id < MaxSpans {
				to.Values[e.id] = Span{uint32(start), uint32(i), String}
				seen |= 1 << e.id
			} else if e.id != unwanted {
				return Unusual
			}
			i++
			continue
		case first-'0' <= 9:
			// Digits, with a point among them or not; other numbers are read as they always are.
			i = skipDigits(b, i)
			if b[start] == '0' && i != start+1 {
				return Unusual
			}
			if i < len(b) && b[i] == '.' {
				fraction := i + 1
				if i = skipDigits(b, fraction); i == fraction {
					return Unusual
				}
			}
			if i < len(b) && b[i]|0x20 == 'e' {
				if i, kind = scanScalar(b, start); i < 0 {
					return Unusual
				}
			}
		case first == '{' || first == '[':
			if e.id < MaxSpans {
				c.i, c.at, c.count, c.ID = i, at, count, e.id
				to.Seen = seen | 1<<e.id
				to.Values[e.id] = Span{uint32(i), uint32(i), Nested}
				return Before
			}
			if i = scanNested(b, i, int(c.depth)); i < 0 || e.id != unwanted {
				return Unusual
			}
			continue
		default:
			if i, kind = scanScalar(b, i); i < 0 {
				return Unusual
			}
		}
		if e.id < MaxSpans {
			to.Values[e.id] = Span{uint32(start), uint32(i), kind}
			seen |= 1 << e.id
		} else if e.id != unwanted {
			return Unusual
		}
	}
}

// slow reads the last members of a record as [Members] does, from the value at i on.
func (c *Cursor) slow(to *Spans, unwanted ID, i int, at uint8, count uint16, seen uint32) Stop {
	m := Members{b: c.b, count: int(count), depth: int(c.depth), layout: c.layout, at: at, ID: c.layout.entries[at%maxEntries].id}
	for ok := m.value(i); ; ok = m.Next() {
		if !ok {
			break
		}
		if m.ID == Unknown || m.ValueEscaped && m.Kind == String || m.pending {
			return Unusual
		}
		m.ValueEscaped = false
		if m.ID < MaxSpans {
			// The value is a part of the record, so where it begins is what the record's memory has before it.
			start := uint32(cap(m.b) - cap(m.Value))
			to.Values[m.ID] = Span{start, start + uint32(len(m.Value)), m.Kind}
			seen |= 1 << m.ID
		} else if m.ID != unwanted {
			return Unusual
		}
	}
	if !m.Closed {
		return Unusual
	}
	c.i, to.Seen = m.i, seen
	return Behind
}

// quickString returns where the string ends that begins at i, behind its quote; -1 if it has an escape or is not well-formed. There are eight bytes at i.
func quickString(b []byte, i int) int {
	for i+8 <= len(b) {
		x := binary.LittleEndian.Uint64(b[i:])
		quote := x ^ '"'*lowBits
		slash := x ^ '\\'*lowBits
		hits := ((quote - lowBits) &^ quote) | ((slash - lowBits) &^ slash) | ((x - 0x20*lowBits) &^ x)
		if hits &= highBits; hits != 0 {
			if i += bits.TrailingZeros64(hits) >> 3; b[i] != '"' {
				return -1
			}
			return i
		}
		i += 8
	}
	i, escaped := scanString(b, i)
	if escaped {
		return -1
	}
	return i
}

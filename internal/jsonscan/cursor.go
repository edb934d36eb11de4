package jsonscan

import (
	"encoding/binary"
	"math/bits"

	"threatdetect/internal/fieldscan"
)

// Span is a value where it lies in the bytes of a record: between the quotes if it is a string, which has no escapes then. Of an object that has a layout
// of its own it is the brace alone.
type Span struct {
	Start, End uint32
	Kind       Kind
}

// MaxSpans is how many IDs, from 0 on, a [Cursor] stores values of.
const MaxSpans = 32

// Spans are the values of the members of a record by the IDs of their keys; of equal keys the last counts. Seen has a bit for each ID that has a value but null,
// Null for each that ever was null. Strings and Numbers have a bit for those that are one; if a key came twice they have none.
type Spans struct {
	Values                       [MaxSpans]Span
	Seen, Null, Strings, Numbers uint32
}

// room is how many bytes there are behind a record that a cursor reads: they are loaded, but mean nothing.
const room = 48

// Cursor reads all members of records whose keys a [Layout] knows, at once. It reads what is usual and nothing else. What it leaves has to be read with
// [Members], which says what is wrong with it, if anything is, and learns the keys. The zero value is ready. It has one owner.
//
// It looks for all quotes of the record first, so that where a string ends is known before it is reached, and no byte of it is looked at again.
type Cursor struct{ quotes fieldscan.Table }

// Read reads the object that is all of b and reports whether it could: it is well-formed then, and its values are in to. Members whose key has the ID
// unwanted are only checked. It cannot where a key is one that the layout does not know, where there is an escape or white space around a value, if the
// record is longer than [fieldscan.MaxLine], and if b has no room behind it: the 48 bytes of memory up to its capacity may be read, and do not matter.
func (c *Cursor) Read(b []byte, l *Layout, to *Spans, unwanted ID) bool {
	size := len(b)
	if cap(b)-size < room || size > fieldscan.MaxLine {
		return false
	}
	total, odd := c.quotes.Quoted(b)
	if odd {
		return false
	}
	b = b[:size+room]
	to.Null = 0
	var (
		i, quote = 0, 0 // where the cursor is, and how many quotes are before
		at       = uint8(0)
		count    = 0
		seen     = uint32(0)
		strings  = uint32(0)
		numbers  = uint32(0)
		again    = uint32(0) // what was seen twice
		outer    struct {    // what is to go on behind an object with a layout of its own
			layout *Layout
			at     uint8
			count  int
		}
	)
	for i < size {
		// What is behind the last quote, or behind the record, is nonsense: whoever gets there is found out at the end.
		if count++; count > MaxMember {
			return false
		}
		text := (*[maxRaw]byte)(b[i:])
		next := l.entries[at%maxEntries].next[0]
		e := &l.entries[next%maxEntries]
		if !e.short || !e.begins(text) { // what came next the first time is mostly what comes next
			next = l.match(at, text)
			e = &l.entries[next%maxEntries]
		}
		if next == nowhere {
			if count == 1 || b[i] != '}' {
				return false
			}
			i++
			if outer.layout == nil {
				if again != 0 {
					strings, numbers = 0, 0
				}
				to.Seen, to.Strings, to.Numbers = seen, strings, numbers
				return i == size && quote == total
			}
			l, at, count, outer.layout = outer.layout, outer.at, outer.count, nil
			continue
		}
		at = next
		i += int(e.size)
		quote += 2
		start, kind := i, Number
		switch first := b[i]; {
		case first == '"':
			_, end := c.quotes.Field(quote + 1)
			start, i = i+1, end+1
			quote += 2
			if e.id < MaxSpans {
				to.Values[e.id] = Span{uint32(start), uint32(end), String}
				bit := uint32(1) << e.id
				again |= seen & bit
				seen |= bit
				strings |= bit
			} else if e.id != unwanted {
				return false
			}
			continue
		case first-'0' <= 9:
			// Digits, with a point among them or not; other numbers are read as they always are.
			i = digits(b, i)
			if first == '0' && i != start+1 {
				return false
			}
			if b[i] == '.' {
				if fraction := i + 1; fraction+8 <= len(b) {
					if i = digits(b, fraction); i == fraction {
						return false
					}
				}
			}
			if b[i]|0x20 == 'e' {
				if i, _ = scanScalar(b, start); i < 0 {
					return false
				}
			}
		case first == '{' || first == '[':
			seen &^= e.within
			if e.inner != nil && first == '{' && outer.layout == nil {
				to.Values[e.id%MaxSpans] = Span{uint32(i), uint32(i + 1), Nested}
				bit := uint32(1) << (e.id % MaxSpans)
				again |= seen & bit
				seen |= bit
				outer.layout, outer.at, outer.count = l, at, count
				l, at, count = e.inner, 0, 0
				continue
			}
			depth := 1
			if outer.layout != nil {
				depth = 2
			}
			if i, quote = c.pass(b[:size], i, quote, total, depth); i < 0 {
				return false
			}
			kind = Nested
		default:
			if i, kind = scanScalar(b, i); i < 0 {
				return false
			}
		}
		if e.id < MaxSpans {
			to.Values[e.id] = Span{uint32(start), uint32(i), kind}
			bit := uint32(1) << e.id
			again |= seen & bit
			seen |= bit
			switch kind {
			case Number:
				numbers |= bit
			case Null:
				seen &^= bit
				strings &^= bit
				numbers &^= bit
				to.Null |= bit
			}
		} else if e.id != unwanted {
			return false
		}
	}
	return false
}

// digits returns where the digits end that begin at i, at least eight bytes before the end of b: if they go on up to there, that may be before their end.
func digits(b []byte, i int) int {
	for i+8 <= len(b) {
		x := binary.LittleEndian.Uint64(b[i:]) ^ '0'*lowBits
		if x = (x | (x + 6*lowBits)) & (0xf0 * lowBits); x != 0 {
			return i + bits.TrailingZeros64(x)>>3
		}
		i += 8
	}
	return i - 1
}

// pass returns where the nested value ends that begins at i, and how many quotes are before that; -1 if it is not well-formed, or too deep. It is
// scanNested for a record whose quotes are known: total of them, and quote before i. outer is the depth of what the value is in.
func (c *Cursor) pass(b []byte, i, quote, total, outer int) (end, quotes int) {
	objects := uint64(0) // one bit a level, the innermost lowest; set for an object
	depth := outer       // of what the value is in
	for {
		// A value begins at i.
		if i >= len(b) {
			return -1, 0
		}
		key := false
		switch first := b[i]; {
		case first == '"':
			_, i = c.quotes.Field(quote + 1)
			i++
			if quote += 2; quote > total {
				return -1, 0
			}
		case first == '{' || first == '[':
			if depth++; depth > MaxDepth {
				return -1, 0
			}
			objects <<= 1
			if first == '{' {
				objects |= 1
			}
			if i = blanks(b, i+1); i < len(b) && b[i] != first+2 { // the closing brackets are two behind the opening ones
				if first == '[' {
					continue
				}
				key = true
			}
		default:
			if i, _ = scanScalar(b, i); i < 0 {
				return -1, 0
			}
		}
		// A value ends before i, or an empty container is closed there, or a key begins.
		for !key {
			if depth == outer {
				return i, quote
			}
			if i = blanks(b, i); i >= len(b) {
				return -1, 0
			}
			switch b[i] {
			case ',':
				i = blanks(b, i+1)
				key = objects&1 != 0
			case ']' + byte(objects&1)<<5:
				depth--
				objects >>= 1
				i++
				continue
			default:
				return -1, 0
			}
			break
		}
		if !key {
			continue
		}
		if i >= len(b) || b[i] != '"' {
			return -1, 0
		}
		_, i = c.quotes.Field(quote + 1)
		if quote += 2; quote > total {
			return -1, 0
		}
		if i = blanks(b, i+1); i >= len(b) || b[i] != ':' {
			return -1, 0
		}
		i = blanks(b, i+1)
	}
}

// blanks is skipSpace for a record without control characters.
func blanks(b []byte, i int) int {
	for i < len(b) && b[i] == ' ' {
		i++
	}
	return i
}

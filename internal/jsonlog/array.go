package jsonlog

import (
	"bytes"

	"threatdetect/features"
	"threatdetect/internal/logio"
)

// peeked is as much of a log as can be looked at before anything is taken.
const peeked = 64 << 10

// pieceSize is how much of an array is taken at once. A larger piece would be read into directly, and each log would have one beside its buffer.
const pieceSize = 8 << 10

// unbroken reports whether a log begins with an array whose writer breaks no lines, as far as can be seen. It takes nothing.
func unbroken(lines *logio.Lines) bool {
	head, _ := lines.Peek(0)
	return len(head) >= peeked && bytes.IndexByte(head, '\n') < 0 && bytes.TrimLeft(head, " \t\r")[0] == '['
}

// array takes the elements of an array one by one, wherever lines end, in memory for the longest one. It has one owner.
//
// After damage it finds the next element again where one must begin: a string that ends in `},{` and goes on behind its quote was none, and
// no `{` follows a comma in an object. Where a bracket of another kind closes, it looks for what lies between two elements.
type array struct {
	*runner
	no      int64  // of the line
	objects uint64 // bit n: what was opened as the n-th, from 0, is an object
	last    uint32 // the last four bytes that are not blank, or are in a string
	quoted  bool   // in a string
	escaped bool   // behind a backslash in it
	doubt   bool   // behind a string that ended in `},{`
	lost    bool   // an element was too long, and the next one is not found yet
	junk    []byte // what is no object, as much of it as is shown
}

// next are the last bytes where an element begins behind another.
const next = '}'<<24 | ','<<16 | '{'<<8 | '"'

// plain are the bytes inside an element that neither begin nor end anything.
var plain = func() (set [256]bool) {
	for c := range set {
		set[c] = bytes.IndexByte([]byte("{}[],\"\\ \t\r\n"), byte(c)) < 0
	}
	return set
}()

func (r *runner) array() bool {
	a := &array{runner: r, no: r.lines.Number() + 1}
	chunk := make([]byte, pieceSize)
	for {
		n, err := r.lines.Read(chunk)
		if !a.take(chunk[:n]) {
			return false
		}
		if err != nil {
			break
		}
	}
	if r.depth > 0 {
		return r.skip(r.first, Fault{Reason: features.ReasonTruncated, Text: r.object}, false)
	}
	return a.flush(features.ReasonTruncated)
}

// take takes the next bytes.
func (a *array) take(b []byte) bool {
	from := 0 // of what is not yet in object, if there is one
	for i := 0; i < len(b); i++ {
		c := b[i]
		if plain[c] && a.depth > 0 && !a.doubt {
			for i+1 < len(b) && plain[b[i+1]] {
				i++
			}
			a.last, a.escaped = a.last<<8|uint32(c), false
			if a.tooLong(b[from:i+1]) && !a.drop(features.ReasonTooLong, b[from:i+1]) {
				return false
			}
			continue
		}
		if c == '\n' {
			a.no++
		}
		blank := !a.quoted && (c == ' ' || c == '\t' || c == '\r' || c == '\n')
		before := a.last
		if !blank {
			a.last = before<<8 | uint32(c)
		}
		if a.doubt && !blank {
			if a.doubt = false; c != ':' && c != ',' && c != '}' && c != ']' {
				if !a.drop(features.ReasonMalformed, b[from:i]) {
					return false
				}
				a.begin(`{"`)
				a.quoted, from = true, i
			}
		}
		switch {
		case a.lost:
			if a.last == next {
				a.begin(`{"`)
				a.quoted, from = true, i+1
			}
		case a.escaped:
			a.escaped = false
		case a.quoted:
			a.escaped = c == '\\'
			if c == '"' {
				a.quoted, a.doubt = false, before<<8>>8 == next>>8
			}
		case a.depth == 0:
			if c == '{' {
				if !a.flush(features.ReasonMalformed) {
					return false
				}
				a.begin("")
				from = i
			} else if !a.between(c) {
				return false
			}
		case c == '"':
			a.quoted = true
		case c == '{' && before&0xff == ',' && a.inObject():
			if !a.drop(features.ReasonMalformed, b[from:i]) {
				return false
			}
			a.begin("")
			from = i
		case c == '{', c == '[':
			a.objects &^= 1 << a.depth
			if c == '{' {
				a.objects |= 1 << a.depth
			}
			a.depth++
		case c == '}', c == ']':
			if a.depth <= 64 && a.inObject() != (c == '}') {
				if !a.drop(features.ReasonMalformed, b[from:i+1]) {
					return false
				}
			} else if a.depth--; a.depth == 0 {
				a.object = append(a.object, b[from:i+1]...)
				if !a.complete() {
					return false
				}
			}
		}
		if a.depth > 0 && a.tooLong(b[from:i+1]) && !a.drop(features.ReasonTooLong, b[from:i+1]) {
			return false
		}
	}
	if a.depth > 0 {
		a.keep(b[from:])
	}
	return true
}

// begin begins an element, of which something is there already.
func (a *array) begin(text string) {
	a.runner.begin(a.no)
	a.object, a.objects, a.lost = append(a.object, text...), 1, false
}

// tooLong reports whether an element is, of which rest is not yet in object.
func (a *array) tooLong(rest []byte) bool { return len(a.object)+len(rest) > a.limit }

// drop yields what is wrong with the element so far, of which rest is not yet in object, and looks for the next one.
func (a *array) drop(reason features.Reason, rest []byte) bool {
	a.object = append(a.object, rest[:min(len(rest), 128)]...)
	a.depth, a.quoted, a.escaped, a.doubt, a.lost = 0, false, false, false, true
	return a.skip(a.first, Fault{Reason: reason, Text: a.object}, false)
}

// inObject reports whether what was opened last is an object.
func (a *array) inObject() bool { return a.objects>>(a.depth-1)&1 == 1 }

// between takes a byte that is of no object.
func (a *array) between(c byte) bool {
	switch c {
	case ',', '[', ']', '\n':
		return a.flush(features.ReasonMalformed)
	case ' ', '\t', '\r':
	default:
		if len(a.junk) < 128 {
			a.junk = append(a.junk, c)
		}
	}
	return true
}

// flush yields what is no object as one record.
func (a *array) flush(reason features.Reason) bool {
	if len(a.junk) == 0 {
		return true
	}
	text := a.junk
	a.junk = a.junk[:0]
	return a.skip(a.no, Fault{Reason: reason, Text: text}, false)
}

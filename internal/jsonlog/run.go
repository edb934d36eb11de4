package jsonlog

import (
	"bytes"

	"threatdetect/features"
	"threatdetect/internal/badlines"
	"threatdetect/internal/jsonscan"
	"threatdetect/internal/logio"
)

// Fault is what is wrong with a record.
type Fault struct {
	Reason features.Reason
	Field  string // the log's own name of the field; empty if it is the whole record
	Text   []byte // the offending text
}

// Sound reports whether there is no fault.
func (f *Fault) Sound() bool { return f.Reason == "" }

// Begins reports whether a log begins as one of JSON objects does. It takes nothing.
func Begins(lines *logio.Lines) bool {
	head, _ := lines.Peek(0)
	head = bytes.TrimLeft(head, " \t\v\f\r\n")
	return len(head) > 0 && (head[0] == '{' || head[0] == '[')
}

// Run hands every record of a log to record, which returns what is wrong with it and whether to go on. Faults go to yield as record errors, and at last the error
// that ended the input, if there is one. The object is valid during the call. limit is the longest object that is not a line of its own, in bytes; 0 means
// logio.MaxLine.
func Run(lines *logio.Lines, limit int, record func(object []byte) (Fault, bool), yield func(*features.Flow, error) bool) {
	if limit <= 0 {
		limit = logio.MaxLine
	}
	r := &runner{lines: lines, limit: limit, record: record, yield: yield}
	r.alone.Plain = r.plain
	if !r.all() {
		return
	}
	if err := lines.Err(); err != nil {
		yield(nil, &features.InputError{Line: lines.Number(), Err: err})
	}
}

// all reads the log, and reports whether it came to its end.
func (r *runner) all() bool {
	if unbroken(r.lines) {
		return r.array()
	}
	for r.lines.Next() {
		if !r.line(r.lines.Bytes()) {
			return false
		}
	}
	if r.depth > 0 {
		return r.skip(r.first, Fault{Reason: features.ReasonTruncated, Text: r.object}, false)
	}
	return true
}

type mode uint8

const (
	undecided mode = iota
	oneALine
	braces
)

// runner reads one log. It has one owner.
type runner struct {
	lines  *logio.Lines
	limit  int
	record func([]byte) (Fault, bool)
	yield  func(*features.Flow, error) bool
	bad    features.RecordError
	text   [128]byte        // that bad shows
	alone  badlines.Skipper // of lines that have no other record

	mode   mode
	indent []byte // of the first record
	object []byte // what has been seen of the current record, with braces
	first  int64  // its line
	depth  int    // its open braces and brackets
	held   bool   // lines are held for it
}

func (r *runner) line(line []byte) bool {
	no := r.lines.Number()
	switch {
	case r.lines.TooLong():
		r.depth = 0
		return r.skipWhole(Fault{Reason: features.ReasonTooLong, Text: line})
	case logio.Blank(line):
		return true
	}
	if r.mode == undecided {
		r.decide(line)
	}
	if r.mode == oneALine {
		return r.whole(line, no)
	}
	return r.part(line, no)
}

// decide tells how records lie from the line in which the first one begins.
func (r *runner) decide(line []byte) {
	i := bytes.IndexByte(line, '{')
	if i < 0 {
		if len(bytes.Trim(line, "[ \t")) > 0 {
			r.mode = oneALine // no JSON; each line is malformed
		}
		return
	}
	r.mode = braces
	r.indent = append([]byte(nil), line[:i]...)
	if len(bytes.TrimLeft(line[:i], " \t")) == 0 && closes(line[i:]) == len(bytes.TrimRight(line[i:], " \t,")) {
		r.mode = oneALine
	}
}

// closes returns where the object that begins at the start of b ends; -1 if it does not.
func closes(b []byte) int {
	depth := 0
	for i := 0; i < len(b); i++ {
		switch b[i] {
		case '"':
			if i = stringEnd(b, i+1); i < 0 {
				return -1
			}
		case '{', '[':
			depth++
		case '}', ']':
			if depth--; depth == 0 {
				return i + 1
			}
		}
	}
	return -1
}

// stringEnd returns the place of the quote that ends the string which begins at i; -1 if there is none.
func stringEnd(b []byte, i int) int {
	for ; i < len(b); i++ {
		switch b[i] {
		case '\\':
			i++
		case '"':
			return i
		}
	}
	return -1
}

// whole takes a line that is one record.
func (r *runner) whole(line []byte, no int64) bool {
	if line[0] != '{' || line[len(line)-1] == ',' {
		line = bytes.Trim(line, " \t,")
		if none(line) {
			r.alone.Pass(r.lines)
			return true
		}
	}
	if r.lines.End() == logio.EndBroken {
		return r.skip(no, Fault{Reason: features.ReasonTruncated, Text: line}, false)
	}
	if jsonscan.NoObject(line) {
		return r.skipWhole(Fault{Reason: features.ReasonMalformed, Text: line})
	}
	fault, more := r.record(line)
	if !fault.Sound() {
		return r.skipWhole(fault)
	}
	return more
}

// skipWhole yields a record error for the current line, which has no other record, and reports whether to go on.
func (r *runner) skipWhole(f Fault) bool {
	r.alone.Fault(r.lines, f.Reason, f.Field, f.Text)
	return r.alone.Skip(r.lines, r.yield)
}

// plain is what every short line is that looks like this one.
func (r *runner) plain(line []byte) logio.Class {
	switch first := line[0]; {
	case r.mode != oneALine || first <= ' ':
	case first == '[' || first == ']' || first == ',':
		if none(bytes.Trim(line, " \t,")) {
			return logio.NoRecord
		}
	case jsonscan.NoObject(line):
		return badlines.Malformed
	}
	return logio.Unclear
}

// none reports whether a line, which has no blanks and commas around it, is nothing but the ends of an array.
func none(line []byte) bool { return len(bytes.Trim(line, "[]")) == 0 }

// part takes a line of records that lie as they like.
func (r *runner) part(line []byte, no int64) bool {
	if r.depth > 0 && len(line) > len(r.indent) && bytes.HasPrefix(line, r.indent) && line[len(r.indent)] == '{' {
		r.depth = 0
		if !r.skip(r.first, Fault{Reason: features.ReasonMalformed, Text: r.object}, false) {
			return false
		}
	}
	junk, alone := false, r.depth == 0
	start := 0 // of what is not yet in object
	for i := 0; i < len(line); i++ {
		c := line[i]
		if r.depth == 0 {
			switch c {
			case '{':
				r.begin(no)
				start, alone = i, false
			case ' ', '\t', ',', '[', ']':
			default:
				junk = true
			}
			continue
		}
		switch c {
		case '"':
			if i = stringEnd(line, i+1); i < 0 {
				i = len(line) // a string has no line breaks: the record is malformed, which its reader will find
			}
		case '{', '[':
			r.depth++
		case '}', ']':
			if r.depth--; r.depth == 0 {
				r.object = append(r.object, line[start:i+1]...)
				if !r.complete() {
					return false
				}
			}
		}
	}
	if r.depth > 0 {
		r.keep(line[start:])
		r.object = append(r.object, '\n')
		if len(r.object) > r.limit {
			r.depth = 0
			return r.skip(r.first, Fault{Reason: features.ReasonTooLong, Text: r.object}, false)
		}
		return true
	}
	if junk && alone {
		return r.skipWhole(Fault{Reason: features.ReasonMalformed, Text: line})
	}
	if junk {
		return r.skip(no, Fault{Reason: features.ReasonMalformed, Text: line}, r.lines.Cut(false))
	}
	return true
}

// keep adds a part of the current record to what was seen of it. A long one takes its turn for memory.
func (r *runner) keep(part []byte) {
	if r.object = append(r.object, part...); len(r.object) > maxFree && !r.held {
		r.lines.Hold()
		r.held = true
	}
}

// maxFree is how many bytes of a record are kept without asking.
const maxFree = 4 << 10

// begin begins a record, of which nothing is kept yet.
func (r *runner) begin(line int64) {
	r.object, r.first, r.depth = logio.Reset(r.object, 0), line, 1
	if r.held {
		r.lines.Release()
		r.held = false
	}
}

func (r *runner) complete() bool {
	fault, more := r.record(r.object)
	if !fault.Sound() {
		return r.skip(r.first, fault, false)
	}
	return more
}

// skip yields a record error for what begins at a line, and reports whether to go on.
func (r *runner) skip(line int64, f Fault, cut bool) bool {
	if cut {
		f = Fault{Reason: features.ReasonTruncated, Text: r.lines.Bytes()}
	}
	r.bad = features.RecordError{Line: line, Reason: f.Reason, Field: f.Field}
	if !f.Reason.Lossless() { // a copy, as the error is kept for longer than a long record should be
		r.bad.Text = r.text[:copy(r.text[:], f.Text)]
	}
	return r.yield(nil, &r.bad)
}

package celllog

import (
	"fmt"
	"strings"

	"threatdetect/features"
	"threatdetect/internal/logio"
)

// Fault is what is wrong with a record, and in which of its format's columns.
type Fault struct {
	Column int // NoColumn if it is the whole record
	Reason features.Reason
}

// NoColumn says that a whole record is at fault.
const NoColumn = -1

// Sound is no fault.
var Sound = Fault{Column: NoColumn}

// Format is what a log of cells means. Its methods are called in the order of the package's drawing.
type Format interface {
	// Skip reports whether a line is no record before it is taken apart.
	Skip(line []byte) bool
	// Split takes a line apart and reports whether it is well-formed.
	Split(s *Splitter, line []byte) bool
	// Head reports whether the cells are a header, and takes it over; fault is what makes it useless, as the end of a
	// sentence. cut says that the line is cut off, so that it is a header which must not be used.
	Head(cells [][]byte, cut bool) (head bool, fault string)
	// Width reports whether a record may have n cells.
	Width(n int) bool
	// Record makes a flow of the cells and yields it, or finds the first fault in them. It returns false for more if
	// reading is to end.
	Record(cells [][]byte) (fault Fault, more bool)
	// Column returns the log's own name of a column and its place among the cells, -1 if it has none.
	Column(column int) (name string, at int)
}

// Run reads all lines of a log, and reports whether it came to its end. What it does not hand to format it yields:
// record errors, and the error that ended the input.
func Run(lines *logio.Lines, format Format, yield func(*features.Flow, error) bool) bool {
	r := &runner{lines: lines, format: format, yield: yield}
	r.class = r.classOf
	for lines.Next() {
		if !r.line(lines.Bytes()) {
			return false
		}
	}
	return true
}

// runner reads one log. It has one owner.
type runner struct {
	Splitter
	lines  *logio.Lines
	format Format
	yield  func(*features.Flow, error) bool
	bad    features.RecordError
	class  func(line []byte) logio.Class // classOf
	headed bool                          // the format has looked at the cells of a line, and so has columns
}

// line reads one line and reports whether to go on.
func (r *runner) line(line []byte) bool {
	if r.format.Skip(line) {
		return true
	}
	if r.lines.TooLong() {
		return r.skip(Fault{NoColumn, features.ReasonTooLong})
	}
	if logio.Blank(line) {
		return true
	}
	if !r.format.Split(&r.Splitter, line) {
		return r.skip(Fault{NoColumn, features.ReasonMalformed})
	}
	if r.Empty() {
		return true
	}
	broken := r.lines.End() == logio.EndBroken
	switch head, fault := r.format.Head(r.Cells, broken); {
	case fault != "":
		return r.refuse(fault)
	case head:
		r.headed = true
		return true
	}
	if broken {
		return r.skip(Fault{NoColumn, features.ReasonTruncated})
	}
	r.headed = true
	if len(r.Cells) > MaxCells || !r.format.Width(len(r.Cells)) {
		return r.skip(Fault{NoColumn, features.ReasonFields})
	}
	fault, more := r.format.Record(r.Cells)
	if fault != Sound {
		return r.skip(fault)
	}
	return more
}

// refuse yields the error of a log that is not what it should be.
func (r *runner) refuse(what string) bool {
	r.yield(nil, &features.InputError{Line: r.lines.Number(), Err: features.ErrFormat, What: what})
	return false
}

// skip yields a record error for the current line, and reports whether to go on.
func (r *runner) skip(f Fault) bool {
	if r.lines.Cut(f.Reason.Lossless()) {
		f = Fault{NoColumn, features.ReasonTruncated}
	}
	r.bad = features.RecordError{}
	r.bad.Line, r.bad.Reason = r.lines.Number(), f.Reason
	if f.Reason == features.ReasonTooLong {
		r.bad.Length = r.lines.Length()
	}
	text := r.lines.Bytes()
	if f.Column != NoColumn {
		at := 0
		if r.bad.Field, at = r.format.Column(f.Column); at >= 0 && at < len(r.Cells) {
			text = r.Cells[at]
		} else {
			text = nil
		}
	}
	if !f.Reason.Lossless() {
		r.bad.Text = text[:min(len(text), 128)]
	}
	if r.lines.Len() <= logio.MaxShort {
		return r.skipShort()
	}
	return r.yield(nil, &r.bad)
}

// Finish yields the error that ended the input, if there is one.
func Finish(lines *logio.Lines, yield func(*features.Flow, error) bool) {
	if err := lines.Err(); err != nil {
		yield(nil, &features.InputError{Line: lines.Number(), Err: err})
	}
}

// Lacking says that a header lacks a column, for Format.Head.
func Lacking(column string, names []string) string {
	return fmt.Sprintf("no column %s; there are %.1024s", column, strings.Join(names, ", "))
}

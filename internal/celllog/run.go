package celllog

import (
	"bytes"
	"fmt"
	"strings"

	"threatdetect/features"
	"threatdetect/internal/badlines"
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

// Run reads all lines of a log. What it does not hand to format it yields: record errors, and the error that ended the input.
func Run(lines *logio.Lines, format Format, yield func(*features.Flow, error) bool) {
	r := &runner{lines: lines, format: format, yield: yield}
	r.bad.Plain = r.plain
	for lines.Next() {
		if !r.line(lines.Bytes()) {
			return
		}
	}
	if err := lines.Err(); err != nil {
		yield(nil, &features.InputError{Line: lines.Number(), Err: err})
	}
}

// runner reads one log. It has one owner.
type runner struct {
	Splitter
	lines  *logio.Lines
	format Format
	yield  func(*features.Flow, error) bool
	bad    badlines.Skipper
	header []byte // the last line that was one: some writers put it ahead of each record
	headed bool   // the format has looked at the cells of a line, and so has columns
	wide   bool   // records have more than one cell, as skip has found
}

// line reads one line and reports whether to go on.
func (r *runner) line(line []byte) bool {
	if r.format.Skip(line) {
		return true
	}
	if r.lines.TooLong() {
		return r.skip(Fault{NoColumn, features.ReasonTooLong})
	}
	if logio.Blank(line) || len(line) == len(r.header) && string(line) == string(r.header) {
		return true
	}
	if !r.format.Split(&r.Splitter, line) {
		return r.skip(Fault{NoColumn, features.ReasonMalformed})
	}
	if r.Empty() {
		r.bad.Pass(r.lines)
		return true
	}
	broken := r.lines.End() == logio.EndBroken
	switch head, fault := r.format.Head(r.Cells, broken); {
	case fault != "":
		return r.refuse(fault)
	case head:
		r.headed = true
		if r.header = r.header[:0]; !broken && len(line) <= MaxCell {
			r.header = append(r.header, line...)
		}
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
	field, text := "", r.lines.Bytes()
	if f.Column != NoColumn {
		at := 0
		if field, at = r.format.Column(f.Column); at >= 0 && at < len(r.Cells) {
			text = r.Cells[at]
		} else {
			text = nil
		}
	}
	r.bad.Fault(r.lines, f.Reason, field, text)
	r.wide = r.headed && !r.format.Width(1)
	return r.bad.Skip(r.lines, r.yield)
}

// plain is what every short line is that looks like this one, where it is separated as the one that was split last.
func (r *runner) plain(line []byte) logio.Class {
	separator := r.separator
	if separator == 0 {
		separator = ' '
	}
	i := 0
	for i < len(line) && (line[i] == separator || line[i] == ' ' || line[i] == '\t') {
		i++
	}
	switch first := line[0] | 0x20; {
	case i == len(line):
		return logio.NoRecord // its cells are empty
	case line[0] == '"' && r.separator != 0 && bytes.IndexByte(line[1:], '"') < 0:
		return badlines.Malformed
	case !r.wide || i > 0:
		return logio.Unclear
	case len(line) > 1 && (first == 't' || first == 'd' || first == 's'): // "ts", "dur" and "srcip" alone are headers, and "Summary" a trailer
		return logio.Unclear
	}
	for _, c := range line {
		if c <= ' ' || c == separator || c == '"' {
			return logio.Unclear
		}
	}
	return badlines.Fields // one cell
}

// Lacking says that a header lacks a column, for Format.Head.
func Lacking(column string, names []string) string {
	return fmt.Sprintf("no column %s; there are %.1024s", column, strings.Join(names, ", "))
}

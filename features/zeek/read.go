package zeek

import (
	"bytes"
	"fmt"
	"io"
	"iter"

	"threatdetect/features"
	"threatdetect/internal/badlines"
	"threatdetect/internal/jsonscan"
	"threatdetect/internal/logio"
)

// Options say how to read a log. The zero value reads an unlabelled conn log.
type Options struct {
	// Label names the column whose text goes to Flow.LabelText, and from which Flow.Label is told. A log that has a
	// header without it is refused; JSON records without it are unlabelled. Empty: Flow.Label is told from the column
	// "label" where there is one, and LabelText stays empty.
	Label string
	// Pointer is where in a JSON record the object of the conn log is, as a JSON pointer (RFC 6901), for logs that a
	// shipper wrapped: "/zeek". What it points to may also be a string that holds the object: "/event/original".
	Pointer string
	// MaxLine is the longest line in bytes, without its end; 0 means logio's 1 MiB.
	MaxLine int
	// Header, unless nil, carries the header of a TSV log over to the next part of it: reading begins with the header
	// that it holds and leaves the last one in it. It is for a log that was split, of which only the first part has one.
	Header *Header
	// Join, unless nil, joins the other logs of the sensor: Flow.Joined has what they say. Their rows are still records
	// of another kind, wherever they are; what goes wrong with one says in which log.
	Join *Joiner
	// Memory, unless nil, is what reading takes, and keeps what was learnt for the next part of the same log.
	Memory *Memory
}

// Memory is what one reader after another takes to read the parts of a log, so that each need not learn again what the texts in it mean. The zero
// value is ready. It has one owner.
type Memory struct {
	// Slot, unless nil, returns memory for the next flow, or nil, for whoever keeps flows and would copy them otherwise. What is yielded may be that, and is valid until
	// it is returned again; the texts that it refers to are those of the input then, if that is a text in memory. Or it is a flow as without Slot.
	Slot func() *features.Flow

	reader *reader
}

// Header is what the directives of a TSV log say. The zero value holds none.
type Header struct {
	last   *header
	json   bool // the last part was JSON, so that one that begins with neither a brace nor a directive is, too
	within bool // the part was cut off anywhere between two lines: what it begins with says nothing
	more   bool // the log goes on behind it
}

// Within returns a copy of h to read with what follows in the same log, wherever between two lines that was cut. Copies can
// be read with at the same time; JSON says that the log is JSON.
func (h *Header) Within(json bool) *Header { return &Header{last: h.last, json: json, within: true} }

// More says that the log goes on behind the part that is read with h: a header at the end of it need not be whole.
func (h *Header) More() { h.more = true }

// Read returns the flows of a log, which may be gzip or zstd. It is single-use. The flow, and the record error in its
// place, are valid until the next step; the memory is the reader's.
//
// Every data line is either one flow or one [*features.RecordError], so the two add up to the records of the log. Any
// other error is the last thing yielded: a [*features.InputError], which wraps [features.ErrFormat] if this is no
// Zeek log, or else the error of the input, such as [io.ErrUnexpectedEOF] of one that was cut.
func Read(r io.Reader, opts *Options) iter.Seq2[*features.Flow, error] {
	if opts == nil {
		opts = &Options{}
	}
	return read(r, opts, nil)
}

// read is Read of a log that is read beside another, unless log is nil.
func read(r io.Reader, opts *Options, log *otherLog) iter.Seq2[*features.Flow, error] {
	return func(yield func(*features.Flow, error) bool) {
		label := opts.Label
		if label == "" {
			label = "label"
		}
		rd := opts.Memory.take(label)
		rd.lines, rd.opts, rd.log, rd.yield, rd.wantLabel = logio.From(r, opts.MaxLine), opts, log, yield, opts.Label != ""
		defer func() {
			rd.lines.Close()
			rd.lines, rd.opts, rd.log, rd.yield, rd.slot = nil, nil, nil, nil, nil
		}()
		rd.run()
	}
}

// take returns a reader that has read nothing of its part yet.
func (m *Memory) take(label string) *reader {
	switch {
	case m == nil:
		return &reader{labelName: label}
	case m.reader == nil || m.reader.labelName != label: // what a key means depends on it
		m.reader = &reader{labelName: label}
	}
	r := m.reader
	r.slot = m.Slot
	r.rec, r.other, r.json.ranks = record{}, otherRow{}, [numColumns]uint8{}
	return r
}

// reader reads one log. It has one owner.
type reader struct {
	deriver
	lines *logio.Lines
	opts  *Options
	log   *otherLog // what this is, if it is read beside another
	yield func(*features.Flow, error) bool

	labelName string
	rec       record
	flow      features.Flow
	slot      func() *features.Flow // of Memory
	bad       badlines.Skipper
	scratch   []byte // texts without their escapes

	isJSON bool // the log is
	tsv    tsv
	quick  quick
	long   bool // every row takes the long way; tests compare
	json   jsonReader
	other  otherRow
}

// run reads all lines. The first that is not blank tells the writer.
func (r *reader) run() {
	carry := r.opts.Header
	for r.lines.Next() {
		line := bytes.TrimLeft(r.lines.Bytes(), " \t\v\f\r")
		if len(line) == 0 {
			continue
		}
		if carry != nil && carry.within {
			if carry.json {
				r.runJSON()
			} else {
				r.runTSV(r.lines.Bytes())
			}
			return
		}
		if line[0] == '{' || line[0] != '#' && carry != nil && carry.json {
			if carry != nil {
				carry.json = true
			}
			r.runJSON()
			return
		}
		if carry != nil {
			carry.json = false
		}
		r.runTSV(line)
		return
	}
	r.finish(nil)
}

// skip yields a record error for the current line, and reports whether to go on.
func (r *reader) skip(f fault) bool {
	field, text := "", r.lines.Bytes()
	if f.column < numColumns {
		if field, text = r.rec.names[f.column], nil; field == "" {
			field = columnNames[f.column][0]
		}
		if f.reason != features.ReasonMissing {
			text = r.rec.cells[f.column].text
		}
	}
	bad := r.skipper().Fault(r.lines, f.reason, field, text)
	if f.reason == features.ReasonOther && r.opts.Join != nil {
		return r.yield(nil, bad)
	}
	return r.bad.Skip(r.lines, r.yield)
}

// skipper makes r.bad ready.
func (r *reader) skipper() *badlines.Skipper {
	if r.bad.Plain == nil {
		r.bad.Plain = r.plain
	}
	return &r.bad
}

// plain is what every short line is that looks like this one.
func (r *reader) plain(line []byte) logio.Class {
	h := &r.tsv.header
	switch {
	case line[0] <= ' ': // blank, perhaps
	case r.isJSON && r.opts.Pointer != "":
	case r.isJSON && jsonscan.NoObject(line):
		return badlines.Malformed
	case r.isJSON && string(line) == "{}" && r.opts.Join == nil:
		return badlines.Other
	case r.isJSON:
	case line[0] == '#' && len(line) < shortestDirective:
		return logio.NoRecord
	case line[0] != '#' && len(line)+1 < h.tabs && h.checked: // it would have to have more separators
		return badlines.Fields
	}
	return logio.Unclear
}

// record yields the flow of r.rec, or why it is none, and reports whether to go on.
func (r *reader) record() bool {
	r.flow = features.Flow{}
	if f := r.build(&r.flow, &r.rec); f != sound {
		return r.skip(f)
	}
	return r.give(&r.flow)
}

// forget drops what was made of a long record.
func (r *reader) forget() {
	tsv, json := cap(r.scratch), cap(r.json.scratch)
	r.scratch, r.json.scratch = logio.Reset(r.scratch, 0), logio.Reset(r.json.scratch, 0)
	if cap(r.scratch) != tsv || cap(r.json.scratch) != json {
		clear(r.rec.cells[:]) // which would keep it
	}
}

// give yields a flow, and reports whether to go on.
func (r *reader) give(f *features.Flow) bool {
	if j := r.opts.Join; j != nil && r.log == nil {
		if !j.advance(f.End(), r.yield) {
			return false
		}
		j.take(f)
	}
	return r.yield(f, nil)
}

// finish yields the error that ended the input, if there is one; err is what the reader itself has found.
func (r *reader) finish(err error) {
	if err == nil && r.lines.Err() != nil {
		err = &features.InputError{Line: r.lines.Number(), Err: r.lines.Err()}
	}
	if err != nil {
		r.yield(nil, err)
	}
}

// formatError is the error of a log that is not what it should be.
func (r *reader) formatError(format string, args ...any) error {
	return &features.InputError{Line: r.lines.Number(), Err: features.ErrFormat, What: fmt.Sprintf(format, args...)}
}

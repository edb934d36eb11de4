package unsw

import (
	"fmt"
	"io"
	"iter"
	"strings"

	"threatdetect/features"
	"threatdetect/internal/logio"
)

// Options say how to read a file. The zero value is good.
type Options struct {
	// Label names the column whose text goes to Flow.LabelText, and from which Flow.Label is told. A file without it is
	// refused. Empty: Flow.Label is told from the column "label" (or "Label"), and LabelText stays empty.
	Label string
	// MaxLine is the longest line in bytes, without its end; 0 means logio's 1 MiB.
	MaxLine int
	// Header, unless nil, carries the columns of a file over to the next part of it: reading begins with the columns
	// that it holds and leaves the last ones in it. It is for a file that was split, of which only the first part has a
	// header.
	Header *Header
}

// Header is where the columns of a file are. The zero value holds none.
type Header struct{ last *schema }

// Read returns the flows of a file, which may be gzip or zstd. It is single-use. The flow, what its field UNSW points
// to, and the record error in its place are valid until the next step; the memory is the reader's.
//
// Every data line is either one flow or one [*features.RecordError], so the two add up to the records of the file. Any
// other error is the last thing yielded: a [*features.InputError], which wraps [features.ErrFormat] if the header
// lacks a column, or else the error of the input.
func Read(r io.Reader, opts *Options) iter.Seq2[*features.Flow, error] {
	if opts == nil {
		opts = &Options{}
	}
	return func(yield func(*features.Flow, error) bool) {
		rd := &reader{lines: logio.From(r, opts.MaxLine), asked: opts.Label, yield: yield}
		defer rd.lines.Close()
		if opts.Header != nil {
			rd.schema = opts.Header.last
			defer func() { opts.Header.last = rd.schema }()
		}
		rd.run()
	}
}

// reader reads one file. It has one owner.
type reader struct {
	splitter
	lines  *logio.Lines
	asked  string
	yield  func(*features.Flow, error) bool
	schema *schema // nil before the first line

	names features.Interner
	lower []byte
	flow  features.Flow
	unsw  features.UNSW
	bad   features.RecordError
}

func (r *reader) run() {
	for r.lines.Next() {
		if !r.line(r.lines.Bytes()) {
			return
		}
	}
	if err := r.lines.Err(); err != nil {
		r.yield(nil, &features.InputError{Line: r.lines.Number(), Err: err})
	}
}

// line reads one line and reports whether to go on.
func (r *reader) line(line []byte) bool {
	if r.lines.TooLong() {
		return r.skip(features.ReasonTooLong, noColumn)
	}
	if logio.Blank(line) {
		return true
	}
	if !r.split(line) {
		return r.skip(features.ReasonMalformed, noColumn)
	}
	if r.empty() {
		return true
	}
	if r.schema == nil || r.suspect() {
		if r.isHeader() {
			return r.header()
		}
	}
	if r.lines.End() == logio.EndBroken {
		return r.skip(features.ReasonTruncated, noColumn)
	}
	if r.schema == nil {
		if err := r.use(rawNames); err != nil {
			r.yield(nil, err)
			return false
		}
	}
	if len(r.fields) != r.schema.fields {
		return r.skip(features.ReasonFields, noColumn)
	}
	r.flow = features.Flow{UNSW: &r.unsw}
	if reason, c := r.build(&r.flow); reason != "" {
		return r.skip(reason, c)
	}
	return r.yield(&r.flow, nil)
}

// suspect reports whether the line might be a header that comes again, as it does in files that were joined.
func (r *reader) suspect() bool {
	if len(r.fields) != r.schema.fields {
		return true
	}
	dur := r.fields[r.schema.index[colDur]]
	return len(dur) > 0 && (dur[0] > '9' || dur[0] < '+')
}

// isHeader reports whether a field is the name of a column that both forms have, or of the first of a raw file.
func (r *reader) isHeader() bool {
	for _, f := range r.fields {
		if len(f) != len("dur") && len(f) != len("srcip") {
			continue
		}
		if name := strings.ToLower(string(f)); name == "dur" || name == "srcip" {
			return true
		}
	}
	return false
}

// header takes over the columns of a header and reports whether to go on.
func (r *reader) header() bool {
	if r.lines.End() == logio.EndBroken {
		return true
	}
	names := make([]string, len(r.fields))
	for i, f := range r.fields {
		names[i] = string(f)
	}
	if err := r.use(names); err != nil {
		r.yield(nil, err)
		return false
	}
	return true
}

// use makes the names the columns of the lines that follow.
func (r *reader) use(names []string) error {
	s := newSchema(names, r.asked)
	fault := func(format string, args ...any) error {
		return &features.InputError{Line: r.lines.Number(), Err: features.ErrFormat, What: fmt.Sprintf(format, args...)}
	}
	if len(names) > maxFields {
		return fault("more than %d columns", maxFields)
	}
	lacking := func(name string) error {
		return fault("no column %s; there are %.1024s", name, strings.Join(names, ", "))
	}
	for _, name := range required {
		if s.index[columnOf[name]] < 0 {
			return lacking(name)
		}
	}
	if r.asked != "" && s.index[colAsked] < 0 {
		return lacking(r.asked)
	}
	r.schema = s
	return nil
}

// noColumn says that a whole record is at fault.
const noColumn = -1

// skip yields a record error for the current line, and reports whether to go on.
func (r *reader) skip(reason features.Reason, column int) bool {
	if r.lines.Cut(reason.Lossless()) {
		reason, column = features.ReasonTruncated, noColumn
	}
	r.bad = features.RecordError{Line: r.lines.Number(), Reason: reason}
	text := r.lines.Bytes()
	if column != noColumn {
		r.bad.Field = r.schema.names[column]
		text = r.fields[r.schema.index[column]]
	}
	r.bad.Text = text[:min(len(text), 128)]
	return r.yield(nil, &r.bad)
}

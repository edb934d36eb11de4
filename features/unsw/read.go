package unsw

import (
	"fmt"
	"io"
	"iter"
	"strings"

	"threatdetect/features"
	"threatdetect/internal/celllog"
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
		lines := logio.From(r, opts.MaxLine)
		defer lines.Close()
		rd := &reader{asked: opts.Label, yield: yield}
		if opts.Header != nil {
			rd.schema = opts.Header.last
			defer func() { opts.Header.last = rd.schema }()
		}
		celllog.Run(lines, rd, yield)
	}
}

// reader reads one file. It has one owner.
type reader struct {
	asked  string
	yield  func(*features.Flow, error) bool
	schema *schema // nil before the first line
	cells  [][]byte

	names features.Interner
	lower []byte
	flow  features.Flow
	unsw  features.UNSW
}

// Skip implements celllog.Format: every line that is not blank is a record or a header.
func (r *reader) Skip([]byte) bool { return false }

// Split implements celllog.Format.
func (r *reader) Split(s *celllog.Splitter, line []byte) bool { return s.Split(line, ',') }

// Head implements celllog.Format. A file that does not begin with a header has the columns of a raw one.
func (r *reader) Head(cells [][]byte, cut bool) (head bool, fault string) {
	r.cells = cells
	head = (r.schema == nil || r.suspect()) && r.isHeader()
	switch {
	case cut:
	case head:
		names := make([]string, len(cells))
		for i, c := range cells {
			names[i] = string(c)
		}
		fault = r.use(names)
	case r.schema == nil:
		fault = r.use(rawNames)
	}
	return head, fault
}

// suspect reports whether the line might be a header that comes again, as it does in files that were joined.
func (r *reader) suspect() bool {
	if len(r.cells) != r.schema.fields {
		return true
	}
	dur := r.cells[r.schema.index[colDur]]
	return len(dur) > 0 && (dur[0] > '9' || dur[0] < '+')
}

// isHeader reports whether a field is the name of a column that both forms have, or of the first of a raw file.
func (r *reader) isHeader() bool {
	for _, f := range r.cells {
		if len(f) != len("dur") && len(f) != len("srcip") {
			continue
		}
		if name := strings.ToLower(string(f)); name == "dur" || name == "srcip" {
			return true
		}
	}
	return false
}

// use makes the names the columns of the lines that follow.
func (r *reader) use(names []string) (fault string) {
	s := newSchema(names, r.asked)
	if len(names) > celllog.MaxCells {
		return fmt.Sprintf("more than %d columns", celllog.MaxCells)
	}
	for _, name := range required {
		if s.index[columnOf[name]] < 0 {
			return celllog.Lacking(name, names)
		}
	}
	if r.asked != "" && s.index[colAsked] < 0 {
		return celllog.Lacking(r.asked, names)
	}
	r.schema = s
	return ""
}

// Width implements celllog.Format.
func (r *reader) Width(n int) bool { return n == r.schema.fields }

// Record implements celllog.Format.
func (r *reader) Record(cells [][]byte) (celllog.Fault, bool) {
	r.cells = cells
	r.flow = features.Flow{UNSW: &r.unsw}
	if reason, c := r.build(&r.flow); reason != "" {
		return celllog.Fault{Column: c, Reason: reason}, true
	}
	return celllog.Sound, r.yield(&r.flow, nil)
}

// Column implements celllog.Format.
func (r *reader) Column(c int) (name string, at int) { return r.schema.names[c], r.schema.index[c] }

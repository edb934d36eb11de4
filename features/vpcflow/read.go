package vpcflow

import (
	"bytes"
	"io"
	"iter"

	"threatdetect/features"
	"threatdetect/internal/celllog"
	"threatdetect/internal/jsonlog"
	"threatdetect/internal/logio"
	"threatdetect/internal/pairing"
)

// Options say how to read a log. The zero value reads one with headers, or of the default format.
type Options struct {
	// Fields are the names of the fields of a custom format, in order, for a log without headers.
	Fields []string
	// MaxLine is the longest line in bytes, without its end; 0 means logio's 1 MiB.
	MaxLine int
	// MaxOpen is how many flows are kept open for more records of them; 0 means 1,048,576, which costs some 300 MB. When
	// there are more, the one that ended first is given out early.
	MaxOpen int
	// State, unless nil, carries what is open, and the fields, over to the next part of a log: reading goes on with what it
	// holds. Flows that are open at the end of this part are not given out; call [State.Flush] behind the last one.
	State *State
}

// State is what one part of a log leaves to the next. The zero value holds nothing. It has one owner.
type State struct {
	open   pairing.State
	schema *celllog.Schema
	comma  bool
}

// Flush returns the flows that are still open, and leaves s without them.
func (s *State) Flush() iter.Seq2[*features.Flow, error] { return s.open.Flush() }

// Reset forgets what s holds, as if it were new, and keeps the memory for it: whoever reads one log after the other need not take as much for each.
func (s *State) Reset() {
	s.open.Reset()
	*s = State{open: s.open}
}

// Read returns the flows of a log, which may be gzip or zstd. It is single-use. The flow, and the record error in its
// place, are valid until the next step; the memory is the reader's.
//
// Every record of the log is part of a flow or one [*features.RecordError]: [features.Account.Add] adds them up. Any other
// error is the last thing yielded, behind the flows that were still open: a [*features.InputError], which wraps
// [features.ErrFormat] if a header lacks a field, or else the error of the input.
func Read(r io.Reader, opts *Options) iter.Seq2[*features.Flow, error] {
	if opts == nil {
		opts = &Options{}
	}
	return func(yield func(*features.Flow, error) bool) {
		lines := logio.From(r, opts.MaxLine)
		defer lines.Close()
		rd := newReader(opts, yield)
		rd.state.open.Part(opts.State == nil, yield, func(yield func(*features.Flow, error) bool) {
			if err := rd.prepare(opts); err != nil {
				yield(nil, err)
				return
			}
			if jsonlog.Begins(lines) {
				jsonlog.Run(lines, opts.MaxLine, rd.object, yield)
			} else {
				celllog.Run(lines, rd, yield)
			}
		})
	}
}

// reader reads one log. It has one owner.
type reader struct {
	state  *State
	pairer *pairing.Pairer
	names  features.Interner
	flow   features.Flow // takes the protocol
	rec    pairing.Record
	cells  cellValues
	json   jsonValues
	head   bool // the current line is a header
	comma  bool // it is separated by commas
}

func newReader(opts *Options, yield func(*features.Flow, error) bool) *reader {
	r := &reader{state: opts.State}
	if r.state == nil {
		r.state = &State{}
	}
	r.pairer = r.state.open.Pairer(pairing.Options{Interval: 600e9, ReverseIsZero: true, MaxOpen: opts.MaxOpen}, yield)
	return r
}

// prepare sets the fields that hold before the first header.
func (r *reader) prepare(opts *Options) error {
	if r.state.schema != nil {
		return nil
	}
	fields := opts.Fields
	if len(fields) == 0 {
		fields = defaultFields
	}
	words := make([][]byte, len(fields))
	for i, name := range fields {
		words[i] = []byte(name)
	}
	s, fault := newSchema(words)
	if fault != "" {
		return &features.InputError{Err: features.ErrFormat, What: "list of fields: " + fault}
	}
	r.state.schema = s
	return nil
}

// Skip implements celllog.Format.
func (r *reader) Skip([]byte) bool { return false }

// Split implements celllog.Format. A header tells the separator of what follows.
func (r *reader) Split(s *celllog.Splitter, line []byte) bool {
	r.head = false
	if bytes.Contains(line, []byte("addr")) {
		r.comma = bytes.IndexByte(line, ',') >= 0
		if r.split(s, line) && isHeader(s.Cells) {
			r.head = true
			return true
		}
	}
	r.comma = r.state.comma
	return r.split(s, line)
}

func (r *reader) split(s *celllog.Splitter, line []byte) bool {
	if r.comma {
		return s.Split(line, ',')
	}
	s.SplitBlanks(line)
	return true
}

// Head implements celllog.Format.
func (r *reader) Head(cells [][]byte, cut bool) (head bool, fault string) {
	if !r.head || cut {
		return r.head, ""
	}
	s, fault := newSchema(cells)
	if fault == "" {
		r.state.schema, r.state.comma = s, r.comma
	}
	return true, fault
}

// Width implements celllog.Format.
func (r *reader) Width(n int) bool { return n == r.state.schema.Cells }

// Column implements celllog.Format.
func (r *reader) Column(c int) (name string, at int) {
	return r.state.schema.Name(c), r.state.schema.At(c)
}

// Record implements celllog.Format.
func (r *reader) Record(cells [][]byte) (celllog.Fault, bool) {
	r.rec = pairing.Record{}
	r.cells = cellValues{r.state.schema, cells}
	if fault := r.build(&r.cells); fault != celllog.Sound {
		return fault, true
	}
	return celllog.Sound, r.pairer.Add(&r.rec)
}

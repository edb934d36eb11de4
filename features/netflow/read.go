package netflow

import (
	"io"
	"iter"

	"threatdetect/features"
	"threatdetect/internal/celllog"
	"threatdetect/internal/jsonlog"
	"threatdetect/internal/logio"
	"threatdetect/internal/pairing"
)

// Options say how to read a log. The zero value is good.
type Options struct {
	// MaxLine is the longest line, and the longest JSON object, in bytes; 0 means logio's 1 MiB.
	MaxLine int
	// MaxOpen is how many flows are kept open for more records of them; 0 means 1,048,576, which costs some 300 MB. When
	// there are more, the one that ended first is given out early.
	MaxOpen int
	// State, unless nil, carries what is open, and the columns, over to the next part of a log: reading goes on with what
	// it holds. Flows that are open at the end of this part are not given out; call [State.Flush] behind the last one.
	State *State
}

// State is what one part of a log leaves to the next. The zero value holds nothing. It has one owner.
type State struct {
	open   pairing.State
	schema *celllog.Schema
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
// [features.ErrFormat] if a header lacks a column, or else the error of the input.
func Read(r io.Reader, opts *Options) iter.Seq2[*features.Flow, error] {
	if opts == nil {
		opts = &Options{}
	}
	return func(yield func(*features.Flow, error) bool) {
		lines := logio.From(r, opts.MaxLine)
		defer lines.Close()
		rd := &reader{state: opts.State}
		if rd.state == nil {
			rd.state = &State{}
		}
		rd.pairer = rd.state.open.Pairer(pairing.Options{Interval: interval, MaxOpen: opts.MaxOpen}, yield)
		rd.state.open.Part(opts.State == nil, yield, func(yield func(*features.Flow, error) bool) {
			rd.yield = yield
			if jsonlog.Begins(lines) {
				jsonlog.Run(lines, opts.MaxLine, rd.object, yield)
			} else {
				celllog.Run(lines, &csvReader{reader: rd}, yield)
			}
		})
	}
}

// reader reads one log. It has one owner.
type reader struct {
	state  *State
	pairer *pairing.Pairer
	yield  func(*features.Flow, error) bool
	names  features.Interner

	values  [numColumns]value
	keys    [numColumns]string // of JSON
	units   [numColumns]uint8  // of JSON times and durations: as many decimal places make nanoseconds
	scratch []byte             // JSON strings without their escapes
	flow    features.Flow
	rec     pairing.Record
}

// value is what a record has in a column.
type value struct {
	text []byte // nil if it is missing
	kind kind
}

type kind uint8

const (
	kindCell   kind = iota // of CSV: any value
	kindString             // of JSON
	kindNumber
	kindOther
)

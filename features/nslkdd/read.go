package nslkdd

import (
	"io"
	"iter"
	"math"
	"strings"

	"threatdetect/features"
	"threatdetect/internal/celllog"
	"threatdetect/internal/decimal"
	"threatdetect/internal/logio"
)

// Options say how to read a file. The zero value is good.
type Options struct {
	// Label names the column whose text goes to Flow.LabelText: one of features.NSLColumns, "label" or "difficulty". A
	// file is refused if there is no column of this name. Flow.Label is always told from "label".
	Label string
	// MaxLine is the longest line in bytes, without its end; 0 means logio's 1 MiB.
	MaxLine int
}

// The columns behind the 41.
const (
	colLabel = len(features.NSLColumns) + iota
	colDifficulty
	numColumns
)

// The columns that are read by more than their place.
const (
	colDuration = 0
	colProto    = 1
	colService  = 2
	colFlag     = 3
	colSrcBytes = 4
	colDstBytes = 5
)

// Read returns the records of a file, which may be gzip or zstd. It is single-use. The flow, what its field NSL points to,
// and the record error in its place are valid until the next step; the memory is the reader's.
//
// Every line is either one flow or one [*features.RecordError], so the two add up to the records of the file. Any other
// error is the last thing yielded: a [*features.InputError].
func Read(r io.Reader, opts *Options) iter.Seq2[*features.Flow, error] {
	if opts == nil {
		opts = &Options{}
	}
	return func(yield func(*features.Flow, error) bool) {
		lines := logio.From(r, opts.MaxLine)
		defer lines.Close()
		rd := &reader{yield: yield, asked: -1}
		if opts.Label != "" {
			if rd.asked = columnOf(opts.Label); rd.asked < 0 {
				what := celllog.Lacking(opts.Label, append(features.NSLColumns[:], "label", "difficulty"))
				yield(nil, &features.InputError{Err: features.ErrFormat, What: what})
				return
			}
		}
		celllog.Run(lines, rd, yield)
	}
}

func columnOf(name string) int {
	for c := range numColumns {
		if strings.EqualFold(name, columnName(c)) {
			return c
		}
	}
	return -1
}

func columnName(c int) string {
	switch c {
	case colLabel:
		return "label"
	case colDifficulty:
		return "difficulty"
	}
	return features.NSLColumns[c]
}

// reader reads one file. It has one owner.
type reader struct {
	yield func(*features.Flow, error) bool
	asked int // column of Flow.LabelText, -1 for none

	names features.Interner
	lower []byte
	flow  features.Flow
	nsl   features.NSL
}

// Skip implements celllog.Format: every line that is not blank is a record, or the header that some copies have.
func (r *reader) Skip([]byte) bool { return false }

// Split implements celllog.Format.
func (r *reader) Split(s *celllog.Splitter, line []byte) bool { return s.Split(line, ',') }

// Head implements celllog.Format.
func (r *reader) Head(cells [][]byte, _ bool) (head bool, fault string) {
	return strings.EqualFold(string(cells[0]), "duration"), ""
}

// Width implements celllog.Format.
func (r *reader) Width(n int) bool { return n == colLabel+1 || n == colDifficulty+1 }

// Record implements celllog.Format.
func (r *reader) Record(cells [][]byte) (celllog.Fault, bool) {
	r.flow = features.Flow{NSL: &r.nsl}
	for c := range r.nsl.Values {
		if c == colProto || c == colService || c == colFlag {
			continue
		}
		var ok bool
		if r.nsl.Values[c], ok = decimal.Real(cells[c]); !ok {
			if !celllog.Missing(cells[c]) {
				return celllog.Fault{Column: c, Reason: features.ReasonNumber}, true
			}
			r.nsl.Values[c] = math.NaN()
		}
	}
	r.nsl.ProtocolType = r.names.String(cells[colProto])
	r.nsl.Service = r.names.String(cells[colService])
	r.nsl.Flag = r.names.String(cells[colFlag])
	r.traffic(cells)
	r.label(cells)
	return celllog.Sound, r.yield(&r.flow, nil)
}

// traffic fills in what a flow of any source has, as far as the record has it: nothing in here is a fault.
func (r *reader) traffic(cells [][]byte) {
	f := &r.flow
	if !celllog.Missing(cells[colProto]) {
		r.lower = celllog.AppendLower(r.lower[:0], cells[colProto])
		f.ProtoName = r.names.String(r.lower)
		f.Proto, _ = features.ProtoByName(f.ProtoName)
		f.Known |= features.FieldProto
	}
	if ns, ok := decimal.Fixed(cells[colDuration], 9); ok && ns >= 0 {
		f.Duration = ns
		f.Known |= features.FieldDuration
	}
	if n, ok := decimal.Count(cells[colSrcBytes]); ok {
		f.FwdPayload = n
		f.Known |= features.FieldFwdPayload
	}
	if n, ok := decimal.Count(cells[colDstBytes]); ok {
		f.RevPayload = n
		f.Known |= features.FieldRevPayload
	}
}

// label reads the name of the attack. No text in it is a fault.
func (r *reader) label(cells [][]byte) {
	name := cells[colLabel]
	if n := len(name); n > 0 && name[n-1] == '.' {
		name = name[:n-1]
	}
	r.flow.Kind = name
	switch {
	case celllog.Missing(name):
	case string(name) == "normal":
		r.flow.Label = features.Benign
	default:
		r.flow.Label = features.Attack
	}
	switch {
	case r.asked == colLabel:
		r.flow.LabelText = name
	case r.asked >= 0 && r.asked < len(cells):
		r.flow.LabelText = cells[r.asked]
	}
}

// Column implements celllog.Format.
func (r *reader) Column(c int) (name string, at int) { return columnName(c), c }

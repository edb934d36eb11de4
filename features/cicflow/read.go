package cicflow

import (
	"io"
	"iter"
	"net/netip"
	"time"

	"threatdetect/features"
	"threatdetect/internal/celllog"
	"threatdetect/internal/decimal"
	"threatdetect/internal/logio"
)

// Options say how to read a file. The zero value is good.
type Options struct {
	// Label names the column whose text goes to Flow.LabelText, and from which Flow.Label is told. A file without it is
	// refused. Empty: Flow.Label is told from the column "Label", and LabelText stays empty.
	Label string
	// MaxLine is the longest line in bytes, without its end; 0 means logio's 1 MiB.
	MaxLine int
	// Header, unless nil, carries the columns of a file over to the next part of it, for a file that was split.
	Header *Header
}

// Header is where the columns of a file are. The zero value holds none.
type Header struct{ last *celllog.Schema }

// Read returns the flows of a file, which may be gzip or zstd. It is single-use. The flow, and the record error in its
// place, are valid until the next step; the memory is the reader's.
//
// Every data line is either one flow or one [*features.RecordError], so the two add up to the records of the file. Any
// other error is the last thing yielded: a [*features.InputError], which wraps [features.ErrFormat] if the header
// lacks the duration, or else the error of the input.
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
	schema *celllog.Schema // nil before the header

	names features.Interner
	lower []byte
	flow  features.Flow
}

// Skip implements celllog.Format.
func (r *reader) Skip([]byte) bool { return false }

// Split implements celllog.Format.
func (r *reader) Split(s *celllog.Splitter, line []byte) bool { return s.Split(line, ',') }

// Head implements celllog.Format.
func (r *reader) Head(cells [][]byte, cut bool) (head bool, fault string) {
	switch {
	case isHeader(cells):
		if cut {
			return true, ""
		}
		s := celllog.NewSchema(cells, numColumns, lookup, r.asked)
		if r.asked != "" && s.Asked < 0 {
			return true, celllog.Lacking(r.asked, s.Names)
		}
		r.schema = s
		return true, ""
	case r.schema == nil && !cut:
		s := celllog.NewSchema(cells, numColumns, lookup, "")
		return false, celllog.Lacking("Flow Duration", s.Names)
	}
	return false, ""
}

// Width implements celllog.Format.
func (r *reader) Width(n int) bool { return n == r.schema.Cells }

// Column implements celllog.Format.
func (r *reader) Column(c int) (name string, at int) { return r.schema.Name(c), r.schema.At(c) }

// Record implements celllog.Format.
func (r *reader) Record(cells [][]byte) (celllog.Fault, bool) {
	r.flow = features.Flow{}
	if c := r.build(&r.flow, cells); c != celllog.NoColumn {
		return celllog.Fault{Column: c, Reason: features.ReasonNumber}, true
	}
	r.rest(&r.flow, cells)
	r.label(&r.flow, cells)
	return celllog.Sound, r.yield(&r.flow, nil)
}

// get returns the cell of a column; nil if there is no such column or its value is missing.
func (r *reader) get(cells [][]byte, column int) []byte {
	text := r.schema.Get(cells, column)
	if missing(text) {
		return nil
	}
	return text
}

// missing adds to the ways of CSV the infinities of a division by no time, and what overflows and reordered packets
// made negative.
func missing(b []byte) bool {
	if celllog.Missing(b) {
		return true
	}
	if c := b[0]; c-'0' <= 9 {
		return false
	}
	return infinite(b) || negative(b)
}

func infinite(b []byte) bool {
	if b[0] == '-' || b[0] == '+' {
		b = b[1:]
	}
	var buf [8]byte
	if len(b) > len(buf) {
		return false
	}
	switch string(celllog.AppendLower(buf[:0], b)) {
	case "inf", "infinity":
		return true
	}
	return false
}

// negative reports whether b is a number below zero, however small.
func negative(b []byte) bool {
	if b[0] != '-' {
		return false
	}
	if _, ok := decimal.Real(b); !ok {
		return false
	}
	for _, c := range b[1:] {
		switch {
		case '1' <= c && c <= '9':
			return true
		case c|0x20 == 'e':
			return false
		}
	}
	return false
}

// build fills in what is checked, and returns the first column at fault.
func (r *reader) build(f *features.Flow, cells [][]byte) (bad int) {
	ports := true // a protocol that is not known may have them
	if text := r.get(cells, colProto); text != nil {
		var ok bool
		if ports, ok = celllog.Protocol(f, text, &r.names); !ok {
			return colProto
		}
	}
	if text := r.get(cells, colDuration); text != nil {
		ns, ok := decimal.Fixed(text, 3) // microseconds
		if !ok {
			return colDuration
		}
		f.Duration = ns
		f.Known |= features.FieldDuration
	}
	var ok bool
	if f.FwdPkts, ok = r.count(f, cells, colFwdPkts, features.FieldFwdPkts); !ok {
		return colFwdPkts
	}
	if f.RevPkts, ok = r.count(f, cells, colRevPkts, features.FieldRevPkts); !ok {
		return colRevPkts
	}
	if !ports {
		return celllog.NoColumn
	}
	if f.SrcPort, ok = r.port(f, cells, colSrcPort, features.FieldSrcPort); !ok {
		return colSrcPort
	}
	if f.DstPort, ok = r.port(f, cells, colDstPort, features.FieldDstPort); !ok {
		return colDstPort
	}
	return celllog.NoColumn
}

func (r *reader) count(f *features.Flow, cells [][]byte, column int, field features.Field) (uint64, bool) {
	text := r.get(cells, column)
	if text == nil {
		return 0, true
	}
	v, ok := decimal.Count(text)
	if ok {
		f.Known |= field
	}
	return v, ok
}

func (r *reader) port(f *features.Flow, cells [][]byte, column int, field features.Field) (uint16, bool) {
	text := r.get(cells, column)
	if text == nil {
		return 0, true
	}
	v, ok := celllog.Port(text)
	if ok {
		f.Known |= field
	}
	return v, ok
}

// rest fills in what no feature of this format depends on, as far as it can be read: nothing in here is a fault.
func (r *reader) rest(f *features.Flow, cells [][]byte) {
	var src, dst netip.Addr
	var ok, ok2 bool
	if text := r.get(cells, colSrcIP); text != nil {
		src, ok = celllog.Addr(text)
	}
	if text := r.get(cells, colDstIP); text != nil {
		dst, ok2 = celllog.Addr(text)
	}
	if ok && ok2 {
		f.Src, f.Dst = src, dst
		f.Known |= features.FieldAddrs
	}
	f.UID = r.get(cells, colFlowID)
	if v, ok := r.count(f, cells, colFwdPayload, features.FieldFwdPayload); ok {
		f.FwdPayload = v
	}
	if v, ok := r.count(f, cells, colRevPayload, features.FieldRevPayload); ok {
		f.RevPayload = v
	}
	if text := r.get(cells, colTimestamp); text != nil {
		r.start(f, text)
	}
}

// start reads the time. It has no zone, and is taken as UTC.
func (r *reader) start(f *features.Flow, text []byte) {
	layout := layoutOf(text)
	if layout == "" {
		return
	}
	t, err := time.Parse(layout, string(text))
	if err != nil || t.Year() < 1970 || t.Year() > 2200 {
		return
	}
	if ns := t.UnixNano(); ns+f.Duration >= ns {
		f.Start = ns
		f.Known |= features.FieldStart
	}
}

// layoutOf tells in which of three ways a time is written: an error of time.Parse, which trying them all would bring about, is an allocation. The first files
// have neither seconds nor AM and PM: 8:55 may be in the morning or in the evening, so they have no times.
func layoutOf(text []byte) string {
	switch n := len(text); {
	case n < len("02/01/2006 3:04:05"):
		return ""
	case text[2] != '/':
		return "2006-01-02 15:04:05"
	case text[n-1] == 'M':
		return "02/01/2006 03:04:05 PM"
	}
	return "02/01/2006 15:04:05"
}

// label reads the verdict. No text in it is a fault.
func (r *reader) label(f *features.Flow, cells [][]byte) {
	text := r.schema.Get(cells, colLabel)
	f.Kind = text
	if r.schema.Asked >= 0 {
		text = cells[r.schema.Asked]
		f.LabelText = text
	}
	if celllog.Missing(text) {
		return
	}
	r.lower = celllog.AppendLower(r.lower[:0], text)
	switch lower := string(r.lower); lower {
	case "benign", "normal", "normal traffic", "0":
		f.Label = features.Benign
	case "no label", "needmanuallabel":
	default:
		// The corrected labels have "attempted" attacks, in which nothing harmful was sent: neither is right for them.
		const attempted = "attempted"
		if n := len(lower) - len(attempted); n < 0 || lower[n:] != attempted {
			f.Label = features.Attack
		}
	}
}

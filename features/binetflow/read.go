package binetflow

import (
	"bytes"
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
	// refused. Empty: Flow.Label is told from the column "Label", and LabelText stays empty.
	Label string
	// MaxLine is the longest line in bytes, without its end; 0 means logio's 1 MiB.
	MaxLine int
	// Header, unless nil, carries the columns of a file over to the next part of it, for a file that was split.
	Header *Header
}

// Header is where the columns of a file are. The zero value holds none.
type Header struct {
	last      *celllog.Schema
	separator byte
}

// The columns that a flow is made of.
const (
	colStart = iota
	colDur
	colProto
	colSrc
	colSport
	colDst
	colDport
	colState
	colTotPkts
	colTotBytes
	colSrcBytes
	colDstBytes
	colSrcPkts
	colDstPkts
	colLabel
	numColumns
)

var columnNames = [numColumns]string{"starttime", "dur", "proto", "srcaddr", "sport", "dstaddr", "dport", "state", "totpkts", "totbytes",
	"srcbytes", "dstbytes", "srcpkts", "dstpkts", "label"}

// required are the columns without which a record is no flow.
var required = [...]int{colStart, colProto, colSrc, colDst}

func lookup(name string) int {
	for c, n := range columnNames {
		if len(n) == len(name) && strings.EqualFold(n, name) {
			return c
		}
	}
	return -1
}

// Read returns the flows of a file, which may be gzip or zstd. It is single-use. The flow, and the record error in its
// place, are valid until the next step; the memory is the reader's.
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
			rd.schema, rd.separator = opts.Header.last, opts.Header.separator
			defer func() { opts.Header.last, opts.Header.separator = rd.schema, rd.separator }()
		}
		celllog.Run(lines, rd, yield)
	}
}

// reader reads one file. It has one owner.
type reader struct {
	asked     string
	yield     func(*features.Flow, error) bool
	schema    *celllog.Schema // nil before the header
	separator byte
	split     byte // the separator of the current line

	names features.Interner
	lower []byte
	flow  features.Flow
}

// Skip implements celllog.Format.
func (r *reader) Skip([]byte) bool { return false }

// startTime is the name of the column that every header has.
var startTime = []byte("starttime")

// Split implements celllog.Format. A header tells the separator of what follows.
func (r *reader) Split(s *celllog.Splitter, line []byte) bool {
	separator := r.separator
	if separator == 0 || len(line) >= len(startTime) && line[0]-'0' > 9 && namesStart(line) {
		separator = ','
		if bytes.IndexByte(line, ',') < 0 {
			separator = '\t'
		}
	}
	r.split = separator
	return s.Split(line, separator)
}

// namesStart reports whether the name of the time is somewhere in a line.
func namesStart(line []byte) bool {
	for i := 0; i+len(startTime) <= len(line); i++ {
		if line[i]|0x20 == startTime[0] && bytes.EqualFold(line[i:i+len(startTime)], startTime) {
			return true
		}
	}
	return false
}

// Head implements celllog.Format.
func (r *reader) Head(cells [][]byte, cut bool) (head bool, fault string) {
	for _, c := range cells {
		head = head || len(c) == len(startTime) && bytes.EqualFold(c, startTime)
	}
	if cut || !head && r.schema != nil {
		return head, ""
	}
	s := celllog.NewSchema(cells, numColumns, lookup, r.asked)
	for _, c := range required {
		if !s.Has(c) {
			return head, celllog.Lacking(columnNames[c], s.Names)
		}
	}
	if r.asked != "" && s.Asked < 0 {
		return head, celllog.Lacking(r.asked, s.Names)
	}
	r.schema, r.separator = s, r.split
	return head, ""
}

// Width implements celllog.Format.
func (r *reader) Width(n int) bool { return n == r.schema.Cells }

// Column implements celllog.Format.
func (r *reader) Column(c int) (name string, at int) { return r.schema.Name(c), r.schema.At(c) }

// Record implements celllog.Format.
func (r *reader) Record(cells [][]byte) (celllog.Fault, bool) {
	r.flow = features.Flow{}
	if fault := r.build(&r.flow, cells); fault != celllog.Sound {
		return fault, true
	}
	r.label(&r.flow, cells)
	return celllog.Sound, r.yield(&r.flow, nil)
}

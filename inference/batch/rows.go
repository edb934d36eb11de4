package batch

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"iter"
	"math"

	"threatdetect/features"
	"threatdetect/inference/detect"
)

// Table says what the rows of an output have in common.
type Table struct {
	Model, Set string
	Threshold  float32
	Classes    []string // of a model with several; nil otherwise
	Scores     bool     // whether rows have a score of each class
	Reasons    int      // how many of them rows have
	Calibrated bool     // whether rows have a probability
}

// Row is a verdict as it is written to a table. What is not known has no value.
type Row struct {
	Time             int64 // nanoseconds since the Unix epoch
	UID              []byte
	Src, Dst         string
	SrcPort, DstPort uint16
	Proto            string
	HasTime          bool
	HasPorts         [2]bool // of Src and Dst
	Score            float32
	Probability      float32 // of a calibrated model
	Threat           bool
	Class            int // -1: unknown
	Scores           []float32
	Reasons          []detect.Reason
}

const rowsMagic = "threatdetect rows 1\n"

// rowLayout lays verdicts out as rows for ReadRows.
type rowLayout struct {
	detector *detect.Detector
	table    Table
	text     []byte // of a log, as tables have it
}

func newRowLayout(d *detect.Detector) *rowLayout {
	return &rowLayout{detector: d, table: Table{
		Model: d.Model(), Set: d.Set(), Threshold: d.Threshold(), Classes: d.Classes(), Scores: d.NumScore() > 0, Reasons: d.NumReason(),
		Calibrated: d.Calibrated(),
	}}
}

func (r *rowLayout) AppendHeader(b []byte) []byte {
	b = append(b, rowsMagic...)
	b = appendString(appendString(b, r.table.Model), r.table.Set)
	b = appendFloat(b, r.table.Threshold)
	b = binary.AppendUvarint(b, uint64(len(r.table.Classes)))
	for _, c := range r.table.Classes {
		b = appendString(b, c)
	}
	b = append(b, boolByte(r.table.Scores)|2*boolByte(r.table.Calibrated))
	return binary.AppendUvarint(b, uint64(r.table.Reasons))
}

// flags of a row.
const (
	rowTime = 1 << iota
	rowSrcPort
	rowDstPort
	rowThreat
	rowAddrs
)

func (r *rowLayout) AppendVerdict(b []byte, v *detect.Verdict) []byte {
	f := v.Flow
	var flags byte
	for _, x := range []struct {
		has bool
		bit byte
	}{{f.Has(features.FieldStart), rowTime}, {f.Has(features.FieldSrcPort), rowSrcPort}, {f.Has(features.FieldDstPort), rowDstPort}, {v.Threat, rowThreat},
		{f.Has(features.FieldAddrs) && f.Src.IsValid() && f.Dst.IsValid(), rowAddrs}} {
		if x.has {
			flags |= x.bit
		}
	}
	b = append(b, 'r', flags)
	b = binary.AppendVarint(b, f.Start)
	r.text = detect.AppendText(r.text[:0], f.UID)
	b = appendString(b, r.text)
	if flags&rowAddrs != 0 {
		b = appendString(b, f.Src.WithZone("").String())
		b = appendString(b, f.Dst.WithZone("").String())
	}
	b = binary.LittleEndian.AppendUint16(b, f.SrcPort)
	b = binary.LittleEndian.AppendUint16(b, f.DstPort)
	r.text = detect.AppendText(r.text[:0], detect.ProtoName(f))
	b = appendString(b, r.text)
	b = appendFloat(b, v.Score)
	if r.table.Calibrated {
		b = appendFloat(b, v.Probability)
	}
	b = binary.AppendVarint(b, int64(v.Class))
	b = binary.AppendUvarint(b, uint64(len(v.Classes)))
	for _, x := range v.Classes {
		b = appendFloat(b, x)
	}
	b = binary.AppendUvarint(b, uint64(len(v.Top)))
	for _, x := range v.Top {
		b = appendFloat(appendFloat(appendString(b, x.Feature), x.Value), x.Contribution)
	}
	return b
}

func appendString[T ~string | ~[]byte](b []byte, s T) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

func appendFloat(b []byte, x float32) []byte {
	return binary.LittleEndian.AppendUint32(b, math.Float32bits(x))
}

func boolByte(v bool) byte {
	if v {
		return 1
	}
	return 0
}

// ErrRows says that a file of rows is damaged.
var ErrRows = errors.New("damaged rows")

// maxRowText bounds a text of a row.
const maxRowText = 1 << 24

// ReadRows reads what a job keeps of a log until it is whole. A row is valid until the next step.
func ReadRows(src io.Reader) (*Table, iter.Seq2[*Row, error], error) {
	r := &rowReader{r: bufio.NewReaderSize(src, 256<<10)}
	magic := make([]byte, len(rowsMagic))
	if _, err := io.ReadFull(r.r, magic); err != nil || string(magic) != rowsMagic {
		return nil, nil, fmt.Errorf("%w: they do not begin with %q", ErrRows, rowsMagic)
	}
	t := &Table{Model: string(r.text()), Set: string(r.text()), Threshold: r.float()}
	for range r.count() {
		t.Classes = append(t.Classes, string(r.text()))
		if r.err != nil {
			break
		}
	}
	has := r.byte()
	t.Scores, t.Calibrated = has&1 != 0, has&2 != 0
	r.calibrated = t.Calibrated
	t.Reasons = r.count()
	if r.err != nil {
		return nil, nil, r.err
	}
	return t, func(yield func(*Row, error) bool) {
		for {
			c, err := r.r.ReadByte()
			if err == io.EOF {
				return
			}
			if err != nil || c != 'r' {
				yield(nil, fmt.Errorf("%w: no row where one should be", errors.Join(ErrRows, err)))
				return
			}
			r.next()
			if r.err != nil {
				yield(nil, r.err)
				return
			}
			if !yield(&r.row, nil) {
				return
			}
		}
	}, nil
}

// rowReader takes values apart. The first fault is kept.
type rowReader struct {
	r          *bufio.Reader
	err        error
	row        Row
	calibrated bool
}

func (r *rowReader) fail(err error) {
	if r.err == nil {
		if err == io.EOF {
			err = io.ErrUnexpectedEOF
		}
		r.err = fmt.Errorf("%w: %w", ErrRows, err)
	}
}

func (r *rowReader) count() int {
	n, err := binary.ReadUvarint(r.r)
	if err == nil && n > maxRowText {
		err = errors.New("a number out of range")
	}
	if err != nil {
		r.fail(err)
		return 0
	}
	return int(n)
}

func (r *rowReader) signed() int64 {
	n, err := binary.ReadVarint(r.r)
	if err != nil {
		r.fail(err)
	}
	return n
}

func (r *rowReader) byte() byte {
	c, err := r.r.ReadByte()
	if err != nil {
		r.fail(err)
	}
	return c
}

func (r *rowReader) bytes(n int) []byte {
	b := make([]byte, n)
	if _, err := io.ReadFull(r.r, b); err != nil {
		r.fail(err)
	}
	return b
}

func (r *rowReader) text() []byte { return r.bytes(r.count()) }

func (r *rowReader) float() float32 {
	return math.Float32frombits(binary.LittleEndian.Uint32(r.bytes(4)))
}

func (r *rowReader) port() uint16 { return binary.LittleEndian.Uint16(r.bytes(2)) }

func (r *rowReader) next() {
	w := &r.row
	flags := r.byte()
	*w = Row{Scores: w.Scores[:0], Reasons: w.Reasons[:0]}
	w.HasTime, w.Threat = flags&rowTime != 0, flags&rowThreat != 0
	w.HasPorts = [2]bool{flags&rowSrcPort != 0, flags&rowDstPort != 0}
	w.Time, w.UID = r.signed(), r.text()
	if flags&rowAddrs != 0 {
		w.Src, w.Dst = string(r.text()), string(r.text())
	}
	w.SrcPort, w.DstPort = r.port(), r.port()
	w.Proto, w.Score = string(r.text()), r.float()
	if r.calibrated {
		w.Probability = r.float()
	}
	w.Class = int(r.signed())
	for range r.count() {
		if w.Scores = append(w.Scores, r.float()); r.err != nil {
			return
		}
	}
	for range r.count() {
		if w.Reasons = append(w.Reasons, detect.Reason{Feature: string(r.text()), Value: r.float(), Contribution: r.float()}); r.err != nil {
			return
		}
	}
}

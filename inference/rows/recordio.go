package rows

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"iter"
)

// A file in the RecordIO form is a sequence of frames, numbers being little-endian:
//
//	0        4        8                 8+length      multiple of 4
//	| magic  | length | a record ...    | zeros ...   |
//
// The highest three bits of the length tell whether a frame is a whole record (0) or the first (1), a middle (2) or the
// last (3) part of one.
const (
	recordMagic = 0xCED7230A
	frameHeader = 8
	frameAlign  = 4
	lengthBits  = 29
	frameWhole  = 0
	frameFirst  = 1
	frameMiddle = 2
	frameLast   = 3
)

// frameReader joins frames to records of at most limit bytes.
type frameReader struct {
	r      io.Reader // or nil, and the frames lie in
	rest   []byte
	limit  int
	count  int64
	part   bytes.Buffer // of what was read
	joined []byte
}

// newFrameReader reads from r, or where its bytes lie if it is a buffer, which nobody may write to meanwhile.
func newFrameReader(r io.Reader, limit int) *frameReader {
	if b, ok := r.(*bytes.Buffer); ok {
		return &frameReader{rest: b.Next(b.Len()), limit: limit}
	}
	return &frameReader{r: r, limit: limit}
}

// next returns a record, valid until the next call; io.EOF after the last one.
func (f *frameReader) next() ([]byte, error) {
	f.joined = f.joined[:0]
	f.count++
	started := false
	for {
		kind, part, err := f.frame()
		if err == io.EOF && started {
			err = f.fault("the input ends inside of a record")
		}
		if err != nil {
			return nil, err
		}
		switch {
		case kind == frameWhole && !started:
			return part, nil
		case kind == frameFirst && !started, kind == frameMiddle && started, kind == frameLast && started:
			started = true
			if f.joined = append(f.joined, part...); kind == frameLast {
				return f.joined, nil
			}
		default:
			return nil, f.fault("the parts of a record are out of order")
		}
	}
}

// frame returns what is in the next frame, valid until the next call.
func (f *frameReader) frame() (kind uint32, part []byte, err error) {
	head, err := f.take(frameHeader)
	if err == io.EOF {
		return 0, nil, io.EOF
	}
	if err != nil {
		return 0, nil, f.readError(err)
	}
	if magic := binary.LittleEndian.Uint32(head); magic != recordMagic {
		return 0, nil, f.fault(fmt.Sprintf("a frame begins with %#08x, want the magic number %#08x", magic, uint32(recordMagic)))
	}
	length := binary.LittleEndian.Uint32(head[4:])
	kind = length >> lengthBits
	length &= 1<<lengthBits - 1
	if len(f.joined)+int(length) > f.limit {
		return 0, nil, &Error{Record: f.count, Err: &LimitError{Name: "record length", Limit: int64(f.limit), Got: int64(len(f.joined)) + int64(length)}}
	}
	padded := (int(length) + frameAlign - 1) / frameAlign * frameAlign
	if part, err = f.take(padded); err != nil {
		return 0, nil, f.readError(err)
	}
	return kind, part[:length:length], nil
}

// take returns the next n bytes, valid until the next call.
func (f *frameReader) take(n int) ([]byte, error) {
	if f.r == nil {
		switch {
		case len(f.rest) == 0 && n > 0:
			return nil, io.EOF
		case len(f.rest) < n:
			return nil, io.ErrUnexpectedEOF
		}
		b := f.rest[:n]
		f.rest = f.rest[n:]
		return b, nil
	}
	f.part.Reset()
	read, err := io.CopyN(&f.part, f.r, int64(n)) // which grows with what comes
	if err == io.EOF && read > 0 {
		err = io.ErrUnexpectedEOF
	}
	return f.part.Bytes(), err
}

func (f *frameReader) readError(err error) error {
	if err == io.EOF || err == io.ErrUnexpectedEOF {
		return f.fault("the input ends inside of a frame")
	}
	return fmt.Errorf("in record %d: %w", f.count, err)
}

func (f *frameReader) fault(text string) *Error {
	fault := syntaxFault(0, "", text)
	fault.Record = f.count
	return fault
}

// valuesName is the feature that holds a row.
const valuesName = "values"

// readRecords yields the rows of r.
func readRecords(r io.Reader, opts *Options, row []float32, yield func([]float32, error) bool) {
	frames := newFrameReader(r, opts.lineLimit())
	d := recordDecoder{row: row}
	for {
		record, err := frames.next()
		if err == io.EOF {
			return
		}
		if err == nil {
			if fault := d.decode(record); fault != nil {
				fault.Record = frames.count
				err = fault
			}
		}
		if err != nil {
			yield(nil, err)
			return
		}
		if opts.Missing != nil {
			blank(row, *opts.Missing)
		}
		if !yield(row, nil) {
			return
		}
	}
}

// recordDecoder reads records by this package's own rules.
type recordDecoder struct {
	row     []float32
	width   int   // values of the first array
	first   int64 // its record
	count   int64
	seen    []int64 // record that last had a key
	entries []entry
	tensor  tensor
}

const notProtobuf = "not a record in protobuf's encoding"

func (d *recordDecoder) decode(record []byte) *Error {
	d.count++
	var ok bool
	if d.entries, ok = readRecord(d.entries, record); !ok {
		return syntaxFault(0, "", notProtobuf)
	}
	fill(d.row)
	for _, e := range d.entries {
		if e.field != fieldFeatures || e.name != valuesName {
			continue
		}
		if !d.tensor.readValue(e.value) {
			return syntaxFault(0, "", notProtobuf)
		}
		return d.set(&d.tensor)
	}
	return shapeFault(0, "", fmt.Sprintf("the record has no feature %q", valuesName))
}

func (d *recordDecoder) set(t *tensor) *Error {
	n, features := t.values, len(d.row)
	switch {
	case t.kind == 0 || t.kind == fieldBytes:
		return syntaxFault(0, "", fmt.Sprintf("feature %q holds no numbers", valuesName))
	case t.dimensions > 1:
		return shapeFault(0, "", fmt.Sprintf("an array of %d dimensions, want 1", t.dimensions))
	case t.dimensions == 1 && t.length > uint64(features):
		return shapeFault(0, "", fmt.Sprintf("the record has %d columns, the model has %s", t.length, counted(features, "feature")))
	case t.isSparse():
		return d.setSparse(t)
	case t.dimensions == 1 && t.length != uint64(n):
		return syntaxFault(0, "", fmt.Sprintf("%s in an array of %d", counted(n, "value"), t.length))
	case n > features:
		return shapeFault(0, "", fmt.Sprintf("the record has %s, the model has %s", counted(n, "value"), counted(features, "feature")))
	case d.first == 0:
		d.width, d.first = n, d.count
	case d.width != n:
		return shapeFault(0, "", fmt.Sprintf("the record has %s, record %d has %d", counted(n, "value"), d.first, d.width))
	}
	for i, v := range t.all() {
		d.row[i] = float32(v)
	}
	return nil
}

func (d *recordDecoder) setSparse(t *tensor) *Error {
	if t.keys != t.values {
		return syntaxFault(0, "", fmt.Sprintf("%s for %s", counted(t.keys, "key"), counted(t.values, "value")))
	}
	limit := uint64(len(d.row))
	if t.dimensions == 1 {
		limit = t.length
	}
	if d.seen == nil {
		d.seen = make([]int64, len(d.row))
	}
	item := 0
	for key, v := range t.all() {
		item++
		if key >= limit {
			return shapeFault(item, "", fmt.Sprintf("key %d is beyond the %d columns", key, limit))
		}
		if d.seen[key] == d.count {
			return syntaxFault(item, "", fmt.Sprintf("key %d comes twice", key))
		}
		d.seen[key] = d.count
		d.row[key] = float32(v)
	}
	return nil
}

// recordsOf ranges over the records of a payload.
func recordsOf(payload []byte) iter.Seq2[[]byte, *Error] {
	return func(yield func([]byte, *Error) bool) {
		f := &frameReader{rest: payload, limit: len(payload)}
		for {
			record, err := f.next()
			if err == io.EOF {
				return
			}
			fault, _ := errors.AsType[*Error](err)
			if !yield(record, fault) || err != nil {
				return
			}
		}
	}
}

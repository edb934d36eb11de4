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
	r      io.Reader
	limit  int
	count  int64
	record bytes.Buffer
}

// next returns a record, valid until the next call; io.EOF after the last one.
func (f *frameReader) next() ([]byte, error) {
	f.record.Reset()
	f.count++
	started := false
	for {
		kind, err := f.frame()
		if err == io.EOF && started {
			err = f.fault("the input ends inside of a record")
		}
		if err != nil {
			return nil, err
		}
		switch {
		case kind == frameWhole && !started, kind == frameLast && started:
			return f.record.Bytes(), nil
		case kind == frameFirst && !started, kind == frameMiddle && started:
			started = true
		default:
			return nil, f.fault("the parts of a record are out of order")
		}
	}
}

// frame adds a frame to the record.
func (f *frameReader) frame() (kind uint32, err error) {
	var head [frameHeader]byte
	switch _, err := io.ReadFull(f.r, head[:]); {
	case err == io.EOF:
		return 0, io.EOF
	case err != nil:
		return 0, f.readError(err)
	}
	if magic := binary.LittleEndian.Uint32(head[:]); magic != recordMagic {
		return 0, f.fault(fmt.Sprintf("a frame begins with %#08x, want the magic number %#08x", magic, uint32(recordMagic)))
	}
	length := binary.LittleEndian.Uint32(head[4:])
	kind = length >> lengthBits
	length &= 1<<lengthBits - 1
	if f.record.Len()+int(length) > f.limit {
		return 0, &Error{Record: f.count, Err: &LimitError{Name: "record length", Limit: int64(f.limit), Got: int64(f.record.Len()) + int64(length)}}
	}
	if _, err := io.CopyN(&f.record, f.r, int64(length)); err != nil {
		return 0, f.readError(err)
	}
	if pad := -length & (frameAlign - 1); pad > 0 {
		if _, err := io.ReadFull(f.r, head[:pad]); err != nil {
			return 0, f.readError(err)
		}
	}
	return kind, nil
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
	frames := &frameReader{r: r, limit: opts.lineLimit()}
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
	n, features := len(t.values), len(d.row)
	switch {
	case t.kind == 0 || t.kind == fieldBytes:
		return syntaxFault(0, "", fmt.Sprintf("feature %q holds no numbers", valuesName))
	case len(t.shape) > 1:
		return shapeFault(0, "", fmt.Sprintf("an array of %d dimensions, want 1", len(t.shape)))
	case len(t.shape) == 1 && t.shape[0] > uint64(features):
		return shapeFault(0, "", fmt.Sprintf("the record has %d columns, the model has %s", t.shape[0], counted(features, "feature")))
	case t.isSparse():
		return d.setSparse(t)
	case len(t.shape) == 1 && t.shape[0] != uint64(n):
		return syntaxFault(0, "", fmt.Sprintf("%s in an array of %d", counted(n, "value"), t.shape[0]))
	case n > features:
		return shapeFault(0, "", fmt.Sprintf("the record has %s, the model has %s", counted(n, "value"), counted(features, "feature")))
	case d.first == 0:
		d.width, d.first = n, d.count
	case d.width != n:
		return shapeFault(0, "", fmt.Sprintf("the record has %s, record %d has %d", counted(n, "value"), d.first, d.width))
	}
	for i, v := range t.values {
		d.row[i] = float32(v)
	}
	return nil
}

func (d *recordDecoder) setSparse(t *tensor) *Error {
	if len(t.keys) != len(t.values) {
		return syntaxFault(0, "", fmt.Sprintf("%s for %s", counted(len(t.keys), "key"), counted(len(t.values), "value")))
	}
	limit := uint64(len(d.row))
	if len(t.shape) == 1 {
		limit = t.shape[0]
	}
	seen := make(map[uint64]bool, len(t.keys))
	for i, key := range t.keys {
		if key >= limit {
			return shapeFault(i+1, "", fmt.Sprintf("key %d is beyond the %d columns", key, limit))
		}
		if seen[key] {
			return syntaxFault(i+1, "", fmt.Sprintf("key %d comes twice", key))
		}
		seen[key] = true
		d.row[key] = float32(t.values[i])
	}
	return nil
}

// recordsOf ranges over the records of a payload.
func recordsOf(payload []byte) iter.Seq2[[]byte, *Error] {
	return func(yield func([]byte, *Error) bool) {
		f := &frameReader{r: bytes.NewReader(payload), limit: len(payload)}
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

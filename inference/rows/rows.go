package rows

import (
	"errors"
	"fmt"
	"io"
	"iter"
	"math"
	"strings"
)

// Format names a form of row file. Its text is what the command line calls it.
type Format string

// The forms that Read knows.
const (
	CSV    Format = "csv"
	Libsvm Format = "libsvm"
	NDJSON Format = "ndjson"
	// RecordIO is SageMaker's RecordIO-protobuf, a binary form.
	RecordIO Format = "recordio"
)

// Header says whether a CSV input starts with column names. The zero value is HeaderAuto.
type Header string

// The three answers. HeaderAuto looks at the first record.
const (
	HeaderAuto Header = "auto"
	HeaderYes  Header = "yes"
	HeaderNo   Header = "no"
)

// Limits of one line, its end not counted.
const (
	DefaultMaxLine = 16 << 20 // bytes; a million short numbers. Also of a record of RecordIO
	HardMaxLine    = 64 << 20 // bytes; what Options.MaxLine may ask for
)

// Options says what the model expects and how the input is written. Only NumFeature has no default.
type Options struct {
	NumFeature int      // features of the model, at least 1
	Names      []string // feature names, NumFeature of them, all different; nil if the model has none
	Missing    *float32 // a value that is missing besides NaN, compared as float32 (so 0 is -0 too); nil: none
	Comma      byte     // CSV: separator of fields; 0: told from the first record
	Header     Header   // CSV
	IndexBase  int      // libsvm: index of the first feature, 0 or 1
	MaxLine    int      // bytes; 0: DefaultMaxLine
	MaxRows    int      // of a request to an Image: one of more has no rows, but the error ErrTooMany; 0 is any number
	Image      *Image   // read as this SageMaker image does; Names, Comma, Header, IndexBase and MaxLine do not count then
}

// decoder is one form of line. It puts a row where its maker told it to.
type decoder interface {
	// decode reads one line, without its end. It reports whether the line was a row.
	decode(line []byte) (bool, *Error)
}

// Read ranges over the rows of r, which must be plain: decompressing is the caller's work. The sequence is
// single-use. A yielded row has opts.NumFeature values, is valid until the next step, and may be changed by the caller.
//
// An error is the last thing yielded, with a nil row. It is an [*Error] when the input is at fault; a failure of r is
// passed on wrapped, and the incomplete line before it is not read. Read does not close r.
func Read(r io.Reader, format Format, opts *Options) iter.Seq2[[]float32, error] {
	return func(yield func([]float32, error) bool) {
		if opts == nil {
			opts = &Options{}
		}
		index, err := opts.check()
		if err != nil {
			yield(nil, err)
			return
		}
		if format == Auto {
			format, r = detect(r)
		}
		row := make([]float32, opts.NumFeature)
		if opts.Image != nil {
			opts.Image.read(r, format, opts, row, yield)
			return
		}
		var d decoder
		switch format {
		case CSV:
			csv := newCSVDecoder(opts, index, row)
			defer csv.borrow()()
			d = csv
		case Libsvm:
			d = newLibsvmDecoder(opts, row)
		case NDJSON:
			d = newNDJSONDecoder(opts, index, row)
		case RecordIO:
			readRecords(r, opts, row, yield)
			return
		default:
			yield(nil, fmt.Errorf("rows: unknown format %s, want auto, csv, libsvm, ndjson or recordio", quote([]byte(format))))
			return
		}
		lines := newLineReader(r, opts.lineLimit())
		for {
			line, err := lines.next()
			if err == io.EOF {
				return
			}
			if err != nil {
				yield(nil, err)
				return
			}
			isRow, fault := d.decode(line)
			if fault != nil {
				fault.Line = lines.count
				yield(nil, fault)
				return
			}
			if !isRow {
				continue
			}
			if opts.Missing != nil {
				blank(row, *opts.Missing)
			}
			if !yield(row, nil) {
				return
			}
		}
	}
}

func (o *Options) lineLimit() int {
	if o.MaxLine == 0 {
		return DefaultMaxLine
	}
	return o.MaxLine
}

// check reports options that mean nothing, and returns the feature of each name.
func (o *Options) check() (index map[string]int, err error) {
	limit := o.MaxLine
	switch {
	case o.NumFeature < 1:
		return nil, fmt.Errorf("rows: NumFeature is %d, want at least 1", o.NumFeature)
	case o.Names != nil && len(o.Names) != o.NumFeature:
		return nil, fmt.Errorf("rows: %d feature names for %d features", len(o.Names), o.NumFeature)
	case o.IndexBase != 0 && o.IndexBase != 1:
		return nil, fmt.Errorf("rows: IndexBase is %d, want 0 or 1", o.IndexBase)
	case o.MaxRows < 0:
		return nil, fmt.Errorf("rows: MaxRows is %d, want 0 or more", o.MaxRows)
	case limit < 0 || limit > HardMaxLine:
		return nil, fmt.Errorf("rows: MaxLine is %d, want at most %d", limit, HardMaxLine)
	case o.Comma != 0 && !isComma(o.Comma):
		return nil, fmt.Errorf("rows: %q cannot separate fields", o.Comma)
	}
	switch o.Header {
	case "", HeaderAuto, HeaderYes, HeaderNo:
	default:
		return nil, fmt.Errorf("rows: unknown Header %s, want auto, yes or no", quote([]byte(o.Header)))
	}
	if o.Names == nil {
		return nil, nil
	}
	index = make(map[string]int, len(o.Names))
	for i, name := range o.Names {
		if _, twice := index[name]; twice {
			return nil, errors.New("rows: two features are named " + quote([]byte(name)))
		}
		index[name] = i
	}
	return index, nil
}

// isComma reports whether c can separate fields: anything printable, or a tab, that no number or quoted field contains.
func isComma(c byte) bool {
	switch {
	case c == '\t':
		return true
	case c < ' ', c > '~', strings.IndexByte(`"+-.`, c) >= 0:
		return false
	}
	return !('0' <= c && c <= '9' || 'a' <= c|0x20 && c|0x20 <= 'z')
}

var nan = float32(math.NaN())

// fill makes every value of row missing.
func fill(row []float32) {
	for i := range row {
		row[i] = nan
	}
}

// blank makes every value of row that equals v missing.
func blank(row []float32, v float32) {
	for i := range row {
		if row[i] == v {
			row[i] = nan
		}
	}
}

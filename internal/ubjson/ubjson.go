// Package ubjson reads the subset of UBJSON draft 12 that XGBoost writes, from a byte slice and without building a tree of
// values.
//
//	object   '{' (length key value)* '}'            keys carry no 'S'
//	array    '[' value* ']'  |  '[' '#' n value{n}  |  '[' '$' type '#' n element{n}
//	string   'S' length bytes      char 'C' byte
//	number   'i' int8  'U' uint8  'I' int16  'l' int32  'L' int64  'd' float32  'D' float64, big-endian
//	others   'T' 'F' 'Z'
//
// Lengths and counts may have any integer type. Every one is compared with the bytes that are left before anything is
// allocated. Nesting is limited to [MaxDepth]. High-precision numbers, no-ops and counted objects, which no model has, are errors.
package ubjson

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"

	"threatdetect/internal/safeio"
)

// Limits of a document.
const (
	MaxDepth  = 64       // nested objects and arrays
	MaxKey    = 1 << 10  // bytes of a key
	MaxString = 16 << 20 // bytes of a string
)

// Error is a failure at a byte of the document. A limit that was met is a *safeio.LimitError in Err.
type Error struct {
	Offset int64
	Index  int // element of the array being appended to a slice, or -1
	Err    error
}

func (e *Error) Error() string { return fmt.Sprintf("byte %d: %v", e.Offset, e.Err) }
func (e *Error) Unwrap() error { return e.Err }

var errEnd = errors.New("unexpected end of data")

// Reader is a cursor over one document. The caller walks it: every method consumes the next value or fails. It must not be used after
// an error, nor by two goroutines at once.
type Reader struct {
	data  []byte
	pos   int
	left  [MaxDepth]int // for each open array the elements to come, or -1 if only its end mark will tell
	depth int
}

// NewReader returns a reader at the start of data, which it keeps and does not change.
func NewReader(data []byte) *Reader { return &Reader{data: data} }

// Offset is the position of the next byte.
func (r *Reader) Offset() int64 { return int64(r.pos) }

func (r *Reader) fail(offset int, err error) error {
	return &Error{Offset: int64(offset), Index: -1, Err: err}
}

func (r *Reader) failf(offset int, format string, args ...any) error {
	return r.fail(offset, fmt.Errorf(format, args...))
}

// marker returns the byte at the cursor and steps over it.
func (r *Reader) marker() (byte, error) {
	if r.pos >= len(r.data) {
		return 0, r.fail(r.pos, errEnd)
	}
	r.pos++
	return r.data[r.pos-1], nil
}

func (r *Reader) expect(want byte, what string) error {
	m, err := r.marker()
	if err == nil && m != want {
		return r.failf(r.pos-1, "expected %s, found marker %q", what, m)
	}
	return err
}

func (r *Reader) push(left int) error {
	if r.depth == MaxDepth {
		return r.fail(r.pos-1, &safeio.LimitError{Name: "nesting", Limit: MaxDepth, Got: MaxDepth + 1})
	}
	r.left[r.depth] = left
	r.depth++
	return nil
}

// Object steps into an object; [Reader.Key] then leads through it.
func (r *Reader) Object() error {
	if err := r.expect('{', "an object"); err != nil {
		return err
	}
	return r.push(-1)
}

// Key returns the next key, or false at the end of the object. The caller consumes the value before it asks again. The key is
// valid as long as the data is.
func (r *Reader) Key() ([]byte, bool, error) {
	if r.pos < len(r.data) && r.data[r.pos] == '}' {
		r.pos++
		r.depth--
		return nil, false, nil
	}
	key, err := r.bytes("key length", MaxKey)
	return key, err == nil, err
}

// Array steps into an array of objects, arrays or strings; [Reader.More] then leads through it.
func (r *Reader) Array() error {
	at := r.pos
	typ, n, err := r.header()
	if err != nil {
		return err
	}
	if typ != 0 && n > 0 {
		return r.failf(at, "unexpected array of numbers")
	}
	return r.push(n)
}

// More tells whether another element follows; the caller consumes it before it asks again. At the end it leaves the array.
func (r *Reader) More() (bool, error) {
	left := &r.left[r.depth-1]
	switch {
	case *left > 0:
		*left--
		return true, nil
	case *left < 0:
		if r.pos >= len(r.data) {
			return false, r.fail(r.pos, errEnd)
		}
		if r.data[r.pos] != ']' {
			return true, nil
		}
		r.pos++
	}
	r.depth--
	return false, nil
}

// header reads the start of an array up to its first element: the type of its elements, or 0 if each has its own marker, and their number, or
// -1 if an end mark closes the array. The elements of a typed array are known to be there.
func (r *Reader) header() (typ byte, n int, err error) {
	if err := r.expect('[', "an array"); err != nil {
		return 0, 0, err
	}
	if r.pos >= len(r.data) {
		return 0, 0, r.fail(r.pos, errEnd)
	}
	size := 1
	switch r.data[r.pos] {
	case '$':
		r.pos++
		if typ, err = r.marker(); err != nil {
			return 0, 0, err
		}
		if size = sizeOf(typ); size == 0 {
			return 0, 0, r.failf(r.pos-1, "array of elements of type %q", typ)
		}
		if err := r.expect('#', "the number of elements"); err != nil {
			return 0, 0, err
		}
	case '#':
		r.pos++
	default:
		return 0, -1, nil
	}
	n, err = r.length("array length", size)
	return typ, n, err
}

// length reads the count of what follows, each element at least size bytes long, and proves that it fits into the data.
func (r *Reader) length(what string, size int) (int, error) {
	at := r.pos
	m, err := r.marker()
	if err != nil {
		return 0, err
	}
	if !isInt(m) {
		return 0, r.failf(at, "expected the %s, found marker %q", what, m)
	}
	n, err := r.integer(m)
	if err != nil {
		return 0, err
	}
	if left := len(r.data) - r.pos; n < 0 || n > int64(left/size) {
		return 0, r.failf(at, "%s %d does not fit into the %d bytes that are left", what, n, left)
	}
	return int(n), nil
}

// bytes reads a length and that many bytes.
func (r *Reader) bytes(what string, limit int) ([]byte, error) {
	at := r.pos
	n, err := r.length(what, 1)
	if err != nil {
		return nil, err
	}
	if n > limit {
		return nil, r.fail(at, &safeio.LimitError{Name: what, Limit: int64(limit), Got: int64(n)})
	}
	r.pos += n
	return r.data[r.pos-n : r.pos], nil
}

// IsObject tells whether the next value is an object.
func (r *Reader) IsObject() bool { return r.pos < len(r.data) && r.data[r.pos] == '{' }

// IsText tells whether the next value is a string.
func (r *Reader) IsText() bool {
	return r.pos < len(r.data) && (r.data[r.pos] == 'S' || r.data[r.pos] == 'C')
}

// Text reads a string. It is valid as long as the data is.
func (r *Reader) Text() ([]byte, error) {
	m, err := r.marker()
	if err != nil {
		return nil, err
	}
	switch m {
	case 'S':
		return r.bytes("string length", MaxString)
	case 'C':
		if _, err := r.marker(); err != nil {
			return nil, err
		}
		return r.data[r.pos-1 : r.pos], nil
	}
	return nil, r.failf(r.pos-1, "expected a string, found marker %q", m)
}

// Int reads an integer.
func (r *Reader) Int() (int64, error) {
	m, err := r.marker()
	if err != nil {
		return 0, err
	}
	if !isInt(m) {
		return 0, r.failf(r.pos-1, "expected an integer, found marker %q", m)
	}
	return r.integer(m)
}

// integer reads the payload of the integer marker m.
func (r *Reader) integer(m byte) (int64, error) {
	p, err := r.payload(m)
	if err != nil {
		return 0, err
	}
	return decodeInt(m, p), nil
}

// payload returns the bytes that follow the number marker m.
func (r *Reader) payload(m byte) ([]byte, error) {
	n := sizeOf(m)
	if len(r.data)-r.pos < n {
		return nil, r.fail(len(r.data), errEnd)
	}
	r.pos += n
	return r.data[r.pos-n : r.pos], nil
}

// End proves that nothing follows the document.
func (r *Reader) End() error {
	if r.pos != len(r.data) {
		return r.failf(r.pos, "%d bytes follow the document", len(r.data)-r.pos)
	}
	return nil
}

// sizeOf is the length of a number in bytes; 0 if m does not mark a number.
func sizeOf(m byte) int {
	switch m {
	case 'i', 'U':
		return 1
	case 'I':
		return 2
	case 'l', 'd':
		return 4
	case 'L', 'D':
		return 8
	}
	return 0
}

func isInt(m byte) bool { return m != 'd' && m != 'D' && sizeOf(m) > 0 }

func decodeInt(m byte, p []byte) int64 {
	switch m {
	case 'i':
		return int64(int8(p[0]))
	case 'U':
		return int64(p[0])
	case 'I':
		return int64(int16(binary.BigEndian.Uint16(p)))
	case 'l':
		return int64(int32(binary.BigEndian.Uint32(p)))
	}
	return int64(binary.BigEndian.Uint64(p))
}

// decodeFloat32 reads any number. Those of other types than float32 are rounded to the nearest one, once.
func decodeFloat32(m byte, p []byte) float32 {
	switch m {
	case 'd':
		return math.Float32frombits(binary.BigEndian.Uint32(p))
	case 'D':
		return float32(math.Float64frombits(binary.BigEndian.Uint64(p)))
	}
	return float32(decodeInt(m, p))
}

func decodeFloat64(m byte, p []byte) float64 {
	switch m {
	case 'd':
		return float64(math.Float32frombits(binary.BigEndian.Uint32(p)))
	case 'D':
		return math.Float64frombits(binary.BigEndian.Uint64(p))
	}
	return float64(decodeInt(m, p))
}

package ubjson

import (
	"encoding/binary"
	"errors"
	"math"
	"slices"
)

// Len is the number of elements of the array at the cursor if it is a typed one, whose elements are known to be there, else -1. It does
// not move the cursor.
func (r *Reader) Len() int {
	if len(r.data)-r.pos < 2 || r.data[r.pos] != '[' || r.data[r.pos+1] != '$' {
		return -1
	}
	pos := r.pos
	_, n, err := r.header()
	if r.pos = pos; err != nil {
		return -1
	}
	return n
}

// AppendInt32s appends the elements of an array of integers of any type to dst.
func (r *Reader) AppendInt32s(dst []int32) ([]int32, error) {
	typ, n, err := r.header()
	if err != nil {
		return dst, err
	}
	switch typ {
	case 'U':
		dst = slices.Grow(dst, n)
		for _, v := range r.data[r.pos : r.pos+n] {
			dst = append(dst, int32(v))
		}
		r.pos += n
		return dst, nil
	case 'l':
		dst = slices.Grow(dst, n)
		p := r.data[r.pos : r.pos+4*n]
		for ; len(p) >= 4; p = p[4:] {
			dst = append(dst, int32(binary.BigEndian.Uint32(p)))
		}
		r.pos += 4 * n
		return dst, nil
	}
	err = r.elements(typ, n, func(m byte, p []byte) error {
		if !isInt(m) {
			return errors.New("expected an integer")
		}
		v := decodeInt(m, p)
		if v != int64(int32(v)) {
			return errors.New("integer out of the range of 32 bits")
		}
		dst = append(dst, int32(v))
		return nil
	})
	return dst, err
}

// AppendFloat32s appends the elements of an array of numbers of any type to dst, rounded to float32.
func (r *Reader) AppendFloat32s(dst []float32) ([]float32, error) {
	typ, n, err := r.header()
	if err != nil {
		return dst, err
	}
	if typ == 'd' {
		dst = slices.Grow(dst, n)
		p := r.data[r.pos : r.pos+4*n]
		for ; len(p) >= 4; p = p[4:] {
			dst = append(dst, math.Float32frombits(binary.BigEndian.Uint32(p)))
		}
		r.pos += 4 * n
		return dst, nil
	}
	err = r.elements(typ, n, func(m byte, p []byte) error {
		if sizeOf(m) == 0 {
			return errors.New("expected a number")
		}
		dst = append(dst, decodeFloat32(m, p))
		return nil
	})
	return dst, err
}

// AppendBools appends the elements of an array of booleans, or of integers of which only 1 is true, to dst.
func (r *Reader) AppendBools(dst []bool) ([]bool, error) {
	typ, n, err := r.header()
	if err != nil {
		return dst, err
	}
	if typ == 'U' {
		dst = slices.Grow(dst, n)
		for _, v := range r.data[r.pos : r.pos+n] {
			dst = append(dst, v == 1)
		}
		r.pos += n
		return dst, nil
	}
	err = r.elements(typ, n, func(m byte, p []byte) error {
		switch {
		case m == 'T', m == 'F':
			dst = append(dst, m == 'T')
		case isInt(m):
			dst = append(dst, decodeInt(m, p) == 1)
		default:
			return errors.New("expected a boolean or an integer")
		}
		return nil
	})
	return dst, err
}

// AppendBytes appends the elements of an array of integers from -128 to 255 to dst, the negative ones in two's complement.
func (r *Reader) AppendBytes(dst []byte) ([]byte, error) {
	typ, n, err := r.header()
	if err != nil {
		return dst, err
	}
	if typ == 'i' || typ == 'U' {
		r.pos += n
		return append(dst, r.data[r.pos-n:r.pos]...), nil
	}
	err = r.elements(typ, n, func(m byte, p []byte) error {
		if !isInt(m) {
			return errors.New("expected an integer")
		}
		v := decodeInt(m, p)
		if v < math.MinInt8 || v > math.MaxUint8 {
			return errors.New("integer out of the range of a byte")
		}
		dst = append(dst, byte(v))
		return nil
	})
	return dst, err
}

// Numbers reads an array of numbers of any type: as integers, or as floating-point numbers unless all are integers.
func (r *Reader) Numbers() (ints []int64, floats []float64, err error) {
	typ, n, err := r.header()
	if err != nil {
		return nil, nil, err
	}
	if isInt(typ) && n > 0 {
		ints = make([]int64, 0, n)
	}
	err = r.elements(typ, n, func(m byte, p []byte) error {
		switch {
		case sizeOf(m) == 0:
			return errors.New("expected a number")
		case isInt(m) && floats == nil:
			ints = append(ints, decodeInt(m, p))
			return nil
		}
		for _, v := range ints {
			floats = append(floats, float64(v))
		}
		ints, floats = nil, append(floats, decodeFloat64(m, p))
		return nil
	})
	return ints, floats, err
}

// elements calls yield with the marker and the payload of each element of an array whose header was read. The payload is empty
// unless the marker is that of a number.
func (r *Reader) elements(typ byte, n int, yield func(m byte, p []byte) error) error {
	for i := 0; i != n; i++ {
		at, m := r.pos, typ
		if typ == 0 {
			var err error
			if m, err = r.marker(); err != nil {
				return err
			}
			if n < 0 && m == ']' {
				return nil
			}
		}
		p, err := r.payload(m)
		if err != nil {
			return err
		}
		if err := yield(m, p); err != nil {
			return &Error{Offset: int64(at), Index: i, Err: err}
		}
	}
	return nil
}

// Skip steps over the next value, whatever it is, and checks its syntax.
func (r *Reader) Skip() error {
	at := r.pos
	m, err := r.marker()
	if err != nil {
		return err
	}
	switch m {
	case '{':
		r.pos = at
		return r.skipObject()
	case '[':
		r.pos = at
		return r.skipArray()
	case 'S', 'C':
		r.pos = at
		_, err := r.Text()
		return err
	case 'T', 'F', 'Z':
		return nil
	}
	if sizeOf(m) == 0 {
		return r.failf(at, "unknown marker %q", m)
	}
	_, err = r.payload(m)
	return err
}

func (r *Reader) skipObject() error {
	if err := r.Object(); err != nil {
		return err
	}
	for {
		_, ok, err := r.Key()
		if err != nil || !ok {
			return err
		}
		if err := r.Skip(); err != nil {
			return err
		}
	}
}

func (r *Reader) skipArray() error {
	typ, n, err := r.header()
	if err != nil {
		return err
	}
	if typ != 0 {
		r.pos += n * sizeOf(typ) // header has compared the product with what is left
		return nil
	}
	if err := r.push(n); err != nil {
		return err
	}
	for {
		ok, err := r.More()
		if err != nil || !ok {
			return err
		}
		if err := r.Skip(); err != nil {
			return err
		}
	}
}

package pickle

import (
	"errors"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Array is a NumPy array. Its elements are known if it has one dimension and holds booleans, integers, floats, texts or Python values.
type Array struct {
	kind  byte // of [dtype], or 0 if the elements are not known
	size  int
	count int
	data  []byte // of the elements
	items *List  // the elements if kind is 'O'
	built bool
	node
}

// Known reports whether the elements of a can be read.
func (a *Array) Known() bool { return a.kind != 0 }

// Len is the number of elements, or 0 if they are not known.
func (a *Array) Len() int { return a.count }

// At returns element i, for i in [0, Len()).
func (a *Array) At(i int) Value {
	if a.kind == 'O' {
		return a.items.Items[i]
	}
	return element(a.kind, a.data[i*a.size:(i+1)*a.size])
}

// element reads one element, the lowest byte first.
func element(kind byte, p []byte) Value {
	switch kind {
	case 'b':
		return Bool(p[0] != 0)
	case 'i':
		return Int(signed(p))
	case 'u':
		if v := littleEndian(p); v > math.MaxInt64 {
			return BigInt(strconv.FormatUint(v, 10))
		}
		return Int(littleEndian(p))
	case 'f':
		if len(p) == 4 {
			return Float(math.Float32frombits(uint32(littleEndian(p))))
		}
		return Float(math.Float64frombits(littleEndian(p)))
	}
	var text strings.Builder // 'U': four bytes for each character, filled up with zeros
	for ; len(p) >= 4; p = p[4:] {
		r := littleEndian(p[:4])
		if r > utf8.MaxRune {
			r = utf8.RuneError
		}
		text.WriteRune(rune(r))
	}
	return String(strings.TrimRight(text.String(), "\x00"))
}

// dtype is the type of the elements of an array. It is of use only while a pickle is decoded.
type dtype struct {
	kind  byte // 'b', 'i', 'u', 'f', 'U', 'O', or 0 for all others
	size  int  // of an element in bytes
	built bool
}

func (*dtype) isValue() {}

// known are the sizes of the kinds that are decoded, in bytes.
var known = map[byte][]int{'b': {1}, 'i': {1, 2, 4, 8}, 'u': {1, 2, 4, 8}, 'f': {4, 8}}

const (
	maxText     = 1 << 20 // characters of each text of an array
	maxTypeName = 16      // bytes of the name of a type that is decoded
)

// callType is numpy.dtype of a short name such as "i8"; its other arguments say how to copy it.
func callType(m *machine, args []Value) (Value, error) {
	if len(args) < 1 || len(args) > 3 {
		return nil, errors.New("a NumPy type with other arguments than a name")
	}
	name, ok := args[0].(String)
	if !ok || name == "" {
		return nil, errors.New("a NumPy type without a name")
	}
	t := &dtype{}
	if len(name) <= maxTypeName {
		if size, err := strconv.ParseUint(string(name[1:]), 10, 31); err == nil {
			t.set(name[0], int(size))
		}
	}
	return t, m.memory.spend(nodeSize)
}

// set keeps what can be decoded.
func (t *dtype) set(kind byte, size int) {
	switch kind {
	case 'U':
		if size > 0 && size <= maxText {
			t.kind, t.size = kind, 4*size
		}
	case 'O':
		t.kind = kind
	default:
		for _, n := range known[kind] {
			if n == size {
				t.kind, t.size = kind, size
			}
		}
	}
}

// setState takes what BUILD says of a type: version, order of bytes, sub-type, names, fields, and sizes that the name has given already. What has
// parts is not decoded, nor what has its highest byte first.
func (t *dtype) setState(state Value) error {
	s, ok := state.(*Tuple)
	if !ok || len(s.Items) < 5 {
		return errors.New("the state of a NumPy type is not a tuple of at least five")
	}
	if t.built {
		return errors.New("a NumPy type gets its state twice")
	}
	t.built = true
	order, ok := s.Items[1].(String)
	if !ok {
		return errors.New("a NumPy type without an order of bytes")
	}
	plain := order == "<" || order == "|" || order == "="
	for _, part := range s.Items[2:5] {
		_, none := part.(None)
		plain = plain && none
	}
	if !plain {
		t.kind = 0
	}
	return nil
}

// callArray is numpy's _reconstruct(ndarray, shape, type): an empty array, to which BUILD gives its state.
func callArray(m *machine, args []Value) (Value, error) {
	if len(args) == 3 {
		if class, ok := args[0].(*Global); ok && class.Name == "ndarray" {
			n, err := m.node()
			return &Array{node: n}, err
		}
	}
	return nil, errors.New("an array of another class than ndarray")
}

// setArray takes the state of an array: version, shape, type, order of dimensions, data. Early NumPy left the version out.
func (m *machine) setArray(a *Array, state Value) error {
	s, ok := state.(*Tuple)
	if !ok || len(s.Items) != 4 && len(s.Items) != 5 {
		return errors.New("the state of an array is not a tuple of five")
	}
	if a.built {
		return errors.New("an array gets its state twice")
	}
	items := s.Items[len(s.Items)-4:]
	return m.fill(a, items[0], items[1], items[3])
}

// callFromBuffer is numpy's _frombuffer(data, type, shape, order).
func callFromBuffer(m *machine, args []Value) (Value, error) {
	if len(args) != 4 {
		return nil, errors.New("an array is made of other things than data, type, shape and order")
	}
	n, err := m.node()
	if err != nil {
		return nil, err
	}
	a := &Array{node: n}
	return a, m.fill(a, args[2], args[1], args[0])
}

// fill gives an array its elements, or leaves them unknown.
func (m *machine) fill(a *Array, shape, typ, data Value) error {
	a.built = true
	t, ok := typ.(*dtype)
	if !ok {
		return errors.New("the type of an array is none of NumPy's")
	}
	dims, ok := shape.(*Tuple)
	if !ok {
		return errors.New("the shape of an array is not a tuple")
	}
	if len(dims.Items) != 1 || t.kind == 0 {
		return nil
	}
	n, ok := dims.Items[0].(Int)
	if !ok || n < 0 {
		return errors.New("the length of an array is not a number")
	}
	if t.kind == 'O' {
		list, ok := data.(*List)
		if !ok || int64(n) != int64(len(list.Items)) {
			return errors.New("an array of Python values does not have as many as it says")
		}
		a.kind, a.count, a.items = t.kind, int(n), list
		return nil
	}
	p, err := m.raw(data)
	if err != nil {
		return err
	}
	if int64(n) > int64(len(p)) || int64(n)*int64(t.size) != int64(len(p)) {
		return errors.New("an array does not have as many bytes as its elements need")
	}
	a.kind, a.size, a.count, a.data = t.kind, t.size, int(n), p
	return nil
}

// raw returns bytes, which Python 2 stored as a string.
func (m *machine) raw(v Value) ([]byte, error) {
	switch v := v.(type) {
	case Bytes:
		return v, nil
	case String:
		b, err := m.latin1(v)
		if err != nil {
			return nil, err
		}
		return b.(Bytes), nil
	}
	return nil, errors.New("the data of an array are not bytes")
}

// callScalar is numpy's scalar(type, data): one number or text.
func callScalar(m *machine, args []Value) (Value, error) {
	if len(args) != 2 {
		return nil, errors.New("a NumPy number is made of other things than type and data")
	}
	t, ok := args[0].(*dtype)
	if !ok {
		return nil, errors.New("the type of a number is none of NumPy's")
	}
	if t.kind == 0 || t.kind == 'O' {
		return &Opaque{What: "a NumPy value"}, m.memory.spend(nodeSize)
	}
	p, err := m.raw(args[1])
	if err != nil {
		return nil, err
	}
	if len(p) != t.size {
		return nil, errors.New("a NumPy number does not have as many bytes as its type")
	}
	if err := m.payload(len(p)); err != nil {
		return nil, err
	}
	return element(t.kind, p), nil
}

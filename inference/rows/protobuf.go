package rows

import (
	"encoding/binary"
	"hash/maphash"
	"iter"
	"math"
)

// Field numbers of the messages in a record of the format that SageMaker calls RecordIO-protobuf.
//
//	Record { features: map<string, Value> = 1; label: map<string, Value> = 2; uid = 3; metadata = 4; configuration = 5 }
//	Value  { float32_tensor = 2 | float64_tensor = 3 | int32_tensor = 7 | bytes = 9 }
//	Tensor { values: repeated = 1; keys: repeated uint64 = 2; shape: repeated uint64 = 3 }
const (
	fieldFeatures, fieldLabel             = 1, 2
	fieldKey, fieldValue                  = 1, 2 // of an entry of a map
	fieldFloat32, fieldFloat64            = 2, 3
	fieldInt32, fieldBytes                = 7, 9
	fieldValues, fieldKeys, fieldShape    = 1, 2, 3
	wireVarint, wire64, wireBytes, wire32 = 0, 1, 2, 5
)

// wire reads protobuf's encoding. A fault sets bad, and ends the message.
type wire struct {
	rest []byte
	bad  bool
}

// next reads a field: a number, or the bytes of a string, a message or packed numbers. ok is false at the end.
func (w *wire) next() (field uint64, kind int, number uint64, body []byte, ok bool) {
	if len(w.rest) == 0 {
		return 0, 0, 0, nil, false
	}
	tag := w.varint()
	field, kind = tag>>3, int(tag&7)
	switch kind {
	case wireVarint:
		number = w.varint()
	case wire64:
		if b := w.take(8); b != nil {
			number = binary.LittleEndian.Uint64(b)
		}
	case wire32:
		if b := w.take(4); b != nil {
			number = uint64(binary.LittleEndian.Uint32(b))
		}
	case wireBytes:
		body = w.take(w.varint())
	default:
		w.bad = true
	}
	if field == 0 || tag > math.MaxUint32 {
		w.bad = true
	}
	return field, kind, number, body, !w.bad
}

func (w *wire) varint() uint64 {
	v, n := binary.Uvarint(w.rest)
	if n <= 0 {
		w.bad, w.rest = true, nil
		return 0
	}
	w.rest = w.rest[n:]
	return v
}

// take returns the next n bytes, which are not nil unless they are not there.
func (w *wire) take(n uint64) []byte {
	if n > uint64(len(w.rest)) {
		w.bad, w.rest = true, nil
		return nil
	}
	b := w.rest[:n:n]
	w.rest = w.rest[n:]
	return b
}

// tensor is what a record holds under a name. Its numbers stay where they lie, as one takes a byte there and eight as a float64.
type tensor struct {
	kind    uint64 // fieldFloat32, fieldFloat64 or fieldInt32; fieldBytes; 0 for nothing
	message []byte // a Value: its members of the kind are the tensor

	values, keys, dimensions int    // how many there are
	length                   uint64 // the first of the dimensions
	size                     uint64 // their product, 1 for none
	tooLarge                 bool   // it is no uint64
	shape                    uint64 // a number of all dimensions
}

func (t *tensor) reset(kind uint64, message []byte) {
	*t = tensor{kind: kind, message: message, size: 1}
}

// isSparse tells a list of keys and values from an array.
func (t *tensor) isSparse() bool { return t.keys > 0 || t.dimensions > 0 && t.values == 0 }

// readValue reads a Value message into t. A later member of another kind replaces an earlier one, and one of the same kind adds to it.
func (t *tensor) readValue(message []byte) bool {
	t.reset(0, nil)
	w := wire{rest: message}
	for {
		from := w.rest
		field, kind, _, body, ok := w.next()
		if !ok {
			return !w.bad
		}
		switch field {
		case fieldFloat32, fieldFloat64, fieldInt32, fieldBytes:
			if kind != wireBytes {
				return false
			}
			if t.kind != field {
				t.reset(field, from)
			}
			if field != fieldBytes && !t.readTensor(body) {
				return false
			}
		}
	}
}

func (t *tensor) readTensor(message []byte) bool {
	w := wire{rest: message}
	for {
		field, kind, number, body, ok := w.next()
		if !ok {
			return !w.bad
		}
		n := 1
		switch field {
		case fieldValues:
			n, ok = t.countValues(kind, body)
			t.values += n
		case fieldKeys:
			n, ok = countVarints(kind, body)
			t.keys += n
		case fieldShape:
			ok = t.readShape(kind, number, body)
		}
		if !ok {
			return false
		}
	}
}

// countValues counts one value, or several that are packed.
func (t *tensor) countValues(kind int, body []byte) (n int, ok bool) {
	switch {
	case t.kind == fieldFloat32 && kind == wire32, t.kind == fieldFloat64 && kind == wire64:
		return 1, true
	case t.kind == fieldFloat32 && kind == wireBytes:
		return len(body) / 4, len(body)%4 == 0
	case t.kind == fieldFloat64 && kind == wireBytes:
		return len(body) / 8, len(body)%8 == 0
	case t.kind == fieldInt32:
		return countVarints(kind, body)
	}
	return 0, false
}

func countVarints(kind int, body []byte) (n int, ok bool) {
	switch kind {
	case wireVarint:
		return 1, true
	case wireBytes:
		w := wire{rest: body}
		for ; len(w.rest) > 0; n++ {
			w.varint()
		}
		return n, !w.bad
	}
	return 0, false
}

// readShape reads one dimension, or several that are packed.
func (t *tensor) readShape(kind int, number uint64, body []byte) bool {
	switch kind {
	case wireVarint:
		t.addDimension(number)
		return true
	case wireBytes:
		w := wire{rest: body}
		for len(w.rest) > 0 {
			t.addDimension(w.varint())
		}
		return !w.bad
	}
	return false
}

func (t *tensor) addDimension(n uint64) {
	if t.dimensions++; t.dimensions == 1 {
		t.length = n
	}
	if n > 0 && t.size > ^uint64(0)/n {
		t.tooLarge = true
	}
	t.size *= n
	t.shape = maphash.Comparable(seed, [2]uint64{t.shape, n})
}

// seed is that of numbers by which shapes and names are compared.
var seed = maphash.MakeSeed()

// someNumbers is how many numbers are taken out of a message at once.
const someNumbers = 32

// all ranges over the values of a tensor with their keys, which are their places where there are none.
func (t *tensor) all() iter.Seq2[uint64, float64] {
	return func(yield func(uint64, float64) bool) {
		values := cursor{kind: t.kind, field: fieldValues, outer: wire{rest: t.message}}
		keys := cursor{kind: t.kind, field: fieldKeys, outer: wire{rest: t.message}}
		var v, k [someNumbers]uint64
		for place := uint64(0); ; {
			n := values.read(v[:])
			if t.keys > 0 {
				n = keys.read(k[:n])
			}
			if n == 0 {
				return
			}
			for i := range n {
				key := place
				if t.keys > 0 {
					key = k[i]
				}
				place++
				if !yield(key, t.number(v[i])) {
					return
				}
			}
		}
	}
}

// number is a value by its bits in the message.
func (t *tensor) number(bits uint64) float64 {
	switch t.kind {
	case fieldFloat32:
		return float64(math.Float32frombits(uint32(bits)))
	case fieldFloat64:
		return math.Float64frombits(bits)
	}
	return float64(int32(bits))
}

// cursor goes through one field of a tensor that was read before, and so is sound.
type cursor struct {
	kind, field   uint64
	outer, tensor wire
	packed        wire
}

// read reads as many numbers as there are, and there is room for.
func (c *cursor) read(dst []uint64) (n int) {
	for n < len(dst) {
		if len(c.packed.rest) > 0 {
			n += c.unpack(dst[n:])
			continue
		}
		field, kind, number, body, ok := c.tensor.next()
		switch {
		case !ok:
			if field, _, _, body, ok = c.outer.next(); !ok {
				return n
			}
			if field == c.kind {
				c.tensor = wire{rest: body}
			}
		case field != c.field:
		case kind == wireBytes:
			c.packed.rest = body
		default:
			dst[n] = number
			n++
		}
	}
	return n
}

// unpack reads packed numbers.
func (c *cursor) unpack(dst []uint64) (n int) {
	rest := c.packed.rest
	switch {
	case c.field == fieldValues && c.kind == fieldFloat32:
		for ; n < len(dst) && len(rest) >= 4; n++ {
			dst[n] = uint64(binary.LittleEndian.Uint32(rest))
			rest = rest[4:]
		}
		c.packed.rest = rest
	case c.field == fieldValues && c.kind == fieldFloat64:
		for ; n < len(dst) && len(rest) >= 8; n++ {
			dst[n] = binary.LittleEndian.Uint64(rest)
			rest = rest[8:]
		}
		c.packed.rest = rest
	default:
		for ; n < len(dst) && len(c.packed.rest) > 0; n++ {
			dst[n] = c.packed.varint()
		}
	}
	return n
}

// entry is one member of a record's maps.
type entry struct {
	field uint64 // fieldFeatures or fieldLabel
	name  string
	value []byte // a Value message
}

// readRecord lists the members of a record, of which the last of a name counts.
func readRecord(list []entry, message []byte) ([]entry, bool) {
	list = list[:0]
	w := wire{rest: message}
	for {
		field, kind, _, body, ok := w.next()
		if !ok {
			return list, !w.bad
		}
		if field != fieldFeatures && field != fieldLabel {
			continue
		}
		if kind != wireBytes {
			return list, false
		}
		e := entry{field: field}
		inner := wire{rest: body}
		for {
			field, kind, _, body, ok := inner.next()
			if !ok {
				break
			}
			switch {
			case field != fieldKey && field != fieldValue:
			case kind != wireBytes:
				return list, false
			case field == fieldKey:
				e.name = string(body)
			default:
				e.value = body
			}
		}
		if inner.bad {
			return list, false
		}
		i := 0
		for i < len(list) && (list[i].field != e.field || list[i].name != e.name) {
			i++
		}
		if i == len(list) {
			if len(list) == maxEntries {
				return list, false
			}
			list = append(list, e)
		}
		list[i] = e
	}
}

// maxEntries bounds the names in a record; real ones have a few.
const maxEntries = 1024

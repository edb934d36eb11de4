package rows

import (
	"encoding/binary"
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

// tensor is what a record holds under a name.
type tensor struct {
	kind   uint64 // fieldFloat32, fieldFloat64 or fieldInt32; fieldBytes; 0 for nothing
	values []float64
	keys   []uint64
	shape  []uint64
}

func (t *tensor) reset(kind uint64) {
	t.kind, t.values, t.keys, t.shape = kind, t.values[:0], t.keys[:0], t.shape[:0]
}

// isSparse tells a list of keys and values from an array.
func (t *tensor) isSparse() bool { return len(t.keys) > 0 || len(t.shape) > 0 && len(t.values) == 0 }

// readValue reads a Value message into t. A later member of another kind replaces an earlier one, and one of the same kind adds to it.
func (t *tensor) readValue(message []byte) bool {
	t.reset(0)
	w := wire{rest: message}
	for {
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
				t.reset(field)
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
		switch field {
		case fieldValues:
			if !t.addValues(kind, number, body) {
				return false
			}
		case fieldKeys:
			t.keys, ok = addVarints(t.keys, kind, number, body)
		case fieldShape:
			t.shape, ok = addVarints(t.shape, kind, number, body)
		}
		if !ok {
			return false
		}
	}
}

// addValues adds one value, or several that are packed.
func (t *tensor) addValues(kind int, number uint64, body []byte) bool {
	switch {
	case t.kind == fieldFloat32 && kind == wire32:
		t.values = append(t.values, float64(math.Float32frombits(uint32(number))))
	case t.kind == fieldFloat32 && kind == wireBytes && len(body)%4 == 0:
		for ; len(body) > 0; body = body[4:] {
			t.values = append(t.values, float64(math.Float32frombits(binary.LittleEndian.Uint32(body))))
		}
	case t.kind == fieldFloat64 && kind == wire64:
		t.values = append(t.values, math.Float64frombits(number))
	case t.kind == fieldFloat64 && kind == wireBytes && len(body)%8 == 0:
		for ; len(body) > 0; body = body[8:] {
			t.values = append(t.values, math.Float64frombits(binary.LittleEndian.Uint64(body)))
		}
	case t.kind == fieldInt32 && kind == wireVarint:
		t.values = append(t.values, float64(int32(number)))
	case t.kind == fieldInt32 && kind == wireBytes:
		for w := (wire{rest: body}); len(w.rest) > 0; {
			v := w.varint()
			if w.bad {
				return false
			}
			t.values = append(t.values, float64(int32(v)))
		}
	default:
		return false
	}
	return true
}

func addVarints(list []uint64, kind int, number uint64, body []byte) ([]uint64, bool) {
	switch kind {
	case wireVarint:
		return append(list, number), true
	case wireBytes:
		w := wire{rest: body}
		for len(w.rest) > 0 && !w.bad {
			list = append(list, w.varint())
		}
		return list, !w.bad
	}
	return list, false
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

package rows

import (
	"fmt"
	"hash/maphash"
	"slices"
)

func (m *Image) scanRecords(payload []byte, row []float32, emit func() bool) (columns uint64, fault *Error) {
	if m.OwnRecords {
		return m.scanOwnRecords(payload, row, emit)
	}
	var list []entry
	var t tensor
	schema := uint64(0)
	count := int64(0)
	values := make([]float64, len(row))
	for record, fault := range recordsOf(payload) {
		if fault != nil {
			return 0, fault
		}
		count++
		var ok bool
		if list, ok = readRecord(list, record); !ok {
			return 0, m.atRecord(count, notProtobuf)
		}
		found, text := schemaOf(list, &t)
		if text == "" && count > 1 && found != schema {
			text = "names, types or shapes differ from those of the first record"
		}
		if text != "" {
			return 0, m.atRecord(count, text)
		}
		schema = found
		i := slices.IndexFunc(list, func(e entry) bool { return e.field == fieldFeatures && e.name == valuesName })
		if i < 0 || !t.readValue(list[i].value) || t.kind == 0 || t.kind == fieldBytes {
			return 0, m.atRecord(count, fmt.Sprintf("no numbers under the feature %q", valuesName))
		}
		width, text := t.width()
		if text == "" && count > 1 && width != columns {
			text = fmt.Sprintf("%d columns, the first record has %d", width, columns)
		}
		if text != "" {
			return 0, m.atRecord(count, text)
		}
		columns = width
		if fault := m.setRecord(&t, row, values); fault != nil {
			fault.Record = count
			return 0, fault
		}
		if emit != nil && !emit() {
			break
		}
	}
	if count == 0 {
		return 0, syntaxFault(0, "", "no record in it")
	}
	return columns, nil
}

func (m *Image) atRecord(count int64, text string) *Error {
	fault := syntaxFault(0, "", text)
	fault.Record = count
	return fault
}

// width is the number of columns of a record, or what is wrong with it.
func (t *tensor) width() (columns uint64, fault string) {
	switch {
	case t.dimensions > 1:
		return 0, "an array of several dimensions"
	case t.dimensions == 1:
		return t.length, ""
	}
	return uint64(t.values), ""
}

// setRecord fills the row. Values of the same key are added.
func (m *Image) setRecord(t *tensor, row []float32, sums []float64) *Error {
	fill(row)
	if t.keys > 0 {
		clear(sums)
	}
	item := 0
	for key, v := range t.all() {
		item++
		within := key < uint64(len(row)) // or there are more columns than the model has: an error of its own
		if within && t.keys > 0 {
			sums[key] += v
			v = sums[key]
		}
		f, fault := m.narrow(v, item)
		if fault != nil {
			return fault
		}
		if within {
			row[key] = f
		}
	}
	return nil
}

// schemaOf is a number of what the library inside of the images up to 3.0-5 wants to be the same in all records, or what it does not accept.
func schemaOf(list []entry, t *tensor) (schema uint64, fault string) {
	for _, e := range list {
		if !t.readValue(e.value) {
			return 0, notProtobuf
		}
		size := t.size
		if t.dimensions == 0 {
			size = uint64(t.values)
		}
		switch {
		case t.tooLarge:
			return 0, "a shape that is too large"
		case t.kind == 0, t.kind == fieldBytes:
			return 0, fmt.Sprintf("no numbers under %s", quote([]byte(e.name)))
		case t.isSparse() && t.dimensions == 0:
			return 0, "keys without a shape"
		case t.isSparse() && t.keys != t.values:
			return 0, "as many keys as values are wanted"
		case !t.isSparse() && size != uint64(t.values):
			return 0, "another number of values than the shape says"
		}
		if t.keys > 0 {
			for key := range t.all() {
				if key >= size {
					return 0, "a key is beyond the shape"
				}
			}
		}
		shape := *t
		if t.dimensions == 0 {
			shape.addDimension(size)
		}
		schema += maphash.Comparable(seed, described{e.field, e.name, t.kind, t.isSparse(), shape.shape}) // in any order
	}
	return schema, ""
}

// described is what a schema knows of an entry.
type described struct {
	field  uint64
	name   string
	kind   uint64
	sparse bool
	shape  uint64
}

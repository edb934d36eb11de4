package rows

import (
	"fmt"
	"slices"
	"strings"
)

func (m *Image) scanRecords(payload []byte, row []float32, emit func() bool) (columns uint64, fault *Error) {
	if m.OwnRecords {
		return m.scanOwnRecords(payload, row, emit)
	}
	var list []entry
	var t tensor
	schema := ""
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
	case len(t.shape) > 1:
		return 0, "an array of several dimensions"
	case len(t.shape) == 1:
		return t.shape[0], ""
	}
	return uint64(len(t.values)), ""
}

// setRecord fills the row. Values of the same key are added.
func (m *Image) setRecord(t *tensor, row []float32, sums []float64) *Error {
	fill(row)
	if len(t.keys) == 0 {
		for i, v := range t.values {
			f, fault := m.narrow(v, i+1)
			if fault != nil {
				return fault
			}
			if i < len(row) {
				row[i] = f
			}
		}
		return nil
	}
	clear(sums)
	for i, key := range t.keys {
		v := t.values[i]
		if key < uint64(len(row)) { // or there are more columns than the model has: an error of its own
			sums[key] += v
			v = sums[key]
		}
		f, fault := m.narrow(v, i+1)
		if fault != nil {
			return fault
		}
		if key < uint64(len(row)) {
			row[key] = f
		}
	}
	return nil
}

// schemaOf is what the library inside of the images up to 3.0-5 wants to be the same in all records, as text, or what it does
// not accept.
func schemaOf(list []entry, t *tensor) (schema, fault string) {
	var parts []string
	for _, e := range list {
		if !t.readValue(e.value) {
			return "", notProtobuf
		}
		size := uint64(len(t.values))
		for i, n := range t.shape {
			if i == 0 {
				size = 1
			}
			if n > 0 && size > ^uint64(0)/n {
				return "", "a shape that is too large"
			}
			size *= n
		}
		switch {
		case t.kind == 0, t.kind == fieldBytes:
			return "", fmt.Sprintf("no numbers under %s", quote([]byte(e.name)))
		case t.isSparse() && len(t.shape) == 0:
			return "", "keys without a shape"
		case t.isSparse() && len(t.keys) != len(t.values):
			return "", "as many keys as values are wanted"
		case !t.isSparse() && size != uint64(len(t.values)):
			return "", "another number of values than the shape says"
		}
		for _, key := range t.keys {
			if key >= size {
				return "", "a key is beyond the shape"
			}
		}
		shape := t.shape
		if len(shape) == 0 {
			shape = []uint64{size}
		}
		parts = append(parts, fmt.Sprintf("%d %q %d %t %d", e.field, e.name, t.kind, t.isSparse(), shape))
	}
	slices.Sort(parts)
	return strings.Join(parts, "\n"), ""
}

package rows

import (
	"encoding/binary"
	"fmt"
	"iter"
	"slices"
)

// ownRecords is what the records of a request decide together, where the container reads them by code of its own.
type ownRecords struct {
	rows, labels  int
	keyed         uint64 // values with a key, without those that are missing
	dense, sparse bool   // there are arrays; there are keys with values
	columns       uint64
	empty         bool // the first arrays were empty, and what follows is not
}

// scanOwnRecords reads records as image 3.2-0 does, which joins the rows with NumPy if all are arrays and with SciPy else, and gives
// the labels that it finds to XGBoost. A record without numbers is no row. If only some are arrays, their zeros count as missing, and
// values of the same key are added; else the last of them counts.
func (m *Image) scanOwnRecords(payload []byte, row []float32, emit func() bool) (columns uint64, fault *Error) {
	survey, fault := m.surveyRecords(payload)
	if fault != nil || emit == nil {
		return survey.columns, fault
	}
	mixed := survey.dense && survey.sparse
	sums := make([]float64, len(row))
	var list []entry
	var t tensor
	for record := range ownFrames(payload) {
		list, _ = readRecord(list, record)
		if !t.readEntry(list, fieldFeatures) {
			continue
		}
		fill(row)
		clear(sums)
		for key, v := range t.all() {
			switch {
			case key >= uint64(len(row)): // there are more columns than the model has: an error of its own
			case t.keys == 0 && (v != 0 || !mixed), t.keys > 0 && !mixed && v == v:
				row[key] = float32(v)
			case t.keys > 0 && mixed:
				sums[key] += v
				row[key] = float32(sums[key])
			}
		}
		if !emit() {
			break
		}
	}
	return survey.columns, nil
}

// surveyRecords goes through the records for what is wrong with them.
func (m *Image) surveyRecords(payload []byte) (s ownRecords, fault *Error) {
	var list []entry
	var t tensor
	count := int64(0)
	for record, fault := range ownFrames(payload) {
		if count++; fault != nil {
			return s, fault
		}
		var ok bool
		if list, ok = readRecord(list, record); !ok || slices.ContainsFunc(list, func(e entry) bool { return !t.readValue(e.value) }) {
			return s, m.atRecord(count, notProtobuf)
		}
		if !t.readEntry(list, fieldFeatures) {
			continue
		}
		columns, text := t.ownColumns()
		switch {
		case text != "" || s.rows == 0 || columns == s.columns:
		case s.columns == 0:
			s.empty = true
		default:
			text = fmt.Sprintf("%d columns, the first record has %d", columns, s.columns)
		}
		if text != "" {
			return s, m.atRecord(count, text)
		}
		s.columns = columns
		s.rows++
		s.sparse = s.sparse || t.keys > 0
		s.dense = s.dense || t.keys == 0
		if t.keys > 0 {
			for _, v := range t.all() {
				if v == v {
					s.keyed++
				}
			}
		}
		if fault := m.allFinite(&t); fault != nil {
			fault.Record = count
			return s, fault
		}
		if t.readEntry(list, fieldLabel) {
			s.labels += t.values
			for _, v := range t.all() {
				if _, fault := m.narrow(v, 0); fault != nil || v != v {
					return s, m.atRecord(count, "a label that is no finite number")
				}
			}
		}
	}
	switch {
	case s.rows == 0:
		return s, syntaxFault(0, "", "no record with numbers in it")
	case s.empty && !s.sparse: // SciPy joins them, NumPy does not
		return s, syntaxFault(0, "", "an empty array before others")
	case s.labels%s.rows != 0:
		return s, syntaxFault(0, "", fmt.Sprintf("%s for %s", counted(s.labels, "label"), counted(s.rows, "row")))
	case !s.dense && s.columns < maxOwnKey/uint64(s.rows) && s.keyed > s.columns*uint64(s.rows):
		return s, shapeFault(0, "", "more values than cells")
	}
	return s, nil
}

func (m *Image) allFinite(t *tensor) *Error {
	item := 0
	for _, v := range t.all() {
		item++
		if _, fault := m.narrow(v, item); fault != nil {
			return fault
		}
	}
	return nil
}

// readEntry reads the tensor under the usual name among the features or the labels. It returns false if there are no numbers.
func (t *tensor) readEntry(list []entry, field uint64) bool {
	i := slices.IndexFunc(list, func(e entry) bool { return e.field == field && e.name == valuesName })
	return i >= 0 && t.readValue(list[i].value) && t.kind != 0 && t.kind != fieldBytes
}

// ownColumns is how wide a row is, or what is wrong with it. The shape of an array does not count.
func (t *tensor) ownColumns() (columns uint64, fault string) {
	switch {
	case t.keys == 0:
		return uint64(t.values), ""
	case t.keys != t.values:
		return 0, "as many keys as values are wanted"
	}
	largest := uint64(0)
	for key := range t.all() {
		largest = max(largest, key)
	}
	if t.dimensions > 0 {
		if largest >= t.length {
			return 0, "a key is beyond the shape (the container's worker ends here)"
		}
		return t.length, ""
	}
	if largest > maxOwnKey {
		return 0, "a key that is too large"
	}
	return largest + 1, ""
}

// maxOwnKey is the largest key that is an index to NumPy.
const maxOwnKey = 1<<63 - 2

// ownFrames ranges over the records of a payload: none is in parts, and a few bytes at the end, less than the head of a record, are
// left alone.
func ownFrames(payload []byte) iter.Seq2[[]byte, *Error] {
	return func(yield func([]byte, *Error) bool) {
		for len(payload) >= frameHeader {
			if binary.LittleEndian.Uint32(payload) != recordMagic {
				yield(nil, syntaxFault(0, "", "a record does not begin with the magic number"))
				return
			}
			size := uint64(binary.LittleEndian.Uint32(payload[4:]))
			payload = payload[frameHeader:]
			padded := (size + 3) / 4 * 4
			if padded > uint64(len(payload)) {
				yield(nil, syntaxFault(0, "", "a record is cut short"))
				return
			}
			if !yield(payload[:size:size], nil) {
				return
			}
			payload = payload[padded:]
		}
	}
}

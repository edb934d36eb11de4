package rows

import (
	"math"
	"strings"
)

// item is one index:value.
type item struct {
	index uint64
	value float64
}

// items reads the items of a line. It adds to list, which is used again.
func items(list []item, line string) ([]item, *Error) {
	list = list[:0]
	column := 0
	for text := range strings.SplitSeq(line, " ") {
		column++
		key, rest, ok := strings.Cut(text, ":")
		if !ok {
			continue
		}
		value, _, _ := strings.Cut(rest, ":")
		index, ok := pythonIndex(key)
		if !ok {
			return nil, syntaxFault(column, "", "not an index: "+quote([]byte(key)))
		}
		v, ok := pythonFloat(value)
		if !ok {
			return nil, syntaxFault(column, "", "not a number: "+quote([]byte(value)))
		}
		list = append(list, item{index, v})
	}
	return list, nil
}

// libsvmExtent is what the items of a request decide together.
type libsvmExtent struct {
	lines   int64 // up to the last one with an item
	columns uint64
	shift   uint64 // what to take off each index
}

func (m *Image) scanLibsvm(payload []byte, row []float32, emit func() bool) (columns uint64, fault *Error) {
	text, fault := m.text(payload)
	if fault != nil {
		return 0, fault
	}
	extent, fault := m.libsvmExtent(text)
	if fault != nil {
		return 0, fault
	}
	values := make([]float64, len(row))
	line := int64(0)
	var list []item
	for record := range strings.SplitSeq(text, "\n") {
		if line++; line > extent.lines {
			break
		}
		if list, fault = items(list, record); fault != nil {
			fault.Line = line
			return 0, fault
		}
		clear(values)
		fill(row)
		for i, it := range list {
			index := it.index - extent.shift
			if index >= uint64(len(row)) { // there are more columns than the model has: an error of its own
				if _, fault = m.narrow(it.value, i+1); fault != nil {
					fault.Line = line
					return 0, fault
				}
				continue
			}
			values[index] += it.value
			if row[index], fault = m.narrow(values[index], i+1); fault != nil {
				fault.Line = line
				return 0, fault
			}
		}
		if emit != nil && !emit() {
			break
		}
	}
	return extent.columns, nil
}

func (m *Image) libsvmExtent(text string) (libsvmExtent, *Error) {
	var e libsvmExtent
	var list []item
	line, smallest := int64(0), ^uint64(0)
	for record := range strings.SplitSeq(text, "\n") {
		line++
		var fault *Error
		if list, fault = items(list, record); fault != nil {
			fault.Line = line
			return e, fault
		}
		for _, it := range list {
			e.lines = line
			e.columns = max(e.columns, it.index+1)
			smallest = min(smallest, it.index)
		}
	}
	if e.lines == 0 {
		return e, syntaxFault(0, "", "no index:value in the whole request")
	}
	if m.Shift && smallest > 0 {
		e.shift = 1
		e.columns--
	}
	if e.columns > math.MaxInt64 {
		return e, syntaxFault(0, "", "an index that is too large")
	}
	return e, nil
}

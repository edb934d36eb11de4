package rows

import (
	"iter"
	"math"
	"strings"
)

// item is one index:value.
type item struct {
	index uint64
	value float64
}

// items ranges over the items of a line. A fault, with its column, is the last.
func items(line string) iter.Seq2[item, *Error] {
	return func(yield func(item, *Error) bool) {
		column := 0
		for more := true; more; {
			var text string
			text, line, more = strings.Cut(line, " ")
			column++
			key, rest, ok := strings.Cut(text, ":")
			if !ok {
				continue
			}
			value, _, _ := strings.Cut(rest, ":")
			index, ok := pythonIndex(key)
			if !ok {
				yield(item{}, syntaxFault(column, "", "not an index: "+quote([]byte(key))))
				return
			}
			v, ok := pythonFloat(value)
			if !ok {
				yield(item{}, syntaxFault(column, "", "not a number: "+quote([]byte(value))))
				return
			}
			if !yield(item{index, v}, nil) {
				return
			}
		}
	}
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
	for record := range strings.SplitSeq(text, "\n") {
		if line++; line > extent.lines {
			break
		}
		clear(values)
		fill(row)
		n := 0
		for it := range items(record) { // which have no fault by now
			n++
			index := it.index - extent.shift
			within := index < uint64(len(row)) // or there are more columns than the model has: an error of its own
			if within {
				values[index] += it.value
				it.value = values[index]
			}
			v, fault := m.narrow(it.value, n)
			if fault != nil {
				fault.Line = line
				return 0, fault
			}
			if within {
				row[index] = v
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
	line, smallest := int64(0), ^uint64(0)
	for record := range strings.SplitSeq(text, "\n") {
		line++
		for it, fault := range items(record) {
			if fault != nil {
				fault.Line = line
				return e, fault
			}
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

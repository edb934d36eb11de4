package netflow

import (
	"bytes"

	"threatdetect/internal/celllog"
)

// csvReader reads nfdump's CSV.
type csvReader struct {
	*reader
	trailer bool             // the summary has begun
	peek    celllog.Splitter // for lines of the trailer
}

// Skip implements celllog.Format. nfdump ends its output with a summary, behind which another output may begin.
func (r *csvReader) Skip(line []byte) bool {
	if !r.trailer {
		r.trailer = len(line) >= len("Summary") && string(celllog.Trim(line)) == "Summary"
		return r.trailer
	}
	r.trailer = !r.peek.Split(line, ',') || !isHeader(r.peek.Cells)
	return r.trailer
}

// Split implements celllog.Format.
func (r *csvReader) Split(s *celllog.Splitter, line []byte) bool { return s.Split(line, ',') }

// isHeader reports whether a cell is the name of the time, which every header has.
func isHeader(cells [][]byte) bool {
	for _, c := range cells {
		if len(c) == len("ts") && bytes.EqualFold(c, []byte("ts")) || len(c) == len("firstSeen") && bytes.EqualFold(c, []byte("firstSeen")) {
			return true
		}
	}
	return false
}

// Head implements celllog.Format.
func (r *csvReader) Head(cells [][]byte, cut bool) (head bool, fault string) {
	head = isHeader(cells)
	if cut || !head && r.state.schema != nil {
		return head, ""
	}
	s := celllog.NewSchema(cells, numColumns, lookupCSV, "")
	for _, c := range csvRequired {
		if !s.Has(c.column) {
			return head, celllog.Lacking(c.name, s.Names)
		}
	}
	r.state.schema = s
	return head, ""
}

// Width implements celllog.Format.
func (r *csvReader) Width(n int) bool { return n == r.state.schema.Cells }

// Column implements celllog.Format.
func (r *csvReader) Column(c int) (name string, at int) {
	return r.state.schema.Name(c), r.state.schema.At(c)
}

// Record implements celllog.Format.
func (r *csvReader) Record(cells [][]byte) (celllog.Fault, bool) {
	for c := range r.values {
		text := r.state.schema.Get(cells, c)
		if celllog.Missing(text) {
			text = nil
		}
		r.values[c] = value{text: text}
	}
	return r.record()
}

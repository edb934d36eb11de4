package zeek

import (
	"bytes"
	"encoding/binary"
	"math/bits"
	"slices"

	"threatdetect/features"
	"threatdetect/internal/logio"
)

// tsv is the state of reading a TSV log.
type tsv struct {
	header header
	// starts[i] is where field i of the row begins; the entry behind the last is one more than the row's length.
	starts [maxFields + 1]uint32
	tail   []span // the fields in the last one
}

// runTSV reads a TSV log from the current line on, which is given without the white space before it.
func (r *reader) runTSV(first []byte) {
	r.tsv.header, r.isJSON = newHeader(), false
	if carry := r.opts.Header; carry != nil {
		if carry.last != nil {
			r.tsv.header = *carry.last
			r.tsv.header.prepared, r.tsv.header.line = false, nil
			r.tsv.header.places = slices.Clone(carry.last.places) // which a new header would write over
			r.rec = record{names: &r.tsv.header.names, noDuration: r.tsv.header.index[colDuration] < 0}
		}
		defer func() {
			last := r.tsv.header
			carry.last = &last
		}()
	}
	if first[0] == '#' && !r.tsvLine(first) {
		return
	}
	if first[0] != '#' && !r.tsvLine(r.lines.Bytes()) {
		return
	}
	for r.bulkRows() {
		if !r.lines.Next() {
			r.endTSV()
			return
		}
		if !r.tsvLine(r.lines.Bytes()) {
			return
		}
	}
}

// endTSV ends a log, or a part of one, that was read to its end.
func (r *reader) endTSV() {
	more := r.opts.Header != nil && r.opts.Header.more
	if h := &r.tsv.header; r.lines.Err() == nil && h.fields != nil && !h.checked && !more {
		r.finish(r.check())
		return
	}
	r.finish(nil)
}

// tsvLine reads one line and reports whether to go on.
func (r *reader) tsvLine(line []byte) bool {
	if len(line) == 0 {
		return true
	}
	if line[0] <= ' ' && logio.Blank(line) {
		return true
	}
	if line[0] == '#' {
		return r.tsvComment(line)
	}
	if r.lines.TooLong() {
		return r.skip(fault{noColumn, features.ReasonTooLong})
	}
	h := &r.tsv.header
	if !h.checked || r.lines.End() == logio.EndBroken {
		if r.lines.End() == logio.EndBroken {
			return r.skip(fault{noColumn, features.ReasonTruncated})
		}
		if h.fields == nil {
			r.finish(r.formatError("data before #fields: %.64q", line))
			return false
		}
		if err := r.check(); err != nil {
			r.finish(err)
			return false
		}
	}
	if !h.prepared {
		h.usual, h.prepared = r.quick.prepare(h, &r.flow), true
		h.bulk = h.usual && r.quick.prepareBulk(h)
	}
	if h.usual && !r.long {
		r.flow = features.Flow{}
		if r.quick.row(&r.flow, line, h, &r.deriver) {
			return r.give(&r.flow)
		}
	}
	if !r.row(line) {
		return r.skip(fault{noColumn, features.ReasonFields})
	}
	if h.foreign {
		if r.opts.Join != nil {
			r.otherTSV(line)
		}
		return r.skip(fault{noColumn, features.ReasonOther})
	}
	more := r.record()
	r.forget()
	return more
}

func (r *reader) tsvComment(line []byte) bool {
	if r.lines.End() == logio.EndBroken {
		return true
	}
	if r.lines.TooLong() {
		if bytes.HasPrefix(line, []byte("#fields")) {
			r.finish(r.formatError("the #fields line is over the limit of a line"))
			return false
		}
		return true
	}
	if len(line) < shortestDirective {
		r.skipper().Pass(r.lines)
		return true
	}
	if err := r.directive(line); err != nil {
		r.finish(err)
		return false
	}
	return true
}

// row takes a row apart into r.rec and reports whether it has as many fields as the header.
func (r *reader) row(line []byte) bool {
	t := &r.tsv
	h := &t.header
	n, escaped := split(line, h.separator, t.starts[:h.tabs+1])
	if n != h.tabs {
		return false
	}
	if h.blanks {
		last := line[t.starts[n-1]:]
		t.tail = splitBlanks(t.tail[:0], last)
		if n-1+len(t.tail) != len(h.fields) {
			return false
		}
	}
	if !h.blanks && len(h.unset) == 1 {
		r.plainRow(line, h)
		r.textCells(escaped)
		return true
	}
	for _, p := range h.places {
		var text []byte
		if i := int(p.field); i < n-1 || !h.blanks {
			text = line[t.starts[i] : t.starts[i+1]-1]
		} else {
			text = line[t.starts[n-1]:]
			s := t.tail[i-(n-1)]
			text = text[s.start:s.end]
		}
		cell := &r.rec.cells[p.column]
		cell.text, cell.kind = text, kindText
		if string(text) == string(h.unset) {
			cell.kind = kindUnset
		}
	}
	r.textCells(escaped)
	return true
}

// plainRow fills the cells of a row whose fields are all between separators, and in which the mark of what is unset is one
// byte: nearly all are like that.
func (r *reader) plainRow(line []byte, h *header) {
	unset := h.unset[0]
	starts := &r.tsv.starts
	for _, p := range h.places {
		i := p.field % maxFields
		text := line[starts[i] : starts[i+1]-1]
		cell := &r.rec.cells[p.column%numColumns]
		cell.text, cell.kind = text, kindText
		if len(text) == 1 && text[0] == unset {
			cell.kind = kindUnset
		}
	}
}

// textCells undoes what the writer did to cells that are text: an empty one has a mark, and some bytes are escaped.
// Numbers and addresses are never empty and have no escapes.
func (r *reader) textCells(escaped bool) {
	if escaped {
		r.scratch = logio.Reset(r.scratch, r.lines.Len())
	}
	empty := r.tsv.header.empty
	for _, c := range [...]column{colProto, colService, colState, colHistory, colUID, colKind, colLabel} {
		cell := &r.rec.cells[c]
		switch {
		case cell.kind == kindUnset:
		case len(cell.text) == len(empty) && string(cell.text) == string(empty):
			cell.text = cell.text[:0]
		case escaped && bytes.IndexByte(cell.text, '\\') >= 0:
			start := len(r.scratch)
			r.scratch = unescape(r.scratch, cell.text)
			cell.text = r.scratch[start:]
		}
	}
}

const (
	lowBits  = 0x0101010101010101
	highBits = 0x8080808080808080
)

// split finds the fields of a row: starts[i] becomes the start of field i, and the entry behind the last one more than
// the row's length. It returns the number of fields, len(starts) if there are as many or more, and whether the row has
// a backslash. Eight bytes are looked at together: in them ^(((x&0x7f..)+0x7f..)|x|0x7f..) has a bit set exactly
// where x has a byte that is zero.
func split(line []byte, sep byte, starts []uint32) (n int, escaped bool) {
	const slash = '\\' * lowBits
	seps := uint64(sep) * lowBits
	var slashes uint64
	starts[0] = 0
	n = 1
	i := 0
	for ; i+8 <= len(line); i += 8 {
		x := binary.LittleEndian.Uint64(line[i:])
		y := x ^ slash
		slashes |= (y - lowBits) &^ y
		x ^= seps
		hits := ^(((x &^ highBits) + ^uint64(highBits)) | x | ^uint64(highBits))
		for hits != 0 {
			if n >= len(starts) {
				return n, false
			}
			starts[n] = uint32(i + bits.TrailingZeros64(hits)>>3 + 1)
			n++
			hits &= hits - 1
		}
	}
	escaped = slashes&highBits != 0
	for ; i < len(line); i++ {
		switch line[i] {
		case sep:
			if n >= len(starts) {
				return n, false
			}
			starts[n] = uint32(i + 1)
			n++
		case '\\':
			escaped = true
		}
	}
	if n < len(starts) {
		starts[n] = uint32(len(line) + 1)
	}
	return n, escaped
}

// unescape appends b to dst with \xNN and doubled backslashes undone. Other backslashes stand for themselves.
func unescape(dst, b []byte) []byte {
	for i := 0; i < len(b); i++ {
		if b[i] == '\\' && i+1 < len(b) {
			if b[i+1] == '\\' {
				i++
			} else if b[i+1] == 'x' && i+3 < len(b) && hexDigit[b[i+2]]|hexDigit[b[i+3]] < 16 {
				dst = append(dst, hexDigit[b[i+2]]<<4|hexDigit[b[i+3]])
				i += 3
				continue
			}
		}
		dst = append(dst, b[i])
	}
	return dst
}

// hexDigit holds the values of hexadecimal digits, and 0xff for other bytes.
var hexDigit = func() (t [256]byte) {
	for i := range t {
		t[i] = 0xff
	}
	for i, c := range "0123456789abcdef" {
		t[c] = byte(i)
	}
	for i, c := range "ABCDEF" {
		t[c] = byte(10 + i)
	}
	return t
}()

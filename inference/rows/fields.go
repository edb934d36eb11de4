package rows

import (
	"bytes"
	"slices"
	"sync"

	"threatdetect/internal/rowscan"
)

// fieldReader reads the fields of lines that are mostly numbers.
type fieldReader struct {
	scan  *scanned // nil until a line needs it
	line  []byte
	comma byte
	count int  // fields of the line, if it was scanned; else 0
	next  int  // field, or where it begins if the line was not scanned
	done  bool // there is no next one

	lines  int // so far
	others int // how many fields were read last that a block does not read, about
}

// scanned is a line that was taken apart.
type scanned struct {
	block rowscan.Block
	text  []byte // a copy of the line
}

var scans = sync.Pool{New: func() any { return new(scanned) }}

// giveBack ends the use of r.
func (r *fieldReader) giveBack() {
	if r.scan != nil {
		r.scan.block.Scan(nil, ',', ',') // or it would hold what was read
		scans.Put(r.scan)
	}
}

const (
	minScanned = 32 // bytes of a line that is scanned; less would not be worth it
	leastText  = 64 // bytes of the text
	manyOthers = 15 // fields that a block does not read: so many in a row, and most lines are not scanned
	tryAgain   = 16 // lines
)

// begin begins with a line, in which there is no newline. Bytes behind it may be looked at, as far as its capacity goes, but what they are does not matter.
func (r *fieldReader) begin(line []byte, comma byte) {
	r.line, r.comma, r.count, r.next, r.done = line, comma, 0, 0, false
	size := len(line)
	r.lines++
	if size < minScanned || size >= rowscan.MaxText || !rowscan.HasFloats() || r.others >= manyOthers && r.lines%tryAgain > 0 {
		return
	}
	if r.scan == nil {
		r.scan = scans.Get().(*scanned)
	}
	s := r.scan
	if size+1 >= leastText && size < cap(line) && line[:size+1][size] == '\n' {
		s.block.Scan(line[:size+1], comma, comma)
	} else { // it is short, the last one, or has another end
		s.text = append(s.text[:0], line...)
		for s.text = append(s.text, '\n'); len(s.text) < leastText; {
			s.text = append(s.text, '\n')
		}
		s.text = slices.Grow(s.text, rowscan.Lookahead)
		s.block.Scan(s.text, comma, comma)
		r.line = s.text[:size]
	}
	r.count = s.block.Fields(0)
}

// read reads fields into dst as long as each is missing, which is empty or the word nan, or, behind spaces, what decimal reads, and finite. It returns how many it read.
func (r *fieldReader) read(dst []float32) (n int) {
	if r.count == 0 {
		n, r.next, r.done = decimals(dst, r.line, r.next, r.comma)
		return n
	}
	for {
		k := r.scan.block.Floats(dst[n:], 0, r.next)
		n += k
		if r.next += k; r.next == r.count {
			r.done = true
			return n
		}
		if k > 0 {
			r.others = 0
		}
		if n == len(dst) {
			return n
		}
		r.others = min(2*r.others+1, manyOthers)
		some := dst[n:min(n+r.others, len(dst))]
		start, _ := r.scan.block.Field(0, r.next)
		k, _, r.done = decimals(some, r.line, start, r.comma)
		n += k
		if r.next += k; r.done || k < len(some) {
			return n
		}
	}
}

// skip returns the next field.
func (r *fieldReader) skip() []byte {
	if r.count > 0 {
		start, end := r.scan.block.Field(0, r.next)
		r.next++
		r.done = r.next == r.count
		return r.line[start:end]
	}
	rest := r.line[r.next:]
	end := bytes.IndexByte(rest, r.comma)
	if end < 0 {
		r.done = true
		return rest
	}
	r.next += end + 1
	return rest[:end]
}

// left is how many fields there are from the next one on.
func (r *fieldReader) left() int {
	if r.count > 0 {
		return r.count - r.next
	}
	return bytes.Count(r.line[r.next:], []byte{r.comma}) + 1
}

// decimals is read for the fields of a line that begin at next. It returns how many it read and where the one behind them begins, or that there is none.
func decimals(dst []float32, line []byte, next int, comma byte) (n, end int, all bool) {
	for n < len(dst) {
		v, size := decimal(line[next:])
		if end = next + size; size == 0 || end < len(line) && line[end] != comma || v-v != 0 {
			if v, size = otherDecimal(line[next:], comma); size < 0 {
				return n, next, false
			}
			end = next + size
		}
		dst[n] = v
		n++
		if end == len(line) {
			return n, end, true
		}
		next = end + 1
	}
	return n, next, false
}

// otherDecimal reads the field that a text begins with if it is missing, or a number behind spaces. It returns its length, or -1 if it is neither.
func otherDecimal(text []byte, comma byte) (v float32, size int) {
	switch {
	case len(text) == 0 || text[0] == comma:
		return nan, 0
	case len(text) >= 3 && isWord(text[:3], "nan") && (len(text) == 3 || text[3] == comma):
		return nan, 3
	case text[0] != ' ': // nor is it the separator
		return 0, -1
	}
	for size < len(text) && text[size] == ' ' {
		size++
	}
	v, n := decimal(text[size:])
	if size += n; n == 0 || size < len(text) && text[size] != comma || v-v != 0 {
		return 0, -1
	}
	return v, size
}

package rows

import (
	"bytes"
	"fmt"
	"sync"
)

// commas are the separators that are tried in turn.
const commas = ",;\t| "

// csvDecoder reads CSV records. The first one settles separator, width and columns.
type csvDecoder struct {
	opts   *Options
	index  map[string]int // feature by name; nil if the model has no names
	row    []float32
	comma  byte
	width  int       // fields of a record; 0 before the first
	first  int64     // line of the first record
	line   int64     // lines seen
	slots  []int     // feature of each column
	apart  []float32 // a row in the order of its columns; nil if that is the order of features
	header []string  // names in the input; nil if it has no header
	fields splitter
	reader fieldReader
}

// csvScratch is what csvDecoders use one after the other: for a request of one row it is more than the row.
type csvScratch struct {
	kept  [][]byte
	slots []int
}

var csvScratches = sync.Pool{New: func() any { return new(csvScratch) }}

// borrow takes a scratch for a decoder, which gives it back when it has read all.
func (d *csvDecoder) borrow() (giveBack func()) {
	s := csvScratches.Get().(*csvScratch)
	d.fields.kept, d.slots = s.kept, s.slots
	return func() {
		d.reader.giveBack()
		if s.kept, s.slots = d.fields.kept[:0], d.slots[:0]; cap(s.kept)+cap(s.slots) <= maxScratch {
			clear(s.kept[:cap(s.kept)]) // or it would hold what was read
			csvScratches.Put(s)
		}
	}
}

// maxScratch is how many fields and columns a scratch has at most that is used again.
const maxScratch = 1 << 14

func newCSVDecoder(opts *Options, index map[string]int, row []float32) *csvDecoder {
	return &csvDecoder{opts: opts, index: index, row: row, fields: splitter{limit: len(row) + moreKept}}
}

func (d *csvDecoder) decode(line []byte) (bool, *Error) {
	d.line++
	if d.width == 0 {
		return d.start(line)
	}
	if d.isEmpty(line) {
		return false, nil
	}
	fill(d.row[min(d.width, len(d.row)):])
	if bytes.IndexByte(line, '"') >= 0 {
		return true, d.quoted(line)
	}
	return true, d.plain(line)
}

// isEmpty reports a line of blanks. A blank that separates fields is not blank.
func (d *csvDecoder) isEmpty(line []byte) bool {
	for _, c := range line {
		if !isBlank(c) || c == d.comma {
			return false
		}
	}
	return true
}

// plain reads a record without quotes.
func (d *csvDecoder) plain(line []byte) *Error {
	row := d.row
	if d.apart != nil {
		row = d.apart
	}
	row = row[:d.width]
	column, r := 0, &d.reader
	for r.begin(line, d.comma); !r.done; column++ {
		if column += r.read(row[column:]); r.done {
			break
		}
		if column == d.width {
			return d.ragged(column + r.left())
		}
		text := trim(r.skip())
		v, ok := value(text)
		if !ok {
			return d.notNumber(column, text)
		}
		row[column] = v
	}
	if column != d.width {
		return d.ragged(column)
	}
	if d.apart != nil {
		for column, slot := range d.slots {
			d.row[slot] = row[column]
		}
	}
	return nil
}

// quoted reads a record in which there are quotes.
func (d *csvDecoder) quoted(line []byte) *Error {
	count, fault := d.fields.split(line, d.comma)
	if fault != nil {
		fault.Field = d.name(fault.Column - 1)
		return fault
	}
	return d.values(count)
}

// values reads the fields of a record that has been split.
func (d *csvDecoder) values(count int) *Error {
	if count != d.width {
		return d.ragged(count)
	}
	for column, text := range d.fields.kept {
		v, ok := value(text)
		if !ok {
			return d.notNumber(column, text)
		}
		d.row[d.slots[column]] = v
	}
	return nil
}

// name is what a column, from 0, is called, if it has a name.
func (d *csvDecoder) name(column int) string {
	switch {
	case column < len(d.header):
		return d.header[column]
	case column < len(d.opts.Names) && d.header == nil:
		return d.opts.Names[column]
	}
	return ""
}

func (d *csvDecoder) notNumber(column int, text []byte) *Error {
	return syntaxFault(column+1, d.name(column), "not a number: "+quote(text))
}

func (d *csvDecoder) ragged(got int) *Error {
	return shapeFault(0, "", fmt.Sprintf("record has %s, line %d has %d", counted(got, "field"), d.first, d.width))
}

// moreKept is how many fields beyond the model's a splitter keeps, for the names in an error.
const moreKept = 64

// splitter cuts records into fields, quotes undone.
type splitter struct {
	limit int // fields kept, so that a line of commas costs no more than its bytes
	kept  [][]byte
	text  []byte // fields that had a doubled quote
}

// split counts the fields of line and keeps the first ones, blanks round them dropped, until the next call.
func (s *splitter) split(line []byte, comma byte) (count int, fault *Error) {
	if s.kept == nil {
		s.kept = make([][]byte, 0, min(s.limit, bytes.Count(line, []byte{comma})+1))
	}
	s.kept, s.text = s.kept[:0], s.text[:0]
	i := 0
	for {
		for i < len(line) && isBlank(line[i]) && line[i] != comma {
			i++
		}
		var field []byte
		if i < len(line) && line[i] == '"' {
			var n int
			if field, n = s.unquote(line[i:]); n == 0 {
				return 0, syntaxFault(count+1, "",
					"quoted field has no end on its line (line breaks in fields are not read): "+quote(line[i:]))
			}
			start := i
			i += n
			for i < len(line) && isBlank(line[i]) && line[i] != comma {
				i++
			}
			if i < len(line) && line[i] != comma {
				return 0, syntaxFault(count+1, "", "text after a quoted field: "+quote(line[start:]))
			}
		} else {
			end := len(line)
			if n := bytes.IndexByte(line[i:], comma); n >= 0 {
				end = i + n
			}
			field = line[i:end]
			i = end
		}
		if count++; count <= s.limit {
			s.kept = append(s.kept, trim(field))
		}
		if i == len(line) {
			return count, nil
		}
		i++
	}
}

// unquote reads the quoted field that text starts with. It returns the field and its length in text, 0 if it has no end.
func (s *splitter) unquote(text []byte) (field []byte, n int) {
	start, i := len(s.text), 1
	for {
		end := bytes.IndexByte(text[i:], '"')
		if end < 0 {
			return nil, 0
		}
		end += i
		if end+1 == len(text) || text[end+1] != '"' {
			if len(s.text) == start {
				return text[i:end], end + 1
			}
			s.text = append(s.text, text[i:end]...)
			return s.text[start:], end + 1
		}
		s.text = append(s.text, text[i:end+1]...)
		i = end + 2
	}
}

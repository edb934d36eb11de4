package rows

import (
	"bytes"
	"encoding/json"
	"fmt"
)

// ndjsonDecoder reads one JSON array or object a line. Values are never nested, so it needs no stack.
type ndjsonDecoder struct {
	opts  *Options
	index map[string]int // feature by name; nil if the model has no names
	row   []float32
	line  int64
	width int     // values of the first array, -1 before it
	first int64   // line of the first array
	seen  []int64 // line that last named a feature

	text []byte // line being read
	at   int    // bytes of it that have been read
}

func newNDJSONDecoder(opts *Options, index map[string]int, row []float32) *ndjsonDecoder {
	return &ndjsonDecoder{opts: opts, index: index, row: row, width: -1, seen: make([]int64, len(row))}
}

func (d *ndjsonDecoder) decode(line []byte) (bool, *Error) {
	d.line++
	d.text, d.at = line, 0
	var fault *Error
	fill(d.row)
	switch c := d.peek(); {
	case c == 0 && d.at == len(line):
		return false, nil
	case c == '[':
		fault = d.array()
	case c == '{':
		fault = d.object()
	default:
		fault = syntaxFault(0, "", "not a JSON array or object: "+quote(line[d.at:]))
	}
	if fault == nil {
		if d.peek(); d.at < len(line) {
			fault = syntaxFault(0, "", "text after the row: "+quote(line[d.at:]))
		}
	}
	return true, fault
}

// peek skips white space and returns the byte after it, 0 at the end of the line.
func (d *ndjsonDecoder) peek() byte {
	for ; d.at < len(d.text); d.at++ {
		if c := d.text[d.at]; !isBlank(c) && c != '\r' {
			return c
		}
	}
	return 0
}

// more reads what follows a value: a comma, or the end of its array or object.
func (d *ndjsonDecoder) more(column int, end byte) (bool, *Error) {
	switch c := d.peek(); {
	case c == ',':
		d.at++
		return true, nil
	case c == end:
		d.at++
		return false, nil
	case d.at == len(d.text):
		return false, syntaxFault(0, "", fmt.Sprintf("line ends before %q", end))
	}
	return false, syntaxFault(column, "", fmt.Sprintf("want a comma or %q: %s", end, quote(d.text[d.at:])))
}

func (d *ndjsonDecoder) array() *Error {
	d.at++
	count := 0
	more := true
	if d.peek() == ']' {
		d.at++
		more = false
	}
	for more {
		name := ""
		if count < len(d.opts.Names) {
			name = d.opts.Names[count]
		}
		v, fault := d.value(count+1, name)
		if fault != nil {
			return fault
		}
		if count < len(d.row) {
			d.row[count] = v
		}
		count++
		if more, fault = d.more(count, ']'); fault != nil {
			return fault
		}
	}
	switch {
	case count > len(d.row):
		return shapeFault(0, "", fmt.Sprintf("array has %s, the model has %s",
			counted(count, "value"), counted(len(d.row), "feature")))
	case d.width < 0:
		d.width, d.first = count, d.line
	case d.width != count:
		return shapeFault(0, "", fmt.Sprintf("array has %s, line %d has %d", counted(count, "value"), d.first, d.width))
	}
	return nil
}

func (d *ndjsonDecoder) object() *Error {
	if d.index == nil {
		return shapeFault(0, "", "object, but the model has no feature names; want an array")
	}
	d.at++
	if d.peek() == '}' {
		d.at++
		return nil
	}
	likely := 0 // objects mostly keep the model's order
	more := true
	for member := 1; more; member++ {
		key, fault := d.key(member)
		if fault != nil {
			return fault
		}
		slot := likely
		if slot == len(d.row) || d.opts.Names[slot] != string(key) {
			var ok bool
			if slot, ok = d.index[string(key)]; !ok {
				return shapeFault(member, "", "the model has no feature "+quote(key))
			}
		}
		likely = slot + 1
		name := d.opts.Names[slot]
		if d.seen[slot] == d.line {
			return syntaxFault(member, name, "name comes twice")
		}
		d.seen[slot] = d.line
		if d.peek() != ':' {
			return syntaxFault(member, name, "name without a colon and a value")
		}
		d.at++
		if d.row[slot], fault = d.value(member, name); fault != nil {
			return fault
		}
		if more, fault = d.more(member, '}'); fault != nil {
			return fault
		}
	}
	return nil
}

// key reads a name. It is valid until the next line.
func (d *ndjsonDecoder) key(member int) ([]byte, *Error) {
	if d.peek() != '"' {
		return nil, syntaxFault(member, "", "not a name in quotes: "+quote(d.text[d.at:]))
	}
	start := d.at
	escaped := false
	for i := start + 1; i < len(d.text); i++ {
		switch c := d.text[i]; {
		case c == '\\':
			escaped = true
			i++
		case c == '"':
			d.at = i + 1
			if !escaped {
				return d.text[start+1 : i], nil
			}
			var name string
			if err := json.Unmarshal(d.text[start:d.at], &name); err != nil {
				return nil, syntaxFault(member, "", "not a JSON string: "+quote(d.text[start:d.at]))
			}
			return []byte(name), nil
		case c < ' ':
			return nil, syntaxFault(member, "", fmt.Sprintf("control character %#02x in a name", c))
		}
	}
	return nil, syntaxFault(member, "", "name has no end: "+quote(d.text[start:]))
}

// value reads a number or null.
func (d *ndjsonDecoder) value(column int, name string) (float32, *Error) {
	d.peek()
	text := d.text[d.at:]
	if v, n := decimal(text); n > 0 && isJSONNumber(text[:n]) && isValueEnd(text[n:]) {
		d.at += n
		return v, nil
	}
	const null = "null"
	if bytes.HasPrefix(text, []byte(null)) && isValueEnd(text[len(null):]) {
		d.at += len(null)
		return nan, nil
	}
	if len(text) == 0 {
		return 0, syntaxFault(column, name, "line ends before a value")
	}
	n := 1 // at least one byte, so that a stray bracket or comma is shown
	for n < len(text) && n <= maxQuoted && !isValueEnd(text[n:]) {
		n++
	}
	return 0, syntaxFault(column, name, "not a number or null: "+quote(text[:n]))
}

// isValueEnd reports whether a value may end where rest begins.
func isValueEnd(rest []byte) bool {
	if len(rest) == 0 {
		return true
	}
	switch rest[0] {
	case ',', ']', '}', ' ', '\t', '\r':
		return true
	}
	return false
}

// isJSONNumber tells which of the numbers that decimal reads are JSON too: no plus, no leading zero, digits on both sides
// of a point.
func isJSONNumber(text []byte) bool {
	if text[0] == '-' {
		text = text[1:]
	}
	n := 0
	for n < len(text) && '0' <= text[n] && text[n] <= '9' {
		n++
	}
	if n == 0 || n > 1 && text[0] == '0' {
		return false
	}
	return n == len(text) || text[n] != '.' || n+1 < len(text) && '0' <= text[n+1] && text[n+1] <= '9'
}

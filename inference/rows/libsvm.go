package rows

import (
	"bytes"
	"fmt"
)

// libsvmDecoder reads lines of index:value.
type libsvmDecoder struct {
	opts *Options
	row  []float32
	line int64
	seen []int64 // line that last set a feature
}

func newLibsvmDecoder(opts *Options, row []float32) *libsvmDecoder {
	return &libsvmDecoder{opts: opts, row: row, seen: make([]int64, len(row))}
}

func (d *libsvmDecoder) decode(line []byte) (bool, *Error) {
	d.line++
	if i := bytes.IndexByte(line, '#'); i >= 0 {
		line = line[:i]
	}
	fill(d.row)
	item := 0
	mayGroup := true // qid comes before the values, once
	for i := 0; ; {
		for i < len(line) && isBlank(line[i]) {
			i++
		}
		if i == len(line) {
			return item > 0, nil
		}
		start := i
		for i < len(line) && !isBlank(line[i]) {
			i++
		}
		text := line[start:i]
		item++
		colon := bytes.IndexByte(text, ':')
		switch {
		case colon < 0 && item > 1:
			return false, syntaxFault(item, "", "not index:value: "+quote(text))
		case colon < 0:
			if _, ok := value(text); !ok {
				return false, syntaxFault(item, "label", "not a number: "+quote(text))
			}
		case mayGroup && string(text[:colon]) == "qid":
			mayGroup = false
			if !isDigits(text[colon+1:]) {
				return false, syntaxFault(item, "qid", "not a group number: "+quote(text[colon+1:]))
			}
		default:
			mayGroup = false
			if fault := d.set(item, text[:colon], text[colon+1:]); fault != nil {
				return false, fault
			}
		}
	}
}

// set reads one index:value.
func (d *libsvmDecoder) set(item int, key, text []byte) *Error {
	if !isDigits(key) {
		if len(key) > 1 && key[0] == '-' && isDigits(key[1:]) {
			return syntaxFault(item, "", "negative index: "+quote(key))
		}
		return syntaxFault(item, "", "not an index: "+quote(key))
	}
	base := d.opts.IndexBase
	index := 0
	for _, c := range key {
		if index = index*10 + int(c-'0'); index-base >= len(d.row) {
			return shapeFault(item, "", fmt.Sprintf("index %s is beyond the model, which has %d to %d",
				quote(key), base, base+len(d.row)-1))
		}
	}
	index -= base
	if index < 0 {
		return shapeFault(item, "", "index 0, but indices start at 1")
	}
	if d.seen[index] == d.line {
		return syntaxFault(item, d.name(index), "index comes twice")
	}
	d.seen[index] = d.line
	v, ok := number(text)
	if !ok {
		return syntaxFault(item, d.name(index), "not a number: "+quote(text))
	}
	d.row[index] = v
	return nil
}

// name is what a feature is called in errors.
func (d *libsvmDecoder) name(index int) string {
	if index < len(d.opts.Names) {
		return d.opts.Names[index]
	}
	return fmt.Sprintf("index %d", index+d.opts.IndexBase)
}

// isDigits reports a number without sign, point or exponent.
func isDigits(text []byte) bool {
	for _, c := range text {
		if c < '0' || c > '9' {
			return false
		}
	}
	return len(text) > 0
}

package zeek

import (
	"bytes"
	"strings"
)

// maxFields is the limit of columns of a log.
const maxFields = 1024

// header is what the directives of a TSV log say. It may change in the middle of a file, when Zeek was started again.
type header struct {
	separator    byte
	unset, empty []byte
	set          byte // between the elements of a container
	path         string

	fields        []string // nil before the first #fields
	line          []byte   // that they come from
	lineSeparator byte
	blanks        bool // the last field between separators holds several, separated by two or more blanks
	tabs          int  // fields between separators

	others   []place         // of columns that are joined, of another log; nil if they were not looked for
	places   []place         // of the columns that there are
	index    [numColumns]int // of the columns among the fields, -1 if there is none
	names    [numColumns]string
	checked  bool // whether the columns were found to be enough
	foreign  bool // not a conn log
	prepared bool // whether it was decided if rows are usual
	usual    bool // rows may be read the quick way
	bulk     bool // and in bulk
	labelled bool // some header had the label column that was asked for
}

// shortestDirective is the length of the shortest word of a directive.
const shortestDirective = len("#path")

func newHeader() header {
	return header{separator: '\t', set: ',', unset: []byte("-"), empty: []byte("(empty)")}
}

// directive reads a line that begins with '#', and is not shorter than a directive. What is none is a comment.
func (r *reader) directive(line []byte) error {
	h := &r.tsv.header
	if rest, ok := bytes.CutPrefix(line, []byte("#separator")); ok {
		sep, ok := parseSeparator(rest)
		if !ok {
			return r.formatError("damaged #separator line: want a blank and one escaped byte, such as \\x09, have %.32q", rest)
		}
		h.prepared = h.prepared && h.separator == sep
		h.separator = sep
		return nil
	}
	word, value, ok := bytes.Cut(line, []byte{h.separator})
	if !ok {
		value = nil
	}
	switch string(word) {
	case "#unset_field":
		h.renew(&h.unset, value)
	case "#empty_field":
		h.renew(&h.empty, value)
	case "#set_separator":
		if len(value) == 1 {
			h.set = value[0]
		}
	case "#path":
		if path := unescape(nil, value); string(path) != h.path {
			h.path = string(path)
			h.checked, h.prepared = false, false
		}
	case "#fields":
		return r.fields(value)
	case "#types":
		if h.fields == nil {
			return nil
		}
		n := bytes.Count(value, []byte{h.separator}) + 1
		if h.blanks {
			n += len(splitBlanks(nil, value[bytes.LastIndexByte(value, h.separator)+1:])) - 1
		}
		if n != len(h.fields) {
			return r.formatError("%d #types for %d #fields", n, len(h.fields))
		}
	}
	return nil
}

// parseSeparator reads what follows the word #separator: a blank, whatever the separator, and one escaped byte.
func parseSeparator(b []byte) (sep byte, ok bool) {
	if len(b) != len(` \x09`) || b[0] != ' ' || b[1] != '\\' || b[2] != 'x' {
		return 0, false
	}
	hi, lo := hexDigit[b[3]], hexDigit[b[4]]
	sep = hi<<4 | lo
	return sep, hi|lo < 16 && sep != '\n' && sep != '\r'
}

// fields takes over the names of the columns.
func (r *reader) fields(value []byte) error {
	h := &r.tsv.header
	if h.line != nil && string(h.line) == string(value) && h.lineSeparator == h.separator {
		return nil
	}
	h.line, h.lineSeparator = bytes.Clone(value), h.separator
	h.tabs = bytes.Count(value, []byte{h.separator}) + 1
	last := value[bytes.LastIndexByte(value, h.separator)+1:]
	h.blanks = h.separator != ' ' && bytes.IndexByte(last, ' ') >= 0
	h.fields = splitHeader(value, h.separator, h.blanks)
	if len(h.fields) > maxFields {
		return r.formatError("%d columns, the limit is %d", len(h.fields), maxFields)
	}
	h.checked, h.prepared = false, false
	h.names = [numColumns]string{}
	var ranks [numColumns]uint8
	for c := range h.index {
		h.index[c] = -1
	}
	for i, name := range h.fields {
		if name == r.labelName {
			h.index[colLabel] = i
		}
		c, rank := lookup([]byte(name))
		if c == noColumn || h.index[c] >= 0 && ranks[c] < rank {
			continue
		}
		h.index[c], ranks[c], h.names[c] = i, rank, name
	}
	h.others = nil
	h.index[colPath] = -1 // the path is in the header
	h.places = h.places[:0]
	for c, i := range &h.index {
		if i >= 0 {
			h.places = append(h.places, place{column(c), uint16(i)})
		}
	}
	r.rec = record{names: &h.names, noDuration: h.index[colDuration] < 0}
	return nil
}

// place is where a column is among the fields.
type place struct {
	column column
	field  uint16
}

// check decides, before the first row under a header, whether its columns make flows.
func (r *reader) check() error {
	h := &r.tsv.header
	h.checked = true
	h.foreign = h.path != "conn" && h.index[colState] < 0
	if h.foreign {
		return nil
	}
	for _, c := range required {
		if h.index[c] < 0 {
			return r.formatError("no column %s; there are %s", columnNames[c][0], listed(h.fields))
		}
	}
	if h.index[colLabel] >= 0 {
		h.labelled = true
	}
	if r.wantLabel && !h.labelled {
		return r.formatError("no column %s; there are %s", r.labelName, listed(h.fields))
	}
	return nil
}

// listed names columns in an error.
func listed(names []string) string {
	s := strings.Join(names, ", ")
	if len(s) > 1024 {
		s = s[:1024] + "..."
	}
	return s
}

// renew makes mark, which is one of h, a copy of b. A mark that comes again changes nothing, so that rows between such lines are read as quickly as others.
func (h *header) renew(mark *[]byte, b []byte) {
	if string(*mark) != string(b) {
		*mark, h.prepared = bytes.Clone(b), false
	}
}

// splitHeader splits the value of #fields.
func splitHeader(value []byte, sep byte, blanks bool) []string {
	var parts []string
	for part := range bytes.SplitSeq(value, []byte{sep}) {
		parts = append(parts, string(part))
	}
	if !blanks {
		return parts
	}
	last := []byte(parts[len(parts)-1])
	parts = parts[:len(parts)-1]
	for _, s := range splitBlanks(nil, last) {
		parts = append(parts, string(last[s.start:s.end]))
	}
	return parts
}

// span is a part of a text.
type span struct{ start, end int }

// splitBlanks appends the parts of b between runs of two or more blanks.
func splitBlanks(parts []span, b []byte) []span {
	start := 0
	for i := 0; i < len(b); {
		if b[i] != ' ' {
			i++
			continue
		}
		run := i
		for i < len(b) && b[i] == ' ' {
			i++
		}
		if i-run >= 2 {
			parts = append(parts, span{start, run})
			start = i
		}
	}
	return append(parts, span{start, len(b)})
}

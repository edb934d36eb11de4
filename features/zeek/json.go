package zeek

import (
	"strings"

	"threatdetect/features"
	"threatdetect/internal/jsonscan"
	"threatdetect/internal/logio"
)

// jsonReader is the state of reading a JSON log.
type jsonReader struct {
	pointer  []string // reference tokens of Options.Pointer
	scratch  []byte   // texts without their escapes
	names    [numColumns]string
	ranks    [numColumns]uint8 // of the names
	hasState bool              // whether the record has the key conn_state
}

// runJSON reads a JSON log from the current line on.
func (r *reader) runJSON() {
	r.json.pointer = splitPointer(r.opts.Pointer)
	for c := range r.json.names {
		r.json.names[c] = columnNames[c][0]
	}
	for more := true; more; more = r.lines.Next() {
		if !r.jsonLine(r.lines.Bytes()) {
			return
		}
	}
	r.finish(nil)
}

// jsonLine reads one line and reports whether to go on.
func (r *reader) jsonLine(line []byte) bool {
	switch {
	case r.lines.TooLong():
		return r.skip(fault{noColumn, features.ReasonTooLong})
	case len(line) == 0 || line[0] <= ' ' && logio.Blank(line):
		return true
	case r.lines.End() == logio.EndBroken:
		return r.skip(fault{noColumn, features.ReasonTruncated})
	}
	j := &r.json
	j.scratch = j.scratch[:0]
	for _, token := range j.pointer {
		value, reason := j.descend(line, token)
		if reason != "" {
			return r.skip(fault{noColumn, reason})
		}
		line = value
	}
	if !r.object(line) {
		return r.skip(fault{noColumn, features.ReasonMalformed})
	}
	if path := &r.rec.cells[colPath]; !j.hasState && (path.kind != kindString || string(path.text) != "conn") {
		return r.skip(fault{noColumn, features.ReasonOther})
	}
	return r.record()
}

// object takes a JSON object apart into r.rec and reports whether it is well-formed. All of it is checked, also what is
// not needed.
func (r *reader) object(b []byte) bool {
	rec := &r.rec
	rec.names, rec.noDuration = &r.json.names, false
	for c := range rec.cells {
		rec.cells[c].kind = kindUnset
	}
	r.json.hasState = false
	var m jsonscan.Members
	m.Open(b)
	for m.Next() {
		key := m.Key
		if m.KeyEscaped {
			key = r.json.unescape(key)
		}
		if c, rank := lookup(key); c != noColumn {
			r.set(c, rank, &m)
		}
		if len(key) == len(r.labelName) && string(key) == r.labelName {
			r.set(colLabel, 0, &m)
		}
	}
	return m.Closed
}

// set stores the value of a member. A key that comes again replaces the value, an alias only one that it outranks.
func (r *reader) set(c column, rank uint8, m *jsonscan.Members) {
	cell := &r.rec.cells[c]
	j := &r.json
	if c == colState {
		j.hasState = true
	}
	if rank != j.ranks[c] {
		if cell.kind != kindUnset && j.ranks[c] < rank || m.Kind == jsonscan.Null {
			return
		}
		j.ranks[c], j.names[c] = rank, columnNames[c][rank]
	}
	cell.kind, cell.text = kind(m.Kind), m.Value
	if m.ValueEscaped && m.Kind == jsonscan.String {
		cell.text = j.unescape(m.Value)
	}
}

// descend returns the object that the member of b called token is, or holds as a string.
func (j *jsonReader) descend(b []byte, token string) (object []byte, reason features.Reason) {
	var m jsonscan.Members
	m.Open(b)
	found := jsonscan.Members{}
	for m.Next() {
		key := m.Key
		if m.KeyEscaped {
			key = j.unescape(key)
		}
		if string(key) == token {
			found = m
		}
	}
	switch {
	case !m.Closed:
		return nil, features.ReasonMalformed
	case found.Kind == jsonscan.Null:
		return nil, features.ReasonMissing
	case found.Kind == jsonscan.String && found.ValueEscaped:
		return j.unescape(found.Value), ""
	}
	return found.Value, ""
}

// unescape returns the text of a JSON string, kept in the scratch of the record.
func (j *jsonReader) unescape(b []byte) []byte {
	start := len(j.scratch)
	j.scratch = jsonscan.Unescape(j.scratch, b)
	return j.scratch[start:]
}

// splitPointer splits a JSON pointer into its reference tokens.
func splitPointer(p string) []string {
	if p == "" {
		return nil
	}
	tokens := strings.Split(strings.TrimPrefix(p, "/"), "/")
	for i, t := range tokens {
		tokens[i] = strings.ReplaceAll(strings.ReplaceAll(t, "~1", "/"), "~0", "~")
	}
	return tokens
}

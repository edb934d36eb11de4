package zeek

import (
	"threatdetect/features"
	"threatdetect/internal/jsonscan"
	"threatdetect/internal/logio"
)

// jsonReader is the state of reading a JSON log.
type jsonReader struct {
	pointer  jsonscan.Pointer
	scratch  []byte // texts without their escapes
	names    [numColumns]string
	ranks    [numColumns]uint8 // of the names
	aliased  bool              // some rank may not be 0
	hasState bool              // whether the record has the key conn_state
	layout   jsonscan.Layout
	cursor   *jsonscan.Cursor // not there before it is needed
	spans    jsonscan.Spans
}

// A key's ID is its column and, above that, its rank, with a bit set if it is also the name of the label. Keys that are no column have idOther. So a column
// by Zeek's own name is what a cursor stores.
const (
	idLabel  = 0x80
	idOther  = 0x60
	rankUnit = jsonscan.MaxSpans
)

func (r *reader) keyID(m *jsonscan.Members) jsonscan.ID {
	key := m.Key
	if m.KeyEscaped {
		key = r.json.unescape(key)
	}
	c, rank := lookup(key)
	id := jsonscan.ID(c) + rankUnit*jsonscan.ID(rank)
	if c == noColumn {
		id = idOther
	}
	if string(key) == r.labelName {
		id |= idLabel
	}
	return id
}

// runJSON reads a JSON log from the current line on.
func (r *reader) runJSON() {
	r.json.pointer = jsonscan.ParsePointer(r.opts.Pointer)
	for c := range r.json.names {
		r.json.names[c] = columnNames[c][0]
	}
	if r.json.cursor == nil {
		r.json.cursor = new(jsonscan.Cursor)
	}
	r.isJSON = true
	r.quick.forget(nil, 0)
	r.quick.prepareCounts(&r.flow, nil)
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
	j.scratch = logio.Reset(j.scratch, len(line))
	switch {
	case len(j.pointer) > 0:
		var ok bool
		switch line, j.scratch, ok = j.pointer.Find(j.scratch, line); {
		case !ok:
			return r.skip(fault{noColumn, features.ReasonMalformed})
		case line == nil:
			return r.skip(fault{noColumn, features.ReasonMissing})
		}
	case jsonscan.NoObject(line):
		return r.skip(fault{noColumn, features.ReasonMalformed})
	case string(line) == "{}" && r.opts.Join == nil:
		return r.skip(fault{noColumn, features.ReasonOther})
	}
	if j.cursor.Read(line, &j.layout, &j.spans, idOther) {
		if !r.long && !j.aliased {
			r.flow = features.Flow{}
			if r.quick.object(&r.flow, line, &j.spans, &r.deriver) {
				return r.give(&r.flow)
			}
		}
		r.spread(line)
	} else if !r.object(line) {
		return r.skip(fault{noColumn, features.ReasonMalformed})
	}
	if path := &r.rec.cells[colPath]; !j.hasState && (path.kind != kindString || string(path.text) != "conn") {
		if r.opts.Join != nil {
			r.otherJSON(line)
		}
		return r.skip(fault{noColumn, features.ReasonOther})
	}
	more := r.record()
	r.forget()
	return more
}

// spread makes r.rec of the spans of a record.
func (r *reader) spread(b []byte) {
	j, rec := &r.json, &r.rec
	rec.names, rec.noDuration = &j.names, false
	j.aliased = false
	for col := range rec.cells {
		cell, span := &rec.cells[col], &j.spans.Values[col%jsonscan.MaxSpans]
		if j.spans.Seen>>col&1 == 0 {
			cell.kind = kindUnset
			j.aliased = j.aliased || j.ranks[col] != 0
			continue
		}
		cell.kind, cell.text = kind(span.Kind), b[span.Start:span.End]
		if j.ranks[col] != 0 {
			j.ranks[col], j.names[col] = 0, columnNames[col][0]
		}
	}
	j.hasState = (j.spans.Seen|j.spans.Null)>>colState&1 != 0
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
	m.OpenWith(b, &r.json.layout)
	for m.Next() {
		id := m.ID
		if id == jsonscan.Unknown {
			id = r.keyID(&m)
			m.Learn(id)
		}
		if id == idOther {
			continue
		}
		if m.Kind == jsonscan.Nested {
			m.Raw()
		}
		if c := id &^ idLabel; c != idOther {
			r.set(column(c%rankUnit), uint8(c/rankUnit), &m)
		}
		if id&idLabel != 0 {
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
		j.aliased = j.aliased || rank != 0
	}
	cell.kind, cell.text = kind(m.Kind), m.Value
	if m.ValueEscaped && m.Kind == jsonscan.String {
		cell.text = j.unescape(m.Value)
	}
}

// unescape returns the text of a JSON string, kept in the scratch of the record.
func (j *jsonReader) unescape(b []byte) []byte {
	start := len(j.scratch)
	j.scratch = jsonscan.Unescape(j.scratch, b)
	return j.scratch[start:]
}

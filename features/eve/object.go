package eve

import (
	"threatdetect/internal/jsonscan"
	"threatdetect/internal/logio"
)

// object takes an event apart into r.cells and reports whether it is well-formed. All of it is checked, also what is not
// needed. Of equal keys the last counts.
func (r *reader) object(b []byte) bool {
	c := &r.cells
	if c.text = b; r.cursor.Read(b, &r.layouts[scopeEvent], &c.spans, jsonscan.ID(noColumn)) {
		return true
	}
	c.scratch, c.spans.Seen = logio.Reset(c.scratch, len(b)), 0
	var m jsonscan.Members
	for m.OpenWith(b, &r.layouts[scopeEvent]); m.Next(); {
		id := m.ID
		if id == jsonscan.Unknown {
			id = r.learn(&m, scopeEvent)
		}
		if id == jsonscan.ID(noColumn) {
			continue
		}
		switch col := column(id &^ idLabel); {
		case m.Kind != jsonscan.Nested:
		case col == colFlow:
			if !r.nested(&m, scopeFlow, flowColumns) {
				return false
			}
		case col == colTCP:
			if !r.nested(&m, scopeTCP, tcpColumns) {
				return false
			}
		default:
			if _, ok := m.Raw(); !ok {
				return false
			}
		}
		r.set(id, &m)
	}
	c.text = c.scratch
	return m.Closed
}

// nested takes the object that m is at apart, which has the columns, and reports whether it is well-formed. If it is an array it is passed over.
func (r *reader) nested(m *jsonscan.Members, s scope, columns uint32) bool {
	r.cells.spans.Seen &^= columns
	if r.wantLabel && r.labelScope == s {
		r.cells.spans.Seen &^= 1 << colLabel
	}
	var sub jsonscan.Members
	if !sub.Enter(m, &r.layouts[s]) {
		_, ok := m.Raw()
		return ok
	}
	for sub.Next() {
		id := sub.ID
		if id == jsonscan.Unknown {
			id = r.learn(&sub, s)
		}
		if id == jsonscan.ID(noColumn) {
			continue
		}
		if sub.Kind == jsonscan.Nested {
			if _, ok := sub.Raw(); !ok {
				return false
			}
		}
		r.set(id, &sub)
	}
	if sub.Closed {
		m.Leave(&sub)
		m.Value = brace
	}
	return sub.Closed
}

// brace stands for the text of an object that was taken apart.
var brace = []byte("{")

// learn finds out what a key stands for: its column, whether it is the label's, or neither.
func (r *reader) learn(m *jsonscan.Members, s scope) jsonscan.ID {
	key := m.Key
	if m.KeyEscaped {
		key = r.unescape(key)
	}
	id := jsonscan.ID(noColumn)
	if c, ok := columnsByKey[s][string(key)]; ok {
		id = jsonscan.ID(c)
	}
	if r.labelScope == s && string(key) == r.labelKey {
		id |= idLabel
	}
	m.Learn(id)
	return id
}

// set stores the value of a member.
func (r *reader) set(id jsonscan.ID, m *jsonscan.Members) {
	c := &r.cells
	start := uint32(len(c.scratch))
	if m.ValueEscaped && m.Kind == jsonscan.String {
		c.scratch = jsonscan.Unescape(c.scratch, m.Value)
	} else {
		c.scratch = append(c.scratch, m.Value...)
	}
	span := jsonscan.Span{Start: start, End: uint32(len(c.scratch)), Kind: m.Kind}
	if col := column(id &^ idLabel); col != noColumn {
		c.set(col, span)
	}
	if id&idLabel != 0 {
		c.set(colLabel, span)
	}
}

// unescape returns the text of a JSON string, kept in the scratch of the record.
func (r *reader) unescape(b []byte) []byte {
	start := len(r.scratch)
	r.scratch = jsonscan.Unescape(r.scratch, b)
	return r.scratch[start:]
}

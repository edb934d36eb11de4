package eve

import "threatdetect/internal/jsonscan"

// The columns of the objects flow and tcp, as bits.
const (
	flowColumns = 1<<(colEnd+1) - 1<<colPktsToServer
	tcpColumns  = 1<<(colFlagsToClient+1) - 1<<colFlagsToServer
)

// usual takes an event apart whose members are all usual, and reports whether they are.
func (r *reader) usual(b []byte) bool {
	c := &r.cells
	c.spans.Seen = 0
	var outer, inner jsonscan.Cursor
	outer.Open(b, &r.layouts[scopeEvent])
	for {
		switch outer.Run(&c.spans, jsonscan.ID(noColumn)) {
		case jsonscan.Unusual:
			return false
		case jsonscan.Behind:
			return outer.Whole()
		}
		s, columns := scopeEvent, uint32(0)
		switch column(outer.ID) {
		case colFlow:
			s, columns = scopeFlow, flowColumns
		case colTCP:
			s, columns = scopeTCP, tcpColumns
		}
		if s == scopeEvent || !inner.Enter(&outer, &r.layouts[s]) {
			c.spans.Seen &^= columns
			if !outer.Pass(&c.spans) {
				return false
			}
			continue
		}
		c.spans.Seen &^= columns
		if inner.Run(&c.spans, jsonscan.ID(noColumn)) != jsonscan.Behind {
			return false
		}
		c.spans.Values[outer.ID].End++ // the text of an object is its brace
		outer.Leave(&inner)
	}
}

// object takes an event apart into r.cells and reports whether it is well-formed. All of it is checked, also what is not
// needed. Of equal keys the last counts.
func (r *reader) object(b []byte) bool {
	c := &r.cells
	if c.line = b; r.usual(b) {
		return true
	}
	c.line = nil
	c.kinds = [numColumns]jsonscan.Kind{}
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
			if !r.nested(&m, scopeFlow, colPktsToServer, colEnd) {
				return false
			}
		case col == colTCP:
			if !r.nested(&m, scopeTCP, colFlagsToServer, colFlagsToClient) {
				return false
			}
		default:
			if _, ok := m.Raw(); !ok {
				return false
			}
		}
		r.set(id, &m)
	}
	return m.Closed
}

// nested takes the object that m is at apart, whose columns are from first to last, and reports whether it is well-formed.
// If it is an array it is passed over.
func (r *reader) nested(m *jsonscan.Members, s scope, first, last column) bool {
	clear(r.cells.kinds[first : last+1])
	if r.wantLabel && r.labelScope == s {
		r.cells.kinds[colLabel] = jsonscan.Null
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
		m.Value = object
	}
	return sub.Closed
}

// object stands for the text of an object that was taken apart.
var object = []byte("{}")

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
	text := m.Value
	if m.ValueEscaped && m.Kind == jsonscan.String {
		text = r.unescape(text)
	}
	if c := column(id &^ idLabel); c != noColumn {
		r.cells.kinds[c], r.cells.texts[c] = m.Kind, text
	}
	if id&idLabel != 0 {
		r.cells.kinds[colLabel], r.cells.texts[colLabel] = m.Kind, text
	}
}

// unescape returns the text of a JSON string, kept in the scratch of the record.
func (r *reader) unescape(b []byte) []byte {
	start := len(r.scratch)
	r.scratch = jsonscan.Unescape(r.scratch, b)
	return r.scratch[start:]
}

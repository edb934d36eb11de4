package vpcflow

import (
	"threatdetect/features"
	"threatdetect/internal/celllog"
	"threatdetect/internal/jsonlog"
	"threatdetect/internal/jsonscan"
	"threatdetect/internal/logio"
	"threatdetect/internal/pairing"
)

// jsonValues are the columns of a JSON object, whose names are as good with '_' as with '-'. A number may be a string.
type jsonValues struct {
	texts   [numColumns][]byte
	scratch []byte // strings without their escapes
	odd     bool   // the protocol is neither text nor a number
}

func (v *jsonValues) Get(column int) []byte { return v.texts[column] }

// object takes one JSON record.
func (r *reader) object(b []byte) (jsonlog.Fault, bool) {
	v := &r.json
	clear(v.texts[:])
	v.scratch, v.odd = logio.Reset(v.scratch, len(b)), false
	var m jsonscan.Members
	m.Open(b)
	for m.Next() {
		key := m.Key
		if m.KeyEscaped {
			key = v.unescape(key)
		}
		if c := columnOf(key); c >= 0 {
			v.set(c, &m)
		}
	}
	if !m.Closed {
		return jsonlog.Fault{Reason: features.ReasonMalformed, Text: b}, true
	}
	r.rec = pairing.Record{}
	fault := r.build(v)
	if v.odd && fault.Reason != features.ReasonMissing && !fault.Reason.Lossless() {
		fault = celllog.Fault{Column: colProtocol, Reason: features.ReasonNumber}
	}
	if fault == celllog.Sound {
		return jsonlog.Fault{}, r.pairer.Add(&r.rec)
	}
	f := jsonlog.Fault{Reason: fault.Reason}
	if fault.Column >= 0 {
		f.Field, f.Text = Columns[fault.Column], v.texts[fault.Column]
	}
	return f, true
}

func (v *jsonValues) unescape(b []byte) []byte {
	start := len(v.scratch)
	v.scratch = jsonscan.Unescape(v.scratch, b)
	return v.scratch[start:]
}

// set stores the value of a member. Of equal keys the last counts.
func (v *jsonValues) set(c int, m *jsonscan.Members) {
	text := m.Value
	if c == colProtocol { // any text is a name of one
		v.odd = m.Kind != jsonscan.Null && m.Kind != jsonscan.String && m.Kind != jsonscan.Number
	}
	switch m.Kind {
	case jsonscan.Null:
		text = nil
	case jsonscan.String:
		if m.ValueEscaped {
			text = v.unescape(text)
		}
		if len(text) == 0 || len(text) == 1 && text[0] == '-' {
			text = nil
		}
	}
	v.texts[c] = text
}

// columnOf is lookup without allocation.
func columnOf(key []byte) int {
	for c := range Columns {
		if name := Columns[c]; len(name) == len(key) && same(key, name) {
			return c
		}
	}
	return -1
}

func same(key []byte, name string) bool {
	for i, c := range key {
		if c == '_' {
			c = '-'
		}
		if c != name[i] {
			return false
		}
	}
	return true
}

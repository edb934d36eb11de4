package features

import (
	"crypto/sha256"
	"encoding/binary"
	"strings"

	"threatdetect/internal/sketch"
)

// names is the memory of name/1: which names a source and the site met, and when a source called each. A host behind a service that
// changes its addresses has one name.
type names struct {
	callMemory
	contacts *sketch.Bloom // of sources and names, and of names
	days     int64         // number of the present half of their retention
	scratch  []byte
}

var nameColumns = func() []Column {
	columns := []Column{
		{"name_known", "", "1 if the flow has a name: of the server in TLS, or of the host in HTTP"},
		{"name_first_contact", "", "1 if the source was not seen with the name before"},
		{"name_first_at_site", "", "1 if nobody was"},
	}
	for _, c := range beaconColumns {
		c.Name, c.Doc = "name_"+c.Name, "of calls of the source to the name: "+c.Doc
		columns = append(columns, c)
	}
	columns[3].Doc = "kept of this source to this name, up to 128"
	return columns
}()

func newNames(o *StateOptions, with *settings, stats *Stats) memory {
	m := new(names)
	m.init(o, with, stats, 90)
	filter := 8
	for filter*2*64 <= o.budget() {
		filter *= 2
	}
	m.contacts = sketch.NewBloom(filter)
	return m
}

func (m *names) fill(row []float32, f *Flow, t, late int64) {
	row = row[:14]
	missing(row)
	counts := late <= maxLate
	if !counts {
		m.stats.TooLate++
	}
	if n := period(t, contactSpan); counts && n != m.days {
		m.contacts.Turn()
		if n != m.days+1 {
			m.contacts.Turn()
		}
		m.days = n
	}
	name := m.nameOf(f)
	if row[0] = flag(len(name) > 0); len(name) > 0 {
		hf := makeHostFlow(f, t, m.site)
		text := m.sketched.HashText(name)
		atSite, contact := m.sketched.Hash(text, 3), m.sketched.Hash(hf.src.fixed(m.sketched), text)
		row[1], row[2] = flag(!m.contacts.Has(contact)), flag(!m.contacts.Has(atSite))
		if counts {
			m.contacts.Add(contact)
			m.contacts.Add(atSite)
		}
		sum := sha256.Sum256(name)
		k := callKey{src: hf.src, dst: hostKey{binary.BigEndian.Uint64(sum[:8]), binary.BigEndian.Uint64(sum[8:16])}}
		m.fillCalls(row[3:], k, f, t, counts && hf.answered)
	}
	m.stats.Evicted += m.pressure.flow(t)
}

// nameOf is the name that a flow is to: of the server, or else the host of the first request; in lower case, without a port and a final dot.
// It is valid until the next call.
func (m *names) nameOf(f *Flow) []byte {
	if f.Joined == nil {
		return nil
	}
	text := ""
	switch j := f.Joined; {
	case j.TLS != nil && j.TLS.ServerName != "":
		text = j.TLS.ServerName
	case len(j.HTTP) > 0:
		text = j.HTTP[0].Host
		if i := strings.LastIndexByte(text, ':'); i > 0 && isPort(text[i:]) && (text[i-1] == ']' || strings.IndexByte(text, ':') == i) {
			text = text[:i]
		}
	}
	m.scratch = appendLower(m.scratch[:0], strings.TrimSuffix(text, "."))
	return m.scratch
}

// appendLower appends a text with its ASCII letters in lower case.
func appendLower(dst []byte, text string) []byte {
	for i := range len(text) {
		c := text[i]
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		dst = append(dst, c)
	}
	return dst
}

func (m *names) encode(e *encoder) {
	e.time(m.days)
	encodeBloom(e, m.contacts)
	m.callMemory.encode(e)
}

func (m *names) decode(d *decoder, t int64, any bool) {
	m.days = d.time()
	decodeBloom(d, m.contacts)
	m.callMemory.decode(d, t, any)
}

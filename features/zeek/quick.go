package zeek

import (
	"encoding/binary"
	"math"

	"threatdetect/features"
	"threatdetect/internal/decimal"
	"threatdetect/internal/fieldscan"
)

// quick makes flows of rows of the usual form without the detour over cells: every field is looked at once, and what a short
// text meant before is remembered. Whatever is not usual (an escape, a number that is none, a long text) it leaves to the
// long way, which alone decides what is wrong with a row. Both make the same flow; a test and a fuzz target hold them equal.
type quick struct {
	fields *fieldscan.Table // of the line; not there before it is needed
	counts []countField     // of this header

	protos    [32]protoMeaning // in none of these do two of the usual texts have one place
	apps      [128]appMeaning
	states    [32]stateMeaning
	histories [256]historyMeaning

	empty []byte // the mark of an empty text that the meanings hold under
	unset byte   // and that of none at all

	bulk *bulk // not there before it is needed
}

// countField is a column of counts, and where they go.
type countField struct {
	field uint16
	known features.Field
	to    *uint64
}

// word is a text of at most eight bytes.
type word struct {
	bytes uint64
	size  uint64
}

func (w word) hash() uint64 { return (w.bytes ^ w.size) * 0x9e3779b97f4a7c15 }

// protoMeaning and the like are what a text stood for when it was met last.
type protoMeaning struct {
	word
	class features.Proto
	ports bool
	name  string
}

type appMeaning struct {
	word
	app  features.App
	name string
}

type stateMeaning struct {
	word
	tcp, other features.State
}

type historyMeaning struct {
	word
	flags uint16
}

// prepare looks at a header that was checked, and reports whether its rows can be read this way.
func (q *quick) prepare(h *header, f *features.Flow) bool {
	if h.blanks || h.foreign || len(h.unset) != 1 || h.unset[0]-'0' <= 9 || h.separator == '\\' {
		return false
	}
	if q.fields == nil {
		q.fields = new(fieldscan.Table)
	}
	q.forget(h.empty, h.unset[0])
	q.prepareCounts(f, h.index[:])
	return true
}

// forget drops the meanings, unless they were learnt with the same marks of an empty text and of none.
func (q *quick) forget(empty []byte, unset byte) {
	if string(q.empty) != string(empty) || q.unset != unset {
		clear(q.protos[:])
		clear(q.apps[:])
		clear(q.states[:])
		clear(q.histories[:])
		if q.bulk != nil {
			clear(q.bulk.histories[:])
		}
		q.empty, q.unset = append(q.empty[:0], empty...), unset
	}
}

// prepareCounts tells in which fields the columns of counts are: what index says, -1 for none, or those of their own number without one.
func (q *quick) prepareCounts(f *features.Flow, index []int) {
	q.counts = q.counts[:0]
	for _, c := range [...]struct {
		column column
		known  features.Field
		to     *uint64
	}{
		{colOrigBytes, features.FieldFwdPayload, &f.FwdPayload}, {colRespBytes, features.FieldRevPayload, &f.RevPayload},
		{colMissed, features.FieldMissedBytes, &f.MissedBytes},
		{colOrigPkts, features.FieldFwdPkts, &f.FwdPkts}, {colOrigIPBytes, features.FieldFwdBytes, &f.FwdBytes},
		{colRespPkts, features.FieldRevPkts, &f.RevPkts}, {colRespIPBytes, features.FieldRevBytes, &f.RevBytes},
	} {
		i := int(c.column)
		if index != nil {
			i = index[c.column]
		}
		if i >= 0 {
			q.counts = append(q.counts, countField{uint16(i), c.known, c.to})
		}
	}
}

// short returns the text of line from start to end as a word, if it has one to eight bytes and the line eight before its end.
func short(line []byte, start, end int) (w word, ok bool) {
	n := end - start
	if uint(n-1) >= 8 || end < 8 || end > len(line) {
		return word{}, false
	}
	return word{binary.LittleEndian.Uint64(line[end-8:]) >> uint(64-8*n), uint64(n)}, true
}

// row makes f, which is empty, of a line, or reports that the long way has to.
func (q *quick) row(f *features.Flow, line []byte, h *header, d *deriver) bool {
	if len(line) > fieldscan.MaxLine {
		return false
	}
	if n, escaped := q.fields.Scan(line, h.separator, '\\'); n != h.tabs || escaped {
		return false
	}
	unset := word{uint64(h.unset[0]), 1}
	// The required columns.
	start, end := q.fields.Field(h.index[colProto])
	w, ok := short(line, start, end)
	if !ok || w == unset {
		return false
	}
	p := &q.protos[w.hash()>>59]
	if p.word != w && !p.learn(w, line[start:end], h.empty, d) {
		return false
	}
	f.Proto, f.ProtoName = p.class, p.name
	known := features.FieldStart | features.FieldAddrs | features.FieldProto
	start, end = q.fields.Field(h.index[colTS])
	us, ok := decimal.Fixed(line[start:end], 6)
	if !ok || us > math.MaxInt64/1000 || us < math.MinInt64/1000 {
		return false
	}
	f.Start = us * 1000
	start, end = q.fields.Field(h.index[colOrigH])
	if f.Src, ok = d.addresses.Parse(line[start:end]); !ok {
		return false
	}
	start, end = q.fields.Field(h.index[colRespH])
	if f.Dst, ok = d.addresses.Parse(line[start:end]); !ok {
		return false
	}
	if p.ports {
		if i := h.index[colOrigP]; i >= 0 {
			v, set, ok := q.count(line, i, unset)
			if !ok || v > math.MaxUint16 {
				return false
			}
			if f.SrcPort = uint16(v); set {
				known |= features.FieldSrcPort
			}
		}
		if i := h.index[colRespP]; i >= 0 {
			v, set, ok := q.count(line, i, unset)
			if !ok || v > math.MaxUint16 {
				return false
			}
			if f.DstPort = uint16(v); set {
				known |= features.FieldDstPort
			}
		}
	} else if p.class == features.ProtoICMP && h.index[colOrigP] >= 0 && h.index[colRespP] >= 0 {
		t, set, ok := q.count(line, h.index[colOrigP], unset)
		c, set2, ok2 := q.count(line, h.index[colRespP], unset)
		if !ok || !ok2 {
			return false
		}
		if set && set2 && t <= math.MaxUint8 && c <= math.MaxUint8 {
			f.ICMPType, f.ICMPCode = uint8(t), uint8(c)
			known |= features.FieldICMP
		}
	}
	if i := h.index[colService]; i >= 0 {
		start, end = q.fields.Field(i)
		if w, ok = short(line, start, end); !ok {
			if end < 8 || marked(line[start:end], h.empty) { // what is unset is told by a word, which the first bytes of a line are none of
				return false
			}
			f.App, f.AppName = d.names.Apps(line[start:end])
		} else if w != unset {
			a := &q.apps[w.hash()>>57]
			if a.word != w && !a.learn(w, line[start:end], h.empty, d) {
				return false
			}
			f.App, f.AppName = a.app, a.name
		}
	}
	for i := range q.counts {
		c := &q.counts[i]
		start, end := q.fields.Field(int(c.field))
		n := end - start
		if uint(n-1) >= 8 || end < 8 || end > len(line) {
			v, ok := decimal.Count(line[start:end])
			if !ok {
				return false
			}
			*c.to = v
			known |= c.known
			continue
		}
		digits := binary.LittleEndian.Uint64(line[end-8:])
		v, ok := decimal.Last(digits, n)
		if !ok {
			if n == 1 && digits>>56 == unset.bytes {
				continue
			}
			return false
		}
		*c.to = v
		known |= c.known
	}
	f.Known = known
	if !q.interval(f, line, h, unset) || !q.ending(f, line, h, unset) {
		return false
	}
	q.rest(f, line, h, d)
	return true
}

// count reads field i: a count, or nothing, which is 0.
func (q *quick) count(line []byte, i int, unset word) (v uint64, set, ok bool) {
	start, end := q.fields.Field(i)
	n := end - start
	if uint(n-1) >= 8 || end < 8 || end > len(line) {
		v, ok = decimal.Count(line[start:end])
		return v, ok, ok
	}
	digits := binary.LittleEndian.Uint64(line[end-8:])
	if v, ok = decimal.Last(digits, n); ok {
		return v, true, true
	}
	return 0, false, n == 1 && digits>>56 == unset.bytes
}

// interval reads the duration.
func (q *quick) interval(f *features.Flow, line []byte, h *header, unset word) bool {
	i := h.index[colDuration]
	if i < 0 {
		return true
	}
	start, end := q.fields.Field(i)
	if end-start == 1 && uint64(line[start]) == unset.bytes {
		f.Known |= features.FieldDuration // of a single packet
		return true
	}
	us, ok := decimal.Fixed(line[start:end], 6)
	if !ok || us < 0 || us > math.MaxInt64/1000 || f.Start > math.MaxInt64-us*1000 {
		return false
	}
	f.Duration = us * 1000
	f.Known |= features.FieldDuration
	return true
}

// ending reads how the connection went: its state, its history, and which ends are local.
func (q *quick) ending(f *features.Flow, line []byte, h *header, unset word) bool {
	if i := h.index[colState]; i >= 0 {
		start, end := q.fields.Field(i)
		w, ok := short(line, start, end)
		if !ok {
			return false
		}
		if w != unset {
			s := &q.states[w.hash()>>59]
			if s.word != w && !s.learn(w, line[start:end], h.empty) {
				return false
			}
			f.State = s.other
			if f.Proto == features.ProtoTCP {
				f.State = s.tcp
			}
		}
	}
	if i := h.index[colHistory]; i >= 0 {
		start, end := q.fields.Field(i)
		w, ok := short(line, start, end)
		switch {
		case !ok:
			if end < 8 || marked(line[start:end], h.empty) {
				return false
			}
			setHistory(f, line[start:end], flagsOf(line[start:end]))
		case w != unset:
			m := &q.histories[w.hash()>>56]
			if m.word != w {
				if marked(line[start:end], h.empty) {
					return false
				}
				*m = historyMeaning{w, flagsOf(line[start:end])}
			}
			setHistory(f, line[start:end], m.flags)
		}
	}
	return q.local(f, line, h.index[colLocalOrig], features.FieldLocalSrc, &f.LocalSrc, unset) &&
		q.local(f, line, h.index[colLocalResp], features.FieldLocalDst, &f.LocalDst, unset)
}

func (q *quick) local(f *features.Flow, line []byte, i int, known features.Field, to *bool, unset word) bool {
	if i < 0 {
		return true
	}
	start, end := q.fields.Field(i)
	if end-start != 1 {
		return false
	}
	switch b := line[start]; {
	case uint64(b) == unset.bytes:
	case b == 'T' || b == 'F':
		*to = b == 'T'
		f.Known |= known
	default:
		return false
	}
	return true
}

// rest reads what is never a fault: VLAN tags, names and labels.
func (q *quick) rest(f *features.Flow, line []byte, h *header, d *deriver) {
	for _, i := range h.index[colVLAN : colInnerVLAN+1] {
		if i >= 0 {
			start, end := q.fields.Field(i)
			tag(f, line[start:end])
		}
	}
	if c := q.cell(line, h, colUID); c.kind != kindUnset {
		f.UID = c.text
	}
	if h.index[colLabel] >= 0 {
		c := q.cell(line, h, colLabel)
		d.label(f, &c)
	}
	if h.index[colKind] >= 0 {
		if c := q.cell(line, h, colKind); c.kind != kindUnset {
			f.Kind = c.text
		}
	}
}

// cell is the text of a column as the long way has it.
func (q *quick) cell(line []byte, h *header, column column) (c cell) {
	i := h.index[column]
	if i < 0 {
		return c
	}
	start, end := q.fields.Field(i)
	c = cell{line[start:end], kindText}
	switch {
	case end-start == 1 && line[start] == h.unset[0]:
		c.kind = kindUnset
	case marked(c.text, h.empty):
		c.text = c.text[:0]
	}
	return c
}

// marked reports whether a text is the mark of an empty one.
func marked(text, empty []byte) bool { return string(text) == string(empty) }

func (p *protoMeaning) learn(w word, text, empty []byte, d *deriver) bool {
	class, name, ports, ok := d.names.Proto(text)
	if ok = ok && !marked(text, empty); ok {
		*p = protoMeaning{w, class, ports, name}
	}
	return ok
}

func (a *appMeaning) learn(w word, text, empty []byte, d *deriver) bool {
	if marked(text, empty) {
		return false
	}
	app, name := d.names.Apps(text)
	*a = appMeaning{w, app, name}
	return true
}

func (s *stateMeaning) learn(w word, text, empty []byte) bool {
	if marked(text, empty) {
		return false
	}
	*s = stateMeaning{w, stateOf(text, true), stateOf(text, false)}
	return true
}

package zeek

import (
	"bytes"
	"encoding/binary"
	"math"
	"net/netip"

	"threatdetect/features"
	"threatdetect/internal/decimal"
	"threatdetect/internal/rowscan"
)

// bulk makes flows of the rows that are whole in memory, of all of which the fields are found at once. It is for headers with all columns of numbers, which is what
// Zeek writes, and for rows of the usual form; others it leaves to quick. What short texts mean is in the tables of quick.
type bulk struct {
	block     rowscan.Block
	layout    *rowscan.Layout
	values    rowscan.Values
	times     decimal.Recent
	histories [256]longHistory
	local     [256]uint8 // what a field of one byte says of an end: localKnown, localYes, or localBad
	unset     byte
	ahead     int // how much text is taken apart at once: little behind a header, as the next one may be near
}

// leastAhead is what ahead begins with.
const leastAhead = 256

// longHistory is what a history of at most 16 bytes, which are the highest of high and low, stood for when it was met last.
type longHistory struct {
	low, high uint64
	size      int
	flags     uint16
}

// What a field of one byte says of an end.
const (
	localKnown = 1 << iota
	localYes
	localBad
)

// The numbers of the layout: the counts in the order of their fields of features.Field, so that what is known of them becomes known of the flow by a shift.
const (
	numFwdPkts = iota
	numRevPkts
	numFwdBytes
	numRevBytes
	numFwdPayload
	numRevPayload
	numMissed
	numSeconds // of the duration, and its fraction
	numMicros
	numSrcPort
	numDstPort
	numFraction // of the time
	numNumbers

	allCounts = 1<<numSeconds - 1
	bothPorts = 1<<numSrcPort | 1<<numDstPort
)

var numberFields = [numNumbers]struct {
	column     column
	back, most int
}{
	numFwdPkts: {column: colOrigPkts}, numRevPkts: {column: colRespPkts}, numFwdBytes: {column: colOrigIPBytes}, numRevBytes: {column: colRespIPBytes},
	numFwdPayload: {column: colOrigBytes}, numRevPayload: {column: colRespBytes}, numMissed: {column: colMissed},
	numSeconds: {column: colDuration, back: len(".000000")}, numMicros: {column: colDuration, most: len("000000")},
	numSrcPort: {column: colOrigP}, numDstPort: {column: colRespP}, numFraction: {column: colTS, most: len("000000")},
}

// prepareBulk looks at a header whose rows can be read the quick way, and reports whether they can be read in bulk.
func (q *quick) prepareBulk(h *header) bool {
	if len(h.fields) > rowscan.MaxFields || h.tabs != len(h.fields) || h.separator <= ' ' && h.separator != '\t' {
		return false
	}
	var numbers [numNumbers]rowscan.Number
	for i, n := range numberFields {
		field := h.index[n.column]
		if field < 0 {
			return false
		}
		numbers[i] = rowscan.Number{Field: field, Back: n.back, Most: n.most}
	}
	if q.bulk == nil {
		q.bulk = new(bulk)
	}
	b := q.bulk
	b.layout = rowscan.NewLayout(len(h.fields), numbers[:], [2]int{h.index[colOrigH], h.index[colRespH]})
	b.unset, b.ahead = h.unset[0], leastAhead
	for i := range b.local {
		b.local[i] = localBad
	}
	b.local['T'], b.local['F'] = localKnown|localYes, localKnown
	b.local[b.unset] = 0
	return true
}

// bulkRows reads the rows that are whole in memory, up to a directive, and reports whether to go on. Rows that are not usual are read one by one.
func (r *reader) bulkRows() bool {
	h := &r.tsv.header
	if !h.prepared || !h.bulk || r.long {
		return true
	}
	b := r.quick.bulk
	for {
		text := r.lines.Ahead(b.ahead)
		b.ahead = min(2*b.ahead, rowscan.MaxText)
		if len(text) == 0 {
			return true
		}
		base := r.lines.Offset()
		n, escaped := b.block.Scan(text, h.separator, '\\')
		for i := 0; i < n; i++ {
			f := &r.flow
			if r.slot != nil {
				if slot := r.slot(); slot != nil {
					f = slot
				}
			}
			*f = features.Flow{}
			if size := r.quick.bulkRow(f, i, escaped, h, &r.deriver); size > 0 {
				r.lines.Pass(size)
				if !r.give(f) {
					return false
				}
				continue
			}
			if !r.lines.Next() {
				return true
			}
			if !r.tsvLine(r.lines.Bytes()) {
				return false
			}
			if !h.prepared {
				return true
			}
			// Next passes over blank lines, too.
			for taken := int(r.lines.Offset() - base); i+1 < n; i++ {
				if start, _, _ := b.block.Line(i + 1); start >= taken {
					break
				}
			}
		}
	}
}

// bulkRow makes f, which is empty, of line i of the block and returns how long it is; 0 if another way has to. escaped says that there may be escapes.
func (q *quick) bulkRow(f *features.Flow, i int, escaped bool, h *header, d *deriver) (size int) {
	b := q.bulk
	row, ok := b.block.Read(&b.values, b.layout, i, b.unset)
	if !ok {
		return 0
	}
	text := b.block.Text()
	start, _ := row.Field(0)
	_, end := row.Field(len(h.fields) - 1)
	line := text[start:end]
	if len(line) == 0 || line[0] <= ' ' || line[0] == '#' || line[len(line)-1] == '\r' || escaped && bytes.IndexByte(line, '\\') >= 0 {
		return 0
	}
	if !q.bulkNumbers(f, text, row, h, d) || !q.bulkTexts(f, text, row, h, d) {
		return 0
	}
	return len(line)
}

// bulkNumbers reads the protocol, which says what ports are, and what the block has read of the row.
func (q *quick) bulkNumbers(f *features.Flow, text []byte, row *rowscan.Row, h *header, d *deriver) bool {
	b := q.bulk
	v := &b.values
	unset := word{uint64(b.unset), 1}

	start, end := row.Field(h.index[colProto])
	w, ok := short(text, start, end)
	if !ok {
		return false
	}
	p := &q.protos[w.hash()>>59]
	if p.word != w && (w == unset || !p.learn(w, text[start:end], h.empty, d)) {
		return false
	}
	f.Proto, f.ProtoName = p.class, p.name

	start, end = row.Field(h.index[colTS])
	seconds, ok := b.times.Seconds(text[start:end], len(".000000"))
	us := seconds*1e6 + int64(v.Numbers[numFraction])
	if !ok || v.Known>>numFraction&1 == 0 || us > math.MaxInt64/1000 {
		return false
	}
	f.Start = us * 1000
	if v.IPv4 == 3 {
		f.Src, f.Dst = netip.AddrFrom4(v.Addresses[0]), netip.AddrFrom4(v.Addresses[1])
	} else { // one of IPv6, or one that nobody has read
		start, end = row.Field(h.index[colOrigH])
		if f.Src, ok = d.addresses.Parse(text[start:end]); !ok {
			return false
		}
		start, end = row.Field(h.index[colRespH])
		if f.Dst, ok = d.addresses.Parse(text[start:end]); !ok {
			return false
		}
	}

	known := features.FieldStart | features.FieldDuration | features.FieldAddrs | features.FieldProto
	missing := ^(v.Known | v.Unset)
	if p.ports {
		src, dst := v.Numbers[numSrcPort], v.Numbers[numDstPort]
		if src|dst > math.MaxUint16 || missing&bothPorts != 0 {
			return false
		}
		f.SrcPort, f.DstPort = uint16(src), uint16(dst)
		known |= features.Field(v.Known>>numSrcPort&3) * features.FieldSrcPort
	} else if p.class == features.ProtoICMP {
		typ, code := v.Numbers[numSrcPort], v.Numbers[numDstPort]
		if missing&bothPorts != 0 {
			return false
		}
		if v.Known&bothPorts == bothPorts && typ <= math.MaxUint8 && code <= math.MaxUint8 {
			f.ICMPType, f.ICMPCode = uint8(typ), uint8(code)
			known |= features.FieldICMP
		}
	}
	if missing&allCounts != 0 {
		return false
	}
	f.FwdPkts, f.RevPkts = v.Numbers[numFwdPkts], v.Numbers[numRevPkts]
	f.FwdBytes, f.RevBytes = v.Numbers[numFwdBytes], v.Numbers[numRevBytes]
	f.FwdPayload, f.RevPayload = v.Numbers[numFwdPayload], v.Numbers[numRevPayload]
	f.MissedBytes = v.Numbers[numMissed]
	known |= features.Field(v.Known&allCounts) * features.FieldFwdPkts

	// A duration is up to eight digits, a point, six digits; or not set, of a single packet.
	start, end = row.Field(h.index[colDuration])
	const parts = 1<<numSeconds | 1<<numMicros
	if v.Known&parts == parts && text[end-7] == '.' {
		us := int64(v.Numbers[numSeconds]*1e6 + v.Numbers[numMicros])
		if f.Duration = us * 1000; f.Start > math.MaxInt64-f.Duration {
			return false
		}
	} else if end-start != 1 || text[start] != b.unset {
		return false
	}
	f.Known = known
	return true
}

// bulkTexts reads the other columns.
func (q *quick) bulkTexts(f *features.Flow, text []byte, row *rowscan.Row, h *header, d *deriver) bool {
	b := q.bulk
	unset := word{uint64(b.unset), 1}
	if i := h.index[colService]; i >= 0 {
		start, end := row.Field(i)
		if w, ok := short(text, start, end); ok {
			a := &q.apps[w.hash()>>57]
			if a.word != w {
				if w == unset {
					*a = appMeaning{word: w}
				} else if !a.learn(w, text[start:end], h.empty, d) {
					return false
				}
			}
			f.App, f.AppName = a.app, a.name
		} else if end < 8 || marked(text[start:end], h.empty) { // what is unset is told by a word, which the first bytes of a text are none of
			return false
		} else {
			f.App, f.AppName = d.names.Apps(text[start:end])
		}
	}
	if i := h.index[colState]; i >= 0 {
		start, end := row.Field(i)
		w, ok := short(text, start, end)
		if !ok {
			return false
		}
		s := &q.states[w.hash()>>59]
		if s.word != w {
			if w == unset {
				*s = stateMeaning{word: w}
			} else if !s.learn(w, text[start:end], h.empty) {
				return false
			}
		}
		f.State = s.other
		if f.Proto == features.ProtoTCP {
			f.State = s.tcp
		}
	}
	if i := h.index[colHistory]; i >= 0 {
		start, end := row.Field(i)
		if end-start == 1 && text[start] == b.unset {
			// There is none.
		} else if n := end - start; n > 16 || n < 1 || end < 16 {
			if marked(text[start:end], h.empty) {
				return false
			}
			setHistory(f, text[start:end], flagsOf(text[start:end]))
		} else {
			low, high := binary.LittleEndian.Uint64(text[end-16:]), binary.LittleEndian.Uint64(text[end-8:])
			low >>= uint(min(128-8*n, 64))
			high >>= uint(max(64-8*n, 0))
			m := &b.histories[(high*0x9e3779b97f4a7c15^low*0xbf58476d1ce4e5b9)>>56]
			if m.low != low || m.high != high || m.size != n {
				if marked(text[start:end], h.empty) {
					return false
				}
				*m = longHistory{low, high, n, flagsOf(text[start:end])}
			}
			setHistory(f, text[start:end], m.flags)
		}
	}
	if !b.locals(f, text, row, h) {
		return false
	}
	b.names(f, text, row, h, d)
	return true
}

// locals reads which ends are local.
func (b *bulk) locals(f *features.Flow, text []byte, row *rowscan.Row, h *header) bool {
	if i := h.index[colLocalOrig]; i >= 0 {
		start, end := row.Field(i)
		says := b.local[text[start]]
		if end-start != 1 || says&localBad != 0 {
			return false
		}
		f.Known |= features.Field(says&localKnown) * features.FieldLocalSrc
		f.LocalSrc = says&localYes != 0
	}
	if i := h.index[colLocalResp]; i >= 0 {
		start, end := row.Field(i)
		says := b.local[text[start]]
		if end-start != 1 || says&localBad != 0 {
			return false
		}
		f.Known |= features.Field(says&localKnown) * features.FieldLocalDst
		f.LocalDst = says&localYes != 0
	}
	return true
}

// names reads what is never a fault: VLAN tags, names and labels.
func (b *bulk) names(f *features.Flow, text []byte, row *rowscan.Row, h *header, d *deriver) {
	for _, i := range h.index[colVLAN : colInnerVLAN+1] {
		if i >= 0 {
			start, end := row.Field(i)
			tag(f, text[start:end])
		}
	}
	if i := h.index[colUID]; i >= 0 {
		start, end := row.Field(i)
		if end-start != 1 || text[start] != b.unset {
			if f.UID = text[start:end]; len(f.UID) == len(h.empty) && marked(f.UID, h.empty) {
				f.UID = f.UID[:0]
			}
		}
	}
	if h.index[colLabel] >= 0 {
		c := b.cell(text, row, h, colLabel)
		d.label(f, &c)
	}
	if h.index[colKind] >= 0 {
		if c := b.cell(text, row, h, colKind); c.kind != kindUnset {
			f.Kind = c.text
		}
	}
}

// cell is the text of a column as the long way has it.
func (b *bulk) cell(text []byte, row *rowscan.Row, h *header, column column) cell {
	start, end := row.Field(h.index[column])
	c := cell{text[start:end], kindText}
	switch {
	case end-start == 1 && text[start] == b.unset:
		c.kind = kindUnset
	case marked(c.text, h.empty):
		c.text = c.text[:0]
	}
	return c
}

package zeek

import (
	"math"
	"math/bits"

	"threatdetect/features"
	"threatdetect/internal/decimal"
	"threatdetect/internal/jsonscan"
)

// The columns without which a record is no flow, and those whose values are text in a usual record.
const (
	requiredColumns = 1<<colTS | 1<<colOrigH | 1<<colRespH | 1<<colProto | 1<<colState
	textColumns     = 1<<colOrigH | 1<<colRespH | 1<<colProto | 1<<colService | 1<<colState | 1<<colHistory | 1<<colUID | 1<<colKind
	numberColumns   = 1<<colTS | 1<<colOrigP | 1<<colRespP | 1<<colDuration | 1<<colOrigBytes | 1<<colRespBytes | 1<<colMissed | 1<<colOrigPkts | 1<<colOrigIPBytes |
		1<<colRespPkts | 1<<colRespIPBytes
	tagColumns = 1<<colVLAN | 1<<colInnerVLAN
)

// object makes f, which is empty, of a JSON record of which a cursor has read the spans, or reports that the long way has to. It is row for the
// other writer.
func (q *quick) object(f *features.Flow, b []byte, s *jsonscan.Spans, d *deriver) bool {
	if s.Seen&requiredColumns != requiredColumns || s.Strings&textColumns != s.Seen&textColumns || s.Numbers&numberColumns != s.Seen&numberColumns {
		return false
	}
	span := &s.Values[colProto]
	w, ok := short(b, int(span.Start), int(span.End))
	if !ok {
		return false
	}
	p := &q.protos[w.hash()>>59]
	if p.word != w && !p.learn(w, b[span.Start:span.End], nil, d) {
		return false
	}
	f.Proto, f.ProtoName = p.class, p.name
	known := features.FieldStart | features.FieldAddrs | features.FieldProto
	span = &s.Values[colTS]
	us, ok := decimal.Fixed(b[span.Start:span.End], 6)
	if !ok || us > math.MaxInt64/1000 || us < math.MinInt64/1000 { // milliseconds are more, too
		return false
	}
	f.Start = us * 1000
	span = &s.Values[colOrigH]
	if f.Src, ok = d.addresses.Parse(b[span.Start:span.End]); !ok {
		return false
	}
	span = &s.Values[colRespH]
	if f.Dst, ok = d.addresses.Parse(b[span.Start:span.End]); !ok {
		return false
	}
	const ends = 1<<colOrigP | 1<<colRespP
	if p.ports || p.class == features.ProtoICMP && s.Seen&ends == ends {
		orig, ok1 := number(b, s, colOrigP)
		resp, ok2 := number(b, s, colRespP)
		switch {
		case !ok1 || !ok2 || orig|resp > math.MaxUint16:
			return false
		case p.ports:
			f.SrcPort, f.DstPort = uint16(orig), uint16(resp)
			known |= features.FieldSrcPort * features.Field(s.Seen>>colOrigP&1)
			known |= features.FieldDstPort * features.Field(s.Seen>>colRespP&1)
		case orig|resp <= math.MaxUint8:
			f.ICMPType, f.ICMPCode = uint8(orig), uint8(resp)
			known |= features.FieldICMP
		}
	}
	if s.Seen>>colService&1 != 0 {
		span = &s.Values[colService]
		if w, ok = short(b, int(span.Start), int(span.End)); !ok {
			f.App, f.AppName = d.names.Apps(b[span.Start:span.End])
		} else {
			a := &q.apps[w.hash()>>57]
			if a.word != w && !a.learn(w, b[span.Start:span.End], nil, d) {
				return false
			}
			f.App, f.AppName = a.app, a.name
		}
	}
	for i := range q.counts {
		c := &q.counts[i]
		v, ok := number(b, s, column(c.field))
		if !ok {
			return false
		}
		*c.to = v
		known |= c.known * features.Field(s.Seen>>c.field&1)
	}
	if s.Seen>>colDuration&1 != 0 {
		span = &s.Values[colDuration]
		us, ok := decimal.Fixed(b[span.Start:span.End], 6)
		if !ok || us < 0 || us > math.MaxInt64/1000 || f.Start > math.MaxInt64-us*1000 {
			return false
		}
		f.Duration = us * 1000
	}
	f.Known = known | features.FieldDuration
	return q.members(f, b, s)
}

// members reads how the connection went, which ends are local, and names.
func (q *quick) members(f *features.Flow, b []byte, s *jsonscan.Spans) bool {
	span := &s.Values[colState]
	w, ok := short(b, int(span.Start), int(span.End))
	if !ok {
		return false
	}
	state := &q.states[w.hash()>>59]
	if state.word != w && !state.learn(w, b[span.Start:span.End], nil) {
		return false
	}
	if f.State = state.other; f.Proto == features.ProtoTCP {
		f.State = state.tcp
	}
	if s.Seen>>colHistory&1 != 0 {
		span = &s.Values[colHistory]
		text := b[span.Start:span.End]
		if w, ok = short(b, int(span.Start), int(span.End)); !ok {
			setHistory(f, text, flagsOf(text))
		} else {
			m := &q.histories[w.hash()>>56]
			if m.word != w {
				*m = historyMeaning{w, flagsOf(text)}
			}
			setHistory(f, text, m.flags)
		}
	}
	for c := colLocalOrig; c <= colLocalResp; c++ {
		if s.Seen>>c&1 == 0 {
			continue
		}
		kind := s.Values[c].Kind
		switch {
		case kind != jsonscan.True && kind != jsonscan.False:
			return false
		case c == colLocalOrig:
			f.LocalSrc = kind == jsonscan.True
			f.Known |= features.FieldLocalSrc
		default:
			f.LocalDst = kind == jsonscan.True
			f.Known |= features.FieldLocalDst
		}
	}
	for tags := s.Seen & tagColumns; tags != 0; tags &= tags - 1 {
		c := column(bits.TrailingZeros32(tags))
		if _, ok := number(b, s, c); !ok || s.Numbers>>c&1 == 0 {
			return false
		}
		f.VLANTags++
		f.Known |= features.FieldVLAN
	}
	if s.Seen>>colUID&1 != 0 {
		f.UID = b[s.Values[colUID].Start:s.Values[colUID].End]
	}
	if s.Seen>>colKind&1 != 0 {
		f.Kind = b[s.Values[colKind].Start:s.Values[colKind].End]
	}
	return s.Seen>>colLabel&1 == 0
}

// number reads a count, which is 0 where there is none.
func number(b []byte, s *jsonscan.Spans, c column) (v uint64, ok bool) {
	if s.Seen>>c&1 == 0 {
		return 0, true
	}
	span := &s.Values[c%jsonscan.MaxSpans]
	return decimal.CountAt(b, int(span.Start), int(span.End))
}

package netflow

import (
	"crypto/sha256"
	"math"

	"threatdetect/features"
	"threatdetect/internal/celllog"
	"threatdetect/internal/datetime"
	"threatdetect/internal/decimal"
	"threatdetect/internal/pairing"
)

// record pairs the record in r.values, or finds the first fault in it.
func (r *reader) record() (celllog.Fault, bool) {
	if fault := r.build(); fault != celllog.Sound {
		return fault, true
	}
	outPkts, known, ok := r.count(colOutPkts)
	if !ok {
		return celllog.Fault{Column: colOutPkts, Reason: features.ReasonNumber}, true
	}
	outBytes, known2, ok := r.count(colOutBytes)
	if !ok {
		return celllog.Fault{Column: colOutBytes, Reason: features.ReasonNumber}, true
	}
	rec := &r.rec
	if r.timeless() {
		return celllog.Sound, r.single()
	}
	rec.Both = outPkts > 0 || outBytes > 0
	more := r.pairer.Add(rec)
	if !rec.Both || !more {
		return celllog.Sound, more
	}
	rec.Both, rec.Half = false, true
	rec.Src, rec.Dst = rec.Dst, rec.Src
	rec.SrcPort, rec.DstPort = rec.DstPort, rec.SrcPort
	rec.HasSrcPort, rec.HasDstPort = rec.HasDstPort, rec.HasSrcPort
	rec.Pkts, rec.HasPkts, rec.Bytes, rec.HasBytes = outPkts, known, outBytes, known2
	rec.Flags, rec.FlagsKnown = 0, 0
	return celllog.Sound, r.pairer.Add(rec)
}

// required are the columns without which a record is no flow.
var required = [...]int{colStart, colSrc, colDst, colProto}

// build makes r.rec of the record, without its way back, or finds the first fault in it.
func (r *reader) build() celllog.Fault {
	fault := func(column int, reason features.Reason) celllog.Fault {
		return celllog.Fault{Column: column, Reason: reason}
	}
	rec := &r.rec
	*rec = pairing.Record{}
	for _, c := range required {
		if r.values[c].text == nil && !(c == colStart && r.values[c].kind != kindCell) {
			return fault(c, features.ReasonMissing)
		}
	}
	if r.values[colProto].kind == kindOther {
		return fault(colProto, features.ReasonNumber)
	}
	ports, ok := celllog.Protocol(&r.flow, r.values[colProto].text, &r.names)
	if !ok {
		return fault(colProto, features.ReasonNumber)
	}
	rec.Proto, rec.ProtoName, rec.HasProto = r.flow.Proto, r.flow.ProtoName, true
	if bad := r.times(); bad != celllog.Sound {
		return bad
	}
	if rec.Src, ok = celllog.Addr(r.values[colSrc].text); !ok {
		return fault(colSrc, features.ReasonAddress)
	}
	if rec.Dst, ok = celllog.Addr(r.values[colDst].text); !ok {
		return fault(colDst, features.ReasonAddress)
	}
	if ports {
		if rec.SrcPort, rec.HasSrcPort, ok = r.port(colSrcPort); !ok {
			return fault(colSrcPort, features.ReasonNumber)
		}
		if rec.DstPort, rec.HasDstPort, ok = r.port(colDstPort); !ok {
			return fault(colDstPort, features.ReasonNumber)
		}
	}
	if rec.Proto == features.ProtoTCP {
		if rec.Flags, rec.FlagsKnown, ok = r.flags(); !ok {
			return fault(colFlags, features.ReasonNumber)
		}
	}
	if rec.Pkts, rec.HasPkts, ok = r.count(colInPkts); !ok {
		return fault(colInPkts, features.ReasonNumber)
	}
	if rec.Bytes, rec.HasBytes, ok = r.count(colInBytes); !ok {
		return fault(colInBytes, features.ReasonNumber)
	}
	rec.Scope = r.scope()
	r.layers()
	return r.sampling()
}

// times reads start and end. A record without an end says nothing about its duration.
func (r *reader) times() celllog.Fault {
	rec := &r.rec
	if r.timeless() {
		return celllog.Sound
	}
	var ok bool
	if rec.Start, ok = r.time(colStart); !ok {
		return celllog.Fault{Column: colStart, Reason: features.ReasonTime}
	}
	rec.End = rec.Start
	switch {
	case r.values[colDuration].text != nil:
		d, ok := r.duration()
		if !ok || d < 0 {
			return celllog.Fault{Column: colDuration, Reason: features.ReasonNumber}
		}
		if rec.Start > math.MaxInt64-d {
			return celllog.Fault{Column: colDuration, Reason: features.ReasonTime}
		}
		rec.End = rec.Start + d
		if r.values[colEnd].text != nil { // which is checked though it is in whole seconds, so that the duration tells the end
			if _, ok := r.time(colEnd); !ok {
				return celllog.Fault{Column: colEnd, Reason: features.ReasonTime}
			}
		}
	case r.values[colEnd].text != nil:
		if rec.End, ok = r.time(colEnd); !ok || rec.End < rec.Start || rec.End-rec.Start < 0 {
			return celllog.Fault{Column: colEnd, Reason: features.ReasonTime}
		}
	default:
		rec.NoElapsed = true
	}
	return celllog.Sound
}

// timeless reports whether the record has no time at all, which pmacct's aggregates may lack.
func (r *reader) timeless() bool { return r.values[colStart].text == nil }

// time reads a date and time, or where it is JSON also a number.
func (r *reader) time(column int) (ns int64, ok bool) {
	v := r.values[column]
	if ns, ok = datetime.Parse(v.text); ok && v.kind != kindNumber {
		return ns, true
	}
	if v.kind == kindCell || v.kind == kindOther {
		return 0, false
	}
	return decimal.Fixed(v.text, int(r.units[column]))
}

func (r *reader) duration() (ns int64, ok bool) {
	v := r.values[colDuration]
	places := 9
	if v.kind != kindCell {
		places = int(r.units[colDuration])
	}
	if v.kind == kindOther {
		return 0, false
	}
	return decimal.Fixed(v.text, places)
}

func (r *reader) count(column int) (n uint64, known, ok bool) {
	v := r.values[column]
	if v.text == nil {
		return 0, false, true
	}
	if v.kind == kindOther {
		return 0, false, false
	}
	n, ok = decimal.Count(v.text)
	return n, true, ok
}

func (r *reader) port(column int) (port uint16, known, ok bool) {
	n, known, ok := r.count(column)
	return uint16(n), known, ok && n <= math.MaxUint16
}

// flagLetters are the places of the letters in nfdump's text; a dot is a flag that was not seen.
const flagLetters = "CEUAPRSF"

// flags reads the flags: "...AP.SF", of JSON also a number or a list of names. All six are known then.
func (r *reader) flags() (set, known features.TCPFlags, ok bool) {
	v := r.values[colFlags]
	if v.text == nil {
		return 0, 0, true
	}
	if v.kind == kindOther {
		set, ok = r.flagNames(v.text)
		return set, features.AllFlags, ok
	}
	if v.kind != kindCell {
		if n, ok := decimal.Count(v.text); ok {
			return features.TCPFlags(n), features.AllFlags, true
		}
	}
	letters := flagLetters
	switch len(v.text) {
	case 8:
	case 6:
		letters = flagLetters[2:]
	default:
		return 0, 0, false
	}
	for i, c := range v.text {
		switch c {
		case letters[i]:
			set |= 1 << (len(letters) - 1 - i)
		case '.':
		default:
			return 0, 0, false
		}
	}
	return set, features.AllFlags, true
}

// scope is the name of the exporter. It is kept for as long as a flow is open, so a long one is made short.
func (r *reader) scope() string {
	text := r.values[colExporter].text
	if len(text) > 128 {
		sum := sha256.Sum256(text)
		text = append(text[:64:64], sum[:]...)
	}
	return r.names.String(text)
}

// sampling makes what sFlow saw, a packet now and then, what there was.
func (r *reader) sampling() celllog.Fault {
	rate, _, ok := r.count(colSamplingRate)
	if !ok {
		return celllog.Fault{Column: colSamplingRate, Reason: features.ReasonNumber}
	}
	rec := &r.rec
	if rate > 1 {
		rec.SamplingRate = uint32(min(rate, math.MaxUint32))
	}
	if r.isPacket() {
		rec.NoElapsed = true
		if rate > 1 {
			rec.Pkts, rec.Bytes = times(rec.Pkts, rate), times(rec.Bytes, rate)
		}
	}
	return celllog.Sound
}

// isPacket reports whether the record is of a packet that sFlow took.
func (r *reader) isPacket() bool {
	text := r.values[colType].text
	return len(text) >= len("SFLOW") && string(text[:len("SFLOW")]) == "SFLOW"
}

// moreFragments is the flag of IP in ip_flags that says so.
const moreFragments = 1

// layers notes what the record says of the VLAN and of fragments. Exporters write 0 also for what they were not told, so that it says nothing but
// of a packet. No value is a fault.
func (r *reader) layers() {
	rec, packet := &r.rec, r.isPacket()
	vlan, known := r.told(colVLAN)
	srcVLAN, _ := r.told(colSrcVLAN)
	if vlan > 0 || srcVLAN > 0 {
		rec.VLANTags, rec.HasVLAN = 1, true
	} else {
		rec.HasVLAN = packet && known
	}
	offset, _ := r.told(colFragmentOffset)
	flags, known := r.told(colIPFlags)
	rec.Fragmented = offset > 0 || flags&moreFragments != 0
	rec.HasFragmented = rec.Fragmented || flags > 0 || packet && known
}

// told is a number that may be missing, or be none.
func (r *reader) told(column int) (n uint64, known bool) {
	n, known, ok := r.count(column)
	if !ok {
		return 0, false
	}
	return n, known
}

// times is a * b, or as large as can be.
func times(a, b uint64) uint64 {
	if a > 0 && b > math.MaxUint64/a {
		return math.MaxUint64
	}
	return a * b
}

// single yields the record as a flow of its own.
func (r *reader) single() bool {
	rec := &r.rec
	r.flow = features.Flow{Src: rec.Src, Dst: rec.Dst, SrcPort: rec.SrcPort, DstPort: rec.DstPort, Proto: rec.Proto, ProtoName: rec.ProtoName,
		FwdPkts: rec.Pkts, FwdBytes: rec.Bytes, FwdFlags: rec.Flags, FwdFlagsKnown: rec.FlagsKnown, SamplingRate: rec.SamplingRate,
		VLANTags: rec.VLANTags, Fragmented: rec.Fragmented,
		Known: features.FieldAddrs | features.FieldProto}
	for _, f := range [...]struct {
		known bool
		field features.Field
	}{{rec.HasSrcPort, features.FieldSrcPort}, {rec.HasDstPort, features.FieldDstPort}, {rec.HasPkts, features.FieldFwdPkts}, {rec.HasBytes, features.FieldFwdBytes},
		{rec.HasVLAN, features.FieldVLAN}, {rec.HasFragmented, features.FieldFragmented}} {
		if f.known {
			r.flow.Known |= f.field
		}
	}
	r.flow.State = features.StateFromFlags(&r.flow)
	return r.yield(&r.flow, nil)
}

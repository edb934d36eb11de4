package zeek

import (
	"math"

	"threatdetect/features"
	"threatdetect/internal/decimal"
)

// fault is what is wrong with a record.
type fault struct {
	column column // noColumn if it is the whole record
	reason features.Reason
}

var sound = fault{column: noColumn}

// build makes a flow of a record, or finds the first fault of it.
func (d *deriver) build(f *features.Flow, r *record) fault {
	for _, c := range required {
		if r.cells[c].kind == kindUnset {
			return fault{c, features.ReasonMissing}
		}
	}
	ports, ok := d.proto(f, &r.cells[colProto])
	if !ok {
		return fault{colProto, features.ReasonNumber}
	}
	if f.Start, ok = timestamp(&r.cells[colTS]); !ok {
		return fault{colTS, features.ReasonTime}
	}
	f.Known |= features.FieldStart | features.FieldAddrs | features.FieldProto
	if bad := d.endpoints(f, r, ports); bad != sound {
		return bad
	}
	if bad := d.service(f, &r.cells[colService]); bad != sound {
		return bad
	}
	if bad := duration(f, r); bad != sound {
		return bad
	}
	if bad := counts(f, r, colOrigBytes, colRespBytes); bad != sound {
		return bad
	}
	if bad := state(f, &r.cells[colState]); bad != sound {
		return bad
	}
	if bad := local(f, r); bad != sound {
		return bad
	}
	if bad := counts(f, r, colMissed, colMissed); bad != sound {
		return bad
	}
	if bad := history(f, &r.cells[colHistory]); bad != sound {
		return bad
	}
	if bad := counts(f, r, colOrigPkts, colRespIPBytes); bad != sound {
		return bad
	}
	tags(f, r)
	if c := &r.cells[colUID]; c.kind == kindText || c.kind == kindString {
		f.UID = c.text
	}
	d.label(f, &r.cells[colLabel])
	if k := &r.cells[colKind]; k.kind == kindText || k.kind == kindString {
		f.Kind = k.text
	}
	return sound
}

// endpoints reads the addresses, and the ports if the protocol has any. For ICMP Zeek writes the type and the code
// as ports; they are no part of the check.
func (d *deriver) endpoints(f *features.Flow, r *record, ports bool) fault {
	var ok bool
	if f.Src, ok = d.address(&r.cells[colOrigH]); !ok {
		return addressFault(r, colOrigH)
	}
	if ports {
		if f.SrcPort, ok = port(f, &r.cells[colOrigP], features.FieldSrcPort); !ok {
			return fault{colOrigP, features.ReasonNumber}
		}
	}
	if f.Dst, ok = d.address(&r.cells[colRespH]); !ok {
		return addressFault(r, colRespH)
	}
	if ports {
		if f.DstPort, ok = port(f, &r.cells[colRespP], features.FieldDstPort); !ok {
			return fault{colRespP, features.ReasonNumber}
		}
	} else if f.Proto == features.ProtoICMP {
		icmp(f, &r.cells[colOrigP], &r.cells[colRespP])
	}
	return sound
}

func addressFault(r *record, c column) fault {
	if r.cells[c].isText() {
		return fault{c, features.ReasonAddress}
	}
	return fault{c, features.ReasonNumber} // a number, or worse, where text belongs
}

func icmp(f *features.Flow, typ, code *cell) {
	t, ok := typ.count()
	c, ok2 := code.count()
	if ok && ok2 && t <= math.MaxUint8 && c <= math.MaxUint8 {
		f.ICMPType, f.ICMPCode = uint8(t), uint8(c)
		f.Known |= features.FieldICMP
	}
}

func port(f *features.Flow, c *cell, field features.Field) (uint16, bool) {
	if c.kind == kindUnset {
		return 0, true
	}
	v, ok := c.count()
	if !ok || v > math.MaxUint16 {
		return 0, false
	}
	f.Known |= field
	return uint16(v), true
}

// duration reads the interval, which Zeek leaves unset for a single packet: that one lasts no time.
func duration(f *features.Flow, r *record) fault {
	switch c := &r.cells[colDuration]; c.kind {
	case kindUnset:
		if r.noDuration {
			return sound
		}
	case kindText, kindNumber:
		us, ok := decimal.Fixed(c.text, 6)
		if !ok || us < 0 || us > math.MaxInt64/1000 {
			return fault{colDuration, features.ReasonNumber}
		}
		f.Duration = us * 1000
	default:
		return fault{colDuration, features.ReasonNumber}
	}
	f.Known |= features.FieldDuration
	if f.Start > math.MaxInt64-f.Duration {
		return fault{colDuration, features.ReasonTime}
	}
	return sound
}

// counts reads the columns from first to last, which are counts.
func counts(f *features.Flow, r *record, first, last column) fault {
	for c := first; c <= last; c++ {
		if r.cells[c].kind == kindUnset {
			continue
		}
		v, ok := r.cells[c].count()
		if !ok {
			return fault{c, features.ReasonNumber}
		}
		switch c {
		case colOrigBytes:
			f.FwdPayload = v
			f.Known |= features.FieldFwdPayload
		case colRespBytes:
			f.RevPayload = v
			f.Known |= features.FieldRevPayload
		case colMissed:
			f.MissedBytes = v
			f.Known |= features.FieldMissedBytes
		case colOrigPkts:
			f.FwdPkts = v
			f.Known |= features.FieldFwdPkts
		case colOrigIPBytes:
			f.FwdBytes = v
			f.Known |= features.FieldFwdBytes
		case colRespPkts:
			f.RevPkts = v
			f.Known |= features.FieldRevPkts
		case colRespIPBytes:
			f.RevBytes = v
			f.Known |= features.FieldRevBytes
		}
	}
	return sound
}

func local(f *features.Flow, r *record) fault {
	for c := colLocalOrig; c <= colLocalResp; c++ {
		cell := &r.cells[c]
		if cell.kind == kindUnset {
			continue
		}
		v, ok := cell.bool()
		if !ok {
			return fault{c, features.ReasonNumber}
		}
		if c == colLocalOrig {
			f.LocalSrc = v
			f.Known |= features.FieldLocalSrc
		} else {
			f.LocalDst = v
			f.Known |= features.FieldLocalDst
		}
	}
	return sound
}

// tags counts the VLAN tags. A log that names none may be one that names them never. No value is a fault: others write that name, too.
func tags(f *features.Flow, r *record) {
	for c := colVLAN; c <= colInnerVLAN; c++ {
		if _, ok := r.cells[c].count(); ok {
			f.VLANTags++
			f.Known |= features.FieldVLAN
		}
	}
}

// tag counts the VLAN tag that a field of a TSV log names, unless it does not.
func tag(f *features.Flow, text []byte) {
	if _, ok := decimal.Count(text); ok {
		f.VLANTags++
		f.Known |= features.FieldVLAN
	}
}

// state maps conn_state.
func state(f *features.Flow, c *cell) fault {
	if c.kind == kindUnset {
		return sound
	}
	if !c.isText() {
		return fault{colState, features.ReasonNumber}
	}
	f.State = stateOf(c.text, f.Proto == features.ProtoTCP)
	return sound
}

// stateOf is the meaning of conn_state, which says less where there are no connections.
func stateOf(text []byte, tcp bool) features.State {
	if !tcp {
		switch string(text) {
		case "S0":
			return features.StateRequestOnly
		case "SF":
			return features.StateRequestReply
		}
		return features.StateUnknown
	}
	switch string(text) {
	case "S0", "SH":
		return features.StateAttempt
	case "REJ":
		return features.StateRejected
	case "S1":
		return features.StateEstablished
	case "SF":
		return features.StateClosed
	case "S2", "S3":
		return features.StateHalfClosed
	case "RSTO", "RSTOS0":
		return features.StateResetOrig
	case "RSTR", "RSTRH":
		return features.StateResetResp
	case "SHR", "OTH":
		return features.StateMidstream
	}
	return features.StateUnknown
}

// historyFlags holds for each letter the TCP flags that it stands for, the originator's in the lower byte. A letter
// h is SYN and ACK, q is SYN with FIN or RST; pushes and urgent data leave no trace.
var historyFlags = func() (t [256]uint16) {
	for letter, flags := range map[byte]features.TCPFlags{
		'S': features.SYN, 'H': features.SYN | features.ACK, 'Q': features.SYN, 'F': features.FIN, 'R': features.RST, 'A': features.ACK,
	} {
		t[letter] = uint16(flags)
		t[letter+'a'-'A'] = uint16(flags) << 8
	}
	return t
}()

func history(f *features.Flow, c *cell) fault {
	if c.kind == kindUnset {
		return sound
	}
	if !c.isText() {
		return fault{colHistory, features.ReasonNumber}
	}
	setHistory(f, c.text, flagsOf(c.text))
	return sound
}

// flagsOf is the TCP flags of a history, the originator's in the lower byte.
func flagsOf(history []byte) (flags uint16) {
	for _, letter := range history {
		flags |= historyFlags[letter]
	}
	return flags
}

func setHistory(f *features.Flow, text []byte, flags uint16) {
	f.History = text
	f.Known |= features.FieldHistory
	if f.Proto != features.ProtoTCP {
		return
	}
	const known = features.SYN | features.FIN | features.RST | features.ACK
	f.FwdFlags, f.RevFlags = features.TCPFlags(flags), features.TCPFlags(flags>>8)
	f.FwdFlagsKnown, f.RevFlagsKnown = known, known
}

func (c *cell) isText() bool { return c.kind == kindText || c.kind == kindString }

func (c *cell) count() (uint64, bool) {
	if c.kind != kindText && c.kind != kindNumber {
		return 0, false
	}
	return decimal.Count(c.text)
}

func (c *cell) bool() (value, ok bool) {
	switch c.kind {
	case kindTrue, kindFalse:
		return c.kind == kindTrue, true
	case kindText:
		if len(c.text) == 1 && (c.text[0] == 'T' || c.text[0] == 'F') {
			return c.text[0] == 'T', true
		}
	}
	return false, false
}

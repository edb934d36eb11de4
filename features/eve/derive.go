package eve

import (
	"math"

	"threatdetect/features"
	"threatdetect/internal/datetime"
	"threatdetect/internal/decimal"
	"threatdetect/internal/jsonscan"
	"threatdetect/internal/naming"
)

// fault is what is wrong with an event.
type fault struct {
	column column // noColumn if it is the whole event
	reason features.Reason
}

var sound = fault{column: noColumn}

// build makes a flow of an event, or finds the first fault of it.
func (r *reader) build(f *features.Flow) fault {
	c := &r.cells
	if c.spans.Seen&requiredColumns != requiredColumns {
		for _, col := range required {
			if !c.has(col) && (col != colStart || c.isObject(colFlow)) {
				return fault{col, features.ReasonMissing}
			}
		}
	}
	if !c.isText(colProto) {
		return fault{colProto, features.ReasonNumber}
	}
	var ports, ok bool
	if f.Proto, f.ProtoName, ports, ok = r.names.Proto(c.value(colProto)); !ok {
		return fault{colProto, features.ReasonNumber}
	}
	f.Known = features.FieldStart | features.FieldAddrs | features.FieldProto
	if bad := c.endpoints(f, ports); bad != sound {
		return bad
	}
	switch c.kind(colApp) {
	case jsonscan.Null:
	case jsonscan.String:
		f.App, f.AppName = r.names.Apps(c.value(colApp))
	default:
		return fault{colApp, features.ReasonNumber}
	}
	tags, ok := c.tags()
	if !ok {
		return fault{colVLAN, features.ReasonNumber}
	}
	f.VLANTags = uint8(min(tags, math.MaxUint8))
	f.Known |= features.FieldVLAN
	if !c.isObject(colFlow) {
		return fault{colFlow, features.ReasonNumber}
	}
	if bad := c.counts(f, tags); bad != sound {
		return bad
	}
	if bad := c.times(f); bad != sound {
		return bad
	}
	if bad := c.flags(f); bad != sound {
		return bad
	}
	f.State = features.StateFromFlags(f)
	if k := c.kind(colFlowID); k == jsonscan.Number || k == jsonscan.String {
		f.UID = c.value(colFlowID)
	}
	r.label(f)
	return sound
}

func (c *cells) isObject(col column) bool {
	return c.kind(col) == jsonscan.Nested && c.value(col)[0] == '{'
}

// endpoints reads the addresses, and the ports if the protocol has any.
func (c *cells) endpoints(f *features.Flow, ports bool) fault {
	for col := colSrcIP; col <= colDestIP; col += colDestIP - colSrcIP {
		if !c.isText(col) {
			return fault{col, features.ReasonNumber}
		}
		addr, ok := c.addresses.Parse(c.value(col))
		if !ok {
			return fault{col, features.ReasonAddress}
		}
		port := uint64(0)
		known := ports && c.has(col+1)
		if known {
			if port, ok = c.count(col + 1); !ok || port > math.MaxUint16 {
				return fault{col + 1, features.ReasonNumber}
			}
		}
		if col == colSrcIP {
			if f.Src = addr; known {
				f.SrcPort = uint16(port)
				f.Known |= features.FieldSrcPort
			}
			continue
		}
		if f.Dst = addr; known {
			f.DstPort = uint16(port)
			f.Known |= features.FieldDstPort
		}
	}
	if f.Proto == features.ProtoICMP {
		typ, ok := c.count(colICMPType)
		code, ok2 := c.count(colICMPCode)
		if ok && ok2 && typ <= math.MaxUint8 && code <= math.MaxUint8 {
			f.ICMPType, f.ICMPCode = uint8(typ), uint8(code)
			f.Known |= features.FieldICMP
		}
	}
	return sound
}

// tags is how many VLAN tags the frames of the flow had: the log lists them, or has one number.
func (c *cells) tags() (n int, ok bool) {
	switch c.kind(colVLAN) {
	case jsonscan.Null:
		return 0, true
	case jsonscan.Number:
		return 1, true
	case jsonscan.Nested:
		return jsonscan.Len(c.value(colVLAN))
	}
	return 0, false
}

// counts reads packets and bytes. Bytes of IP packets are known where both are.
func (c *cells) counts(f *features.Flow, tags int) fault {
	var n [4]uint64
	for i := range n {
		col := colPktsToServer + column(i)
		if !c.has(col) {
			continue
		}
		var ok bool
		if n[i], ok = c.count(col); !ok {
			return fault{col, features.ReasonNumber}
		}
	}
	v6 := f.Src.Is6()
	if c.has(colPktsToServer) {
		f.FwdPkts = n[0]
		f.Known |= features.FieldFwdPkts
		if c.has(colBytesToServer) {
			f.FwdBytes = features.IPBytes(n[2], n[0], tags, v6)
			f.Known |= features.FieldFwdBytes
			f.Estimated = true
		}
	}
	if c.has(colPktsToClient) {
		f.RevPkts = n[1]
		f.Known |= features.FieldRevPkts
		if c.has(colBytesToClient) {
			f.RevBytes = features.IPBytes(n[3], n[1], tags, v6)
			f.Known |= features.FieldRevBytes
			f.Estimated = true
		}
	}
	return sound
}

// times reads the start and, where there is one, the end.
func (c *cells) times(f *features.Flow) fault {
	var bad fault
	if f.Start, bad = c.time(colStart); bad != sound {
		return bad
	}
	if !c.has(colEnd) {
		return sound
	}
	end, bad := c.time(colEnd)
	if bad != sound {
		return bad
	}
	f.Duration = end - f.Start
	if end < f.Start || f.Duration < 0 { // it does not fit
		return fault{colEnd, features.ReasonTime}
	}
	f.Known |= features.FieldDuration
	return sound
}

func (c *cells) time(col column) (ns int64, bad fault) {
	if !c.isText(col) {
		return 0, fault{col, features.ReasonNumber}
	}
	ns, ok := c.clock.ISO(c.value(col), 9, datetime.Colonless)
	if !ok {
		return 0, fault{col, features.ReasonTime}
	}
	return ns, sound
}

// flags reads the TCP flags of both directions.
func (c *cells) flags(f *features.Flow) fault {
	if f.Proto != features.ProtoTCP || !c.has(colTCP) {
		return sound
	}
	if !c.isObject(colTCP) {
		return fault{colTCP, features.ReasonNumber}
	}
	for col := colFlagsToServer; col <= colFlagsToClient; col++ {
		if !c.has(col) {
			continue
		}
		flags, ok := hex(c.value(col))
		if !ok || !c.isText(col) {
			return fault{col, features.ReasonNumber}
		}
		if col == colFlagsToServer {
			f.FwdFlags, f.FwdFlagsKnown = flags, features.AllFlags
		} else {
			f.RevFlags, f.RevFlagsKnown = flags, features.AllFlags
		}
	}
	return sound
}

// hex reads one or two hexadecimal digits.
func hex(b []byte) (v features.TCPFlags, ok bool) {
	if len(b) < 1 || len(b) > 2 {
		return 0, false
	}
	for _, c := range b {
		switch {
		case c-'0' <= 9:
			c -= '0'
		case c|0x20 >= 'a' && c|0x20 <= 'f':
			c = c | 0x20 - 'a' + 10
		default:
			return 0, false
		}
		v = v<<4 | features.TCPFlags(c)
	}
	return v, true
}

func (c *cells) count(col column) (uint64, bool) {
	if c.kind(col) != jsonscan.Number {
		return 0, false
	}
	s := &c.spans.Values[col]
	return decimal.CountAt(c.text, int(s.Start), int(s.End))
}

// label reads the verdict of whoever labelled the log, or whether a rule raised an alarm. No value of it is a fault.
func (r *reader) label(f *features.Flow) {
	if !r.cells.has(colLabel) {
		return
	}
	text := r.cells.value(colLabel)
	switch r.cells.kind(colLabel) {
	case jsonscan.True:
		f.Label, text = features.Attack, textTrue
	case jsonscan.False:
		f.Label, text = features.Benign, textFalse
	case jsonscan.String:
		f.Label = naming.Label(text)
	case jsonscan.Number:
	default:
		return
	}
	if r.wantLabel {
		f.LabelText = text
	}
}

// A label that is true or false is written as training wants it.
var textTrue, textFalse = []byte("1"), []byte("0")

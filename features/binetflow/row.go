package binetflow

import (
	"bytes"
	"math"

	"threatdetect/features"
	"threatdetect/internal/celllog"
	"threatdetect/internal/datetime"
	"threatdetect/internal/decimal"
)

// get returns the cell of a column; nil if there is no such column or its value is missing.
func (r *reader) get(cells [][]byte, column int) []byte {
	text := r.schema.Get(cells, column)
	if celllog.Missing(text) {
		return nil
	}
	return text
}

// build makes a flow of the cells, or finds the first fault in them.
func (r *reader) build(f *features.Flow, cells [][]byte) celllog.Fault {
	fault := func(column int, reason features.Reason) celllog.Fault {
		return celllog.Fault{Column: column, Reason: reason}
	}
	proto, src, dst := r.get(cells, colProto), r.get(cells, colSrc), r.get(cells, colDst)
	if string(proto) == "man" || hardware(src) || hardware(dst) {
		return fault(celllog.NoColumn, features.ReasonOther)
	}
	for _, c := range required {
		if r.get(cells, c) == nil {
			return fault(c, features.ReasonMissing)
		}
	}
	ports, ok := celllog.Protocol(f, proto, &r.names)
	if !ok {
		return fault(colProto, features.ReasonNumber)
	}
	if f.Start, ok = timestamp(r.get(cells, colStart)); !ok {
		return fault(colStart, features.ReasonTime)
	}
	f.Known |= features.FieldStart | features.FieldAddrs
	if text := r.get(cells, colDur); text != nil {
		if f.Duration, ok = decimal.Fixed(text, 9); !ok || f.Duration < 0 {
			return fault(colDur, features.ReasonNumber)
		}
		if f.Start > math.MaxInt64-f.Duration {
			return fault(colDur, features.ReasonTime)
		}
		f.Known |= features.FieldDuration
	}
	if f.Src, ok = celllog.Addr(src); !ok {
		return fault(colSrc, features.ReasonAddress)
	}
	if f.SrcPort, ok = r.port(f, cells, colSport, features.FieldSrcPort, ports); !ok {
		return fault(colSport, features.ReasonNumber)
	}
	if f.Dst, ok = celllog.Addr(dst); !ok {
		return fault(colDst, features.ReasonAddress)
	}
	if f.DstPort, ok = r.port(f, cells, colDport, features.FieldDstPort, ports); !ok {
		return fault(colDport, features.ReasonNumber)
	}
	bytes, bad := r.traffic(f, cells)
	if bad != celllog.NoColumn {
		return fault(bad, features.ReasonNumber)
	}
	r.state(f, r.get(cells, colState), bytes)
	return celllog.Sound
}

// hardware reports whether b has the form of an Ethernet address.
func hardware(b []byte) bool {
	return len(b) == len("00:00:00:00:00:00") && bytes.Count(b, []byte(":")) == 5
}

func (r *reader) port(f *features.Flow, cells [][]byte, column int, field features.Field, ports bool) (uint16, bool) {
	text := r.get(cells, column)
	if text == nil || !ports {
		return 0, true
	}
	v, ok := celllog.PortOrHex(text)
	if ok {
		f.Known |= field
	}
	return v, ok
}

// count is a number that a record may lack.
type count struct {
	n     uint64
	known bool
}

// traffic fills in packets and bytes, and returns the bytes of the destination's frames.
func (r *reader) traffic(f *features.Flow, cells [][]byte) (dst count, bad int) {
	var values [colDstPkts + 1]count
	for c := colTotPkts; c <= colDstPkts; c++ {
		text := r.get(cells, c)
		if text == nil {
			continue
		}
		n, ok := decimal.Count(text)
		if !ok {
			return count{}, c
		}
		values[c] = count{n, true}
	}
	srcPkts, ok := values[colSrcPkts], true
	dstPkts := values[colDstPkts]
	if !dstPkts.known {
		if dstPkts, ok = rest(values[colTotPkts], srcPkts); !ok {
			return count{}, colSrcPkts
		}
	}
	srcBytes := values[colSrcBytes]
	dstBytes := values[colDstBytes]
	if !dstBytes.known {
		if dstBytes, ok = rest(values[colTotBytes], srcBytes); !ok {
			return count{}, colSrcBytes
		}
	}
	v6 := f.Src.Is6()
	f.Estimated = true
	if srcPkts.known {
		f.FwdPkts = srcPkts.n
		f.Known |= features.FieldFwdPkts
		if srcBytes.known {
			f.FwdBytes = features.IPBytes(srcBytes.n, srcPkts.n, 0, v6)
			f.Known |= features.FieldFwdBytes
		}
	}
	if dstPkts.known {
		f.RevPkts = dstPkts.n
		f.Known |= features.FieldRevPkts
		if dstBytes.known {
			f.RevBytes = features.IPBytes(dstBytes.n, dstPkts.n, 0, v6)
			f.Known |= features.FieldRevBytes
		}
	}
	return dstBytes, celllog.NoColumn
}

// rest is a total less a part, which is not larger.
func rest(total, part count) (count, bool) {
	if !total.known || !part.known {
		return count{}, true
	}
	return count{total.n - part.n, true}, part.n <= total.n
}

// state reads Argus's state: flags of both sides, or what became of the connection.
func (r *reader) state(f *features.Flow, text []byte, dstBytes count) {
	replied, known := f.RevPkts > 0, f.Has(features.FieldRevPkts)
	if !known {
		replied, known = dstBytes.n > 0, dstBytes.known
	}
	if src, dst, both := bytes.Cut(text, []byte("_")); both && f.Proto == features.ProtoTCP {
		fwd, ok := flags(src)
		rev, ok2 := flags(dst)
		if ok && ok2 {
			f.FwdFlags, f.RevFlags = fwd, rev
			f.FwdFlagsKnown, f.RevFlagsKnown = features.AllFlags, features.AllFlags
			f.State = features.StateFromReply(f, replied, known)
		}
		return
	}
	f.State = argusState(f.Proto == features.ProtoTCP, string(text), replied)
}

// argusState is the meaning of the states that Argus writes where it does not list flags.
func argusState(tcp bool, text string, replied bool) features.State {
	switch {
	case tcp && (text == "REQ" || text == "INT"):
		return features.StateAttempt
	case tcp && (text == "FIN" || text == "CLO"):
		return features.StateClosed
	case tcp && (text == "CON" || text == "ACC"):
		return features.StateEstablished
	case tcp && text == "RST":
		return features.StateResetOrig
	case tcp:
		return features.StateUnknown
	}
	switch text {
	case "REQ", "INT":
		return features.StateRequestOnly
	case "CON", "ACC", "ECR":
		return features.StateRequestReply
	case "ECO":
		if replied {
			return features.StateRequestReply
		}
		return features.StateRequestOnly
	}
	return features.StateUnknown
}

// flags reads flags as letters. A flag comes once; E and C are those of congestion.
func flags(b []byte) (set features.TCPFlags, ok bool) {
	for _, c := range b {
		switch c {
		case 'F':
			set |= features.FIN
		case 'S':
			set |= features.SYN
		case 'R':
			set |= features.RST
		case 'P':
			set |= features.PSH
		case 'A':
			set |= features.ACK
		case 'U':
			set |= features.URG
		case 'E':
			set |= features.ECE
		case 'C':
			set |= features.CWR
		default:
			return 0, false
		}
	}
	return set, true
}

// timestamp reads 2011/08/18 09:56:29.146156, the time alone, or seconds since 1970.
func timestamp(b []byte) (ns int64, ok bool) {
	if ns, ok = datetime.Parse(b); ok {
		return ns, true
	}
	if ns, ok = datetime.Clock(b); ok {
		return ns, true
	}
	return decimal.Fixed(b, 9)
}

// label reads the verdict. No text in it is a fault. Background is traffic that nobody looked at.
func (r *reader) label(f *features.Flow, cells [][]byte) {
	text := r.schema.Get(cells, colLabel)
	f.Kind = text
	if r.schema.Asked >= 0 {
		text = cells[r.schema.Asked]
		f.LabelText = text
	}
	r.lower = celllog.AppendLower(r.lower[:0], text)
	has := func(words ...string) bool {
		for _, w := range words {
			if bytes.Contains(r.lower, []byte(w)) {
				return true
			}
		}
		return false
	}
	switch {
	case has("background"):
	case has("botnet", "malware", "malicious", "attack"), string(r.lower) == "1":
		f.Label = features.Attack
	case has("normal", "benign"), string(r.lower) == "0":
		f.Label = features.Benign
	}
}

package unsw

import (
	"math"
	"net/netip"

	"threatdetect/features"
	"threatdetect/internal/celllog"
	"threatdetect/internal/decimal"
	"threatdetect/internal/ipaddr"
)

// get returns the field of a column; nil if there is no such column or its value is missing.
func (r *reader) get(column int) []byte {
	i := r.schema.index[column]
	if i < 0 || celllog.Missing(r.cells[i]) {
		return nil
	}
	return r.cells[i]
}

// category returns the text of a column as it is in the file, whatever it says.
func (r *reader) category(column int) string {
	i := r.schema.index[column]
	if i < 0 {
		return ""
	}
	return r.names.String(r.cells[i])
}

// build makes a flow of the fields, or finds the first fault in them and its column.
func (r *reader) build(f *features.Flow) (features.Reason, int) {
	u := &r.unsw
	u.Proto, u.Service, u.State = r.category(colProto), r.category(colService), r.category(colState)
	ports, ok := r.proto(f, r.get(colProto))
	if !ok {
		return features.ReasonNumber, colProto
	}
	if c := r.duration(f, r.get(colDur)); c != celllog.NoColumn {
		return features.ReasonNumber, c
	}
	f.App = features.AppNone
	if service := r.get(colService); service != nil {
		f.App, f.AppName = features.ParseApps(service, &r.names)
	}
	if c := r.counts(f); c != celllog.NoColumn {
		return features.ReasonNumber, c
	}
	f.State = r.state(f, r.get(colState))
	if reason, c := r.endpoints(f, ports); reason != "" {
		return reason, c
	}
	if c := r.reals(); c != celllog.NoColumn {
		return features.ReasonNumber, c
	}
	r.start(f)
	r.label(f)
	return "", celllog.NoColumn
}

// proto reads the protocol, a name or an IANA number, and says whether it has ports, as one that is not known may.
func (r *reader) proto(f *features.Flow, text []byte) (ports, ok bool) {
	if text == nil {
		return true, true
	}
	return celllog.Protocol(f, text, &r.names)
}

// duration reads dur, decimal seconds, as nanoseconds and as it is.
func (r *reader) duration(f *features.Flow, text []byte) (bad int) {
	if text == nil {
		r.unsw.Values[colDur] = math.NaN()
		return celllog.NoColumn
	}
	ns, ok := decimal.Fixed(text, 9)
	real, ok2 := decimal.Real(text)
	if !ok || !ok2 || ns < 0 {
		return colDur
	}
	f.Duration = ns
	f.Known |= features.FieldDuration
	r.unsw.Values[colDur] = real
	return celllog.NoColumn
}

// counts reads packets and bytes.
func (r *reader) counts(f *features.Flow) (bad int) {
	for _, c := range [...]struct {
		column int
		value  *uint64
		field  features.Field
	}{
		{colSpkts, &f.FwdPkts, features.FieldFwdPkts},
		{colDpkts, &f.RevPkts, features.FieldRevPkts},
		{colSbytes, &f.FwdBytes, features.FieldFwdBytes},
		{colDbytes, &f.RevBytes, features.FieldRevBytes},
	} {
		text := r.get(c.column)
		if text == nil {
			r.unsw.Values[c.column] = math.NaN()
			continue
		}
		v, ok := decimal.Count(text)
		if !ok {
			return c.column
		}
		*c.value = v
		f.Known |= c.field
		r.unsw.Values[c.column] = float64(v)
	}
	return celllog.NoColumn
}

// state maps the state that Argus saw.
func (r *reader) state(f *features.Flow, text []byte) features.State {
	var buf [3]byte
	if len(text) != len(buf) {
		return features.StateUnknown
	}
	for i, c := range text {
		if 'a' <= c && c <= 'z' {
			c -= 'a' - 'A'
		}
		buf[i] = c
	}
	if f.Proto == features.ProtoTCP {
		switch string(buf[:]) {
		case "REQ", "INT":
			return features.StateAttempt
		case "FIN", "CLO":
			return features.StateClosed
		case "CON", "ACC":
			return features.StateEstablished
		case "RST":
			return features.StateResetOrig
		}
		return features.StateUnknown
	}
	switch string(buf[:]) {
	case "REQ", "INT":
		return features.StateRequestOnly
	case "CON", "ACC", "ECR":
		return features.StateRequestReply
	case "ECO":
		if f.RevPkts > 0 {
			return features.StateRequestReply
		}
		return features.StateRequestOnly
	}
	return features.StateUnknown
}

// endpoints reads what only raw files have.
func (r *reader) endpoints(f *features.Flow, ports bool) (features.Reason, int) {
	src, dst := r.get(colSrcIP), r.get(colDstIP)
	var ok bool
	if f.Src, ok = address(src); !ok {
		return features.ReasonAddress, colSrcIP
	}
	if ports {
		if f.SrcPort, ok = r.port(f, colSport, features.FieldSrcPort); !ok {
			return features.ReasonNumber, colSport
		}
	}
	if f.Dst, ok = address(dst); !ok {
		return features.ReasonAddress, colDstIP
	}
	if ports {
		if f.DstPort, ok = r.port(f, colDsport, features.FieldDstPort); !ok {
			return features.ReasonNumber, colDsport
		}
	}
	if src != nil && dst != nil {
		f.Known |= features.FieldAddrs
	}
	return "", celllog.NoColumn
}

func address(text []byte) (addr netip.Addr, ok bool) {
	if text == nil {
		return addr, true
	}
	return ipaddr.Parse(text)
}

// port reads a port, decimal or hexadecimal.
func (r *reader) port(f *features.Flow, column int, field features.Field) (uint16, bool) {
	text := r.get(column)
	if text == nil {
		return 0, true
	}
	v, ok := celllog.PortOrHex(text)
	if ok {
		f.Known |= field
	}
	return v, ok
}

// reals reads the other numeric columns.
func (r *reader) reals() (bad int) {
	v := &r.unsw.Values
	for c := range v {
		switch c {
		case colDur, colSpkts, colDpkts, colSbytes, colDbytes:
			continue
		}
		text := r.get(c)
		if text == nil {
			v[c] = math.NaN()
			continue
		}
		var ok bool
		if v[c], ok = decimal.Real(text); !ok {
			return c
		}
	}
	if r.schema.index[colRate] < 0 {
		v[colRate] = rate(v[colDur], v[colSpkts], v[colDpkts])
	}
	return celllog.NoColumn
}

// rate is the rate that the partitions have: packets but the first, a second.
func rate(d, fwd, rev float64) float64 {
	switch {
	case d != d || fwd != fwd || rev != rev:
		return math.NaN()
	case d == 0 || fwd+rev == 0:
		return 0
	}
	return (fwd + rev - 1) / d
}

// start reads the time, which is in whole seconds and in raw files only. No feature of this format depends on it, so
// a time that cannot be read is no fault.
func (r *reader) start(f *features.Flow) {
	text := r.get(colStime)
	if text == nil {
		return
	}
	if ns, ok := decimal.Fixed(text, 9); ok && ns <= math.MaxInt64-f.Duration {
		f.Start = ns
		f.Known |= features.FieldStart
	}
}

// label reads the verdict. No text in it is a fault.
func (r *reader) label(f *features.Flow) {
	column := colLabel
	if r.asked != "" {
		column = colAsked
	}
	if i := r.schema.index[colAttack]; i >= 0 {
		f.Kind = r.cells[i]
	}
	i := r.schema.index[column]
	if i < 0 {
		return
	}
	text := r.cells[i]
	if r.asked != "" {
		f.LabelText = text
	}
	attack := r.schema.index[colAttack] == i
	switch string(r.lowered(text)) {
	case "0", "benign", "normal":
		f.Label = features.Benign
	case "1", "malicious", "attack":
		f.Label = features.Attack
	case "":
		if attack { // the raw files leave the category of normal traffic empty
			f.Label = features.Benign
		}
	default:
		if attack { // every other category is the name of an attack
			f.Label = features.Attack
		}
	}
}

// lowered returns b in lower case. It is valid until the next call.
func (r *reader) lowered(b []byte) []byte {
	r.lower = celllog.AppendLower(r.lower[:0], b)
	return r.lower
}

package trafficgen

import "strconv"

// column is a column of conn.log.
type column uint8

const (
	colTS column = iota
	colUID
	colOrigH
	colOrigP
	colRespH
	colRespP
	colProto
	colService
	colDuration
	colOrigBytes
	colRespBytes
	colConnState
	colLocalOrig
	colLocalResp
	colMissedBytes
	colHistory
	colOrigPkts
	colOrigIPBytes
	colRespPkts
	colRespIPBytes
	colTunnelParents
	colIPProto
	colVLAN
	colOrigL2
	colRespL2
	colSensor
	numColumns
)

var columnNames = [numColumns]string{
	"ts", "uid", "id.orig_h", "id.orig_p", "id.resp_h", "id.resp_p", "proto",
	"service", "duration", "orig_bytes", "resp_bytes", "conn_state",
	"local_orig", "local_resp", "missed_bytes", "history", "orig_pkts",
	"orig_ip_bytes", "resp_pkts", "resp_ip_bytes", "tunnel_parents", "ip_proto",
	"vlan", "orig_l2_addr", "resp_l2_addr", "sensor",
}

var columnTypes = [numColumns]string{
	"time", "string", "addr", "port", "addr", "port", "enum", "string",
	"interval", "count", "count", "string", "bool", "bool", "count", "string",
	"count", "count", "count", "count", "set[string]", "count",
	"int", "string", "string", "string",
}

// name returns the name of a column under a quirk of names.
func (c column) name(naming Quirk) string {
	if c >= colOrigH && c <= colRespP {
		switch naming {
		case QuirkScopeUnderscore:
			return [...]string{"id_orig_h", "id_orig_p", "id_resp_h", "id_resp_p"}[c-colOrigH]
		case QuirkRenamed:
			return [...]string{"src", "src_port", "dst", "dst_port"}[c-colOrigH]
		}
	}
	return columnNames[c]
}

// layout is what one header of a TSV log says.
type layout struct {
	cols   []column
	naming Quirk
	labels Quirk
}

// newLayout returns the layout of header number block.
func newLayout(q Quirk, block int64) layout {
	l := layout{naming: q.turn(groupNames, block), labels: q.turn(groupLabels, block)}
	other := block%2 == 1 // another version of the software, or another script
	if other && q&QuirkEscapes != 0 {
		l.cols = append(l.cols, colSensor)
	}
	for c := colTS; c <= colRespIPBytes; c++ {
		if other && (c == colLocalOrig || c == colLocalResp || c == colUID) {
			continue
		}
		l.cols = append(l.cols, c)
	}
	if other {
		l.cols = append(l.cols, colUID, colVLAN)
		// Counters before the state, as a script that rewrites the log leaves them.
		i, j := l.index(colConnState), l.index(colOrigPkts)
		l.cols[i], l.cols[j] = l.cols[j], l.cols[i]
	}
	if q&QuirkExtraColumns != 0 && !other {
		l.cols = append(l.cols, colVLAN, colOrigL2, colRespL2)
	}
	if q&QuirkEscapes != 0 && !other {
		l.cols = append(l.cols, colSensor)
	}
	modern := q&QuirkOld == 0 && !other
	if modern && l.labels == QuirkLabelsBlanks {
		l.cols = append(l.cols, colIPProto)
		modern = false
	}
	if !other || l.labels == QuirkLabelsBlanks {
		l.cols = append(l.cols, colTunnelParents)
	}
	if modern {
		l.cols = append(l.cols, colIPProto)
	}
	return l
}

// index returns the place of a column, or -1.
func (l *layout) index(c column) int {
	for i, have := range l.cols {
		if have == c {
			return i
		}
	}
	return -1
}

// header writes a whole header for conn.log.
func (w *Writer) header(ts int64) {
	w.preamble("conn", ts)
	fields, types := []byte("#fields"), []byte("#types")
	for _, c := range w.layout.cols {
		fields = append(append(fields, '\t'), c.name(w.layout.naming)...)
		t := columnTypes[c]
		if c == colTunnelParents && w.opts.Quirks&QuirkOld != 0 {
			t = "table[string]"
		}
		types = append(append(types, '\t'), t...)
	}
	switch w.layout.labels {
	case QuirkLabelsBlanks:
		fields = append(fields, "   label   detailed-label"...)
		types = append(types, "   string   string"...)
	case QuirkLabelsTabs:
		fields = append(fields, "\tlabel\tdetailedlabel"...)
		types = append(types, "\tstring\tstring"...)
	}
	w.line(fields)
	w.line(types)
}

// preamble writes the directives before the columns.
func (w *Writer) preamble(path string, ts int64) {
	w.newline()
	w.acc.Headers++
	w.put(`#separator \x09`)
	w.directive("#set_separator", ",")
	w.directive("#empty_field", "(empty)")
	w.directive("#unset_field", "-")
	w.directive("#path", path)
	w.directive("#open", stamp(ts))
}

// directive writes a line of the header.
func (w *Writer) directive(name, value string) {
	w.newline()
	w.put(name)
	w.put("\t")
	w.put(value)
}

func (w *Writer) line(text []byte) {
	w.newline()
	w.buf = append(w.buf, text...)
	w.acc.Bytes += int64(len(text))
}

func (w *Writer) put(text string) {
	w.buf = append(w.buf, text...)
	w.acc.Bytes += int64(len(text))
}

// appendTSV appends the line of r without its end.
func (w *Writer) appendTSV(b []byte, r *Record) []byte {
	for i, c := range w.layout.cols {
		if i > 0 {
			b = append(b, '\t')
		}
		switch c {
		case colTS:
			b = appendSeconds(b, r.TS)
		case colUID:
			b = r.UID.AppendTo(b)
		case colOrigH:
			b = r.OrigH.AppendTo(b)
		case colOrigP:
			b = strconv.AppendUint(b, uint64(r.OrigP), 10)
		case colRespH:
			b = r.RespH.AppendTo(b)
		case colRespP:
			b = strconv.AppendUint(b, uint64(r.RespP), 10)
		case colProto:
			b = append(b, r.Proto.String()...)
		case colService:
			b = appendOr(b, w.service(r), "-")
		case colDuration:
			if r.Timed {
				b = appendSeconds(b, r.Duration)
			} else {
				b = append(b, '-')
			}
		case colOrigBytes:
			b = appendSet(b, r.OrigBytes, r.Timed)
		case colRespBytes:
			b = appendSet(b, r.RespBytes, r.Timed)
		case colConnState:
			b = append(b, r.ConnState...)
		case colLocalOrig:
			b = w.appendBool(b, r.LocalOrig)
		case colLocalResp:
			b = w.appendBool(b, r.LocalResp)
		case colMissedBytes:
			b = strconv.AppendUint(b, r.MissedBytes, 10)
		case colHistory:
			b = appendOr(b, r.History, "-")
		case colOrigPkts:
			b = strconv.AppendUint(b, r.OrigPkts, 10)
		case colOrigIPBytes:
			b = strconv.AppendUint(b, r.OrigIPBytes, 10)
		case colRespPkts:
			b = strconv.AppendUint(b, r.RespPkts, 10)
		case colRespIPBytes:
			b = strconv.AppendUint(b, r.RespIPBytes, 10)
		case colTunnelParents:
			b = w.appendParents(b, r.TunnelParents)
		case colIPProto:
			b = strconv.AppendUint(b, uint64(r.Proto), 10)
		case colVLAN:
			b = appendOr(b, vlanOf(r), "-")
		case colOrigL2:
			b = appendL2(b, r.OrigH.As16())
		case colRespL2:
			b = appendL2(b, r.RespH.As16())
		case colSensor:
			b = appendOr(b, sensorOf(r).tsv, "-")
		}
	}
	switch w.layout.labels {
	case QuirkLabelsBlanks:
		b = append(append(b, "   "...), r.Kind.Label()...)
		b = append(append(b, "   "...), r.Kind.Detail()...)
	case QuirkLabelsTabs:
		b = append(append(b, '\t'), r.Kind.Label()...)
		b = append(append(b, '\t'), r.Kind.Detail()...)
	}
	return b
}

func (w *Writer) appendParents(b []byte, parents []UID) []byte {
	if len(parents) == 0 {
		if w.opts.Quirks&QuirkOld != 0 {
			return append(b, "(empty)"...)
		}
		return append(b, '-')
	}
	for i, p := range parents {
		if i > 0 {
			b = append(b, ',')
		}
		b = p.AppendTo(b)
	}
	return b
}

func (w *Writer) appendBool(b []byte, v bool) []byte {
	switch {
	case w.opts.Quirks&QuirkNoLocal != 0:
		return append(b, '-')
	case v:
		return append(b, 'T')
	}
	return append(b, 'F')
}

func appendOr(b []byte, s, unset string) []byte {
	if s == "" {
		s = unset
	}
	return append(b, s...)
}

func appendSet(b []byte, n uint64, set bool) []byte {
	if !set {
		return append(b, '-')
	}
	return strconv.AppendUint(b, n, 10)
}

// appendSeconds appends microseconds as seconds with six decimals.
func appendSeconds(b []byte, us int64) []byte {
	b = strconv.AppendInt(b, us/second, 10)
	return appendMicros(append(b, '.'), us%second)
}

// appendMicros appends six digits.
func appendMicros(b []byte, us int64) []byte {
	n := len(b)
	b = append(b, "000000"...)
	for i := n + 5; us > 0; i-- {
		b[i] = byte('0' + us%10)
		us /= 10
	}
	return b
}

// vlanOf returns the VLAN of a flow; those that leave the site have none.
func vlanOf(r *Record) string {
	if !r.LocalOrig || !r.LocalResp {
		return ""
	}
	return [...]string{"10", "20", "130", "4094"}[r.UID[1]&3]
}

// sensorOf returns the value of the string column for odd bytes.
func sensorOf(r *Record) struct{ tsv, json string } {
	return sensors[int(r.UID[2])%len(sensors)]
}

// appendL2 appends a hardware address made from an IP address.
func appendL2(b []byte, a [16]byte) []byte {
	const hex = "0123456789abcdef"
	b = append(b, "02"...)
	for _, x := range [...]byte{a[0] ^ a[11], a[12], a[13], a[14], a[15]} {
		b = append(b, ':', hex[x>>4], hex[x&15])
	}
	return b
}

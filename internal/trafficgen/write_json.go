package trafficgen

import (
	"net/netip"
	"strconv"
	"time"
)

// appendJSON appends the line of r without its end. Unset fields are absent.
func (w *Writer) appendJSON(b []byte, r *Record) []byte {
	q := w.opts.Quirks
	naming := q.turn(groupNames, w.acc.Records)
	b = append(b, '{')
	if q&QuirkPathKeys != 0 {
		b = append(b, `"_path":"conn","_system_name":"sensor-1","_write_ts":`...)
		b = appendISO(b, w.now)
		b = append(b, ',')
	}
	b = append(b, `"ts":`...)
	b = w.appendTime(b, r.TS)
	b = append(b, `,"uid":"`...)
	b = r.UID.AppendTo(b)
	b = append(b, '"')
	b = appendEndpoint(b, naming, colOrigH, r.OrigH, r.OrigP)
	b = appendEndpoint(b, naming, colRespH, r.RespH, r.RespP)
	b = append(b, `,"proto":"`...)
	b = append(b, r.Proto.String()...)
	b = append(b, '"')
	if s := w.service(r); s != "" {
		b = append(b, `,"service":"`...)
		b = append(b, s...)
		b = append(b, '"')
	}
	if r.Timed {
		b = append(b, `,"duration":`...)
		b = w.appendInterval(b, r)
		b = appendCount(b, `,"orig_bytes":`, r.OrigBytes)
		b = appendCount(b, `,"resp_bytes":`, r.RespBytes)
	}
	b = append(b, `,"conn_state":"`...)
	b = append(b, r.ConnState...)
	b = append(b, '"')
	if q&QuirkNoLocal == 0 {
		b = append(b, `,"local_orig":`...)
		b = strconv.AppendBool(b, r.LocalOrig)
		b = append(b, `,"local_resp":`...)
		b = strconv.AppendBool(b, r.LocalResp)
	}
	b = appendCount(b, `,"missed_bytes":`, r.MissedBytes)
	if r.History != "" {
		b = append(b, `,"history":"`...)
		b = append(b, r.History...)
		b = append(b, '"')
	}
	b = appendCount(b, `,"orig_pkts":`, r.OrigPkts)
	b = appendCount(b, `,"orig_ip_bytes":`, r.OrigIPBytes)
	b = appendCount(b, `,"resp_pkts":`, r.RespPkts)
	b = appendCount(b, `,"resp_ip_bytes":`, r.RespIPBytes)
	if len(r.TunnelParents) > 0 || q&QuirkOld != 0 {
		b = append(b, `,"tunnel_parents":[`...)
		for i, p := range r.TunnelParents {
			if i > 0 {
				b = append(b, ',')
			}
			b = append(b, '"')
			b = p.AppendTo(b)
			b = append(b, '"')
		}
		b = append(b, ']')
	}
	if q&QuirkOld == 0 {
		b = appendCount(b, `,"ip_proto":`, uint64(r.Proto))
	}
	if q&QuirkExtraColumns != 0 {
		if v := vlanOf(r); v != "" {
			b = append(b, `,"vlan":`...)
			b = append(b, v...)
		}
		b = append(b, `,"orig_l2_addr":"`...)
		b = appendL2(b, r.OrigH.As16())
		b = append(b, `","resp_l2_addr":"`...)
		b = appendL2(b, r.RespH.As16())
		b = append(b, '"')
	}
	if s := sensorOf(r); q&QuirkEscapes != 0 && s.tsv != "" {
		b = append(b, `,"sensor":"`...)
		b = append(b, s.json...)
		b = append(b, '"')
	}
	if q&QuirkLabelsTabs != 0 {
		b = append(b, `,"label":"`...)
		b = append(b, r.Kind.Label()...)
		b = append(b, `","detailedlabel":"`...)
		b = append(b, r.Kind.Detail()...)
		b = append(b, '"')
	}
	return append(b, '}')
}

func appendEndpoint(b []byte, naming Quirk, host column, a netip.Addr, port uint16) []byte {
	b = append(b, `,"`...)
	b = append(b, host.name(naming)...)
	b = append(b, `":"`...)
	b = a.AppendTo(b)
	b = append(b, `","`...)
	b = append(b, (host + 1).name(naming)...)
	b = append(b, `":`...)
	return strconv.AppendUint(b, uint64(port), 10)
}

func appendCount(b []byte, key string, n uint64) []byte {
	return strconv.AppendUint(append(b, key...), n, 10)
}

// appendTime appends a time in the form whose turn it is.
func (w *Writer) appendTime(b []byte, us int64) []byte {
	switch w.opts.Quirks.turn(groupTimes, w.acc.Records) {
	case QuirkTimeMillis:
		return strconv.AppendInt(b, us/millisecond, 10)
	case QuirkTimeISO:
		return appendISO(b, us)
	}
	return appendDecimal(b, us)
}

// appendISO appends a quoted ISO 8601 time with six decimals.
func appendISO(b []byte, us int64) []byte {
	b = append(b, '"')
	b = time.UnixMicro(us).UTC().AppendFormat(b, "2006-01-02T15:04:05.000000Z")
	return append(b, '"')
}

// appendInterval appends the duration. The noisy form is what subtracting two
// times as binary fractions gives; rounded to microseconds it is the same.
func (w *Writer) appendInterval(b []byte, r *Record) []byte {
	if w.opts.Quirks&QuirkFloatNoise == 0 {
		return appendDecimal(b, r.Duration)
	}
	d := float64(r.TS+r.Duration)/1e6 - float64(r.TS)/1e6
	form := byte('f')
	if d < 1e-5 {
		form = 'e'
	}
	return strconv.AppendFloat(b, d, form, -1, 64)
}

// appendDecimal appends microseconds as seconds, with one to six decimals.
func appendDecimal(b []byte, us int64) []byte {
	b = appendSeconds(b, us)
	n := len(b)
	for b[n-1] == '0' && b[n-2] != '.' {
		n--
	}
	return b[:n]
}

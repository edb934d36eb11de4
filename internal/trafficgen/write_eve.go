package trafficgen

import (
	"net/netip"
	"strconv"
	"strings"
	"time"
)

// The zone of the simulated sensor's clock, which Suricata writes without a colon.
const (
	eveZone   = "+0200"
	eveOffset = 2 * 3600 * 1e6 // microseconds
)

// flowID is a number that joins the events of one flow: 51 bits, as Suricata makes them.
func flowID(r *Record) uint64 {
	h := uint64(14695981039346656037)
	for _, c := range r.UID {
		h = (h ^ uint64(c)) * 1099511628211
	}
	return h >> 13
}

// appendEVETime appends a quoted time.
func appendEVETime(b []byte, us int64) []byte {
	b = append(b, '"')
	b = time.UnixMicro(us+eveOffset).UTC().AppendFormat(b, "2006-01-02T15:04:05.000000")
	return append(append(b, eveZone...), '"')
}

// eveStart appends an event up to its protocol.
func (w *Writer) eveStart(b []byte, r *Record, kind string, at int64) []byte {
	b = append(b, `{"timestamp":`...)
	b = appendEVETime(b, at)
	b = appendCount(b, `,"flow_id":`, flowID(r))
	b = append(b, `,"in_iface":"eth0","event_type":"`...)
	b = append(append(b, kind...), '"')
	if w.opts.Quirks&QuirkExtraColumns != 0 {
		if v := vlanOf(r); v != "" {
			b = append(append(append(b, `,"vlan":[`...), v...), ']')
		}
	}
	b = appendEVEHost(b, `,"src_ip":"`, r.OrigH)
	if r.Proto == TCP || r.Proto == UDP {
		b = appendCount(b, `,"src_port":`, uint64(r.OrigP))
	}
	b = appendEVEHost(b, `,"dest_ip":"`, r.RespH)
	if r.Proto == TCP || r.Proto == UDP {
		b = appendCount(b, `,"dest_port":`, uint64(r.RespP))
	}
	b = append(b, `,"proto":"`...)
	switch r.Proto {
	case TCP:
		b = append(b, `TCP"`...)
	case UDP:
		b = append(b, `UDP"`...)
	case ICMP:
		b = append(b, `ICMP"`...)
	case ICMPv6:
		b = append(b, `IPv6-ICMP"`...)
	default:
		b = append(strconv.AppendUint(b, uint64(r.Proto), 10), '"')
	}
	if r.Proto == ICMP || r.Proto == ICMPv6 {
		b = appendCount(b, `,"icmp_type":`, uint64(r.OrigP))
		b = appendCount(b, `,"icmp_code":`, uint64(r.RespP))
	}
	return b
}

// appendEVEHost appends an address, an IPv6 one unabbreviated.
func appendEVEHost(b []byte, key string, a netip.Addr) []byte {
	b = append(b, key...)
	if a.Is4() {
		b = a.AppendTo(b)
	} else {
		b = append(b, a.StringExpanded()...)
	}
	return append(b, '"')
}

// eveApp is what Suricata calls the application of a record; "" if it saw too little to tell.
func eveApp(r *Record) string {
	app, _, _ := strings.Cut(r.Service, ",")
	switch {
	case app == "ssl":
		return "tls"
	case app == "gssapi":
		return "smb"
	case app != "":
		return app
	case r.OrigBytes > 0 && r.RespBytes > 0:
		return "failed"
	}
	return ""
}

// linkBytes is what a capture counts for the packets of one direction: the frames, of which short ones are padded.
func linkBytes(pkts, ip uint64) uint64 {
	if pkts > 0 && ip/pkts < 46 {
		return 60 * pkts
	}
	return ip + 14*pkts
}

// tcpFlags is the OR of the flags of one direction, by the letters of its history.
func tcpFlags(history string, letters string) (flags byte) {
	for i, flag := range [...]byte{1, 2, 4, 8 | 16, 16, 2 | 16} { // f s r d a h
		if strings.IndexByte(history, letters[i]) >= 0 {
			flags |= flag
		}
	}
	return flags
}

// eveState is how Suricata calls the state of a flow.
func eveState(r *Record) string {
	switch {
	case r.RespPkts == 0:
		return "new"
	case r.Proto == TCP && (strings.ContainsAny(r.History, "fF") || strings.ContainsAny(r.History, "rR")):
		return "closed"
	}
	return "established"
}

// appendEVE appends the flow event of r without its end.
func (w *Writer) appendEVE(b []byte, r *Record) []byte {
	b = w.eveStart(b, r, "flow", w.now)
	if app := eveApp(r); app != "" {
		b = append(append(append(b, `,"app_proto":"`...), app...), '"')
	}
	b = appendCount(b, `,"flow":{"pkts_toserver":`, r.OrigPkts)
	b = appendCount(b, `,"pkts_toclient":`, r.RespPkts)
	b = appendCount(b, `,"bytes_toserver":`, linkBytes(r.OrigPkts, r.OrigIPBytes))
	b = appendCount(b, `,"bytes_toclient":`, linkBytes(r.RespPkts, r.RespIPBytes))
	b = append(b, `,"start":`...)
	b = appendEVETime(b, r.TS)
	b = append(b, `,"end":`...)
	b = appendEVETime(b, r.End())
	b = appendCount(b, `,"age":`, uint64(r.End()/1e6-r.TS/1e6))
	b = append(append(append(b, `,"state":"`...), eveState(r)...), `","reason":"timeout","alerted":`...)
	b = append(strconv.AppendBool(b, w.alerted(r)), '}')
	if r.Proto == TCP {
		fwd, rev := tcpFlags(r.History, "FSRDAH"), tcpFlags(r.History, "fsrdah")
		b = append(b, `,"tcp":{"tcp_flags":"`...)
		b = appendHex(b, fwd|rev)
		if w.opts.Quirks&QuirkOldEvents == 0 {
			b = append(b, `","tcp_flags_ts":"`...)
			b = appendHex(b, fwd)
			b = append(b, `","tcp_flags_tc":"`...)
			b = appendHex(b, rev)
		}
		b = append(b, '"')
		for i, name := range [...]string{"fin", "syn", "rst", "psh", "ack"} {
			if (fwd|rev)>>i&1 != 0 {
				b = append(append(append(b, `,"`...), name...), `":true`...)
			}
		}
		b = append(append(append(b, `,"state":"`...), eveState(r)...), `"}`...)
	}
	if w.opts.Quirks&QuirkLabelsTabs != 0 {
		b = append(append(append(b, `,"label":"`...), r.Kind.Label()...), '"')
	}
	return append(b, `,"host":"sensor-1"}`...)
}

func appendHex(b []byte, v byte) []byte {
	const digits = "0123456789abcdef"
	return append(b, digits[v>>4], digits[v&15])
}

// alerted says whether a rule fired on r: on a third of the attacks, and now and then on harmless traffic.
func (w *Writer) alerted(r *Record) bool {
	if r.Kind.Malicious() {
		return flowID(r)%3 == 0
	}
	return flowID(r)%400 == 0
}

// events writes what Suricata says about r before its flow event: its DNS transaction, requests, handshake and alerts.
func (w *Writer) events(r *Record) {
	app := eveApp(r)
	id := flowID(r)
	line := w.scratch[:0]
	begin := func(kind string) { line = w.eveStart(line[:0], r, kind, r.TS) }
	end := func() {
		w.newline()
		line = append(line, `,"host":"sensor-1"}`...)
		w.bad(line, Other)
		w.scratch = line
	}
	switch {
	case w.opts.Quirks&QuirkMixedLogs == 0:
		return
	case app == "dns":
		begin("dns")
		line = appendCount(line, `,"dns":{"version":2,"type":"query","id":`, id&0xffff)
		line = append(line, `,"rrname":"`+exampleName+`","rrtype":"A","tx_id":0}`...)
		end()
		if r.RespPkts > 0 {
			begin("dns")
			line = appendCount(line, `,"dns":{"version":2,"type":"answer","id":`, id&0xffff)
			line = append(line, `,"flags":"8180","qr":true,"rd":true,"ra":true,"rrname":"`+exampleName+`","rrtype":"A","rcode":"NOERROR","answers":[{"rrname":"`+
				exampleName+`","rrtype":"A","ttl":300,"rdata":"192.0.2.80"}],"grouped":{"A":["192.0.2.80"]}}`...)
			end()
		}
	case app == "http":
		begin("http")
		line = append(line, `,"tx_id":0,"http":{"hostname":"`+exampleName+`","url":"/\"a\\b","http_user_agent":"agent\/1.0","http_method":"GET","protocol":"HTTP/1.1","status":200`...)
		line = append(appendCount(line, `,"length":`, r.RespBytes), '}')
		end()
	case app == "tls":
		begin("tls")
		line = append(line, `,"tls":{"subject":"CN=`+exampleName+`","issuerdn":"CN=Example CA","sni":"`+exampleName+`","version":"TLS 1.2","notbefore":"2024-01-01T00:00:00","notafter":"2025-01-01T00:00:00","ja3":{},"ja3s":{"hash":"ad90cab724fafab2660fbf61673c91a9","string":"770,51,0"}}`...)
		end()
	}
	if w.alerted(r) {
		begin("alert")
		line = appendCount(line, `,"alert":{"action":"allowed","gid":1,"signature_id":`, 2_000_000+id%1000)
		line = append(line, `,"rev":7,"signature":"SIMULATED Something odd","category":"Misc activity","severity":3,"metadata":{"tag":["sim"]}}`...)
		end()
	}
}

// wrongEvent puts a wrong value into an event, so that it is refused for the reason.
func (w *Writer) wrongEvent(line []byte, reason Reason) []byte {
	list := wrongEvents[reason]
	v := list[w.rnd.below(len(list))]
	from := strings.Index(string(line), v.key)
	if from < 0 {
		panic("trafficgen: no " + v.key + " in an event")
	}
	from += len(v.key)
	to := from
	if line[to] == '"' {
		to += 2 + strings.IndexByte(string(line[to+1:]), '"')
	} else {
		for line[to] != ',' && line[to] != '}' {
			to++
		}
	}
	return splice(line, from, to, v.value)
}

var wrongEvents = [NumReasons][]struct{ key, value string }{
	Missing: {{`"src_ip":`, "null"}, {`"dest_ip":`, "null"}, {`"proto":`, "null"}, {`"start":`, "null"}},
	Number:  {{`"pkts_toserver":`, `"12"`}, {`"bytes_toclient":`, "-3"}, {`"pkts_toclient":`, "1.5"}, {`"bytes_toserver":`, "1e999"}, {`"start":`, "1700000000"}, {`"proto":`, "6"}},
	Address: {{`"src_ip":`, `"10.0.0.256"`}, {`"dest_ip":`, `"not-an-address"`}, {`"src_ip":`, `"2001:db8::1::2"`}, {`"dest_ip":`, `""`}},
	Time:    {{`"start":`, `"yesterday"`}, {`"end":`, `"2024-13-41T00:00:00.000000+0200"`}, {`"end":`, `"1999-01-01T00:00:00+0200"`}, {`"start":`, `"2024-01-01T00:00:00"`}},
}

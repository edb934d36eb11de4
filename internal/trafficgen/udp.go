package trafficgen

// udp makes a flow of pktO and pktR datagrams with so much payload in all. The
// state follows from the directions: SF, S0 or SHR.
func (m *maker) udp(k Kind, orig, resp end, at, life int64, service string, pktO, up, pktR, down int64) *Record {
	r := m.begin(k, UDP, orig, resp, at)
	r.Service = service
	header := ipHeader(orig.addr) + 8
	switch {
	case pktO > 0 && pktR > 0:
		r.ConnState = "SF"
		m.event("Dd")
	case pktO > 0:
		r.ConnState = "S0"
		m.event("D")
	default:
		r.ConnState = "SHR"
		m.event("^d")
	}
	r.OrigPkts, r.RespPkts = uint64(pktO), uint64(pktR)
	r.OrigIPBytes = uint64(up + pktO*header)
	r.RespIPBytes = uint64(down + pktR*header)
	r.lasts(life)
	if r.Timed {
		r.OrigBytes, r.RespBytes = uint64(up), uint64(down)
	}
	return m.finish(r)
}

// echo makes so many pings with a payload each, of which some are answered. Zeek
// calls every ICMP flow OTH and keeps no history of it.
func (m *maker) echo(k Kind, orig, resp end, at, rtt, sent, answered, payload, every int64) *Record {
	proto := ICMP
	orig.port, resp.port = 8, 0
	if !orig.addr.Is4() {
		proto = ICMPv6
		orig.port, resp.port = 128, 129
	}
	r := m.begin(k, proto, orig, resp, at)
	r.ConnState = "OTH"
	header := ipHeader(orig.addr) + 8
	r.OrigPkts, r.RespPkts = uint64(sent), uint64(answered)
	r.OrigIPBytes = uint64(sent * (header + payload))
	r.RespIPBytes = uint64(answered * (header + payload))
	life := (sent - 1) * every
	if answered > 0 {
		life += rtt
	}
	r.lasts(life)
	if r.Timed {
		r.OrigBytes, r.RespBytes = uint64(sent*payload), uint64(answered*payload)
	}
	return m.finish(r)
}

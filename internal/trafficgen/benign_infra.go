package trafficgen

import "net/netip"

var (
	queryBytes  = curve{{0, 24}, {0.5, 37}, {0.9, 58}, {0.99, 110}, {1, 210}}
	answerBytes = curve{{0, 16}, {0.5, 48}, {0.85, 140}, {0.97, 420}, {1, 1_180}}
)

// lookup resolves a name and returns the time at which the answer is there.
func (m *maker) lookup(h *host, at int64) int64 {
	server := m.site.any(m.rnd, resolver)
	orig, resp := m.pair(h, server, 53)
	q := m.rnd.size(queryBytes)
	wait := m.lan()
	if h != server && m.rnd.chance(0.35) || h == server { // the resolver has to ask
		wait += m.recurse(server, at+wait/2, q)
	}
	if h == server {
		return at + wait
	}
	if m.rnd.chance(0.012) { // no answer in time, another attempt
		tries := m.rnd.between(1, 3)
		m.udp(DNS, orig, resp, at, (tries-1)*second+m.rnd.between(0, 9_000), "dns", tries, tries*q, 0, 0)
		at += tries * second
		orig.port = m.rnd.port()
	}
	m.udp(DNS, orig, resp, at, wait, "dns", 1, q, 1, q+m.rnd.size(answerBytes))
	if m.rnd.chance(0.4) { // the other address family
		orig.port = m.rnd.port()
		m.udp(DNS, orig, resp, at+m.rnd.between(20, 300), wait, "dns", 1, q, 1, q+m.rnd.size(answerBytes))
	}
	if m.rnd.chance(0.004) { // too large for a datagram
		orig.port = m.rnd.port()
		m.tcp(&talk{
			kind: DNS, orig: orig, resp: resp, at: at + wait, rtt: m.lan(), service: "dns",
			up: q + 2, down: m.rnd.between(1_300, 4_500), turns: 1, rate: 20, closing: finOrig, clean: true,
		})
	}
	return at + wait
}

// recurse asks servers of the Internet and returns how long they took.
func (m *maker) recurse(server *host, at, q int64) int64 {
	total := int64(0)
	for range m.rnd.between(1, 2) {
		p := m.site.peer(classRoot, m.rnd.rank(4_000), m.rnd.rank(3))
		orig, resp := m.out(server, p, 53)
		if m.rnd.chance(0.02) {
			m.udp(DNS, orig, resp, at+total, 0, "dns", 1, q+11, 0, 0)
			total += 800 * millisecond
			continue
		}
		took := p.rtt + m.rnd.wait(2*millisecond)
		m.udp(DNS, orig, resp, at+total, took, "dns", 1, q+11, 1, q+11+2*m.rnd.size(answerBytes))
		total += took
	}
	return total
}

// serverLookup is a name that a server needs, or an address in its log.
func (m *maker) serverLookup(h *host, at int64) { m.lookup(h, at) }

// backup copies to the backup server: much at night, little by day.
func (m *maker) backup(h *host, at int64) {
	server := m.site.any(m.rnd, backupServer)
	if h == server {
		return
	}
	up := m.rnd.size(curve{{0, 60_000}, {0.5, 4e6}, {0.9, 8e7}, {1, 6e8}})
	if nights.at(at) > 0.5 {
		up = m.rnd.size(curve{{0, 3e6}, {0.4, 2e8}, {0.9, 8e9}, {1, 9e10}})
	}
	port, service := uint16(873), ""
	if m.rnd.chance(0.5) {
		port, service = 22, "ssh"
	}
	orig, resp := m.pair(h, server, port)
	if m.rnd.chance(0.03) {
		m.fail(Backup, orig, resp, at, m.lan())
		return
	}
	m.tcp(&talk{
		kind: Backup, orig: orig, resp: resp, at: at, rtt: m.lan(), service: service,
		up: up, down: 4_000 + up/400, turns: m.rnd.between(20, 400), serverFirst: true,
		think: 5 * millisecond, rate: lanRate.at(m.rnd.float()), closing: m.usual(), clean: true,
	})
}

// offsite sends a copy to a cloud.
func (m *maker) offsite(h *host, at int64) {
	at = m.lookup(h, at)
	p := m.site.peer(classVendor, h.vendor, 1)
	for range m.rnd.between(1, 6) {
		up := m.rnd.size(curve{{0, 2e6}, {0.5, 6e7}, {0.95, 2e9}, {1, 2e10}})
		if !m.fetch(Backup, h, p, at, up, m.rnd.between(4_000, 60_000)) {
			return
		}
		at += m.rnd.wait(20 * second)
	}
}

// report is a message of a device or program to its maker's cloud.
func (m *maker) report(h *host, at int64) {
	p := m.site.peer(classVendor, h.vendor, m.rnd.rank(3))
	if m.rnd.chance(0.2) {
		at = m.lookup(h, at)
	}
	up, down := m.rnd.between(120, 900), m.rnd.between(80, 700)
	switch h.vendor % 4 {
	case 0: // constrained devices: a datagram and its acknowledgement
		orig, resp := m.out(h, p, 5683)
		if !m.rnd.chance(p.health) {
			m.udp(Telemetry, orig, resp, at, 0, "", 1, up, 0, 0)
			return
		}
		m.udp(Telemetry, orig, resp, at, p.rtt, "", 1, up, 1, 12)
	case 1:
		orig, resp := m.out(h, p, 8883)
		if !m.rnd.chance(p.health) {
			m.fail(Telemetry, orig, resp, at, p.rtt)
			return
		}
		m.tcp(&talk{
			kind: Telemetry, orig: orig, resp: resp, at: at, rtt: p.rtt, service: "ssl",
			up: up + helloBytes, down: down + certBytes, turns: 3, think: 10 * millisecond,
			rate: 1, idle: m.rnd.wait(400 * millisecond), closing: m.usual(),
		})
	default:
		m.fetch(Telemetry, h, p, at, up, down)
	}
}

// channel is a connection that a device keeps for hours to be reachable.
func (m *maker) channel(h *host, at int64) {
	p := m.site.peer(classVendor, h.vendor, 0)
	at = m.lookup(h, at)
	orig, resp := m.out(h, p, 443)
	if h.vendor%2 == 0 {
		resp.port = 8883
	}
	life := m.rnd.size(curve{{0, 60e6}, {0.4, 900e6}, {0.8, 7200e6}, {1, 90000e6}})
	beats := life / (60 * second)
	m.tcp(&talk{
		kind: Telemetry, orig: orig, resp: resp, at: at, rtt: p.rtt, service: "ssl",
		up: 900 + beats*45, down: certBytes + beats*40, turns: 3 + beats, idle: life,
		closing: m.usual(),
	})
}

// clock synchronises the time.
func (m *maker) clock(h *host, at int64) {
	var orig, resp end
	rtt := m.lan()
	if h.role == workstation {
		orig, resp = m.pair(h, m.site.any(m.rnd, directory), 123)
	} else {
		p := m.site.peer(classNTP, m.rnd.rank(40), 0)
		orig, resp = m.out(h, p, 123)
		rtt = p.rtt
	}
	if m.rnd.chance(0.5) {
		orig.port = 123
	}
	n := int64(1)
	if m.rnd.chance(0.1) {
		n = m.rnd.between(2, 8)
	}
	answered := n
	if m.rnd.chance(0.04) {
		answered = 0
	}
	m.udp(NTP, orig, resp, at, (n-1)*2*second+rtt, "ntp", n, 48*n, answered, 48*answered)
}

// lease gets or renews an address.
func (m *maker) lease(h *host, at int64) {
	server := m.site.any(m.rnd, directory)
	if m.rnd.chance(0.25) { // from nothing
		n := m.rnd.between(1, 3)
		orig := end{addr: netip.IPv4Unspecified(), port: 68}
		resp := end{addr: netip.AddrFrom4([4]byte{255, 255, 255, 255}), port: 67}
		m.udp(DHCP, orig, resp, at, (n-1)*4*second, "dhcp", n, n*m.rnd.between(300, 330), 0, 0)
		at += 200 * millisecond
	}
	orig, resp := m.pair(h, server, 67)
	orig.addr, resp.addr, orig.port = h.v4, server.v4, 68
	m.udp(DHCP, orig, resp, at, m.rnd.between(300, 30_000), "dhcp", 1, m.rnd.between(300, 330), 1, m.rnd.between(300, 420))
}

// tunnel is IPv6 inside IPv4 datagrams, and connections inside it.
func (m *maker) tunnel(h *host, at int64) {
	p := m.site.peer(classRoot, 9_001, m.rnd.rank(3))
	orig, resp := m.out(h, p, 3544)
	orig.addr, resp.addr = h.v4, p.v4
	n := m.rnd.between(4, 120)
	outer := m.udp(Tunnel, orig, resp, at, m.rnd.between(40*second, 20*minute), "teredo",
		n, n*m.rnd.between(70, 300), n, n*m.rnd.between(80, 900))
	parents := []UID{outer.UID}
	inner := end{addr: netip.AddrFrom16([16]byte{0x20, 0x01, 0, 0, 198, 18, 0, 1, 0x80, 0, byte(h.id >> 8), byte(h.id), 0x39, 0xed, 0x3c, 0x0a})}
	for range m.rnd.between(1, 3) {
		to := end{addr: outside6(m.rnd.u64()), port: 443}
		inner.port = m.rnd.port()
		at += m.rnd.between(second, 5*second)
		if m.rnd.chance(0.3) {
			m.echo(Tunnel, inner, to, at, p.rtt, 1, 1, 4, second).TunnelParents = parents
			continue
		}
		m.tcp(&talk{
			kind: Tunnel, orig: inner, resp: to, at: at, rtt: p.rtt, service: "ssl",
			up: helloBytes + m.rnd.between(200, 900), down: certBytes + m.rnd.between(500, 30_000),
			turns: 3, rate: 0.5, closing: m.usual(),
		}).TunnelParents = parents
	}
}

package trafficgen

import "net/netip"

// ping asks whether a host is there.
func (m *maker) ping(h *host, at int64) {
	payload := int64(32)
	if h.stamps {
		payload = 56
	}
	n := m.rnd.between(1, 5)
	if m.rnd.chance(0.05) {
		n = m.rnd.between(20, 600)
	}
	if m.rnd.chance(0.5) {
		p := m.site.peer(classWeb, m.rnd.rank(numSites), 0)
		orig, resp := m.out(h, p, 0)
		m.echo(Ping, orig, resp, at, p.rtt, n, m.answers(n, 0.1), payload, second)
		return
	}
	orig, resp := m.pair(h, m.site.any(m.rnd, role(m.rnd.below(int(numRoles)))), 0)
	m.echo(Ping, orig, resp, at, m.lan(), n, m.answers(n, 0.15), payload, second)
}

// answers returns how many of n pings come back, given the chance that none do.
func (m *maker) answers(n int64, silent float64) int64 {
	switch u := m.rnd.float(); {
	case u < silent:
		return 0
	case u < silent+0.05:
		return m.rnd.between(n/2, n)
	}
	return n
}

// check looks after a few machines: are they there, do their services answer?
func (m *maker) check(h *host, at int64) {
	for range m.rnd.between(1, 3) {
		to := m.site.any(m.rnd, role(m.rnd.below(int(numRoles))))
		switch m.rnd.below(4) {
		case 0:
			orig, resp := m.pair(h, to, 0)
			silent := 0.03
			if to.role == workstation { // switched off outside office hours
				silent = 1 - float64(0.9*office.at(at))
			}
			m.echo(Monitor, orig, resp, at, m.lan(), 1, m.answers(1, silent), 56, second)
		case 1:
			orig, resp := m.pair(h, to, 161)
			if to.role == workstation || m.rnd.chance(0.05) {
				n := m.rnd.between(1, 4)
				m.udp(Monitor, orig, resp, at, (n-1)*second, "snmp", n, 43*n, 0, 0)
				break
			}
			n := m.rnd.between(1, 30)
			m.udp(Monitor, orig, resp, at, n*m.rnd.between(1_000, 9_000), "snmp",
				n, n*m.rnd.between(43, 90), n, n*m.rnd.between(45, 160))
		default:
			m.probe(Monitor, h, to, servicePort(to.role), at)
		}
		at += m.rnd.wait(2 * second)
	}
}

// probe connects to a port and hangs up, or reads the greeting.
func (m *maker) probe(k Kind, h, to *host, port uint16, at int64) {
	orig, resp := m.pair(h, to, port)
	if port != servicePort(to.role) || m.rnd.chance(0.02) {
		m.refused(k, orig, resp, at, m.lan(), synLength(ipHeader(orig.addr), orig.stamps), 1)
		return
	}
	t := talk{kind: k, orig: orig, resp: resp, at: at, rtt: m.lan(), turns: 1, closing: finOrig, clean: true}
	switch {
	case m.rnd.chance(0.4): // hang up at once
	case port == 22:
		t.service, t.serverFirst = "ssh", true
		t.up, t.down, t.turns = m.rnd.between(20, 50), m.rnd.between(21, 1_200), 1
	case port == 25:
		t.service, t.serverFirst = "smtp", true
		t.up, t.down, t.turns = 6, m.rnd.between(60, 180), 2
	case port == 443:
		t.service = "ssl"
		t.up, t.down, t.turns = helloBytes+150, certBytes+m.rnd.between(300, 900), 3
	case port == 80:
		t.service = "http"
		t.up, t.down = m.rnd.between(90, 180), m.rnd.between(200, 5_000)
	}
	m.tcp(&t)
}

// servicePort is the port a host of the role is known for.
func servicePort(r role) uint16 {
	switch r {
	case workstation:
		return 3389
	case printer:
		return 9100
	case device:
		return 80
	case resolver:
		return 53
	case mailServer:
		return 25
	case fileServer:
		return 445
	case directory:
		return 389
	case webServer, watcher:
		return 443
	}
	return 22
}

// sweep is the inventory: every address of a network, a few ports. It looks much
// like a scan, because it is one.
func (m *maker) sweep(h *host, at int64) {
	nets := [...]byte{1, 8, 16, 128}
	net := nets[m.rnd.below(len(nets))]
	ports := [...]uint16{22, 80, 443, 445, 3389, 9100}
	port := ports[m.rnd.below(len(ports))]
	n := m.rnd.between(30, 240)
	if all := m.g.cfg.Records; all > 0 {
		n = min(n, max(all/80, 4))
	}
	gap := m.rnd.size(curve{{0, 2e3}, {0.5, 40e3}, {1, 900e3}})
	syn := synLength(20, h.stamps)
	first := m.rnd.between(1, 14)
	for i := range n {
		to := m.site.addr4(net, byte(first+i))
		if live := m.site.at(to); live == nil {
			orig, resp := end{h.v4, m.rnd.port(), h.stamps}, end{to, port, false}
			m.unanswered(Monitor, orig, resp, at, syn, m.rnd.between(1, 2))
		} else {
			m.probe(Monitor, h, live, port, at)
		}
		at += m.rnd.wait(gap)
	}
}

// announce tells the neighbours about a name or a service.
func (m *maker) announce(h *host, at int64) {
	n := m.rnd.between(1, 4)
	life := (n-1)*m.rnd.between(90, 1_000)*millisecond + m.rnd.between(0, 900)
	orig := end{addr: h.v4}
	var resp end
	service := "dns"
	size := m.rnd.between(28, 420)
	switch m.rnd.below(5) {
	case 0:
		orig.port, resp = 5353, end{addr: netip.AddrFrom4([4]byte{224, 0, 0, 251}), port: 5353}
	case 1:
		orig.addr = linkLocal(h)
		orig.port, resp = 5353, end{addr: multicast6(0xfb), port: 5353}
	case 2:
		orig.port, resp = m.rnd.port(), end{addr: netip.AddrFrom4([4]byte{224, 0, 0, 252}), port: 5355}
		size = m.rnd.between(22, 40)
	case 3:
		orig.port, resp = m.rnd.port(), end{addr: netip.AddrFrom4([4]byte{239, 255, 255, 250}), port: 1900}
		service = ""
		size = m.rnd.between(100, 450)
	default:
		b := h.v4.As4()
		orig.port, resp = 137, end{addr: m.site.addr4(b[2], 255), port: 137}
		size = 50
	}
	m.udp(Discovery, orig, resp, at, life, service, n, n*size, 0, 0)
}

// linkLocal returns a host's own IPv6 address on its wire.
func linkLocal(h *host) netip.Addr {
	x := mix(uint64(h.id) + 77)
	return netip.AddrFrom16([16]byte{
		0xfe, 0x80, 0, 0, 0, 0, 0, 0,
		byte(x >> 40), byte(x >> 32), byte(x >> 24), 0xff, 0xfe, byte(x >> 16), byte(x >> 8), byte(x),
	})
}

func multicast6(group byte) netip.Addr {
	return netip.AddrFrom16([16]byte{0: 0xff, 1: 0x02, 15: group})
}

// stray is what does not begin or end as it should.
func (m *maker) stray(h *host, at int64) {
	p := m.site.peer(classWeb, m.rnd.rank(numSites), m.rnd.rank(8))
	orig, resp := m.out(h, p, 443)
	syn := synLength(ipHeader(orig.addr), orig.stamps)
	life := p.rtt + m.rnd.wait(2*second)
	switch m.rnd.below(9) {
	case 0, 1, 2: // began before the sensor did, or was cut by its timeout
		m.middle(Stray, orig, resp, at, life, m.rnd.size(requestBytes), m.rnd.size(pageBytes))
	case 3: // keep-alives of a forgotten connection
		m.middle(Stray, orig, resp, at, life, 0, 0)
	case 4:
		m.odd(Stray, orig, resp, at, life, "RSTOS0", "SR", 2, 0, syn)
	case 5: // a reset after the connection was forgotten
		m.odd(Stray, orig, resp, at, 0, "RSTRH", "^r", 0, 1, 0)
	case 6:
		m.odd(Stray, orig, resp, at, life, "SHR", "^hf", 0, 2, 0)
	case 7:
		m.odd(Stray, orig, resp, at, life, "SH", "SF", 2, 0, syn)
	default: // a late datagram
		m.udp(Stray, orig, resp, at, 0, "", 0, 0, 1, m.rnd.between(20, 1_200))
	}
}

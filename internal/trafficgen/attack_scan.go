package trafficgen

// Gaps between the flows of scans and floods, microseconds.
var (
	scanGap  = curve{{0, 150}, {0.3, 2e3}, {0.55, 20e3}, {0.75, 300e3}, {0.9, 4e6}, {1, 60e6}}
	floodGap = curve{{0, 60}, {0.5, 900}, {0.9, 12e3}, {1, 150e3}}
)

// Ports that scanners look for.
var (
	scanPorts = [...]uint16{
		22, 23, 80, 443, 445, 3389, 8080, 5900, 1433, 6379, 3306, 5432, 8443, 9200,
		2375, 27017, 11211, 21, 25, 110, 139, 5060, 8888, 502,
	}
	datagramPorts = [...]uint16{161, 53, 123, 1900, 5060, 69, 137}
)

// opening is how a scanner asks a port.
type opening struct {
	full  bool  // with the system's own connect, and data if it is met
	syn   int64 // IP length of its SYN
	tries int64 // SYNs sent to an address that does not answer
}

func (m *maker) opening() opening {
	switch m.rnd.below(4) {
	case 0:
		return opening{full: true, syn: 60, tries: m.rnd.between(1, 4)}
	case 1:
		return opening{full: true, syn: 52, tries: m.rnd.between(1, 3)}
	case 2:
		return opening{syn: 44, tries: m.rnd.between(1, 2)}
	}
	return opening{syn: 40, tries: 1}
}

// knock asks one port of one address, where h is the host there, if any.
func (m *maker) knock(k Kind, o opening, orig, resp end, h *host, at, rtt int64) {
	served := h != nil && resp.port == servicePort(h.role)
	if h != nil && resp.port == 22 && h.stamps && h.role != printer {
		served = true
	}
	switch {
	case h == nil || m.rnd.chance(0.05): // nothing there, or a filter
		if m.rnd.chance(0.08) { // a router knows that nothing is there
			m.refused(k, orig, resp, at, rtt, o.syn, 1)
			return
		}
		m.unanswered(k, orig, resp, at, o.syn, o.tries)
	case !served && m.rnd.chance(0.2):
		m.unanswered(k, orig, resp, at, o.syn, o.tries)
	case !served:
		m.refused(k, orig, resp, at, rtt, o.syn, 1)
	case !o.full:
		m.odd(k, orig, resp, at, rtt+m.rnd.between(10, 400), "RSTO", "ShR", 2, 1, o.syn)
	default:
		orig.stamps = o.syn == 60
		t := talk{kind: k, orig: orig, resp: resp, at: at, rtt: rtt, turns: 1, closing: m.usual(), think: 5 * millisecond}
		switch resp.port {
		case 22:
			t.service, t.serverFirst, t.up, t.down = "ssh", true, m.rnd.between(18, 60), m.rnd.between(21, 1_150)
		case 25:
			t.service, t.serverFirst, t.up, t.down = "smtp", true, m.rnd.between(6, 40), m.rnd.between(60, 300)
		case 80:
			t.service, t.up, t.down = "http", m.rnd.between(40, 320), m.rnd.between(180, 14_000)
		case 443:
			t.service, t.turns, t.up, t.down = "ssl", 2, m.rnd.between(200, 760), certBytes+m.rnd.between(0, 6_000)
		}
		m.tcp(&t)
	}
}

// horizontalScan asks one port, or a small choice, of many addresses.
func (m *maker) horizontalScan(mean int64) func(at int64) int64 {
	gap := min(m.rnd.size(scanGap), mean)
	port := scanPorts[m.rnd.rank(len(scanPorts))]
	second := scanPorts[m.rnd.below(len(scanPorts))]
	mixed := m.rnd.chance(0.3)
	o := m.opening()
	datagrams := m.rnd.chance(0.12)
	probe := datagramPorts[m.rnd.below(len(datagramPorts))]
	payload := m.rnd.between(20, 90)

	var from end
	var insider *host
	rtt := m.lan()
	outward := false // an infected host that looks for victims elsewhere
	if m.rnd.chance(0.45) {
		insider = m.infected(workstation)
		from = end{insider.v4, 0, insider.stamps}
		outward = m.rnd.chance(0.4)
	} else {
		p := m.hostile()
		from = end{p.v4, 0, p.stamps}
		rtt = p.rtt
	}
	fixed := uint16(0) // raw scanners keep their source port
	if !o.full && m.rnd.chance(0.6) {
		fixed = m.rnd.port()
	}
	inUse := 0.05 + float64(0.35*m.rnd.float())
	return func(at int64) int64 {
		orig := from
		orig.port = fixed
		if fixed == 0 {
			orig.port = m.rnd.port()
		}
		var resp end
		var h *host
		took := rtt
		if outward {
			resp = end{addr: outside4(m.rnd.u64()), stamps: true}
			took = m.wan()
			if m.rnd.chance(0.06) {
				h = m.site.any(m.rnd, webServer) // behaves like one
			}
		} else {
			for resp, h = m.target(inUse); resp.addr == orig.addr; {
				resp, h = m.target(inUse)
			}
		}
		resp.port = port
		if mixed && m.rnd.chance(0.4) {
			resp.port = second
		}
		if datagrams {
			resp.port = probe
			if h != nil && m.rnd.chance(0.3) {
				m.udp(HorizontalScan, orig, resp, at, took, datagramService(probe), 1, payload, 1, m.rnd.between(40, 400))
			} else {
				m.udp(HorizontalScan, orig, resp, at, 0, datagramService(probe), 1, payload, 0, 0)
			}
		} else {
			m.knock(HorizontalScan, o, orig, resp, h, at, took)
		}
		return m.rnd.wait(gap)
	}
}

// datagramService names the analyzer that recognises a probe.
func datagramService(port uint16) string {
	switch port {
	case 161:
		return "snmp"
	case 53, 137:
		return "dns"
	case 123:
		return "ntp"
	case 5060:
		return "sip"
	}
	return ""
}

// verticalScan asks many ports of one host.
func (m *maker) verticalScan(mean int64) func(at int64) int64 {
	gap := min(m.rnd.size(scanGap), mean)
	o := m.opening()
	h := &m.site.hosts[m.rnd.below(len(m.site.hosts))]
	resp := end{h.v4, 0, h.stamps}
	var orig end
	rtt := m.lan()
	if m.rnd.chance(0.35) {
		insider := m.infected(workstation)
		if insider == h {
			insider = m.site.besides(h)
		}
		orig = end{insider.v4, 0, insider.stamps}
	} else {
		p := m.hostile()
		orig = end{p.v4, 0, p.stamps}
		rtt = p.rtt
	}
	filtered := m.rnd.chance(0.35)
	// A full cycle over all ports in an order of its own, after the known ones.
	known := m.rnd.below(len(scanPorts))
	next := uint16(m.rnd.u64())
	stride := uint16(m.rnd.u64()) | 1
	return func(at int64) int64 {
		if known < len(scanPorts) {
			resp.port = scanPorts[known]
			known++
		} else {
			next += stride
			resp.port = max(next, 1)
		}
		orig.port = m.rnd.port()
		if filtered && resp.port != servicePort(h.role) {
			m.unanswered(VerticalScan, orig, resp, at, o.syn, o.tries)
		} else {
			m.knock(VerticalScan, o, orig, resp, h, at, rtt+m.rnd.between(0, rtt/8))
		}
		return m.rnd.wait(gap)
	}
}

// synFlood opens connections to one service and leaves them half open.
func (m *maker) synFlood(mean int64) func(at int64) int64 {
	gap := min(m.rnd.size(floodGap), mean)
	syn := [...]int64{40, 44, 52, 60}[m.rnd.below(4)]
	var resp end
	var bot *host // floods from inside have one source
	rtt := int64(0)
	if m.rnd.chance(0.3) {
		bot = m.infected(device)
		p := m.site.peer(classWeb, m.rnd.rank(numSites), 0)
		resp = end{p.v4, 80, p.stamps}
		rtt = p.rtt
	} else {
		h := m.site.any(m.rnd, webServer)
		resp = end{h.v4, 443, h.stamps}
	}
	if m.rnd.chance(0.4) {
		resp.port = 80
	}
	spoofed := m.rnd.chance(0.7)
	const crowd = 64 // real sources, when they are not spoofed
	overload := 0.3 + float64(0.65*m.rnd.float())
	rest := 1 - overload
	waits := overload + float64(rest*0.6)
	resets := overload + float64(rest*0.85)
	leaves := overload + float64(rest*0.9)
	return func(at int64) int64 {
		orig := end{port: uint16(m.rnd.between(1_024, 65_535))}
		took := rtt
		switch {
		case bot != nil:
			orig.addr, orig.stamps = bot.v4, bot.stamps
		case spoofed:
			orig.addr = outside4(m.rnd.u64())
			took = m.wan()
		default:
			p := m.site.peer(classHostile, m.rnd.below(crowd), 1)
			orig.addr, took = p.v4, p.rtt
		}
		switch u := m.rnd.float(); {
		case u < overload:
			m.unanswered(SYNFlood, orig, resp, at, syn, 1)
		case u < waits: // the server waits for the third packet
			n := m.rnd.between(1, 5)
			m.odd(SYNFlood, orig, resp, at, m.rnd.between(60, 900)+(1<<(n-1)-1)*1_000_000, "S1", "Sh", 1, n, syn)
		case u < resets: // the owner of the address objects
			m.odd(SYNFlood, orig, resp, at, took+200, "RSTO", "ShR", 2, 1, syn)
		case u < leaves:
			m.odd(SYNFlood, orig, resp, at, took+200, "RSTOS0", "SR", 2, 0, syn)
		default:
			m.refused(SYNFlood, orig, resp, at, m.rnd.between(60, 900), syn, 1)
		}
		return m.rnd.wait(gap)
	}
}

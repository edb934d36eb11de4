package trafficgen

// Sizes in bytes, rates in bytes per microsecond (which is megabytes per second).
var (
	requestBytes = curve{{0, 180}, {0.5, 620}, {0.9, 2_600}, {0.99, 24_000}, {0.999, 500_000}, {1, 3e7}}
	pageBytes    = curve{{0, 150}, {0.1, 700}, {0.3, 3_000}, {0.5, 9_000}, {0.75, 42_000}, {0.9, 190_000}, {0.97, 950_000}, {0.995, 9e6}, {0.9999, 4e8}, {1, 2.5e9}}
	uploadBytes  = curve{{0, 40_000}, {0.4, 600_000}, {0.8, 8e6}, {0.97, 1.5e8}, {1, 3e9}}
	wanRate      = curve{{0, 0.04}, {0.3, 0.9}, {0.8, 6}, {1, 60}}
	lanRate      = curve{{0, 3}, {0.5, 40}, {1, 110}}
	keepAlive    = curve{{0, 4e3}, {0.35, 60e3}, {0.6, 5e6}, {0.9, 65e6}, {1, 900e6}}
	connsPerPage = curve{{0, 1}, {0.5, 2}, {0.85, 6}, {1, 17}}
)

// TLS handshakes, bytes of both sides.
const (
	helloBytes = 520
	certBytes  = 3_300
)

// favourite returns the rank of a service that h visits: one of its own twenty
// or any popular one.
func (m *maker) favourite(h *host) int {
	if m.rnd.chance(0.6) {
		own := mix(m.site.seed ^ uint64(h.id)<<8 ^ uint64(m.rnd.rank(20)))
		return rankOf(unit(own), numSites)
	}
	return m.rnd.rank(numSites)
}

// visit loads a page: names, the site itself, and what the page embeds.
func (m *maker) visit(h *host, at int64) {
	home := m.favourite(h)
	at = m.lookup(h, at)
	n := m.rnd.size(connsPerPage)
	for i := range n {
		service := home
		if i > 0 && m.rnd.chance(0.45) {
			service = m.rnd.rank(numSites)
			if m.rnd.chance(0.3) {
				at = m.lookup(h, at)
			}
		}
		p := m.site.peer(classWeb, service, m.rnd.rank(8))
		if !m.fetch(Web, h, p, at, m.rnd.size(requestBytes), m.rnd.size(pageBytes)) {
			return
		}
		at += m.rnd.wait(250 * millisecond)
	}
}

// upload sends a file to a cloud or a form.
func (m *maker) upload(h *host, at int64) {
	at = m.lookup(h, at)
	p := m.site.peer(classWeb, m.rnd.rank(200), m.rnd.rank(8))
	for range m.rnd.between(1, 4) {
		m.fetch(Web, h, p, at, m.rnd.size(uploadBytes), m.rnd.between(300, 6_000))
		at += m.rnd.wait(2 * second)
	}
}

// fetch makes one connection to a web server and reports whether it worked.
func (m *maker) fetch(k Kind, h *host, p peer, at, up, down int64) bool {
	port := uint16(443)
	if p.plain || m.rnd.chance(0.04) {
		port = 80
		if m.rnd.chance(0.05) {
			port = 8080
		}
	}
	orig, resp := m.out(h, p, port)
	if !m.rnd.chance(p.health) {
		m.fail(k, orig, resp, at, p.rtt)
		return false
	}
	rate := wanRate.at(m.rnd.float())
	if port == 443 && p.quic && m.rnd.chance(0.55) {
		m.quic(k, orig, resp, at, p.rtt, up, down, rate)
		return true
	}
	t := talk{
		kind: k, orig: orig, resp: resp, at: at, rtt: p.rtt,
		service: "http", up: up, down: down, turns: m.rnd.between(1, 4),
		think: 60 * millisecond, rate: rate,
		closing: m.usual(),
	}
	if port == 443 {
		t.service = "ssl"
		t.turns++
		t.up += helloBytes
		t.down += certBytes
		if m.rnd.chance(0.5) { // a resumed session
			t.down -= certBytes - 200
		}
		if m.rnd.chance(0.02) { // the client does not like the certificate
			t.up, t.down, t.turns, t.closing = helloBytes, certBytes, 1, rstOrig
		}
	}
	t.idle = m.rnd.size(keepAlive)
	m.tcp(&t)
	return true
}

// quic makes a flow of QUIC over UDP, with its padded first datagrams.
func (m *maker) quic(k Kind, orig, resp end, at, rtt, up, down int64, rate float64) {
	up += 2_500
	down += 4_200
	pktR := 3 + (down+1_199)/1_200
	pktO := 3 + (up+1_199)/1_200 + pktR/4
	up += pktO * 30
	down += pktR * 30
	life := 2*rtt + int64(float64(up+down)/rate) + m.rnd.wait(200*millisecond)
	if m.rnd.chance(0.4) {
		life += m.rnd.between(second, 30*second)
	}
	m.udp(k, orig, resp, at, life, "quic,ssl", pktO, up, pktR, down)
}

// visitor is somebody outside who reads the site's own pages.
func (m *maker) visitor(h *host, at int64) {
	p := m.site.peer(classWeb, numSites+m.rnd.rank(20_000), 0)
	port := uint16(443)
	if m.rnd.chance(0.25) {
		port = 80
	}
	for range m.rnd.size(curve{{0, 1}, {0.6, 3}, {1, 30}}) {
		orig, resp := m.in(p, h, port)
		switch u := m.rnd.float(); {
		case u < 0.015: // the visitor goes away before the handshake ends
			m.odd(Web, orig, resp, at, p.rtt, "RSTO", "ShR", 2, 1, 60)
		case u < 0.025: // the server is too busy
			m.unanswered(Web, orig, resp, at, 60, m.rnd.between(1, 4))
		default:
			t := talk{
				kind: Web, orig: orig, resp: resp, at: at, rtt: p.rtt,
				service: "ssl", up: m.rnd.size(requestBytes) + helloBytes, down: m.rnd.size(pageBytes) + certBytes,
				turns: m.rnd.between(2, 6), think: 20 * millisecond, rate: wanRate.at(m.rnd.float()),
				idle: m.rnd.size(keepAlive), closing: m.usual(),
			}
			if port == 80 {
				t.service = "http"
				t.up -= helloBytes
				t.down -= certBytes
			}
			m.tcp(&t)
		}
		at += m.rnd.wait(3 * second)
	}
}

// update downloads software, often in several pieces.
func (m *maker) update(h *host, at int64) {
	at = m.lookup(h, at)
	p := m.site.peer(classVendor, h.vendor, m.rnd.rank(4))
	pieces := m.rnd.size(curve{{0, 1}, {0.7, 3}, {1, 12}})
	for range pieces {
		down := m.rnd.size(curve{{0, 4_000}, {0.5, 60_000}, {0.8, 4e6}, {0.97, 9e7}, {1, 1.6e9}})
		if !m.fetch(Update, h, p, at, m.rnd.between(250, 900), down) {
			return
		}
		at += m.rnd.wait(8 * second)
	}
}

package trafficgen

// beacon is a program that asks its master for orders, again and again.
func (m *maker) beacon(mean int64) func(at int64) int64 {
	period := min(m.rnd.size(curve{{0, 4e6}, {0.3, 30e6}, {0.7, 300e6}, {1, 3600e6}}), mean)
	jitter := m.rnd.float() * m.rnd.float() * 0.7
	r := workstation
	if m.rnd.chance(0.25) {
		r = device
	}
	h := m.infected(r)
	p := m.hostile()
	p.quic = false
	port, service := uint16(443), "ssl"
	switch u := m.rnd.float(); {
	case u < 0.15:
		port, service = 80, "http"
	case u < 0.25:
		port, service = 8080, "http"
	case u < 0.35:
		port, service = uint16(m.rnd.between(1_024, 49_151)), ""
	}
	up, down := m.rnd.between(90, 700), m.rnd.between(60, 900)
	resumed := m.rnd.chance(0.5)
	away := int64(0) // attempts left while the master is away
	return func(at int64) int64 {
		orig, resp := m.out(h, p, port)
		if away == 0 && m.rnd.chance(0.01) {
			away = m.rnd.between(1, 6)
		}
		if away > 0 {
			away--
			m.fail(Beacon, orig, resp, at, p.rtt)
			return m.rnd.jitter(period, jitter)
		}
		t := talk{
			kind: Beacon, orig: orig, resp: resp, at: at, rtt: p.rtt, service: service,
			up: up + m.rnd.between(0, 24), down: down + m.rnd.between(0, 40), turns: 1,
			think: 20 * millisecond, rate: 2, closing: m.usual(),
		}
		if service == "ssl" {
			t.turns = 2
			t.up += helloBytes
			t.down += 200
			if !resumed {
				t.down += certBytes - 200
			}
		}
		if m.rnd.chance(0.3) {
			t.idle = m.rnd.size(keepAlive) / 4
		}
		switch u := m.rnd.float(); {
		case u < 0.02: // a tool is sent
			t.down += m.rnd.size(pageBytes)
		case u < 0.04: // a result is returned
			t.up += m.rnd.size(requestBytes)
			t.turns++
		}
		m.tcp(&t)
		return m.rnd.jitter(period, jitter)
	}
}

// exfiltrate carries data away: in one go, in pieces, or drop by drop.
func (m *maker) exfiltrate(mean int64) func(at int64) int64 {
	gap := min(m.rnd.size(curve{{0, 1e6}, {0.4, 20e6}, {0.8, 600e6}, {1, 7200e6}}), mean)
	roles := [...]role{workstation, workstation, fileServer}
	h := m.infected(roles[m.rnd.below(len(roles))])
	p := m.hostile()
	if m.rnd.chance(0.3) { // an ordinary cloud
		p = m.site.peer(classWeb, m.rnd.rank(200), m.rnd.rank(8))
	}
	volume := curve{{0, 4e5}, {0.4, 6e6}, {0.85, 2e8}, {1, 8e9}}
	if m.rnd.chance(0.4) {
		volume = curve{{0, 4e4}, {0.6, 6e5}, {1, 6e6}}
	}
	port, service, first := uint16(443), "ssl", false
	switch u := m.rnd.float(); {
	case u < 0.12:
		port, service = 80, "http"
	case u < 0.24:
		port, service, first = 22, "ssh", true
	case u < 0.30:
		port, service = uint16(m.rnd.between(30_000, 60_000)), "ftp-data"
	case u < 0.38:
		port, service = uint16(m.rnd.between(1_024, 49_151)), ""
	}
	limit := wanRate.at(m.rnd.float()) // slow on purpose, or as fast as it goes
	return func(at int64) int64 {
		orig, resp := m.out(h, p, port)
		if m.rnd.chance(0.03) {
			m.fail(Exfiltration, orig, resp, at, p.rtt)
			return m.rnd.wait(gap)
		}
		t := talk{
			kind: Exfiltration, orig: orig, resp: resp, at: at, rtt: p.rtt, service: service,
			up: m.rnd.size(volume), down: m.rnd.between(250, 6_500), turns: m.rnd.between(2, 6),
			serverFirst: first, think: 30 * millisecond, rate: limit * (0.7 + float64(0.6*m.rnd.float())),
			closing: m.usual(),
		}
		if service == "ftp-data" {
			t.down, t.turns = 0, 1
		}
		if m.rnd.chance(0.5) {
			t.idle = m.rnd.size(keepAlive)
		}
		m.tcp(&t)
		return m.rnd.wait(gap)
	}
}

// dnsTunnel carries data in the names of lookups.
func (m *maker) dnsTunnel(mean int64) func(at int64) int64 {
	gap := min(m.rnd.size(curve{{0, 8e3}, {0.4, 150e3}, {0.75, 2e6}, {1, 40e6}}), mean)
	h := m.infected(workstation)
	server := m.site.any(m.rnd, resolver)
	p := m.hostile()
	direct := m.rnd.chance(0.35) // past the site's resolver
	oneFlow := m.rnd.chance(0.3) // keeps its port: many queries in one flow
	longest := m.rnd.between(60, 235)
	answer := m.rnd.between(40, 420)
	return func(at int64) int64 {
		var orig, resp end
		rtt := p.rtt
		if direct {
			orig, resp = m.out(h, p, 53)
		} else {
			orig, resp = m.pair(h, server, 53)
			rtt += m.lan()
		}
		n := int64(1)
		if oneFlow {
			n = m.rnd.size(curve{{0, 2}, {0.5, 30}, {1, 3_000}})
		}
		idle := m.rnd.chance(0.35) // nothing to say: short names
		up, down := int64(0), int64(0)
		for range min(n, 8) {
			q := m.rnd.between(longest-25, longest)
			a := m.rnd.between(answer/2, answer)
			if idle {
				q, a = m.rnd.between(36, 60), m.rnd.between(16, 60)
			}
			up += q
			down += q + a
		}
		if n > 8 {
			up, down = up*n/8, down*n/8
		}
		answered := n
		if m.rnd.chance(0.02) {
			answered = 0
			down = 0
		}
		life := rtt + m.rnd.wait(3*millisecond) + (n-1)*min(gap, second)
		m.udp(DNSTunnel, orig, resp, at, life, "dns", n, up, answered, down)
		return m.rnd.wait(gap)
	}
}

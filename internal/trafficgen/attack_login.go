package trafficgen

// bruteForce tries passwords over ssh.
func (m *maker) bruteForce(mean int64) func(at int64) int64 {
	gap := min(m.rnd.size(curve{{0, 40e3}, {0.3, 400e3}, {0.6, 3e6}, {0.85, 30e6}, {1, 300e6}}), mean)
	// Sources: one from outside, a botnet that takes turns, or one inside.
	insider := (*host)(nil)
	p := m.hostile()
	sources := 1
	switch u := m.rnd.float(); {
	case u < 0.2:
		insider = m.infected(workstation)
	case u < 0.4:
		sources = int(m.rnd.between(5, 80))
	}
	targets := int(m.rnd.between(1, 3))
	port := uint16(22)
	if m.rnd.chance(0.1) {
		port = 2222
	}
	perConn := m.rnd.between(1, 6) // passwords per connection
	blocked := m.rnd.chance(0.3)   // a guard on the server that reacts in time
	guarded := int64(0)            // attempts left for which it does not answer
	base := m.rnd.below(numHostile)
	list := m.site.byRole[shellServer]
	shift := m.rnd.below(len(list))
	return func(at int64) int64 {
		h := list[(shift+m.rnd.below(targets))%len(list)]
		var orig, resp end
		rtt := m.lan()
		if insider != nil {
			orig, resp = m.pair(insider, h, port)
		} else {
			from := p
			if sources > 1 {
				from = m.site.peer(classHostile, (base+m.rnd.below(sources))%numHostile, 2)
			}
			orig, resp = m.in(from, h, port)
			rtt = from.rtt
		}
		switch {
		case guarded > 0:
			guarded--
			m.unanswered(SSHBruteForce, orig, resp, at, synLength(ipHeader(orig.addr), orig.stamps), m.rnd.between(1, 4))
		case m.rnd.chance(0.02):
			m.fail(SSHBruteForce, orig, resp, at, rtt)
		default:
			m.guess(orig, resp, at, rtt, m.rnd.between(1, perConn))
			if blocked && m.rnd.chance(0.05) {
				guarded = m.rnd.between(2, 12)
			}
		}
		return m.rnd.wait(gap)
	}
}

// guess is one connection with a number of passwords. Once in a while the last
// one is right, and somebody looks around.
func (m *maker) guess(orig, resp end, at, rtt, passwords int64) {
	t := talk{
		kind: SSHBruteForce, orig: orig, resp: resp, at: at, rtt: rtt, service: "ssh",
		up: m.rnd.between(1_150, 2_000) + 90*passwords, down: m.rnd.between(1_500, 2_400) + 60*passwords,
		turns: 6 + passwords, serverFirst: true, rate: 5, closing: m.usual(),
		idle: passwords * m.rnd.between(200*millisecond, 2_600*millisecond),
	}
	switch u := m.rnd.float(); {
	case u < 0.004:
		t.up += m.rnd.between(1_500, 90_000)
		t.down += m.rnd.between(2_000, 400_000)
		t.turns += m.rnd.between(20, 300)
		t.idle += m.rnd.wait(2 * minute)
	case u < 0.1: // the client only wants the server's keys, or gives up
		t.up, t.down, t.turns, t.idle = m.rnd.between(20, 1_000), m.rnd.between(21, 1_400), 2, 0
	}
	m.tcp(&t)
}

// telnetWorm is an infected device that looks for others, and what it does when
// it finds one.
func (m *maker) telnetWorm(mean int64) func(at int64) int64 {
	gap := min(m.rnd.size(curve{{0, 300}, {0.4, 8e3}, {0.7, 150e3}, {0.9, 4e6}, {1, 40e6}}), mean)
	var from end
	inward := m.rnd.chance(0.35)
	rtt := int64(0)
	if inward {
		p := m.hostile()
		from, rtt = end{p.v4, 0, p.stamps}, p.rtt
	} else {
		h := m.infected(device)
		from = end{h.v4, 0, h.stamps}
	}
	syn := [...]int64{40, 40, 60}[m.rnd.below(3)]
	loader := m.site.peer(classHostile, m.rnd.rank(numHostile), 3)
	fixed := m.rnd.chance(0.3)
	port := m.rnd.port()
	return func(at int64) int64 {
		orig := from
		orig.port = port
		if !fixed {
			orig.port = m.rnd.port()
		}
		var resp end
		took := rtt
		if inward {
			resp, _ = m.target(0.3)
		} else {
			resp = end{addr: outside4(m.rnd.u64()), stamps: true}
			took = m.wan()
		}
		resp.port = 23
		if m.rnd.chance(0.1) {
			resp.port = 2323
		}
		switch u := m.rnd.float(); {
		case u < 0.86:
			m.unanswered(TelnetWorm, orig, resp, at, syn, m.rnd.between(1, 3))
		case u < 0.95:
			m.refused(TelnetWorm, orig, resp, at, took, syn, 1)
		case u < 0.99: // a login prompt: try the passwords of the factory
			m.tcp(&talk{
				kind: TelnetWorm, orig: orig, resp: resp, at: at, rtt: took,
				up: m.rnd.between(12, 220), down: m.rnd.between(40, 900), turns: m.rnd.between(3, 16),
				serverFirst: true, think: 400 * millisecond, closing: m.usual(),
			})
		default: // it worked: the victim, or the worm for it, fetches the program
			if inward {
				orig = resp
			}
			orig.port, resp = m.rnd.port(), end{loader.v4, 80, loader.stamps}
			m.tcp(&talk{
				kind: TelnetWorm, orig: orig, resp: resp, at: at, rtt: loader.rtt, service: "http",
				up: m.rnd.between(100, 220), down: m.rnd.between(30_000, 140_000), turns: 1,
				think: 30 * millisecond, rate: wanRate.at(m.rnd.float()), closing: m.usual(),
			})
		}
		return m.rnd.wait(gap)
	}
}

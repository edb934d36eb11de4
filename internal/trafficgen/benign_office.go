package trafficgen

var (
	mailBytes  = curve{{0, 900}, {0.4, 6_000}, {0.8, 45_000}, {0.97, 2e6}, {1, 2.5e7}}
	shareBytes = curve{{0, 1_500}, {0.4, 20_000}, {0.8, 900_000}, {0.97, 6e7}, {1, 4e9}}
)

// readMail polls or watches the mailbox.
func (m *maker) readMail(h *host, at int64) {
	server := m.site.any(m.rnd, mailServer)
	port, service := uint16(993), "ssl"
	switch u := m.rnd.float(); {
	case u < 0.12:
		port, service = 143, "imap"
	case u < 0.20:
		port, service = 110, "pop3"
	case u < 0.26:
		port = 995
	}
	orig, resp := m.pair(h, server, port)
	if m.rnd.chance(0.006) {
		m.fail(Mail, orig, resp, at, m.lan())
		return
	}
	t := talk{
		kind: Mail, orig: orig, resp: resp, at: at, rtt: m.lan(), service: service,
		up: m.rnd.between(300, 1_800), down: 900 + m.rnd.size(mailBytes),
		turns: m.rnd.between(4, 12), serverFirst: service != "ssl", think: 8 * millisecond,
		rate: lanRate.at(m.rnd.float()), closing: m.usual(), clean: true,
	}
	if port == 993 && m.rnd.chance(0.3) { // a client that waits for news
		t.idle = m.rnd.between(2*minute, 29*minute)
		t.turns += 6
	}
	m.tcp(&t)
}

// sendMail hands a message to the mail server.
func (m *maker) sendMail(h *host, at int64) {
	server := m.site.any(m.rnd, mailServer)
	port, service := uint16(587), "smtp,ssl"
	if m.rnd.chance(0.25) {
		port, service = 465, "ssl"
	}
	orig, resp := m.pair(h, server, port)
	m.tcp(&talk{
		kind: Mail, orig: orig, resp: resp, at: at, rtt: m.lan(), service: service,
		up: 900 + m.rnd.size(mailBytes), down: m.rnd.between(1_800, 5_200),
		turns: 7, serverFirst: port == 587, think: 15 * millisecond,
		rate: lanRate.at(m.rnd.float()), closing: m.usual(), clean: true,
	})
}

// relayMail exchanges a message with another mail server.
func (m *maker) relayMail(h *host, at int64) {
	p := m.site.peer(classMail, m.rnd.rank(3_000), 0)
	inbound := m.rnd.chance(0.65)
	var orig, resp end
	if inbound {
		orig, resp = m.in(p, h, 25)
	} else {
		at = m.lookup(h, at)
		orig, resp = m.out(h, p, 25)
		if m.rnd.chance(0.05) {
			m.fail(Mail, orig, resp, at, p.rtt)
			return
		}
	}
	t := talk{
		kind: Mail, orig: orig, resp: resp, at: at, rtt: p.rtt, service: "smtp",
		up: 400 + m.rnd.size(mailBytes), down: m.rnd.between(300, 900),
		turns: 6, serverFirst: true, think: 120 * millisecond,
		rate: wanRate.at(m.rnd.float()), closing: m.usual(),
	}
	switch {
	case m.rnd.chance(0.7):
		t.service = "smtp,ssl"
		t.down += certBytes
	case inbound && m.rnd.chance(0.4): // refused by a policy after the greeting
		t.up, t.turns, t.closing = m.rnd.between(30, 90), 2, finResp
	}
	m.tcp(&t)
}

// share opens files on the file server.
func (m *maker) share(h *host, at int64) {
	server := m.site.any(m.rnd, fileServer)
	orig, resp := m.pair(h, server, 445)
	if m.rnd.chance(0.01) {
		m.fail(FileShare, orig, resp, at, m.lan())
		return
	}
	t := talk{
		kind: FileShare, orig: orig, resp: resp, at: at, rtt: m.lan(), service: "gssapi,ntlm,smb",
		up: 2_500 + m.rnd.between(0, 9_000), down: 2_200 + m.rnd.size(shareBytes),
		turns: m.rnd.between(10, 60), think: 2 * millisecond, rate: lanRate.at(m.rnd.float()),
		idle: m.rnd.size(curve{{0, 1e5}, {0.5, 12e6}, {0.9, 900e6}, {1, 9000e6}}), closing: m.usual(), clean: true,
	}
	if m.rnd.chance(0.35) { // saving instead of reading
		t.up, t.down = t.down, t.up
	}
	if m.rnd.chance(0.2) {
		t.service = "gssapi,krb,smb"
	}
	m.tcp(&t)
}

// logon asks the directory for tickets and policies.
func (m *maker) logon(h *host, at int64) {
	server := m.site.any(m.rnd, directory)
	for range m.rnd.between(1, 4) {
		t := talk{
			kind: Directory, at: at, rtt: m.lan(), turns: 1, think: millisecond, rate: 50,
			closing: m.usual(), clean: true,
		}
		switch m.rnd.below(4) {
		case 0, 1:
			t.orig, t.resp = m.pair(h, server, 88)
			t.service, t.up, t.down = "krb_tcp", m.rnd.between(230, 1_700), m.rnd.between(280, 1_650)
		case 2:
			t.orig, t.resp = m.pair(h, server, 389)
			t.service, t.up, t.down, t.turns = "ldap_tcp", m.rnd.between(600, 3_500), m.rnd.between(800, 9_000), 5
			t.idle = m.rnd.wait(20 * second)
		default:
			t.orig, t.resp = m.pair(h, server, 135)
			t.service, t.up, t.down, t.turns = "dce_rpc", m.rnd.between(250, 600), m.rnd.between(200, 500), 2
		}
		m.tcp(&t)
		at += m.rnd.wait(40 * millisecond)
	}
}

// administer is an administrator at work: shells, desktops, old consoles.
func (m *maker) administer(h *host, at int64) {
	roles := [...]role{shellServer, webServer, fileServer, mailServer, backupServer}
	to := m.site.any(m.rnd, roles[m.rnd.below(len(roles))])
	switch u := m.rnd.float(); {
	case u < 0.55:
		m.shell(Admin, h, to, at)
	case u < 0.85:
		to = m.site.any(m.rnd, workstation)
		orig, resp := m.pair(h, to, 3389)
		if m.rnd.chance(0.2) { // it is switched off
			m.fail(Admin, orig, resp, at, m.lan())
			return
		}
		m.tcp(&talk{
			kind: Admin, orig: orig, resp: resp, at: at, rtt: m.lan(), service: "rdp,ssl",
			up: m.rnd.between(60_000, 2_000_000), down: m.rnd.size(shareBytes) + 400_000,
			turns: m.rnd.between(200, 4_000), think: 30 * millisecond, rate: 2,
			idle: m.rnd.wait(4 * minute), closing: m.usual(), clean: true,
		})
	default:
		to = m.site.any(m.rnd, printer)
		if m.rnd.chance(0.5) {
			to = m.site.any(m.rnd, device)
		}
		orig, resp := m.pair(h, to, 23)
		if m.rnd.chance(0.4) {
			m.fail(Admin, orig, resp, at, m.lan())
			return
		}
		m.tcp(&talk{
			kind: Admin, orig: orig, resp: resp, at: at, rtt: m.lan(),
			up: m.rnd.between(60, 900), down: m.rnd.between(300, 9_000), turns: m.rnd.between(10, 120),
			serverFirst: true, think: 300 * millisecond, rate: 1, closing: m.usual(), clean: true,
		})
	}
}

// shell opens a secure shell; now and then the password is wrong first.
func (m *maker) shell(k Kind, h, to *host, at int64) {
	for m.rnd.chance(0.15) {
		orig, resp := m.pair(h, to, 22)
		m.tcp(&talk{
			kind: k, orig: orig, resp: resp, at: at, rtt: m.lan(), service: "ssh",
			up: m.rnd.between(1_500, 2_600), down: m.rnd.between(1_900, 3_000), turns: m.rnd.between(7, 12),
			serverFirst: true, think: 350 * millisecond, rate: 10, closing: m.usual(), clean: true,
		})
		at += m.rnd.between(3*second, 20*second)
	}
	orig, resp := m.pair(h, to, 22)
	m.tcp(&talk{
		kind: k, orig: orig, resp: resp, at: at, rtt: m.lan(), service: "ssh",
		up:    2_000 + m.rnd.size(curve{{0, 500}, {0.6, 9_000}, {0.95, 200_000}, {1, 5e8}}),
		down:  2_600 + m.rnd.size(curve{{0, 900}, {0.6, 30_000}, {0.95, 900_000}, {1, 1e9}}),
		turns: m.rnd.between(12, 700), serverFirst: true, think: 500 * millisecond, rate: 20,
		idle: m.rnd.wait(90 * second), closing: m.usual(), clean: true,
	})
}

// automate runs a tool that logs in to one machine after the other.
func (m *maker) automate(h *host, at int64) {
	roles := [...]role{webServer, fileServer, shellServer, mailServer}
	n := m.rnd.between(2, 6)
	if m.rnd.chance(0.15) {
		n = m.rnd.between(6, 20)
	}
	for range n {
		to := m.site.any(m.rnd, roles[m.rnd.below(len(roles))])
		orig, resp := m.pair(h, to, 22)
		if m.rnd.chance(0.03) {
			m.fail(Admin, orig, resp, at, m.lan())
		} else {
			m.tcp(&talk{
				kind: Admin, orig: orig, resp: resp, at: at, rtt: m.lan(), service: "ssh",
				up: m.rnd.between(2_300, 60_000), down: m.rnd.between(2_600, 20_000), turns: m.rnd.between(9, 40),
				serverFirst: true, think: 60 * millisecond, rate: 30, closing: m.usual(), clean: true,
			})
		}
		at += m.rnd.wait(600 * millisecond)
	}
}

// print sends a job, or asks a printer how it is.
func (m *maker) print(h *host, at int64) {
	to := m.site.any(m.rnd, printer)
	if m.rnd.chance(0.5) {
		orig, resp := m.pair(h, to, 161)
		n := m.rnd.between(1, 6)
		m.udp(Print, orig, resp, at, n*m.rnd.between(2, 30)*millisecond, "snmp",
			n, n*m.rnd.between(40, 80), n, n*m.rnd.between(42, 120))
	}
	port, service := uint16(9100), ""
	if m.rnd.chance(0.4) {
		port, service = 631, "http"
	}
	orig, resp := m.pair(h, to, port)
	if m.rnd.chance(0.08) {
		m.fail(Print, orig, resp, at, m.lan())
		return
	}
	m.tcp(&talk{
		kind: Print, orig: orig, resp: resp, at: at, rtt: m.lan(), service: service,
		up: m.rnd.size(curve{{0, 20_000}, {0.6, 400_000}, {0.95, 9e6}, {1, 2e8}}), down: m.rnd.between(0, 600),
		turns: 2, think: 200 * millisecond, rate: 1 + float64(4*m.rnd.float()), closing: m.usual(), clean: true,
	})
}

// call is a voice or video conversation.
func (m *maker) call(h *host, at int64) {
	p := m.site.peer(classCall, m.rnd.rank(30), m.rnd.rank(20))
	at = m.lookup(h, at)
	m.fetch(Call, h, p, at, m.rnd.between(1_500, 9_000), m.rnd.between(3_000, 20_000))
	life := m.rnd.size(curve{{0, 8e6}, {0.4, 200e6}, {0.9, 2400e6}, {1, 9000e6}})
	orig, resp := m.out(h, p, uint16(m.rnd.between(50_000, 59_999)))
	if m.rnd.chance(0.6) {
		resp.port = 3478
	}
	perSecond := m.rnd.between(45, 55)
	payload := m.rnd.between(90, 190)
	if m.rnd.chance(0.4) { // with pictures
		perSecond = m.rnd.between(120, 400)
		payload = m.rnd.between(700, 1_150)
	}
	pktO := max(life/second, 1) * perSecond
	pktR := pktO * m.rnd.between(80, 115) / 100
	m.udp(Call, orig, resp, at+m.rnd.wait(second), life, "", pktO, pktO*payload, pktR, pktR*payload)
}

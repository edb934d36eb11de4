package trafficgen

import "net/netip"

// maker builds connections from one stream of random numbers. Benign traffic and
// attacks have one each, so that neither changes the other.
type maker struct {
	g       *Generator
	site    *site
	rnd     stream
	uidSeed uint64
	made    uint64 // flows made so far
	hist    []byte // scratch for histories
	names   map[string]string
}

func newMaker(g *Generator, name uint64) maker {
	return maker{
		g:       g,
		site:    g.site,
		rnd:     newStream(g.cfg.Seed, name),
		uidSeed: mix(g.cfg.Seed ^ name<<56),
		names:   make(map[string]string),
	}
}

// end is one side of a connection.
type end struct {
	addr   netip.Addr
	port   uint16
	stamps bool // uses TCP timestamps
}

// pair returns the two ends of a connection from h to another host of the site,
// over IPv6 when both have it and the dice say so. A host that would talk to
// itself talks to its neighbour.
func (m *maker) pair(h, to *host, port uint16) (orig, resp end) {
	if to == h {
		to = m.site.besides(h)
	}
	orig = end{h.v4, m.rnd.port(), h.stamps}
	resp = end{to.v4, port, to.stamps}
	if h.v6.IsValid() && to.v6.IsValid() && m.rnd.chance(0.15) {
		orig.addr, resp.addr = h.v6, to.v6
	}
	return orig, resp
}

// out returns the two ends of a connection from h to a host of the Internet.
func (m *maker) out(h *host, to peer, port uint16) (orig, resp end) {
	orig = end{h.v4, m.rnd.port(), h.stamps}
	resp = end{to.v4, port, to.stamps}
	if h.v6.IsValid() && to.v6.IsValid() && m.rnd.chance(0.5) {
		orig.addr, resp.addr = h.v6, to.v6
	}
	return orig, resp
}

// in returns the two ends of a connection from the Internet to h.
func (m *maker) in(from peer, h *host, port uint16) (orig, resp end) {
	return end{from.v4, m.rnd.port(), from.stamps}, end{h.v4, port, h.stamps}
}

// lan is the round trip time inside the site, microseconds.
func (m *maker) lan() int64 { return m.rnd.between(150, 1_200) }

// wan is the round trip time to some host of the Internet, microseconds.
func (m *maker) wan() int64 { return m.rnd.size(rttCurve) }

// begin starts a record. finish hands it over.
func (m *maker) begin(k Kind, proto Proto, orig, resp end, at int64) *Record {
	r := m.g.record()
	r.TS = at
	r.UID = makeUID(m.uidSeed, m.made)
	m.made++
	r.OrigH, r.OrigP = orig.addr, orig.port
	r.RespH, r.RespP = resp.addr, resp.port
	r.Proto = proto
	r.LocalOrig = m.site.local(orig.addr)
	r.LocalResp = m.site.local(resp.addr)
	r.Kind = k
	m.hist = m.hist[:0]
	return r
}

// lasts sets the duration; a connection of several packets has one, of at least a
// microsecond.
func (r *Record) lasts(us int64) {
	if r.OrigPkts+r.RespPkts > 1 {
		r.Timed = true
		r.Duration = max(us, 1)
	}
}

// finish stores the history and opens the flow.
func (m *maker) finish(r *Record) *Record {
	if len(m.hist) > 0 {
		h, ok := m.names[string(m.hist)]
		if !ok {
			h = string(m.hist)
			m.names[h] = h
		}
		r.History = h
	}
	m.g.open.push(r.End(), r)
	return r
}

// event adds letters to the history.
func (m *maker) event(letters string) { m.hist = append(m.hist, letters...) }

// ipHeader returns the length of the IP header for an address.
func ipHeader(a netip.Addr) int64 {
	if a.Is4() {
		return 20
	}
	return 40
}

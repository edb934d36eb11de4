package trafficgen

// closing is how a TCP connection ends.
type closing uint8

const (
	finOrig    closing = iota // SF, the originator closes first
	finResp                   // SF, the responder closes first
	finOrigRst                // SF, and a late reset by the responder's peer
	finRespRst                // RSTO: the responder closes, the originator resets
	rstOrig                   // RSTO
	rstResp                   // RSTR
	stillOpen                 // S1
	halfOrig                  // S2, only the originator closed
	halfResp                  // S3, only the responder closed
	numClosings
)

var closingStates = [numClosings]string{"SF", "SF", "SF", "RSTO", "RSTO", "RSTR", "S1", "S2", "S3"}

// talk describes an established TCP connection by what its ends wanted.
type talk struct {
	kind        Kind
	orig, resp  end
	at, rtt     int64 // microseconds
	service     string
	up, down    int64   // payload bytes from the originator and the responder
	turns       int64   // requests and answers, at least 1
	serverFirst bool    // the responder speaks first
	think       int64   // mean time of the responder per turn, microseconds
	rate        float64 // bytes per microsecond
	idle        int64   // time between the last payload and the end, microseconds
	closing     closing
	clean       bool // no packet loss
}

// tcp makes the flow of an established connection.
func (m *maker) tcp(t *talk) *Record {
	r := m.begin(t.kind, TCP, t.orig, t.resp, t.at)
	r.Service = t.service
	r.ConnState = closingStates[t.closing]
	ip := ipHeader(t.orig.addr)
	opts := int64(0)
	if t.orig.stamps && t.resp.stamps {
		opts = 12
	}
	header := ip + 20 + opts
	segment := 1500 - header
	synO, synR := synLength(ip, t.orig.stamps), synLength(ip, opts > 0)

	// Segments with payload: full ones for the volume, and one for each turn.
	turns := max(t.turns, 1)
	segO := segments(t.up, segment, turns)
	segR := segments(t.down, segment, turns)
	ackO := 1 + (segR+1)/2
	ackR := (segO + 1) / 2
	if segR > 8 && m.rnd.chance(0.5) {
		ackO += m.rnd.between(0, segR/3)
	}

	m.event("ShA")
	switch {
	case t.up > 0 && t.down > 0 && t.serverFirst:
		m.event("dDa")
	case t.up > 0 && t.down > 0:
		if turns == 1 && segO == 1 && m.rnd.chance(0.1) {
			ackR = 0 // the answer carries the acknowledgement
			m.event("Dd")
		} else {
			m.event("Dad")
		}
	case t.up > 0:
		m.event("Da")
	case t.down > 0:
		m.event("d")
	}

	var lostO, lostR int64 // retransmitted segments
	var gap int64          // segments of the responder that the sensor missed
	if !t.clean {
		lostO = m.lost(segO)
		lostR = m.lost(segR)
		if lostO > 0 {
			m.event("T")
		}
		if lostR > 0 {
			m.event("t")
			if lostR >= 10 {
				m.event("t")
			}
		}
		if segR > 12 && m.rnd.chance(0.004) {
			gap = m.rnd.between(1, min(segR/4, 40))
			m.event("g")
		}
	}

	pktO := 1 + ackO + segO + lostO
	pktR := 1 + ackR + segR + lostR - gap
	endO, endR := m.end(t.closing)
	pktO += endO
	pktR += endR

	r.OrigBytes, r.RespBytes = uint64(t.up), uint64(t.down)
	r.MissedBytes = uint64(gap * segment)
	r.OrigPkts, r.RespPkts = uint64(pktO), uint64(pktR)
	r.OrigIPBytes = uint64(synO + (pktO-1)*header + t.up + lostO*min(segment, t.up))
	r.RespIPBytes = uint64(synR + (pktR-1)*header + t.down + lostR*min(segment, t.down) - gap*segment)

	life := t.rtt + t.rtt/2 + turns*t.rtt + (lostO+lostR)*m.rnd.between(t.rtt, 4*t.rtt)
	if t.think > 0 {
		for range min(turns, 8) {
			life += m.rnd.wait(t.think) * max(turns/8, 1)
		}
	}
	if t.rate > 0 {
		life += int64(float64(t.up+t.down) / t.rate)
	}
	r.lasts(life + t.idle + m.rnd.between(0, t.rtt))
	return m.finish(r)
}

// end adds the end of a connection to the history and returns its packets.
func (m *maker) end(c closing) (orig, resp int64) {
	switch c {
	case finOrig:
		m.event("Ff")
		return 2, 1
	case finResp:
		m.event("fF")
		return 1, 2
	case finOrigRst:
		m.event("FfR")
		return 2, 1
	case finRespRst:
		m.event("fR")
		return 1, 1
	case rstOrig:
		m.event("R")
		return 1, 0
	case rstResp:
		m.event("r")
		return 0, 1
	case halfOrig:
		m.event("F")
		return 1, 1
	case halfResp:
		m.event("f")
		return 1, 1
	}
	return 0, 0
}

// lost returns how many of n segments were sent twice.
func (m *maker) lost(n int64) int64 {
	if n < 2 || !m.rnd.chance(min(0.01+float64(float64(n)*0.0005), 0.25)) {
		return 0
	}
	return 1 + m.rnd.between(0, n/100)
}

// segments returns how many segments carry n bytes in so many turns.
func segments(n, segment, turns int64) int64 {
	if n <= 0 {
		return 0
	}
	return min(max((n+segment-1)/segment, turns), n)
}

// synLength returns the IP length of a SYN or SYN-ACK with the usual options.
func synLength(ip int64, stamps bool) int64 {
	if stamps {
		return ip + 40
	}
	return ip + 32
}

// usual draws the end of a connection that went well.
func (m *maker) usual() closing {
	switch u := m.rnd.float(); {
	case u < 0.50:
		return finOrig
	case u < 0.76:
		return finResp
	case u < 0.80:
		return finOrigRst
	case u < 0.87:
		return finRespRst
	case u < 0.94:
		return rstOrig
	case u < 0.965:
		return rstResp
	case u < 0.99:
		return stillOpen
	case u < 0.995:
		return halfOrig
	}
	return halfResp
}

// unanswered makes a connection attempt that nobody answers: S0. The SYN of the
// given IP length is sent so many times, each wait doubling.
func (m *maker) unanswered(k Kind, orig, resp end, at, syn, tries int64) *Record {
	r := m.begin(k, TCP, orig, resp, at)
	r.ConnState = "S0"
	m.event("S")
	r.OrigPkts = uint64(tries)
	r.OrigIPBytes = uint64(tries * syn)
	life := int64(0)
	for i := int64(1); i < tries; i++ {
		life += second<<(i-1) + m.rnd.between(0, 40*millisecond)
	}
	r.lasts(life)
	return m.finish(r)
}

// refused makes a connection attempt that is answered by a reset: REJ.
func (m *maker) refused(k Kind, orig, resp end, at, rtt, syn, tries int64) *Record {
	r := m.begin(k, TCP, orig, resp, at)
	r.ConnState = "REJ"
	m.event("Sr")
	r.OrigPkts, r.RespPkts = uint64(tries), uint64(tries)
	r.OrigIPBytes = uint64(tries * syn)
	r.RespIPBytes = uint64(tries * (ipHeader(orig.addr) + 20))
	r.lasts(rtt + (tries-1)*(500*millisecond+m.rnd.between(0, 30*millisecond)))
	return m.finish(r)
}

// fail makes a connection attempt of an ordinary program that fails.
func (m *maker) fail(k Kind, orig, resp end, at, rtt int64) *Record {
	syn := synLength(ipHeader(orig.addr), orig.stamps)
	if m.rnd.chance(0.6) {
		return m.unanswered(k, orig, resp, at, syn, m.rnd.between(1, 5))
	}
	tries := int64(1)
	if !orig.stamps {
		tries = m.rnd.between(1, 3)
	}
	return m.refused(k, orig, resp, at, rtt, syn, tries)
}

// odd makes a connection of a few packets with the given state, history and
// packets of each side, without payload.
func (m *maker) odd(k Kind, orig, resp end, at, life int64, state, history string, pktO, pktR, syn int64) *Record {
	r := m.begin(k, TCP, orig, resp, at)
	r.ConnState = state
	m.event(history)
	bare := ipHeader(orig.addr) + 20
	r.OrigPkts, r.RespPkts = uint64(pktO), uint64(pktR)
	if pktO > 0 {
		r.OrigIPBytes = uint64(syn + (pktO-1)*bare)
	}
	if pktR > 0 {
		r.RespIPBytes = uint64(bare + 4 + (pktR-1)*bare)
	}
	r.lasts(life)
	return m.finish(r)
}

// middle makes a connection whose beginning the sensor did not see: OTH.
func (m *maker) middle(k Kind, orig, resp end, at, life, up, down int64) *Record {
	r := m.begin(k, TCP, orig, resp, at)
	r.ConnState = "OTH"
	header := ipHeader(orig.addr) + 20
	if orig.stamps && resp.stamps {
		header += 12
	}
	segO, segR := segments(up, 1500-header, 1), segments(down, 1500-header, 1)
	pktO, pktR := segO+(segR+1)/2, segR+(segO+1)/2
	switch {
	case up > 0 && down > 0:
		m.event(m.rnd.pick("DadA", "DdAa", "^dADa"))
	case up > 0:
		m.event("Da")
	case down > 0:
		m.event("^dA")
	default:
		m.event(m.rnd.pick("Aa", "^aA"))
		pktO, pktR = 1, 1
	}
	r.OrigBytes, r.RespBytes = uint64(up), uint64(down)
	r.OrigPkts, r.RespPkts = uint64(pktO), uint64(pktR)
	r.OrigIPBytes = uint64(up + pktO*header)
	r.RespIPBytes = uint64(down + pktR*header)
	r.lasts(life)
	return m.finish(r)
}

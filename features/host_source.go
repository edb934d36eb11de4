package features

import "threatdetect/internal/sketch"

// sourceState is what is remembered of a source.
type sourceState struct {
	sums
	failed          [sumSpans]float64
	dstNews         [2]float64 // different destinations, fading in 60 and 600 s
	portNews        [2]float64
	netNews         [3]float64 // and in an hour
	bytes, duration spread
	gaps            spread  // intervals between flows
	soon            [3]soon // of destinations, of ports, of networks
	dsts            distinct
	dports          values   // in the half hour of dsts
	steps           int8     // of the test for scanners
	ports           [2]uint8 // most of a pair, in the half hour of dsts and the one before
}

// The test for scanners: a first contact that fails is four times as likely of a scanner, one that is answered four times as
// likely of another host. The score is a number of steps of ln 4.
const (
	ln4      = 1.3862943611198906
	maxSteps = 16
)

// source returns what is remembered of the source of a flow, and when a flow of it was counted last; to change it if the flow counts, else a
// copy. fresh means that nothing is.
func (h *hostPart) source(f *hostFlow, src uint64) (s *sourceState, last int64, fresh bool) {
	hash := h.hashHost(f.src)
	if f.count {
		var i uint32
		i, last, fresh = h.sources.touch(f.src, hash, src, f.t)
		if s = &h.sources.values[i]; fresh {
			*s = sourceState{dsts: distinct{half: half(f.t)}}
		}
		return s, last, fresh
	}
	s = &h.noSource
	if i := h.sources.find(f.src, hash); i != 0 {
		*s = h.sources.values[i]
		return s, h.sources.nodes[i].last, false
	}
	*s = sourceState{}
	return s, f.t, true
}

// addSource fills the cells of the source and of the pair. A flow that does not count gets what is remembered, and changes none
// of it.
func (h *hostPart) addSource(row []float32, f *hostFlow, src, dst uint64) {
	s, last, fresh := h.source(f, src)
	dt := since(f.t, last)
	d := decaysOver(dt)
	f.newSource = news(fresh, d[in24h])
	s.sums.add(&d, f.count, f.out, f.in, f.pkts)
	for i := range s.failed {
		s.failed[i] *= d[i]
		if f.failed && f.count {
			s.failed[i]++
		}
	}
	row[0], row[1], row[2], row[29], row[30] = round(s.flows[in60s]), round(s.flows[in600s]), round(s.flows[in3600s]), round(s.flows[in1s]), round(s.flows[in10s])
	row[3], row[4], row[12], row[5] = round(s.out[in600s]), round(s.in[in600s]), round(s.pkts[in600s]), portion(s.failed[in600s], s.flows[in600s])
	for k, span := range [...]int{in1s, in10s, in60s, in3600s} {
		row[srcSums+k], row[srcSums+4+k], row[srcSums+8+k] = round(s.out[span]), round(s.in[span]), round(s.pkts[span])
		row[srcSums+12+k] = portion(s.failed[span], s.flows[span])
	}

	was, n := s.dsts.half, half(f.t)
	row[13] = round(s.dsts.step(f.t, uint32(dst), true, f.count, h.pool))
	row[14] = round(s.dports.step(n, was, uint32(h.sketched.Hash(uint64(f.dport), 1)), f.dport >= 0, f.count, h.pool))
	if n != was {
		if s.ports[1] = s.ports[0]; n != was+1 {
			s.ports[1] = 0
		}
		s.ports[0] = 0
	}
	ports, first := h.addPair(row, f, src, dst)
	s.ports[0] = max(s.ports[0], ports)
	if first && f.count {
		switch {
		case f.failed:
			s.steps = min(s.steps+1, maxSteps)
		case f.answered:
			s.steps = max(s.steps-1, -maxSteps)
		}
	}
	row[15] = float32(max(s.ports[0], s.ports[1]))
	row[16] = round(float64(s.steps) * ln4)
	h.addFans(row, f, s, &d, src)

	gap := nan
	if !fresh {
		gap = dt / 1e9
	}
	for k, x := range [...]struct {
		s *spread
		x float64
		z int // its column
	}{{&s.bytes, f.sent, 17}, {&s.duration, f.d, 18}, {&s.gaps, gap, srcSpreads}} {
		z, mean, deviation := x.s.add(x.x, d[in24h], f.count)
		row[x.z], row[srcSpreads+1+2*k], row[srcSpreads+2+2*k] = round(z), round(mean), round(deviation)
	}
}

// addFans fills the counts of different destinations, ports and networks of the source, which fade one by one.
func (h *hostPart) addFans(row []float32, f *hostFlow, s *sourceState, d *decays, src uint64) {
	var dsts, ports, nets decays // what is new of each
	if f.count {
		dsts = f.newPair
		if f.dport >= 0 {
			ports = h.use(usedKey{f.src, uint64(f.dport), usedPort}, src, f.t)
		}
		nets = h.use(netOf(f.src, f.dst), src, f.t)
	}
	for i := range s.dstNews {
		s.dstNews[i] = float64(s.dstNews[i]*d[in60s+i]) + dsts[in60s+i]
		s.portNews[i] = float64(s.portNews[i]*d[in60s+i]) + ports[in60s+i]
	}
	for i := range s.netNews {
		s.netNews[i] = float64(s.netNews[i]*d[in60s+i]) + nets[in60s+i]
	}
	cells := row[fanColumns:]
	cells[0], cells[1], cells[2], cells[3] = round(s.dstNews[0]), round(s.dstNews[1]), round(s.portNews[0]), round(s.portNews[1])
	cells[4], cells[5], cells[6] = round(s.netNews[0]), round(s.netNews[1]), round(s.netNews[2])
	for i, x := range [...]*decays{&dsts, &ports, &nets} {
		s.soon[i].add(d, x)
		copy(row[soonColumns+2*i:], s.soon[i][:])
	}
}

// use notes that a source used something, and returns what is new of it in all spans but a day.
func (h *hostPart) use(k usedKey, src uint64, t int64) (n decays) {
	_, before, fresh := h.used.touch(k, h.hashUsed(k), h.sketched.Hash(src^uint64(k.kind), k.what), t)
	dt := since(t, before)
	for i := range sumSpans {
		n[i] = news(fresh, sketch.Decay(dt*perSpan[i]))
	}
	return n
}

// netOf is the network of a destination of a source: its /24, or of IPv6 its /64.
func netOf(src, dst hostKey) usedKey {
	if isMapped(dst) {
		return usedKey{src, dst.lo >> 8, usedNet4}
	}
	return usedKey{src, dst.hi, usedNet6}
}

package features

// destState is what is remembered of a destination.
type destState struct {
	sums                // out is what it sent: what came back
	failed   float64    // in 600 s
	srcNews  [2]float64 // different sources, fading in 60 and 600 s
	internal float64    // different hosts of the site, fading in a day
	soon     soon       // different sources
	srcs     distinct
}

// dest is as source.
func (h *hostPart) dest(f *hostFlow, dst uint64) (s *destState, last int64) {
	hash := h.hashHost(f.dst)
	if f.count {
		i, last, fresh := h.dests.touch(f.dst, hash, dst, f.t)
		if s = &h.dests.values[i]; fresh {
			*s = destState{srcs: distinct{half: half(f.t)}}
		}
		return s, last
	}
	s = &h.noDest
	if i := h.dests.find(f.dst, hash); i != 0 {
		*s = h.dests.values[i]
		return s, h.dests.nodes[i].last
	}
	*s = destState{}
	return s, f.t
}

// addDest fills the cells of the destination. addSource has to have seen the flow before.
func (h *hostPart) addDest(row []float32, f *hostFlow, src, dst uint64) {
	s, last := h.dest(f, dst)
	d := decaysOver(since(f.t, last))
	s.sums.add(&d, f.count, f.in, f.out, f.pkts)
	s.failed *= d[in600s]
	s.internal *= d[in24h]
	var srcs decays
	if f.count {
		srcs = f.newPair
		if f.failed {
			s.failed++
		}
		if f.internal {
			s.internal += srcs[in24h]
		}
	}
	for i := range s.srcNews {
		s.srcNews[i] = float64(s.srcNews[i]*d[in60s+i]) + srcs[in60s+i]
	}
	s.soon.add(&d, &srcs)
	f.fanin, f.known = s.srcs.step(f.t, uint32(src), true, f.count, h.faninPool), s.internal
	row[6], row[7], row[8], row[31], row[32] = round(s.flows[in60s]), round(s.flows[in600s]), round(s.flows[in3600s]), round(s.flows[in1s]), round(s.flows[in10s])
	row[9], row[10], row[11] = round(s.out[in600s]), round(s.in[in600s]), portion(s.failed, s.flows[in600s])
	row[19] = round(f.fanin)
	for k, span := range [...]int{in1s, in10s, in60s, in3600s} {
		row[dstSums+k], row[dstSums+4+k] = round(s.out[span]), round(s.in[span])
	}
	for span := range sumSpans {
		row[dstSums+8+span] = round(s.pkts[span])
	}
	row[fanColumns+7], row[fanColumns+8] = round(s.srcNews[0]), round(s.srcNews[1])
	copy(row[soonColumns+6:], s.soon[:])
}

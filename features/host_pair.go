package features

import "slices"

// pairState is what is remembered of a source and a destination.
type pairState struct {
	n, d                  float64
	bytes, duration, gaps spread
	ports                 [maxPairPorts]uint16
	numPorts              uint8
}

// maxPairPorts is how many ports of a pair are told apart.
const maxPairPorts = 64

// pair is as source.
func (h *hostPart) pair(f *hostFlow, fixed uint64) (p *pairState, last int64, fresh bool) {
	key := pairKey{f.src, f.dst}
	hash := h.hashPair(key)
	if f.count {
		var i uint32
		i, last, fresh = h.pairs.touch(key, hash, fixed, f.t)
		return &h.pairs.values[i], last, fresh
	}
	p = &h.noPair
	if i := h.pairs.find(key, hash); i != 0 {
		*p = h.pairs.values[i]
		return p, h.pairs.nodes[i].last, false
	}
	*p = pairState{}
	return p, f.t, true
}

// addPair fills the cells of the pair. It returns how many ports the pair has, and whether this is the first contact.
func (h *hostPart) addPair(row []float32, f *hostFlow, src, dst uint64) (ports uint8, first bool) {
	if n := period(f.t, contactSpan); f.count && n != h.days {
		h.contacts.Turn()
		if n != h.days+1 {
			h.contacts.Turn()
		}
		h.days = n
	}
	fixed := h.sketched.Hash(src, dst) // pairKey.fixed
	onPort := h.sketched.Hash(fixed, uint64(f.proto)<<32|uint64(f.dport+1))
	first, firstPort := !h.contacts.Has(fixed), !h.contacts.Has(onPort)
	if f.count {
		h.contacts.Add(fixed)
		h.contacts.Add(onPort)
	}

	p, last, fresh := h.pair(f, fixed)
	dt := since(f.t, last)
	d := decaysOver(dt)
	for i := range f.newPair {
		f.newPair[i] = news(fresh, d[i])
	}
	if dt > retention {
		p.numPorts = 0
	}
	p.n *= d[in3600s]
	p.d *= d[in24h]
	if f.count {
		p.n++
		if f.d == f.d {
			p.d += f.d
		}
		if n := int(p.numPorts); f.dport >= 0 && n < maxPairPorts && !slices.Contains(p.ports[:n], uint16(f.dport)) {
			p.ports[n] = uint16(f.dport)
			p.numPorts++
		}
	}
	row[21], row[22], row[23], row[24] = round(p.n), round(p.d), flag(first), flag(firstPort)

	gap := nan
	if !fresh {
		gap = dt / 1e9
	}
	for k, x := range [...]struct {
		s *spread
		x float64
	}{{&p.bytes, f.sent}, {&p.duration, f.d}, {&p.gaps, gap}} {
		z, mean, deviation := x.s.add(x.x, d[in24h], f.count)
		row[pairSpread+3*k], row[pairSpread+3*k+1], row[pairSpread+3*k+2] = round(z), round(mean), round(deviation)
	}
	return p.numPorts, first
}

package features

import (
	"math"
	"math/rand/v2"
	"slices"

	"threatdetect/internal/sketch"
)

// hostPart holds the keys of one part: sources with their pairs, and destinations.
type hostPart struct {
	sources   *store[hostKey, sourceState]
	pairs     *store[pairKey, pairState]
	contacts  *sketch.Bloom // of pairs, and of pairs with ports
	days      int64         // number of the present half of the contacts' retention
	dests     *store[hostKey, destState]
	pool      *sketchPool // of sources
	faninPool *sketchPool // of destinations
	seed      [2]uint64   // of the tables
	lost      losses
	flow      int // in the batch
	sketched  sketch.Seed

	// What a flow that does not count works on.
	noSource sourceState
	noPair   pairState
	noDest   destState
}

// pairKey is a source and a destination.
type pairKey struct{ src, dst hostKey }

type sourceState struct {
	last             int64
	n1, n10          float64
	n60, n600, n3600 float64
	out, in, pkts    float64
	failed           float64
	bytes, duration  spread
	steps            int32 // of the test for scanners
	ports            [2]uint8
	half             int64 // of ports
	dsts, dports     distinct
}

// spread is mean and variance of a quantity that fade.
type spread struct{ weight, mean, squares float64 }

type destState struct {
	last             int64
	n1, n10          float64
	n60, n600, n3600 float64
	out, in, failed  float64
	srcs             distinct
}

type pairState struct {
	last     int64
	n, d     float64
	ports    [maxPairPorts]uint16
	numPorts uint8
}

// maxPairPorts is how many ports of a pair are told apart.
const maxPairPorts = 64

// contactSpan is half of the time for which contacts are remembered, in nanoseconds.
const contactSpan = 7 * 86400 / 2 * 1_000_000_000

// The test for scanners: a first contact that fails is four times as likely of a scanner, one that is answered four times as
// likely of another host. The score is a number of steps of ln 4.
const (
	ln4      = 1.3862943611198906
	maxSteps = 16
)

func newHostPart(budget int, secret sketch.Seed) *hostPart {
	filter := 8
	for filter*2*32 <= budget {
		filter *= 2
	}
	h := &hostPart{
		contacts: sketch.NewBloom(filter), seed: [2]uint64{rand.Uint64(), rand.Uint64()}, sketched: secret,
		pool: newSketchPool(budget/100*8, nil), faninPool: newSketchPool(budget/100*4, nil),
		sources: newStore[hostKey, sourceState](budget/100*29, filter/4, retention),
		dests:   newStore[hostKey, destState](budget/100*17, filter/4, retention),
		pairs:   newStore[pairKey, pairState](budget/100*24, filter/4, retention),
	}
	h.pool.lost, h.faninPool.lost = h.evictedSketch, h.evictedSketch
	h.sources.evict = func(i uint32, idle bool) {
		s := &h.sources.values[i]
		h.pool.release(s.dsts.sketch)
		h.pool.release(s.dports.sketch)
		h.evicted(h.sources.nodes[i].key, idle)
	}
	h.dests.evict = func(i uint32, idle bool) {
		h.faninPool.release(h.dests.values[i].srcs.sketch)
		h.evicted(h.dests.nodes[i].key, idle)
	}
	h.pairs.evict = func(i uint32, idle bool) { h.evicted(h.pairs.nodes[i].key.src, idle) }
	return h
}

func (h *hostPart) hashHost(k hostKey) uint32 { return mix(k.hi, k.lo, &h.seed) }

func (h *hostPart) hashPair(k pairKey) uint32 {
	return mix(uint64(mix(k.src.hi, k.src.lo, &h.seed))<<32|uint64(mix(k.dst.hi, k.dst.lo, &h.seed)), 1, &h.seed)
}

// weight is what a flow adds to a count.
func (f *hostFlow) weight() float64 {
	if f.count {
		return 1
	}
	return 0
}

// since is how long ago last was, in nanoseconds.
func since(t, last int64) float64 { return float64(uint64(t) - uint64(last)) }

// portion is part of all, missing where all is nothing.
func portion(part, all float64) float32 {
	if all == 0 {
		return nan32
	}
	return round(part / all)
}

// addSource fills the cells of the source and of the pair. A flow that does not count gets what is remembered, and changes none
// of it.
func (h *hostPart) addSource(row []float32, f *hostFlow, src, dst uint64) {
	none := &h.noSource
	*none = sourceState{}
	s := none
	hash := h.hashHost(f.src)
	if f.count {
		i, fresh := h.sources.touch(f.src, hash, src, f.t)
		if s = &h.sources.values[i]; fresh {
			*s = sourceState{last: f.t, half: half(f.t), dsts: distinct{half: half(f.t)}, dports: distinct{half: half(f.t)}}
		}
	} else if i := h.sources.find(f.src, hash); i != 0 {
		*none = h.sources.values[i]
	} else {
		none.half, none.last = half(f.t), f.t
	}
	w, dt := f.weight(), since(f.t, s.last)
	s.last = f.t
	s.n1 = float64(s.n1*sketch.Decay(dt*per1s)) + w
	s.n10 = float64(s.n10*sketch.Decay(dt*per10s)) + w
	s.n60 = float64(s.n60*sketch.Decay(dt*per60s)) + w
	d600, day := sketch.Decay(dt*per600s), sketch.Decay(dt*per24h)
	s.n600 = float64(s.n600*d600) + w
	s.n3600 = float64(s.n3600*sketch.Decay(dt*per3600s)) + w
	s.out = float64(s.out*d600) + w*f.out
	s.in = float64(s.in*d600) + w*f.in
	s.pkts = float64(s.pkts*d600) + w*f.pkts
	s.failed *= d600
	if f.failed {
		s.failed += w
	}
	row[0], row[1], row[2] = round(s.n60), round(s.n600), round(s.n3600)
	row[3], row[4], row[5] = round(s.out), round(s.in), portion(s.failed, s.n600)
	row[12], row[29], row[30] = round(s.pkts), round(s.n1), round(s.n10)

	row[13] = round(s.dsts.step(f.t, uint32(dst), true, f.count, h.pool))
	row[14] = round(s.dports.step(f.t, uint32(h.sketched.Hash(uint64(f.dport), 1)), f.dport >= 0, f.count, h.pool))
	if n := half(f.t); n != s.half {
		if s.ports[1] = s.ports[0]; n != s.half+1 {
			s.ports[1] = 0
		}
		s.ports[0], s.half = 0, n
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
	row[17], row[18] = round(s.bytes.add(f.sent, day, f.count)), round(s.duration.add(f.d, day, f.count))
}

// add returns how far x is from the mean so far, in standard deviations, and counts it. What is missing gives missing and is not
// counted.
func (s *spread) add(x, decay float64, count bool) (z float64) {
	s.weight *= decay
	s.squares *= decay
	z = nan
	if x != x {
		return z
	}
	off := x - s.mean
	if s.weight >= 2 && s.squares > 0 {
		z = off / math.Sqrt(s.squares/s.weight)
	}
	if count {
		s.weight++
		s.mean += off / s.weight
		s.squares += float64(off * (x - s.mean))
	}
	return z
}

// addPair returns how many ports the pair has, and whether this is the first contact.
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

	none := &h.noPair
	*none = pairState{}
	p, key := none, pairKey{f.src, f.dst}
	hash := h.hashPair(key)
	if f.count {
		i, fresh := h.pairs.touch(key, hash, fixed, f.t)
		if p = &h.pairs.values[i]; fresh {
			p.last = f.t
		}
	} else if i := h.pairs.find(key, hash); i != 0 {
		*none = h.pairs.values[i]
	} else {
		none.last = f.t
	}
	w, dt := f.weight(), since(f.t, p.last)
	if dt > retention {
		p.numPorts = 0
	}
	p.last = f.t
	p.n = float64(p.n*sketch.Decay(dt*per3600s)) + w
	p.d *= sketch.Decay(dt * per24h)
	if f.d == f.d {
		p.d += w * f.d
	}
	if n := int(p.numPorts); f.count && f.dport >= 0 && n < maxPairPorts && !slices.Contains(p.ports[:n], uint16(f.dport)) {
		p.ports[n] = uint16(f.dport)
		p.numPorts++
	}
	row[21], row[22], row[23], row[24] = round(p.n), round(p.d), flag(first), flag(firstPort)
	return p.numPorts, first
}

func (h *hostPart) addDest(row []float32, f *hostFlow, src, dst uint64) {
	none := &h.noDest
	*none = destState{}
	s := none
	hash := h.hashHost(f.dst)
	if f.count {
		i, fresh := h.dests.touch(f.dst, hash, dst, f.t)
		if s = &h.dests.values[i]; fresh {
			*s = destState{last: f.t, srcs: distinct{half: half(f.t)}}
		}
	} else if i := h.dests.find(f.dst, hash); i != 0 {
		*none = h.dests.values[i]
	} else {
		none.last = f.t
	}
	w, dt := f.weight(), since(f.t, s.last)
	s.last = f.t
	d600 := sketch.Decay(dt * per600s)
	s.n1 = float64(s.n1*sketch.Decay(dt*per1s)) + w
	s.n10 = float64(s.n10*sketch.Decay(dt*per10s)) + w
	s.n60 = float64(s.n60*sketch.Decay(dt*per60s)) + w
	s.n600 = float64(s.n600*d600) + w
	s.n3600 = float64(s.n3600*sketch.Decay(dt*per3600s)) + w
	s.out = float64(s.out*d600) + w*f.in // what the destination sent is what came back
	s.in = float64(s.in*d600) + w*f.out
	s.failed *= d600
	if f.failed {
		s.failed += w
	}
	f.fanin = s.srcs.step(f.t, uint32(src), true, f.count, h.faninPool)
	row[6], row[7], row[8] = round(s.n60), round(s.n600), round(s.n3600)
	row[9], row[10], row[11] = round(s.out), round(s.in), portion(s.failed, s.n600)
	row[19], row[31], row[32] = round(f.fanin), round(s.n1), round(s.n10)
}

package features

import (
	"math/rand/v2"

	"threatdetect/internal/sketch"
)

// hostPart holds the keys of one part: sources, with their pairs and what they used, and destinations. What is of sources and what is of
// destinations is apart, so that the two can be filled one after the other for a batch of flows.
type hostPart struct {
	sources  *store[hostKey, sourceState]
	pairs    *store[pairKey, pairState]
	used     *store[usedKey, struct{}]
	contacts *sketch.Bloom // of pairs, and of pairs with ports
	days     int64         // number of the present half of the contacts' retention
	pool     *sketchPool
	lost     losses

	dests     *store[hostKey, destState]
	faninPool *sketchPool
	lostDests losses

	seed     [2]uint64 // of the tables
	flow     int       // in the batch
	sketched sketch.Seed

	// What a flow that does not count works on.
	noSource sourceState
	noPair   pairState
	noDest   destState
}

// pairKey is a source and a destination.
type pairKey struct{ src, dst hostKey }

// usedKey is a source and a port or network of a destination.
type usedKey struct {
	src  hostKey
	what uint64
	kind uint8
}

// Kinds of a usedKey.
const (
	usedPort = iota
	usedNet4
	usedNet6
)

// contactSpan is half of the time for which contacts are remembered, in nanoseconds.
const contactSpan = 7 * 86400 / 2 * 1_000_000_000

func newHostPart(budget int, secret sketch.Seed) *hostPart {
	filter := 8
	for filter*2*32 <= budget {
		filter *= 2
	}
	h := &hostPart{
		contacts: sketch.NewBloom(filter), seed: [2]uint64{rand.Uint64(), rand.Uint64()}, sketched: secret,
		pool: newSketchPool(budget/100*8, nil), faninPool: newSketchPool(budget/100*4, nil),
		sources: newStore[hostKey, sourceState](budget/100*27, filter/4, retention),
		dests:   newStore[hostKey, destState](budget/100*17, filter/4, retention),
		pairs:   newStore[pairKey, pairState](budget/100*26, filter/4, retention),
		used:    newStore[usedKey, struct{}](budget/100*3, max(8, filter/16), retention),
	}
	h.pool.lost = func() { h.lost.sketch(h.flow) }
	h.faninPool.lost = func() { h.lostDests.sketch(h.flow) }
	h.sources.evict = func(i uint32, idle bool) {
		s := &h.sources.values[i]
		h.pool.release(s.dsts.sketch())
		h.pool.release(s.dports.sketch())
		h.lost.host(h.flow, h.sources.nodes[i].key, idle)
	}
	h.pairs.evict = func(i uint32, idle bool) { h.lost.host(h.flow, h.pairs.nodes[i].key.src, idle) }
	h.used.evict = func(i uint32, idle bool) { h.lost.host(h.flow, h.used.nodes[i].key.src, idle) }
	h.dests.evict = func(i uint32, idle bool) {
		h.faninPool.release(h.dests.values[i].srcs.sketch())
		h.lostDests.host(h.flow, h.dests.nodes[i].key, idle)
	}
	return h
}

func (h *hostPart) hashHost(k hostKey) uint32 { return mix(k.hi, k.lo, &h.seed) }

func (h *hostPart) hashPair(k pairKey) uint32 {
	return mix(uint64(h.hashHost(k.src))<<32|uint64(h.hashHost(k.dst)), 1, &h.seed)
}

func (h *hostPart) hashUsed(k usedKey) uint32 {
	return mix(uint64(h.hashHost(k.src))<<32|uint64(k.kind), k.what, &h.seed)
}

package features

import (
	"net/netip"

	"threatdetect/internal/sketch"
)

// hosts is the memory of host/1: what the source, the destination, the pair of them and their networks did before. Its
// counters fade; see docs/features.md for every formula.
//
// Keys are spread over a fixed number of parts by a fixed hash. A flow concerns the part of its source, then that of its
// destination, and what is common to all; no part looks at another one, but the flow carries what the first has found out. So first the
// sources and then the destinations of all parts can be filled by any number of goroutines, and give the same rows.
type hosts struct {
	parts    [hostParts]*hostPart
	common   hostCommon
	pressure pressure
	stats    *Stats
	seed     sketch.Seed
	site     site
}

const hostParts = 8

// retention is how long an idle key may be kept before its going is no loss, in nanoseconds.
const retention = 3600 * 1_000_000_000

// warmUp is how long, in nanoseconds of event time, the counters have to fill before they mean what they say.
const warmUp = retention

// hostFlow is what the memory needs of a flow.
type hostFlow struct {
	src, dst         hostKey
	dport            int32 // -1 is missing
	out, in, pkts    float64
	sent, d          float64 // NaN is missing
	failed, answered bool
	proto            Proto
	t                int64
	internal         bool // the source is a host of the site
	count            bool // whether it counts; a flow that is too late does not

	// What was found out: by how much the pair raises counts of different things that fade in each span, and the source such a one of a
	// day; how many sources the destination has, and how many of the site.
	newPair              decays
	newSource            float64
	fanin, known         float64
	active, activeOfSite float64
}

func newHosts(o *StateOptions, with *settings, stats *Stats) memory {
	h := &hosts{stats: stats, seed: o.seed(), site: with.site}
	for i := range h.parts {
		h.parts[i] = newHostPart(o.budget()/hostParts, h.seed)
	}
	h.common.init(h.seed)
	h.pressure.report = o.onPressure()
	return h
}

func (h *hosts) fill(row []float32, f *Flow, t, late int64) {
	hf := makeHostFlow(f, t, h.site)
	hf.count = late <= maxLate
	row = row[:numHostColumns]
	src, dst := hf.src.fixed(h.seed), hf.dst.fixed(h.seed)
	h.parts[partOf(src)].addSource(row, &hf, src, dst)
	h.parts[partOf(dst)].addDest(row, &hf, src, dst)
	h.common.add(row, &hf, src)
	h.finish(row, &hf, h.parts[partOf(src)], h.parts[partOf(dst)], 0)
}

// finish fills what needs both parts, and accounts for the flow: what had to go for it, that of its source first.
func (h *hosts) finish(row []float32, f *hostFlow, src, dst *hostPart, number int) {
	h.common.finish(row, f)
	if !f.count {
		h.stats.TooLate++
	}
	src.lost.tell(&h.pressure, number)
	dst.lostDests.tell(&h.pressure, number)
	h.stats.Evicted += h.pressure.flow(f.t)
}

func partOf(fixed uint64) int { return int(fixed>>32) % hostParts }

// makeHostFlow takes from a flow what is counted. What is missing adds nothing to a sum.
func makeHostFlow(f *Flow, t int64, s site) hostFlow {
	hf := hostFlow{t: t, count: true, proto: f.Proto, dport: -1, sent: nan, d: nan}
	localSrc, localDst, known := s.ends(f)
	hf.src, hf.dst = entityKey(f.Src, localSrc), entityKey(f.Dst, localDst)
	hf.internal = localSrc
	if known&FieldLocalSrc == 0 {
		hf.internal = f.Src.IsPrivate()
	}
	if f.Has(FieldDstPort) {
		hf.dport = int32(f.DstPort)
	}
	if f.Has(FieldFwdBytes) {
		hf.sent = float64(f.FwdBytes)
		hf.out = hf.sent
	}
	if f.Has(FieldRevBytes) {
		hf.in = float64(f.RevBytes)
	}
	if f.Has(FieldFwdPkts) {
		hf.pkts += float64(f.FwdPkts)
	}
	if f.Has(FieldRevPkts) {
		hf.pkts += float64(f.RevPkts)
	}
	if f.Has(FieldDuration) {
		hf.d = float64(f.Duration) / 1e9
	}
	switch f.State {
	case StateAttempt, StateRejected:
		hf.failed = true
	case StateUnknown, StateMidstream, StateRequestOnly:
	default:
		hf.answered = true
	}
	return hf
}

// entityKey is an address, or of an IPv6 address that is not known to be the site's own its /64: one peer can have all of those.
func entityKey(a netip.Addr, local bool) hostKey {
	k := addressKey(a)
	if !local && !isMapped(k) {
		k.lo = 0
	}
	return k
}

func isMapped(k hostKey) bool { return k.hi == 0 && k.lo>>32 == 0xffff }

// fixed is a hash that goes into sketches and tells the part, unlike those of tables, whose seeds are another secret.
func (k hostKey) fixed(s sketch.Seed) uint64 { return s.Hash(k.hi, k.lo) }

// fillNone is for sets all of whose columns are remembered.
func fillNone([]float32, *Flow) {}

// fixed is a hash of a pair that does not depend on the process.
func (k pairKey) fixed(s sketch.Seed) uint64 { return s.Hash(k.src.fixed(s), k.dst.fixed(s)) }

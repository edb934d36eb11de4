package features

import (
	"net/netip"

	"threatdetect/internal/sketch"
)

// hosts is the memory of host/1: what the source, the destination, the pair of them and their networks did before. Its
// counters fade; see docs/features.md for every formula.
//
// Keys are spread over a fixed number of parts by a fixed hash. A flow concerns the part of its source, that of its
// destination, and what is common to all; no part looks at another one. So the parts can be filled one after the other or by
// any number of goroutines, and give the same rows.
type hosts struct {
	parts    [hostParts]*hostPart
	common   hostCommon
	pressure pressure
	stats    *Stats
	seed     sketch.Seed
}

const hostParts = 8

// retention is how long an idle key may be kept before its going is no loss, in nanoseconds.
const retention = 3600 * 1_000_000_000

// warmUp is how long, in nanoseconds of event time, the counters have to fill before they mean what they say.
const warmUp = retention

// How fast counters fade: by e in so many seconds.
var (
	per1s    = sketch.PerSecond(1)
	per10s   = sketch.PerSecond(10)
	per60s   = sketch.PerSecond(60)
	per600s  = sketch.PerSecond(600)
	per3600s = sketch.PerSecond(3600)
	per24h   = sketch.PerSecond(86400)
)

// hostFlow is what the memory needs of a flow.
type hostFlow struct {
	src, dst         hostKey
	dport            int32 // -1 is missing
	out, in, pkts    float64
	sent, d          float64 // NaN is missing
	failed, answered bool
	proto            Proto
	t                int64
	count            bool    // whether it counts; a flow that is too late does not
	fanin, active    float64 // what was found out
}

// hostColumns are the columns of hosts.
var hostColumns = func() []Column {
	var columns []Column
	add := func(name, unit, doc string) { columns = append(columns, Column{name, unit, doc}) }
	for _, side := range [][2]string{{"src", "source"}, {"dst", "destination"}} {
		for _, span := range []string{"60s", "600s", "3600s"} {
			add(side[0]+"_flows_"+span, "flows", "of the "+side[1]+", fading by e in "+span)
		}
		add(side[0]+"_bytes_out_600s", "bytes", "that the "+side[1]+" sent, fading by e in 600 s")
		add(side[0]+"_bytes_in_600s", "bytes", "that the "+side[1]+" got, fading by e in 600 s")
		add(side[0]+"_fail_ratio_600s", "", "share of the "+side[1]+"'s flows that were not answered or were rejected")
	}
	add("src_pkts_600s", "packets", "of the source's flows, both ways, fading by e in 600 s")
	add("src_fanout_dst_1h", "hosts", "different destinations of the source in this half hour and the one before")
	add("src_fanout_dport_1h", "ports", "different destination ports of the source in this half hour and the one before")
	add("src_scan_vertical_1h", "ports", "most different ports of one destination that the source tried, up to 64")
	add("src_trw_score", "", "log-likelihood that the source scans, from how first contacts went")
	add("src_bytes_z", "", "bytes sent against the source's past, in standard deviations")
	add("src_duration_z", "", "duration against the source's past, in standard deviations")
	add("dst_fanin_src_1h", "hosts", "different sources of the destination in this half hour and the one before")
	add("dst_prevalence_1h", "", "share of all sources that contacted the destination")
	add("pair_flows_3600s", "flows", "between the two, fading by e in an hour")
	add("pair_duration_24h", "s", "of the flows between the two, fading by e in a day")
	add("pair_first_contact", "", "1 if the source was not seen to contact the destination before")
	add("pair_first_contact_port", "", "1 if not on this port and protocol")
	add("src_net_flows_60s", "flows", "of the source's network, /24 or /64, fading by e in 60 s; at least the true number")
	add("dst_net_flows_60s", "flows", "of the destination's network, the same")
	add("all_flows_60s", "flows", "of everybody, fading by e in 60 s")
	add("state_warm", "", "1 if an hour has passed since the first flow")
	for _, side := range [][2]string{{"src", "source"}, {"dst", "destination"}} {
		for _, span := range []string{"1s", "10s"} {
			add(side[0]+"_flows_"+span, "flows", "of the "+side[1]+", fading by e in "+span)
		}
	}
	return columns
}()

func newHosts(o *StateOptions, stats *Stats) memory {
	h := &hosts{stats: stats, seed: o.seed()}
	for i := range h.parts {
		h.parts[i] = newHostPart(o.budget()/hostParts, h.seed)
	}
	h.common.init(h.seed)
	h.pressure.report = o.onPressure()
	return h
}

func (h *hosts) fill(row []float32, f *Flow, t, late int64) {
	hf := makeHostFlow(f, t)
	hf.count = late <= maxLate
	row = row[:33]
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
	for _, part := range [2]*hostPart{src, dst} {
		part.lost.tell(&h.pressure, number)
	}
	h.stats.Evicted += h.pressure.flow(f.t)
}

func partOf(fixed uint64) int { return int(fixed>>32) % hostParts }

// makeHostFlow takes from a flow what is counted. What is missing adds nothing to a sum.
func makeHostFlow(f *Flow, t int64) hostFlow {
	hf := hostFlow{t: t, count: true, proto: f.Proto, dport: -1, sent: nan, d: nan}
	hf.src = entityKey(f.Src, f.Has(FieldLocalSrc) && f.LocalSrc)
	hf.dst = entityKey(f.Dst, f.Has(FieldLocalDst) && f.LocalDst)
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

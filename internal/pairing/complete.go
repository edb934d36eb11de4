package pairing

import (
	"slices"
	"sort"

	"threatdetect/features"
)

// ephemeral is the first port that clients are given by most systems.
const ephemeral = 32768

// forward is the side that began the flow.
func (f *flow) forward() int8 {
	low, top := &f.sides[0], &f.sides[1]
	only := func(a, b bool) int8 {
		switch {
		case a && !b:
			return 0
		case b && !a:
			return 1
		}
		return -1
	}
	if s := only(low.seen, top.seen); s >= 0 {
		return s
	}
	if f.both >= 0 {
		return f.both
	}
	if s := only(low.initiates, top.initiates); s >= 0 {
		return s
	}
	if s := only(low.hasPort && low.port >= ephemeral, top.hasPort && top.port >= ephemeral); s >= 0 {
		return s
	}
	if s := only(low.start < top.start, top.start < low.start); s >= 0 {
		return s
	}
	return f.first
}

// complete makes p.out of f.
func (p *Pairer) complete(f *flow) {
	forward := f.forward()
	src, dst := &f.sides[forward], &f.sides[1-forward]
	p.out = features.Flow{
		Start: f.start, Src: src.addr, Dst: dst.addr, SrcPort: src.port, DstPort: dst.port, ProtoName: f.protoName,
		VLANTags: f.tags, Fragmented: f.fragmented,
		Known:        features.FieldStart | features.FieldAddrs | f.known,
		MoreRecords:  f.records - 1,
		SamplingRate: f.rate,
	}
	out := &p.out
	know := func(field features.Field, known bool) {
		if known {
			out.Known |= field
		}
	}
	if f.key.proto != noProto {
		out.Proto = features.Proto(f.key.proto)
		out.Known |= features.FieldProto
	}
	if !f.noElapsed {
		out.Duration = f.end - f.start
		out.Known |= features.FieldDuration
	}
	know(features.FieldSrcPort, src.hasPort)
	know(features.FieldDstPort, dst.hasPort)
	know(features.FieldFwdPkts, src.hasPkts)
	know(features.FieldFwdBytes, src.hasBytes)
	out.FwdPkts, out.FwdBytes = src.pkts, src.bytes
	out.FwdFlags, out.FwdFlagsKnown = src.flags, src.flagsKnown
	switch {
	case dst.seen:
		know(features.FieldRevPkts, dst.hasPkts)
		know(features.FieldRevBytes, dst.hasBytes)
		out.RevPkts, out.RevBytes = dst.pkts, dst.bytes
		out.RevFlags, out.RevFlagsKnown = dst.flags, dst.flagsKnown
	case p.opts.ReverseIsZero && !p.lost.overlaps(f.key.scope, f.start, f.end):
		know(features.FieldRevPkts|features.FieldRevBytes, true)
		out.RevFlagsKnown = out.FwdFlagsKnown
	}
	out.FwdFlags &= out.FwdFlagsKnown
	out.RevFlags &= out.RevFlagsKnown
	if !out.Has(features.FieldFwdPkts) {
		out.FwdPkts = 0
	}
	if !out.Has(features.FieldFwdBytes) {
		out.FwdBytes = 0
	}
	if !out.Has(features.FieldRevPkts) {
		out.RevPkts = 0
	}
	if !out.Has(features.FieldRevBytes) {
		out.RevBytes = 0
	}
	p.uid = append(p.uid[:0], f.key.scope...)
	out.UID = p.uid
	out.State = features.StateFromFlags(out)
}

// Lost says that the observer lost records from start to end, both included.
func (p *Pairer) Lost(scope string, start, end int64) { p.lost.add(scope, start, end) }

// maxLost is how many separate times of losses are kept. Beyond, nothing is known to be whole.
const maxLost = 1 << 16

// lost are times in which records were lost, of every scope: disjoint and ascending.
type lost struct {
	of     map[string][]span
	n      int
	always bool // there were too many
}

type span struct{ start, end int64 }

func (l *lost) add(scope string, start, end int64) {
	if l.always {
		return
	}
	if l.of == nil {
		l.of = make(map[string][]span)
	}
	spans := l.of[scope]
	// Those from i to j touch the new one.
	i := firstFrom(spans, start)
	j := i
	for j < len(spans) && spans[j].start <= end {
		start, end = min(start, spans[j].start), max(end, spans[j].end)
		j++
	}
	l.n += 1 - (j - i)
	l.of[scope] = slices.Replace(spans, i, j, span{start, end})
	if l.n > maxLost {
		*l = lost{always: true}
	}
}

// firstFrom is the place of the first span that ends at t or later.
func firstFrom(spans []span, t int64) int {
	return sort.Search(len(spans), func(i int) bool { return spans[i].end >= t })
}

// overlaps reports whether records of the scope may have been lost between start and end.
func (l *lost) overlaps(scope string, start, end int64) bool {
	if l.always {
		return true
	}
	spans := l.of[scope]
	i := firstFrom(spans, start)
	return i < len(spans) && spans[i].start <= end
}

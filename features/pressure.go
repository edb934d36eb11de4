package features

import (
	"cmp"
	"net/netip"
	"slices"
)

// Pressure says that more is evicted from what a set remembers than should be: its columns are less exact, and somebody may
// want that.
type Pressure struct {
	Time     int64          // event time, nanoseconds since the Unix epoch
	Flows    int64          // of the last minute
	Evicted  int64          // keys that had to go in it, before they were idle for an hour
	Prefixes []netip.Prefix // the networks of most of them: /24 or /64, the first ones first
}

// pressure watches how many keys have to go.
type pressure struct {
	minute      int64 // number of the present one
	flows, gone int64 // in it
	fresh       int64 // gone since the last flow was counted
	prefixes    [pressurePrefixes]struct {
		net netip.Prefix
		n   int64
	}
	report func(Pressure)
}

// pressurePrefixes is how many networks are watched. One that is not takes the place of the rarest.
const pressurePrefixes = 8

func (p *pressure) evicted(key hostKey, idle bool) {
	if idle {
		return
	}
	p.gone++
	p.fresh++
	net := prefixOf(key)
	least := 0
	for i := range p.prefixes {
		if p.prefixes[i].net == net {
			p.prefixes[i].n++
			return
		}
		if p.prefixes[i].n < p.prefixes[least].n {
			least = i
		}
	}
	p.prefixes[least].net = net
	p.prefixes[least].n++
}

// evictedSketch counts a sketch that was taken from its owner.
func (p *pressure) evictedSketch() {
	p.gone++
	p.fresh++
}

// flow counts a flow at time t, and returns how many keys had to go for it. Where in the minute that has ended those were more than one in
// a hundred flows, that is reported.
func (p *pressure) flow(t int64) (gone int64) {
	if m := t / 60_000_000_000; m != p.minute {
		if p.gone*100 > p.flows && p.report != nil {
			all := slices.Clone(p.prefixes[:])
			slices.SortStableFunc(all, func(a, b struct {
				net netip.Prefix
				n   int64
			}) int {
				return cmp.Compare(b.n, a.n)
			})
			report := Pressure{Time: t, Flows: p.flows, Evicted: p.gone}
			for _, x := range all {
				if x.n > 0 {
					report.Prefixes = append(report.Prefixes, x.net)
				}
			}
			p.report(report)
		}
		p.minute, p.flows, p.gone = m, 0, 0
		clear(p.prefixes[:])
	}
	p.flows++
	gone, p.fresh = p.fresh, 0
	return gone
}

func prefixOf(k hostKey) netip.Prefix {
	var b [16]byte
	for i := range 8 {
		b[i], b[8+i] = byte(k.hi>>(56-8*i)), byte(k.lo>>(56-8*i))
	}
	bits := 64
	if isMapped(k) {
		bits = 24
	}
	p, _ := netip.AddrFrom16(b).Unmap().Prefix(bits)
	return p
}

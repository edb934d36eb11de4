package features

import (
	"cmp"
	"net/netip"
	"slices"
	"sort"
)

// site is the addresses that are the site's own: ranges in ascending order, with gaps between them. A nil site leaves it to the log
// to say which are. It is no table of gaissmai/bart, as this package takes nothing beyond the standard library; bench/prefix compares the two.
type site []addressRange

type addressRange struct{ first, last hostKey }

// newSite returns the addresses of networks. There may be many of them.
func newSite(nets []netip.Prefix) site {
	ranges := make(site, 0, len(nets))
	for _, p := range nets {
		first := addressKey(p.Addr())
		last := first
		bits := p.Bits()
		if p.Addr().Is4() {
			bits += 96
		}
		if host := 128 - bits; host >= 64 {
			last.hi |= 1<<(host-64) - 1
			last.lo = 1<<64 - 1
		} else {
			last.lo |= 1<<host - 1
		}
		ranges = append(ranges, addressRange{first, last})
	}
	slices.SortFunc(ranges, func(a, b addressRange) int { return a.first.compare(b.first) })
	all := ranges[:0]
	for _, r := range ranges {
		if n := len(all); n > 0 && r.first.compare(all[n-1].last) <= 0 { // networks that meet are one in the other
			if r.last.compare(all[n-1].last) > 0 {
				all[n-1].last = r.last
			}
			continue
		}
		all = append(all, r)
	}
	return all
}

func (k hostKey) compare(o hostKey) int {
	if c := cmp.Compare(k.hi, o.hi); c != 0 {
		return c
	}
	return cmp.Compare(k.lo, o.lo)
}

// has reports whether an address is the site's own.
func (s site) has(a netip.Addr) bool {
	k := addressKey(a)
	i := sort.Search(len(s), func(i int) bool { return s[i].last.compare(k) >= 0 })
	return i < len(s) && s[i].first.compare(k) <= 0
}

// ends tells which ends of a flow are the site's own, and which of FieldLocalSrc and FieldLocalDst are known.
func (s site) ends(f *Flow) (src, dst bool, known Field) {
	if s == nil {
		known = f.Known & (FieldLocalSrc | FieldLocalDst)
		return f.LocalSrc && known&FieldLocalSrc != 0, f.LocalDst && known&FieldLocalDst != 0, known
	}
	if !f.Has(FieldAddrs) {
		return false, false, 0
	}
	return s.has(f.Src), s.has(f.Dst), FieldLocalSrc | FieldLocalDst
}

package prefix

import (
	"math/rand/v2"
	"net/netip"
	"testing"

	"github.com/gaissmai/bart"
	"github.com/stretchr/testify/require"

	"threatdetect/features"
)

// random returns an address that has some bits of another, so that networks lie in one another.
func random(r *rand.Rand, near netip.Addr) netip.Addr {
	b := near.AsSlice()
	from := r.IntN(len(b) * 8)
	for bit := from; bit < len(b)*8; bit++ {
		if bit == from || r.IntN(4) == 0 {
			b[bit/8] ^= 0x80 >> (bit % 8)
		}
	}
	a, _ := netip.AddrFromSlice(b)
	return a.Unmap()
}

// TestLocalNets looks up addresses in and beside random networks, of IPv4 and IPv6.
func TestLocalNets(t *testing.T) {
	set, err := features.LookupSet("flow-full/1")
	require.NoError(t, err)
	found, others := 0, 0
	for seed := range uint64(200) {
		r := rand.New(rand.NewPCG(seed, 5))
		seen := []netip.Addr{netip.MustParseAddr("10.1.2.3"), netip.MustParseAddr("2001:db8::1")}
		var nets []netip.Prefix
		table := new(bart.Lite)
		for range 1 + r.IntN(1+int(seed)) {
			near := seen[r.IntN(len(seen))]
			if !near.IsValid() {
				continue
			}
			a := random(r, near)
			seen = append(seen, a)
			if bits := 1 + max(r.IntN(a.BitLen()), r.IntN(a.BitLen()), r.IntN(a.BitLen())); a.Is4() || bits > 1 {
				p := netip.PrefixFrom(a, bits).Masked()
				nets = append(nets, p)
				table.Insert(p)
				first := p.Addr()
				seen = append(seen, first, first.Prev(), last(p), last(p).Next())
			}
		}
		site, err := set.With(&features.SetOptions{LocalNets: nets})
		if err != nil {
			continue // such a network may not be one of a site
		}
		p, err := features.NewPipeline(site)
		require.NoError(t, err)
		for i := range seen {
			if !seen[i].IsValid() {
				continue // what is before the first address of all
			}
			f := &features.Flow{Known: features.FieldAddrs, Src: seen[i], Dst: random(r, seen[i])}
			src, dst, known := p.Ends(f)
			require.True(t, known)
			require.Equal(t, table.Contains(f.Src), src, "%v in %v", f.Src, nets)
			require.Equal(t, table.Contains(f.Dst), dst, "%v in %v", f.Dst, nets)
			for _, in := range []bool{src, dst} {
				if in {
					found++
				} else {
					others++
				}
			}
		}
	}
	t.Logf("%d addresses of a site, %d others", found, others)
	require.Greater(t, min(found, others), 1000)
}

// last is the last address of a network.
func last(p netip.Prefix) netip.Addr {
	b := p.Addr().AsSlice()
	for bit := p.Bits(); bit < len(b)*8; bit++ {
		b[bit/8] |= 0x80 >> (bit % 8)
	}
	a, _ := netip.AddrFromSlice(b)
	return a
}

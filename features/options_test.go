package features

import (
	"bytes"
	"fmt"
	"math"
	"math/rand/v2"
	"net/netip"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func setWith(t testing.TB, name string, o *SetOptions) *Set {
	t.Helper()
	set, err := LookupSet(name)
	require.NoError(t, err)
	set, err = set.With(o)
	require.NoError(t, err)
	return set
}

func pipelineWith(t testing.TB, name string, o *SetOptions) *Pipeline {
	t.Helper()
	p, err := NewPipeline(setWith(t, name, o))
	require.NoError(t, err)
	return p
}

// Ranges say of every address what the prefixes say one by one.
func TestSiteAgainstPrefixes(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	randomAddr := func() netip.Addr {
		if r.IntN(2) == 0 {
			return addr4(r.Uint32() & 0x0f0f00ff)
		}
		var b [16]byte
		for i := range b {
			b[i] = byte(r.IntN(3))
		}
		b[0] = 0x20
		return netip.AddrFrom16(b)
	}
	hits := 0
	for range 300 {
		var nets []netip.Prefix
		for range 1 + r.IntN(12) {
			a := randomAddr()
			p, err := a.Prefix(r.IntN(a.BitLen() + 1))
			require.NoError(t, err)
			if p.Addr().Is6() && p.Contains(mappedZero) {
				continue
			}
			nets = append(nets, p)
		}
		s := newSite(nets)
		ask := func(a netip.Addr) {
			want := false
			for _, p := range nets {
				want = want || p.Contains(a)
			}
			require.Equal(t, want, s.has(a), "%v in %v", a, nets)
			if want {
				hits++
			}
		}
		for range 100 {
			ask(randomAddr())
		}
		for _, p := range nets { // at the edges
			ask(p.Addr())
			if before := p.Addr().Prev(); before.IsValid() {
				ask(before)
			}
			last := p.Addr().As16()
			for bit := 128 - p.Addr().BitLen() + p.Bits(); bit < 128; bit++ {
				last[bit/8] |= 0x80 >> (bit % 8)
			}
			end := netip.AddrFrom16(last).Unmap()
			ask(end)
			if after := end.Next(); after.IsValid() {
				ask(after)
			}
		}
	}
	require.Greater(t, hits, 1000)
}

// someNets hold some of the hosts of contextFlows and hostFlows.
var someNets = []netip.Prefix{netip.MustParsePrefix("10.0.0.4/30"), netip.MustParsePrefix("2001::/127"), netip.MustParsePrefix("10.0.1.0/24"), netip.MustParsePrefix("10.0.0.4/31")}

// With the networks of the site rows are those of a log that calls the same hosts local, whatever the log said itself.
func TestLocalNets(t *testing.T) {
	for _, set := range Sets() {
		if set.takes&takesNets == 0 {
			continue
		}
		plain, with := pipelineOf(t, set.Name), pipelineWith(t, set.Name, &SetOptions{LocalNets: someNets})
		moved := false
		for seed := range seeds(6) {
			flows := hostFlows(rand.New(rand.NewPCG(seed, 91)), 400, 1e9, 1e9)
			told := make([]*Flow, len(flows))
			for i, f := range flows {
				g := f.Clone()
				g.Known |= FieldLocalSrc | FieldLocalDst
				g.LocalSrc, g.LocalDst = false, false
				for _, net := range someNets {
					g.LocalSrc, g.LocalDst = g.LocalSrc || net.Contains(g.Src), g.LocalDst || net.Contains(g.Dst)
				}
				told[i] = g
			}
			rows := func(p *Pipeline, flows []*Flow, parallel bool) (out [][]float32) {
				x := p.ExtractorWith(smallState)
				all := x.Rows(yieldAll(flows))
				if parallel {
					all = x.RowsParallel(3, yieldAll(flows))
				}
				for row, err := range all {
					require.NoError(t, err)
					out = append(out, append([]float32(nil), row.Values...))
				}
				return out
			}
			want, unaware := rows(plain, told, false), rows(plain, flows, false)
			for _, parallel := range []bool{false, true} {
				got := rows(with, flows, parallel)
				require.Len(t, got, len(want))
				for i := range want {
					requireSameRow(t, want[i], got[i], with.Schema().Columns, fmt.Sprintf("%s, seed %d, row %d", set.Name, seed, i))
				}
			}
			for i := range want {
				for c := range want[i] {
					moved = moved || math.Float32bits(want[i][c]) != math.Float32bits(unaware[i][c])
				}
			}
		}
		require.True(t, moved, "%s: the networks changed nothing", set.Name)
	}
	unaddressed := &Flow{Known: FieldProto}
	row, err := pipelineWith(t, "flow-full/1", &SetOptions{LocalNets: someNets}).Extractor().AppendRow(nil, unaddressed)
	require.NoError(t, err)
	require.True(t, math.IsNaN(float64(row[len(portableColumns)+11])))
}

func yieldAll(flows []*Flow) func(yield func(*Flow, error) bool) {
	return func(yield func(*Flow, error) bool) {
		for _, f := range flows {
			if !yield(f, nil) {
				return
			}
		}
	}
}

func TestBeaconWeights(t *testing.T) {
	w := &BeaconWeights{TS: 0.4, DS: 0.05, Hist: 0.3, Dur: 0.25}
	for _, name := range []string{"beacon/1", "name/1"} {
		even, with := pipelineOf(t, name), pipelineWith(t, name, &SetOptions{BeaconWeights: w})
		quarters := pipelineWith(t, name, &SetOptions{BeaconWeights: &BeaconWeights{0.25, 0.25, 0.25, 0.25}})
		at := 0
		for i, c := range with.Schema().Columns {
			if strings.HasSuffix(c.Name, "beacon_score") {
				at = i
			}
		}
		scored := 0
		for seed := range seeds(8) {
			flows := contextFlows(rand.New(rand.NewPCG(seed, 53)), 1200, 6e10, 0)
			for _, f := range flows {
				f.Src = flows[0].Src
				if f.Joined != nil && len(f.Joined.HTTP) > 0 {
					f.Joined.HTTP[0].Host = "h"
				}
			}
			want, _ := allRows(t, even.ExtractorWith(smallState), flows, true)
			got, _ := allRows(t, with.ExtractorWith(smallState), flows, true)
			same, _ := allRows(t, quarters.ExtractorWith(smallState), flows, true)
			for i := range want {
				requireSameRow(t, want[i], same[i], even.Schema().Columns, name)
				if row := got[i]; row[at] == row[at] {
					scored++
					parts := row[at+1 : at+5]
					require.InDelta(t, 0.4*parts[0]+0.05*parts[1]+0.3*parts[2]+0.25*parts[3], row[at], 1e-6, name)
					want[i][at] = row[at]
				}
				requireSameRow(t, want[i], got[i], even.Schema().Columns, name)
			}
		}
		require.Greater(t, scored, 20, name)
	}
}

func TestOptionsAreChecked(t *testing.T) {
	net := func(texts ...string) *SetOptions {
		o := new(SetOptions)
		for _, text := range texts {
			o.LocalNets = append(o.LocalNets, netip.MustParsePrefix(text))
		}
		return o
	}
	weights := func(a, b, c, d float64) *SetOptions { return &SetOptions{BeaconWeights: &BeaconWeights{a, b, c, d}} }
	for want, c := range map[string]struct {
		set string
		o   *SetOptions
	}{
		"no column of set flow-portable/1 depends on the networks of the site; they are for flow-full/1, flow-context/2, host/1, ": {"flow-portable/1", net("10.0.0.0/8")},
		"no column of set host/1 depends on beacon weights; they are for beacon/1, name/1":                                         {"host/1", weights(1, 0, 0, 0)},
		"network 10.1.0.0/8 has bits of a host, want 10.0.0.0/8":                                                                   {"host/1", net("192.168.0.0/16", "10.1.0.0/8")},
		"network ::ffff:10.0.0.0/104: want the IPv4 form":                                                                          {"host/1", net("::ffff:10.0.0.0/104")},
		"network ::/0 has all of IPv4 in it":                                                                                       {"host/1", net("::/0")},
		"a network that is none":                                                                                                   {"host/1", &SetOptions{LocalNets: make([]netip.Prefix, 1)}},
		"a beacon weight of -0.5, want 0 to 1":                                                                                     {"beacon/1", weights(1, 0.5, -0.5, 0)},
		"a beacon weight of NaN, want 0 to 1":                                                                                      {"beacon/1", weights(1, 0, 0, math.NaN())},
		"beacon weights that add up to 0.875, want 1":                                                                              {"name/1", weights(0.5, 0.375, 0, 0)},
	} {
		set, err := LookupSet(c.set)
		require.NoError(t, err)
		_, err = set.With(c.o)
		require.ErrorIs(t, err, ErrOptions)
		require.ErrorContains(t, err, want)
	}
	third := 1.0 / 3
	require.NotNil(t, setWith(t, "beacon/1", weights(third, third, third, 0)))
	require.Nil(t, setWith(t, "host/1", new(SetOptions)).Options())
	require.Nil(t, setWith(t, "flow-min/1", nil).Options())
}

// Options travel in the contract, in one form, and a state of other ones is not gone on with.
func TestOptionsTravel(t *testing.T) {
	o := &SetOptions{LocalNets: []netip.Prefix{someNets[2], someNets[0], someNets[2]}, BeaconWeights: &BeaconWeights{0.1, 0.2, 0.3, 0.4}}
	c, err := NewContract(setWith(t, "beacon/1", o), created)
	require.NoError(t, err)
	text, err := c.Canonical()
	require.NoError(t, err)
	require.Contains(t, string(text), `"options":{"beacon_weights":{"ds":0.2,"dur":0.4,"hist":0.3,"ts":0.1},"local_nets":["10.0.0.4/30","10.0.1.0/24"]}`)
	back, err := ParseContract(text)
	require.NoError(t, err)
	require.Equal(t, c, back)
	again, err := back.Canonical()
	require.NoError(t, err)
	require.Equal(t, string(text), string(again))
	p, err := back.Pipeline()
	require.NoError(t, err)
	flows := contextFlows(rand.New(rand.NewPCG(1, 53)), 800, 6e10, 0)
	want, _ := allRows(t, pipelineWith(t, "beacon/1", o).ExtractorWith(smallState), flows, true)
	x := p.ExtractorWith(smallState)
	got, _ := allRows(t, x, flows, true)
	for i := range want {
		requireSameRow(t, want[i], got[i], p.Schema().Columns, "beacon/1 of a contract")
	}
	_, err = p.Restore(bytes.NewReader(saved(t, x)), smallState)
	require.NoError(t, err)
	_, err = pipelineOf(t, "beacon/1").Restore(bytes.NewReader(saved(t, x)), smallState)
	require.ErrorIs(t, err, ErrState)
	require.ErrorContains(t, err, "made with the options")

	plain, err := NewContract(setWith(t, "beacon/1", nil), created)
	require.NoError(t, err)
	text, err = plain.Canonical()
	require.NoError(t, err)
	require.NotContains(t, string(text), `"options"`, "a contract without options is what it was")
	for _, bad := range []string{
		`"options":{"beacon_weights":{"ds":0.5,"dur":0,"hist":0,"ts":0.6}},"output"`, `"options":{"local_nets":["10.0.0.1/8"]},"output"`,
		`"options":{"local_nets":["office"]},"output"`, `"options":{"site":["10.0.0.0/8"]},"output"`,
	} {
		_, err = ParseContract(bytes.Replace(text, []byte(`"output"`), []byte(bad), 1))
		require.ErrorIs(t, err, ErrContract, bad)
	}
	long := &settings{options: &SetOptions{LocalNets: make([]netip.Prefix, 1000)}}
	require.Less(t, len(long.text()), 100)
}

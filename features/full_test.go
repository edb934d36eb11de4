package features

import (
	"math"
	"math/rand/v2"
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// The columns of flow-full/1 beyond flow-portable/1, said in another way.
func TestFullAgainstPlainFormulas(t *testing.T) {
	p, portable := pipelineOf(t, "flow-full/1").Extractor(), pipelineOf(t, "flow-portable/1").Extractor()
	r := rand.New(rand.NewPCG(3, 9))
	at := map[string]int{}
	for i, c := range p.pipeline.Schema().Columns {
		at[c.Name] = i
	}
	for _, f := range hostFlows(r, 4000, 1e13, 1e18) {
		if r.IntN(3) == 0 {
			f.Start = -f.Start / 7
		}
		row, err := p.AppendRow(nil, f)
		require.NoError(t, err)
		base, err := portable.AppendRow(nil, f)
		require.NoError(t, err)
		requireSameRow(t, base, row[:len(base)], p.pipeline.Schema().Columns, "flow-portable/1")
		cell := func(name string) float64 { return float64(row[at[name]]) }
		for _, name := range []string{"duration_s", "fwd_pkts", "rev_pkts", "fwd_bytes", "rev_bytes"} {
			if math.IsNaN(cell(name)) {
				require.True(t, math.IsNaN(cell("log_"+name)), name)
				continue
			}
			require.InDelta(t, math.Log1p(cell(name)), cell("log_"+name), 1e-6, name)
		}
		if a, b := cell("fwd_mean_size"), cell("rev_mean_size"); math.IsNaN(a) || math.IsNaN(b) {
			require.True(t, math.IsNaN(cell("size_asym")))
		} else {
			require.InDelta(t, math.Log((a+1)/(b+1)), cell("size_asym"), 1e-5)
		}
		require.True(t, math.IsNaN(cell("vlan_present")) && math.IsNaN(cell("is_fragmented")))
		start := time.Unix(0, f.Start).UTC()
		angle := 2 * math.Pi * float64(start.Hour()) / 24
		require.InDelta(t, math.Sin(angle), cell("hour_sin"), 1e-7)
		require.InDelta(t, math.Cos(angle), cell("hour_cos"), 1e-7)
		require.EqualValues(t, (start.Weekday()+6)%7, cell("weekday"))
		_, srcNet, _ := plainKey(f, true)
		_, dstNet, _ := plainKey(f, false)
		require.Equal(t, bit(srcNet == dstNet), cell("same_subnet"))
		require.Equal(t, 6-2*bit(f.Dst.Is4()), cell("ip_version"))
		if !f.Has(FieldLocalSrc) || !f.Has(FieldLocalDst) {
			require.True(t, math.IsNaN(cell("direction=out")))
			continue
		}
		require.Equal(t, bit(f.LocalSrc && !f.LocalDst), cell("direction=out"))
		require.Equal(t, bit(!f.LocalSrc && f.LocalDst), cell("direction=in"))
		require.Equal(t, bit(f.LocalSrc && f.LocalDst), cell("direction=internal"))
		require.Equal(t, bit(!f.LocalSrc && !f.LocalDst), cell("direction=external"))
	}
	for tags, want := range map[uint8][2]float32{0: {0, 1}, 1: {1, 0}, 2: {1, 1}} {
		row, err := p.AppendRow(nil, &Flow{Known: FieldVLAN | FieldFragmented, VLANTags: tags, Fragmented: want[1] == 1})
		require.NoError(t, err)
		require.Equal(t, want[:], row[at["vlan_present"]:])
	}
	for text, want := range map[string][3]float32{"10.1.2.3": {1, 0, 0}, "172.32.0.1": {}, "fd00::1": {1, 0, 0}, "224.0.0.251": {0, 1, 0}, "255.255.255.255": {0, 1, 0},
		"ff02::1": {0, 1, 0}, "100.64.1.1": {0, 0, 1}, "127.0.0.1": {0, 0, 1}, "::1": {0, 0, 1}, "2001:db8::1": {0, 0, 1}, "2600::1": {}, "8.8.8.8": {}, "::ffff:10.0.0.1": {1, 0, 0},
		"240.0.0.1": {0, 0, 1}, "::2": {}} {
		f := &Flow{Known: FieldAddrs, Src: netip.MustParseAddr("192.0.2.1"), Dst: netip.MustParseAddr(text)}
		row, err := p.AppendRow(nil, f)
		require.NoError(t, err)
		k := at["dst_is_private"]
		require.Equal(t, want[:], row[k:k+3], text)
		require.True(t, math.IsNaN(float64(row[at["hour_sin"]])))
	}
}

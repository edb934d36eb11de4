package features

import (
	"bytes"
	"fmt"
	"math"
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// hostFlows adds amounts, and now and then many destinations and ports, to contextFlows.
func hostFlows(r *rand.Rand, n int, step, jitter int64) []*Flow {
	flows := contextFlows(r, n, step, jitter)
	for _, f := range flows {
		for _, field := range []Field{FieldFwdBytes, FieldRevBytes, FieldFwdPkts, FieldRevPkts, FieldLocalSrc, FieldLocalDst} {
			if r.IntN(6) > 0 {
				f.Known |= field
			}
		}
		f.FwdBytes, f.RevBytes, f.FwdPkts, f.RevPkts = r.Uint64N(1e6), r.Uint64N(1e6), r.Uint64N(1000), r.Uint64N(1000)
		f.LocalSrc, f.LocalDst = r.IntN(2) == 0, r.IntN(2) == 0
		if r.IntN(3) == 0 {
			b := f.Dst.As16()
			b[15], b[14] = byte(r.IntN(200)), byte(r.IntN(2))
			f.Dst = netipFrom(b)
		}
		if r.IntN(3) == 0 && f.Has(FieldDstPort) {
			f.DstPort = uint16(r.IntN(300))
		}
	}
	return flows
}

func TestHostsAgainstPlainMaps(t *testing.T) {
	p := pipelineOf(t, "host/1")
	for seed := range seeds(30) {
		r := rand.New(rand.NewPCG(seed, 3))
		flows := hostFlows(r, 1+r.IntN(1500), []int64{1e7, 1e9, 1e11, 2e13}[r.IntN(4)], []int64{0, 1e9, 5e9, 2e11}[r.IntN(4)])
		if seed%5 == 4 { // a log whose times begin at 0
			for _, f := range flows {
				f.Start -= 1e18
			}
		}
		x := p.ExtractorWith(&StateOptions{Budget: 8 << 20})
		rows, _ := allRows(t, x, flows, true)
		plain := newPlainHosts()
		for i, o := range release(flows) {
			requireSameRow(t, plain.row(o.f, o.t, o.t-o.f.End()), rows[i], hostColumns, fmt.Sprintf("seed %d, row %d", seed, i))
		}
		require.Zero(t, x.Stats().Evicted)
	}
}

// BenchmarkHosts is the cost of a row of host/1 where everything is warm: 2,000 sources and 2,000 destinations.
func BenchmarkHosts(b *testing.B) {
	r := rand.New(rand.NewPCG(11, 13))
	flows := make([]*Flow, 1<<14)
	for i := range flows {
		f := tcpFlow()
		f.Src, f.Dst = addr4(0x0a010000+uint32(r.IntN(2000))), addr4(0x0a020000+uint32(r.IntN(2000)))
		f.DstPort = []uint16{53, 80, 443, 22, 445, 8080}[r.IntN(6)]
		f.State = State(r.IntN(11))
		f.UID = []byte("CHhAvVGS1DHFjwGM9")
		flows[i] = f
	}
	x := pipelineOf(b, "host/1").Extractor()
	at := int64(1e18)
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		f := flows[i&(1<<14-1)]
		at += 1_000_000
		f.Start = at - f.Duration
		if x.Push(f) != nil {
			b.Fatal("push")
		}
		for _, ok := x.Next(); ok; _, ok = x.Next() {
		}
	}
}

// Parts filled by goroutines of their own, each of which sees all flows, give the rows that one goroutine makes, evictions
// included: how the work is spread changes nothing.
func TestPartsAreIndependent(t *testing.T) {
	p := pipelineOf(t, "host/1")
	var stats Stats
	for seed := range seeds(4) {
		r := rand.New(rand.NewPCG(seed, 17))
		flows := hostFlows(r, 4000, 1e9, 1e11)
		for i, f := range flows { // more hosts than there is room for
			if r.IntN(2) == 0 {
				f.Src = addr4(0x0b000000 + uint32(i))
			}
		}
		x := p.ExtractorWith(smallState)
		want, _ := allRows(t, x, flows, true)
		require.Positive(t, x.Stats().Evicted)

		order := release(flows)
		events := make([]hostFlow, len(order))
		rows := make([][]float32, len(order))
		for i, o := range order {
			events[i], rows[i] = makeHostFlow(o.f, o.t, nil), make([]float32, len(hostColumns))
			events[i].count = o.t-o.f.End() <= maxLate
		}
		for _, workers := range []int{1, 3, hostParts} {
			h := newHosts(smallState, noSettings, &stats).(*hosts)
			var done sync.WaitGroup
			for _, ofSource := range []bool{true, false} {
				for worker := range workers {
					done.Go(func() {
						for i := range events {
							f := &events[i]
							src, dst := f.src.fixed(h.seed), f.dst.fixed(h.seed)
							if n := partOf(src); ofSource && n%workers == worker {
								h.parts[n].addSource(rows[i], f, src, dst)
							}
							if n := partOf(dst); !ofSource && n%workers == worker {
								h.parts[n].addDest(rows[i], f, src, dst)
							}
						}
					})
				}
				done.Wait()
			}
			for i := range events {
				h.common.add(rows[i], &events[i], events[i].src.fixed(h.seed))
				h.common.finish(rows[i], &events[i])
				requireSameRow(t, want[i], rows[i], hostColumns, fmt.Sprintf("%d workers, row %d", workers, i))
			}
		}
	}
}

// WIN-6: another seed changes what is estimated, and nothing else; the same one gives the same rows; a state takes its seed along.
func TestSeed(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 7))
	flows := hostFlows(r, 3000, 1e8, 0)
	for i, f := range flows {
		f.Dst, f.DstPort = addr4(0x0a000000+uint32(r.IntN(5000))), uint16(i)
	}
	for _, set := range []string{"host/1", "dns/1", "tls/1", "beacon/1", "name/1"} {
		p := pipelineOf(t, set)
		run := func(seed [2]uint64) [][]float32 {
			rows, _ := allRows(t, p.ExtractorWith(&StateOptions{Budget: 16 << 20, Seed: seed}), flows, true)
			return rows
		}
		plain, seeded := run([2]uint64{}), run([2]uint64{1, 2})
		for i, row := range run([2]uint64{1, 2}) {
			requireSameRow(t, seeded[i], row, p.Schema().Columns, set)
		}
		differ := map[string]bool{}
		for i, row := range plain {
			for c, v := range row {
				if math.Float32bits(v) != math.Float32bits(seeded[i][c]) {
					differ[p.Schema().Columns[c].Name] = true
					require.InDelta(t, v, seeded[i][c], 3+0.1*float64(v), "%s, row %d, %s", set, i, p.Schema().Columns[c].Name)
				}
			}
		}
		if set == "host/1" {
			require.True(t, differ["src_fanout_dst_1h"])
		}
		for name := range differ {
			require.Contains(t, []string{"src_fanout_dst_1h", "src_fanout_dport_1h", "dst_fanin_src_1h", "dst_prevalence_1h", "src_net_flows_60s", "dst_net_flows_60s",
				"src_dns_domains_1h", "domain_subdomains_1h"}, name)
		}

		x := p.ExtractorWith(&StateOptions{Budget: 16 << 20, Seed: [2]uint64{1, 2}})
		rows, _ := allRows(t, x, flows[:1500], false)
		var state bytes.Buffer
		require.NoError(t, x.Save(&state))
		restored, err := p.Restore(&state, &StateOptions{Budget: 16 << 20})
		require.NoError(t, err)
		more, _ := allRows(t, restored, flows[1500:], true)
		for i, row := range append(rows, more...) {
			requireSameRow(t, seeded[i], row, p.Schema().Columns, set)
		}
	}
}

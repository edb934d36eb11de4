package features

import (
	"fmt"
	"math"
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

// contextFlows makes flows of few hosts, ports and services, whose ends go back and forth. Every field is a coin that is
// tossed anew, so that windows fill and empty, and keys come and go.
func contextFlows(r *rand.Rand, n int, step, jitter int64) []*Flow {
	hosts := make([]netip.Addr, 1+r.IntN(12))
	for i := range hosts {
		hosts[i] = netip.AddrFrom4([4]byte{10, 0, 0, byte(i)})
		if i%3 == 2 {
			hosts[i] = netip.AddrFrom16([16]byte{0x20, 1, 15: byte(i)})
		}
	}
	apps := []string{"krb_tcp", "tcp/443", "icmp/", "gssapi", "tcp/0443", "tcp/65536", string(make([]byte, 100)), "other/"}
	flows := make([]*Flow, n)
	at := int64(1e18)
	for i := range flows {
		if step > 0 {
			at += r.Int64N(step)
		}
		f := &Flow{Known: FieldStart | FieldAddrs, Src: hosts[r.IntN(len(hosts))], Dst: hosts[r.IntN(len(hosts))], State: State(r.IntN(11)),
			Proto: Proto(r.IntN(4)), UID: fmt.Appendf(nil, "C%d", i)}
		if r.IntN(20) > 0 {
			f.Known |= FieldProto
		} else {
			f.Proto = 0
		}
		if r.IntN(5) > 0 {
			f.Known |= FieldSrcPort
			f.SrcPort = uint16(r.IntN(6))
		}
		if r.IntN(5) > 0 {
			f.Known |= FieldDstPort
			f.DstPort = uint16(440 + r.IntN(6))
		}
		switch r.IntN(4) {
		case 0:
			f.App = 1 + App(r.IntN(int(AppOther)-1))
			f.AppName = f.App.String()
		case 1:
			f.App, f.AppName = AppOther, apps[r.IntN(len(apps))]
		}
		if r.IntN(4) > 0 {
			f.Known |= FieldDuration
			f.Duration = r.Int64N(2e9)
		}
		if r.IntN(3) == 0 {
			f.Joined = &Joined{}
			if r.IntN(3) > 0 {
				f.Joined.DNS = someQueries(r)
			}
			if r.IntN(3) == 0 {
				f.Joined.TLS = someTLS(r)
			}
			if r.IntN(3) == 0 {
				f.Joined.HTTP = someHTTP(r)
			}
		}
		f.Start = at - f.Duration
		if jitter > 0 {
			f.Start -= r.Int64N(jitter)
		}
		flows[i] = f
	}
	return flows
}

// releasedFlow is a flow with its event time.
type releasedFlow struct {
	f *Flow
	t int64
}

// release puts flows in order by the text of the specification.
func release(flows []*Flow) []releasedFlow {
	var out, heap []releasedFlow
	seen, last := int64(math.MinInt64), int64(math.MinInt64)
	first := func() {
		k := 0
		for i := range heap {
			if heap[i].t < heap[k].t {
				k = i
			}
		}
		last = heap[k].t
		out = append(out, heap[k])
		heap = slices.Delete(heap, k, k+1)
	}
	least := func() int64 {
		t := int64(math.MaxInt64)
		for _, h := range heap {
			t = min(t, h.t)
		}
		return t
	}
	for _, f := range flows {
		if f.End() < last {
			out = append(out, releasedFlow{f, last})
			continue
		}
		heap = append(heap, releasedFlow{f, f.End()})
		seen = max(seen, f.End())
		for len(heap) > 0 && (float64(seen)-float64(least()) > 2.1e9 || seen-least() > 2e9 || len(heap) > 10_000) {
			first()
		}
	}
	for len(heap) > 0 {
		first()
	}
	return out
}

// serviceName is the service of a flow, as text.
func serviceName(f *Flow) string {
	switch {
	case f.App != AppNone:
		return f.AppName
	case !f.Has(FieldProto) && f.Has(FieldDstPort):
		return fmt.Sprintf("missing/%d", f.DstPort)
	case !f.Has(FieldProto):
		return "missing/"
	case f.Has(FieldDstPort):
		return fmt.Sprintf("%v/%d", f.Proto, f.DstPort)
	}
	return f.Proto.String() + "/"
}

func port(f *Flow, field Field, p uint16) int {
	if !f.Has(field) {
		return -1
	}
	return int(p)
}

// plainLast computes the cells of kddColumns.
func plainLast(past []releasedFlow, records int) []float32 {
	me, last := past[len(past)-1].f, past[max(0, len(past)-records):]
	var host, pair, service, sport, hostS, hostR, pairS, pairR float64
	for _, r := range last {
		f := r.f
		serr := bit(f.State == StateAttempt || f.State == StateEstablished || f.State == StateHalfClosed)
		rerr := bit(f.State == StateRejected)
		sameHost, sameService := bit(f.Dst == me.Dst), bit(serviceName(f) == serviceName(me))
		host += sameHost
		service += sameService
		pair += sameHost * sameService
		sport += sameHost * bit(port(f, FieldSrcPort, f.SrcPort) == port(me, FieldSrcPort, me.SrcPort))
		hostS += sameHost * serr
		hostR += sameHost * rerr
		pairS += sameHost * sameService * serr
		pairR += sameHost * sameService * rerr
	}
	return rounded([]float64{host, pair, pair / host, (host - pair) / host, sport / host, (service - pair) / service, hostS / host, pairS / pair, hostR / host, pairR / pair})
}

// plainContext computes the 26 cells of the last of the released flows by going through all the others.
func plainContext(past []releasedFlow) []float32 {
	me := past[len(past)-1]
	count := func(of []releasedFlow, is ...func(f *Flow) bool) float64 {
		n := 0
		for _, r := range of {
			ok := true
			for _, is := range is {
				ok = ok && is(r.f)
			}
			if ok {
				n++
			}
		}
		return float64(n)
	}
	dst := func(f *Flow) bool { return f.Dst == me.f.Dst }
	src := func(f *Flow) bool { return f.Src == me.f.Src }
	srv := func(f *Flow) bool { return serviceName(f) == serviceName(me.f) }
	sport := func(f *Flow) bool { return port(f, FieldSrcPort, f.SrcPort) == port(me.f, FieldSrcPort, me.f.SrcPort) }
	dport := func(f *Flow) bool { return port(f, FieldDstPort, f.DstPort) == port(me.f, FieldDstPort, me.f.DstPort) }
	serr := func(f *Flow) bool {
		return f.State == StateAttempt || f.State == StateEstablished || f.State == StateHalfClosed
	}
	rerr := func(f *Flow) bool { return f.State == StateRejected }

	two := past
	for len(two) > 0 && two[0].t < me.t-2e9 {
		two = two[1:]
	}
	n, s := count(two, dst), count(two, srv)
	both := count(two, dst, srv)
	cells := []float64{n, count(two, dst, serr) / n, count(two, dst, rerr) / n, both / n, (n - both) / n,
		s, count(two, srv, serr) / s, count(two, srv, rerr) / s, (s - both) / s}
	last := past[max(0, len(past)-100):]
	n, m, s := count(last, dst), count(last, dst, srv), count(last, srv)
	cells = append(cells, n, m, m/n, (n-m)/n, count(last, dst, sport)/n, (s-m)/s, count(last, dst, serr)/n, count(last, dst, srv, serr)/m,
		count(last, dst, rerr)/n, count(last, dst, srv, rerr)/m,
		count(last, src), n, count(last, src, dst), count(last, src, dport), count(last, dst, sport), count(last, src, srv), m)
	row := make([]float32, len(cells))
	for i, c := range cells {
		row[i] = float32(c)
	}
	return row
}

func pipelineOf(t testing.TB, name string) *Pipeline {
	t.Helper()
	set, err := LookupSet(name)
	require.NoError(t, err)
	p, err := NewPipeline(set)
	require.NoError(t, err)
	return p
}

// allRows runs flows through an extractor.
func allRows(t testing.TB, x *Extractor, flows []*Flow, finish bool) (rows [][]float32, uids []string) {
	t.Helper()
	due := func() {
		for row, ok := x.Next(); ok; row, ok = x.Next() {
			rows = append(rows, slices.Clone(row.Values))
			uids = append(uids, string(row.Flow.UID))
		}
	}
	for _, f := range flows {
		require.NoError(t, x.Push(f))
		due()
	}
	if finish {
		x.Finish()
		due()
	}
	return rows, uids
}

func requireSameRow(t testing.TB, want, got []float32, columns []Column, what string) {
	t.Helper()
	require.Len(t, got, len(want))
	for i := range want {
		if math.Float32bits(want[i]) != math.Float32bits(got[i]) && (want[i] == want[i] || got[i] == got[i]) {
			require.Failf(t, "cell differs", "%s, column %s: want %v, got %v", what, columns[i].Name, want[i], got[i])
		}
	}
}

func TestContextAgainstAPlainCount(t *testing.T) {
	p := pipelineOf(t, "flow-context/1")
	portable, wider := pipelineOf(t, "flow-portable/1"), pipelineOf(t, "flow-context/2")
	for seed := range seeds(60) {
		r := rand.New(rand.NewPCG(seed, 1))
		flows := contextFlows(r, 1+r.IntN(700), []int64{0, 1e6, 1e8, 3e9}[r.IntN(4)], []int64{0, 1e9, 4e9, 3e10}[r.IntN(4)])
		x := p.Extractor()
		rows, uids := allRows(t, x, flows, true)
		wide, _ := allRows(t, wider.ExtractorWith(smallState), flows, true)
		order := release(flows)
		require.Len(t, rows, len(order))
		late := 0
		for i, o := range order {
			require.Equal(t, string(o.f.UID), uids[i], "seed %d, row %d", seed, i)
			requireSameRow(t, plainContext(order[:i+1]), rows[i][70:], contextColumns, fmt.Sprintf("seed %d, row %d", seed, i))
			if i%8 == 0 {
				requireSameRow(t, plainLast(order[:i+1], 256), wide[i][len(wide[i])-10:], wideColumns, fmt.Sprintf("seed %d, row %d", seed, i))
			}
			row, err := portable.Extractor().AppendRow(nil, o.f)
			require.NoError(t, err)
			requireSameRow(t, row, rows[i][:70], portableColumns, "flow-portable")
			if o.f.End() < o.t {
				late++
			}
		}
		require.EqualValues(t, late, x.Stats().Late)
		require.Zero(t, x.Stats().Held)
	}
}

// More flows at a time than the reorder buffer holds.
func TestContextOfAFlood(t *testing.T) {
	p := pipelineOf(t, "flow-context/1")
	flows := contextFlows(rand.New(rand.NewPCG(7, 7)), 12_000, 1000, 1e9)
	rows, uids := allRows(t, p.Extractor(), flows, true)
	require.Len(t, rows, len(flows))
	order := release(flows)
	for i, o := range order {
		require.Equal(t, string(o.f.UID), uids[i])
		if i%500 == 0 || i > len(order)-5 {
			requireSameRow(t, plainContext(order[:i+1]), rows[i][70:], contextColumns, fmt.Sprint("row ", i))
		}
	}
}

// Times at the ends of what int64 holds do not overflow.
func TestContextAtTheEndsOfTime(t *testing.T) {
	var flows []*Flow
	for i, at := range []int64{math.MinInt64, math.MinInt64 + 1, 0, math.MaxInt64, math.MaxInt64, math.MinInt64} {
		flows = append(flows, &Flow{Start: at, UID: fmt.Append(nil, i), Known: FieldStart | FieldAddrs})
	}
	rows, uids := allRows(t, pipelineOf(t, "flow-context/1").Extractor(), flows, true)
	require.Equal(t, []string{"0", "1", "2", "5", "3", "4"}, uids, "the last one is late")
	for i, want := range []float32{1, 2, 1, 2, 1, 2} {
		require.Equal(t, want, rows[i][70], "kdd2_count of row %d", i)
	}
}

// Within its bound the buffer makes the order of arrival immaterial.
func TestContextOfShuffledFlows(t *testing.T) {
	p := pipelineOf(t, "flow-context/1")
	r := rand.New(rand.NewPCG(3, 9))
	flows := contextFlows(r, 3000, 1e7, 0)
	for i, f := range flows { // no equal ends, whose order would be that of arrival
		f.Start += int64(i) - f.Start%10_000
	}
	slices.SortFunc(flows, func(a, b *Flow) int { return int(a.End() - b.End()) })
	want, _ := allRows(t, p.Extractor(), flows, true)
	shuffled := slices.Clone(flows)
	slices.SortStableFunc(shuffled, func(a, b *Flow) int { return int(a.End()/1e9 - b.End()/1e9) })
	for from := 0; from < len(shuffled); {
		to := from
		for to < len(shuffled) && shuffled[to].End()/1e9 == shuffled[from].End()/1e9 {
			to++
		}
		r.Shuffle(to-from, func(i, j int) { shuffled[from+i], shuffled[from+j] = shuffled[from+j], shuffled[from+i] })
		from = to
	}
	require.NotEqual(t, flows, shuffled)
	got, _ := allRows(t, p.Extractor(), shuffled, true)
	require.Equal(t, len(want), len(got))
	for i := range want {
		requireSameRow(t, want[i], got[i], p.Schema().Columns, fmt.Sprint("row ", i))
	}
}

func TestContextIsBounded(t *testing.T) {
	var stats Stats
	w := newWindow(1<<20, recentRecords, true, &stats)
	r := rand.New(rand.NewPCG(5, 5))
	for range 50_000 { // all at one time, none like another
		f := contextFlow{src: hostKey{r.Uint64(), 1}, dst: hostKey{r.Uint64(), 2}, service: serviceKey{name: fmt.Sprint(r.Uint64())}, sport: 1, dport: 2}
		w.add(&f, 0)
		require.LessOrEqual(t, w.size(), 1<<20)
	}
	require.Greater(t, stats.Evicted, int64(40_000))
	require.Less(t, w.n, 10_000)
	// When all is forgotten nothing stays behind.
	for w.n > 0 {
		w.forget()
	}
	for w.count > 0 {
		w.nth = (w.nth + recentRecords - w.count) % recentRecords
		w.forgetHundredth()
		w.nth = (w.nth + 1 + w.count) % recentRecords
	}
	require.Zero(t, w.hosts.used+w.services.used+w.pairs.used)
	for g := range w.groups {
		require.Zero(t, w.groups[g].used)
	}
}

func TestStatefulSetsDoNotAllocate(t *testing.T) {
	flows := contextFlows(rand.New(rand.NewPCG(1, 2)), 2000, 1e7, 1e9)
	for _, f := range flows {
		f.UID = []byte("CHhAvVGS1DHFjwGM9")
		if len(f.AppName) > maxServiceName { // of these a digest is made
			f.AppName = "krb_tcp"
		}
	}
	for _, set := range statefulSets() {
		x := pipelineOf(t, set).ExtractorWith(smallState)
		t.Run(set, func(t *testing.T) { requireNoAllocs(t, x, flows) })
	}
}

func requireNoAllocs(t *testing.T, x *Extractor, flows []*Flow) {
	t.Helper()
	run := func() {
		for _, f := range flows {
			f.Start += 1e12 // the next round is later
			if x.Push(f) != nil {
				t.Fail()
			}
			for _, ok := x.Next(); ok; _, ok = x.Next() {
			}
		}
	}
	run()
	run()
	require.Zero(t, testing.AllocsPerRun(5, run))
}

func TestPushAndNextTakeTurns(t *testing.T) {
	for _, name := range []string{"flow-min/1", "flow-context/1"} {
		x := pipelineOf(t, name).Extractor()
		f := tcpFlow()
		require.NoError(t, x.Push(f))
		f.Start += 10e9
		if name == "flow-context/1" {
			require.NoError(t, x.Push(f), "nothing is due yet")
		}
		require.ErrorIs(t, x.Push(f), ErrOrder)
		_, ok := x.Next()
		require.True(t, ok)
		_, ok = x.Next()
		require.False(t, ok)
		require.NoError(t, x.Push(f))
	}
	_, err := pipelineOf(t, "flow-context/1").Extractor().AppendRow(nil, tcpFlow())
	require.ErrorIs(t, err, ErrOrder)
}

// BenchmarkContext is the cost of a row of flow-context/1, the reorder buffer and the columns of flow-portable/1 included.
// The mix is that of a busy sensor: 20,000 flows a second of 4,000 hosts, so that 40,000 are in the window.
func BenchmarkContext(b *testing.B) {
	r := rand.New(rand.NewPCG(11, 13))
	flows := make([]*Flow, 1<<16)
	for i := range flows {
		f := tcpFlow()
		f.Src = netip.AddrFrom4([4]byte{10, 1, byte(r.IntN(8)), byte(r.IntN(256))})
		f.Dst = netip.AddrFrom4([4]byte{10, 2, byte(r.IntN(8)), byte(r.IntN(256))})
		f.SrcPort, f.DstPort = uint16(32768+r.IntN(28000)), []uint16{53, 80, 443, 22, 445, 8080}[r.IntN(6)]
		f.State = State(r.IntN(11))
		f.UID = []byte("CHhAvVGS1DHFjwGM9")
		f.History = []byte("ShADadFf")
		flows[i] = f
	}
	x := pipelineOf(b, "flow-context/1").Extractor()
	at := int64(1e18)
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		f := flows[i&(1<<16-1)]
		at += 50_000
		f.Start = at - f.Duration + r.Int64N(1e8)
		if x.Push(f) != nil {
			b.Fatal("push")
		}
		for _, ok := x.Next(); ok; _, ok = x.Next() {
		}
	}
}

func netipFrom(b [16]byte) netip.Addr { return netip.AddrFrom16(b).Unmap() }

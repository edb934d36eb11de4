package features

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// manyFlows are flows of anything to a number of hosts: more of them than a small budget has room for, if there are that many.
func manyFlows(r *rand.Rand, n, hosts int) []*Flow {
	flows := contextFlows(r, n, []int64{1e6, 1e8, 3e11}[r.IntN(3)], []int64{0, 1e9, 3e11}[r.IntN(3)])
	few := 1 + r.IntN(hosts) // of them are sources
	for i, f := range flows {
		f.Src, f.Dst = addr4(uint32(r.IntN(few))), addr4(uint32(r.IntN(hosts)))
		if r.IntN(2) == 0 {
			f.Src = netip.AddrFrom16([16]byte{0x20, 1, 6: byte(r.IntN(hosts)), 7: byte(r.IntN(hosts) >> 8)})
		}
		f.DstPort = uint16(r.IntN(hosts))
		if r.IntN(3) > 0 {
			f.Joined = &Joined{DNS: someQueries(r), HTTP: someHTTP(r), TLS: someTLS(r)}
			if h := f.Joined.TLS; h != nil && r.IntN(2) == 0 {
				h.ServerName = fmt.Sprint(r.IntN(hosts), ".example")
			}
		}
		if asked := flows[r.IntN(i+1)].Joined; asked != nil && len(asked.DNS) > 0 && len(asked.DNS[0].Addrs) > 0 { // the source follows a query
			f.Dst = asked.DNS[0].Addrs[0]
		}
		if r.IntN(50) == 0 {
			f.App, f.AppName = AppOther, strings.Repeat("long", 1000)
		}
		if r.IntN(50) == 0 {
			f.UID = []byte(strings.Repeat("long", 1000))
		}
	}
	return flows
}

// An extractor that was reset is as a new one, whatever it saw before: the rows, and the state that it leaves, are the same.
func TestResetForgetsEverything(t *testing.T) {
	for _, set := range statefulSets() {
		p := pipelineOf(t, set)
		var told, toldFresh []Pressure
		telling := func(all *[]Pressure) *StateOptions {
			o := *smallState
			o.OnPressure = func(p Pressure) { *all = append(*all, p) }
			return &o
		}
		x := p.ExtractorWith(telling(&told))
		for seed := range seeds(24) {
			r := rand.New(rand.NewPCG(seed, 11))
			flows := manyFlows(r, []int{1, 300, 4000}[r.IntN(3)], []int{5, 50, 5000}[r.IntN(3)])
			fresh := p.ExtractorWith(telling(&toldFresh))
			want, wantUIDs := allRows(t, fresh, flows, false)
			got, uids := allRows(t, x, flows, false)
			require.Equal(t, wantUIDs, uids)
			for i := range want {
				requireSameRow(t, want[i], got[i], p.Schema().Columns, fmt.Sprintf("%s, seed %d, row %d", set, seed, i))
			}
			require.Equal(t, fresh.Stats(), x.Stats(), set)
			require.Equal(t, toldFresh, told, set)
			require.True(t, string(saved(t, fresh)) == string(saved(t, x)), "%s: another state", set)
			if seed%2 == 0 { // in the middle of things, or at the end
				x.Finish()
				x.Next()
			}
			x.Reset()
			require.Zero(t, x.Stats())
			for _, f := range x.order.spare {
				require.LessOrEqual(t, cap(f.UID), spareText)
				require.Empty(t, f.AppName)
				require.Nil(t, f.Joined)
			}
		}
	}
}

// A set that remembers nothing forgets the flow whose row is due, and counts anew.
func TestResetWithoutMemory(t *testing.T) {
	x := pipelineOf(t, "flow-min/1").Extractor()
	for range 2 {
		require.NoError(t, x.Push(tcpFlow()))
		require.ErrorIs(t, x.Push(tcpFlow()), ErrOrder)
		x.Reset()
		_, ok := x.Next()
		require.False(t, ok)
		require.NoError(t, x.Push(tcpFlow()))
		row, ok := x.Next()
		require.True(t, ok)
		require.Zero(t, row.Number)
	}
}

// One log after the other takes no more memory than the first.
func TestResetKeepsMemory(t *testing.T) {
	flows := manyFlows(rand.New(rand.NewPCG(1, 12)), 3000, 1000)
	for _, f := range flows {
		f.UID = f.UID[:min(len(f.UID), 8)]
	}
	for _, set := range statefulSets() {
		x := pipelineOf(t, set).ExtractorWith(smallState)
		run := func() uint64 {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			for _, f := range flows {
				require.NoError(t, x.Push(f))
				for _, ok := x.Next(); ok; _, ok = x.Next() {
				}
			}
			x.Reset()
			runtime.ReadMemStats(&after)
			return after.TotalAlloc - before.TotalAlloc
		}
		first := run()
		again := run()
		t.Logf("%s: %d bytes for the first log, %d for the next", set, first, again)
		require.Less(t, again, uint64(64<<10), set)
	}
}

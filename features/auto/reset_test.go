package auto_test

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"threatdetect/features"
	"threatdetect/features/auto"
)

// pairedLogs are logs whose flows are made of several records.
func pairedLogs(r *rand.Rand, records, seconds int) map[string]string {
	var vpc, flipped, csv, objects strings.Builder
	flipped.WriteString("dstaddr srcaddr start end protocol packets log-status\n") // with a header that no other log may inherit
	csv.WriteString("ts,te,td,sa,da,sp,dp,pr,flg,ipkt,ibyt\n")
	for range records {
		a, b := fmt.Sprintf("10.0.%d.%d", r.IntN(20), r.IntN(200)), fmt.Sprintf("192.0.2.%d", r.IntN(250))
		if r.IntN(2) == 0 {
			a, b = b, a
		}
		start := 1418530010 + r.IntN(seconds)
		fmt.Fprintf(&vpc, "2 1 eni-%d %s %s %d 443 6 %d 4249 %d %d ACCEPT OK\n", r.IntN(2), a, b, r.IntN(60000), r.IntN(30), start, start+r.IntN(60))
		if r.IntN(50) == 0 {
			fmt.Fprintf(&vpc, "2 1 eni-%d - - - - - - - %d %d - SKIPDATA\n", r.IntN(2), start, start+r.IntN(60))
		}
		fmt.Fprintf(&flipped, "%s %s %d %d 6 1 OK\n", a, b, start, start+1)
		at := time.Unix(int64(start), 0).UTC().Format("2006-01-02 15:04:05.000")
		fmt.Fprintf(&csv, "%s,%s,0.000,%s,%s,%d,443,TCP,.A..S.,%d,99\n", at, at, a, b, r.IntN(60000), r.IntN(9))
		fmt.Fprintf(&objects, `{"type":"FLOW","src4_addr":"%s","dst4_addr":"%s","src_port":%d,"dst_port":443,"proto":6,"in_packets":%d,"in_bytes":99,"first":"2024-03-04T10:00:%02d.000","last":"2024-03-04T10:00:59.000"}`+"\n",
			a, b, r.IntN(60000), r.IntN(9), r.IntN(60))
	}
	return map[string]string{"vpcflow": vpc.String(), "vpcflow with a header": flipped.String(), "nfdump": csv.String(), "nfdump json": objects.String()}
}

// all are the flows of a log, up to so many of them.
func all(t *testing.T, log string, parts *auto.Parts, most int) (flows []features.Flow) {
	add := func(f *features.Flow, err error) bool {
		if err != nil {
			require.ErrorContains(t, err, "the source lost records")
			return true
		}
		var c features.Flow
		f.CopyTo(&c)
		flows = append(flows, c)
		return len(flows) < most
	}
	for f, err := range auto.Read(strings.NewReader(log), &auto.Options{Parts: parts}) {
		if !add(f, err) {
			return flows
		}
	}
	for f, err := range parts.Flush() {
		if !add(f, err) {
			return flows
		}
	}
	return flows
}

// Parts that were reset read a log as new ones do, whatever was read before, and wherever that ended.
func TestResetParts(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 1))
	var used auto.Parts
	for range 30 {
		for name, log := range pairedLogs(r, 1+r.IntN(300), 1+r.IntN(6000)) {
			used.Reset()
			want := all(t, log, &auto.Parts{}, 1<<30)
			require.NotEmpty(t, want, name)
			require.Equal(t, want, all(t, log, &used, 1<<30), name)
			used.Reset()
			all(t, log, &used, 1+r.IntN(len(want)))
		}
	}
}

// The next log takes little more than what every log does, as there is room for open flows.
func TestResetPartsKeepMemory(t *testing.T) {
	logs := pairedLogs(rand.New(rand.NewPCG(3, 2)), 20_000, 900)
	for name, log := range logs {
		var parts auto.Parts
		run := func() uint64 {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			for range auto.Read(strings.NewReader(log), &auto.Options{Parts: &parts}) {
			}
			for range parts.Flush() {
			}
			parts.Reset()
			runtime.ReadMemStats(&after)
			return after.TotalAlloc - before.TotalAlloc
		}
		first := run()
		again := run()
		t.Logf("%s: %d bytes for the first log, %d for the next", name, first, again)
		require.Less(t, again, uint64(600<<10), name)
		require.Greater(t, first, 4*again, name)
	}
}

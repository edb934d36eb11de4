package netflow_test

import (
	gobytes "bytes"
	"compress/gzip"
	gojson "encoding/json"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"threatdetect/features"
	"threatdetect/features/netflow"
	"threatdetect/internal/testkit/logs"
)

func read(t testing.TB, log string, opts *netflow.Options) *logs.Result {
	t.Helper()
	return logs.Read(t, netflow.Read(strings.NewReader(log), opts))
}

const (
	header  = "ts,te,td,sa,da,sp,dp,pr,flg,fwd,stos,ipkt,ibyt,opkt,obyt,ra\n"
	syn     = "2018-01-12 15:37:30,2018-01-12 15:37:30,0.250,147.32.80.119,147.32.82.62,52324,902,TCP,......S.,0,0,1,60,0,0,147.32.82.62\n"
	reset   = "2018-01-12 15:37:30,2018-01-12 15:37:30,0.000,147.32.82.62,147.32.80.119,902,52324,TCP,...A.R..,0,0,1,40,0,0,147.32.82.62\n"
	summary = "Summary\nflows,bytes,packets,avg_bps,avg_pps,avg_bpp\n2,100,2,1,1,1\n"
)

func TestCSV(t *testing.T) {
	newer := "cnt,af,firstSeen,lastSeen,proto,srcAddr,srcPort,dstAddr,dstPort,srcAS,dstAS,input,output,flags,srcTos,packets,bytes\n" +
		"1,1,2018-01-12 15:37:30.000,2018-01-12 15:37:30.250,6,147.32.80.119,52324,147.32.82.62,902,0,0,0,0,....S.,0,1,60\n" +
		"2,1,2018-01-12 15:37:30.000,2018-01-12 15:37:30.000,6,147.32.82.62,902,147.32.80.119,52324,0,0,0,0,.A.R..,0,1,40\n"
	for name, log := range map[string]string{"1.7": header + syn + reset + summary, "again": header + syn + summary + header + reset + summary, "newer": newer} {
		r := read(t, log, nil)
		require.NoError(t, r.Err, name)
		require.Empty(t, r.Bad, name)
		require.EqualValues(t, 2, r.Account.Records, name)
		require.Len(t, r.Flows, 1, name)
		f := r.Flows[0]
		require.Equal(t, "147.32.80.119", f.Src.String())
		require.Equal(t, "2018-01-12T15:37:30Z", f.StartTime().Format("2006-01-02T15:04:05Z07:00"))
		require.EqualValues(t, 250_000_000, f.Duration)
		require.Equal(t, []uint64{1, 1, 60, 40}, []uint64{f.FwdPkts, f.RevPkts, f.FwdBytes, f.RevBytes})
		require.Equal(t, []features.TCPFlags{features.SYN, features.RST | features.ACK}, []features.TCPFlags{f.FwdFlags, f.RevFlags})
		require.Equal(t, features.StateRejected, f.State)
	}
	r := read(t, header+syn, nil)
	require.False(t, r.Flows[0].Has(features.FieldRevPkts), "no record of the way back says nothing")
	require.Equal(t, features.StateAttempt, r.Flows[0].State)
}

func TestBothDirections(t *testing.T) {
	both := strings.Replace(syn, "1,60,0,0", "3,180,2,", 1)
	r := read(t, header+both, nil)
	require.Len(t, r.Flows, 1)
	f := r.Flows[0]
	require.EqualValues(t, 1, r.Account.Records)
	require.Equal(t, []uint64{3, 2, 180}, []uint64{f.FwdPkts, f.RevPkts, f.FwdBytes})
	require.False(t, f.Has(features.FieldRevBytes))
	require.Equal(t, features.AllFlags, f.FwdFlagsKnown)
	require.Zero(t, f.RevFlagsKnown)
	// A record that is too long to be merged with anything is two flows.
	r = read(t, header+strings.Replace(both, "0.250", "3601", 1), nil)
	require.Len(t, r.Flows, 2)
	require.Equal(t, []int{0, -1}, []int{r.Flows[0].MoreRecords, r.Flows[1].MoreRecords})
	require.EqualValues(t, 1, r.Account.Records)
}

func TestFaults(t *testing.T) {
	cells := strings.Split(strings.TrimSpace(syn), ",")
	for name, c := range map[string]struct {
		column int
		value  string
		reason features.Reason
	}{
		"no start":             {0, "", features.ReasonMissing},
		"no protocol":          {7, "-", features.ReasonMissing},
		"a protocol too high":  {7, "256", features.ReasonNumber},
		"an end beside td":     {1, "2018-01-12 15:37", features.ReasonTime},
		"seconds for a time":   {0, "1515771450", features.ReasonTime},
		"no such day":          {0, "2018-02-30 00:00:00", features.ReasonTime},
		"a negative duration":  {2, "-1", features.ReasonNumber},
		"no address":           {3, "host", features.ReasonAddress},
		"a port too high":      {5, "65536", features.ReasonNumber},
		"letters out of place": {8, "S.......", features.ReasonNumber},
		"too few letters":      {8, "...S.", features.ReasonNumber},
		"half a packet":        {11, "0.5", features.ReasonNumber},
		"negative bytes back":  {14, "-1", features.ReasonNumber},
		"a field too many":     {15, "1.1.1.1,", features.ReasonFields},
		"a quote too many":     {15, `"1.1.1.1`, features.ReasonMalformed},
	} {
		changed := append([]string(nil), cells...)
		changed[c.column] = c.value
		r := read(t, header+strings.Join(changed, ",")+"\n", nil)
		require.NoError(t, r.Err, name)
		require.Len(t, r.Bad, 1, name)
		require.Equal(t, c.reason, r.Bad[0].Reason, name)
	}
	r := read(t, syn, nil)
	require.ErrorIs(t, r.Err, features.ErrFormat)
	require.ErrorContains(t, r.Err, "no column ts or firstSeen; there are 2018-01-12 15:37:30")
	r = read(t, "ts,sa,pr\n", nil)
	require.ErrorContains(t, r.Err, "no column da or dstAddr")
}

// TestJSON reads what the collectors write of the same two records.
func TestJSON(t *testing.T) {
	pmacct := func(src, dst, flags string, sport, dport, bytes int) string {
		return fmt.Sprintf(`{"event_type": "purge", "label": {"a": "b"}, "peer_ip_src": "192.0.2.1",   "ip_src": "%s", "ip_dst": "%s", "port_src": %d, "port_dst": %d, "tcp_flags": %s, "ip_proto": "tcp", "timestamp_start": "1515771450.000000", "timestamp_end": "2018-01-12 15:37:30.250000", "packets": 1, "flows": null, "bytes": "%d"}`+"\n", src, dst, sport, dport, flags, bytes)
	}
	goflow := func(kind string, src, dst string, flags, sport, dport, bytes, rate int) string {
		return fmt.Sprintf(`{"type":"%s","time_received_ns":1515771451000000000,"sequence_num":1,"sampling_rate":%d,"sampler_address":"192.0.2.1","time_flow_start_ns":1515771450000000000,"time_flow_end_ns":1515771450250000000,"bytes":%d,"packets":1,"src_addr":"%s","dst_addr":"%s","etype":"IPv4","proto":"TCP","src_port":%d,"dst_port":%d,"ip_tos":0,"tcp_flags":%d,"as_path":[]}`+"\n", kind, rate, bytes, src, dst, sport, dport, flags)
	}
	nfdump := func(src, dst, flags string, sport, dport, bytes int) string {
		return fmt.Sprintf("{\n\t\"type\" : \"FLOW\",\n\t\"first\" : \"2018-01-12T15:37:30.000\",\n\t\"last\" : \"2018-01-12T15:37:30.250\",\n\t\"in_packets\" : 1,\n\t\"in_bytes\" : %d,\n\t\"proto\" : 6,\n\t\"tcp_flags\" : \"%s\",\n\t\"src_port\" : %d,\n\t\"dst_port\" : %d,\n\t\"src4_addr\" : \"%s\",\n\t\"dst4_addr\" : \"%s\",\n\t\"ip4_router\" : \"147.32.82.62\"\n}", bytes, flags, sport, dport, src, dst)
	}
	a, b := "147.32.80.119", "147.32.82.62"
	array := "[\n" + nfdump(a, b, "......S.", 52324, 902, 60) + ",\n" + nfdump(b, a, "...A.R..", 902, 52324, 40) + "]\n"
	lines := strings.NewReplacer("\n", "", "[", "", "]", "").Replace(nfdump(a, b, "......S.", 52324, 902, 60)) + "\n" +
		strings.ReplaceAll(nfdump(b, a, "...A.R..", 902, 52324, 40), "\n", "") + "\n" + `{"type":"STAT","first":"x"}` + "\n"
	for name, log := range map[string]string{
		"pmacct":             pmacct(a, b, `["SYN"]`, 52324, 902, 60) + pmacct(b, a, `["ACK", "RST"]`, 902, 52324, 40),
		"pmacct, escaped":    pmacct(a, b, `["S\u0059N"]`, 52324, 902, 60) + pmacct(b, a, `["\u0041CK" ,"RST"]`, 902, 52324, 40),
		"goflow2":            goflow("NETFLOW_V9", a, b, 2, 52324, 902, 60, 0) + goflow("NETFLOW_V9", b, a, 20, 902, 52324, 40, 0),
		"goflow2 in a list":  "[" + strings.ReplaceAll(strings.TrimSpace(goflow("IPFIX", a, b, 2, 52324, 902, 60, 0)+goflow("IPFIX", b, a, 20, 902, 52324, 40, 0)), "\n", ",") + "]",
		"nfdump, one array":  array,
		"nfdump, JSON lines": lines,
	} {
		r := read(t, log, nil)
		require.NoError(t, r.Err, name)
		require.Zero(t, r.Account.Lost(), name)
		require.EqualValues(t, 2, r.Account.Flows, name)
		require.Len(t, r.Flows, 1, name)
		f := r.Flows[0]
		require.Equal(t, a, f.Src.String(), name)
		require.EqualValues(t, 1515771450_000000000, f.Start, name)
		require.EqualValues(t, 250_000_000, f.Duration, name)
		require.Equal(t, []uint64{1, 1, 60, 40}, []uint64{f.FwdPkts, f.RevPkts, f.FwdBytes, f.RevBytes}, name)
		require.Equal(t, features.StateRejected, f.State, name)
	}

	// Sampled packets stand for many, and say nothing about time.
	r := read(t, goflow("SFLOW_5", a, b, 2, 52324, 902, 60, 512)+goflow("SFLOW_5", a, b, 16, 52324, 902, 1500, 512), nil)
	require.Len(t, r.Flows, 1)
	f := r.Flows[0]
	require.Equal(t, []uint64{1024, 1560 * 512}, []uint64{f.FwdPkts, f.FwdBytes})
	require.EqualValues(t, 512, f.SamplingRate)
	require.False(t, f.Has(features.FieldDuration))
	// Sampled NetFlow is as the exporter wrote it; the rate is carried.
	r = read(t, goflow("NETFLOW_V9", a, b, 2, 52324, 902, 60, 100), nil)
	require.EqualValues(t, 1, r.Flows[0].FwdPkts)
	require.EqualValues(t, 100, r.Flows[0].SamplingRate)

	// What is below the transport: 0 says something of a packet only, and a value that is none says nothing.
	const vlan, fragments = features.FieldVLAN, features.FieldFragmented
	for member, want := range map[string]struct {
		known      features.Field
		tags       uint8
		fragmented bool
	}{
		`"NETFLOW_V9","src_vlan":0,"vlan_id":0,"fragment_offset":0,"ip_flags":0`: {},
		`"NETFLOW_V9","src_vlan":7,"vlan_id":0`:                                  {known: vlan, tags: 1},
		`"IPFIX","vlan_id":7,"src_vlan":0,"ip_flags":2`:                          {known: vlan | fragments, tags: 1},
		`"IPFIX","vlan":"7","ip_flags":3`:                                        {known: vlan | fragments, tags: 1, fragmented: true},
		`"IPFIX","vlan_in":[7],"vlan_id":"x","ip_flags":-1`:                      {},
		`"IPFIX","vlan_in":7,"fragment_offset":185`:                              {known: vlan | fragments, tags: 1, fragmented: true},
		`"SFLOW_5","vlan_id":0,"src_vlan":0,"ip_flags":0,"fragment_offset":0`:    {known: vlan | fragments},
		`"SFLOW_5","fragment_offset":0`:                                          {},
		`"SFLOW_5","vlan_id":100,"ip_flags":1`:                                   {known: vlan | fragments, tags: 1, fragmented: true},
	} {
		r := read(t, strings.Replace(goflow("KIND", a, b, 2, 52324, 902, 60, 0), `"KIND"`, member, 1), nil)
		require.Empty(t, r.Bad, member)
		f := r.Flows[0]
		require.Equal(t, want.known, f.Known&(vlan|fragments), member)
		require.Equal(t, want.tags, f.VLANTags, member)
		require.Equal(t, want.fragmented, f.Fragmented, member)
	}
	tagged := strings.Replace(pmacct(a, b, "[]", 1, 2, 60), `"timestamp_start"`, `"vlan_in": 13, "x"`, 1) // without a time
	require.EqualValues(t, 1, read(t, tagged, nil).Flows[0].VLANTags)
	csv := strings.NewReplacer("ra\n", "ra,svln,dvln\n").Replace(header)
	r = read(t, csv+strings.Replace(syn, "147.32.82.62\n", "147.32.82.62,12,0\n", 1)+strings.Replace(reset, "82.62\n", "82.62,0,0\n", 1), nil)
	require.True(t, r.Flows[0].Has(features.FieldVLAN))
	require.False(t, r.Flows[0].Has(features.FieldFragmented))

	// Aggregates without a time are flows by themselves.
	timeless := strings.Replace(pmacct(a, b, "[]", 1, 2, 60), `"timestamp_start"`, `"x"`, 1)
	r = read(t, timeless+timeless, nil)
	require.Len(t, r.Flows, 2)
	require.False(t, r.Flows[0].Has(features.FieldStart))

	r = read(t, pmacct(a, b, `["SYN","XMAS"]`, 1, 2, 60)+pmacct(a, b, `"x"`, 1, 2, 60)+pmacct(a, "x", `[]`, 1, 2, 60)+strings.Replace(pmacct(a, b, `[]`, 1, 2, 60), `"tcp"`, "[]", 1)+
		pmacct(a, b, "[]", 1, 2, 60)[:80]+"\n"+strings.Replace(pmacct(a, b, "[]", 1, 2, 60), "1515771450.000000", "soon", 1), nil)
	require.Equal(t, map[features.Reason]int64{features.ReasonNumber: 3, features.ReasonAddress: 1, features.ReasonMalformed: 1, features.ReasonTime: 1}, r.Skipped())
	require.Equal(t, "tcp_flags", r.Bad[0].Field)
	require.Equal(t, "timestamp_start", r.Bad[5].Field)

	// Whoever stops is not called again.
	n := 0
	for range netflow.Read(strings.NewReader(timeless+timeless+goflow("IPFIX", a, b, 2, 52324, 902, 60, 0)), nil) {
		n++
		break
	}
	require.Equal(t, 1, n)
}

// TestSamples has the counts of the samples' README. The same capture gives the same flows from CSV, which has whole
// seconds, and from JSON.
func TestSamples(t *testing.T) {
	count := func(name string) *logs.Result {
		r := logs.Read(t, netflow.Read(logs.Sample(t, "../..", "netflow/"+name+".gz"), nil))
		require.NoError(t, r.Err)
		require.Empty(t, r.Bad)
		return r
	}
	csv, json := count("scan-4593.nfdump17.csv"), count("scan-4593.nfdump17.json")
	bytes, packets := uint64(0), uint64(0)
	for _, r := range []*logs.Result{csv, json} {
		require.EqualValues(t, 4593, r.Account.Flows)
		require.Len(t, r.Flows, 2398)
	}
	for i, f := range csv.Flows {
		g := json.Flows[i]
		bytes += f.FwdBytes + f.RevBytes
		packets += f.FwdPkts + f.RevPkts
		require.Equal(t, []any{f.Src, f.Dst, f.SrcPort, f.DstPort, f.FwdPkts, f.RevPkts, f.FwdBytes, f.RevBytes, f.FwdFlags, f.RevFlags, f.State},
			[]any{g.Src, g.Dst, g.SrcPort, g.DstPort, g.FwdPkts, g.RevPkts, g.FwdBytes, g.RevBytes, g.FwdFlags, g.RevFlags, g.State})
	}
	require.Equal(t, []uint64{241025, 4652}, []uint64{bytes, packets}, "nfdump's own summary")

	// The same array on one line of more than a megabyte, which is no line to keep.
	unpacked, err := gzip.NewReader(logs.Sample(t, "../..", "netflow/scan-4593.nfdump17.json.gz"))
	require.NoError(t, err)
	text, err := io.ReadAll(unpacked)
	require.NoError(t, err)
	var small gobytes.Buffer
	require.NoError(t, gojson.Compact(&small, text))
	require.Greater(t, small.Len(), 1<<20)
	r := read(t, small.String(), nil)
	require.NoError(t, r.Err)
	require.Empty(t, r.Bad)
	require.Equal(t, json.Account, r.Account)
	require.Equal(t, json.Flows, r.Flows)
	require.EqualValues(t, 716, count("pmacct-ipfix-402.json").Account.Flows)
	// 144 newlines, and a last line without one.
	require.EqualValues(t, 145, count("pmacct-ipfix-401.json").Account.Flows)
}

func BenchmarkCSV(b *testing.B) {
	text := header + strings.Repeat(syn+reset, 5000)
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		for _, err := range netflow.Read(strings.NewReader(text), nil) {
			if err != nil {
				b.Fatal(err)
			}
		}
	}
}

func Example() {
	for flow, err := range netflow.Read(strings.NewReader(header+syn+reset+summary), nil) {
		if err != nil {
			fmt.Println(err)
			continue
		}
		fmt.Println(flow.Src, flow.Dst, flow.DstPort, flow.State)
	}
	// Output:
	// 147.32.80.119 147.32.82.62 902 rejected
}

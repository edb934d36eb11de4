package vpcflow_test

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"threatdetect/features"
	"threatdetect/features/vpcflow"
	"threatdetect/internal/testkit/logs"
)

func read(t testing.TB, log string, opts *vpcflow.Options) *logs.Result {
	t.Helper()
	return logs.Read(t, vpcflow.Read(strings.NewReader(log), opts))
}

const (
	there = "2 123456789010 eni-1 10.0.0.5 192.0.2.7 51000 443 6 20 4249 1418530010 1418530070 ACCEPT OK\n"
	back  = "2 123456789010 eni-1 192.0.2.7 10.0.0.5 443 51000 6 30 90000 1418530012 1418530071 ACCEPT OK\n"
	other = "2 123456789010 eni-2 192.0.2.7 10.0.0.5 443 51000 6 30 90000 1418530012 1418530071 ACCEPT OK\n"
)

func TestPairs(t *testing.T) {
	r := read(t, back+there+other, nil)
	require.NoError(t, r.Err)
	require.Len(t, r.Flows, 2, "another interface is another flow")
	require.EqualValues(t, 3, r.Account.Flows)
	f := r.Flows[0]
	require.Equal(t, "10.0.0.5", f.Src.String(), "the side with an ephemeral port began")
	require.Equal(t, []uint64{20, 30, 4249, 90000}, []uint64{f.FwdPkts, f.RevPkts, f.FwdBytes, f.RevBytes})
	require.EqualValues(t, 1418530010_000000000, f.Start)
	require.EqualValues(t, 61_000000000, f.Duration)
	require.Equal(t, "eni-1", string(f.UID))
	require.Equal(t, 1, f.MoreRecords)
	require.Zero(t, f.FwdFlagsKnown, "the default format has no tcp-flags")
	require.Equal(t, features.StateUnknown, f.State)
	require.EqualValues(t, 0, r.Flows[1].RevPkts, "no record of the way back: it had no packets")
	require.True(t, r.Flows[1].Has(features.FieldRevPkts))
}

const custom = "version interface-id srcaddr dstaddr srcport dstport pkt-srcaddr pkt_dstaddr protocol bytes packets start end action tcp-flags log-status future-field\n"

func TestCustomFields(t *testing.T) {
	row := func(src, dst, sport, dport, flags, status string) string {
		return fmt.Sprintf("8 eni-1 10.0.0.1 10.0.0.2 %s %s %s %s 6 100 2 100 160 ACCEPT %s %s x\n", sport, dport, src, dst, flags, status)
	}
	log := custom + row("10.1.1.1", "-", "443", "80", "18", "OK") + custom + row("-", "10.1.1.1", "80", "443", "2", "OK") +
		row("-", "-", "1", "2", "3", "SKIPDATA") + row("10.9.9.9", "-", "1", "2", "2", "OK")
	check := func(r *logs.Result) {
		require.NoError(t, r.Err)
		require.Equal(t, map[features.Reason]int64{features.ReasonSkipData: 1}, r.Skipped())
		require.Len(t, r.Flows, 3)
		// pkt-srcaddr differs from srcaddr, so those two do not pair: as the log has it.
		f := r.Flows[0]
		require.Equal(t, "10.1.1.1", f.Src.String())
		require.Equal(t, features.SYN, f.FwdFlags)
		require.Equal(t, features.SYN|features.FIN|features.RST, f.FwdFlagsKnown)
		f = r.Flows[2]
		require.False(t, f.Has(features.FieldRevPkts), "records were lost at the time")
	}
	check(read(t, log, nil))
	check(read(t, strings.ReplaceAll(log, " ", ","), nil))
	check(read(t, strings.ReplaceAll(log, custom, ""), &vpcflow.Options{Fields: strings.Fields(custom)}))
	r := read(t, "", &vpcflow.Options{Fields: []string{"srcaddr", "start"}})
	require.ErrorIs(t, r.Err, features.ErrFormat)
	require.ErrorContains(t, r.Err, "list of fields: no column dstaddr; there are srcaddr, start")
	r = read(t, "srcaddr dstaddr start\n", nil)
	require.ErrorContains(t, r.Err, "line 1: no column end")
}

// A column that another one takes the place of is checked all the same.
func TestBothAddresses(t *testing.T) {
	row := func(src, dst, pktSrc, pktDst string) string {
		return fmt.Sprintf("8 eni-1 %s %s 443 80 %s %s 6 100 2 100 160 ACCEPT 18 OK x\n", src, dst, pktSrc, pktDst)
	}
	log := custom + row("10.0.0.1", "10.0.0.2", "10.1.1.1", "-") + row("x", "10.0.0.2", "10.1.1.1", "-") + row("10.0.0.1", "10.0.0", "-", "10.1.1.1") +
		row("10.0.0.1", "10.0.0.2", "10.1.1.", "-") + row("10.0.0.1", "10.0.0.2", "-", "no") + row("-", "-", "10.1.1.1", "10.1.1.2") + row("-", "10.0.0.2", "-", "10.1.1.2")
	r := read(t, log, nil)
	require.NoError(t, r.Err)
	require.Equal(t, map[features.Reason]int64{features.ReasonAddress: 4, features.ReasonMissing: 1}, r.Skipped())
	require.EqualValues(t, 2, r.Account.Flows)
	var fields []string
	for _, bad := range r.Bad {
		fields = append(fields, bad.Field)
	}
	require.Equal(t, []string{"srcaddr", "dstaddr", "pkt-srcaddr", "pkt_dstaddr", "srcaddr"}, fields, "as the log calls them")
}

func TestInitiator(t *testing.T) {
	head := "interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end tcp-flags\n"
	r := read(t, head+"eni-1 10.0.0.1 10.0.0.2 8000 9000 6 5 500 100 160 18\neni-1 10.0.0.2 10.0.0.1 9000 8000 6 4 400 101 161 3\n"+
		"eni-1 10.0.0.1 10.0.0.2 1 2 6 5 500 100 160 -\n", nil)
	require.Len(t, r.Flows, 2)
	f := r.Flows[0]
	require.Equal(t, "10.0.0.2", f.Src.String(), "the side that sent SYN alone began, though the other one is earlier")
	require.Equal(t, features.StateHalfClosed, f.State)
	require.Zero(t, r.Flows[1].FwdFlagsKnown)
}

func TestParts(t *testing.T) {
	var state vpcflow.State
	require.Empty(t, read(t, strings.ReplaceAll("interface-id srcaddr dstaddr srcport dstport start end packets bytes protocol\neni-1 ::1 ::2 1 2 100 160 3 300 17\n", " ", ","), &vpcflow.Options{State: &state}).Flows)
	require.Empty(t, read(t, "eni-1,::2,::1,2,1,100,160,4,400,17\n", &vpcflow.Options{State: &state}).Flows)
	r := logs.Read(t, state.Flush())
	require.Len(t, r.Flows, 1)
	require.Equal(t, features.StateRequestReply, r.Flows[0].State)
	require.EqualValues(t, 2, r.Account.Records)
	require.Empty(t, logs.Read(t, state.Flush()).Flows)

	// Another log has options of its own.
	const two = "eni-1,::1,::2,1,2,100,160,3,300,17\neni-1,::1,::3,1,2,100,160,3,300,17\n"
	require.Len(t, read(t, two, &vpcflow.Options{State: &state, MaxOpen: 1}).Flows, 1)
	require.Len(t, logs.Read(t, state.Flush()).Flows, 1)
	require.Empty(t, read(t, two, &vpcflow.Options{State: &state}).Flows)
	require.Len(t, logs.Read(t, state.Flush()).Flows, 2)

	for f, err := range vpcflow.Read(strings.NewReader(there+other), nil) {
		require.NoError(t, err)
		require.NotNil(t, f)
		break
	}
}

func TestFaults(t *testing.T) {
	fields := strings.Fields(there)
	for name, c := range map[string]struct {
		column int
		value  string
		reason features.Reason
	}{
		"no source":           {3, "-", features.ReasonMissing},
		"no end":              {11, "-", features.ReasonMissing},
		"no address":          {4, "10.0.0.256", features.ReasonAddress},
		"a port too high":     {5, "65536", features.ReasonNumber},
		"a protocol too high": {7, "256", features.ReasonNumber},
		"half a packet":       {8, "0.5", features.ReasonNumber},
		"negative bytes":      {9, "-5", features.ReasonNumber},
		"no start":            {10, "yesterday", features.ReasonTime},
		"an end before":       {11, "1418530009", features.ReasonTime},
		"no traffic":          {13, "NODATA", features.ReasonNoData},
		"records lost":        {13, "SKIPDATA", features.ReasonSkipData},
		"a word too many":     {13, "OK x", features.ReasonFields},
	} {
		changed := append([]string(nil), fields...)
		changed[c.column] = c.value
		r := read(t, strings.Join(changed, " ")+"\n", nil)
		require.NoError(t, r.Err, name)
		require.Len(t, r.Bad, 1, name)
		require.Equal(t, c.reason, r.Bad[0].Reason, name)
	}
	r := read(t, there[:40], nil)
	require.Equal(t, features.ReasonTruncated, r.Bad[0].Reason)
	long := "1 " + strings.Repeat("x", 1<<20) + " y\n"
	require.Equal(t, features.ReasonTooLong, read(t, long+there, nil).Bad[0].Reason)
	tooLong := read(t, `{"x":"`+strings.Repeat("x", 1<<20)+"\"}\n", nil).Bad[0]
	require.Equal(t, features.ReasonTooLong, tooLong.Reason)
	require.EqualValues(t, 1<<20+8, tooLong.Length)
}

func TestJSON(t *testing.T) {
	record := `{"interface_id":"eni-1","srcaddr":"10.0.0.5","dstaddr":"192.0.2.7","srcport":51000,"dstport":"443","protocol":6,"packets":20,"bytes":4249,"start":1418530010,"end":1418530070,"tcp-flags":2,"log_status":"OK","x":{"srcaddr":"1.1.1.1"}}`
	for _, log := range []string{record, record + "\n", "[" + record + "]", "[\n" + strings.ReplaceAll(record, ",", ",\n") + "\n]\n", "[\n  " + record + "\n]"} {
		r := read(t, log, nil)
		require.NoError(t, r.Err, log)
		require.Empty(t, r.Bad, log)
		require.Len(t, r.Flows, 1, log)
		f := r.Flows[0]
		require.Equal(t, []uint64{20, 4249, 51000, 443}, []uint64{f.FwdPkts, f.FwdBytes, uint64(f.SrcPort), uint64(f.DstPort)})
		require.Equal(t, features.SYN, f.FwdFlags)
	}
	r := read(t, record+"\n{\"srcaddr\":\"10.0.0.5\"\n"+strings.Replace(record, "51000", "true", 1)+"\n"+strings.Replace(record, `"192.0.2.7"`, "null", 1)+"\n"+
		strings.Replace(record, "OK", "NODATA", 1)+"\n"+record[:50], nil)
	require.Len(t, r.Flows, 1)
	require.Equal(t, map[features.Reason]int64{features.ReasonMalformed: 1, features.ReasonNumber: 1, features.ReasonMissing: 1, features.ReasonNoData: 1, features.ReasonTruncated: 1}, r.Skipped())
	require.Equal(t, "srcport", r.Bad[1].Field)

	// Any text is the name of a protocol, but nothing else is; no data is still no data.
	for _, odd := range []string{"true", `["tcp"]`, "{}"} {
		broken := strings.Replace(record, `"protocol":6`, `"protocol":`+odd, 1)
		require.NotEqual(t, record, broken)
		r = read(t, broken+"\n"+strings.Replace(broken, "OK", "NODATA", 1)+"\n", nil)
		require.Equal(t, map[features.Reason]int64{features.ReasonNumber: 1, features.ReasonNoData: 1}, r.Skipped(), odd)
		require.Equal(t, "protocol", r.Bad[0].Field)
	}

	// Over several lines a damaged record costs one, and one that is cut off is counted.
	pretty := strings.ReplaceAll(record, ",", ",\n")
	r = read(t, "[\n"+pretty+",\n"+pretty[:60]+"\n"+pretty+",\n"+strings.Replace(pretty, "51000", "5x", 1)+",\n"+pretty[:70], nil)
	require.Equal(t, map[features.Reason]int64{features.ReasonMalformed: 2, features.ReasonTruncated: 1}, r.Skipped())
	require.EqualValues(t, 2, r.Account.Flows)
}

// TestSamples has the counts of the samples' README.
func TestSamples(t *testing.T) {
	v5 := strings.Fields(`version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action log-status
		vpc-id subnet-id instance-id tcp-flags type pkt-srcaddr pkt-dstaddr region az-id sublocation-type sublocation-id pkt-src-aws-service
		pkt-dst-aws-service flow-direction traffic-path`)
	v8 := append(append([]string(nil), v5...), strings.Fields(`ecs-cluster-arn ecs-cluster-name ecs-container-instance-arn ecs-container-instance-id
		ecs-container-id ecs-second-container-id ecs-service-name ecs-task-definition-arn ecs-task-arn ecs-task-id reject-reason`)...)
	for name, want := range map[string]struct {
		fields         []string
		records, flows int64
		rows           int
		skipped        map[features.Reason]int64
	}{
		"elastic-default-v2.log": {nil, 7, 5, 4, map[features.Reason]int64{features.ReasonNoData: 1, features.ReasonSkipData: 1}},
		"elastic-custom-v3.log":  {nil, 3, 1, 1, map[features.Reason]int64{features.ReasonNoData: 1, features.ReasonSkipData: 1}},
		// AMAZON CLOUDFRONT are two fields, the services of both sides: with those of version 5 the line is whole.
		"elastic-all-fields-v5.log": {v5, 1, 1, 1, map[features.Reason]int64{}},
		"elastic-ecs-v7-v8.log":     {v8, 1, 0, 0, map[features.Reason]int64{features.ReasonNoData: 1}},
		"ocsf-v5.csv":               {nil, 1, 1, 1, map[features.Reason]int64{}},
		"ocsf-v5.json":              {nil, 1, 1, 1, map[features.Reason]int64{}},
		"ocsf-v8-ecs.csv":           {nil, 1, 1, 1, map[features.Reason]int64{}},
	} {
		t.Run(name, func(t *testing.T) {
			r := logs.Read(t, vpcflow.Read(logs.Sample(t, "../..", "vpc-flow/"+name+".gz"), &vpcflow.Options{Fields: want.fields}))
			require.NoError(t, r.Err)
			require.Equal(t, want.records, r.Account.Records)
			require.Equal(t, want.flows, r.Account.Flows)
			require.Len(t, r.Flows, want.rows)
			require.Equal(t, want.skipped, r.Skipped())
		})
	}
}

// FuzzText compares the two ways to separate fields, where both are possible.
func FuzzText(f *testing.F) {
	f.Add(custom, "8 eni-1 10.0.0.1 10.0.0.2 443 80 - - 6 100 2 100 160 ACCEPT 18 OK x")
	f.Add("", strings.TrimSpace(there))
	f.Add(custom, `8 eni-1 "10.0.0.1" 10.0.0.2 443 80 - - 6 100 2 100 160 ACCEPT 18 OK "x""y"`)
	f.Fuzz(func(t *testing.T, header, line string) {
		opts := &vpcflow.Options{MaxLine: 3000}
		r := read(t, header+line+"\n"+back, opts)
		// In the JSON form a line may hold several records, each of which ends with a bracket of some kind.
		closed := strings.Count(header+line, "}") + strings.Count(header+line, "]")
		require.LessOrEqual(t, int(r.Account.Records), strings.Count(header+line, "\n")+closed+2)
		if header != custom || strings.ContainsAny(line, ",\"\r\n\t") || len(line) > 2000 || strings.Contains(line, "addr") || strings.TrimSpace(line) == "" {
			return
		}
		// As CSV a missing field may be empty, and blanks around fields do not count.
		words := strings.Fields(line)
		var b strings.Builder
		w := csv.NewWriter(&b)
		require.NoError(t, w.Write(words))
		w.Flush()
		csv := read(t, strings.ReplaceAll(custom, " ", ",")+b.String(), opts)
		blank := read(t, custom+strings.Join(words, " ")+"\n", opts)
		require.Equal(t, blank.Flows, csv.Flows)
		require.Equal(t, blank.Account, csv.Account)
	})
}

// FuzzJSON compares with encoding/json.
func FuzzJSON(f *testing.F) {
	f.Add(`{"interface_id":"eni-1","srcaddr":"10.0.0.5","dstaddr":"192.0.2.7","srcport":51000,"dstport":"443","protocol":6,"packets":20,"bytes":4249,"start":1418530010,"end":1418530070,"tcp-flags":2}`)
	f.Add(`[{"srcaddr":"::1","dstaddr":"\u003a:2","start":1,"end":2,"packets":null,"packets":7}]`)
	f.Fuzz(func(t *testing.T, log string) {
		if !strings.HasPrefix(log, "{") || strings.ContainsAny(log, "\r\n") || len(log) > 2000 {
			t.Skip()
		}
		r := read(t, log+"\n", nil)
		var plain map[string]any
		d := json.NewDecoder(strings.NewReader(log))
		d.UseNumber()
		if d.Decode(&plain) != nil || d.More() || len(r.Flows) != 1 {
			return
		}
		text := func(names ...string) (out string) {
			for _, name := range names {
				if v, ok := plain[name]; ok && v != nil && fmt.Sprint(v) != "-" && fmt.Sprint(v) != "" {
					out = fmt.Sprint(v)
				}
			}
			return out
		}
		if n := text("packets"); n != "" && len(n) < 18 && !strings.ContainsAny(n, ".eE") && r.Flows[0].Has(features.FieldFwdPkts) {
			require.Equal(t, strings.TrimLeft(n, "0"), strings.TrimLeft(fmt.Sprint(r.Flows[0].FwdPkts), "0"))
		}
	})
}

func BenchmarkRead(b *testing.B) {
	var log strings.Builder
	for i := range 20000 {
		fmt.Fprintf(&log, "2 123456789010 eni-%d 10.0.%d.5 192.0.2.7 %d 443 6 20 4249 %d %d ACCEPT OK\n", i%3, i%50, 1024+i%40000, 1418530010+i/10, 1418530070+i/10)
	}
	text := log.String()
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		for _, err := range vpcflow.Read(strings.NewReader(text), nil) {
			if err != nil {
				b.Fatal(err)
			}
		}
	}
}

func Example() {
	for flow, err := range vpcflow.Read(strings.NewReader(there+back), nil) {
		if err != nil {
			fmt.Println(err)
			continue
		}
		fmt.Printf("%s to %s port %d: %d and %d packets in %d records\n", flow.Src, flow.Dst, flow.DstPort, flow.FwdPkts, flow.RevPkts, 1+flow.MoreRecords)
	}
	// Output:
	// 10.0.0.5 to 192.0.2.7 port 443: 20 and 30 packets in 2 records
}

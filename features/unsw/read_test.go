package unsw_test

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"threatdetect/features"
	"threatdetect/features/unsw"
)

const (
	partition = "id,dur,proto,service,state,spkts,dpkts,sbytes,dbytes,rate,sttl,dttl,sload,dload,sloss,dloss,sinpkt,dinpkt,sjit,djit,swin,stcpb,dtcpb,dwin,tcprtt,synack,ackdat,smean,dmean,trans_depth,response_body_len,ct_srv_src,ct_state_ttl,ct_dst_ltm,ct_src_dport_ltm,ct_dst_sport_ltm,ct_dst_src_ltm,is_ftp_login,ct_ftp_cmd,ct_flw_http_mthd,ct_src_ltm,ct_srv_dst,is_sm_ips_ports,attack_cat,label"
	partRow   = "7,0.25,tcp,http,FIN,10,8,900,5000,68,62,252,1.5,2.5,2,3,1.25,1.5,10,20,255,11,12,255,0.1,0.06,0.04,90,625,1,4000,3,1,2,1,1,2,0,0,1,4,3,0,Exploits,1"
	raw       = "srcip,sport,dstip,dsport,proto,state,dur,sbytes,dbytes,sttl,dttl,sloss,dloss,service,Sload,Dload,Spkts,Dpkts,swin,dwin,stcpb,dtcpb,smeansz,dmeansz,trans_depth,res_bdy_len,Sjit,Djit,Stime,Ltime,Sintpkt,Dintpkt,tcprtt,synack,ackdat,is_sm_ips_ports,ct_state_ttl,ct_flw_http_mthd,is_ftp_login,ct_ftp_cmd,ct_srv_src,ct_srv_dst,ct_dst_ltm,ct_src_ ltm,ct_src_dport_ltm,ct_dst_sport_ltm,ct_dst_src_ltm,attack_cat,Label"
	rawRow    = "175.45.176.1,0x1F90,149.171.126.6,80,tcp,FIN,0.25,900,5000,62,252,2,3,http,1.5,2.5,10,8,255,255,11,12,90,625,1,4000,10,20,1421927414,1421927415,1.25,1.5,0.1,0.06,0.04,0,1, ,,0,3,3,2,4,1,1,2, Exploits ,1"
)

// with returns a row with fields replaced: pairs of a column's name and a new value.
func with(header, row string, pairs ...string) string {
	names, fields := strings.Split(header, ","), strings.Split(row, ",")
	for i := 0; i < len(pairs); i += 2 {
		c := slices.Index(names, pairs[i])
		if c < 0 {
			panic(pairs[i])
		}
		fields[c] = pairs[i+1]
	}
	return strings.Join(fields, ",")
}

func read(t testing.TB, log string, opts *unsw.Options) (flows []*features.Flow, bad []features.RecordError, err error) {
	t.Helper()
	for f, e := range unsw.Read(strings.NewReader(log), opts) {
		require.NoError(t, err, "something behind the last error")
		var re *features.RecordError
		switch {
		case e == nil:
			flows = append(flows, f.Clone())
		case errors.As(e, &re):
			c := *re
			c.Text = bytes.Clone(re.Text)
			bad = append(bad, c)
		default:
			err = e
		}
	}
	return flows, bad, err
}

func one(t *testing.T, log string, opts *unsw.Options) *features.Flow {
	t.Helper()
	flows, bad, err := read(t, log, opts)
	require.NoError(t, err)
	require.Empty(t, bad)
	require.Len(t, flows, 1)
	return flows[0]
}

func value(f *features.Flow, name string) float64 {
	return f.UNSW.Values[slices.Index(features.UNSWColumns[:], name)]
}

func TestPartition(t *testing.T) {
	f := one(t, "\xef\xbb\xbf"+partition+"\r\n"+partRow+"\r\n", nil)
	require.Equal(t, features.FieldDuration|features.FieldProto|features.FieldFwdPkts|features.FieldRevPkts|features.FieldFwdBytes|features.FieldRevBytes, f.Known)
	require.Equal(t, int64(250_000_000), f.Duration)
	require.Equal(t, []uint64{10, 8, 900, 5000}, []uint64{f.FwdPkts, f.RevPkts, f.FwdBytes, f.RevBytes})
	require.Equal(t, []any{features.ProtoTCP, features.StateClosed, features.AppHTTP, features.Attack}, []any{f.Proto, f.State, f.App, f.Label})
	require.Equal(t, "tcp http FIN", f.UNSW.Proto+" "+f.UNSW.Service+" "+f.UNSW.State)
	want := map[string]float64{"dur": 0.25, "spkts": 10, "rate": 68, "sload": 1.5, "smean": 90, "response_body_len": 4000, "ct_src_ltm": 4, "ct_flw_http_mthd": 1}
	for name, v := range want {
		require.Equal(t, v, value(f, name), name)
	}
}

func TestRaw(t *testing.T) {
	f := one(t, rawRow+"\n", nil)
	g := one(t, raw+"\n"+rawRow, nil)
	require.Equal(t, fmt.Sprint(*f.UNSW), fmt.Sprint(*g.UNSW), "with a header") // NaN is not equal to itself
	g.UNSW = f.UNSW
	require.Equal(t, f, g)
	require.Equal(t, "175.45.176.1 149.171.126.6", f.Src.String()+" "+f.Dst.String())
	require.Equal(t, []uint16{8080, 80}, []uint16{f.SrcPort, f.DstPort})
	require.Equal(t, int64(1421927414e9), f.Start)
	require.True(t, f.Has(features.FieldAddrs|features.FieldSrcPort|features.FieldDstPort|features.FieldStart))
	p := one(t, partition+"\n"+partRow, nil)
	for i, name := range features.UNSWColumns {
		a, b := f.UNSW.Values[i], p.UNSW.Values[i]
		if name == "ct_flw_http_mthd" || name == "is_ftp_login" {
			require.True(t, math.IsNaN(a), name)
			continue
		}
		require.Equal(t, b, a, "%s: the same record in both forms", name)
	}
}

func TestValues(t *testing.T) {
	head := partition + "\n"
	for name, c := range map[string]struct {
		row    string
		column string
		want   float64
	}{
		"blank":          {with(partition, partRow, "sttl", "  "), "sttl", math.NaN()},
		"dash":           {with(partition, partRow, "sttl", "-"), "sttl", math.NaN()},
		"nan":            {with(partition, partRow, "sttl", " +NaN\t"), "sttl", math.NaN()},
		"quoted":         {with(partition, partRow, "sttl", `" 5 "`), "sttl", 5},
		"quoted empty":   {with(partition, partRow, "sttl", `""`), "sttl", math.NaN()},
		"real":           {with(partition, partRow, "swin", "-2.5E1"), "swin", -25},
		"missing count":  {with(partition, partRow, "spkts", ""), "spkts", math.NaN()},
		"exponent count": {with(partition, partRow, "sbytes", "1.5e3"), "sbytes", 1500},
	} {
		f := one(t, head+c.row, nil)
		got := value(f, c.column)
		require.True(t, got == c.want || math.IsNaN(got) && math.IsNaN(c.want), "%s: %v", name, got)
	}
	rate := func(pairs ...string) float64 { return value(one(t, with(raw, rawRow, pairs...), nil), "rate") }
	require.Equal(t, 17/0.25, rate())
	require.Zero(t, rate("dur", "0"))
	require.Zero(t, rate("Spkts", "0", "Dpkts", "0"))
	require.Zero(t, rate("Spkts", "1", "Dpkts", "0"))
	require.True(t, math.IsNaN(rate("dur", "-")))
	require.True(t, math.IsNaN(rate("Dpkts", "", "dur", "0")), "missing comes before the guard")
	require.Equal(t, 17/1e-10, rate("dur", "1e-10"), "dur as it is, not as nanoseconds")
}

func TestStates(t *testing.T) {
	for key, want := range map[string]features.State{
		"tcp REQ": features.StateAttempt, "tcp INT": features.StateAttempt, "tcp FIN": features.StateClosed, "tcp clo": features.StateClosed,
		"tcp CON": features.StateEstablished, "tcp Acc": features.StateEstablished, "tcp RST": features.StateResetOrig, "tcp ECO": features.StateUnknown,
		"udp INT": features.StateRequestOnly, "arp REQ": features.StateRequestOnly, "udp con": features.StateRequestReply,
		"udp ACC": features.StateRequestReply, "icmp ECR": features.StateRequestReply, "icmp ECO": features.StateRequestReply,
		"udp FIN": features.StateUnknown, "udp no": features.StateUnknown, "tcp -": features.StateUnknown, "- INT": features.StateRequestOnly,
	} {
		proto, state, _ := strings.Cut(key, " ")
		f := one(t, partition+"\n"+with(partition, partRow, "proto", proto, "state", state), nil)
		require.Equal(t, want, f.State, key)
		require.Zero(t, f.FwdFlagsKnown)
	}
	f := one(t, partition+"\n"+with(partition, partRow, "proto", "icmp", "state", "ECO", "dpkts", "0"), nil)
	require.Equal(t, features.StateRequestOnly, f.State)
	f = one(t, partition+"\n"+with(partition, partRow, "proto", "-", "service", "-"), nil)
	require.False(t, f.Has(features.FieldProto))
	require.Equal(t, features.AppNone, f.App)
	require.Equal(t, "- -", f.UNSW.Proto+" "+f.UNSW.Service)
}

func TestFaults(t *testing.T) {
	for name, c := range map[string]struct {
		row    string
		reason features.Reason
		field  string
	}{
		"too long":           {with(raw, rawRow, "service", strings.Repeat("x", 1<<20)), features.ReasonTooLong, ""},
		"open quote":         {with(raw, rawRow, "Label", `"1`), features.ReasonMalformed, ""},
		"text behind quote":  {with(raw, rawRow, "srcip", `"1"x`), features.ReasonMalformed, ""},
		"protocol too large": {with(raw, rawRow, "proto", "18446744073709551616"), features.ReasonNumber, "proto"},
		"fields":             {rawRow + ",", features.ReasonFields, ""},
		"protocol first":     {with(raw, rawRow, "proto", "256", "srcip", "x", "dur", "x"), features.ReasonNumber, "proto"},
		"dur":                {with(raw, rawRow, "dur", "-0.1", "srcip", "x"), features.ReasonNumber, "dur"},
		"dur too large":      {with(raw, rawRow, "dur", "1e10"), features.ReasonNumber, "dur"},
		"packets":            {with(raw, rawRow, "Spkts", "1.5", "srcip", "x"), features.ReasonNumber, "Spkts"},
		"bytes":              {with(raw, rawRow, "dbytes", "-1"), features.ReasonNumber, "dbytes"},
		"address":            {with(raw, rawRow, "srcip", "1.2.3", "sport", "x"), features.ReasonAddress, "srcip"},
		"port":               {with(raw, rawRow, "sport", "0x10000", "dstip", "x"), features.ReasonNumber, "sport"},
		"port, hex":          {with(raw, rawRow, "dsport", "0x"), features.ReasonNumber, "dsport"},
		"port, HEX":          {with(raw, rawRow, "dsport", "0X50"), features.ReasonNumber, "dsport"},
		"second address":     {with(raw, rawRow, "dstip", "1.2.3.4.5", "Sjit", "x"), features.ReasonAddress, "dstip"},
		"real":               {with(raw, rawRow, "Sjit", "inf"), features.ReasonNumber, "Sjit"},
		"hex real":           {with(raw, rawRow, "swin", "0xff"), features.ReasonNumber, "swin"},
		"quote in number":    {with(raw, rawRow, "swin", ` "1"`), features.ReasonNumber, "swin"},
	} {
		t.Run(name, func(t *testing.T) {
			flows, bad, err := read(t, rawRow+"\n"+c.row+"\n"+rawRow+"\n", nil)
			require.NoError(t, err)
			require.Len(t, flows, 2)
			require.Len(t, bad, 1)
			require.Equal(t, c.reason, bad[0].Reason)
			require.Equal(t, int64(2), bad[0].Line)
			if c.field != "" {
				require.True(t, strings.EqualFold(c.field, bad[0].Field), bad[0].Field)
			}
			_, bad, err = read(t, rawRow+"\n"+c.row, nil)
			require.NoError(t, err)
			want := features.ReasonTruncated
			if c.reason == features.ReasonTooLong {
				want = c.reason
			}
			require.Equal(t, want, bad[0].Reason, "at the end")
		})
	}
	for _, row := range []string{
		with(raw, rawRow, "proto", "icmp", "sport", "0x20205321", "dsport", "x"), with(raw, rawRow, "sport", "-", "srcip", ""),
		with(raw, rawRow, "Stime", "x"), with(raw, rawRow, "attack_cat", `x "quoted" y`), with(raw, rawRow, "Label", ""),
	} {
		one(t, row+"\n", nil)
	}
}

func TestHeadersAndBlankLines(t *testing.T) {
	flows, bad, err := read(t, "\n , ,\n"+partition+"\n\n"+partRow+"\n"+strings.Repeat(",", 44)+"\n"+strings.ToUpper(partition)+"\n"+partRow+"\n"+raw+"\n"+rawRow+"\n", nil)
	require.NoError(t, err)
	require.Empty(t, bad)
	require.Len(t, flows, 3)
	require.Equal(t, flows[0], flows[1])

	again, bad, err := read(t, partition+",dur,Label\n"+partRow+",x,x\n", nil)
	require.NoError(t, err)
	require.Empty(t, bad)
	require.Equal(t, flows[:1], again, "of two columns of one name the first counts")

	for log, column := range map[string]string{
		"id,dur,proto,service,state,spkts,dpkts,sbytes\n1\n": "dbytes",
		"srcip,sport\n": "dur",
	} {
		_, _, err := read(t, log, nil)
		require.ErrorIs(t, err, features.ErrFormat)
		require.ErrorContains(t, err, "no column "+column)
	}
	_, _, err = read(t, rawRow, &unsw.Options{Label: "verdict"})
	require.ErrorIs(t, err, features.ErrFormat)
	require.ErrorContains(t, err, "no column verdict; there are srcip, sport")
}

func TestLabels(t *testing.T) {
	for _, c := range []struct {
		column, value, text string
		label               features.Label
	}{
		{"label", "0", "0", features.Benign}, {"label", "1", "1", features.Attack}, {"label", "2", "2", features.Unlabelled},
		{"attack_cat", " Normal ", "Normal", features.Benign}, {"attack_cat", " Fuzzers", "Fuzzers", features.Attack}, {"attack_cat", "", "", features.Benign},
		{"state", "CON", "CON", features.Unlabelled},
	} {
		f := one(t, partition+"\n"+with(partition, partRow, c.column, c.value), &unsw.Options{Label: c.column})
		require.Equal(t, c.text, string(f.LabelText))
		require.Equal(t, c.label, f.Label)
	}
	require.Empty(t, one(t, partition+"\n"+partRow, nil).LabelText)
}

func TestSamples(t *testing.T) {
	const root = "../../../shared/data/unsw-nb15/"
	if _, err := os.Stat(root); err != nil {
		t.Skip("no sample files: they are not part of the module, see their README for terms")
	}
	for name, want := range map[string][3]int{ // benign, attack, skipped
		"UNSW_NB15_training-set.82332.csv.gz":     {37000, 45332, 0},
		"UNSW-NB15_1.head3400.csv.gz":             {3283, 117, 0},
		"UNSW-NB15_raw.sample10000.csv.gz":        {8674, 1326, 0},
		"UNSW-NB15_1.head12142.unlabelled.csv.gz": {0, 0, 12142}, // its header does not describe its columns
	} {
		f, err := os.Open(root + name)
		require.NoError(t, err)
		var got [3]int
		near := 0
		for flow, err := range unsw.Read(f, nil) {
			if err != nil {
				var bad *features.RecordError
				require.ErrorAs(t, err, &bad)
				require.Equal(t, features.ReasonNumber, bad.Reason)
				got[2]++
				continue
			}
			got[flow.Label-features.Benign]++
			if math.Abs(value(flow, "tcprtt")-value(flow, "synack")-value(flow, "ackdat")) < 2e-6 {
				near++
			}
		}
		require.NoError(t, f.Close())
		require.Equal(t, want, got, name)
		require.Equal(t, want[0]+want[1], near, "tcprtt = synack + ackdat in every row of %s", name)
	}
}

func TestNoAllocationPerRecord(t *testing.T) {
	log := partition + "\n" + strings.Repeat(partRow+"\n", 10_000)
	r := strings.NewReader(log)
	require.Less(t, testing.AllocsPerRun(3, func() {
		r.Reset(log)
		for range unsw.Read(r, nil) {
		}
	}), 300.0)
}

func BenchmarkRead(b *testing.B) {
	log := partition + "\n" + strings.Repeat(partRow+"\n", 10_000)
	b.SetBytes(int64(len(log)))
	b.ReportAllocs()
	for b.Loop() {
		for _, err := range unsw.Read(strings.NewReader(log), nil) {
			if err != nil {
				b.Fatal(err)
			}
		}
	}
}

func ExampleRead() {
	file := "id,dur,proto,service,state,spkts,dpkts,sbytes,dbytes,label\n" +
		"1,0.25,tcp,http,FIN,10,8,900,5000,0\n" +
		"2,0.5,udp,dns,CON,many,2,146,178,0\n"
	for flow, err := range unsw.Read(strings.NewReader(file), nil) {
		if err != nil {
			fmt.Println("skipped:", err)
			continue
		}
		fmt.Println(flow.Proto, flow.App, flow.State, flow.FwdBytes, "bytes")
	}
	// Output:
	// tcp http closed 900 bytes
	// skipped: line 3: field spkts: not a number of the expected kind: "many"
}

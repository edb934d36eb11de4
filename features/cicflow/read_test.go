package cicflow_test

import (
	"encoding/csv"
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"threatdetect/features"
	"threatdetect/features/cicflow"
	"threatdetect/internal/testkit/logs"
)

func read(t testing.TB, log string, opts *cicflow.Options) *logs.Result {
	t.Helper()
	return logs.Read(t, cicflow.Read(strings.NewReader(log), opts))
}

// TestFamilies reads the same flow from the headers of all families.
func TestFamilies(t *testing.T) {
	for name, log := range map[string]string{
		"2017, no addresses": " Destination Port, Flow Duration, Total Fwd Packets, Total Backward Packets,Total Length of Fwd Packets, Total Length of Bwd Packets, Fwd Header Length,Flow Bytes/s, Fwd Header Length, Label\n" +
			"443,1500000,7,5,1000,2000,140,2000.5,140,BENIGN\n",
		"2017, with addresses": "Flow ID, Source IP, Source Port, Destination IP, Destination Port, Protocol, Timestamp, Flow Duration, Total Fwd Packets, Total Backward Packets,Total Length of Fwd Packets, Total Length of Bwd Packets, Label\n" +
			"a-b,192.168.10.5,51000,104.16.1.1,443,6,3/7/2017 8:55,1500000,7,5,1000.0,2000.0,Web Attack \x96 XSS\n,,,,,,,,,,,,\n",
		"2018": "Dst Port,Protocol,Timestamp,Flow Duration,Tot Fwd Pkts,Tot Bwd Pkts,TotLen Fwd Pkts,TotLen Bwd Pkts,Label\n443,6,02/03/2018 08:47:38,1500000,7,5,1000,2000,Benign\n" +
			"Dst Port,Protocol,Timestamp,Flow Duration,Tot Fwd Pkts,Tot Bwd Pkts,TotLen Fwd Pkts,TotLen Bwd Pkts,Label\n",
		"4":      "Flow ID,Src IP,Src Port,Dst IP,Dst Port,Protocol,Timestamp,Flow Duration,Total Fwd Packet,Total Bwd packets,Total Length of Fwd Packet,Total Length of Bwd Packet,Label\n1,192.168.10.5,51000,104.16.1.1,443,6,03/07/2017 08:55:01 PM,1500000,7,5,1000,2000,DoS Hulk\n",
		"Python": "src_ip,dst_ip,src_port,dst_port,protocol,timestamp,flow_duration,tot_fwd_pkts,tot_bwd_pkts,totlen_fwd_pkts,totlen_bwd_pkts,label\n192.168.10.5,104.16.1.1,51000,443,6,2018-03-02 08:47:38,1500000,7,5,1000,2000,-\n",
	} {
		t.Run(name, func(t *testing.T) {
			r := read(t, "\xef\xbb\xbf"+log, nil)
			require.NoError(t, r.Err)
			require.Empty(t, r.Bad)
			require.Len(t, r.Flows, 1)
			f := r.Flows[0]
			require.EqualValues(t, 1500000000, f.Duration)
			require.Equal(t, []uint64{7, 5, 1000, 2000}, []uint64{f.FwdPkts, f.RevPkts, f.FwdPayload, f.RevPayload})
			require.EqualValues(t, 443, f.DstPort)
			require.False(t, f.Has(features.FieldFwdBytes))
			require.Equal(t, strings.Contains(name, "addresses") && !strings.Contains(name, "no") || name == "4" || name == "Python", f.Has(features.FieldAddrs))
			require.Equal(t, name != "2017, no addresses", f.Has(features.FieldProto))
			switch name {
			case "2017, with addresses":
				require.Equal(t, features.Attack, f.Label)
				require.False(t, f.Has(features.FieldStart), "8:55 may be in the evening")
				require.Equal(t, "a-b", string(f.UID))
			case "2018":
				require.Equal(t, features.Benign, f.Label)
				require.Equal(t, "2018-03-02T08:47:38Z", f.StartTime().Format("2006-01-02T15:04:05Z07:00"))
			case "4":
				require.Equal(t, features.Attack, f.Label)
				require.Equal(t, "2017-07-03T20:55:01Z", f.StartTime().Format("2006-01-02T15:04:05Z07:00"))
			case "Python":
				require.Equal(t, features.Unlabelled, f.Label)
				require.Equal(t, "2018-03-02T08:47:38Z", f.StartTime().Format("2006-01-02T15:04:05Z07:00"))
			}
		})
	}
}

const header = "Flow Duration,Total Fwd Packets,Total Backward Packets,Protocol,Source Port,Destination Port,Label\n"

func TestValues(t *testing.T) {
	for row, want := range map[string]struct {
		reason features.Reason
		known  features.Field // of duration, packets and ports
	}{
		"1,2,3,6,4,5,x":                        {"", features.FieldDuration | features.FieldFwdPkts | features.FieldRevPkts | features.FieldSrcPort | features.FieldDstPort},
		"-1,2,3,1,4,5,x":                       {"", features.FieldFwdPkts | features.FieldRevPkts},
		"Infinity,-inf,+Infinity,-1,NaN,-,":    {"", 0},
		" , nan ,-NAN,,,-7,":                   {"", 0},
		"-1e-400,2,3,17,0,0,":                  {"", features.FieldFwdPkts | features.FieldRevPkts | features.FieldSrcPort | features.FieldDstPort},
		"-0,2,3,17,0,0,":                       {"", features.FieldDuration | features.FieldFwdPkts | features.FieldRevPkts | features.FieldSrcPort | features.FieldDstPort},
		"1.5,2.0,3e0,udp,1,65535,":             {"", features.FieldDuration | features.FieldFwdPkts | features.FieldRevPkts | features.FieldSrcPort | features.FieldDstPort},
		"1,-0,3,6,4,5,x":                       {features.ReasonNumber, 0},
		"1,2.5,3,6,4,5,x":                      {features.ReasonNumber, 0},
		"1,2,3,256,4,5,x":                      {features.ReasonNumber, 0},
		"1,2,3,6,4,65536,x":                    {features.ReasonNumber, 0},
		"-x,2,3,6,4,5,x":                       {features.ReasonNumber, 0},
		"-1e999,2,3,6,4,5,x":                   {features.ReasonNumber, 0},
		"infinite,2,3,6,4,5,x":                 {features.ReasonNumber, 0},
		"9223372036854775.808,2,3,6,4,5,x":     {features.ReasonNumber, 0},
		"1,2,3,6,4,5":                          {features.ReasonFields, 0},
		`"1"2,2,3,6,4,5,x`:                     {features.ReasonMalformed, 0},
		"1,2,3,6,4," + strings.Repeat("9", 99): {features.ReasonFields, 0},
	} {
		r := read(t, header+row+"\n", nil)
		require.NoError(t, r.Err, row)
		if want.reason != "" {
			require.Len(t, r.Bad, 1, row)
			require.Equal(t, want.reason, r.Bad[0].Reason, row)
			continue
		}
		require.Len(t, r.Flows, 1, row)
		const all = features.FieldDuration | features.FieldFwdPkts | features.FieldRevPkts | features.FieldSrcPort | features.FieldDstPort
		require.Equal(t, want.known, r.Flows[0].Known&all, row)
	}
}

func TestHeader(t *testing.T) {
	r := read(t, "a,b\n1,2\n", nil)
	require.ErrorIs(t, r.Err, features.ErrFormat)
	require.ErrorContains(t, r.Err, "line 1: no column Flow Duration; there are a, b")
	r = read(t, header+"1,2,3,6,4,5,DoS\n", &cicflow.Options{Label: "Attack Type"})
	require.ErrorContains(t, r.Err, "no column Attack Type")
	r = read(t, header+"1,2,3,6,4,5,DoS slowloris - Attempted\n", &cicflow.Options{Label: "label"})
	require.Equal(t, "DoS slowloris - Attempted", string(r.Flows[0].LabelText))
	require.Equal(t, features.Unlabelled, r.Flows[0].Label)

	// A file that was split: the second part goes on with the columns of the first.
	var kept cicflow.Header
	require.Len(t, read(t, header, &cicflow.Options{Header: &kept}).Flows, 0)
	require.Len(t, read(t, "1,2,3,6,4,5,DoS\n", &cicflow.Options{Header: &kept}).Flows, 1)
}

// TestSamples has the counts of the samples' README, and the faults that it names.
func TestSamples(t *testing.T) {
	for name, want := range map[string]struct {
		label  string
		labels map[features.Label]int
		kinds  map[string]int
	}{
		"sample-78col-6311": {"Label", map[features.Label]int{features.Benign: 227, features.Attack: 6084},
			map[string]int{"BENIGN": 227, "WebAttack": 2180, "Bot": 1966, "DoS": 952, "BruteForce": 553, "PortScan": 397, "Infiltration": 36}},
		"sample-53col-12000": {"Attack Type", map[features.Label]int{features.Benign: 9973, features.Attack: 2027},
			map[string]int{"Normal Traffic": 9973, "DoS": 945, "DDoS": 623, "Port Scanning": 401, "Brute Force": 38, "Web Attacks": 12, "Bots": 8}},
		"sample-20col-28303": {"Labelb", map[features.Label]int{features.Benign: 22662, features.Attack: 5641}, map[string]int{"0": 22662, "1": 5641}},
	} {
		t.Run(name, func(t *testing.T) {
			r := logs.Read(t, cicflow.Read(logs.Sample(t, "../..", "cic-ids2017/"+name+".csv.gz"), &cicflow.Options{Label: want.label}))
			require.NoError(t, r.Err)
			require.Empty(t, r.Bad)
			require.Equal(t, want.labels, r.Labels)
			kinds := map[string]int{}
			for _, f := range r.Flows {
				kinds[string(f.LabelText)]++
			}
			require.Equal(t, want.kinds, kinds)
		})
	}
	t.Run("faults of the 78 columns", func(t *testing.T) {
		f := logs.Sample(t, "../..", "cic-ids2017/sample-78col-6311.csv.gz")
		for column, want := range map[string]int{"Flow Bytes/s": 10, "Flow Packets/s": 10, "Init_Win_bytes_forward": 110, "Init_Win_bytes_backward": 543, "Flow IAT Min": 2} {
			_, err := f.Seek(0, 0)
			require.NoError(t, err)
			n := 0
			for flow, err := range cicflow.Read(f, &cicflow.Options{Label: column}) {
				require.NoError(t, err)
				text := string(flow.LabelText)
				if strings.HasPrefix(text, "-") || strings.Contains(strings.ToLower(text), "inf") {
					n++
				}
			}
			require.Equal(t, want, n, column)
		}
	})
}

func FuzzRead(f *testing.F) {
	f.Add("1,2,3,6,4,5,x")
	f.Add(`"1",-inf,nan,TCP,,-,"a""b"`)
	f.Add("-1e-7,1e5,2.,17,1,1,Flow Duration")
	f.Fuzz(func(t *testing.T, line string) {
		if strings.ContainsAny(line, "\r\n") {
			t.Skip()
		}
		r := read(t, header+line+"\n", nil)
		cells, err := csv.NewReader(strings.NewReader(line + "\n")).Read()
		if err != nil || len(cells) != 7 || len(r.Flows) != 1 {
			return
		}
		// Against the plainest way to read it.
		flow := r.Flows[0]
		for i, got := range []struct {
			value uint64
			field features.Field
		}{1: {flow.FwdPkts, features.FieldFwdPkts}, 2: {flow.RevPkts, features.FieldRevPkts}} {
			v, err := strconv.ParseUint(strings.Trim(cells[i], " \t"), 10, 64)
			if err == nil && i > 0 {
				require.Equal(t, fmt.Sprint(v, true), fmt.Sprint(got.value, flow.Has(got.field)))
			}
		}
	})
}

func Example() {
	log := "Dst Port,Protocol,Timestamp,Flow Duration,Tot Fwd Pkts,Tot Bwd Pkts,Label\n22,6,14/02/2018 10:33:26,370213,22,21,SSH-Bruteforce\n"
	for flow, err := range cicflow.Read(strings.NewReader(log), &cicflow.Options{Label: "Label"}) {
		if err != nil {
			fmt.Println(err)
			continue
		}
		fmt.Printf("%s to port %d, %d and %d packets in %d us: %s\n", flow.Proto, flow.DstPort, flow.FwdPkts, flow.RevPkts, flow.Duration/1000, flow.LabelText)
	}
	// Output:
	// tcp to port 22, 22 and 21 packets in 370213 us: SSH-Bruteforce
}

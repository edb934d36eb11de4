package binetflow_test

import (
	"encoding/csv"
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"threatdetect/features"
	"threatdetect/features/binetflow"
	"threatdetect/internal/testkit/logs"
)

func read(t testing.TB, log string, opts *binetflow.Options) *logs.Result {
	t.Helper()
	return logs.Read(t, binetflow.Read(strings.NewReader(log), opts))
}

const header = "StartTime,Dur,Proto,SrcAddr,Sport,Dir,DstAddr,Dport,State,sTos,dTos,TotPkts,TotBytes,SrcBytes,SrcPkts,Label\n"

func one(t *testing.T, row string) *features.Flow {
	t.Helper()
	r := read(t, header+row+"\n", nil)
	require.NoError(t, r.Err, row)
	require.Empty(t, r.Bad, row)
	require.Len(t, r.Flows, 1, row)
	return r.Flows[0]
}

func TestRead(t *testing.T) {
	row := "2011/08/18 09:56:29.146156,1.250000,tcp,147.32.84.165,1025,   ->,74.125.232.195,80,FSPA_FSRPA,0,0,12,3000,1000,7,flow=From-Botnet-V42-TCP-Established-HTTP-Ad-40"
	for _, log := range []string{row, strings.ReplaceAll(row, ",", "\t")} {
		head := header
		if strings.Contains(log, "\t") {
			head = strings.ReplaceAll(header, ",", "\t")
		}
		r := read(t, head+log+"\n"+head+log+"\n", nil)
		require.NoError(t, r.Err)
		require.Len(t, r.Flows, 2, "the header came again")
		f := r.Flows[1]
		require.Equal(t, "2011-08-18T09:56:29.146156Z", f.StartTime().Format("2006-01-02T15:04:05.999999Z07:00"))
		require.EqualValues(t, 1250000000, f.Duration)
		require.Equal(t, []uint64{7, 5, 1000 - 7*14, 2000 - 5*14}, []uint64{f.FwdPkts, f.RevPkts, f.FwdBytes, f.RevBytes})
		require.EqualValues(t, 1025, f.SrcPort)
		require.EqualValues(t, 80, f.DstPort)
		require.Equal(t, features.FIN|features.SYN|features.PSH|features.ACK, f.FwdFlags)
		require.Equal(t, features.FIN|features.SYN|features.RST|features.PSH|features.ACK, f.RevFlags)
		require.Equal(t, features.AllFlags, f.FwdFlagsKnown)
		require.Equal(t, features.StateClosed, f.State)
		require.Equal(t, features.Attack, f.Label)
	}
}

func TestStates(t *testing.T) {
	for state, want := range map[string][2]features.State{ // of TCP and of UDP, with a reply
		"S_SA": {features.StateEstablished, features.StateUnknown}, "S_": {features.StateUnknown, features.StateUnknown}, "S_RA": {features.StateRejected, features.StateUnknown},
		"PA_PA": {features.StateMidstream, features.StateUnknown}, "SRPA_SPA": {features.StateResetOrig, features.StateUnknown}, "SPA_SRPA": {features.StateResetResp, features.StateUnknown},
		"FSA_SA": {features.StateHalfClosed, features.StateUnknown}, "SEC_SAE": {features.StateEstablished, features.StateUnknown}, "SX_SA": {features.StateUnknown, features.StateUnknown},
		"REQ": {features.StateAttempt, features.StateRequestOnly}, "INT": {features.StateAttempt, features.StateRequestOnly}, "CON": {features.StateEstablished, features.StateRequestReply},
		"ACC": {features.StateEstablished, features.StateRequestReply}, "RST": {features.StateResetOrig, features.StateUnknown}, "FIN": {features.StateClosed, features.StateUnknown},
		"CLO": {features.StateClosed, features.StateUnknown}, "ECO": {features.StateUnknown, features.StateRequestReply}, "URP": {features.StateUnknown, features.StateUnknown}, "": {features.StateUnknown, features.StateUnknown},
	} {
		for i, proto := range []string{"tcp", "udp"} {
			f := one(t, "1.5,1,"+proto+",10.0.0.1,1,->,10.0.0.2,2,"+state+",0,0,12,3000,1000,7,")
			require.Equal(t, want[i], f.State, "%s %s", proto, state)
		}
	}
	// Without SrcPkts the destination's bytes tell whether it replied.
	head := strings.Replace(header, ",SrcPkts", "", 1)
	r := read(t, head+"1.5,1,tcp,10.0.0.1,1,->,10.0.0.2,2,S_,0,0,1,60,60,\n1.5,1,icmp,10.0.0.1,0x0008,->,10.0.0.2,0x7208,ECO,0,0,1,60,60,\n1.5,1,tcp,10.0.0.1,1,->,10.0.0.2,2,S_SA,0,0,3,180,60,\n", nil)
	require.Empty(t, r.Bad)
	require.Equal(t, features.StateAttempt, r.Flows[0].State)
	require.Equal(t, features.StateRequestOnly, r.Flows[1].State)
	require.Equal(t, features.StateEstablished, r.Flows[2].State)
	require.False(t, r.Flows[0].Has(features.FieldFwdPkts))
	require.False(t, r.Flows[0].Has(features.FieldFwdBytes))
}

func TestFaults(t *testing.T) {
	good := "1970/01/01 00:00:08.140073,0.5,udp,10.0.0.1,0x35,  <->,ff02::1:3,5355,CON,0,,3,200,80,1,"
	f := one(t, good)
	require.EqualValues(t, 8140073000, f.Start, "captures that start at 0 are data")
	require.EqualValues(t, 53, f.SrcPort)
	require.EqualValues(t, max(120-28, 40*2), f.RevBytes)
	cells := strings.Split(good, ",")
	for name, c := range map[string]struct {
		column int
		value  string
		reason features.Reason
	}{
		"management":          {2, "man", features.ReasonOther},
		"hardware addresses":  {3, "00:11:22:33:44:55", features.ReasonOther},
		"no start":            {0, "", features.ReasonMissing},
		"no protocol":         {2, "-", features.ReasonMissing},
		"no destination":      {6, "", features.ReasonMissing},
		"a protocol too high": {2, "256", features.ReasonNumber},
		"no time":             {0, "2011/02/30 00:00:00", features.ReasonTime},
		"negative duration":   {1, "-1", features.ReasonNumber},
		"an end too late":     {1, "9223372036", features.ReasonTime},
		"no address":          {3, "10.0.0.256", features.ReasonAddress},
		"a port too high":     {7, "65536", features.ReasonNumber},
		"half a packet":       {11, "2.5", features.ReasonNumber},
		"more than all":       {14, "4", features.ReasonNumber},
		"more bytes than all": {13, "201", features.ReasonNumber},
	} {
		changed := append([]string(nil), cells...)
		changed[c.column] = c.value
		r := read(t, header+strings.Join(changed, ",")+"\n", nil)
		require.NoError(t, r.Err, name)
		require.Len(t, r.Bad, 1, name)
		require.Equal(t, c.reason, r.Bad[0].Reason, name)
	}
	r := read(t, "StartTime,Proto,SrcAddr\n", nil)
	require.ErrorIs(t, r.Err, features.ErrFormat)
	require.ErrorContains(t, r.Err, "no column dstaddr; there are StartTime, Proto, SrcAddr")
	require.ErrorContains(t, read(t, header+good+"\n", &binetflow.Options{Label: "kind"}).Err, "no column kind")
}

func TestLabels(t *testing.T) {
	for text, want := range map[string]features.Label{
		"flow=From-Botnet-V42-UDP-DNS": features.Attack, "flow=To-Background-CVUT-Proxy": features.Unlabelled, "flow=From-Normal-V42-Grill": features.Benign,
		"flow=Background-UDP-Attempt": features.Unlabelled, "flow=Malware-TCP": features.Attack, "": features.Unlabelled, "Malicious": features.Attack, "benign": features.Benign,
		"flow=TCP-Established-To-Microsoft-7": features.Unlabelled, "0": features.Benign, "1": features.Attack,
	} {
		require.Equal(t, want, one(t, "1.5,1,tcp,10.0.0.1,1,->,10.0.0.2,2,CON,0,0,12,3000,1000,7,"+text).Label, text)
	}
}

// TestSamples has the counts of the samples' README.
func TestSamples(t *testing.T) {
	for name, want := range map[string]struct {
		flows, other int
		labels       map[features.Label]int
	}{
		"argus-binetflow/scan-6751.binetflow":   {6751, 0, map[features.Label]int{features.Unlabelled: 6751}},
		"argus-binetflow/malware-394.binetflow": {394, 0, map[features.Label]int{features.Unlabelled: 394}},
		"argus-binetflow/portscan-66.binetflow": {66, 0, map[features.Label]int{features.Unlabelled: 66}},
		// 300 records, of which one is management without a label, and one between hardware addresses is background.
		"argus-binetflow/labelled-300.binetflow.tsv": {298, 2, map[features.Label]int{features.Attack: 197 + 80, features.Unlabelled: 21 - 1 + 1}},
		"pcap/slips7.argus.csv":                      {755, 2, nil},
		"pcap/slips8.argus.csv":                      {262, 2, nil},
		"pcap/icmpscan.argus.csv":                    {26, 2, nil},
		"pcap/sshbf.argus.csv":                       {67, 2, nil},
	} {
		t.Run(name, func(t *testing.T) {
			r := logs.Read(t, binetflow.Read(logs.Sample(t, "../..", name+".gz"), nil))
			require.NoError(t, r.Err)
			require.Len(t, r.Flows, want.flows)
			require.Len(t, r.Bad, want.other)
			for _, bad := range r.Bad {
				require.Equal(t, features.ReasonOther, bad.Reason)
			}
			if want.labels != nil {
				require.Equal(t, want.labels, r.Labels)
			}
			arp := 0
			for _, f := range r.Flows {
				if f.ProtoName == "arp" {
					arp++
				}
			}
			if name == "pcap/slips8.argus.csv" {
				require.Equal(t, 259, arp)
			}
		})
	}
}

func FuzzRead(f *testing.F) {
	f.Add("2011/08/18 09:56:29.146156,1.250000,tcp,147.32.84.165,1025,   ->,74.125.232.195,80,FSPA_FSRPA,0,0,12,3000,1000,7,flow=From-Botnet", "StartTime")
	f.Add("1.5,1,icmp,::1,0x0008,->,10.0.0.2,0x7208,ECO,0,0,1,60,60,1,\n1,1,man,,,,,,,,,,,,,", "Label")
	f.Fuzz(func(t *testing.T, rows, label string) {
		r := logs.Read(t, binetflow.Read(strings.NewReader(header+rows), &binetflow.Options{Label: label, MaxLine: 2000}))
		require.LessOrEqual(t, len(r.Flows)+len(r.Bad), strings.Count(rows, "\n")+1)
		if strings.ContainsAny(rows, "\r\n") || len(r.Flows) != 1 {
			return
		}
		cells, err := csv.NewReader(strings.NewReader(rows + "\n")).Read()
		if err != nil || len(cells) != 16 {
			return
		}
		if v, err := strconv.ParseUint(strings.Trim(cells[14], " \t"), 10, 64); err == nil {
			require.Equal(t, v, r.Flows[0].FwdPkts)
		}
	})
}

func Example() {
	log := header + "2011/08/10 09:46:59.607825,1.026539,tcp,94.44.127.113,1577,   ->,147.32.84.59,6881,S_RA,0,0,4,276,156,2,flow=Background-Established-cmpgw-CVUT\n"
	for flow, err := range binetflow.Read(strings.NewReader(log), nil) {
		if err != nil {
			fmt.Println(err)
			continue
		}
		fmt.Println(flow.Src, flow.Dst, flow.DstPort, flow.State, flow.FwdBytes, flow.RevBytes, flow.Label == features.Unlabelled)
	}
	// Output:
	// 94.44.127.113 147.32.84.59 6881 rejected 128 92 true
}

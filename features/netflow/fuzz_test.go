package netflow_test

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"threatdetect/features"
	"threatdetect/features/netflow"
)

// FuzzCSV compares with encoding/csv and the plainest reading of its fields.
func FuzzCSV(f *testing.F) {
	f.Add(strings.TrimSpace(syn))
	f.Add(`"2018-01-12 15:37:30",,,"::1",::2,,0,udp,,0,0,"1",2.0e1,3,,x`)
	f.Add("Summary")
	f.Fuzz(func(t *testing.T, line string) {
		if strings.ContainsAny(line, "\r\n") {
			t.Skip()
		}
		r := read(t, header+line+"\n"+reset, &netflow.Options{MaxLine: 3000})
		require.LessOrEqual(t, int(r.Account.Records), 2)
		cells, err := csv.NewReader(strings.NewReader(line + "\n")).Read()
		if err != nil || len(cells) != 16 || len(r.Flows) != 2 {
			return
		}
		for i := range cells {
			cells[i] = strings.Trim(cells[i], " \t")
		}
		for _, flow := range r.Flows {
			if flow.UID != nil && string(flow.UID) == cells[15] && flow.MoreRecords == 0 && cells[15] != "147.32.82.62" && flow.Has(features.FieldFwdPkts) {
				require.Contains(t, []string{strings.TrimLeft(cells[11], "0"), strings.TrimLeft(cells[13], "0"), cells[11]}, strings.TrimLeft(fmt.Sprint(flow.FwdPkts), "0"), "%q", cells)
			}
		}
	})
}

// FuzzJSON compares with encoding/json.
func FuzzJSON(f *testing.F) {
	f.Add(`{"ip_src":"10.0.0.1","ip_dst":"10.0.0.2","ip_proto":"tcp","packets":5,"bytes":"7","tcp_flags":["SYN","ACK"],"port_src":1}`)
	f.Add(`{"src_addr":"\u0031.1.1.1","dst_addr":"::1","proto":17,"time_flow_start_ns":5,"time_flow_end_ns":6,"packets":1,"packets":2,"type":"SFLOW_5","sampling_rate":4}`)
	f.Add(`[{"src4_addr":"1.1.1.1"`)
	f.Fuzz(func(t *testing.T, log string) {
		if strings.HasPrefix(log, "\x1f\x8b") || strings.HasPrefix(log, "\x28\xb5") {
			t.Skip()
		}
		r := read(t, log, &netflow.Options{MaxLine: 3000})
		if !strings.HasPrefix(log, "{") || strings.ContainsAny(log, "\r\n") {
			return
		}
		var plain map[string]any
		d := json.NewDecoder(strings.NewReader(log))
		d.UseNumber()
		if !json.Valid([]byte(log)) || d.Decode(&plain) != nil {
			return
		}
		require.LessOrEqual(t, r.Account.Records, int64(1))
		if len(r.Flows) != 1 || plain["type"] != nil || plain["in_packets"] != nil || plain["out_packets"] != nil || plain["out_bytes"] != nil {
			return
		}
		n, ok := plain["packets"].(json.Number)
		if ok && len(n) < 18 && !strings.ContainsAny(n.String(), ".eE-") {
			require.Equal(t, n.String(), fmt.Sprint(r.Flows[0].FwdPkts))
		}
	})
}

package main

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestReaders: all find the same in a small log, and ours notices everything that is broken.
func TestReaders(t *testing.T) {
	for _, in := range inputs {
		log, want := "#separator \\x09\n#path\tconn\n#fields\tts\tuid\tid.orig_h\tid.orig_p\tid.resp_h\tid.resp_p\tproto\tconn_state\torig_pkts\tresp_pkts\n"+
			"1425565514.4\tC\t192.0.2.1\t1\t192.0.2.2\t2\tudp\tSF\t5\t6\n", sum{Flows: 1, Ports: 3, Packets: 11}
		switch in.title {
		case "EVE":
			line := fmt.Sprintf(in.broken, `{"a":[1.5,"x",null]}`) + "\n"
			log, want = line+`{"event_type":"dns","dns":{"id":7}}`+"\n\n"+line, sum{Flows: 2, Ports: 6, Packets: 2}
		case "Zeek conn.log, JSON":
			log, want = strings.Repeat(fmt.Sprintf(in.broken, `[]`)+"\n", 3), sum{Flows: 3, Ports: 9}
		}
		for i, c := range in.readers {
			got, err := c.read([]byte(log))
			if c.title == "minio/simdjson-go" && err != nil {
				t.Log(err) // on this machine
				continue
			}
			require.NoError(t, err, "%s: %s", in.title, c.title)
			require.Equal(t, want, got, "%s: %s", in.title, c.title)
			if i == 0 && in.broken != "" {
				require.Equal(t, fmt.Sprintf("%d of %[1]d", len(brokenMembers)), in.checks(c.read), in.title)
			}
		}
	}
}

// TestRows: rows are the same to the bit, whoever decoded the members.
func TestRows(t *testing.T) {
	event := func(src, proto, more string) string {
		return `{"event_type":"flow","src_ip":"` + src + `","src_port":40000,"dest_ip":"192.0.2.2","dest_port":443,"proto":"` + proto + `","app_proto":"tls","flow":{"pkts_toserver":5,"pkts_toclient":3,` +
			`"bytes_toserver":900,"bytes_toclient":56,"start":"2021-06-06T16:38:55.855844+0200","end":"2021-06-06T16:39:55.9+0200"}` + more + "}\n"
	}
	conn := func(proto, state, history string) string {
		return `{"ts":1425565514.4,"id.orig_h":"192.0.2.1","id.orig_p":8,"id.resp_h":"192.0.2.2","id.resp_p":80,"proto":"` + proto + `","service":"http","duration":0.10370898246765137,"conn_state":"` + state +
			`","history":"` + history + `","orig_pkts":5,"resp_pkts":6,"orig_ip_bytes":700,"resp_ip_bytes":80}` + "\n"
	}
	logs := map[string]string{
		"EVE": event("192.0.2.1", "TCP", `,"tcp":{"tcp_flags_ts":"1b","tcp_flags_tc":"1a"}`) + event("2001:db8::1", "TCP", `,"tcp":{"tcp_flags_ts":"2"}`) + event("192.0.2.1", "UDP", `,"vlan":[5,6]`) +
			event("192.0.2.1", "ICMP", `,"icmp_type":8,"icmp_code":0`) + `{"event_type":"dns"}` + "\n",
		"Zeek conn.log, JSON": conn("tcp", "SF", "ShADadFf") + conn("tcp", "RSTO", "SR^x") + conn("tcp", "OTH", "hQ") + conn("udp", "S0", "D") + conn("icmp", "SF", ""),
	}
	for _, in := range inputs {
		log := []byte(logs[in.title])
		if len(log) == 0 {
			continue
		}
		want, err := in.readers[0].sumOfRows(log)
		require.NoError(t, err, in.title)
		for _, c := range in.readers[1:] {
			got, err := c.sumOfRows(log)
			if c.title == "minio/simdjson-go" && err != nil {
				continue // on this machine
			}
			require.NoError(t, err, "%s: %s", in.title, c.title)
			require.Equal(t, want, got, "%s: %s", in.title, c.title)
		}
	}
}

func TestMeasure(t *testing.T) {
	r := &report{rounds: 2, long: 50 * time.Millisecond}
	in := inputs[0]
	log := strings.Repeat(fmt.Sprintf(in.broken, "1")+"\n", 10)
	in.readers = append(in.readers[:2:2], contender{"wrong", "", func([]byte) (sum, error) { return sum{Flows: 1}, nil }, func(_ []byte, give func([]float32)) error {
		give(make([]float32, 70))
		return nil
	}})
	require.NoError(t, in.measure(r, []byte(log), len(log)))
	page := r.page.String()
	require.Contains(t, page, "| wrong | not run: found {Flows:1 Ports:0 Packets:0}, want {Flows:10 Ports:30 Packets:10}")
	require.Regexp(t, `\| encoding/json into a struct \| [0-9]+ \| [0-9]+ \|`, page)
	require.Contains(t, page, "| wrong | not run: other rows than ours |")
	require.Len(t, r.marks, 4)
	require.Contains(t, r.markTable(), "EVE, parse, MB/s | 250/400")
}

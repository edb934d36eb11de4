package main

import (
	"fmt"
	"strings"
	"testing"

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

func TestMeasure(t *testing.T) {
	var page strings.Builder
	in := inputs[0]
	log := strings.Repeat(fmt.Sprintf(in.broken, "1")+"\n", 10)
	in.readers = append(in.readers[:2:2], contender{"wrong", "", func([]byte) (sum, error) { return sum{Flows: 1}, nil }})
	require.NoError(t, in.measure(&page, []byte(log), len(log), 2))
	require.Contains(t, page.String(), "| wrong | not run: found {Flows:1 Ports:0 Packets:0}, want {Flows:10 Ports:30 Packets:10}")
	require.Regexp(t, `\| encoding/json into a struct \| [0-9]+ \| [0-9]+ \|`, page.String())
}

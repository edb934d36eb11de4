package eve_test

import (
	"bytes"
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"threatdetect/features"
	"threatdetect/features/eve"
	"threatdetect/internal/trafficgen"
)

// traffic returns a simulated log and the account of what is in it.
func traffic(t testing.TB, records int64, opts *trafficgen.WriterOptions) ([]byte, trafficgen.Account) {
	t.Helper()
	opts.Format = trafficgen.EVE
	g, err := trafficgen.New(trafficgen.Config{Seed: 7, Records: records})
	require.NoError(t, err)
	var b bytes.Buffer
	w, err := trafficgen.NewWriter(&b, opts)
	require.NoError(t, err)
	for r := range g.All() {
		require.NoError(t, w.Write(r))
	}
	require.NoError(t, w.Close())
	return b.Bytes(), w.Account()
}

// TestTraffic reads simulated logs with every quirk and fault, and finds what the simulator counted; so does the reference.
func TestTraffic(t *testing.T) {
	for name, c := range map[string]struct {
		quirks string
		faults float64
	}{
		"plain": {"none", 0}, "faults": {"none", 0.1}, "events": {"mixed-logs,extra-columns", 0}, "all": {"all", 0.05}, "old": {"old-events,mixed-logs", 0.05},
	} {
		quirks, err := trafficgen.ParseQuirks(c.quirks)
		require.NoError(t, err)
		log, account := traffic(t, 3000, &trafficgen.WriterOptions{Quirks: quirks, FaultRate: c.faults, Seed: 3})
		records, err := outcome(log, nil)
		require.NoError(t, err)
		got := map[string]int64{}
		for _, r := range records {
			if r[:4] == "flow" {
				r = "flow"
			}
			got[r]++
		}
		want := map[string]int64{"flow": account.Flows}
		for reason, n := range account.Bad {
			if n > 0 {
				want[trafficgen.Reason(reason).String()] = n
			}
		}
		require.Equal(t, want, got, name)
		if c.faults == 0 {
			check(t, log)
		}
	}
}

// plainEvent is a flow event as encoding/json reads it.
type plainEvent struct {
	EventType string          `json:"event_type"`
	FlowID    uint64          `json:"flow_id"`
	SrcIP     string          `json:"src_ip"`
	DestIP    string          `json:"dest_ip"`
	SrcPort   uint16          `json:"src_port"`
	DestPort  uint16          `json:"dest_port"`
	Proto     string          `json:"proto"`
	AppProto  string          `json:"app_proto"`
	VLAN      json.RawMessage `json:"vlan"`
	Flow      struct {
		PktsToServer  uint64 `json:"pkts_toserver"`
		PktsToClient  uint64 `json:"pkts_toclient"`
		BytesToServer uint64 `json:"bytes_toserver"`
		BytesToClient uint64 `json:"bytes_toclient"`
		Start         string `json:"start"`
		End           string `json:"end"`
	} `json:"flow"`
	TCP struct {
		FlagsTS string `json:"tcp_flags_ts"`
		FlagsTC string `json:"tcp_flags_tc"`
	} `json:"tcp"`
}

func BenchmarkRead(b *testing.B) {
	for name, quirks := range map[string]trafficgen.Quirk{"flows": 0, "events": trafficgen.QuirkMixedLogs} {
		log, account := traffic(b, 20_000, &trafficgen.WriterOptions{Quirks: quirks})
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(log)))
			b.ReportAllocs()
			for b.Loop() {
				n := int64(0)
				for _, err := range eve.Read(bytes.NewReader(log), nil) {
					if err == nil {
						n++
					}
				}
				if n != account.Flows {
					b.Fatal("flows", n, "want", account.Flows)
				}
			}
			b.ReportMetric(float64(b.N)*float64(account.Records)/b.Elapsed().Seconds()/1e6, "Mrecords/s")
		})
		// The peer to be five times as fast as: lines into a struct, nothing made of it.
		b.Run(name+"-encoding-json", func(b *testing.B) {
			b.SetBytes(int64(len(log)))
			b.ReportAllocs()
			for b.Loop() {
				n := int64(0)
				for line := range bytes.Lines(log) {
					var e plainEvent
					if err := json.Unmarshal(line, &e); err != nil {
						b.Fatal(err)
					}
					if e.EventType == "flow" {
						n++
					}
				}
				if n != account.Flows {
					b.Fatal("flows", n, "want", account.Flows)
				}
			}
		})
	}
}

// TestTrafficLabels: alarms of the simulated sensor are what the reader takes for labels.
func TestTrafficLabels(t *testing.T) {
	log, _ := traffic(t, 2000, &trafficgen.WriterOptions{Quirks: trafficgen.QuirkLabelsTabs})
	n := map[features.Label]int{}
	for f, err := range eve.Read(bytes.NewReader(log), nil) {
		require.NoError(t, err)
		n[f.Label]++
	}
	require.Zero(t, n[features.Unlabelled])
	require.NotZero(t, n[features.Benign])
	require.NotZero(t, n[features.Attack])
}

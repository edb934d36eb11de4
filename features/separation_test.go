package features_test

import (
	"bytes"
	"sort"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"threatdetect/features"
	"threatdetect/features/zeek"
	"threatdetect/internal/trafficgen"
)

// TestSeparation shows which columns tell which attack of simulated traffic from what is benign: the area under the ROC curve of
// each column alone, 0.5 being chance. docs/features.md has its table:
//
//	go test ./features -run TestSeparation -v
func TestSeparation(t *testing.T) {
	if testing.Short() {
		t.Skip("a day of traffic")
	}
	g, err := trafficgen.New(trafficgen.Config{Seed: 6, Records: 60_000, Span: 24 * time.Hour})
	require.NoError(t, err)
	var log bytes.Buffer
	w, err := trafficgen.NewWriter(&log, nil)
	require.NoError(t, err)
	kinds := map[string]trafficgen.Kind{}
	for r := range g.All() {
		kinds[r.UID.String()] = r.Kind
		require.NoError(t, w.Write(r))
	}
	require.NoError(t, w.Close())

	columns := []struct{ set, name string }{
		{"flow-min/1", "pkt_rate"}, {"host/1", "src_flows_600s"}, {"host/1", "src_fail_ratio_600s"}, {"host/1", "src_fanout_dst_1h"}, {"host/1", "src_scan_vertical_1h"},
		{"host/1", "src_trw_score"}, {"host/1", "dst_flows_60s"}, {"host/1", "pair_flows_3600s"}, {"host/1", "src_fanout_net_60s"}, {"host/1", "dst_pkts_10s"}, {"beacon/1", "beacon_score"}, {"beacon/1", "beacon_ts_score"},
	}
	values := map[string]map[trafficgen.Kind][]float64{} // by column
	benign := map[string][]float64{}
	for _, set := range []string{"flow-min/1", "host/1", "beacon/1"} {
		s, err := features.LookupSet(set)
		require.NoError(t, err)
		p, err := features.NewPipeline(s)
		require.NoError(t, err)
		for row, err := range p.Extractor().Rows(zeek.Read(bytes.NewReader(log.Bytes()), nil)) {
			require.NoError(t, err)
			kind := kinds[string(row.Flow.UID)]
			for i, c := range p.Schema().Columns {
				v := float64(row.Values[i])
				if v != v {
					v = -1 // missing ranks below all
				}
				if kind.Malicious() {
					if values[c.Name] == nil {
						values[c.Name] = map[trafficgen.Kind][]float64{}
					}
					values[c.Name][kind] = append(values[c.Name][kind], v)
				} else {
					benign[c.Name] = append(benign[c.Name], v)
				}
			}
		}
	}
	line := "attack"
	for _, c := range columns {
		line += " | " + c.name
	}
	t.Log(line)
	best := map[trafficgen.Kind]float64{}
	for _, kind := range trafficgen.Attacks() {
		line := kind.String()
		for _, c := range columns {
			auc := areaUnderCurve(values[c.name][kind], benign[c.name])
			line += " | " + formatArea(auc)
			best[kind] = max(best[kind], auc)
		}
		t.Log(line)
	}
	for _, kind := range []trafficgen.Kind{trafficgen.HorizontalScan, trafficgen.VerticalScan, trafficgen.SYNFlood, trafficgen.TelnetWorm, trafficgen.Beacon, trafficgen.DNSTunnel} {
		require.Greater(t, best[kind], 0.85, "%v", kind)
	}
}

func formatArea(v float64) string {
	digits := int(v*1000 + 0.5)
	return string([]byte{byte('0' + digits/1000), '.', byte('0' + digits/100%10), byte('0' + digits/10%10), byte('0' + digits%10)})
}

// areaUnderCurve is the share of pairs in which the attack has the greater value; equal ones count half.
func areaUnderCurve(attacks, benign []float64) float64 {
	sort.Float64s(benign)
	wins := 0.0
	for _, v := range attacks {
		below := sort.SearchFloat64s(benign, v)
		to := sort.Search(len(benign), func(i int) bool { return benign[i] > v })
		wins += float64(below) + float64(to-below)/2
	}
	return wins / float64(len(attacks)) / float64(len(benign))
}

package zeek_test

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"threatdetect/features"
	"threatdetect/features/zeek"
	"threatdetect/internal/trafficgen"
)

// sample is what is in a file of ../../../shared/data, by its README and by counting lines.
type sample struct {
	flows   int
	skipped map[features.Reason]int
	labels  map[features.Label]int
	err     error
}

func TestSamples(t *testing.T) {
	const root = "../../../shared/data"
	if _, err := os.Stat(root); err != nil {
		t.Skip("no sample files: they are not part of the module, see their README for terms")
	}
	other := func(n int) sample { return sample{skipped: map[features.Reason]int{features.ReasonOther: n}} }
	scrubbed := func(n int) sample { return sample{skipped: map[features.Reason]int{features.ReasonTime: n}} }
	corrupt := other(150)
	corrupt.err = io.ErrUnexpectedEOF
	for name, want := range map[string]sample{
		"zeek-labelled/iot-23/CTU-IoT-Malware-Capture-34-1.conn.log.labeled": {flows: 23145,
			labels: map[features.Label]int{features.Benign: 1923, features.Attack: 21222}},
		"zeek-labelled/ctu-sme-11/conn.log.labeled": {flows: 766,
			labels: map[features.Label]int{features.Benign: 44, features.Attack: 719, features.Unlabelled: 3}},
		"zeek-labelled/ctu-sme-11/dns.log.labeled":   other(22),
		"zeek/tsv/conn.log":                          {flows: 360},
		"zeek/tsv/dns.log":                           other(54),
		"zeek/tsv/http.corrupt.log":                  corrupt,
		"zeek/tsv/http_empty.log":                    {},
		"zeek/tsv/conn_date_issue.log":               {err: features.ErrFormat},
		"zeek/json/conn.log":                         {flows: 50},
		"zeek/json/dns.log":                          other(50),
		"zeek/json/x509.log":                         other(50),
		"zeek/mixed-9/conn.log":                      {flows: 576},
		"zeek/mixed-10/conn.log":                     {flows: 141},
		"zeek/portscan-horizontal/conn.log":          {flows: 41},
		"zeek/portscan-vertical/conn.log":            {flows: 50},
		"zeek/edge-cases/conn.ip_proto.log":          scrubbed(34),
		"zeek/edge-cases/conn.field-name-map.log":    scrubbed(34),
		"zeek/edge-cases/conn.scope_sep.log":         scrubbed(34),
		"zeek/edge-cases/tunnels.teredo.conn.log":    scrubbed(21),
		"zeek/edge-cases/http.non-printable.tsv.log": other(4),
	} {
		t.Run(filepath.Base(filepath.Dir(name))+"/"+filepath.Base(name), func(t *testing.T) {
			f, err := os.Open(filepath.Join(root, name+".gz"))
			require.NoError(t, err)
			defer f.Close()
			got := count(zeek.Read(f, nil))
			if want.skipped == nil {
				want.skipped = map[features.Reason]int{}
			}
			require.Equal(t, want.flows, got.flows)
			require.Equal(t, want.skipped, got.skipped)
			require.ErrorIs(t, got.err, want.err)
			if want.labels != nil {
				require.Equal(t, want.labels, got.labels)
			}
		})
	}
}

func count(seq func(func(*features.Flow, error) bool)) sample {
	s := sample{skipped: map[features.Reason]int{}, labels: map[features.Label]int{}}
	for f, err := range seq {
		var bad *features.RecordError
		switch {
		case err == nil:
			s.flows++
			s.labels[f.Label]++
		case errors.As(err, &bad):
			s.skipped[bad.Reason]++
		default:
			s.err = err
		}
	}
	return s
}

// TestTraffic reads simulated logs with every quirk and fault, and finds what the simulator counted.
func TestTraffic(t *testing.T) {
	for name, c := range map[string]struct {
		format trafficgen.Format
		quirks string
		faults float64
	}{
		"tsv":            {trafficgen.TSV, "none", 0},
		"tsv, quirks":    {trafficgen.TSV, "all", 0},
		"tsv, faults":    {trafficgen.TSV, "none", 0.1},
		"tsv, all":       {trafficgen.TSV, "all", 0.1},
		"tsv, IoT-23":    {trafficgen.TSV, "labels-blanks,restart", 0.05},
		"json":           {trafficgen.JSON, "none", 0},
		"json, quirks":   {trafficgen.JSON, "all", 0},
		"json, faults":   {trafficgen.JSON, "none", 0.1},
		"json, all":      {trafficgen.JSON, "all", 0.1},
		"json, path, ms": {trafficgen.JSON, "path-keys,time-millis,mixed-logs", 0.05},
	} {
		t.Run(name, func(t *testing.T) {
			quirks, err := trafficgen.ParseQuirks(c.quirks)
			require.NoError(t, err)
			log, account := traffic(t, 8000, &trafficgen.WriterOptions{Format: c.format, Quirks: quirks, FaultRate: c.faults, Seed: 3})
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
			require.Equal(t, want, got)
			require.Equal(t, account.Records, int64(len(records)))
		})
	}
}

package detect_test

import (
	"bytes"
	"io"
	"testing"

	"github.com/stretchr/testify/require"

	"threatdetect/features/zeek"
	"threatdetect/inference/detect"
	"threatdetect/internal/trafficgen"
)

// BenchmarkLogToVerdicts is the whole path on one core: Zeek lines in, NDJSON of the threats out.
func BenchmarkLogToVerdicts(b *testing.B) {
	for _, format := range []trafficgen.Format{trafficgen.TSV, trafficgen.JSON} {
		b.Run(format.String(), func(b *testing.B) {
			const records = 100_000
			log := simulate(b, format, records)
			d, err := detect.Open(bundles[0], nil)
			require.NoError(b, err)
			b.SetBytes(int64(len(log)))
			b.ReportAllocs()
			for b.Loop() {
				w, err := detect.NewWriter(io.Discard, "ndjson", d)
				require.NoError(b, err)
				for v, err := range d.Stream().Verdicts(zeek.Read(bytes.NewReader(log), nil)) {
					if err == nil && v.Threat {
						err = w.Write(v)
					}
					if err != nil {
						b.Fatal(err)
					}
				}
			}
			b.ReportMetric(float64(records)*float64(b.N)/b.Elapsed().Seconds(), "records/s")
		})
	}
}

func simulate(b *testing.B, format trafficgen.Format, records int64) []byte {
	b.Helper()
	g, err := trafficgen.New(trafficgen.Config{Seed: 3, Records: records, AttackShare: 0.2})
	require.NoError(b, err)
	var log bytes.Buffer
	w, err := trafficgen.NewWriter(&log, &trafficgen.WriterOptions{Format: format})
	require.NoError(b, err)
	for r := range g.All() {
		require.NoError(b, w.Write(r))
	}
	require.NoError(b, w.Close())
	return log.Bytes()
}

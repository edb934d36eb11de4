package zeek_test

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"

	"threatdetect/features/zeek"
	"threatdetect/internal/trafficgen"
)

// traffic returns a simulated log and the account of what is in it.
func traffic(t testing.TB, records int64, opts *trafficgen.WriterOptions) ([]byte, trafficgen.Account) {
	t.Helper()
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

func BenchmarkRead(b *testing.B) {
	for name, opts := range map[string]*trafficgen.WriterOptions{
		"tsv":             {},
		"json":            {Format: trafficgen.JSON},
		"json-noise":      {Format: trafficgen.JSON, Quirks: trafficgen.QuirkFloatNoise | trafficgen.QuirkPathKeys},
		"tsv-iot23-label": {Quirks: trafficgen.QuirkLabelsBlanks},
	} {
		b.Run(name, func(b *testing.B) {
			log, account := traffic(b, 20_000, opts)
			b.SetBytes(int64(len(log)))
			b.ReportAllocs()
			for b.Loop() {
				n := int64(0)
				for _, err := range zeek.Read(bytes.NewReader(log), nil) {
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
	}
}

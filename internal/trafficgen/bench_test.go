package trafficgen

import (
	"io"
	"testing"

	"github.com/stretchr/testify/require"
)

// benchmark makes b.N records and writes them; the metric is records per second.
func benchmark(b *testing.B, opts *WriterOptions) {
	g, err := New(Config{Seed: 1, Records: int64(b.N), Hosts: 300})
	require.NoError(b, err)
	w, err := NewWriter(io.Discard, opts)
	require.NoError(b, err)
	b.ReportAllocs()
	b.ResetTimer()
	for r := range g.All() {
		if err := w.Write(r); err != nil {
			b.Fatal(err)
		}
	}
	require.NoError(b, w.Close())
	b.SetBytes(w.Account().Bytes / int64(b.N))
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "records/s")
}

func BenchmarkWrite(b *testing.B) {
	b.Run("tsv", func(b *testing.B) { benchmark(b, nil) })
	b.Run("json", func(b *testing.B) { benchmark(b, &WriterOptions{Format: JSON}) })
	b.Run("tsv-quirks", func(b *testing.B) { benchmark(b, &WriterOptions{Quirks: QuirksAll}) })
	b.Run("json-quirks", func(b *testing.B) { benchmark(b, &WriterOptions{Format: JSON, Quirks: QuirksAll}) })
}

func BenchmarkNext(b *testing.B) {
	g, err := New(Config{Seed: 1, Records: int64(b.N), Hosts: 300})
	require.NoError(b, err)
	b.ReportAllocs()
	for range g.All() {
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "records/s")
}

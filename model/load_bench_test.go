package model

import (
	"bytes"
	"os"
	"testing"
	"time"
)

// BenchmarkLoad reads a model of 300 trees with 127 nodes each: parsing, validation and digest.
func BenchmarkLoad(b *testing.B) {
	for name, file := range forms(wide(300)) {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(file)))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := Load(bytes.NewReader(file), nil); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkOpen opens the file that the environment names. testdata/golden/load_bench.py compares it with XGBoost.
func BenchmarkOpen(b *testing.B) {
	path := os.Getenv("THREATDETECT_BENCH_MODEL")
	if path == "" {
		b.Skip("THREATDETECT_BENCH_MODEL is not set")
	}
	b.ReportAllocs()
	least := time.Hour
	for b.Loop() {
		start := time.Now()
		if _, err := Open(path, nil); err != nil {
			b.Fatal(err)
		}
		least = min(least, time.Since(start))
	}
	b.ReportMetric(float64(least.Nanoseconds()), "least-ns/op")
}

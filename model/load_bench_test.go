package model

import (
	"bytes"
	"testing"
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

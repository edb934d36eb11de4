package sketch

import (
	"encoding/binary"
	"math"
	"testing"

	"github.com/axiomhq/hyperloglog"
	"github.com/bits-and-blooms/bloom/v3"
	"github.com/stretchr/testify/require"

	"threatdetect/internal/sketch"
)

// libraryDistinct is a dense HyperLogLog with as many registers as ours.
func libraryDistinct(t testing.TB) *hyperloglog.Sketch {
	s, err := hyperloglog.NewSketch(12, false)
	require.NoError(t, err)
	return s
}

// The two estimates differ by less than either may be off: ours of 32 bits of a hash, the library's of the same hash.
func TestDistinct(t *testing.T) {
	for _, n := range []int{10, 100, 1000, 10_000, 100_000, 1_000_000} {
		var d sketch.Distinct
		d.Reset()
		theirs := libraryDistinct(t)
		for i := range n {
			h := sketch.Hash(uint64(i), 77)
			d.Add(uint32(h >> 32))
			theirs.InsertHash(h)
		}
		a, b := d.Estimate(), float64(theirs.Estimate())
		t.Logf("%d: %.1f, library %.0f", n, a, b)
		require.InEpsilon(t, n, a, 0.05)
		require.LessOrEqual(t, math.Abs(a-b), 0.03*float64(n)+1)
	}
}

// Filters of the same size and as many hashes say "seen" of about as many that were not.
func TestBloom(t *testing.T) {
	const bytes = 1 << 16
	n := bytes * 8 / 10
	ours, theirs := sketch.NewBloom(bytes), bloom.New(bytes*8, 7)
	key := make([]byte, 8)
	for i := range n {
		ours.Add(sketch.Hash(uint64(i), 1))
		binary.LittleEndian.PutUint64(key, uint64(i))
		theirs.Add(key)
	}
	a, b := 0, 0
	for i := range 200_000 {
		if ours.Has(sketch.Hash(uint64(n+i), 1)) {
			a++
		}
		binary.LittleEndian.PutUint64(key, uint64(n+i))
		if theirs.Test(key) {
			b++
		}
	}
	t.Logf("of 200,000: %d, library %d", a, b)
	require.InDelta(t, b, a, 800)
}

func BenchmarkDistinct(b *testing.B) {
	b.Run("ours", func(b *testing.B) {
		var d sketch.Distinct
		d.Reset()
		b.ReportAllocs()
		for i := 0; b.Loop(); i++ {
			d.Add(uint32(sketch.Hash(uint64(i), 1)))
		}
	})
	b.Run("library", func(b *testing.B) {
		s := libraryDistinct(b)
		b.ReportAllocs()
		for i := 0; b.Loop(); i++ {
			s.InsertHash(sketch.Hash(uint64(i), 1))
		}
	})
}

func BenchmarkEstimate(b *testing.B) {
	var d sketch.Distinct
	d.Reset()
	s := libraryDistinct(b)
	for i := range 5000 {
		h := sketch.Hash(uint64(i), 1)
		d.Add(uint32(h))
		s.InsertHash(h)
	}
	b.Run("ours", func(b *testing.B) {
		for b.Loop() {
			d.Estimate()
		}
	})
	b.Run("library", func(b *testing.B) {
		for b.Loop() {
			s.Estimate()
		}
	})
}

func BenchmarkBloom(b *testing.B) {
	b.Run("ours", func(b *testing.B) {
		f := sketch.NewBloom(1 << 20)
		b.ReportAllocs()
		for i := 0; b.Loop(); i++ {
			f.Add(sketch.Hash(uint64(i), 1))
		}
	})
	b.Run("library", func(b *testing.B) {
		f := bloom.New(1<<23, 7)
		key := make([]byte, 8)
		b.ReportAllocs()
		for i := 0; b.Loop(); i++ {
			binary.LittleEndian.PutUint64(key, uint64(i))
			f.TestAndAdd(key)
		}
	})
}

package forest

import (
	"math"
	"testing"

	"threatdetect/internal/kernel"
	"threatdetect/internal/testkit"
	"threatdetect/model"
)

// TestHostilePlans has valid models that would make the block kernel's plan large or slow: the cost model has to say no, or the plan
// to stay within its bounds.
func TestHostilePlans(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds")
	}
	r := testkit.Rand(t)
	for name, shape := range map[string]testkit.BoosterShape{
		"many columns":    {Features: 3000, Trees: 300, Depth: 8, Fill: 1, Thresholds: 50, Special: true},
		"many thresholds": {Features: 300, Trees: 2000, Depth: 8, Fill: 1, Thresholds: 2000},
		"deep":            {Features: 20, Trees: 60, Depth: 13, Fill: 0.95, Thresholds: 50},
		"chains":          {Features: 20, Trees: 5000, Depth: 60, Fill: 0.3, Thresholds: 50},
		"many groups":     {Features: 20, Groups: 300, Trees: 3000, Depth: 4, Fill: 1, Thresholds: 50},
	} {
		b := testkit.RandomBooster(r, shape)
		f := build(t, b)
		s := f.Stats()
		if f.plan == nil {
			t.Logf("%s: %d nodes, no plan", name, s.Splits+s.Leaves)
			continue
		}
		scratch := f.plan.NewScratch().Bytes()
		t.Logf("%s: %d nodes, %d of %d bytes in a plan, %d bytes of scratch, %+v", name, s.Splits+s.Leaves, s.BlockBytes, s.Bytes, scratch, f.plan.Size())
		if s.Bytes > maxBytes(s.Leaves) {
			t.Errorf("%s: %d bytes for %d leaves", name, s.Bytes, s.Leaves)
		}
		// The planes of a tile, half a megabyte, and the values of a block twice: as rows, where it is not full, and as columns. A block has as many
		// rows as the kernel's have.
		rows := f.plan.Kind().Rows()
		if limit := int64(kernel.MaxPlanes*rows/8 + 1<<19 + rows*4*2*(f.NumFeature+f.NumGroup+16)); scratch > limit {
			t.Errorf("%s: %d bytes of scratch, over %d", name, scratch, limit)
		}
	}

	// One column, all thresholds in a few clusters, and codes that lie apart.
	b := boosterOf()
	for i := range int32(3000) {
		b.Trees = append(b.Trees, stump(math.Float32frombits(0x3F800000+uint32(i*7)), i%2 == 0, 1, 2), categoricalStump(true, i, 1<<23+i, 1<<24-1))
	}
	b.TreeGroup = make([]int32, len(b.Trees))
	b.Version = model.Version{3, 2, 0}
	if s := build(t, b).Stats(); s.BlockBytes > 8<<20 {
		t.Errorf("%d bytes", s.BlockBytes)
	}
}

// TestWideRows has rows so wide that those of a block would take a gigabyte in each goroutine.
func TestWideRows(t *testing.T) {
	b := testkit.RandomBooster(testkit.Rand(t), testkit.BoosterShape{Features: 9, Trees: 100, Depth: 5, Fill: 1, Thresholds: 5})
	for width, kernel := range map[int]string{9: kernel.Best().String(), 1 << 14: kernel.Best().String(), 1 << 20: ""} {
		b.NumFeature = width
		if s := build(t, b).Stats(); s.Kernel != kernel {
			t.Errorf("%d columns: kernel %q, want %q", width, s.Kernel, kernel)
		}
	}
}

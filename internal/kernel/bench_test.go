package kernel

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"testing"
	"time"

	"threatdetect/internal/testkit"
)

// BenchmarkTrees measures the networks of each depth by themselves, on planes that fit in a cache.
func BenchmarkTrees(b *testing.B) {
	for _, kind := range []Kind{Generic, AVX2, AVX512, NEON} {
		if !kind.Available() {
			continue
		}
		for depth := 1; depth <= MaxDepth; depth++ {
			const trees = 100
			r := rand.New(rand.NewPCG(1, 2))
			var thresholds []Threshold
			for i := range 4 * 120 {
				thresholds = append(thresholds, Threshold{int32(i / 120), float32(i % 120)})
			}
			builder := NewBuilder(kind, 4, 1, thresholds)
			conds := make([]Cond, 1<<depth-1)
			for range trees {
				for i := range conds {
					conds[i] = builder.Less(r.IntN(len(thresholds)), false)
				}
				leaves := make([]float32, 1<<depth)
				for i := range leaves {
					leaves[i] = r.Float32()
				}
				builder.Tree(0, depth, conds, leaves)
			}
			p := builder.Plan()
			s := p.NewScratch()
			rows := kind.Rows()
			data := make([]float32, 4*rows)
			for i := range data {
				data[i] = r.Float32() * 120
			}
			sums := make([]float32, rows)
			m := Matrix{Data: data, RowStride: 4, ColumnStride: 1}
			p.Margins(sums, []float32{0}, m, rows, false, s)
			b.Run(fmt.Sprintf("%v/%d", kind, depth), func(b *testing.B) {
				runtime.LockOSThread()
				defer runtime.UnlockOSThread()
				var times []time.Duration
				for b.Loop() {
					begin := testkit.CPUTime()
					for range 10 {
						p.addTrees(&p.tiles[0], rows, s)
					}
					times = append(times, testkit.CPUTime()-begin)
				}
				slices.Sort(times)
				block := float64(times[len(times)/4]) / (10 * trees)
				b.ReportMetric(block, "ns/tree")
				b.ReportMetric(block/float64(rows), "ns/row/tree")
			})
		}
	}
}

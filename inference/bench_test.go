package inference

import (
	"fmt"
	"math"
	"slices"
	"testing"
	"time"

	"threatdetect/internal/testkit"
	"threatdetect/model"
)

// benchShapes are the models that the benchmarks run on.
var benchShapes = []testkit.BoosterShape{
	{Features: 42, Groups: 1, Trees: 100, Depth: 5, Fill: 0.98, Thresholds: 64},
	{Features: 42, Groups: 1, Trees: 500, Depth: 6, Fill: 0.95, Thresholds: 64},
	{Features: 42, Groups: 1, Trees: 1000, Depth: 8, Fill: 0.95, Thresholds: 64},
	{Features: 42, Groups: 5, Trees: 1000, Depth: 6, Fill: 0.95, Thresholds: 64},
}

// benchRows is enough rows that no branch predictor learns them.
const benchRows = 4096

func benchModel(s testkit.BoosterShape) (name string, b *model.Booster, rows []float32) {
	r := testkit.RandFrom(1)
	b = testkit.RandomBooster(r, s)
	for i := range b.Trees {
		plainLeaf(&b.Trees[i]) // for leaves to read it
	}
	b.BaseScore = b.BaseScore[:1]
	rows = make([]float32, benchRows*b.NumFeature)
	for i := range rows {
		rows[i] = float32(r.NormFloat64() * 2)
		if r.IntN(20) == 0 {
			rows[i] = float32(math.NaN())
		}
	}
	return fmt.Sprintf("%dx%dx%d", s.Trees, s.Depth, s.Groups), b, rows
}

// BenchmarkPredict scores one row after the other: by the predictor, by the reference walker and by leaves. The shapes are
// trees x depth x groups; the metric is the time of one row in one tree.
func BenchmarkPredict(b *testing.B) {
	for _, shape := range benchShapes {
		name, booster, rows := benchModel(shape)
		theirs, ours := both(b, writeLegacy090(b, booster))
		width := ours.NumFeature()
		wide := make([]float64, len(rows))
		for i, x := range rows {
			wide[i] = float64(x)
		}
		dst, wideDst := make([]float32, ours.NumOutput()), make([]float64, ours.NumOutput())
		for _, impl := range []struct {
			name    string
			predict func(i int) error
		}{
			{ours.Engine(), func(i int) error { return ours.Predict(dst, rows[i:i+width]) }},
			{"reference", func(i int) error {
				ours.forest.WalkMargins(dst, ours.base, rows[i:i+width])
				return nil
			}},
			{"leaves", func(i int) error { return theirs.Predict(wide[i:i+width], 0, wideDst) }},
		} {
			b.Run(impl.name+"/"+name, func(b *testing.B) {
				b.ReportAllocs()
				for i := 0; b.Loop(); i = (i + 1) % benchRows {
					if err := impl.predict(i * width); err != nil {
						b.Fatal(err)
					}
				}
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*shape.Trees), "ns/tree")
			})
		}
	}
}

// BenchmarkPredictBatch scores batches with one goroutine and with all.
func BenchmarkPredictBatch(b *testing.B) {
	for _, shape := range benchShapes {
		name, booster, rows := benchModel(shape)
		for _, workers := range []int{1, 0} {
			p := newPredictor(b, booster, &Options{Workers: workers})
			dst := make([]float32, benchRows*p.NumOutput())
			b.Run(fmt.Sprintf("%s-%dworkers/%s", p.Engine(), p.workers, name), func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					if err := p.PredictBatch(dst, rows); err != nil {
						b.Fatal(err)
					}
				}
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*benchRows*shape.Trees), "ns/tree")
			})
		}
	}
}

// BenchmarkForms scores the same rows in all forms: 196 columns of which 154 are one-hot, with a value in 4 of these; the rest is missing.
func BenchmarkForms(b *testing.B) {
	const width, dense, hot = 196, 42, 4
	name, booster, _ := benchModel(testkit.BoosterShape{Features: width, Groups: 1, Trees: 100, Depth: 5, Fill: 0.98, Thresholds: 16})
	for i := range booster.Trees { // of a one-hot column nothing but whether it is hot can be asked
		for n, c := range booster.Trees[i].Feature {
			if booster.Trees[i].Left[n] >= 0 && c >= dense {
				booster.Trees[i].Value[n] = 0.5
			}
		}
	}
	r := testkit.RandFrom(1)
	rows := make([]float32, benchRows*width)
	for i := range rows {
		rows[i] = float32(math.NaN())
	}
	for i := range benchRows {
		row := rows[i*width:][:width]
		for c := range dense {
			row[c] = float32(r.NormFloat64() * 2)
		}
		for range hot {
			row[dense+r.IntN(width-dense)] = 1
		}
	}
	p := newPredictor(b, booster, nil)
	s, dst := p.NewSession(), make([]float32, benchRows)
	_, byColumn, csr := forms(rows, width)
	columns := make([]int, width-dense)
	for i := range columns {
		columns[i] = dense + i
	}
	packing, err := p.NewPacking(columns, float32(math.NaN()), 1)
	if err != nil {
		b.Fatal(err)
	}
	packed := Packed{Packing: packing, Dense: make([]float32, benchRows*packing.NumDense()), Bits: make([]byte, benchRows*packing.NumBytes())}
	if err := packing.Pack(packed.Dense, packed.Bits, rows); err != nil {
		b.Fatal(err)
	}
	for _, form := range []struct {
		name    string
		predict func() error
	}{
		{"dense", func() error { return s.PredictBatch(dst, rows) }},
		{"by column", func() error { return s.PredictMatrix(dst, byColumn) }},
		{"csr", func() error { return s.PredictCSR(dst, csr) }},
		{"packed", func() error { return s.PredictPacked(dst, packed) }},
	} {
		b.Run(form.name+"/"+name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if err := form.predict(); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*benchRows), "ns/row")
		})
	}
}

// BenchmarkLeaves writes the numbers of leaves, and adds leaves that are vectors, for batches of 1000 rows: in blocks, and row by row.
func BenchmarkLeaves(b *testing.B) {
	for _, vectors := range []bool{false, true} {
		for _, shape := range benchShapes[:2] {
			const n = 1000
			opts := Options{Output: Leaf, Workers: 1}
			if vectors {
				shape.Groups, opts.Output = 3, Margin
			}
			name, booster, rows := benchModel(shape)
			if vectors {
				testkit.AddVectors(testkit.RandFrom(1), booster)
			}
			for _, opts.Kernel = range []Kernel{KernelAuto, KernelHeap} {
				p := newPredictor(b, booster, &opts)
				dst := make([]float32, n*p.NumOutput())
				b.Run(fmt.Sprintf("vectors=%v/kernel=%d/%s", vectors, opts.Kernel, name), func(b *testing.B) {
					var times []time.Duration
					for b.Loop() {
						began := testkit.CPUTime()
						if err := p.PredictBatch(dst, rows[:n*p.NumFeature()]); err != nil {
							b.Fatal(err)
						}
						times = append(times, testkit.CPUTime()-began)
					}
					slices.Sort(times)
					b.ReportMetric(float64(times[len(times)/4])/n, "cpu-ns/row")
				})
			}
		}
	}
}

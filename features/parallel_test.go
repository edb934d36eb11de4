package features

import (
	"bytes"
	"errors"
	"fmt"
	"iter"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// sequence yields flows in a memory of its own, as readers do, and now and then a record that is no flow.
func sequence(flows []*Flow, last error) iter.Seq2[*Flow, error] {
	return func(yield func(*Flow, error) bool) {
		var f Flow
		for i, g := range flows {
			if i%501 == 7 && !yield(nil, &RecordError{Line: int64(i), Reason: ReasonNumber}) {
				return
			}
			g.CopyTo(&f)
			if !yield(&f, nil) {
				return
			}
		}
		if last != nil {
			yield(nil, last)
		}
	}
}

// WIN-10: any number of goroutines gives the rows, the errors and the counts of one, and leaves the same state.
func TestRowsParallel(t *testing.T) {
	broken := errors.New("broken")
	for _, set := range []string{"flow-portable/1", "flow-context/1", "flow-context/2", "host/1", "beacon/1", "dns/1", "tls/1"} {
		p, evicted := pipelineOf(t, set), int64(0)
		for seed := range seeds(3) {
			r := rand.New(rand.NewPCG(seed, 41))
			flows := hostFlows(r, 1+r.IntN(5000), []int64{1e7, 1e9, 1e11}[r.IntN(3)], []int64{0, 5e9, 2e11}[r.IntN(3)])
			for i, f := range flows { // more hosts than there is room for
				if r.IntN(2) == 0 {
					f.Src = addr4(0x0b000000 + uint32(i))
				}
			}
			run := func(rows func(x *Extractor) iter.Seq2[Row, error]) (what []string, cells [][]float32, stats Stats, state []byte) {
				o := &StateOptions{Budget: smallState.Budget, OnPressure: func(p Pressure) { what = append(what, fmt.Sprint(p)) }}
				x := p.ExtractorWith(o)
				for row, err := range rows(x) {
					if err != nil {
						what = append(what, err.Error())
						continue
					}
					what = append(what, fmt.Sprintf("%d %s", row.Number, row.Flow.UID))
					cells = append(cells, slices.Clone(row.Values))
				}
				var b bytes.Buffer
				require.NoError(t, x.Save(&b))
				return what, cells, x.Stats(), b.Bytes()
			}
			want, wantCells, wantStats, wantState := run(func(x *Extractor) iter.Seq2[Row, error] { return x.Rows(sequence(flows, broken)) })
			evicted += wantStats.Evicted
			pressures := func(s []string) (rest, told []string) {
				for _, line := range s {
					if line[0] == '{' {
						told = append(told, line)
					} else {
						rest = append(rest, line)
					}
				}
				return rest, told
			}
			wantRest, wantTold := pressures(want) // pressure is told while a batch is computed
			for _, workers := range []int{1, 2, 3, 16} {
				got, cells, stats, state := run(func(x *Extractor) iter.Seq2[Row, error] { return x.RowsParallel(workers, sequence(flows, broken)) })
				rest, told := pressures(got)
				require.True(t, slices.Equal(wantRest, rest), "%s, %d workers", set, workers)
				require.Equal(t, wantTold, told, "%s, %d workers", set, workers)
				require.Equal(t, wantStats, stats, "%s, %d workers", set, workers)
				require.True(t, bytes.Equal(wantState, state), "%s, %d workers: the state differs", set, workers)
				for i := range wantCells {
					requireSameRow(t, wantCells[i], cells[i], p.Schema().Columns, fmt.Sprintf("%s, %d workers, row %d", set, workers, i))
				}
			}
		}
		if set == "host/1" {
			require.Positive(t, evicted)
		}
	}
}

// Whoever stops is not called again, and nothing goes on behind his back.
func TestRowsParallelStops(t *testing.T) {
	flows := hostFlows(rand.New(rand.NewPCG(1, 41)), 5000, 1e9, 0)
	for _, stop := range []int{1, batchRows, batchRows + 1, 3000} {
		n := 0
		for range pipelineOf(t, "host/1").ExtractorWith(smallState).RowsParallel(4, sequence(flows, nil)) {
			if n++; n == stop {
				break
			}
		}
		require.Equal(t, stop, n)
	}
	for range pipelineOf(t, "host/1").ExtractorWith(smallState).RowsParallel(4, sequence(nil, nil)) {
		t.Fatal("a row of nothing")
	}
}

// BenchmarkRowsParallel is what rows cost by Rows, which is 0 workers, and by several goroutines: in time of the clock, the best of many parts of a
// stream, and in processor time of all threads. Taking the memory is not in it.
func BenchmarkRowsParallel(b *testing.B) {
	const part = 8 * batchRows
	flows := hostFlows(rand.New(rand.NewPCG(2, 41)), 16*part, 1e7, 0)
	for _, set := range []string{"flow-portable/1", "flow-context/1", "flow-context/2", "host/1"} {
		for _, workers := range []int{0, 1, 2, 4} {
			b.Run(fmt.Sprintf("%s/workers=%d", set, workers), func(b *testing.B) {
				best, cpu, n := time.Duration(math.MaxInt64), time.Duration(0), 0
				for b.Loop() {
					x := pipelineOf(b, set).Extractor()
					for from := 0; from < len(flows); from += part {
						began, beganCPU := time.Now(), processTime()
						rows := x.Rows(sequence(flows[from:from+part], nil))
						if workers > 0 {
							rows = x.RowsParallel(workers, sequence(flows[from:from+part], nil))
						}
						for range rows {
						}
						if from > 0 { // the first part touches the memory
							best, cpu, n = min(best, time.Since(began)), cpu+processTime()-beganCPU, n+part
						}
					}
				}
				b.ReportMetric(float64(best.Nanoseconds())/part, "best-ns/flow")
				b.ReportMetric(float64(cpu.Nanoseconds())/float64(n), "cpu-ns/flow")
				b.ReportMetric(0, "ns/op")
			})
		}
	}
}

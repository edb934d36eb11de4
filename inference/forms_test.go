package inference

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"threatdetect/internal/testkit"
	"threatdetect/model"
)

// forms makes rows, which lie one after the other, into all other forms.
func forms(rows []float32, width int) (byRow, byColumn Matrix, csr CSR) {
	n := len(rows) / width
	byRow = Matrix{Data: make([]float32, n*(width+5)), Rows: n, Stride: width + 5}
	byColumn = Matrix{Data: make([]float32, n*width), Rows: n, ByColumn: true}
	csr.Offsets = []int{0}
	for r := range n {
		for c, x := range rows[r*width:][:width] {
			byRow.Data[r*byRow.Stride+c] = x
			byColumn.Data[c*n+r] = x
			if x == x {
				csr.Columns, csr.Values = append(csr.Columns, int32(c)), append(csr.Values, x)
			}
		}
		csr.Offsets = append(csr.Offsets, len(csr.Columns))
	}
	if n > 0 {
		byRow.Data = byRow.Data[: (n-1)*byRow.Stride+width : (n-1)*byRow.Stride+width]
	}
	return byRow, byColumn, csr
}

// formBoosters is a booster of each kind.
func formBoosters(r *rand.Rand, t testing.TB) map[string]*model.Booster {
	shape := testkit.BoosterShape{Features: 7, Groups: 1, Trees: 60, Depth: 6, Fill: 0.9, Thresholds: 6, Special: true}
	one := testkit.RandomBooster(r, shape)
	testkit.AddCovers(r, one, false)
	shape.Groups = 3
	classes := testkit.RandomBooster(r, shape)
	classes.Objective = "multi:softmax"
	testkit.AddCovers(r, classes, false)
	sorted := testkit.RandomBooster(r, shape)
	sorted.Objective, sorted.NumClass, sorted.NumTarget, sorted.Version = "reg:quantileerror", 0, 3, model.Version{3, 4, 0}
	testkit.AddCovers(r, sorted, false)
	linear := &model.Booster{Version: model.Version{3, 2, 0}, Kind: "gblinear", Objective: "multi:softmax", NumFeature: 7, NumClass: 3,
		NumTarget: 1, BaseScore: []float32{0.5}}
	for range 8 * 3 {
		linear.Linear = append(linear.Linear, float32(r.NormFloat64()))
	}
	return map[string]*model.Booster{"one": one, "classes": classes, "sorted": sorted, "linear": linear}
}

// TestForms gives the same rows in all forms, by predictors with few and many goroutines and by sessions, with base margins of their own and
// without, for all outputs.
func TestForms(t *testing.T) {
	r := testkit.Rand(t)
	for name, b := range formBoosters(r, t) {
		for output := Value; output <= Interaction; output++ {
			for _, n := range []int{0, 1, 40, 300, 5000} {
				for _, workers := range []int{1, 3} {
					if n > 40 && output >= Contribution || n > 1 && output == Interaction || n > 300 && (output > Margin || workers == 1) {
						continue
					}
					p, err := New(b, &Options{Output: output, Workers: workers})
					if b.Kind == "gblinear" && errors.Is(err, model.ErrUnsupported) {
						continue
					}
					require.NoError(t, err)
					rows := testkit.HardRows(r, b, n)
					byRow, byColumn, csr := forms(rows, p.NumFeature())
					var base []float32
					if n%2 == 0 {
						base = make([]float32, n*p.NumGroup())
						for i := range base {
							base[i] = float32(r.NormFloat64())
						}
						byRow.Base, byColumn.Base, csr.Base = base, base, base
					}
					want := make([]float32, n*p.NumOutput())
					for i := range n { // the one way that is in other tests
						of := want[i*p.NumOutput():][:p.NumOutput()]
						row := rows[i*p.NumFeature():][:p.NumFeature()]
						if base == nil {
							require.NoError(t, p.Predict(of, row))
						} else {
							require.NoError(t, p.PredictFrom(of, row, base[i*p.NumGroup():][:p.NumGroup()]))
						}
					}
					s := p.NewSession()
					for form, predict := range map[string]func(dst []float32) error{
						"batch": func(dst []float32) error {
							if base == nil {
								return p.PredictBatch(dst, rows)
							}
							return p.PredictFrom(dst, rows, base)
						},
						"by row":             func(dst []float32) error { return p.PredictMatrix(dst, byRow) },
						"by column":          func(dst []float32) error { return p.PredictMatrix(dst, byColumn) },
						"csr":                func(dst []float32) error { return p.PredictCSR(dst, csr) },
						"session, by row":    func(dst []float32) error { return s.PredictMatrix(dst, byRow) },
						"session, by column": func(dst []float32) error { return s.PredictMatrix(dst, byColumn) },
						"session, csr":       func(dst []float32) error { return s.PredictCSR(dst, csr) },
						"session, batch": func(dst []float32) error {
							if base == nil {
								return s.PredictBatch(dst, rows)
							}
							return s.PredictMatrix(dst, Matrix{Data: rows, Rows: n, Base: base})
						},
					} {
						got := testkit.Guard(len(want))
						require.NoError(t, predict(got.Values()))
						what := fmt.Sprintf("%s: %v, %d rows %s, %d workers", name, output, n, form, workers)
						testkit.DiffBits(t, what, got.Values(), want)
						got.Check(t)
					}
					if n > 0 && base == nil {
						got := make([]float32, p.NumOutput())
						require.NoError(t, s.Predict(got, rows[:p.NumFeature()]))
						testkit.DiffBits(t, name+": session, one row", got, want[:p.NumOutput()])
					}
				}
			}
		}
	}
}

// TestWideCSR has more columns than a block of dense rows could have.
func TestWideCSR(t *testing.T) {
	r := testkit.Rand(t)
	for _, width := range []int{5000, 1<<20 + 5, 1 << 28} {
		b := testkit.RandomBooster(r, testkit.BoosterShape{Features: 9, Trees: 50, Depth: 5, Fill: 1, Thresholds: 3})
		p := newPredictor(t, b, nil)
		for i := range b.Trees { // the columns move apart
			for n := range b.Trees[i].Feature {
				b.Trees[i].Feature[n] %= 9
				b.Trees[i].Feature[n] *= int32(width / 9)
			}
		}
		b.NumFeature = width
		wide := newPredictor(t, b, &Options{Workers: 2})
		rows := testkit.HardRows(r, &model.Booster{NumFeature: 9}, 3000)
		_, _, csr := forms(rows, 9)
		want, got := make([]float32, 3000), make([]float32, 3000)
		require.NoError(t, p.PredictBatch(want, rows))
		for i := range csr.Columns {
			csr.Columns[i] *= int32(width / 9)
		}
		// A part of the rows, which begins behind others, and unused columns between the used ones.
		require.NoError(t, wide.PredictCSR(got[7:], CSR{Offsets: csr.Offsets[7:], Columns: csr.Columns, Values: csr.Values}))
		testkit.DiffBits(t, fmt.Sprintf("%d columns", width), got[7:], want[7:])
	}
}

func TestFormErrors(t *testing.T) {
	b := &model.Booster{Kind: "gbtree", Objective: "reg:squarederror", NumFeature: 3, NumTarget: 1, BaseScore: []float32{0}}
	p := newPredictor(t, b, nil)
	untouched := float32(77)
	dst := []float32{untouched, untouched}
	data := make([]float32, 6)
	huge := math.MaxInt/2 - 3
	for want, m := range map[string]Matrix{
		"Data has 5 values, want at least 6":                                    {Data: data[:5], Rows: 2},
		"Data has 6 values, want at least 8":                                    {Data: data, Rows: 2, Stride: 5},
		"Data has 6 values, want at least 9":                                    {Data: data, Rows: 3, ByColumn: true},
		"Stride is 2, want at least 3":                                          {Data: data, Rows: 2, Stride: 2},
		"Stride is 1, want at least 2":                                          {Data: data, Rows: 2, Stride: 1, ByColumn: true},
		"Stride is -4, want at least 3":                                         {Data: data, Rows: 2, Stride: -4},
		"Rows is -1, want at least 0":                                           {Data: data, Rows: -1},
		"dst has 2 values, want 1":                                              {Data: data, Rows: 1},
		"Base has 3 values, want 2":                                             {Data: data, Rows: 2, Base: data[:3]},
		fmt.Sprintf("Data has 6 values, want at least %d", huge+3):              {Data: data, Rows: 2, Stride: huge},
		fmt.Sprintf("Data has 6 values, want at least %d", math.MaxInt):         {Data: data, Rows: 3, Stride: math.MaxInt},
		fmt.Sprintf("Data has 6 values, want at least %d", uint64(math.MaxInt)): {Data: data, Rows: math.MaxInt},
	} {
		err := p.PredictMatrix(dst, m)
		require.ErrorContains(t, err, want)
		var e *ShapeError
		require.ErrorAs(t, err, &e)
		require.Equal(t, "PredictMatrix", e.Op)
	}
	columns, values := []int32{0, 1, 2, 0}, []float32{1, 2, 3, 4}
	for want, x := range map[string]CSR{
		"Offsets has 0, want at least 1":       {},
		"Values has 3 values, want 4":          {Offsets: []int{0, 2, 4}, Columns: columns, Values: values[:3]},
		"dst has 2 values, want 1":             {Offsets: []int{0, 4}, Columns: columns, Values: values},
		"Base has 1 values, want 2":            {Offsets: []int{0, 2, 4}, Columns: columns, Values: values, Base: values[:1]},
		"row 1 has the offset 1, want 2 to 4":  {Offsets: []int{0, 2, 1}, Columns: columns, Values: values},
		"row 1 has the offset 5, want 2 to 4":  {Offsets: []int{0, 2, 5}, Columns: columns, Values: values},
		"row 0 has the offset -1, want 0 to 4": {Offsets: []int{-1, 2, 4}, Columns: columns, Values: values},
		"row 1 has the column 3, want 0 to 2":  {Offsets: []int{0, 2, 4}, Columns: []int32{0, 1, 3, 0}, Values: values},
		"row 1 has the column -1, want 0 to 2": {Offsets: []int{1, 1, 4}, Columns: []int32{9, 1, 2, -1}, Values: values},
	} {
		err := p.PredictCSR(dst, x)
		require.ErrorContains(t, err, want)
		var shape *ShapeError
		var sparse *SparseError
		require.True(t, errors.As(err, &shape) || errors.As(err, &sparse))
		require.ErrorContains(t, p.NewSession().PredictCSR(dst, x), want)
	}
	require.Equal(t, []float32{untouched, untouched}, dst)
	require.NoError(t, p.PredictMatrix(nil, Matrix{}))
	require.NoError(t, p.PredictCSR(nil, CSR{Offsets: []int{4}, Columns: columns, Values: values}), "no rows, wherever they begin")
}

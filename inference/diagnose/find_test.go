package diagnose_test

import (
	"math"
	"math/rand/v2"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"threatdetect/inference"
	"threatdetect/inference/diagnose"
	"threatdetect/internal/testkit"
	"threatdetect/model"
)

// patient is a model with names out of alphabetical order, thresholds that rows meet exactly, and a best iteration.
func patient(t *testing.T) (*model.Booster, [][]float64) {
	t.Helper()
	r := testkit.RandFrom(14)
	b := &model.Booster{Kind: "gbtree", Version: model.Version{1, 7, 6}, Objective: "binary:logistic", NumFeature: 5, BaseScore: []float32{0.3},
		NumTarget: 1, NumParallelTree: 1, FeatureNames: []string{"port", "bytes", "age", "flags", "count"},
		Attributes: map[string]string{"best_iteration": "11"}, IterationStart: []int32{0}}
	for i := range 20 {
		b.Trees = append(b.Trees, stump(r))
		b.TreeGroup = append(b.TreeGroup, 0)
		b.IterationStart = append(b.IterationStart, int32(i+1))
	}
	require.NoError(t, b.Validate())
	var rows [][]float64
	for range 300 {
		row := make([]float64, 5)
		for f := range row {
			switch v := float64(r.IntN(40)) / 10; {
			case r.IntN(8) == 0:
				row[f] = math.NaN()
			case r.IntN(8) == 0:
				row[f] = 0
			case r.IntN(10) == 0:
				row[f] = -1
			default:
				row[f] = v + float64(f)
			}
		}
		rows = append(rows, row)
	}
	return b, rows
}

// stump is a tree of depth 2.
func stump(r *rand.Rand) model.Tree {
	t := model.Tree{Left: []int32{1, 3, 5, -1, -1, -1, -1}, Right: []int32{2, 4, 6, -1, -1, -1, -1}, Feature: make([]int32, 7), Value: make([]float32, 7),
		DefaultLeft: make([]bool, 7)}
	for n := range 7 {
		if n >= 3 {
			t.Value[n] = float32(r.NormFloat64()) / 4
			continue
		}
		t.Feature[n] = int32(r.IntN(5))
		t.Value[n] = float32(float64(r.IntN(40))/10 + float64(t.Feature[n]))
		t.DefaultLeft[n] = r.IntN(2) == 0
	}
	return t
}

func data(rows [][]float64) *diagnose.Data {
	d := &diagnose.Data{Width: len(rows[0])}
	for _, row := range rows {
		d.Values = append(d.Values, row...)
	}
	return d
}

// predict gives what somebody else gets, who reads rows and model in his own way.
func predict(t *testing.T, b *model.Booster, rows [][]float64, opts inference.Options, change func([]float64) []float64) []float32 {
	t.Helper()
	p, err := inference.New(b, &opts)
	require.NoError(t, err)
	var all []float32
	for _, row := range rows {
		narrow := make([]float32, 0, len(row))
		for _, v := range change(row) {
			narrow = append(narrow, float32(v))
		}
		out := make([]float32, p.NumOutput())
		require.NoError(t, p.Predict(out, narrow))
		all = append(all, out...)
	}
	return all
}

func same(row []float64) []float64 { return row }

func mapped(f func(float64) float64) func([]float64) []float64 {
	return func(row []float64) []float64 {
		var out []float64
		for _, v := range row {
			out = append(out, f(v))
		}
		return out
	}
}

func missingIf(v float64) func([]float64) []float64 {
	return mapped(func(x float64) float64 {
		if x == v {
			return math.NaN()
		}
		return x
	})
}

func zeroed(x float64) float64 {
	if x != x {
		return 0
	}
	return x
}

func later(row []float64) []float64 { return append([]float64{math.NaN()}, row[:4]...) }

func TestFindNamesTheReason(t *testing.T) {
	b, rows := patient(t)
	noBase, asMargin := *b, *b
	noBase.BaseScore, noBase.BaseIsMargin = []float32{0}, true
	asMargin.BaseIsMargin = true
	labelled := make([][]float64, len(rows))
	for i, row := range rows {
		labelled[i] = append([]float64{float64(i % 2)}, row...)
	}
	sortedOrder := func(row []float64) []float64 { // columns as age, bytes, count, flags, port
		return []float64{row[4], row[1], row[0], row[3], row[2]}
	}
	margin := inference.Options{Output: inference.Margin}
	for name, c := range map[string]struct {
		data *diagnose.Data
		want []float32
		say  []string
	}{
		"zero":        {data(rows), predict(t, b, rows, inference.Options{}, missingIf(0)), []string{"0 is missing"}},
		"minus one":   {data(rows), predict(t, b, rows, inference.Options{}, missingIf(-1)), []string{"-1 is missing"}},
		"filled":      {data(rows), predict(t, b, rows, inference.Options{}, mapped(zeroed)), []string{"missing and absent values are 0"}},
		"margin":      {data(rows), predict(t, b, rows, margin, same), []string{"they are margins, before the link"}},
		"best":        {data(rows), predict(t, b, rows, inference.Options{TreeLimit: inference.LimitBest}, same), []string{"only the trees up to the best iteration, 11, count"}},
		"seven":       {data(rows), predict(t, b, rows, inference.Options{Rounds: inference.Rounds{End: 7}}, same), []string{"only the first 7 of 20 rounds count"}},
		"no base":     {data(rows), predict(t, &noBase, rows, inference.Options{}, same), []string{"the base score is left out"}},
		"base margin": {data(rows), predict(t, &asMargin, rows, inference.Options{}, same), []string{"the base score is a margin, as XGBoost before 1.0 stores it"}},
		"label":       {data(labelled), predict(t, b, rows, inference.Options{}, same), []string{"the first column is a label, and is left out"}},
		"label in":    {data(rows), predict(t, b, rows, inference.Options{}, later), []string{"indices start at 1 in the model: every column is the feature after, and feature 0 is missing"}},
		"one-based": {data(rows), predict(t, b, rows, inference.Options{}, func(row []float64) []float64 { return append(row[1:5:5], math.NaN()) }),
			[]string{"indices start at 1: every column is the feature before"}},
		"sorted": {data(rows), predict(t, b, rows, inference.Options{}, sortedOrder),
			[]string{"the columns are in the alphabetical order of their names, not in the model's"}},
		"other class": {data(rows), complement(predict(t, b, rows, inference.Options{}, same)), []string{"they are the probability of the other class, 1 - p"}},
		"sum order": {data(rows), predict(t, b, rows, inference.Options{Runtime: model.Version{1, 2, 1}, Output: inference.Margin}, same),
			[]string{"they are margins, before the link", "as XGBoost 1.2 answers (leaves are summed before the base score is added)"}},
		"or equal": {data(rows), orEqual(t, b, rows), []string{"a value that equals a threshold goes left (<= instead of <)"}},
		"zero and one-based, margin": {data(rows), predict(t, b, rows, margin, func(row []float64) []float64 { return missingIf(0)(later(row)) }),
			[]string{"indices start at 1 in the model: every column is the feature after, and feature 0 is missing", "0 is missing", "they are margins, before the link"}},
	} {
		t.Run(name, func(t *testing.T) {
			found, err := diagnose.Find(b, c.data, c.want, 1, nil)
			require.NoError(t, err)
			require.NotEmpty(t, found.Matches, "%+v", found.Nearest)
			var all [][]string
			for _, m := range found.Matches {
				require.Equal(t, found.Matches[0].Exact, m.Exact)
				all = append(all, m.Changes)
			}
			require.Contains(t, all, c.say)
			require.Less(t, len(all), 4)
		})
	}
}

func complement(values []float32) []float32 {
	for i, v := range values {
		values[i] = 1 - v
	}
	return values
}

// orEqual moves every threshold up by one float32, which is the same as <= for float32 rows.
func orEqual(t *testing.T, b *model.Booster, rows [][]float64) []float32 {
	t.Helper()
	other := *b
	other.Trees = nil
	for _, tree := range b.Trees {
		values := append([]float32(nil), tree.Value...)
		for n := range values {
			if !tree.IsLeaf(int32(n)) {
				values[n] = math.Nextafter32(values[n], 1000)
			}
		}
		tree.Value = values
		other.Trees = append(other.Trees, tree)
	}
	return predict(t, &other, rows, inference.Options{}, same)
}

func TestFindWhereNothingDiffersOrHelps(t *testing.T) {
	b, rows := patient(t)
	want := predict(t, b, rows, inference.Options{}, same)
	found, err := diagnose.Find(b, data(rows), want, 1, nil)
	require.NoError(t, err)
	require.Equal(t, len(rows), found.AsIs.Exact)
	require.Empty(t, found.Matches)

	rounded := append([]float32(nil), want...)
	for i, v := range rounded {
		f, err := strconv.ParseFloat(strconv.FormatFloat(float64(v), 'f', 6, 64), 32)
		require.NoError(t, err)
		rounded[i] = float32(f)
	}
	found, err = diagnose.Find(b, data(rows), rounded, 1, nil)
	require.NoError(t, err)
	require.Equal(t, len(rows), found.AsIs.Close)
	require.Empty(t, found.Matches)

	r := testkit.RandFrom(1)
	for i := range want {
		want[i] = r.Float32()
	}
	found, err = diagnose.Find(b, data(rows), want, 1, nil)
	require.NoError(t, err)
	require.Empty(t, found.Matches)

	_, err = diagnose.Find(b, data(rows), want[1:], 1, nil)
	require.Error(t, err)
}

func TestFindByNames(t *testing.T) {
	b, rows := patient(t)
	want := predict(t, b, rows, inference.Options{}, same)
	d := data(rows)
	d.Names = []string{"count", "flags", "age", "bytes", "port"} // a header that is wrong
	found, err := diagnose.Find(b, d, want, 1, nil)
	require.NoError(t, err)
	require.Equal(t, []string{"columns are taken by position, whatever the header calls them"}, found.Matches[0].Changes)
}

func TestCompare(t *testing.T) {
	nan := float32(math.NaN())
	c := diagnose.Compare([]float32{1, 2, nan, 4}, []float32{1, 2, nan, 4}, 2)
	require.True(t, c.Equal())
	require.Equal(t, -1, c.Row)
	c = diagnose.Compare([]float32{1, 2, 3, 0, 5, nan}, []float32{1, 2, math.Nextafter32(3, 4), float32(math.Copysign(0, -1)), 5, 6}, 2)
	require.Equal(t, diagnose.Comparison{Rows: 3, Values: 6, DifferingRows: 2, DifferingValues: 3, LargestULP: diagnose.MaxULP,
		Row: 1, Column: 0, Got: 3, Want: math.Nextafter32(3, 4)}, c)
	require.Equal(t, uint32(2), diagnose.ULP(math.SmallestNonzeroFloat32, -math.SmallestNonzeroFloat32))
	require.Zero(t, diagnose.ULP(nan, nan))
}

func TestLocate(t *testing.T) {
	b, rows := patient(t)
	r := testkit.RandFrom(3)
	for _, output := range []inference.Output{inference.Value, inference.Margin, inference.Leaf} {
		opts := inference.Options{Output: output}
		l, err := diagnose.NewLocator(b, &opts)
		require.NoError(t, err)
		for range 20 {
			row := rows[r.IntN(len(rows))]
			narrow := make([]float32, len(row))
			for i, v := range row {
				narrow[i] = float32(v)
			}
			tree, leaf := r.IntN(len(b.Trees)), int32(3+r.IntN(4))
			other := *b
			other.Trees = append([]model.Tree(nil), b.Trees...)
			single := model.Tree{Left: []int32{-1}, Right: []int32{-1}, Feature: []int32{0}, Value: []float32{b.Trees[tree].Value[leaf]}, DefaultLeft: []bool{false}}
			other.Trees[tree] = single
			column := 0
			want := predict(t, &other, [][]float64{row}, opts, same)
			if output == inference.Leaf {
				column, want[tree] = tree, float32(leaf)
			}
			got := predict(t, b, [][]float64{row}, opts, same)
			if diagnose.Same(got[column], want[column]) {
				continue
			}
			s, err := l.Locate(narrow, column, want[column])
			require.NoError(t, err)
			require.Equal(t, tree, s.Tree)
			require.Equal(t, leaf, s.Want)
			require.Len(t, s.Path, 2)
			require.Len(t, s.WantPath, 2)
			require.Contains(t, s.Path[0].String(), "node 0: "+b.FeatureNames[b.Trees[tree].Feature[0]])
		}
	}
}

// Models of all kinds: somebody took 0 for missing and printed margins.
func TestFindForAllKindsOfModels(t *testing.T) {
	files, err := filepath.Glob("../../testdata/container/1.7-1-*.tar.gz")
	require.NoError(t, err)
	require.Greater(t, len(files), 15)
	r := testkit.RandFrom(5)
	for _, file := range files {
		b, err := model.Open(file, nil)
		require.NoError(t, err)
		var rows [][]float64
		for range 40 {
			row := make([]float64, b.NumFeature)
			for f := range row {
				if r.IntN(2) == 0 {
					row[f] = r.NormFloat64() * 3
				}
			}
			rows = append(rows, row)
		}
		for _, output := range []inference.Output{inference.Value, inference.Margin} {
			want := predict(t, b, rows, inference.Options{Output: output}, missingIf(0))
			found, err := diagnose.Find(b, data(rows), want, len(want)/len(rows), nil)
			require.NoError(t, err)
			if found.AsIs.Exact == len(rows) {
				continue // a linear model, or one whose values are few
			}
			require.NotEmpty(t, found.Matches, "%s %v", file, output)
			require.Equal(t, "0 is missing", found.Matches[0].Changes[0], file)
		}
	}
}

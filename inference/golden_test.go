package inference

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"

	"threatdetect/internal/testkit"
	"threatdetect/model"
)

// TestGolden compares every bit with the predictions of real XGBoost releases.
func TestGolden(t *testing.T) {
	compareAll(t, testkit.Golden(t, filepath.Join(testkit.Root(t), "testdata", "golden")))
}

// TestOracle is TestGolden on the files that "testdata/golden/make.sh fresh" has just made.
func TestOracle(t *testing.T) {
	dir := os.Getenv("THREATDETECT_ORACLE")
	if dir == "" {
		t.Skip("THREATDETECT_ORACLE names no directory of fresh predictions; testdata/golden/make.sh makes one")
	}
	compareAll(t, testkit.Fresh(t, dir))
}

func compareAll(t *testing.T, cases []*testkit.Case) {
	models, numbers, differing := 0, 0, 0
	for _, c := range cases {
		t.Run(c.Release+"/"+c.Name, func(t *testing.T) {
			for _, path := range c.Paths {
				b, err := model.Open(path, nil)
				if err != nil {
					t.Error(err)
					continue
				}
				models++
				for output, want := range map[Output][]float32{Value: c.Values, Margin: c.Margins, Leaf: c.Leaves} {
					if output == Leaf && c.NumTree == 0 {
						continue // gblinear has none
					}
					numbers += len(want)
					differing += compareOutput(t, filepath.Base(path), b, output, c.Rows, want)
				}
				compareKernels(t, filepath.Base(path), b, c)
				n, d := compareAnswers(t, filepath.Base(path), b, c)
				numbers += n
				differing += d
			}
		})
	}
	t.Logf("%d models, %d numbers, %d of them differ", models, numbers, differing)
}

// compareAnswers compares the predictions that start from base margins of the rows, and those of ranges of rounds. It returns
// how many numbers there are, and how many differ.
func compareAnswers(t *testing.T, what string, b *model.Booster, c *testkit.Case) (numbers, differing int) {
	t.Helper()
	if c.Base != nil {
		for output, want := range map[Output][]float32{Value: c.BaseValues, Margin: c.BaseMargins} {
			got := make([]float32, len(want))
			p := newPredictor(t, b, &Options{Output: output})
			if err := p.PredictFrom(got, c.Rows, c.Base); err != nil {
				t.Errorf("%s: %v", what, err)
			}
			numbers += len(want)
			differing += testkit.DiffBits(t, fmt.Sprintf("%s %v from base margins", what, output), got, want)
		}
	}
	for _, r := range c.Ranges {
		got := make([]float32, len(r.Margins))
		p := newPredictor(t, b, &Options{Output: Margin, Rounds: Rounds{r.Begin, r.End}})
		if err := p.PredictBatch(got, c.Rows); err != nil {
			t.Errorf("%s: %v", what, err)
		}
		numbers += len(got)
		differing += testkit.DiffBits(t, fmt.Sprintf("%s rounds %d:%d", what, r.Begin, r.End), got, r.Margins)
	}
	for _, r := range c.Refused {
		var refused *RoundsError
		if _, err := New(b, &Options{Rounds: Rounds{r[0], r[1]}}); !errors.As(err, &refused) {
			t.Errorf("%s: rounds %d:%d give %v, want a *RoundsError", what, r[0], r[1], err)
		}
	}
	return numbers, differing
}

// compareOutput scores rows in a batch, one by one and by the reference walker, and returns how many numbers of the batch
// differ from those wanted.
func compareOutput(t *testing.T, what string, b *model.Booster, output Output, rows, want []float32) int {
	t.Helper()
	p, err := New(b, &Options{Output: output, Workers: 2})
	if err != nil {
		t.Errorf("%s: %v", what, err)
		return len(want)
	}
	what += " " + output.String()
	got := make([]float32, len(want))
	if err := p.PredictBatch(got, rows); err != nil {
		t.Errorf("%s: %v", what, err)
		return len(want)
	}
	n := testkit.DiffBits(t, what, got, want)

	for r := range len(rows) / p.NumFeature() {
		if err := p.Predict(got[r*p.NumOutput():][:p.NumOutput()], rows[r*p.NumFeature():][:p.NumFeature()]); err != nil {
			t.Errorf("%s: row %d: %v", what, r, err)
		}
	}
	testkit.DiffBits(t, what+" row by row", got, want)

	for r := range len(rows) / p.NumFeature() {
		reference(p, got[r*p.NumOutput():][:p.NumOutput()], rows[r*p.NumFeature():][:p.NumFeature()])
	}
	testkit.DiffBits(t, what+" by the reference walker", got, want)
	return n
}

// reference is Predict by the reference walker.
func reference(p *Predictor, dst, row []float32) {
	switch p.output {
	case Contribution, ApproxContribution, Interaction:
		if p.output == Contribution && p.linear == nil {
			p.explainer.Reference(dst, p.base, row, p.explainer.NewScratch())
			return
		}
		p.explainRows(dst, row, p.base, p.newScratch().shap) // there is no other way
		return
	}
	if p.output == Leaf {
		p.forest.WalkLeaves(dst, row)
		return
	}
	margins := make([]float32, p.numGroup)
	if p.linear != nil {
		p.linear.margins(margins, p.base, row)
	} else {
		p.forest.WalkMargins(margins, p.base, row)
	}
	if p.output == Value {
		p.value(margins)
	}
	copy(dst, margins)
}

// TestNetworkModels compares with XGBoost on models of real network traffic. They lie beside the repository, because
// their data must not be redistributed.
func TestNetworkModels(t *testing.T) {
	dir := filepath.Join(testkit.Root(t), "..", "shared", "data", "models")
	if _, err := os.Stat(dir); err != nil {
		t.Skipf("no models beside the repository: %v", err)
	}
	for _, name := range []string{"binary-logistic", "multi-softprob", "dart-logistic", "categorical-logistic"} {
		t.Run(name, func(t *testing.T) {
			table, formats := "rows.csv.gz", []string{"json", "ubj", "xgboost-model.bin"}
			if name == "categorical-logistic" { // which the legacy form cannot express
				table, formats = "rows-categorical.csv.gz", formats[:2]
			}
			text, err := testkit.ReadGzip(filepath.Join(dir, name+".expected.json.gz"))
			if err != nil {
				t.Fatal(err)
			}
			var expected struct {
				Prob   json.RawMessage
				Margin json.RawMessage
				Leaf   [][]float32         `json:"leaf_first20"`
				Vocab  map[string][]string // the codes of categories are their places
			}
			if err := json.Unmarshal(text, &expected); err != nil {
				t.Fatal(err)
			}
			rows, numRow := csvRows(t, filepath.Join(dir, table), expected.Vocab)
			var leaves []float32
			for _, row := range expected.Leaf {
				leaves = append(leaves, row...)
			}
			values, margins := numbers(t, expected.Prob), numbers(t, expected.Margin)
			width := len(rows) / numRow
			for _, format := range formats {
				b, err := model.Open(filepath.Join(dir, name+"."+format+".gz"), nil)
				if err != nil {
					t.Error(err)
					continue
				}
				compareOutput(t, format, b, Value, rows, values)
				compareOutput(t, format, b, Margin, rows, margins)
				if leaves != nil {
					compareOutput(t, format, b, Leaf, rows[:len(expected.Leaf)*width], leaves)
				}
			}
			t.Logf("%d formats, %d rows: %d values, %d margins, %d leaves", len(formats), numRow, len(values), len(margins), len(leaves))
		})
	}
}

// numbers flattens a list of numbers or of lists of numbers.
func numbers(t *testing.T, text json.RawMessage) []float32 {
	t.Helper()
	var flat []float32
	if json.Unmarshal(text, &flat) == nil {
		return flat
	}
	var lists [][]float32
	if err := json.Unmarshal(text, &lists); err != nil {
		t.Fatal(err)
	}
	flat = flat[:0]
	for _, l := range lists {
		flat = append(flat, l...)
	}
	return flat
}

// csvRows reads a file with a header in which an empty field is a missing value, and categories are written by name.
func csvRows(t *testing.T, path string, vocab map[string][]string) (rows []float32, n int) {
	t.Helper()
	text, err := testkit.ReadGzip(path)
	if err != nil {
		t.Fatal(err)
	}
	records, err := csv.NewReader(bytes.NewReader(text)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	for _, record := range records[1:] {
		for i, field := range record {
			if code := slices.Index(vocab[records[0][i]], field); code >= 0 {
				field = strconv.Itoa(code)
			}
			if field == "" {
				field = "nan"
			}
			x, err := strconv.ParseFloat(field, 32)
			if err != nil {
				t.Fatal(err)
			}
			rows = append(rows, float32(x))
		}
	}
	return rows, len(records) - 1
}

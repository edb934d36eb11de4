package main

import (
	"fmt"
	"math"
	"path/filepath"
	"strings"

	"threatdetect/inference"
	"threatdetect/model"
)

// outputs in the order of the table.
var outputs = []string{"value", "margin", "leaf", "contributions", "approximate", "interactions"}

var outputOf = map[string]inference.Output{
	"value":         inference.Value,
	"margin":        inference.Margin,
	"leaf":          inference.Leaf,
	"contributions": inference.Contribution,
	"approximate":   inference.ApproxContribution,
	"interactions":  inference.Interaction,
}

// bound is how far contributions of XGBoost 3.3 and later may be away, in parts of the sum of a row's absolute contributions.
// These releases compute them by a quadrature that our exact form does not repeat.
const bound = 1e-5

// counts is what came out of some comparisons.
type counts struct {
	models    int
	numbers   int
	differing int
	refused   int     // questions that we do not answer
	bounded   bool    // some numbers were held to the bound
	farthest  float64 // of these, in the unit of the bound
}

func (c *counts) add(d counts) {
	c.models += d.models
	c.numbers += d.numbers
	c.differing += d.differing
	c.refused += d.refused
	c.bounded = c.bounded || d.bounded
	c.farthest = max(c.farthest, d.farthest)
}

func (c counts) String() string {
	return fmt.Sprintf("%d models, %d numbers, %d differing, %d questions refused", c.models, c.numbers, c.differing, c.refused)
}

// row of the table.
type row struct{ format, booster, objective string }

// report is what came out for one release.
type report struct {
	release  *release
	models   map[row]int
	cells    map[row]map[string]*counts
	findings []finding
}

// finding is a difference or a refusal.
type finding struct {
	model, what string
}

func (f finding) String() string { return f.model + ": " + f.what }

// found notes a difference or a refusal, without the place of the files.
func (r *report) found(file, what string) {
	what = strings.ReplaceAll(what, r.release.dir+string(filepath.Separator), "")
	r.findings = append(r.findings, finding{file, what})
}

func (r *report) total() counts {
	var sum counts
	for key, cells := range r.cells {
		sum.models += r.models[key]
		for _, c := range cells {
			sum.add(*c)
		}
	}
	return sum
}

// compare asks every model of r everything.
func compare(r *release) *report {
	out := &report{release: r, models: map[row]int{}, cells: map[row]map[string]*counts{}}
	for i := range r.Cases {
		c := &r.Cases[i]
		for j := range c.Models {
			m := &c.Models[j]
			at := row{m.Format, c.Booster, c.Objective}
			out.models[at]++
			cells := out.cells[at]
			if cells == nil {
				cells = map[string]*counts{}
				out.cells[at] = cells
			}
			boosters, err := model.OpenAll(filepath.Join(r.dir, m.File), nil)
			if err != nil {
				out.found(m.File, "refused: "+err.Error())
			}
			for k := range m.Checks {
				q := &m.Checks[k]
				cell := cells[q.Output]
				if cell == nil {
					cell = &counts{}
					cells[q.Output] = cell
				}
				if err != nil {
					cell.refused++
					continue
				}
				rows, want := r.floats(q.Rows), r.floats(q.Want)
				got, refused := ask(boosters, r, q, rows, len(want))
				if refused != nil {
					cell.refused++
					out.found(m.File, q.String()+": refused: "+refused.Error())
					continue
				}
				cell.numbers += len(want)
				n, what := differences(cell, got, want, q, r.since(3, 3), len(rows)/q.Rows.Shape[1])
				if n > 0 {
					cell.differing += n
					out.found(m.File, q.String()+": "+what)
				}
			}
		}
	}
	return out
}

// String names the question.
func (q *check) String() string {
	s := q.Output
	if q.Base != nil {
		s += " with base margins"
	}
	if q.Rounds != nil {
		s += fmt.Sprintf(" of rounds %d:%d", q.Rounds[0], q.Rounds[1])
	}
	if q.Limit > 0 {
		s += fmt.Sprintf(" with ntree_limit %d", q.Limit)
	}
	if q.Container {
		s += " as a container"
	}
	if q.Best {
		s += " of the best rounds"
	}
	return s
}

// ask answers q in a batch, and again row by row, which must give the same.
func ask(boosters []*model.Booster, r *release, q *check, rows []float32, n int) ([]float32, error) {
	if q.Missing != nil {
		for i, x := range rows {
			if x == *q.Missing {
				rows[i] = float32(math.NaN())
			}
		}
	}
	opts := &inference.Options{Workers: 1, TreeLimit: inference.LimitNone, NumTreeLimit: q.Limit}
	if !r.since(1, 0) {
		opts.Runtime = r.version() // which these files do not tell
	}
	if q.Container {
		opts.TreeLimit = inference.LimitContainer
	}
	if q.Best {
		opts.TreeLimit = inference.LimitBest
	}
	if q.Rounds != nil {
		opts.Rounds = inference.Rounds{Begin: q.Rounds[0], End: q.Rounds[1]}
	}
	opts.Output = outputOf[q.Output]
	got := make([]float32, n)
	if len(boosters) > 1 {
		e, err := inference.NewEnsemble(boosters, opts)
		if err != nil {
			return nil, err
		}
		if q.Rows.Shape[0] == 1 { // which a container sums in another order
			return got, e.Predict(got, rows)
		}
		return got, e.PredictBatch(got, rows)
	}
	p, err := inference.New(boosters[0], opts)
	if err != nil {
		return nil, err
	}
	if q.Base != nil {
		return got, p.PredictFrom(got, rows, r.floats(*q.Base))
	}
	if err := p.PredictBatch(got, rows); err != nil {
		return nil, err
	}
	if q.Output == "value" || q.Output == "margin" {
		if err := askKernels(boosters[0], opts, rows, got); err != nil {
			return nil, err
		}
	}
	single := make([]float32, p.NumOutput())
	alone := q.Rows.Shape[0]
	if q.Output == "interactions" {
		alone = min(alone, 4) // they take long
	}
	for i := range alone {
		if err := p.Predict(single, rows[i*p.NumFeature():][:p.NumFeature()]); err != nil {
			return nil, err
		}
		for k, x := range single {
			if !same(x, got[i*len(single)+k]) {
				return nil, fmt.Errorf("row %d alone gives %v, in a batch %v", i, x, got[i*len(single)+k])
			}
		}
	}
	return got, nil
}

// same reports whether a and b have the same bits, or are both NaN, whose bits depend on the machine.
func same(a, b float32) bool {
	return math.Float32bits(a) == math.Float32bits(b) || a != a && b != b
}

// differences counts where got is not what is wanted, and describes the first such place.
func differences(cell *counts, got, want []float32, q *check, quadrature bool, numRow int) (n int, what string) {
	loose := quadrature && (q.Output == "contributions" || q.Output == "interactions")
	columns := q.Rows.Shape[1] + 1
	width := columns // numbers that are held to a common bound
	if q.Output == "interactions" {
		width *= columns
	}
	for i := range want {
		if same(got[i], want[i]) {
			continue
		}
		if loose {
			cell.bounded = true
			scale := magnitude(want[i/width*width:][:width], columns)
			if off := math.Abs(float64(got[i])-float64(want[i])) / scale; off <= bound {
				cell.farthest = max(cell.farthest, off)
				continue
			}
		}
		if n == 0 {
			each := len(want) / numRow
			what = fmt.Sprintf("row %d, number %d is %v (%#08x), want %v (%#08x)", i/each, i%each,
				got[i], math.Float32bits(got[i]), want[i], math.Float32bits(want[i]))
		}
		n++
	}
	if n > 0 {
		what = fmt.Sprintf("%d of %d differ, the first: %s", n, len(want), what)
	}
	return n, what
}

// magnitude is the sum of the absolute contributions in x, which holds them one by one or as a square of interactions.
func magnitude(x []float32, columns int) float64 {
	sum := 0.0
	for part := len(x) / columns; len(x) > 0; x = x[part:] {
		contribution := 0.0
		for _, v := range x[:part] {
			contribution += float64(v)
		}
		sum += math.Abs(contribution)
	}
	return sum
}

package detect

import (
	"cmp"
	"math"
	"slices"

	"threatdetect/inference"
	"threatdetect/model"
)

// Reason is a feature with its value in the row, NaN if it is missing, and what it adds to the margin, that is to the score
// before the objective's link: a positive contribution speaks for a higher score.
type Reason struct {
	Feature      string
	Value        float32
	Contribution float32
}

// explainer finds the reasons of verdicts. It is immutable.
type explainer struct {
	predictor *inference.Predictor
	names     []string
	count     int
}

// newExplainer returns nil if nothing is to be explained.
func newExplainer(b *model.Booster, names []string, count int, pauser model.Pauser) (*explainer, error) {
	if count <= 0 {
		return nil, nil
	}
	p, err := inference.New(b, &inference.Options{Output: inference.Contribution, Pauser: pauser})
	if err != nil {
		return nil, err
	}
	return &explainer{predictor: p, names: names, count: min(count, len(names))}, nil
}

// explanation is the memory of one stream.
type explanation struct {
	contributions []float32
	order         []int
	top           []Reason
}

// explain returns the count reasons of the largest absolute contribution to the margin of a class, the largest first. Those of
// equal size stand in the order of the columns, and what is no number last. The result is valid until the next call.
func (e *explainer) explain(x *explanation, row []float32, class int) ([]Reason, error) {
	if x.order == nil {
		x.contributions = make([]float32, e.predictor.NumOutput())
		x.order = make([]int, len(e.names))
	}
	if err := e.predictor.Predict(x.contributions, row); err != nil {
		return nil, err
	}
	of := x.contributions[class*(len(e.names)+1):] // the bias behind the columns is no feature's
	for i := range x.order {
		x.order[i] = i
	}
	slices.SortFunc(x.order, func(a, b int) int {
		// cmp.Compare takes NaN for smaller than all numbers.
		return cmp.Or(cmp.Compare(math.Abs(float64(of[b])), math.Abs(float64(of[a]))), cmp.Compare(a, b))
	})
	x.top = x.top[:0]
	for _, i := range x.order[:e.count] {
		x.top = append(x.top, Reason{Feature: e.names[i], Value: row[i], Contribution: of[i]})
	}
	return x.top, nil
}

// NumReason is how many reasons a verdict has.
func (d *Detector) NumReason() int {
	if d.explainer == nil {
		return 0
	}
	return d.explainer.count
}

// Columns are the names of the columns of a row.
func (d *Detector) Columns() []string { return d.pipeline.Schema().Names() }

// Contributions writes what each column of a row adds to the margin of an attack, and the bias behind them: len(row)+1
// numbers. With several classes it is what they take away from the margin of the first, benign one. It needs
// Options.Contributions, and fails with model.ErrUnsupported without it.
func (d *Detector) Contributions(dst, row []float32) error {
	if d.add == nil {
		return &model.UnsupportedError{What: "contributions that were not asked for when the detector was made"}
	}
	n := len(row) + 1
	if d.add.NumOutput() == n {
		return d.add.Predict(dst, row)
	}
	all := make([]float32, d.add.NumOutput())
	if err := d.add.Predict(all, row); err != nil {
		return err
	}
	for i, v := range all[:n] {
		dst[i] = -v
	}
	return nil
}

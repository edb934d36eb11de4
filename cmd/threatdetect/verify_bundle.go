package main

import (
	"errors"
	"math"

	"threatdetect/features"
	"threatdetect/inference"
	"threatdetect/inference/detect"
	"threatdetect/inference/diagnose"
	"threatdetect/model"
)

// verifyBundle makes the rows of a bundle's golden records out of their logs, scores them, and compares all with what the
// contract holds.
func (a *app) verifyBundle(f *verifyFlags, name string, report *verification) error {
	load, err := f.trust.options()
	if err != nil {
		return err
	}
	bundle, err := model.OpenBundle(name, load)
	if err != nil {
		return modelError(name, err)
	}
	if bundle.Contract == nil {
		return modelError(name, errors.New("no contract, so no golden records; give --model, --rows and --expect"))
	}
	c, err := features.ParseContract(bundle.Contract)
	if err != nil {
		return modelError(name, err)
	}
	if _, err := detect.New(bundle.Booster, c, nil); err != nil { // whether they fit together
		return modelError(name, err)
	}
	if len(c.Golden) == 0 {
		return modelError(name, errors.New("the contract holds no golden records"))
	}
	got, err := detect.GoldenRows(c)
	if err != nil {
		return modelError(name, err)
	}
	report.Kind = "golden"
	b := bundle.Booster
	var want, scores, margins []float32
	for _, g := range c.Golden {
		for _, v := range g.Row {
			if v == nil {
				want = append(want, float32(math.NaN()))
			} else {
				want = append(want, *v)
			}
		}
		scores, margins = append(scores, g.Score), append(margins, g.Margin)
	}
	rows := diagnose.Compare(got, want, b.NumFeature)
	report.add(&rows, "column")
	if b.NumGroup() > 1 { // golden scores are those of one output
		return nil
	}
	for i, want := range [][]float32{scores, margins} {
		opts := &inference.Options{Output: []inference.Output{inference.Value, inference.Margin}[i]}
		if err := compareGolden(b, opts, got, want, []string{"score", "margin"}[i], report); err != nil {
			return modelError(name, err)
		}
	}
	report.Rows, report.DifferingRows = len(c.Golden), min(report.DifferingRows, len(c.Golden))
	return nil
}

func compareGolden(b *model.Booster, opts *inference.Options, rows, want []float32, what string, report *verification) error {
	p, err := inference.New(b, opts)
	if err != nil {
		return err
	}
	got := make([]float32, len(want))
	if err := p.PredictBatch(got, rows); err != nil {
		return err
	}
	c := diagnose.Compare(got, want, 1)
	if !report.add(&c, what) {
		return nil
	}
	report.First.Row = c.Row + 1
	return locate(b, opts, rows[c.Row*b.NumFeature:(c.Row+1)*b.NumFeature], &c, report.First)
}

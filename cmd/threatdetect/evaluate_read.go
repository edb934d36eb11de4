package main

import (
	"errors"
	"iter"

	"threatdetect/features"
	"threatdetect/features/dataset"
	"threatdetect/inference/detect"
	"threatdetect/inference/evaluate"
)

// evaluation is the reading of the logs, once for each model.
type evaluation struct {
	app    *app
	flags  *evaluateFlags
	labels *dataset.Labels
	column string // of the labels; empty if they come from a file
	plan   *split // nil: all flows are taken
	part   dataset.Part
	other  string // the first label that says neither benign nor attack

	chosen []bool // by number of the labelled flow: whether the first model took it, which the next ones follow
}

// checkPlan refuses a split that cannot be told from the rows of this model.
func (e *evaluation) checkPlan(c *candidate) error {
	if e.plan != nil && e.plan.Split.By == dataset.Group && !e.plan.Split.Records && e.plan.Set != c.detector.Set() {
		return misfit(e.flags.split, "the parts are told apart by the rows of set %s, and this model has %s", e.plan.Set, c.detector.Set())
	}
	return nil
}

// judge scores the flows with a model, into its sample. The account is that of the first model.
func (e *evaluation) judge(c *candidate, files []string) (*logs, error) {
	set, err := features.LookupSet(c.detector.Set())
	if err != nil {
		return nil, err
	}
	l, err := e.app.openLogs(e.flags.bundle.from, e.column, set, files)
	if err != nil {
		return nil, err
	}
	first := e.chosen == nil
	var account features.Account
	if first {
		e.chosen = []bool{}
	}
	labelled := int64(0)
	for v, err := range c.detector.Stream().Verdicts(e.flows(l, "scoring", &account)) {
		if err != nil {
			l.bar.stop()
			e.app.account = account
			return nil, e.failed(l, err)
		}
		take := true
		if known := v.Flow.Label != features.Unlabelled; known {
			labelled++
			take = e.take(v, labelled, first)
		} else if first {
			*e.app.unlabelled++
			if text := dataset.OtherLabel(v.Flow); e.other == "" && text != nil {
				e.other = evaluate.Printable(string(text))
			}
		}
		if !take {
			continue
		}
		if err := c.sample.Add(v.Flow, dataset.KindOf(v.Flow), v.Row, v.Score); err != nil {
			return nil, misfit(l.file, "%w", err)
		}
		c.sample.Called(v.Class)
		if first && v.Flow.Label != features.Unlabelled {
			account.Rows++
			if v.Threat {
				account.Threats++
			}
		}
	}
	if !first {
		return l, nil
	}
	e.app.account = account
	switch {
	case account.Unreadable():
		return nil, l.unreadable()
	case e.labels != nil && e.labels.Used == 0:
		return nil, misfit(e.flags.label, "%w: none of the %d labels belongs to a flow of the input", dataset.ErrLabels, e.labels.Entries)
	case c.sample.Len() == 0 && labelled > 0:
		return nil, misfit(l.file, "%d labelled flows, but none of them is in the part %s", labelled, e.part)
	case c.sample.Len() == 0 && e.other != "":
		return nil, misfit(l.file, "nothing to evaluate: none of %d flows has a label that is understood: %s", account.Flows, dataset.WantLabel(e.other))
	case c.sample.Len() == 0:
		return nil, misfit(l.file, "nothing to evaluate: none of %d flows has a label", account.Flows)
	}
	return l, nil
}

// take reports whether a labelled flow is measured.
func (e *evaluation) take(v *detect.Verdict, n int64, first bool) bool {
	if e.plan == nil {
		return true
	}
	if first {
		e.chosen = append(e.chosen, e.plan.Split.Part(v.Flow, v.Row, n) == e.part)
	}
	return n <= int64(len(e.chosen)) && e.chosen[n-1]
}

// flows yields the flows of logs with their labels, and counts the records.
func (e *evaluation) flows(l *logs, what string, account *features.Account) iter.Seq2[*features.Flow, error] {
	a := e.app
	return func(yield func(*features.Flow, error) bool) {
		l.bar = a.newProgress(what, totalSize(l.files))
		defer l.bar.stop()
		for flow, err := range l.flows() {
			if end := account.Add(flow, err); end != nil {
				yield(nil, end)
				return
			}
			if err != nil {
				if end := a.skipped(l, err, e.flags.bundle.strict, e.flags.bundle.showSkip); end != nil {
					yield(nil, end)
					return
				}
				continue
			}
			if e.labels != nil {
				e.labels.Apply(flow, account.Records)
			}
			if !yield(flow, nil) {
				return
			}
		}
	}
}

// failed is the end of an evaluation in the middle of the logs.
func (e *evaluation) failed(l *logs, err error) error {
	if exit, ok := errors.AsType[*exitError](err); ok {
		return exit
	}
	return inputError(l.file, err)
}

// drift compares the flows with those of the reference logs, whatever their labels.
func (e *evaluation) drift(r *evaluate.Report, c *candidate) error {
	set, err := features.LookupSet(c.detector.Set())
	if err != nil {
		return err
	}
	l, err := e.app.openLogs(e.flags.bundle.from, "", set, e.flags.reference)
	if err != nil {
		return err
	}
	reference := &evaluation{app: e.app, flags: e.flags}
	var account features.Account
	var sample evaluate.Sample
	for v, err := range c.detector.Stream().Verdicts(reference.flows(l, "reference", &account)) {
		if err != nil {
			return e.failed(l, err)
		}
		v.Flow.Label = features.Benign // only the rows matter
		if err := sample.Add(v.Flow, nil, v.Row, v.Score); err != nil {
			return misfit(l.file, "%w", err)
		}
	}
	if sample.Len() == 0 {
		return misfit(l.file, "no flow to compare with")
	}
	r.DriftFrom(&sample, &c.sample, c.detector.Columns())
	for _, name := range l.files {
		r.Drift.Reference = append(r.Drift.Reference, baseName(name))
	}
	return nil
}

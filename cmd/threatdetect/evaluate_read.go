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

	// places is, by number of the flow, its place in the sample of the first model, from 1; 0 if it was not taken. Another model takes the
	// same flows, and puts them there: those of a set that remembers flows come out in another order. It is kept if there is another model.
	places []int32
}

// checkPlan refuses a split that cannot be told from the rows of this model, or from their order.
func (e *evaluation) checkPlan(c *candidate) error {
	if e.plan == nil || e.plan.Set == c.detector.Set() {
		return nil
	}
	what := ""
	switch {
	case e.plan.Split.By == dataset.Group && !e.plan.Split.Records:
		what = "rows"
	case e.plan.Split.By == dataset.Random && (stateful(e.plan.Set) || stateful(c.detector.Set())):
		what = "order of the rows"
	default:
		return nil
	}
	return misfit(e.flags.split, "the parts are told apart by the %s of set %s, and this model has %s", what, e.plan.Set, c.detector.Set())
}

// stateful reports whether flows come out of a set in another order than they went in.
func stateful(name string) bool {
	set, err := features.LookupSet(name)
	return err != nil || set.Stateful
}

// judge scores the flows with a model, into its sample. The account is that of the first model, whose flows the other takes.
func (e *evaluation) judge(c *candidate, files []string) (*logs, error) {
	set, err := features.LookupSet(c.detector.Set())
	if err != nil {
		return nil, err
	}
	l, err := e.app.openLogs(e.flags.bundle.from, e.column, set, files)
	if err != nil {
		return nil, err
	}
	first := e.places == nil
	var account features.Account
	if first {
		e.places = []int32{}
	}
	labelled := int64(0)
	var order []int32 // of the flows of another model
	for v, err := range c.detector.Stream().Verdicts(e.flows(l, "scoring", &account)) {
		if err != nil {
			l.bar.stop()
			e.app.account = account
			return nil, e.failed(l, err)
		}
		take := true
		if known := v.Flow.Label != features.Unlabelled; known && first {
			labelled++
			take = e.plan == nil || e.plan.Split.Part(v.Flow, v.Row, labelled) == e.part
		} else if known {
			place := e.place(v)
			if take = place > 0; take {
				order = append(order, place-1)
			}
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
			e.remember(v, c.sample.Len())
			if v.Threat {
				account.Threats++
			}
		}
	}
	if !first {
		if err := c.sample.Arrange(order); err != nil {
			return nil, misfit(l.file, "%w", err)
		}
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

// remember keeps the place of a flow for the other model.
func (e *evaluation) remember(v *detect.Verdict, place int) {
	if e.flags.compare == "" {
		return
	}
	if missing := int(v.Number) + 1 - len(e.places); missing > 0 {
		e.places = append(e.places, make([]int32, missing)...)
	}
	e.places[v.Number] = int32(place)
}

// place returns the place of a flow in the sample of the first model, from 1; 0 if it has none.
func (e *evaluation) place(v *detect.Verdict) int32 {
	if v.Number >= int64(len(e.places)) {
		return 0
	}
	return e.places[v.Number]
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
			} else {
				dataset.Judge(flow)
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

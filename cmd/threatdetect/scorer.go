package main

import (
	"errors"
	"strconv"
	"strings"

	"github.com/spf13/pflag"

	"threatdetect/inference"
	"threatdetect/inference/rows"
	"threatdetect/inference/serve"
	"threatdetect/model"
)

// scorer is one model, or several that answer as one.
type scorer interface {
	NumFeature() int
	NumOutput() int
	Predict(dst, row []float32) error
	PredictBatch(dst, rows []float32) error
}

// scoreSource are the flags that say how rows are scored: the model, the rows, what is predicted and as whom.
type scoreSource struct {
	rowFlags
	trust            trustFlags
	model            string
	kind, iterations string
	sagemaker        string
	image            *rows.Image // of sagemaker
}

func (f *scoreSource) add(flags *pflag.FlagSet) {
	f.rowFlags.add(flags)
	f.trust.add(flags)
	flags.StringVar(&f.model, "model", "", "model: xgboost-model, JSON, UBJSON, a pickle, a directory, or model.tar.gz")
	flags.StringVar(&f.kind, "kind", "value", "what is predicted: value, margin, leaf, contrib or interaction")
	flags.StringVar(&f.iterations, "iterations", "", "use boosting rounds A to B-1 only, as A:B")
	flags.StringVar(&f.sagemaker, "sagemaker", "", "read rows, and answer, as the SageMaker image of this tag does, oddities included: 1.7-1")
}

// check refuses what is wrong and what belongs to later versions, before anything is opened.
func (f *scoreSource) check() error {
	_, kind := outputs[f.kind]
	switch {
	case f.model == "":
		return usagef("want --model MODEL")
	case !kind:
		return usagef("--kind %q: want value, margin, leaf, contrib or interaction", f.kind)
	}
	if _, err := parseRounds(f.iterations); err != nil {
		return err
	}
	if f.sagemaker != "" {
		return f.checkImage()
	}
	return f.rowFlags.check()
}

// checkImage looks the image up and refuses what its container has no equal of.
func (f *scoreSource) checkImage() error {
	var err error
	f.image, err = rows.LookupImage(f.sagemaker)
	switch {
	case err != nil:
		return usagef("--sagemaker: %w", err)
	case f.kind != "value":
		return usagef("--sagemaker: the container answers with values, not with --kind %s", f.kind)
	case f.iterations != "" || f.missing != "nan" || f.header != "auto" || f.indexBase != 0:
		return usagef("--sagemaker goes with none of --iterations, --missing, --header and --index-base: the container decides")
	case f.from == string(rows.NDJSON):
		return usagef("--sagemaker: the container does not read ndjson")
	}
	return f.rowFlags.check()
}

// batchRows is how many rows are scored in one call: enough for the fast kernels, few enough for a prompt answer and, where a row
// gives many values, for memory.
func batchRows(p scorer) int {
	return min(predictBatch, max(predictValues/max(p.NumOutput(), 1), 1))
}

// scoreRows scores rows; only tells that none were scored before, and, if there is one, that none follow. An ensemble adds in
// another order for a request of a single row.
func scoreRows(p scorer, dst, rows []float32, only bool) error {
	if only && len(rows) == p.NumFeature() {
		return p.Predict(dst, rows)
	}
	return p.PredictBatch(dst, rows)
}

// openScorer opens what --model names, as the flags want it. It also returns the first booster, and what it was compiled with.
func (f *scoreSource) openScorer() (scorer, *model.Booster, *inference.Options, error) {
	load, err := f.trust.options()
	if err != nil {
		return nil, nil, nil, err
	}
	if f.image != nil {
		load.Pick = serve.PickOf(f.image)
	}
	boosters, err := model.OpenAll(f.model, load)
	if err != nil {
		return nil, nil, nil, modelError(f.model, err)
	}
	b := boosters[0]
	rounds, err := parseRounds(f.iterations)
	if err != nil {
		return nil, nil, nil, err
	}
	opts := &inference.Options{Output: outputs[f.kind], Rounds: rounds}
	if f.image != nil {
		f.image.Pickled = b.Format == model.FormatPickle
		opts.Runtime, opts.TreeLimit = f.image.XGBoost, inference.LimitContainer
	}
	if len(boosters) > 1 {
		e, err := inference.NewEnsemble(boosters, opts)
		if err != nil {
			return nil, nil, nil, f.compileError(err)
		}
		return e, b, opts, nil
	}
	p, err := inference.New(b, opts)
	if err != nil {
		return nil, nil, nil, f.compileError(err)
	}
	return p, b, opts, nil
}

// compileError is the end of a command whose model cannot be scored as the flags want it: rounds that it does not have speak against the flags.
func (f *scoreSource) compileError(err error) error {
	if rounds, ok := errors.AsType[*inference.RoundsError](err); ok {
		return usagef("--iterations %s: %s has %d rounds: %s", f.iterations, f.model, rounds.NumRound, rounds.Why)
	}
	return modelError(f.model, err)
}

// parseRounds reads A:B, of which either number may be left out.
func parseRounds(s string) (r inference.Rounds, err error) {
	if s == "" {
		return r, nil
	}
	begin, end, ok := strings.Cut(s, ":")
	for i, part := range []string{begin, end} {
		n := 0
		if part != "" {
			var err error
			if n, err = strconv.Atoi(part); err != nil || n < 0 {
				ok = false
			}
		}
		if i == 0 {
			r.Begin = n
		} else {
			r.End = n
		}
	}
	if !ok {
		return r, usagef("--iterations %q: want A:B, two numbers of rounds", s)
	}
	return r, nil
}

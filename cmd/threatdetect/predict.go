package main

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"threatdetect/features"
	"threatdetect/inference"
	"threatdetect/inference/rows"
	"threatdetect/internal/decimal"
	"threatdetect/internal/logio"
	"threatdetect/model"
)

type predictFlags struct {
	model, from, to, out string
	kind, missing        string
	header, iterations   string
	indexBase            int
	sagemaker            string
}

func (a *app) predictCommand() *cobra.Command {
	var f predictFlags
	cmd := &cobra.Command{
		Use:   "predict --model MODEL [flags] [FILE]",
		Short: "Score numeric rows with a model",
		Long: "Predict prints a line for every row: values, margins (before the link), the leaf that each tree ends in, contributions to the margin\n" +
			"(one for each feature, then the bias) or interactions (a matrix of that size, row by row), separated by commas; several classes or\n" +
			"targets one after the other.\n" +
			"Without a FILE, or for -, it reads standard input. CSV rows hold no label; an empty field or nan is missing.",
		Example: "  threatdetect predict --model model.tar.gz --kind margin rows.csv",
		Args:    cobra.MaximumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			return a.predict(&f, append(args, "-")[0])
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&f.model, "model", "", "model: xgboost-model, JSON, UBJSON, a directory, or model.tar.gz")
	flags.StringVar(&f.from, "from", "csv", "format of the rows: csv, libsvm, ndjson or recordio")
	flags.StringVar(&f.to, "to", "csv", "output format: csv or ndjson")
	flags.StringVarP(&f.out, "output", "o", "", "write to this file, which appears when it is whole")
	flags.StringVar(&f.kind, "kind", "value", "what is predicted: value, margin, leaf, contrib or interaction")
	flags.StringVar(&f.missing, "missing", "nan", "value that counts as missing besides NaN: nan (none), zero, or a number")
	flags.StringVar(&f.header, "header", "auto", "whether CSV has a line of names: auto, yes or no")
	flags.StringVar(&f.iterations, "iterations", "", "use boosting rounds A to B-1 only, as A:B")
	flags.IntVar(&f.indexBase, "index-base", 0, "index of the first feature in libsvm rows: 0 or 1")
	flags.StringVar(&f.sagemaker, "sagemaker", "", "answer as the SageMaker image of this tag does, oddities included")
	return cmd
}

var (
	outputs = map[string]inference.Output{"value": inference.Value, "margin": inference.Margin, "leaf": inference.Leaf,
		"contrib": inference.Contribution, "interaction": inference.Interaction}
	headers = map[string]rows.Header{"auto": rows.HeaderAuto, "yes": rows.HeaderYes, "no": rows.HeaderNo}
)

// check refuses what is wrong and what belongs to later versions, before anything is opened.
func (f *predictFlags) check() error {
	_, header := headers[f.header]
	_, kind := outputs[f.kind]
	switch {
	case f.model == "":
		return usagef("want --model MODEL")
	case !kind:
		return usagef("--kind %q: want value, margin, leaf, contrib or interaction", f.kind)
	case f.from == "recordio":
		return laterf("--from recordio")
	case !slices.Contains([]string{"csv", "libsvm", "ndjson"}, f.from):
		return usagef("--from %q: want csv, libsvm, ndjson or recordio", f.from)
	case f.to != "csv" && f.to != "ndjson":
		return usagef("--to %q: want csv or ndjson", f.to)
	case !header:
		return usagef("--header %q: want auto, yes or no", f.header)
	case f.indexBase != 0 && f.indexBase != 1:
		return usagef("--index-base %d: want 0 or 1", f.indexBase)
	case f.iterations != "":
		return laterf("--iterations")
	case f.sagemaker != "":
		return laterf("--sagemaker")
	}
	return nil
}

func (f *predictFlags) missingValue() (*float32, error) {
	switch f.missing {
	case "nan":
		return nil, nil
	case "zero":
		return new(float32), nil
	}
	v, err := strconv.ParseFloat(f.missing, 64)
	if err != nil {
		return nil, usagef("--missing %q: want nan, zero or a number", f.missing)
	}
	if v != v {
		return nil, nil
	}
	v32 := float32(v)
	return &v32, nil
}

func (a *app) predict(f *predictFlags, file string) error {
	began := time.Now()
	a.rowsOnly = true
	if err := f.check(); err != nil {
		return err
	}
	missing, err := f.missingValue()
	if err != nil {
		return err
	}
	b, err := model.Open(f.model, nil)
	if err != nil {
		return modelError(f.model, err)
	}
	kind := outputs[f.kind]
	p, err := inference.New(b, &inference.Options{Output: kind})
	if err != nil {
		return modelError(f.model, err)
	}
	out, err := a.createOutput(f.out)
	if err != nil {
		return err
	}
	bar := a.newProgress("predicting", totalSize([]string{file}))
	raw, err := a.open(file, bar, func() { out.Flush() })
	if err != nil {
		out.discard()
		return err
	}
	defer raw.Close()
	acct := new(features.Account)
	opts := &rows.Options{NumFeature: p.NumFeature(), Names: b.FeatureNames, Missing: missing, Header: headers[f.header], IndexBase: f.indexBase}
	in := logio.NewReader(raw)
	defer in.Close()
	err = a.predictRows(p, rows.Read(in, rows.Format(f.from), opts), &predictionWriter{out: out, kind: kind, ndjson: f.to == "ndjson"}, acct)
	bar.stop()
	if _, ok := errors.AsType[*exitError](err); err != nil && !ok && !errors.Is(err, errClosedPipe) {
		err = a.rowsError(file, err)
	}
	l := &logs{app: a, file: file}
	return a.endLogs(l, out, acct, logWork{flush: func() error { return nil }}, began, err)
}

// rowsError says where in a file of rows reading ended.
func (a *app) rowsError(file string, err error) error {
	if errors.Is(err, errInterrupted) {
		return a.interrupted()
	}
	where := file
	if e, ok := errors.AsType[*rows.Error](err); ok && e.Line > 0 {
		where = fmt.Sprintf("%s:%d", file, e.Line)
		bare := *e
		bare.Line = 0
		err = &bare
	}
	return inputError(where, err)
}

// predictBatch is how many rows are scored in one call: enough for the fast kernels, few enough for a prompt answer.
const predictBatch = 1024

// predictValues bounds what these rows give, for outputs with many values.
const predictValues = 1 << 22

func (a *app) predictRows(p *inference.Predictor, in func(func([]float32, error) bool), w *predictionWriter, acct *features.Account) error {
	size := min(predictBatch, max(predictValues/max(p.NumOutput(), 1), 1))
	batch := make([]float32, 0, size*p.NumFeature())
	dst := make([]float32, size*p.NumOutput())
	n := 0
	score := func() error {
		if n == 0 {
			return nil
		}
		if err := p.PredictBatch(dst[:n*p.NumOutput()], batch); err != nil {
			return err
		}
		for i := range n {
			acct.Rows++
			if err := w.write(dst[i*p.NumOutput() : (i+1)*p.NumOutput()]); err != nil {
				return w.out.failed(err)
			}
		}
		batch, n = batch[:0], 0
		return nil
	}
	for row, err := range in {
		if a.signal.Load() != 0 {
			err = a.interrupted()
		}
		if err != nil {
			if err2 := score(); err2 != nil {
				return err2
			}
			return err
		}
		acct.Records++
		batch, n = append(batch, row...), n+1
		if n == size {
			if err := score(); err != nil {
				return err
			}
		}
	}
	return score()
}

// predictionWriter prints the outputs of one row a line.
type predictionWriter struct {
	out    *output
	kind   inference.Output
	ndjson bool
	line   []byte
}

func (w *predictionWriter) write(values []float32) error {
	line := w.line[:0]
	if w.ndjson {
		line = append(line, '[')
	}
	for i, v := range values {
		if i > 0 {
			line = append(line, ',')
		}
		switch {
		case w.kind == inference.Leaf:
			line = strconv.AppendInt(line, int64(v), 10)
		case w.ndjson && v-v != 0:
			line = append(line, "null"...)
		default:
			line = decimal.AppendFloat32(line, v)
		}
	}
	if w.ndjson {
		line = append(line, ']')
	}
	w.line = append(line, '\n')
	_, err := w.out.Write(w.line)
	return err
}

package main

import (
	"errors"
	"fmt"
	"strconv"

	"github.com/spf13/cobra"

	"threatdetect/inference"
	"threatdetect/inference/rows"
	"threatdetect/internal/decimal"
)

type predictFlags struct {
	scoreSource
	to, out string
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
	f.scoreSource.add(flags)
	flags.StringVar(&f.to, "to", "csv", "output format: csv or ndjson")
	flags.StringVarP(&f.out, "output", "o", "", "write to this file, which appears when it is whole")
	return cmd
}

var outputs = map[string]inference.Output{"value": inference.Value, "margin": inference.Margin, "leaf": inference.Leaf,
	"contrib": inference.Contribution, "interaction": inference.Interaction}

// check refuses what is wrong before anything is opened.
func (f *predictFlags) check() error {
	if f.to != "csv" && f.to != "ndjson" {
		return usagef("--to %q: want csv or ndjson", f.to)
	}
	return f.scoreSource.check()
}

func (a *app) predict(f *predictFlags, file string) error {
	a.rowsOnly = true
	if err := f.check(); err != nil {
		return err
	}
	p, b, _, err := f.openScorer()
	if err != nil {
		return err
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
	a.counted = true
	opts := f.options(b)
	w := &predictionWriter{out: out, kind: outputs[f.kind], ndjson: f.to == "ndjson", python: f.image != nil}
	err = a.predictRows(p, a.rowsOf(file, raw, rows.Format(f.from), opts), w)
	bar.stop()
	if _, ok := errors.AsType[*exitError](err); err != nil && !ok && !errors.Is(err, errClosedPipe) {
		err = a.rowsError(file, err)
	}
	l := &logs{app: a, file: file}
	return a.endLogs(l, out, logWork{flush: func() error { return nil }}, err)
}

// rowsError says where in a file of rows reading ended.
func (a *app) rowsError(file string, err error) error {
	if errors.Is(err, errInterrupted) {
		return a.interrupted()
	}
	if exit, ok := errors.AsType[*exitError](err); ok {
		return exit
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

func (a *app) predictRows(p scorer, in func(func([]float32, error) bool), w *predictionWriter) error {
	size := batchRows(p)
	batch := make([]float32, 0, size*p.NumFeature())
	dst := make([]float32, size*p.NumOutput())
	n := 0
	score := func() error {
		if n == 0 {
			return nil
		}
		if err := scoreRows(p, dst[:n*p.NumOutput()], batch, a.account.Rows == 0 && size > 1); err != nil {
			return err
		}
		for i := range n {
			a.account.Rows++
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
		a.account.Records++
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
	python bool // numbers as the SageMaker container writes them
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
		case w.python:
			line = decimal.AppendPython(line, float64(v))
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

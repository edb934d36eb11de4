package main

import (
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"threatdetect/features"
	"threatdetect/internal/decimal"
)

type featureFlags struct {
	set, contract    string
	from, to, out    string
	label            string
	noHeader         bool
	strict, showSkip bool
	state            stateFlags
	options          setFlags
}

func (a *app) featuresCommand() *cobra.Command {
	var f featureFlags
	cmd := &cobra.Command{
		Use:   "features --set SET [flags] [FILE...]",
		Short: "Write the rows of a feature set, for training",
		Long: "Features prints a row for every flow. With --label the label comes first, which is the order that SageMaker's XGBoost expects\n" +
			"of a training file (with --no-header). Missing is an empty CSV field, null, or an absent index.\n\nSets:\n" + listSets(),
		Example: "  threatdetect features --set flow-portable/1 --label label --no-header -o train.csv conn.log.labeled",
		RunE:    func(_ *cobra.Command, args []string) error { return a.features(&f, args) },
	}
	flags := cmd.Flags()
	flags.StringVar(&f.set, "set", "", "feature set, such as flow-portable/1")
	flags.StringVar(&f.contract, "contract", "", "take set, vocabularies and scales from this contract instead of fitting them to the input")
	a.addLogFlags(flags, &f.from, &f.out, &f.strict, &f.showSkip)
	flags.StringVar(&f.to, "to", "csv", "output format: csv, libsvm or ndjson")
	flags.StringVar(&f.label, "label", "", "column of the log that holds the label: of one named label 0 for benign, 1 for attack and nothing where nobody judged; of any other its text")
	f.state.add(flags)
	f.options.add(flags)
	flags.BoolVar(&f.noHeader, "no-header", false, "no line of column names (CSV)")
	return cmd
}

func listSets() string {
	var b strings.Builder
	for _, s := range features.Sets() {
		b.WriteString("  " + s.Name + "  " + s.Doc + "\n")
	}
	return b.String()
}

func (a *app) features(f *featureFlags, files []string) error {
	if !slices.Contains([]string{"csv", "libsvm", "ndjson"}, f.to) {
		return usagef("--to %q: want csv, libsvm or ndjson", f.to)
	}
	a.noVerdicts = true
	set, contract, err := f.recipe()
	if err != nil {
		return err
	}
	if err := f.state.check(set); err != nil {
		return err
	}
	if contract == nil && set.NeedsFit {
		kept, remove, err := a.keepStdin(files)
		if err != nil {
			return err
		}
		defer remove()
		if contract, err = a.fit(f, set, kept); err != nil {
			return err
		}
		files = kept
	}
	var pipeline *features.Pipeline
	if contract != nil {
		pipeline, err = contract.Pipeline()
	} else {
		pipeline, err = features.NewPipeline(set)
	}
	if err != nil {
		return modelError(f.contract, err)
	}
	return a.readLogs(f.from, f.label, set, files, f.out, f.strict, f.showSkip, func(l *logs, out *output) (logWork, error) {
		w := newRowWriter(out, f.to, pipeline.Schema().Names(), f.label)
		if f.to == "csv" && !f.noHeader {
			w.header()
		}
		options := f.state.options(a, set)
		x := pipeline.ExtractorWith(options)
		if err := f.state.restore(a, func(r io.Reader) (err error) { x, err = pipeline.Restore(r, options); return err }); err != nil {
			return logWork{}, err
		}
		due := func() error {
			for row, ok := x.Next(); ok; row, ok = x.Next() {
				a.account.Rows++
				if err := w.write(row.Values, row.Flow); err != nil {
					return err
				}
			}
			return nil
		}
		return logWork{
			flow: func(flow *features.Flow) error {
				if err := x.Push(flow); err != nil {
					return inputError(l.file, err)
				}
				return due()
			},
			rest: func() error {
				if f.state.finishes() {
					x.Finish()
				}
				return due()
			},
			save: func() error {
				a.stats = x.Stats()
				return f.state.save(x.Save)
			},
			flush: func() error { return nil },
		}, nil
	})
}

// recipe returns the set that the flags name, and the contract if they name one.
func (f *featureFlags) recipe() (*features.Set, *features.Contract, error) {
	if f.contract == "" {
		if f.set == "" {
			return nil, nil, usagef("want --set SET; there are\n%s", listSets())
		}
		set, err := features.LookupSet(f.set)
		if err != nil {
			return nil, nil, usagef("--set: %w", err)
		}
		set, err = f.options.apply(set)
		return set, nil, err
	}
	if err := f.options.besideContract(); err != nil {
		return nil, nil, err
	}
	text, err := os.ReadFile(f.contract)
	if err != nil {
		return nil, nil, modelError(f.contract, err)
	}
	c, err := features.ParseContract(text)
	if err != nil {
		return nil, nil, modelError(f.contract, err)
	}
	set, err := features.LookupSet(c.Set)
	if err != nil {
		return nil, nil, modelError(f.contract, err)
	}
	if f.set != "" && f.set != c.Set {
		return nil, nil, usagef("--set %s: the contract is for %s", f.set, c.Set)
	}
	return set, c, nil
}

// fit takes vocabularies and scales from the whole input, which is read once more for that.
func (a *app) fit(f *featureFlags, set *features.Set, files []string) (*features.Contract, error) {
	l, err := a.openLogs(f.from, "", set, files)
	if err != nil {
		return nil, err
	}
	acct := new(features.Account)
	l.passed = new(skips)
	l.bar = a.newProgress("fitting", 0)
	defer l.bar.stop()
	// A file that breaks off is used up to there, now and when its rows are written, which then ends with the error.
	usable := func(yield func(*features.Flow, error) bool) {
		for flow, err := range l.flows() {
			if exit, ok := errors.AsType[*exitError](acct.Add(flow, err)); ok && exit.code == exitFailure {
				return
			}
			if !yield(flow, err) {
				return
			}
		}
	}
	c, err := features.Fit(set, iter.Seq2[*features.Flow, error](usable), time.Unix(0, 0))
	l.passed.to(acct)
	if err == nil {
		return c, nil
	}
	exit, ok := errors.AsType[*exitError](err)
	if !ok {
		exit = &exitError{code: exitInput, what: "fit " + set.Name, err: err}
	}
	a.account, a.counted = *acct, true
	return nil, exit
}

// keepStdin copies standard input to a temporary file, where files name it, so that it can be read more than once.
func (a *app) keepStdin(files []string) (kept []string, remove func(), err error) {
	remove = func() {}
	if len(files) == 0 {
		files = []string{"-"}
	}
	at := slices.Index(files, "-")
	if at < 0 {
		return files, remove, nil
	}
	spool, err := os.CreateTemp("", "threatdetect-*.log")
	if err != nil {
		return nil, nil, &exitError{code: exitFailure, what: "keep standard input", err: err}
	}
	remove = func() { os.Remove(spool.Name()) }
	_, err = io.Copy(spool, newPatientReader(a.stdin, a.interrupt, nil))
	if err2 := spool.Close(); err == nil {
		err = err2
	}
	if err != nil {
		remove()
		if errors.Is(err, errInterrupted) {
			return nil, nil, a.interrupted()
		}
		return nil, nil, &exitError{code: exitFailure, what: "keep standard input", where: spool.Name(), err: err}
	}
	kept = slices.Clone(files)
	kept[at] = spool.Name()
	a.named = map[string]string{spool.Name(): "-"}
	return kept, remove, nil
}

// rowWriter prints rows of features.
type rowWriter struct {
	out   io.Writer
	to    string
	names []string // of the columns, as JSON strings for ndjson
	label string
	line  []byte
}

func newRowWriter(out io.Writer, to string, names []string, label string) *rowWriter {
	w := &rowWriter{out: out, to: to, names: names, label: label}
	if to == "ndjson" {
		w.names = make([]string, len(names))
		for i, name := range names {
			w.names[i] = jsonString(name)
		}
	}
	return w
}

func (w *rowWriter) header() {
	line := w.line[:0]
	if w.label != "" {
		line = append(appendCSV(line, w.label), ',')
	}
	for i, name := range w.names {
		if i > 0 {
			line = append(line, ',')
		}
		line = appendCSV(line, name)
	}
	w.line = append(line, '\n')
	w.out.Write(w.line) // bufio keeps the error for the next write
}

func (w *rowWriter) write(row []float32, f *features.Flow) error {
	line := w.line[:0]
	switch w.to {
	case "csv":
		if w.label != "" {
			line = append(appendCSV(line, w.labelText(f)), ',')
		}
		for i, v := range row {
			if i > 0 {
				line = append(line, ',')
			}
			if v == v {
				line = decimal.AppendFloat32(line, v)
			}
		}
	case "libsvm":
		if w.label != "" {
			if text := w.labelText(f); text != "" {
				if _, err := strconv.ParseFloat(text, 64); err != nil {
					return &exitError{code: exitInput, what: "write libsvm", where: "column " + w.label, err: fmt.Errorf("%q is no number, which a label has to be", text)}
				}
				line = append(line, text...)
			} else {
				line = append(line, "nan"...) // without it the first feature would be read as the label
			}
		}
		for i, v := range row {
			if v == v {
				if len(line) > 0 {
					line = append(line, ' ')
				}
				line = append(strconv.AppendInt(line, int64(i), 10), ':')
				line = decimal.AppendFloat32(line, v)
			}
		}
	case "ndjson":
		line = append(line, '{')
		if w.label != "" {
			line = append(append(line, jsonString(w.label)...), ':')
			line = append(appendJSONLabel(line, w.labelText(f)), ',')
		}
		for i, v := range row {
			if i > 0 {
				line = append(line, ',')
			}
			line = append(append(line, w.names[i]...), ':')
			if v == v {
				line = decimal.AppendFloat32(line, v)
			} else {
				line = append(line, "null"...)
			}
		}
		line = append(line, '}')
	}
	w.line = append(line, '\n')
	_, err := w.out.Write(w.line)
	return err
}

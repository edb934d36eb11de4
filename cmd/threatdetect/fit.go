package main

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"threatdetect/features"
	"threatdetect/features/dataset"
)

type fitFlags struct {
	set, from, label string
	split, shares    string
	classes          string
	seed             uint64
	out, to          string
	strict, showSkip bool
	options          setFlags

	place func(name string) string // where in out a file goes; nil: there
	done  func(*dataset.Report)    // is told what was made
	parts int                      // how many files the training and the validation part have; 0 is one
}

func (a *app) fitCommand() *cobra.Command {
	var f fitFlags
	cmd := &cobra.Command{
		Use:   "fit --set SET --label COLUMN|FILE --out DIR [flags] FILE...",
		Short: "Make training data and a contract of labelled logs, and say what is wrong with the data",
		Long: "Fit writes into DIR: contract.json, train, validation and test files in SageMaker's shape (label first, no header), and a report\n" +
			"as report.json and report.txt. Vocabularies and scales are learned of the training part alone.\n\n" +
			"--label is a column of the log, or a file: with a header uid,label (or row,label; a column kind names attacks), or of one\n" +
			"column, a label for each record in order. A label is 0, benign, normal; 1, attack, malicious; or unknown: such flows are\n" +
			"counted and left out.\n\n" +
			"The report lists columns that give the label away, columns without meaning, and rows that are in several parts.\n\nSets:\n" + listSets(),
		Example: "  threatdetect fit --set flow-portable/1 --label label --out data conn.log.labeled\n" +
			"  threatdetect fit --set flow-portable/1 --label truth.csv --split host --out data conn.*.log.gz",
		RunE: func(_ *cobra.Command, args []string) error { return a.makeDataset(&f, args) },
	}
	flags := cmd.Flags()
	flags.StringVar(&f.set, "set", "", "feature set, such as flow-portable/1")
	flags.StringVar(&f.label, "label", "", "column of the log that holds the label, or a file of labels")
	flags.StringVar(&f.classes, "classes", "two", "what the labels tell apart: two (0 benign, 1 attack), or kinds (0 benign, 1 and up the kinds of attack, named in contract and report)")
	flags.StringVar(&f.split, "split", "auto", "how the parts are told apart: time, host, group (equal rows stay together), random; auto is time, or group where flows have no time")
	flags.StringVar(&f.shares, "shares", "70,10,20", "shares of training, validation and test, in per cent")
	flags.Uint64Var(&f.seed, "seed", 0, "seed of the splits by host, by group and at random")
	flags.StringVar(&f.out, "out", "", "folder for the files")
	flags.StringVar(&f.to, "to", "csv", "form of the training files: csv or libsvm")
	f.options.add(flags)
	a.addReadFlags(flags, &f.from, &f.strict, &f.showSkip)
	return cmd
}

// check reads the flags.
func (f *fitFlags) check() (*features.Set, dataset.Shares, error) {
	var shares dataset.Shares
	switch {
	case f.set == "":
		return nil, shares, usagef("want --set SET; there are\n%s", listSets())
	case f.label == "":
		return nil, shares, usagef("want --label COLUMN|FILE")
	case f.out == "":
		return nil, shares, usagef("want --out DIR")
	case f.to != string(dataset.CSV) && f.to != string(dataset.Libsvm):
		return nil, shares, usagef("--to %q: want csv or libsvm", f.to)
	case f.classes != "" && f.classes != "two" && f.classes != "kinds":
		return nil, shares, usagef("--classes %q: want two or kinds", f.classes)
	case !slices.Contains([]dataset.By{dataset.Auto, dataset.Time, dataset.Host, dataset.Group, dataset.Random}, dataset.By(f.split)):
		return nil, shares, usagef("--split %q: want time, host, group, random or auto", f.split)
	}
	parts := strings.Split(f.shares, ",")
	for i, text := range parts {
		v, err := strconv.ParseFloat(strings.TrimSpace(text), 64)
		if err != nil || i >= len(shares) {
			return nil, shares, usagef("--shares %q: want three numbers, such as 70,10,20", f.shares)
		}
		shares[i] = v / 100
	}
	if err := shares.Check(); err != nil || len(parts) != len(shares) {
		return nil, shares, usagef("--shares %q: want three numbers that add up to 100, the first above 0", f.shares)
	}
	set, err := features.LookupSet(f.set)
	if err != nil {
		return nil, shares, usagef("--set: %w", err)
	}
	set, err = f.options.apply(set)
	return set, shares, err
}

func (a *app) makeDataset(f *fitFlags, files []string) error {
	set, shares, err := f.check()
	if err != nil {
		return err
	}
	labels, column, err := a.readLabels(f.label)
	if err != nil {
		return err
	}
	files, remove, err := a.keepStdin(files)
	if err != nil {
		return err
	}
	defer remove()
	l, err := a.openLogs(f.from, column, set, files)
	if err != nil {
		return err
	}
	a.noVerdicts, a.unlabelled = true, new(int64)
	w, err := a.newDatasetWriter(f, shares)
	if err != nil {
		return err
	}
	defer w.folder.discard()
	pass := func(p dataset.Pass) iter.Seq2[*features.Flow, error] { return a.datasetPass(l, p, f) }
	opts := &dataset.Options{Set: set, By: dataset.By(f.split), Shares: shares, Seed: f.seed, Labels: labels, Created: time.Now(), Kinds: f.classes == "kinds"}
	contract, report, err := dataset.Make(pass, opts, func(r *dataset.Row) error {
		a.account.Rows++
		return w.row(r, l.file)
	})
	l.bar.stop()
	if a.account.Unreadable() {
		err = l.unreadable()
	}
	if err != nil {
		return datasetError(f, l, err)
	}
	*a.unlabelled = report.Unlabelled
	if err := a.describe(contract, report, files, w.trained); err != nil {
		return err
	}
	if err := w.finish(contract, report); err != nil {
		return err
	}
	if f.done != nil {
		f.done(report)
	}
	if !a.quiet {
		if err := report.WriteText(a.stdout); err != nil {
			return err
		}
	}
	if a.account.Lost() > 0 {
		a.code = exitSkipped
	}
	return nil
}

// readLabels reads the file that --label names, if it names one; otherwise it is a column.
func (a *app) readLabels(label string) (labels *dataset.Labels, column string, err error) {
	info, err := os.Stat(label)
	if err != nil || !info.Mode().IsRegular() {
		if strings.ContainsRune(label, os.PathSeparator) {
			if err == nil {
				err = errors.New("no regular file")
			}
			return nil, "", inputError(label, err)
		}
		return nil, label, nil
	}
	r, err := a.open(label, nil, nil)
	if err != nil {
		return nil, "", err
	}
	defer r.Close()
	if labels, err = dataset.ReadLabels(r); err != nil {
		return nil, "", datasetInput(label, err)
	}
	return labels, "", nil
}

// datasetPass reads the logs once more. Every pass counts the same records, so that the account is that of the last.
func (a *app) datasetPass(l *logs, pass dataset.Pass, f *fitFlags) iter.Seq2[*features.Flow, error] {
	return func(yield func(*features.Flow, error) bool) {
		l.bar.stop()
		l.bar = a.newProgress(pass.String(), totalSize(l.files))
		a.account, a.counted = features.Account{}, true
		for flow, err := range l.flows() {
			if end := a.account.Add(flow, err); end != nil {
				yield(nil, end)
				return
			}
			if err != nil {
				if end := a.skipped(l, err, f.strict, f.showSkip && pass == dataset.Writing); end != nil {
					yield(nil, end)
					return
				}
			}
			if !yield(flow, err) {
				return
			}
		}
	}
}

// datasetError is the end of a fit.
func datasetError(f *fitFlags, l *logs, err error) error {
	where := l.file
	if errors.Is(err, dataset.ErrLabels) {
		where = f.label
	}
	if len(l.files) > 1 && errors.Is(err, dataset.ErrSplit) {
		where = fmt.Sprintf("%d files", len(l.files))
	}
	return datasetInput(where, err)
}

func datasetInput(where string, err error) error {
	if exit, ok := errors.AsType[*exitError](err); ok {
		return exit
	}
	e := &exitError{code: exitInput, what: "read input", where: where, err: err}
	if !errors.Is(err, dataset.ErrLabels) && !errors.Is(err, dataset.ErrSplit) {
		return inputError(where, err)
	}
	return e
}

// describe puts into the contract what it was fitted to.
func (a *app) describe(c *features.Contract, r *dataset.Report, files []string, trained map[string]int64) error {
	train := &r.Parts[dataset.Train]
	c.Training.Rows, c.Training.From, c.Training.To, c.Training.Split = train.Rows, train.From, train.To, r.SplitWords
	for _, name := range files {
		shown := cmp.Or(a.named[name], name)
		file := features.TrainingFile{Name: filepath.Base(shown), Rows: trained[shown]}
		info, err := os.Stat(name)
		if err == nil && info.Mode().IsRegular() {
			if file.SHA256, err = fileDigest(name); err != nil {
				return inputError(shown, err)
			}
		}
		c.Training.Files = append(c.Training.Files, file)
	}
	return nil
}

func fileDigest(name string) (string, error) {
	f, err := os.Open(name)
	if err != nil {
		return "", err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

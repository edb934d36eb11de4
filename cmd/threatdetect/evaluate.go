package main

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"threatdetect/features/dataset"
	"threatdetect/inference/detect"
	"threatdetect/inference/evaluate"
	"threatdetect/inference/evaluate/page"
	"threatdetect/inference/rows"
	"threatdetect/internal/logio"
	"threatdetect/model"
)

type evaluateFlags struct {
	bundle           scoreFlags // and how its model is loaded
	compare          string
	label            string
	reference, train []string
	split, part      string
	jsonFile, html   string
	perDay, days     float64
	prevalence       float64
	calibrate        string
	title            string
}

func (a *app) evaluateCommand() *cobra.Command {
	var f evaluateFlags
	cmd := &cobra.Command{
		Use:   "evaluate --bundle BUNDLE --label COLUMN|FILE [flags] FILE...",
		Short: "Measure what a model is worth on labelled logs",
		Long: "Evaluate scores labelled logs and prints what the scores are worth: areas under the curves with intervals, recall at low false\n" +
			"positive rates and of each kind of attack, what a model of several classes calls them, the threshold for a budget of alerts, baselines (majority, best column, logistic\n" +
			"regression, the unscaled model of the project's origin where the log is UNSW-NB15), and what the model looks at.\n" +
			"--html writes the same with plots, as one file that needs no network; --json for programs.\n\n" +
			"--label is a column of the log or a file of labels, as in fit. Of the logs that fit split, --split DIR --part test takes\n" +
			"only the flows that are in the test part.\n\n" +
			"--calibrate OUT fits a calibration to the flows, which should be later ones than those of the training: isotonic regression from 1,000\n" +
			"attacks on, else Platt's function. It writes the bundle with the calibration in its contract, says how good the probabilities are on\n" +
			"the later half of the attacks if only the earlier half is used, and with --prevalence makes them those of a network where attacks have that share.\n" +
			"Verdicts of such a bundle have a probability; scores, the threshold and what is a threat stay what they are.",
		Example: "  threatdetect evaluate --bundle model.tar.gz --label label --html report.html conn.log.labeled\n" +
			"  threatdetect evaluate --bundle model.tar.gz --calibrate calibrated.tar.gz --prevalence 0.001 --label label later.log.labeled\n" +
			"  threatdetect evaluate --bundle new.tar.gz --compare old.tar.gz --label label --split data --part test conn.log.labeled",
		RunE: func(_ *cobra.Command, args []string) error { return a.evaluate(&f, args) },
	}
	flags := cmd.Flags()
	flags.StringVar(&f.bundle.bundle, "bundle", "", "model.tar.gz with a contract inside")
	flags.StringVar(&f.bundle.model, "model", "", "model file of any kind, together with --contract")
	flags.StringVar(&f.bundle.contract, "contract", "", "contract file for --model")
	f.bundle.trust.add(flags)
	flags.StringVar(&f.bundle.threshold, "threshold", "", "score from which on a flow is a threat, instead of the contract's")
	flags.StringVar(&f.label, "label", "", "column of the log that holds the label, or a file of labels")
	flags.StringVar(&f.compare, "compare", "", "another bundle, which is measured on the same flows; one of set seed/1 is the baseline \"unscaled seed model\"")
	flags.StringArrayVar(&f.reference, "reference", nil, "log that the flows are compared with column by column (drift), such as that of the training; may be given again")
	flags.StringArrayVar(&f.train, "train", nil, "training file that fit wrote (CSV): flows with a row that is in it are told apart; may be given again")
	flags.StringVar(&f.split, "split", "", "folder of fit, or its report.json: take only the flows of --part")
	flags.StringVar(&f.part, "part", "test", "part of --split: train, validation or test")
	flags.StringVar(&f.jsonFile, "json", "", "write the report as JSON to this file (- for standard output, instead of the text)")
	flags.StringVar(&f.html, "html", "", "write the report as one HTML file (- for standard output, instead of the text)")
	flags.Float64Var(&f.perDay, "alerts-per-day", 20, "false alarms that people can read a day; a threshold is found that keeps to it")
	flags.Float64Var(&f.days, "days", 0, "how many days the logs are, where they do not say so")
	flags.Float64Var(&f.prevalence, "prevalence", 0, "share of attacks that is expected where the model will work, for the precision and the probabilities of a calibration there")
	flags.StringVar(&f.calibrate, "calibrate", "", "fit a calibration to the flows, and write the bundle with it to this file")
	flags.StringVar(&f.title, "title", "", "title of the report")
	a.addReadFlags(flags, &f.bundle.from, &f.bundle.strict, &f.bundle.showSkip)
	return cmd
}

func (f *evaluateFlags) check() error {
	_, part := dataset.ParsePart(f.part)
	switch {
	case f.label == "":
		return usagef("want --label COLUMN|FILE")
	case !(f.perDay > 0 && f.perDay < 1e12):
		return usagef("--alerts-per-day %v: want a number above 0", f.perDay)
	case !(f.days >= 0 && f.days < 1e9):
		return usagef("--days %v: want a number of 0 or more", f.days)
	case !(f.prevalence >= 0 && f.prevalence < 1):
		return usagef("--prevalence %v: want a share from 0 to 1", f.prevalence)
	case f.calibrate == "-":
		return usagef("--calibrate -: want the name of a file; standard output has the report")
	case f.jsonFile == "-" && f.html == "-":
		return usagef("--json and --html cannot both be on standard output")
	case !part:
		return usagef("--part %q: want train, validation or test", f.part)
	}
	return nil
}

// candidate is a model that is evaluated: its run over the flows, and what came of it.
type candidate struct {
	name     string
	detector *detect.Detector
	sample   evaluate.Sample
}

func (a *app) evaluate(f *evaluateFlags, files []string) error {
	if err := f.check(); err != nil {
		return err
	}
	candidates, unexplained, err := f.candidates()
	if err != nil {
		return err
	}
	first := candidates[0]
	labels, column, err := a.readLabels(f.label)
	if err != nil {
		return err
	}
	plan, err := readPlan(f.split)
	if err != nil {
		return err
	}
	for _, name := range f.train {
		if err := a.excludeTraining(name, first); err != nil {
			return err
		}
	}
	files, remove, err := a.keepStdin(files)
	if err != nil {
		return err
	}
	defer remove()
	run := &evaluation{app: a, flags: f, labels: labels, column: column, plan: plan}
	run.part, _ = dataset.ParsePart(f.part)
	if err := run.checkPlan(first); err != nil {
		return err
	}
	a.unlabelled, a.counted = new(int64), true
	l, err := run.judge(first, files)
	if err != nil {
		return err
	}
	report, err := evaluate.New(&first.sample, &evaluate.Options{Threshold: first.detector.Threshold(), AlertsPerDay: f.perDay, Days: f.days,
		Prevalence: f.prevalence, Columns: first.detector.Columns(), Classes: first.detector.Classes(),
		Calibrate: f.calibrate != "", Calibration: first.detector.Contract().Output.Calibration, Objective: first.detector.Objective()})
	if err != nil {
		return misfit(l.file, "%w", err)
	}
	report.Created, report.Title = time.Now().UTC().Format(time.RFC3339), f.title
	report.Model = first.describe()
	if run.other != "" {
		report.Notes = append(report.Notes, fmt.Sprintf("Flows with a label such as %q, which says neither benign nor attack, count as flows without one.", run.other))
	}
	if f.calibrate != "" {
		report.Notes = append(report.Notes, periodNote(first.detector.Contract(), report)...)
	}
	for _, name := range l.files {
		report.Data.Files = append(report.Data.Files, baseName(cmp.Or(a.named[name], name)))
	}
	if unexplained != nil {
		report.Notes = append(report.Notes, "The model cannot say what it looks at: "+unexplained.Error()+".")
	} else if err := report.Explain(&first.sample, first.detector.Columns(), first.detector.Contributions); err != nil {
		return modelError(first.name, err)
	}
	if len(f.reference) > 0 {
		if err := run.drift(report, first); err != nil {
			return err
		}
	}
	if len(candidates) > 1 {
		other := candidates[1]
		if _, err := run.judge(other, files); err != nil {
			return err
		}
		if err := report.CompareWith(&other.sample, &first.sample, other.detector.Threshold()); err != nil {
			return misfit(l.file, "%w", err)
		}
		report.CompareModel(other.describe())
	}
	if err := a.writeEvaluation(f, report); err != nil || f.calibrate == "" {
		return err
	}
	return a.writeCalibrated(f, first.detector, report)
}

func (c *candidate) describe() evaluate.Model {
	contract := c.detector.Contract()
	return evaluate.Model{Name: baseName(c.name), Digest: c.detector.Model(), Set: c.detector.Set(), Objective: contract.Output.Objective, Split: contract.Training.Split}
}

// candidates loads the models. unexplained is why the first one cannot be explained.
func (f *evaluateFlags) candidates() (list []*candidate, unexplained error, err error) {
	f.bundle.contributions = true
	d, err := f.bundle.detector()
	if errors.Is(err, model.ErrUnsupported) {
		unexplained = err
		f.bundle.contributions = false
		d, err = f.bundle.detector()
	}
	if err != nil {
		return nil, nil, err
	}
	name := f.bundle.bundle + f.bundle.model
	list = []*candidate{{name: name, detector: d}}
	if f.compare != "" {
		other := f.bundle
		other.bundle, other.model, other.contract, other.threshold, other.contributions = f.compare, "", "", "", false
		if d, err = other.detector(); err != nil {
			return nil, nil, err
		}
		list = append(list, &candidate{name: f.compare, detector: d})
	}
	return list, unexplained, nil
}

// readPlan reads the split that fit wrote into its report.
func readPlan(name string) (*split, error) {
	if name == "" {
		return nil, nil
	}
	if info, err := os.Stat(name); err == nil && info.IsDir() {
		name = filepath.Join(name, "report.json")
	}
	text, err := os.ReadFile(name)
	if err != nil {
		return nil, inputError(name, err)
	}
	var report split
	if err := json.Unmarshal(text, &report); err != nil {
		return nil, misfit(name, "no report of fit: %w", err)
	}
	if report.Split == nil || report.Split.Shares.Check() != nil {
		return nil, misfit(name, "no report of fit: it holds no split")
	}
	return &report, nil
}

// split is what a report of fit says of its parts.
type split struct {
	Set   string        `json:"set"`
	Split *dataset.Plan `json:"split"`
}

// excludeTraining reads a training file: label first, no header.
func (a *app) excludeTraining(name string, c *candidate) error {
	raw, err := a.open(name, nil, nil)
	if err != nil {
		return err
	}
	defer raw.Close()
	in := logio.NewReader(raw)
	defer in.Close()
	columns := len(c.detector.Columns())
	for row, err := range rows.Read(in, rows.CSV, &rows.Options{NumFeature: columns + 1, Header: rows.HeaderNo}) {
		if err != nil {
			return inputError(name, fmt.Errorf("no training file of set %s, which has the label and %d columns, without a header: %w", c.detector.Set(), columns, err))
		}
		c.sample.Exclude(row[1:])
	}
	return nil
}

// writeEvaluation writes the report in all the forms that were asked for.
func (a *app) writeEvaluation(f *evaluateFlags, r *evaluate.Report) error {
	if f.jsonFile != "" {
		text, err := json.Marshal(r)
		if err != nil {
			return &exitError{code: exitFailure, what: "write report", where: f.jsonFile, err: err}
		}
		if err := a.writeWhole(f.jsonFile, append(text, '\n')); err != nil {
			return err
		}
	}
	if f.html != "" {
		var text bytes.Buffer
		if err := page.Write(&text, r); err != nil {
			return &exitError{code: exitFailure, what: "write report", where: f.html, err: err}
		}
		if err := a.writeWhole(f.html, text.Bytes()); err != nil {
			return err
		}
	}
	if f.jsonFile != "-" && f.html != "-" {
		var text strings.Builder
		if err := r.WriteText(&text); err != nil {
			return err
		}
		if err := a.writeWhole("-", []byte(text.String())); err != nil {
			return err
		}
	}
	if a.account.Lost() > 0 {
		a.code = exitSkipped
	}
	return nil
}

// writeWhole writes a file that appears when it is whole; - is standard output.
func (a *app) writeWhole(name string, text []byte) error {
	out, err := a.createOutput(name)
	if err != nil {
		return err
	}
	if _, err := out.Write(text); err != nil {
		out.discard()
		return out.failed(err)
	}
	return out.commit()
}

// baseName is the name of a file without its folder; of standard input it is that.
func baseName(name string) string {
	if name == "-" {
		return "standard input"
	}
	return filepath.Base(name)
}

package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"threatdetect/features/dataset"
)

type prepareFlags struct {
	fit             fitFlags
	in              string
	match           string
	marker, trigger string
	only            bool
}

func (a *app) prepareCommand() *cobra.Command {
	var f prepareFlags
	cmd := &cobra.Command{
		Use:   "prepare --set SET --label COLUMN|FILE [--in DIR] [--out DIR] [flags]",
		Short: "Make training data of all logs below a folder, as the first step of a pipeline",
		Long: "Prepare is fit for folders, with the layout of a SageMaker processing job: what lies below --in is read, and each output has a folder of\n" +
			"its own below --out: train, validation, test, contract, report. Hidden files are passed over.\n\n" +
			"With --marker a folder counts as complete when a file of that name lies in it, and logs outside of complete folders are left for the\n" +
			"next time. --trigger KEY is the key of the marker that started the pipeline: that folder has to be there, or the data that was announced\n" +
			"would go unread.\n\n" +
			"In a processing job the last words go to /opt/ml/output/message, where the service looks for them.",
		Example: "  threatdetect prepare --set flow-portable/1 --label label --in logs --out data\n" +
			"  threatdetect prepare --set flow-portable/1 --label label --marker _SUCCESS --trigger=raw/2026-01-02/_SUCCESS",
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			said, err := a.prepare(&f)
			if err != nil {
				said = "threatdetect prepare: " + err.Error()
			}
			return errors.Join(err, leaveMessage(f.root(), said))
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&f.in, "in", "/opt/ml/processing/in", "folder whose logs are read, those in the folders below it too")
	flags.StringVar(&f.fit.out, "out", "/opt/ml/processing/out", "folder for the outputs")
	flags.StringVar(&f.match, "match", "*", "only files whose names are like this: 'conn*.log*'")
	flags.StringVar(&f.marker, "marker", "", "name of the file that makes a folder complete, such as _SUCCESS; without one all logs are read")
	flags.StringVar(&f.trigger, "trigger", "", "key of the marker that started this, whose folder has to be there; nothing if empty")
	flags.BoolVar(&f.only, "only-trigger", false, "read that folder alone, and not all complete ones")
	flags.StringVar(&f.fit.set, "set", "", "feature set, such as flow-portable/1")
	flags.StringVar(&f.fit.label, "label", "", "column of the logs that holds the label, or a file of labels")
	flags.StringVar(&f.fit.split, "split", "auto", "how the parts are told apart: time, host, group, random or auto (see fit)")
	flags.StringVar(&f.fit.shares, "shares", "70,10,20", "shares of training, validation and test, in per cent")
	flags.Uint64Var(&f.fit.seed, "seed", 0, "seed of the splits by host, by group and at random")
	flags.StringVar(&f.fit.to, "to", "csv", "form of the training files: csv or libsvm")
	flags.IntVar(&f.fit.parts, "parts", 1, "how many files the training and the validation part each have: one or more for each instance that trains")
	f.fit.options.add(flags)
	a.addReadFlags(flags, &f.fit.from, &f.fit.strict, &f.fit.showSkip)
	return cmd
}

// prepare returns what the run has to say in one line.
func (a *app) prepare(f *prepareFlags) (said string, err error) {
	switch _, bad := path.Match(f.match, ""); {
	case bad != nil:
		return "", usagef("--match %q: %w", f.match, bad)
	case f.fit.parts < 1 || f.fit.parts > 999:
		return "", usagef("--parts %d: want 1 to 999", f.fit.parts)
	case f.trigger != "" && f.marker == "":
		return "", usagef("--trigger wants --marker NAME")
	case f.only && f.trigger == "":
		return "", usagef("--only-trigger wants --trigger KEY")
	}
	if _, _, err := f.fit.check(); err != nil {
		return "", err
	}
	if err := f.alone(); err != nil {
		return "", err
	}
	found, err := f.find()
	if err != nil {
		return "", err
	}
	for _, folder := range found.incomplete {
		a.printf("left for the next time, no %s in it: %s\n", f.marker, folder)
	}
	f.fit.place = func(name string) string {
		part, _, _ := strings.Cut(strings.TrimSuffix(name, filepath.Ext(name)), "-")
		return filepath.Join(part, name)
	}
	f.fit.done = func(r *dataset.Report) {
		said = fmt.Sprintf("%d files, %d flows", len(found.logs), a.account.Flows)
		for _, p := range r.Parts {
			said += fmt.Sprintf(", %s %d rows (%d attacks)", p.Part, p.Rows, p.Attacks)
		}
		if lost := a.account.Lost(); lost > 0 {
			said += fmt.Sprintf("; %d records skipped for a fault", lost)
		}
	}
	err = a.makeDataset(&f.fit, found.logs)
	if err == nil && a.code == exitSkipped && f.root() != "" {
		// A job that ends with another code than 0 has failed, and records that a sensor damaged must not stop a pipeline: the message and
		// the report say how many there were, and --strict makes the first one the end.
		a.code = 0
	}
	return said, err
}

// found are the logs of a folder.
type found struct {
	logs       []string // in the order of their paths
	incomplete []string // folders that have logs and no marker
}

func (f *prepareFlags) find() (*found, error) {
	in, err := filepath.EvalSymlinks(f.in)
	if err != nil {
		return nil, inputError(f.in, err)
	}
	logs := map[string][]string{} // by folder, relative to in
	var folders []string
	complete := map[string]bool{}
	err = filepath.WalkDir(in, func(name string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if name == in {
			if !e.IsDir() {
				return errors.New("want a folder")
			}
			return nil
		}
		rel, err := filepath.Rel(in, name)
		if err != nil {
			return err
		}
		folder := filepath.ToSlash(filepath.Dir(rel))
		like, _ := path.Match(f.match, e.Name())
		switch {
		case strings.HasPrefix(e.Name(), "."):
			if e.IsDir() {
				return filepath.SkipDir
			}
		case e.IsDir():
		case f.marker != "" && e.Name() == f.marker:
			complete[folder] = true
		case like:
			if len(logs[folder]) == 0 {
				folders = append(folders, folder)
			}
			logs[folder] = append(logs[folder], filepath.Join(f.in, rel))
		}
		return nil
	})
	if err != nil {
		return nil, inputError(f.in, err)
	}
	started, err := f.started(complete)
	if err != nil {
		return nil, err
	}
	out := &found{}
	for _, folder := range folders {
		switch {
		case f.marker != "" && !complete[folder]:
			out.incomplete = append(out.incomplete, folder)
		case !f.only || folder == started:
			out.logs = append(out.logs, logs[folder]...)
		}
	}
	slices.Sort(out.logs)
	if len(out.logs) == 0 {
		return nil, misfit(f.in, "no logs like %q in it%s", f.match, map[bool]string{true: ", in a folder with " + f.marker}[f.marker != ""])
	}
	return out, nil
}

// started is the complete folder whose marker has the key of --trigger: what the job was given is the end of the keys.
func (f *prepareFlags) started(complete map[string]bool) (string, error) {
	if f.trigger == "" {
		return "", nil
	}
	key, best := "/"+f.trigger, ""
	for folder := range complete {
		if marker := path.Join("/", folder, f.marker); strings.HasSuffix(key, marker) && len(folder) > len(best) {
			best = folder
		}
	}
	if best == "" {
		return "", misfit(f.in, "the marker %s is not in it: the data that started this run is not among its input", f.trigger)
	}
	return best, nil
}

// root is the folder in whose processing/ the output goes, which is /opt/ml in a processing job; empty elsewhere.
func (f *prepareFlags) root() string {
	root, _, ok := strings.Cut(filepath.ToSlash(f.fit.out), "/processing/")
	if !ok {
		return ""
	}
	if _, err := os.Stat(filepath.Join(root, "config", "resourceconfig.json")); err != nil {
		return ""
	}
	return root
}

// alone refuses to be one of several instances, each of which would make parts of its own of the same flows.
func (f *prepareFlags) alone() error {
	root := f.root()
	if root == "" {
		return nil
	}
	name := filepath.Join(root, "config", "resourceconfig.json")
	text, err := os.ReadFile(name)
	if err != nil {
		return inputError(name, err)
	}
	var config struct {
		Hosts []string `json:"hosts"`
	}
	if err := json.Unmarshal(text, &config); err != nil {
		return misfit(name, "%w", err)
	}
	if len(config.Hosts) > 1 {
		return misfit(name, "%d instances (%s): want one, which sees all flows", len(config.Hosts), strings.Join(config.Hosts, ", "))
	}
	return nil
}

const maxMessage = 1024 // bytes that the service keeps

// leaveMessage writes the last words of a processing job where the service looks for them; without a root it is no such job.
func leaveMessage(root, said string) error {
	if root == "" {
		return nil
	}
	said = oneLine(said)
	if len(said) > maxMessage {
		cut := maxMessage - len("…")
		for !utf8.RuneStart(said[cut]) {
			cut--
		}
		said = said[:cut] + "…"
	}
	name := filepath.Join(root, "output", "message")
	err := os.MkdirAll(filepath.Dir(name), 0o755)
	if err == nil {
		err = os.WriteFile(name, []byte(said), 0o644)
	}
	if err != nil {
		return &exitError{code: exitFailure, what: "write message", where: name, err: err}
	}
	return nil
}

package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"threatdetect/features"
	"threatdetect/inference/detect"
)

// processCommand holds what runs inside of a processing job; what starts one is added where there is an AWS.
func (a *app) processCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "process",
		Short: "Score logs on SageMaker's machines, in a processing job with this program as the container",
		Args:  cobra.NoArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(a.processRunCommand())
	cmd.AddCommand(a.awsProcessCommands()...)
	return cmd
}

type processFlags struct {
	score  scoreFlags
	root   string
	output string
}

func (a *app) processRunCommand() *cobra.Command {
	var f processFlags
	cmd := &cobra.Command{
		Use:   "run [flags]",
		Short: "Score this instance's share of a processing job's logs: what the container does",
		Long: "Run reads /opt/ml/config/processingjobconfig.json and resourceconfig.json, which SageMaker writes for each instance of a processing job.\n" +
			"The input \"model\" holds the bundle. Every other input holds logs: of one that SageMaker divides (ShardedByS3Key) all files, of one that each\n" +
			"instance gets whole (FullyReplicated) the share of this instance, by the order of files and hosts. Each log gets a file of verdicts of its\n" +
			"name in the output \"scores\", so that instances never write the same one. The last words go to /opt/ml/output/message.\n\n" +
			"A log that cannot be read does not keep the others from being scored, but the job fails. Records that are skipped for a fault are counted in\n" +
			"the message, and fail the job with --strict only.",
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			said, err := a.processRun(&f)
			if err != nil {
				said = strings.TrimSpace(said + " " + err.Error())
			}
			return errors.Join(err, leaveMessage(f.root, said))
		},
	}
	flags := cmd.Flags()
	root := os.Getenv("THREATDETECT_ML_ROOT")
	if root == "" {
		root = "/opt/ml"
	}
	flags.StringVar(&f.root, "root", root, "folder in the place of /opt/ml ($THREATDETECT_ML_ROOT)")
	flags.StringVar(&f.output, "output-name", "scores", "name of the job's output that gets the verdicts")
	flags.StringVar(&f.score.to, "to", "ndjson", "output format: ndjson, csv, eve, ecs, ocsf or zeek")
	flags.StringVar(&f.score.threshold, "threshold", "", "score from which on a flow is a threat, instead of the contract's")
	flags.BoolVar(&f.score.all, "all", false, "print every flow, not only threats")
	flags.IntVar(&f.score.explain, "explain", 0, "add the N features that contribute most to the margin, one way or the other")
	flags.IntVar(&f.score.state.memory, "memory", features.DefaultBudget>>20, "for a set that remembers hosts: how many MiB that may take")
	f.score.trust.add(flags)
	a.addReadFlags(flags, &f.score.from, &f.score.strict, &f.score.showSkip)
	return cmd
}

// processJob is what SageMaker says of a processing job, as far as it matters here.
type processJob struct {
	ProcessingInputs []struct {
		InputName string
		S3Input   struct{ LocalPath, S3DataDistributionType string }
	}
	ProcessingOutputConfig struct {
		Outputs []struct {
			OutputName string
			S3Output   struct{ LocalPath string }
		}
	}
	host, hosts int // the place of this instance among all, from 0
	root        string
}

const modelInput = "model" // of a processing job

func readProcessJob(root string) (*processJob, error) {
	read := func(name string, v any) error {
		name = filepath.Join(root, "config", name)
		text, err := os.ReadFile(name)
		if err != nil {
			return inputError(name, err)
		}
		if err := json.Unmarshal(text, v); err != nil {
			return misfit(name, "%w", err)
		}
		return nil
	}
	j := &processJob{root: root}
	var machines struct {
		Current string   `json:"current_host"`
		Hosts   []string `json:"hosts"`
	}
	if err := read("resourceconfig.json", &machines); err != nil {
		return nil, err
	}
	if err := read("processingjobconfig.json", j); err != nil {
		return nil, err
	}
	slices.Sort(machines.Hosts) // the list is the same for all, whatever its order
	j.host, j.hosts = slices.Index(machines.Hosts, machines.Current), len(machines.Hosts)
	if j.host < 0 {
		return nil, misfit(filepath.Join(root, "config", "resourceconfig.json"), "current_host %q is none of hosts %q", machines.Current, machines.Hosts)
	}
	return j, nil
}

// local is a path of the job's description, below the root that is in the place of /opt/ml.
func (j *processJob) local(path string) string {
	if rest, ok := strings.CutPrefix(filepath.ToSlash(path), "/opt/ml/"); ok {
		return filepath.Join(j.root, filepath.FromSlash(rest))
	}
	return path
}

func (j *processJob) outputDir(name string) (string, error) {
	var names []string
	for _, o := range j.ProcessingOutputConfig.Outputs {
		if o.OutputName == name {
			return j.local(o.S3Output.LocalPath), nil
		}
		names = append(names, o.OutputName)
	}
	return "", misfit("processingjobconfig.json", "the job has no output %q, but %q", name, names)
}

// share is a log and the name that it has below its input.
type share struct{ file, name string }

// inputs finds the bundle, and the logs that are this instance's.
func (j *processJob) inputs() (bundle string, logs []share, err error) {
	for _, in := range j.ProcessingInputs {
		dir := j.local(in.S3Input.LocalPath)
		files, err := filesBelow(dir)
		if err != nil {
			return "", nil, err
		}
		if in.InputName == modelInput {
			if len(files) != 1 {
				return "", nil, misfit(dir, "%d files, want one: the bundle", len(files))
			}
			bundle = files[0].file
			continue
		}
		for i, f := range files {
			if in.S3Input.S3DataDistributionType == "ShardedByS3Key" || i%j.hosts == j.host {
				logs = append(logs, f)
			}
		}
	}
	if bundle == "" {
		return "", nil, misfit("processingjobconfig.json", "the job has no input %q, which holds the bundle", modelInput)
	}
	return bundle, logs, nil
}

// filesBelow lists the files below a folder in the order of their paths. Hidden ones, empty ones and markers such as _SUCCESS are no logs.
func filesBelow(dir string) (files []share, err error) {
	err = filepath.WalkDir(dir, func(name string, e fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case strings.HasPrefix(e.Name(), ".") && name != dir:
			if e.IsDir() {
				return filepath.SkipDir
			}
			return nil
		case !e.Type().IsRegular():
			return nil
		}
		info, err := e.Info()
		if err != nil || info.Size() == 0 {
			return err
		}
		rel, err := filepath.Rel(dir, name)
		files = append(files, share{name, rel})
		return err
	})
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil // an instance that gets no object need not have the folder
	}
	if err != nil {
		return nil, inputError(dir, err)
	}
	return files, nil
}

// processRun returns what the run has to say in one line.
func (a *app) processRun(f *processFlags) (said string, err error) {
	if !slices.Contains(detect.OutputFormats(), f.score.to) {
		return "", usagef("--to %q: want one of %s", f.score.to, strings.Join(detect.OutputFormats(), ", "))
	}
	j, err := readProcessJob(f.root)
	if err != nil {
		return "", err
	}
	out, err := j.outputDir(f.output)
	if err != nil {
		return "", err
	}
	bundle, logs, err := j.inputs()
	if err != nil {
		return "", err
	}
	f.score.bundle = bundle
	if _, err := f.score.detector(); err != nil {
		return "", err
	}
	a.counted = true
	var failed []error
	for _, l := range logs {
		target := filepath.Join(out, l.name+"."+f.score.to)
		if err := os.MkdirAll(filepath.Dir(target), 0o755); err != nil {
			return "", &exitError{code: exitFailure, what: "create output", where: target, err: errors.Unwrap(err)}
		}
		if err := a.scoreOne(f, l.file, target); err != nil {
			if a.signal.Load() != 0 {
				return "", err
			}
			failed = append(failed, err)
		}
	}
	said = fmt.Sprintf("host %d of %d: %d of %d logs, %d records, %d flows, %d threats", j.host+1, j.hosts, len(logs)-len(failed), len(logs),
		a.account.Records, a.account.Flows, a.account.Threats)
	if lost := a.account.Lost(); lost > 0 {
		said += fmt.Sprintf(", %d records skipped for a fault", lost)
	}
	if len(failed) > 0 {
		first := a.exitError(nil, failed[0])
		return said + ";", &exitError{code: first.code, what: first.what, where: first.where, err: fmt.Errorf("%w (the first of %d logs that failed)", first.err, len(failed))}
	}
	return said, nil
}

// scoreOne scores one log into one file. Its account is judged by itself, and then added to that of the run.
func (a *app) scoreOne(f *processFlags, log, target string) error {
	total := a.account
	a.account = features.Account{}
	flags := f.score
	flags.out = target
	err := a.score(&flags, []string{log})
	one := a.account
	a.account, a.code = total, 0
	a.account.Records += one.Records
	a.account.Flows += one.Flows
	a.account.Rows += one.Rows
	a.account.Threats += one.Threats
	for reason, n := range one.Skipped {
		if a.account.Skipped == nil {
			a.account.Skipped = map[features.Reason]int64{}
		}
		a.account.Skipped[reason] += n
	}
	return err
}

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"threatdetect/features"
	"threatdetect/inference/batch"
	"threatdetect/inference/detect"
)

// processCommand holds what runs inside of a processing job; what starts one is added where there is an AWS.
func (a *app) processCommand() *cobra.Command {
	return group(&cobra.Command{
		Use:   "process",
		Short: "Score logs on SageMaker's machines, in a processing job with this program as the container",
	}, append(a.awsProcessCommands(), a.processRunCommand())...)
}

type processFlags struct {
	batch  batchFlags
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
			"instance gets whole (FullyReplicated) the share of this instance, by the order of files and hosts. They are scored as threatdetect batch scores a\n" +
			"folder with --tree: each log gets a file of verdicts of its name in the output \"scores\", so that instances never write the same one, and where\n" +
			"records were skipped a file that says which. A file appears there when it is whole; what is not, and the journal, lie in /opt/ml/threatdetect.\n" +
			"The last words go to /opt/ml/output/message.\n\n" +
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
	f.batch.addScoring(a, flags)
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

// inputs finds the bundle, the folders of logs, and which files in them are this instance's.
func (j *processJob) inputs() (bundle string, folders []string, logs map[string]bool, err error) {
	logs = map[string]bool{}
	for _, in := range j.ProcessingInputs {
		dir := j.local(in.S3Input.LocalPath)
		files, err := filesBelow(dir)
		if err != nil {
			return "", nil, nil, err
		}
		if in.InputName == modelInput {
			if len(files) != 1 {
				return "", nil, nil, misfit(dir, "%d files, want one: the bundle", len(files))
			}
			bundle = files[0]
			continue
		}
		before := len(logs)
		for i, f := range files {
			if in.S3Input.S3DataDistributionType == "ShardedByS3Key" || i%j.hosts == j.host {
				logs[f] = true
			}
		}
		if len(logs) > before {
			folders = append(folders, dir)
		}
	}
	if bundle == "" {
		return "", nil, nil, misfit("processingjobconfig.json", "the job has no input %q, which holds the bundle", modelInput)
	}
	return bundle, folders, logs, nil
}

// filesBelow lists the files below a folder in the order of their paths. Hidden ones, empty ones and markers such as _SUCCESS are no logs.
func filesBelow(dir string) (files []string, err error) {
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
		files = append(files, name)
		return nil
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
	if f.batch.to != batch.Parquet && !slices.Contains(detect.OutputFormats(), f.batch.to) {
		return "", usagef("--to %q: want one of %s or parquet", f.batch.to, strings.Join(detect.OutputFormats(), ", "))
	}
	j, err := readProcessJob(f.root)
	if err != nil {
		return "", err
	}
	out, err := j.outputDir(f.output)
	if err != nil {
		return "", err
	}
	bundle, folders, logs, err := j.inputs()
	if err != nil {
		return "", err
	}
	f.batch.bundle = bundle
	if len(logs) == 0 {
		_, err := f.batch.detector()
		a.counted = err == nil
		return j.say(0, 0, &a.account), err
	}
	f.batch.out, f.batch.work, f.batch.tree = "scores://"+f.output, filepath.Join(j.root, "threatdetect"), true
	rep, err := a.runBatch(&f.batch, folders, func(o *batch.Options) {
		o.Bucket = func(context.Context, string) (batch.Store, error) { return outputFolder(out), nil }
		o.Choose = func(name string) bool { return logs[name] }
	})
	if err != nil {
		return "", err
	}
	if rep == nil {
		rep = &batch.Report{} // an earlier run had done it all
	}
	if err := os.RemoveAll(f.batch.work); err != nil { // another run is another job
		return "", &exitError{code: exitFailure, what: "remove journal", where: f.batch.work, err: err}
	}
	said = j.say(len(logs)-len(rep.Failed), len(logs), &a.account)
	if len(rep.Failed) > 0 {
		first := rep.Failed[0]
		e := &exitError{code: exitFailure, what: "read input", where: first.Input, err: fmt.Errorf("%w (the first of %d logs that failed)", first.Err, len(rep.Failed))}
		if contentError(first.Err) {
			e.code = exitInput
		}
		return said + ";", e
	}
	return said, nil
}

// say is the account of a run in one line.
func (j *processJob) say(done, logs int, account *features.Account) string {
	said := fmt.Sprintf("host %d of %d: %d of %d logs, %d records, %d flows, %d threats", j.host+1, j.hosts, done, logs, account.Records, account.Flows, account.Threats)
	if lost := account.Lost(); lost > 0 {
		said += fmt.Sprintf(", %d records skipped for a fault", lost)
	}
	return said
}

// outputFolder is the folder of an output of the job. SageMaker may send away what is in it at any time, so that only files that are whole go there.
type outputFolder string

func (outputFolder) List(context.Context, string) ([]batch.Object, error) { return nil, nil }

func (outputFolder) Stat(context.Context, string) (batch.Object, error) {
	return batch.Object{}, fs.ErrNotExist
}

func (outputFolder) Open(context.Context, batch.Object, int64) (io.ReadCloser, error) {
	return nil, fs.ErrNotExist
}

// Put moves a file into the folder; where that is a volume of its own, it is copied. Whoever sends it away need not be this user.
func (dir outputFolder) Put(_ context.Context, key, path string) error {
	name := filepath.Join(string(dir), filepath.FromSlash(key))
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return err
	}
	if os.Chmod(path, 0o644) == nil && os.Rename(path, name) == nil {
		return nil
	}
	from, err := os.Open(path)
	if err != nil {
		return err
	}
	defer from.Close()
	to, err := os.CreateTemp(filepath.Dir(name), ".")
	if err != nil {
		return err
	}
	defer os.Remove(to.Name())
	_, err = io.Copy(to, from)
	if err == nil {
		err = to.Chmod(0o644)
	}
	if err == nil {
		err = to.Sync()
	}
	if err2 := to.Close(); err == nil {
		err = err2
	}
	if err == nil {
		err = os.Rename(to.Name(), name)
	}
	return err
}

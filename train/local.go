package train

import (
	"archive/tar"
	"bufio"
	"cmp"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	_ "embed"
)

//go:embed local.py
var localPy string

//go:embed local_data.py
var localDataPy string

//go:embed local_metrics.py
var localMetricsPy string

// LocalRun is a training job on this machine, under the rules of an image version: its hyperparameters, its data and the form of its artifact. XGBoost itself,
// of the user's Python, does the training.
type LocalRun struct {
	Image           *ImageVersion
	Hyperparameters map[string]string
	Data            *Data
	Layout          string // folder to be laid out like the container's /opt/ml; "": a temporary one
	Python          string // "": one is looked for, see [FindPython]
	Output          string // the bundle; "": none
	Tell            func(Event)
}

// Local trains here. Faults of the hyperparameters are [Faults]; what the container would call a failure of the job is [ErrJob].
func Local(ctx context.Context, run *LocalRun) (*Bundle, error) {
	if err := run.check(); err != nil {
		return nil, err
	}
	python, err := FindPython(ctx, run.Python, run.Image)
	if err != nil {
		return nil, err
	}
	dir := run.Layout
	if dir == "" {
		if dir, err = os.MkdirTemp("", "threatdetect-train-"); err != nil {
			return nil, err
		}
		defer os.RemoveAll(dir)
	}
	if dir, err = filepath.Abs(dir); err != nil {
		return nil, err
	}
	if err := run.layout(dir); err != nil {
		return nil, err
	}
	return run.train(ctx, python, dir, run.Data.Contract)
}

// LocalLayout trains in a folder that is laid out like /opt/ml already, with hyperparameters and data in it: what a container's train command does.
func LocalLayout(ctx context.Context, run *LocalRun) (*Bundle, error) {
	text, err := os.ReadFile(filepath.Join(run.Layout, "input", "config", "hyperparameters.json"))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrInput, err)
	}
	if err := json.Unmarshal(text, &run.Hyperparameters); err != nil {
		return nil, fmt.Errorf("%w: hyperparameters.json: %w", ErrInput, err)
	}
	if err := run.check(); err != nil {
		return nil, errors.Join(err, run.failed(err))
	}
	python, err := FindPython(ctx, run.Python, run.Image)
	if err != nil {
		return nil, err
	}
	dir, err := filepath.Abs(run.Layout)
	if err != nil {
		return nil, err
	}
	return run.train(ctx, python, dir, nil)
}

// failed leaves the reason where SageMaker reads it.
func (run *LocalRun) failed(err error) error {
	name := filepath.Join(run.Layout, "output", "failure")
	if err := os.MkdirAll(filepath.Dir(name), 0o777); err != nil {
		return err
	}
	return os.WriteFile(name, []byte("ClientError: "+err.Error()), 0o666)
}

func (run *LocalRun) check() error {
	f := Faults{Where: "hyperparameters", Kind: ErrStack}
	for _, fault := range CheckHyperparameters(run.Hyperparameters, run.Image) {
		f.add(0, fault.Name, "%s", fault.What)
	}
	if run.Tell == nil {
		run.Tell = func(Event) {}
	}
	return f.or(nil, nil)
}

// layout makes the folders and files that the container finds.
func (run *LocalRun) layout(dir string) error {
	type channel struct {
		ContentType        string
		TrainingInputMode  string
		S3DistributionType string
		RecordWrapperType  string
	}
	channels := map[string]channel{}
	for name, files := range map[string][]DataFile{"train": run.Data.Train, "validation": run.Data.Validation} {
		if len(files) == 0 {
			continue
		}
		channels[name] = channel{run.Data.ContentType, "File", "FullyReplicated", "None"}
		folder := filepath.Join(dir, "input", "data", name)
		if err := os.MkdirAll(folder, 0o777); err != nil {
			return err
		}
		for _, f := range files {
			path, err := filepath.Abs(f.Path)
			if err != nil {
				return err
			}
			link := filepath.Join(folder, filepath.Base(path))
			os.Remove(link)
			if err := os.Symlink(path, link); err != nil {
				return err
			}
		}
	}
	for name, v := range map[string]any{
		"hyperparameters.json": run.Hyperparameters,
		"inputdataconfig.json": channels,
		"resourceconfig.json":  map[string]any{"current_host": "algo-1", "hosts": []string{"algo-1"}, "network_interface_name": "eth0"},
	} {
		text, err := json.MarshalIndent(v, "", " ")
		if err != nil {
			return err
		}
		path := filepath.Join(dir, "input", "config", name)
		if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
			return err
		}
		if err := os.WriteFile(path, append(text, '\n'), 0o666); err != nil {
			return err
		}
	}
	return nil
}

// train runs Python in a folder that is laid out, and packs what it leaves as SageMaker does.
func (run *LocalRun) train(ctx context.Context, python, dir string, contract []byte) (*Bundle, error) {
	for _, name := range []string{"model", "output"} {
		if err := os.RemoveAll(filepath.Join(dir, name)); err != nil {
			return nil, err
		}
		if err := os.MkdirAll(filepath.Join(dir, name), 0o777); err != nil {
			return nil, err
		}
	}
	cmd := exec.CommandContext(ctx, python, "-u", "-", dir, run.Image.Version, string(run.Image.Artifact))
	cmd.Stdin = strings.NewReader(localMetricsPy + localDataPy + localPy)
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) } // as SageMaker stops a job
	cmd.WaitDelay = 10 * time.Second
	r, w := io.Pipe()
	cmd.Stdout, cmd.Stderr = w, w
	rounds := 0
	fmt.Sscan(run.Hyperparameters["num_round"], &rounds)
	run.Tell(Event{Job: &Job{Name: "local", Status: "InProgress", Secondary: "Training", Rounds: rounds}})
	done := make(chan struct{})
	last := ""
	go func() {
		defer close(done)
		lines := bufio.NewScanner(r)
		lines.Buffer(nil, 1<<20)
		for lines.Scan() {
			if strings.TrimSpace(lines.Text()) != "" {
				last = lines.Text()
			}
			round, values := ParseRound(lines.Text())
			run.Tell(Event{Line: lines.Text(), Round: round, Values: values})
		}
		io.Copy(io.Discard, r)
	}()
	err := cmd.Run()
	w.Close()
	<-done
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	if err != nil {
		failure, _ := os.ReadFile(filepath.Join(dir, "output", "failure"))
		return nil, fmt.Errorf("%w: %s", ErrJob, cmp.Or(strings.Join(strings.Fields(string(failure)), " "), last, err.Error()))
	}
	artifact := filepath.Join(dir, "output", "model.tar.gz")
	if err := pack(filepath.Join(dir, "model"), artifact); err != nil {
		return nil, err
	}
	extra := filepath.Join(dir, "output", "data") // such as predictions of folds
	if _, err := os.Stat(extra); err == nil {
		if err := pack(extra, filepath.Join(dir, "output", "output.tar.gz")); err != nil {
			return nil, err
		}
	}
	output := run.Output
	if output == "" {
		output = filepath.Join(dir, "output", "bundle.tar.gz")
	}
	return WriteBundle(artifact, contract, output)
}

// pack makes an archive of the files of a folder.
func pack(dir, to string) (err error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	f, err := os.Create(to)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	z := gzip.NewWriter(f)
	t := tar.NewWriter(z)
	for _, entry := range entries {
		data, err := os.ReadFile(filepath.Join(dir, entry.Name()))
		if err != nil {
			return err
		}
		if err := t.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: entry.Name(), Size: int64(len(data)), Mode: 0o644, ModTime: time.Unix(0, 0)}); err != nil {
			return err
		}
		if _, err := t.Write(data); err != nil {
			return err
		}
	}
	return errors.Join(t.Close(), z.Close())
}

// FindPython finds a Python whose XGBoost is of the release in the image, by its first two numbers. It looks at the one that is given; or else at
// THREATDETECT_PYTHON, the active and the nearest virtual environment, python3 and python.
func FindPython(ctx context.Context, given string, v *ImageVersion) (string, error) {
	candidates := []string{given}
	if given == "" {
		candidates = []string{os.Getenv("THREATDETECT_PYTHON")}
		if venv := os.Getenv("VIRTUAL_ENV"); venv != "" {
			candidates = append(candidates, filepath.Join(venv, "bin", "python"))
		}
		candidates = append(candidates, ".venv/bin/python", "venv/bin/python", "python3", "python")
	}
	found := map[string]string{}
	for _, name := range candidates {
		if name == "" {
			continue
		}
		path, err := exec.LookPath(name)
		if err != nil && !errors.Is(err, exec.ErrDot) {
			continue
		}
		version := xgboostOf(ctx, path)
		if slices.Equal(firstTwo(numbers(version)), v.XGBoost[:2]) {
			return path, nil
		}
		found[name] = cmp.Or(version, "none")
	}
	var has []string
	for _, name := range slices.Sorted(maps.Keys(found)) {
		has = append(has, fmt.Sprintf("%s has XGBoost %s", name, found[name]))
	}
	if len(has) == 0 {
		has = []string{"there is no " + cmp.Or(given, "python3")}
	}
	want := fmt.Sprintf("%d.%d.%d", v.XGBoost[0], v.XGBoost[1], v.XGBoost[2])
	old := ""
	if v.XGBoost[0] < 2 {
		old = ` "numpy<2"`
	}
	return "", fmt.Errorf("%w: image %s wants %s, %s; python3 -m venv .venv && .venv/bin/pip install xgboost==%s%s scipy, and then --python .venv/bin/python", ErrNoPython, v.Version, want, strings.Join(has, ", "), want, old)
}

func firstTwo(n []int) []int { return n[:min(len(n), 2)] }

// askVersion asks for what is installed, which takes a tenth of the time of loading it.
const askVersion = `try:
    import importlib.metadata
    print(importlib.metadata.version("xgboost"))
except Exception:
    import xgboost
    print(xgboost.__version__)`

// xgboostOf is the version of the XGBoost of a Python, "" if it has none.
func xgboostOf(ctx context.Context, python string) string {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	out, err := exec.CommandContext(ctx, python, "-c", askVersion).Output()
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(out))
}

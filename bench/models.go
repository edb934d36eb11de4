package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// modelSpec is a model of the benchmark; peers/train.py makes it.
type modelSpec struct {
	Name, Shape    string
	Columns, Trees int // trees in all
	Outputs        int
}

// callModel costs next to nothing to evaluate, so its time is what a call costs.
var callModel = modelSpec{"one", "1 tree of depth 1", 42, 1, 1}

var modelSpecs = []modelSpec{
	{"a", "100 trees of depth 5, 42 columns", 42, 100, 1},
	{"a196", "100 trees of depth 5, 196 columns, most of them one-hot", 196, 100, 1},
	{"b", "500 trees of depth 6, 42 columns", 42, 500, 1},
	{"c", "1000 trees of depth 8, 42 columns", 42, 1000, 1},
	{"d", "5 classes x 200 trees of depth 6, 42 columns", 42, 1000, 5},
}

// uneasyModel is what suits the blocks least, as no answer is used twice. It is measured where it is named, and is not among the marks.
var uneasyModel = modelSpec{"e", "500 trees of depth 6, 42 columns, few thresholds of which are those of another node", 42, 500, 1}

// modelFiles is a model as it lies in the working directory.
type modelFiles struct {
	modelSpec
	dir  string
	rows string // path of the rows to score
}

func (m *modelFiles) file(name string) string { return filepath.Join(m.dir, name) }

// chooseModels returns those that names lists, or all but the uneasy one if it is empty.
func chooseModels(names string) ([]modelSpec, error) {
	if names == "" {
		return modelSpecs, nil
	}
	var chosen []modelSpec
	for name := range strings.SplitSeq(names, ",") {
		found := false
		for _, m := range append(modelSpecs, uneasyModel) {
			if m.Name == name {
				chosen, found = append(chosen, m), true
			}
		}
		if !found {
			return nil, fmt.Errorf("no model %q: want a, a196, b, c, d or e", name)
		}
	}
	return chosen, nil
}

// makeModels trains what is not there yet and returns where it is.
func (r *run) makeModels(specs []modelSpec) ([]*modelFiles, error) {
	python, err := r.install(xgboostVenv(trainer))
	if err != nil {
		return nil, err
	}
	dir := filepath.Join(r.work, "models")
	args := []string{filepath.Join(r.work, "peers", "train.py"), dir}
	var files []*modelFiles
	for _, m := range specs {
		args = append(args, m.Name)
		files = append(files, &modelFiles{m, filepath.Join(dir, m.Name), filepath.Join(dir, fmt.Sprintf("rows%d.f32", m.Columns))})
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	cmd := exec.Command(python, args...)
	cmd.Stdout, cmd.Stderr = os.Stderr, os.Stderr
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("training: %w", err)
	}
	return files, nil
}

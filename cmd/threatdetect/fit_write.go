package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"threatdetect/features"
	"threatdetect/features/dataset"
)

// folder is a folder that a command writes files into, which appear together when all are whole.
type folder struct {
	app     *app
	dir     string
	place   func(name string) string // where in dir a file goes; nil: there
	outputs []*output
}

// createFolder makes the folder if it is not there.
func (a *app) createFolder(dir string) (*folder, error) {
	if err := os.MkdirAll(dir, 0o777); err != nil {
		if file, ok := errors.AsType[*fs.PathError](err); ok {
			err = file.Err
		}
		return nil, &exitError{code: exitFailure, what: "create folder", where: dir, err: err}
	}
	return &folder{app: a, dir: dir}, nil
}

func (f *folder) create(name string) (*output, error) {
	if f.place != nil {
		name = f.place(name)
		if _, err := f.app.createFolder(filepath.Join(f.dir, filepath.Dir(name))); err != nil {
			return nil, err
		}
	}
	o, err := f.app.createOutput(filepath.Join(f.dir, name))
	if err == nil {
		f.outputs = append(f.outputs, o)
	}
	return o, err
}

// commit gives all files their names.
func (f *folder) commit() error {
	for len(f.outputs) > 0 {
		o := f.outputs[0]
		f.outputs = f.outputs[1:]
		if err := o.commit(); err != nil {
			return err
		}
	}
	return nil
}

// discard drops the files that commit has not come to.
func (f *folder) discard() {
	for _, o := range f.outputs {
		o.discard()
	}
}

// datasetWriter writes what fit makes.
type datasetWriter struct {
	folder  *folder
	format  dataset.Format
	parts   [][]*output // the files of each part, whose rows go round; none for a part of no share
	rows    []int       // of each part
	trained map[string]int64
	line    []byte
}

func (a *app) newDatasetWriter(f *fitFlags, shares dataset.Shares) (*datasetWriter, error) {
	folder, err := a.createFolder(f.out)
	if err != nil {
		return nil, err
	}
	folder.place = f.place
	w := &datasetWriter{folder: folder, format: dataset.Format(f.to), parts: make([][]*output, len(shares)), rows: make([]int, len(shares)), trained: make(map[string]int64)}
	for p, share := range shares {
		if share == 0 {
			continue
		}
		for _, name := range f.names(dataset.Part(p)) {
			o, err := folder.create(name)
			if err != nil {
				folder.discard()
				return nil, err
			}
			w.parts[p] = append(w.parts[p], o)
		}
	}
	return w, nil
}

// names are the files of a part.
func (f *fitFlags) names(p dataset.Part) []string {
	if f.parts < 2 || p == dataset.Test {
		return []string{p.String() + "." + f.to}
	}
	var names []string
	for i := range f.parts {
		names = append(names, fmt.Sprintf("%s-%03d.%s", p, i, f.to))
	}
	return names
}

func (w *datasetWriter) row(r *dataset.Row, file string) error {
	if r.Part == dataset.Train {
		w.trained[file]++
	}
	w.line = w.format.Append(w.line[:0], r)
	files := w.parts[r.Part]
	out := files[w.rows[r.Part]%len(files)]
	w.rows[r.Part]++
	if _, err := out.Write(w.line); err != nil {
		return out.failed(err)
	}
	return nil
}

// finish writes the contract and the report, and gives all files their names.
func (w *datasetWriter) finish(c *features.Contract, r *dataset.Report) error {
	text, err := c.Canonical()
	if err == nil {
		_, err = features.ParseContract(text)
	}
	if err != nil {
		return &exitError{code: exitInput, what: "write contract", where: filepath.Join(w.folder.dir, "contract.json"), err: err}
	}
	report, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return &exitError{code: exitFailure, what: "write report", where: w.folder.dir, err: err}
	}
	for name, write := range map[string]func(*output) error{
		"contract.json": func(o *output) error { _, err := o.Write(text); return err },
		"report.json":   func(o *output) error { _, err := o.Write(append(report, '\n')); return err },
		"report.txt":    func(o *output) error { return r.WriteText(o) },
	} {
		o, err := w.folder.create(name)
		if err != nil {
			return err
		}
		if err := write(o); err != nil {
			return o.failed(err)
		}
	}
	return w.folder.commit()
}

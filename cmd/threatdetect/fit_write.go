package main

import (
	"encoding/json"
	"errors"
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
	parts   []*output // nil for a part of no share
	trained map[string]int64
	line    []byte
}

func (a *app) newDatasetWriter(f *fitFlags, shares dataset.Shares) (*datasetWriter, error) {
	folder, err := a.createFolder(f.out)
	if err != nil {
		return nil, err
	}
	w := &datasetWriter{folder: folder, format: dataset.Format(f.to), parts: make([]*output, len(shares)), trained: make(map[string]int64)}
	for p, share := range shares {
		if share == 0 {
			continue
		}
		if w.parts[p], err = folder.create(dataset.Part(p).String() + "." + f.to); err != nil {
			folder.discard()
			return nil, err
		}
	}
	return w, nil
}

func (w *datasetWriter) row(r *dataset.Row, file string) error {
	if r.Part == dataset.Train {
		w.trained[file]++
	}
	w.line = w.format.Append(w.line[:0], r)
	out := w.parts[r.Part]
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

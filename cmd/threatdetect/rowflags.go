package main

import (
	"io"
	"iter"
	"slices"
	"strconv"

	"github.com/spf13/pflag"

	"threatdetect/inference/rows"
	"threatdetect/internal/logio"
	"threatdetect/model"
)

// rowFlags say how a file of numeric rows is written.
type rowFlags struct {
	from, missing, header string
	indexBase             int
	flags                 *pflag.FlagSet // of the command
}

func (f *rowFlags) add(flags *pflag.FlagSet) {
	f.flags = flags
	flags.StringVar(&f.from, "from", "auto", "format of the rows: csv, libsvm, ndjson, recordio, or auto to tell it from them")
	flags.StringVar(&f.missing, "missing", "nan", "value that counts as missing besides NaN: nan (none), zero, or a number; a pickled scikit-learn wrapper that has one goes by that unless told otherwise")
	flags.StringVar(&f.header, "header", "auto", "whether CSV has a line of names: auto, yes or no")
	flags.IntVar(&f.indexBase, "index-base", 0, "index of the first feature in libsvm rows: 0 or 1")
}

var headers = map[string]rows.Header{"auto": rows.HeaderAuto, "yes": rows.HeaderYes, "no": rows.HeaderNo}

func (f *rowFlags) check() error {
	_, header := headers[f.header]
	switch {
	case !slices.Contains([]rows.Format{rows.Auto, rows.CSV, rows.Libsvm, rows.NDJSON, rows.RecordIO}, rows.Format(f.from)):
		return usagef("--from %q: want auto, csv, libsvm, ndjson or recordio", f.from)
	case !header:
		return usagef("--header %q: want auto, yes or no", f.header)
	case f.indexBase != 0 && f.indexBase != 1:
		return usagef("--index-base %d: want 0 or 1", f.indexBase)
	}
	_, err := f.missingValue()
	return err
}

func (f *rowFlags) missingValue() (*float32, error) {
	switch f.missing {
	case "nan":
		return nil, nil
	case "zero":
		return new(float32), nil
	}
	v, err := strconv.ParseFloat(f.missing, 64)
	if err != nil {
		return nil, usagef("--missing %q: want nan, zero or a number", f.missing)
	}
	if v != v {
		return nil, nil
	}
	v32 := float32(v)
	return &v32, nil
}

// options are those of package rows, for rows of a model. The flags have been checked.
func (f *scoreSource) options(b *model.Booster) *rows.Options {
	missing, _ := f.missingValue()
	if f.image == nil && !f.flags.Changed("missing") {
		missing = b.MissingValue()
	}
	names := b.FeatureNames
	if different := slices.Compact(slices.Sorted(slices.Values(names))); len(different) < len(names) {
		names = nil // names that occur twice match no column: rows go by position
	}
	return &rows.Options{NumFeature: b.NumFeature, Names: names, Missing: missing, Header: headers[f.header], IndexBase: f.indexBase, Image: f.image}
}

// rowsOf ranges over the rows of a file, decompressed. Errors are *exitError and say where they are.
func (a *app) rowsOf(file string, raw io.Reader, format rows.Format, opts *rows.Options) iter.Seq2[[]float32, error] {
	return func(yield func([]float32, error) bool) {
		in := logio.NewReader(raw)
		defer in.Close()
		for row, err := range rows.Read(in, format, opts) {
			if a.signal.Load() != 0 {
				err = errInterrupted
			}
			if err != nil {
				yield(nil, a.rowsError(file, err))
				return
			}
			if !yield(row, nil) {
				return
			}
		}
	}
}

package train

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"threatdetect/features"
)

// DataFile is one training file.
type DataFile struct {
	Path    string
	Size    int64
	Rows    int64
	Columns int // most in a row, with the label; of libsvm the greatest index + 2
	labels  labelRange
	gaps    bool // there are empty fields ahead of others
}

type labelRange struct {
	least, most float64
	whole       bool // all are whole numbers
}

// Data are the files of a training job, as fit writes them.
type Data struct {
	Dir         string
	ContentType string // text/csv or text/libsvm
	Train       []DataFile
	Validation  []DataFile // none: the job has no such channel
	Contract    []byte     // nil if there is none: the model then scores rows only
	found       []Fault
}

// ContentTypeCSV and its kin are how SageMaker calls the forms of training files.
const (
	ContentTypeCSV    = "text/csv"
	ContentTypeLibsvm = "text/libsvm"
)

// gapsMissingSince is the image version from which on an empty field of a csv file is a missing value. Before, it is 0, but for the last of a row.
const gapsMissingSince = "1.2-1"

// maxDataFaults bounds what is told of one file.
const maxDataFaults = 5

// OpenData reads the folder that fit wrote: train and validation, as files (train.csv, train.libsvm) or folders of files, and contract.json. Each file
// is read to its end; what the container would refuse, or misread, is found by [Stack.CheckData].
func OpenData(dir string) (*Data, error) {
	d := &Data{Dir: dir}
	for _, channel := range []struct {
		name  string
		files *[]DataFile
	}{{"train", &d.Train}, {"validation", &d.Validation}} {
		paths, err := d.channel(channel.name)
		if err != nil {
			return nil, err
		}
		for _, path := range paths {
			f, err := d.scan(path)
			if err != nil {
				return nil, fmt.Errorf("%w: %w", ErrInput, err)
			}
			*channel.files = append(*channel.files, f)
		}
	}
	if len(d.Train) == 0 {
		return nil, &Faults{Where: dir, Kind: ErrInput, List: []Fault{{What: "no train.csv, train.libsvm or folder train with files; threatdetect fit --out " + dir + " writes them"}}}
	}
	contract, err := os.ReadFile(filepath.Join(dir, "contract.json"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%w: %w", ErrInput, err)
	}
	d.Contract = contract
	return d, nil
}

// channel lists the files of a channel.
func (d *Data) channel(name string) ([]string, error) {
	var paths []string
	for ext, contentType := range map[string]string{".csv": ContentTypeCSV, ".libsvm": ContentTypeLibsvm} {
		path := filepath.Join(d.Dir, name+ext)
		if _, err := os.Stat(path); err == nil {
			paths = append(paths, path)
			d.setType(path, contentType)
		}
	}
	dir := filepath.Join(d.Dir, name)
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		if info, err2 := os.Stat(dir); err2 == nil && !info.IsDir() {
			return paths, nil
		}
		return nil, fmt.Errorf("%w: %w", ErrInput, err)
	}
	for _, entry := range entries {
		path := filepath.Join(dir, entry.Name())
		switch {
		case entry.IsDir():
			d.fault(path, 0, "is a folder; want files")
			continue
		case strings.HasPrefix(entry.Name(), "."):
			d.fault(path, 0, "the container refuses files whose name begins with a dot")
			continue
		}
		contentType := ContentTypeCSV
		if ext := filepath.Ext(path); ext == ".libsvm" || ext == ".svm" {
			contentType = ContentTypeLibsvm
		}
		d.setType(path, contentType)
		paths = append(paths, path)
	}
	slices.Sort(paths)
	return paths, nil
}

func (d *Data) setType(path, contentType string) {
	if d.ContentType != "" && d.ContentType != contentType {
		d.fault(path, 0, "is %s, other files are %s; all have to be alike", contentType, d.ContentType)
		return
	}
	d.ContentType = contentType
}

func (d *Data) fault(path string, line int, format string, args ...any) {
	d.found = append(d.found, Fault{File: path, Line: line, What: fmt.Sprintf(format, args...)})
}

// scan reads a file. Faults are remembered, at most maxDataFaults.
func (d *Data) scan(path string) (DataFile, error) {
	f, err := os.Open(path)
	if err != nil {
		return DataFile{}, err
	}
	defer f.Close()
	file := DataFile{Path: path, labels: labelRange{whole: true}}
	r := bufio.NewReaderSize(f, 1<<20)
	told, line := 0, 0
	fault := func(format string, args ...any) {
		if told++; told <= maxDataFaults {
			d.fault(path, line, format, args...)
		}
	}
	for {
		text, err := r.ReadSlice('\n')
		if errors.Is(err, bufio.ErrBufferFull) {
			line++
			fault("a line of more than a megabyte")
			return file, nil
		}
		if err != nil && !errors.Is(err, io.EOF) {
			return file, err
		}
		file.Size += int64(len(text))
		line++
		if text = bytes.TrimRight(text, "\r\n"); len(text) > 0 {
			file.row(text, d.ContentType == ContentTypeLibsvm, line, fault)
		} else if err == nil {
			fault("an empty line")
		}
		if err != nil {
			break
		}
	}
	if file.Rows == 0 && told == 0 {
		line = 0
		fault("is empty")
	}
	if told > maxDataFaults {
		d.fault(path, 0, "and %d more", told-maxDataFaults)
	}
	return file, nil
}

// row looks at one row: its label and how many columns it has.
func (f *DataFile) row(text []byte, libsvm bool, line int, fault func(string, ...any)) {
	label, rest, columns := text, []byte(nil), 1
	if libsvm {
		label, rest, _ = bytes.Cut(text, []byte{' '})
		label, _, _ = bytes.Cut(label, []byte{':'})
		if fields := bytes.Fields(rest); len(fields) > 0 {
			last := fields[len(fields)-1]
			index, value, ok := bytes.Cut(last, []byte{':'})
			n, err := strconv.Atoi(string(index))
			if _, err2 := strconv.ParseFloat(string(value), 64); !ok || err != nil || err2 != nil || n < 0 {
				fault("%q: want index:value", clip(string(last)))
				return
			}
			columns = n + 2
		}
	} else {
		columns = bytes.Count(text, []byte{','}) + 1
		f.gaps = f.gaps || bytes.Contains(text, []byte(",,"))
		label, _, _ = bytes.Cut(text, []byte{','})
	}
	v, err := strconv.ParseFloat(string(label), 64)
	if err != nil || v != v {
		if line == 1 {
			fault("%q is no label: a header? The container takes it for a row; want none", clip(string(label)))
		} else {
			fault("%q: want a number as the label, in front", clip(string(label)))
		}
		return
	}
	if f.Rows == 0 {
		f.labels.least, f.labels.most = v, v
	}
	f.labels.least, f.labels.most = min(f.labels.least, v), max(f.labels.most, v)
	f.labels.whole = f.labels.whole && v == float64(int64(v))
	switch {
	case columns == 1 && !libsvm:
		fault("one column: want the label and the features, divided by commas")
		return
	case f.Rows > 0 && !libsvm && columns != f.Columns:
		fault("%d columns, the rows before have %d", columns, f.Columns)
		return
	}
	f.Rows++
	f.Columns = max(f.Columns, columns)
}

// CheckData finds what the container would refuse, or misread, and what does not go with the stack: all of it, as [Faults].
func (s *Stack) CheckData(d *Data) error {
	f := Faults{Where: d.Dir, Kind: ErrInput, List: slices.Clone(d.found)}
	add := func(path, format string, args ...any) {
		f.List = append(f.List, Fault{File: path, What: fmt.Sprintf(format, args...)})
	}
	all := slices.Concat(d.Train, d.Validation)
	columns, total := 0, int64(0)
	for _, file := range all {
		total += file.Size
		if file.Rows == 0 {
			continue
		}
		if what := s.checkLabels(file.labels); what != "" {
			add(file.Path, "%s", what)
		}
		if d.ContentType != ContentTypeCSV {
			continue
		}
		if file.gaps && s.Image.URI == "" && older(s.Image.Version, gapsMissingSince) && s.Image.Version != outdatedVersion {
			add(file.Path, "empty fields, which image version %s takes for 0; want libsvm files (fit --to libsvm), or image version %s", s.Image.Version, gapsMissingSince)
		}
		if columns == 0 {
			columns = file.Columns
		} else if file.Columns != columns {
			add(file.Path, "%d columns, %s has %d", file.Columns, filepath.Base(all[0].Path), columns)
		}
	}
	if len(d.Train) > 0 && d.Train[0].Rows > 0 && s.Hyperparameters["early_stopping_rounds"] != "" && len(d.Validation) == 0 {
		add("", "early_stopping_rounds does nothing without validation files")
	}
	if gb := int64(s.Training.VolumeGB) << 30; s.Training.InputMode == "File" && total > gb-gb/10 {
		add("", "%d bytes of training files fill training.volume_gb %d", total, s.Training.VolumeGB)
	}
	s.checkContract(d, columns, add)
	return f.or(nil, nil)
}

// checkLabels says what is wrong with the labels for the objective.
func (s *Stack) checkLabels(l labelRange) string {
	objective := s.Hyperparameters["objective"]
	switch classes, _ := strconv.Atoi(s.Hyperparameters["num_class"]); {
	case strings.HasPrefix(objective, "binary:") && (l.least < 0 || l.most > 1 || !l.whole):
		return fmt.Sprintf("labels from %v to %v: %s wants 0 and 1", l.least, l.most, objective)
	case strings.HasPrefix(objective, "binary:") && l.least == l.most:
		return fmt.Sprintf("every label is %v: %s wants both 0 and 1", l.least, objective)
	case objective == "reg:logistic" && (l.least < 0 || l.most > 1):
		return fmt.Sprintf("labels from %v to %v: reg:logistic wants 0 to 1", l.least, l.most)
	case strings.HasPrefix(objective, "multi:") && (l.least < 0 || l.most >= float64(classes) || !l.whole):
		return fmt.Sprintf("labels from %v to %v: %s wants whole numbers below num_class %d", l.least, l.most, objective, classes)
	case (objective == "count:poisson" || objective == "reg:gamma" || objective == "reg:tweedie") && l.least < 0:
		return fmt.Sprintf("a label of %v: %s wants none below 0", l.least, objective)
	}
	return ""
}

func (s *Stack) checkContract(d *Data, columns int, add func(path, format string, args ...any)) {
	if d.Contract == nil {
		return
	}
	path := filepath.Join(d.Dir, "contract.json")
	c, err := features.ParseContract(d.Contract)
	if err != nil {
		add(path, "%v", err)
		return
	}
	extra := 1 // the label
	if s.Hyperparameters["csv_weights"] == "1" {
		extra = 2
	}
	if columns > 0 && len(c.Columns) != columns-extra {
		add(path, "%d columns, the training files have %d", len(c.Columns), columns-extra)
	}
}

// split deals the rows of files out to at least n files in dir, so that each machine gets some. The same files give the same parts.
func split(files []DataFile, n int, dir, ext string) ([]string, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	var paths []string
	var outs []*bufio.Writer
	for i := range n {
		path := filepath.Join(dir, fmt.Sprintf("part-%04d%s", i, ext))
		f, err := os.Create(path)
		if err != nil {
			return nil, err
		}
		defer f.Close()
		paths, outs = append(paths, path), append(outs, bufio.NewWriterSize(f, 256<<10))
	}
	row := 0
	for _, file := range files {
		f, err := os.Open(file.Path)
		if err != nil {
			return nil, err
		}
		defer f.Close()
		r := bufio.NewReaderSize(f, 1<<20)
		for {
			line, err := r.ReadSlice('\n')
			if len(bytes.TrimRight(line, "\r\n")) > 0 {
				out := outs[row%n]
				row++
				out.Write(line)
				if line[len(line)-1] != '\n' {
					out.WriteByte('\n')
				}
			}
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				return nil, err
			}
		}
	}
	for _, out := range outs {
		if err := out.Flush(); err != nil {
			return nil, err
		}
	}
	return paths, nil
}

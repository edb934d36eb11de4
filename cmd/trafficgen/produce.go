package main

import (
	"compress/gzip"
	"errors"
	"io"
	"os"
	"strings"

	"threatdetect/internal/trafficgen"
)

// placeError says which file could not be opened or written.
type placeError struct {
	what, where string
	err         error
}

func (e *placeError) Error() string { return e.what + " " + e.where + ": " + e.err.Error() }
func (e *placeError) Unwrap() error { return e.err }

// name returns how messages call an output.
func name(file string) string {
	if file == "" || file == "-" {
		return "standard output"
	}
	return file
}

// sink is an output that is closed at the end: gzip first, the file after it.
type sink struct {
	io.Writer
	closers []io.Closer
}

func (s *sink) Close() error {
	var errs []error
	for _, c := range s.closers {
		errs = append(errs, c.Close())
	}
	return errors.Join(errs...)
}

// open returns the output of a name, compressed when it ends in .gz.
func open(file string, stdout io.Writer) (*sink, error) {
	if file == "" || file == "-" {
		return &sink{Writer: stdout}, nil
	}
	f, err := os.Create(file)
	if err != nil {
		var pathErr *os.PathError
		if errors.As(err, &pathErr) {
			err = pathErr.Err
		}
		return nil, &placeError{"create", file, err}
	}
	s := &sink{Writer: f, closers: []io.Closer{f}}
	if strings.HasSuffix(file, ".gz") {
		z := gzip.NewWriter(f)
		s.Writer = z
		s.closers = []io.Closer{z, f}
	}
	return s, nil
}

// produce writes the log and the labels, and returns what it wrote.
func produce(req *request, stdout io.Writer) (account trafficgen.Account, attacks int64, err error) {
	// Wrong values must not truncate files.
	g, err := trafficgen.New(req.config)
	if err != nil {
		return account, 0, err
	}
	if _, err := trafficgen.NewWriter(io.Discard, &req.writer); err != nil {
		return account, 0, err
	}

	out, err := open(req.output, stdout)
	if err != nil {
		return account, 0, err
	}
	defer func() { err = first(err, place(req.output, out.Close())) }()
	w, err := trafficgen.NewWriter(out, &req.writer)
	if err != nil {
		return account, 0, err
	}
	var labels *trafficgen.LabelWriter
	if req.labels != "" {
		beside, err := open(req.labels, stdout)
		if err != nil {
			return account, 0, err
		}
		labels = trafficgen.NewLabelWriter(beside)
		defer func() {
			err = first(err, place(req.labels, labels.Close()), place(req.labels, beside.Close()))
		}()
	}

	for r := range g.All() {
		if err := w.Write(r); err != nil {
			return account, 0, place(req.output, err)
		}
		if labels == nil {
			continue
		}
		if err := labels.Write(r); err != nil {
			return account, 0, place(req.labels, err)
		}
	}
	if err := w.Close(); err != nil {
		return account, 0, place(req.output, err)
	}
	_, attacks = g.Made()
	return w.Account(), attacks, nil
}

// place adds the file to an error of writing.
func place(file string, err error) error {
	if err == nil {
		return nil
	}
	return &placeError{"write", name(file), err}
}

// first returns the first error that is not nil.
func first(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

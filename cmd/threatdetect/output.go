package main

import (
	"bufio"
	"errors"
	"io"
	"os"
	"path/filepath"
	"syscall"
)

// errClosedPipe says that whoever read our output has seen enough. It ends a command quietly, with success.
var errClosedPipe = errors.New("closed pipe")

// output is where a command writes its data: standard output, or a file that appears under its name only when it is
// whole.
type output struct {
	*bufio.Writer
	file *os.File // the temporary file; nil for standard output
	name string
}

const outputBuffer = 64 << 10 // bytes

// createOutput opens the output; name "" or "-" is standard output.
func (a *app) createOutput(name string) (*output, error) {
	if name == "" || name == "-" {
		return &output{Writer: bufio.NewWriterSize(pipeWriter{a.stdout}, outputBuffer)}, nil
	}
	f, err := os.CreateTemp(filepath.Dir(name), "."+filepath.Base(name)+".*")
	if err != nil {
		return nil, &exitError{code: exitFailure, what: "create output", where: name, err: err}
	}
	return &output{Writer: bufio.NewWriterSize(f, outputBuffer), file: f, name: name}, nil
}

// commit writes what is buffered and gives a file its name.
func (o *output) commit() error {
	if err := o.Flush(); err != nil {
		o.discard()
		return o.failed(err)
	}
	if o.file == nil {
		return nil
	}
	err := o.file.Chmod(0o644)
	if err == nil {
		err = o.file.Sync()
	}
	if err2 := o.file.Close(); err == nil {
		err = err2
	}
	if err == nil {
		err = os.Rename(o.file.Name(), o.name)
	}
	if err != nil {
		os.Remove(o.file.Name())
		return o.failed(err)
	}
	return nil
}

// discard drops a file that is not to appear. It does nothing to standard output.
func (o *output) discard() {
	if o.file != nil {
		o.file.Close()
		os.Remove(o.file.Name())
	}
}

// failed makes the end of a command out of an error of writing.
func (o *output) failed(err error) error {
	if _, ok := errors.AsType[*exitError](err); ok || errors.Is(err, errClosedPipe) {
		return err
	}
	where := o.name
	if where == "" {
		where = "standard output"
	}
	return &exitError{code: exitFailure, what: "write output", where: where, err: err}
}

// pipeWriter turns the error of a pipe whose reader is gone into errClosedPipe.
type pipeWriter struct{ w io.Writer }

func (p pipeWriter) Write(b []byte) (int, error) {
	n, err := p.w.Write(b)
	if errors.Is(err, syscall.EPIPE) || errors.Is(err, io.ErrClosedPipe) {
		err = errClosedPipe
	}
	return n, err
}

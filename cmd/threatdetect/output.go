package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"syscall"
)

// errClosedPipe says that whoever read our output has seen enough. It ends a command quietly, with success.
var errClosedPipe = errors.New("closed pipe")

// output is where a command writes its data: standard output, a device or pipe, or a file that appears under its name only
// when it is whole.
type output struct {
	*bufio.Writer
	file      *os.File // nil for standard output
	name      string   // as the user gave it
	temporary string   // name of file until it is whole; "" for a device or pipe
	target    string   // behind the links of name
}

const outputBuffer = 64 << 10 // bytes

// createOutput opens the output; name "" or "-" is standard output.
func (a *app) createOutput(name string) (*output, error) {
	if name == "" || name == "-" {
		return &output{Writer: bufio.NewWriterSize(a.stdout, outputBuffer)}, nil
	}
	o := &output{name: name, target: name}
	err := o.create()
	if err != nil {
		if file, ok := errors.AsType[*fs.PathError](err); ok {
			err = file.Err // which speaks of the temporary name
		}
		return nil, &exitError{code: exitFailure, what: "create output", where: name, err: err}
	}
	o.Writer = bufio.NewWriterSize(&pipeWriter{w: o.file}, outputBuffer)
	return o, nil
}

// create opens the file: what is there and no regular file is written to as it is; else a temporary file in the same folder,
// with the permissions of the file that it will replace, or those of any new file.
func (o *output) create() error {
	mode := fs.FileMode(0o666)
	if info, err := os.Stat(o.name); err == nil {
		if info.IsDir() {
			return errors.New("is a directory")
		}
		if !info.Mode().IsRegular() {
			o.file, err = os.OpenFile(o.name, os.O_WRONLY, 0)
			return err
		}
		mode = info.Mode().Perm()
	}
	if target, err := filepath.EvalSymlinks(o.name); err == nil {
		o.target = target
	}
	for range 100 {
		o.temporary = filepath.Join(filepath.Dir(o.target), fmt.Sprintf(".%s.%08x", filepath.Base(o.target), rand.Uint32()))
		var err error
		if o.file, err = os.OpenFile(o.temporary, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode); !errors.Is(err, fs.ErrExist) {
			return err
		}
	}
	return errors.New("no temporary name is free")
}

// end writes what is buffered. A file gets its name if it is whole, and disappears if it is not.
func (o *output) end(whole bool) error {
	if !whole && o.temporary != "" {
		o.discard()
		return nil
	}
	if err := o.Flush(); err != nil {
		o.discard()
		return o.failed(err)
	}
	if o.file == nil {
		return nil
	}
	var err error
	if o.temporary != "" {
		err = o.file.Sync()
	}
	if err2 := o.file.Close(); err == nil {
		err = err2
	}
	if err == nil && o.temporary != "" {
		err = os.Rename(o.temporary, o.target)
	}
	if err != nil {
		o.discard()
		return o.failed(err)
	}
	return nil
}

// commit ends a run that did everything.
func (o *output) commit() error { return o.end(true) }

// discard drops a file that is not to appear. It does nothing to standard output.
func (o *output) discard() {
	if o.file == nil {
		return
	}
	o.file.Close()
	if o.temporary != "" {
		os.Remove(o.temporary)
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

// pipeWriter turns the error of a pipe whose reader is gone into errClosedPipe, and keeps the first error.
type pipeWriter struct {
	w   io.Writer
	err error
}

func (p *pipeWriter) Write(b []byte) (int, error) {
	n, err := p.w.Write(b)
	if errors.Is(err, syscall.EPIPE) || errors.Is(err, io.ErrClosedPipe) {
		err = errClosedPipe
	}
	if p.err == nil {
		p.err = err
	}
	return n, err
}

package main

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"syscall"

	"threatdetect/features"
	"threatdetect/inference/rows"
	"threatdetect/model"
)

// The exit codes of every command.
const (
	exitFailure  = 1  // a failure at run time
	exitUsage    = 2  // wrong usage
	exitModel    = 3  // the model, bundle or archive was rejected
	exitInput    = 4  // the input does not fit the model or contract
	exitSkipped  = 5  // done, but records were skipped for a fault
	exitThreat   = 10 // --fail-on-threat was given and a threat was found
	exitSignaled = 128
)

// exitError ends a command with an exit code. It prints as WHAT: WHERE: WHY.
type exitError struct {
	code        int
	what, where string
	err         error
}

func (e *exitError) Error() string {
	s := e.what
	if e.where != "" {
		s += ": " + e.where
	}
	if e.err != nil {
		s += ": " + e.err.Error()
	}
	return s
}

func (e *exitError) Unwrap() error { return e.err }

func usagef(format string, args ...any) error {
	return &exitError{code: exitUsage, what: "usage", err: fmt.Errorf(format, args...)}
}

// laterf is the answer to an option that the command line has and this version does not.
func laterf(format string, args ...any) error {
	return usagef(format+" comes with a later version of threatdetect", args...)
}

const s3 = "s3://"

// modelError is the end of a command whose model could not be used. A file that cannot be opened is a failure at run
// time; anything else speaks against the model.
func modelError(path string, err error) error {
	if strings.HasPrefix(path, s3) {
		return laterf("%s: reading from S3", path)
	}
	e := &exitError{code: exitModel, what: "load model", where: path, err: err}
	if file, ok := errors.AsType[*fs.PathError](err); ok {
		e.code, e.err = exitFailure, file.Err
	} else if parse, ok := errors.AsType[*model.ParseError](err); ok {
		bare := *parse
		bare.Source = ""
		e.err = errors.New(strings.TrimPrefix(bare.Error(), "model: "))
		if parse.Source != "" {
			e.where = parse.Source
		}
	} else {
		e.err = errors.New(strings.TrimPrefix(err.Error(), path+": "))
	}
	return e
}

// inputError is the end of a command whose input could not be used; where is the file, with the line if there is one.
func inputError(where string, err error) error {
	if strings.HasPrefix(where, s3) {
		return laterf("%s: reading from S3", where)
	}
	e := &exitError{code: exitFailure, what: "read input", where: where, err: err}
	var pathError *fs.PathError
	switch {
	case errors.As(err, &pathError):
		e.err = pathError.Err
	case errors.Is(err, features.ErrFormat), errors.Is(err, features.ErrContract), errors.Is(err, rows.ErrShape), errors.Is(err, rows.ErrSyntax):
		e.code = exitInput
	}
	return e
}

// misfit is the end of a command whose input can be read, but is not what the command needs.
func misfit(where, format string, args ...any) error {
	return &exitError{code: exitInput, what: "read input", where: where, err: fmt.Errorf(format, args...)}
}

// interrupted is the end of a command that a signal stopped.
func (a *app) interrupted() error {
	s := syscall.Signal(a.signal.Load())
	return &exitError{code: exitSignaled + int(s), what: "stopped", err: errors.New("signal: " + s.String())}
}

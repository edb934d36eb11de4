package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/spf13/pflag"

	"threatdetect/features"
)

// stateFlags carry what a set of features remembers from one run to the next.
type stateFlags struct {
	file string
	last bool
}

func (s *stateFlags) add(flags *pflag.FlagSet) {
	flags.StringVar(&s.file, "state", "", "for a set that remembers flows: go on with the state in this file, if there is one, and leave it there at the end")
	flags.BoolVar(&s.last, "last", false, "with --state: the log ends with this run, so flows that wait for stragglers come out now instead of in the next run")
}

// check refuses flags that do not fit the set.
func (s *stateFlags) check(set *features.Set) error {
	switch {
	case s.last && s.file == "":
		return usagef("--last goes with --state")
	case s.file != "" && !set.Stateful:
		return usagef("--state: set %s remembers nothing", set.Name)
	}
	return nil
}

// restore hands the file to f, if there is one.
func (s *stateFlags) restore(f func(io.Reader) error) error {
	if s.file == "" {
		return nil
	}
	text, err := os.ReadFile(s.file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return &exitError{code: exitFailure, what: "read state", where: s.file, err: errors.Unwrap(err)}
	}
	if err := f(bytes.NewReader(text)); err != nil {
		return &exitError{code: exitInput, what: "read state", where: s.file, err: fmt.Errorf("%w; remove the file to begin anew", err)}
	}
	return nil
}

// finishes reports whether all that waits is to come out at the end.
func (s *stateFlags) finishes() bool { return s.file == "" || s.last }

// save leaves the state in the file, whole or not at all.
func (s *stateFlags) save(write func(io.Writer) error) error {
	if s.file == "" {
		return nil
	}
	fail := func(err error) error {
		return &exitError{code: exitFailure, what: "write state", where: s.file, err: err}
	}
	f, err := os.CreateTemp(filepath.Dir(s.file), "."+filepath.Base(s.file)+".*") // which nobody else may read
	if err != nil {
		return fail(err)
	}
	err = write(f)
	if err == nil {
		err = f.Sync()
	}
	if err2 := f.Close(); err == nil {
		err = err2
	}
	if err == nil {
		err = os.Rename(f.Name(), s.file)
	}
	if err != nil {
		os.Remove(f.Name())
		return fail(err)
	}
	return nil
}

package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"threatdetect/features"
)

// stateFlags carry what a set of features remembers from one run to the next.
type stateFlags struct {
	file   string
	last   bool
	memory int // MiB
	secret bool

	told int // pressures that were printed
}

func (s *stateFlags) add(flags *pflag.FlagSet) {
	flags.StringVar(&s.file, "state", "", "for a set that remembers flows: go on with the state in this file, if there is one, and leave it there at the end")
	flags.IntVar(&s.memory, "memory", features.DefaultBudget>>20, "for a set that remembers hosts: how many MiB that may take; a state goes on with the same memory only")
	flags.BoolVar(&s.secret, "secret-hashes", false, "for a set that remembers hosts: hash by a secret that is new in every run, so that nobody can choose addresses and names which hide in filters and estimates; estimated columns then differ a little from run to run, but a state takes its secret along")
	flags.BoolVar(&s.last, "last", false, "with --state: the log ends with this run, so flows that wait for stragglers come out now instead of in the next run")
}

// check refuses flags that do not fit the set.
func (s *stateFlags) check(set *features.Set) error {
	switch {
	case s.memory < features.MinBudget>>20 || s.memory > maxMemory:
		return usagef("--memory %d: want %d to %d MiB", s.memory, features.MinBudget>>20, maxMemory)
	case s.last && s.file == "":
		return usagef("--last goes with --state")
	case s.secret && !set.Stateful:
		return usagef("--secret-hashes: set %s remembers nothing", set.Name)
	case s.file != "" && !set.Stateful:
		return usagef("--state: set %s remembers nothing", set.Name)
	}
	return nil
}

// maxMemory bounds --memory, in MiB.
const maxMemory = 64 << 10

// maxTold is how many warnings of pressure are printed.
const maxTold = 10

// options are those of the run. A record from the future must not drive out what is remembered; flow-context/1 alone is laid
// down without a clock.
func (s *stateFlags) options(a *app, set *features.Set) *features.StateOptions {
	if set.Joins {
		collectEarly(joinGarbage)
	}
	o := &features.StateOptions{Budget: s.memory << 20}
	if set.Name != "flow-context/1" {
		o.Now = features.WallClock()
	}
	if s.secret {
		o.Seed = [2]uint64{rand.Uint64(), rand.Uint64()}
	}
	o.OnPressure = func(p features.Pressure) {
		if s.told++; s.told > maxTold {
			return
		}
		nets := make([]string, len(p.Prefixes))
		for i, prefix := range p.Prefixes {
			nets[i] = prefix.String()
		}
		a.printf("state_pressure: %s: %d of what is remembered of hosts had to go for %d flows of a minute, most of it of %s; --memory %d is too little for exact columns\n",
			time.Unix(0, p.Time).UTC().Format(time.RFC3339), p.Evicted, p.Flows, strings.Join(nets, " "), s.memory)
	}
	return o
}

// older is the state before the one in the file: what is gone on with if that was damaged.
func (s *stateFlags) older() string { return s.file + ".old" }

// restore hands the file to f, if there is one. If it is damaged, or went missing, the older one is taken.
func (s *stateFlags) restore(a *app, f func(io.Reader) error) error {
	if s.file == "" {
		return nil
	}
	bad := s.restoreFrom(s.file, f)
	missing := errors.Is(bad, fs.ErrNotExist)
	if bad == nil || !missing && !errors.Is(bad, features.ErrStateDamaged) {
		return bad
	}
	switch err := s.restoreFrom(s.older(), f); {
	case err == nil && missing:
		a.printf("warning: %s: no such file, %s is gone on with\n", s.file, s.older())
		return nil
	case err == nil:
		a.printf("warning: %s is damaged, %s is gone on with: %s\n", s.file, s.older(), oneLine(errors.Unwrap(bad).Error()))
		return nil
	case missing && errors.Is(err, fs.ErrNotExist):
		return nil // the first run
	case missing:
		return err
	}
	return bad
}

func (s *stateFlags) restoreFrom(file string, f func(io.Reader) error) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return &exitError{code: exitFailure, what: "read state", where: file, err: errors.Unwrap(err)}
	}
	if err := f(bytes.NewReader(text)); err != nil {
		return &exitError{code: exitInput, what: "read state", where: file, err: fmt.Errorf("%w; remove the file to begin anew", err)}
	}
	return nil
}

// finishes reports whether all that waits is to come out at the end.
func (s *stateFlags) finishes() bool { return s.file == "" || s.last }

// save leaves the state in the file, whole or not at all, and the one before it beside it.
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
		if err = os.Rename(s.file, s.older()); errors.Is(err, fs.ErrNotExist) {
			err = nil
		}
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

package batch

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"

	"threatdetect/features/auto"
)

// log is one input with its outputs.
type log struct {
	in *input
	p  progress // as it will be in the next commit

	out, rejects partial
	touched      bool // since the last commit
	named        bool // the outputs have their names
	failed       error
	stop         atomic.Bool // it failed: no more of it is to be read

	// Of a set that remembers flows: how many went in, and how many came out.
	pushed, emitted int64
	allPushed       bool  // no more go in
	ended           bool  // and all have come out
	first           int64 // when the first flow ended
}

// resume takes over what an earlier run left.
func (j *Job) resume() error {
	if j.opts.Restart {
		return j.restart()
	}
	was, commits, length, err := readJournal(j.disk, j.dir)
	if err != nil {
		if _, ok := errors.AsType[*FileError](err); !ok {
			err = &FileError{"read journal", filepath.Join(j.dir, journalName), bare(err)}
		}
		return err
	}
	if was == nil {
		return j.fresh()
	}
	if diff := j.config.diff(was); diff != "" {
		return &FileError{"read journal", filepath.Join(j.dir, journalName), fmt.Errorf("%w: %s; --restart begins anew", ErrChanged, diff)}
	}
	j.length = length
	last := map[text]*progress{}
	for _, c := range commits {
		for _, p := range c.Files {
			last[p.Key] = p
		}
		j.state, j.held = c.State, c.Held
	}
	for _, l := range j.logs {
		p := last[text(l.in.key)]
		if p == nil || p.Failed != "" {
			continue
		}
		if l.in.once() {
			if p.Done {
				return &FileError{"read input", l.in.name, fmt.Errorf("%w: it cannot be read twice, and its output is there; --restart begins anew", ErrChanged)}
			}
			continue
		}
		if err := l.in.check(p.Input); err != nil {
			return fmt.Errorf("%w; --restart begins anew", err)
		}
		l.p = *p
		j.resumed = true
	}
	if j.set.Stateful {
		if err := j.checkState(); err != nil {
			return err
		}
		return j.checkOrder()
	}
	return nil
}

// checkState makes sure that the state of the last record is there. It is not if a record that was durable is lost: its state had taken the place of
// the one before.
func (j *Job) checkState() error {
	if j.state == "" || j.Finished() {
		return nil
	}
	name := filepath.Join(j.dir, j.state)
	ok, err := j.disk.Exists(name)
	if err == nil && !ok {
		err = fmt.Errorf("%w: it is gone; --restart begins anew", ErrJournal)
	}
	if err != nil {
		return &FileError{"read state", name, bare(err)}
	}
	return nil
}

// fresh checks that no output of an unknown origin would be lost.
func (j *Job) fresh() error {
	for _, l := range j.logs {
		for _, name := range []string{j.outName(l.in.key), j.rejectsName(l.in.key)} {
			if j.bucket != nil {
				continue // an object is replaced as a whole; so it was meant to be
			}
			ok, err := j.disk.Exists(name)
			if err == nil && ok {
				err = fmt.Errorf("%w; --restart replaces it", ErrExists)
			}
			if err != nil {
				return &FileError{"create output", name, bare(err)}
			}
		}
	}
	return nil
}

// restart drops the journal. Partial files are dropped when a run begins, as for every log that the journal does not speak of.
func (j *Job) restart() error {
	name := filepath.Join(j.dir, journalName)
	err := j.disk.Remove(name)
	if err == nil {
		err = j.disk.SyncDir(j.dir)
	}
	if err != nil {
		return &FileError{"write journal", name, bare(err)}
	}
	return nil
}

// checkOrder makes sure that what a set remembers is of the logs ahead of those that are still to be read.
func (j *Job) checkOrder() error {
	last := len(j.logs) - 1
	for last >= 0 && j.logs[last].p.Format == "" {
		last--
	}
	for _, l := range j.logs[:max(last, 0)] {
		if !l.p.Read {
			return &FileError{"read input", l.in.name, fmt.Errorf("%w: set %s needs the logs in order of time, and this one is of before others that are done; --restart begins anew",
				ErrChanged, j.set.Name)}
		}
	}
	return nil
}

// orderByTime puts logs in order of the end of their first flows. Logs without flows come first.
func (j *Job) orderByTime(ctx context.Context) error {
	for _, l := range j.logs {
		l.first = math.MinInt64
		if l.in.once() {
			if len(j.logs) > 1 {
				return fmt.Errorf("%w: set %s needs the logs in order of time; %s cannot be among several", ErrInputs, j.set.Name, l.in.name)
			}
			return nil
		}
		r, err := l.in.open(ctx, 0)
		if err != nil {
			return &FileError{"read input", l.in.name, bare(err)}
		}
		src := &source{r: r}
		for f, err := range auto.Read(src, j.readOptions()) {
			if err == nil {
				l.first = f.End()
				break
			}
		}
		r.Close()
		if src.err != nil {
			return &FileError{"read input", l.in.name, bare(src.err)}
		}
	}
	slices.SortStableFunc(j.logs, func(a, b *log) int {
		return cmp.Or(cmp.Compare(a.first, b.first), strings.Compare(a.in.name, b.in.name))
	})
	return nil
}

func (j *Job) readOptions() *auto.Options {
	return &auto.Options{Format: j.opts.Format, Fields: j.opts.Fields, Pointer: j.opts.Pointer, Parquet: j.opts.ReadParquet}
}

// repair brings the folder of outputs to what the journal says: partial files of the right length, outputs that are whole under their
// names, and nothing else.
func (j *Job) repair(ctx context.Context) error {
	var done []*log
	for _, l := range j.logs {
		if l.p.Done {
			done = append(done, l)
		}
	}
	if err := j.publish(ctx, done); err != nil {
		return err
	}
	for _, l := range j.logs {
		if l.p.Done {
			continue
		}
		for _, e := range []struct {
			p      *partial
			name   string
			extent *extent
		}{{&l.out, j.outName(l.in.key), &l.p.Out}, {&l.rejects, j.rejectsName(l.in.key), &l.p.Rejects}} {
			*e.p = partial{disk: j.disk, name: e.name + partialEnd}
			if err := j.takeBack(e.name, e.extent); err != nil {
				return err
			}
			if err := e.p.repair(e.extent); err != nil {
				return err
			}
		}
		if err := j.disk.Remove(j.outName(l.in.key) + convertedEnd); err != nil {
			return &FileError{"write output", j.outName(l.in.key) + convertedEnd, bare(err)}
		}
	}
	names, err := j.disk.Names(j.dir)
	if err != nil {
		return &FileError{"read output", j.dir, bare(err)}
	}
	for _, name := range names {
		if strings.HasPrefix(name, statePrefix) && name != j.state || name == journalName+".new" {
			name = filepath.Join(j.dir, name)
			if err := j.disk.Remove(name); err != nil {
				return &FileError{"write output", name, bare(err)}
			}
		}
	}
	return nil
}

// takeBack makes a partial file of an output that got its name by a record that is lost: the journal was damaged.
func (j *Job) takeBack(name string, e *extent) error {
	if e.Length == 0 || j.bucket != nil || j.opts.Convert != nil {
		return nil
	}
	partial, err := j.disk.Exists(name + partialEnd)
	if err == nil && !partial {
		var whole bool
		if whole, err = j.disk.Exists(name); err == nil && whole {
			err = j.disk.Rename(name, name+partialEnd)
		}
	}
	if err != nil {
		return &FileError{"write output", name, bare(err)}
	}
	return nil
}

// repair cuts a partial file back to what was committed.
func (p *partial) repair(e *extent) error {
	fail := func(err error) error { return &FileError{"write output", p.name, bare(err)} }
	p.length, p.from = e.Length, e.Length
	ok, err := p.disk.Exists(p.name)
	switch {
	case err != nil:
		return fail(err)
	case e.Length == 0 && ok: // an orphan, or nothing was written
		if err := p.disk.Remove(p.name); err != nil {
			return fail(err)
		}
		return nil
	case e.Length == 0:
		return nil
	case !ok:
		return fail(fmt.Errorf("%w: it is gone; --restart begins anew", ErrJournal))
	}
	if p.f, err = p.disk.OpenFile(p.name); err != nil {
		return fail(err)
	}
	size, err := p.f.Size()
	if err != nil {
		return fail(err)
	}
	if size < e.Length {
		return fail(fmt.Errorf("%w: it has %d bytes, and had %d; --restart begins anew", ErrJournal, size, e.Length))
	}
	h := sha256.New()
	if _, err := io.Copy(h, io.NewSectionReader(p.f, e.From, e.Length-e.From)); err != nil {
		return fail(err)
	}
	if e.Length > e.From && hex.EncodeToString(h.Sum(nil)) != e.Digest {
		return fail(fmt.Errorf("%w: its content is not what was written; --restart begins anew", ErrJournal))
	}
	if err := p.f.Cut(e.Length); err != nil {
		return fail(err)
	}
	return nil
}

package batch

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"threatdetect/features"
)

// writer takes the results of tasks in order, writes them, and commits. It has one owner at a time: with a set that remembers flows the goroutine that calls Run,
// else the worker that is done with the task that is next, whose core has what is to be written in its cache.
type writer struct {
	run    *run
	cancel context.CancelCauseFunc
	header []byte // of standard output, until it is written: files have it from workers
	failed error  // of the first task that could not be written; those behind it are dropped

	mutex sync.Mutex // of workers
	head  *task      // that is next, and was not ready

	bytes   int64     // of the unit
	began   time.Time // of the unit
	touched []*log
	pending int   // logs that are done, or failed, and wait for the commit
	asked   bool  // for a state, for the next commit
	states  int   // to number files of states
	inWork  *unit // that is being committed
	results chan error
}

// unit is what one commit is about.
type unit struct {
	record commit
	sync   []*partial
	dirs   map[string]bool // whose names have to be durable ahead of the record
	ended  []*log          // whose partial files have got their last byte
	state  []byte          // to be saved under record.State
}

// maxPending is how many logs may be done before there is a commit.
const maxPending = 128

// writeReady writes the results that are ready and next. Every worker calls it when it is done with a task, so that none is left.
func (w *writer) writeReady() {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	for {
		if w.head == nil {
			select {
			case w.head = <-w.run.order:
			default:
				return
			}
		}
		select {
		case <-w.head.ready:
			w.write(w.head)
			w.head = nil
		default:
			return
		}
	}
}

// write writes the result of a task, unless one before it could not be.
func (w *writer) write(t *task) {
	if w.failed != nil {
		return
	}
	if w.failed = w.take(t); w.failed != nil {
		w.cancel(w.failed)
	}
}

// take writes the result of a task.
func (w *writer) take(t *task) error {
	l := t.log
	if l == nil && t.err != nil {
		return t.err
	}
	if l != nil && l.failed == nil {
		if reading, ok := errors.AsType[*inputError](t.err); ok {
			return &FileError{"read input", l.in.name, reading.error}
		}
		if t.err != nil {
			if err := w.fail(l, t.err); err != nil {
				return err
			}
		} else {
			l.p.At, l.p.Steps, l.p.Format, l.p.Plain = place(t.at), l.p.Steps+t.steps, t.format, t.plain
			l.p.Account.addRead(&t.account)
			w.touch(l)
			if err := w.judge(l, t); err != nil {
				return err
			}
		}
	}
	for i := range t.parts {
		if err := w.part(&t.parts[i]); err != nil {
			return err
		}
	}
	if l != nil && l.failed == nil && t.last {
		l.p.Read = true
	}
	for _, l := range t.ended {
		if l.failed == nil {
			l.p.Done = true
			w.touch(l)
			w.pending++
		}
	}
	if t.state != nil {
		return w.commit(t)
	}
	if !w.due() {
		return nil
	}
	if w.run.job.set.Stateful {
		if !w.asked {
			w.asked = true
			w.run.wantState.Store(true)
		}
		return nil
	}
	return w.commit(t)
}

func (w *writer) due() bool {
	o := &w.run.job.opts
	return w.bytes >= o.UnitBytes || w.pending >= maxPending || time.Since(w.began) >= o.UnitTime
}

func (w *writer) touch(l *log) {
	if !l.touched {
		l.touched = true
		w.touched = append(w.touched, l)
	}
}

// part writes what a task has for one log.
func (w *writer) part(p *part) error {
	l := p.log
	if l.failed != nil {
		return nil
	}
	w.touch(l)
	l.p.Account.add(&p.account)
	w.bytes += int64(len(p.out) + len(p.rejects))
	if w.run.stdout != nil {
		out := p.out
		if w.header != nil {
			out, w.header = append(w.header, out...), nil
		}
		if _, err := w.run.stdout.Write(out); err != nil {
			return &FileError{"write output", "standard output", err}
		}
		return nil
	}
	if err := l.out.write(p.out); err != nil {
		return err
	}
	if out := p.out; cap(out) <= maxOut {
		w.run.outs.Put(&out)
	}
	return l.rejects.write(p.rejects)
}

// judge decides whether a log is one that can be read, by what was read of it so far.
func (w *writer) judge(l *log, t *task) error {
	a := l.p.Account.public()
	lost, o := a.Lost(), &w.run.job.opts
	switch {
	case o.Strict && lost > 0:
		return &FileError{"read input", l.in.name, fmt.Errorf("%w: %s", ErrStrict, t.lost)}
	case t.last && a.Unreadable():
		return w.fail(l, fmt.Errorf("%w: all %d records are malformed, cut off or of a wrong number of fields", features.ErrFormat, a.Records))
	case a.Records >= badRatioFrom && float64(lost) > o.MaxBadRatio*float64(a.Records):
		return w.fail(l, fmt.Errorf("%w: %d of the first %d", ErrUnreadable, lost, a.Records))
	}
	return nil
}

// fail gives a log up, and goes on with the others. A set that remembers flows cannot go on without it, and so does not where it had some.
func (w *writer) fail(l *log, err error) error {
	l.failed = err
	l.stop.Store(true)
	j := w.run.job
	if j.opts.OnFailed != nil {
		j.opts.OnFailed(l.in.name, err)
	}
	w.run.failed = append(w.run.failed, Failure{l.in.name, err})
	if j.opts.Strict || j.set.Stateful {
		return &FileError{"read input", l.in.name, err}
	}
	l.p = progress{Key: text(l.in.key), Failed: err.Error()}
	w.touch(l)
	w.pending++
	return nil
}

// commit makes what was written durable, in the background: it waits for the commit before this one. t is the task behind which it is.
func (w *writer) commit(t *task) error {
	if w.run.stdout != nil {
		w.restart()
		return nil
	}
	if err := w.wait(); err != nil {
		return err
	}
	if len(w.touched) == 0 && (t == nil || t.state == nil) {
		w.restart()
		return nil
	}
	u := &unit{dirs: map[string]bool{}}
	for _, l := range w.touched {
		l.touched = false
		for _, p := range []*partial{&l.out, &l.rejects} {
			if p.f == nil || l.failed != nil {
				continue
			}
			u.sync = append(u.sync, p)
			if p.made {
				u.dirs[filepath.Dir(p.name)], p.made = true, false
			}
		}
		if l.failed == nil {
			l.p.Out, l.p.Rejects = l.out.cut(), l.rejects.cut()
			at := int64(-1)
			if l.p.Plain && !l.p.Read {
				at = l.p.At.Offset
			}
			var err error
			if l.p.Input, err = l.in.identify(at); err != nil {
				return &FileError{"read input", l.in.name, bare(err)}
			}
		}
		if l.p.Done || l.failed != nil {
			u.ended = append(u.ended, l)
		}
		p := l.p
		p.Account.Skipped = nil
		p.Account.add(&account{Skipped: l.p.Account.Skipped}) // a map of its own
		u.record.Files = append(u.record.Files, &p)
	}
	if t != nil && t.state != nil {
		w.states++
		u.record.State = fmt.Sprintf("%s%d", statePrefix, w.run.stateNumber+w.states)
		u.record.Held, u.state = t.held, t.state
	}
	w.restart()
	w.inWork = u
	go func() { w.results <- w.run.job.commit(w.run.ctx, u) }()
	return nil
}

func (w *writer) restart() {
	w.touched, w.bytes, w.pending, w.began = w.touched[:0], 0, 0, time.Now()
	w.asked = false
}

// wait waits for the commit that is in work.
func (w *writer) wait() error {
	if w.inWork == nil {
		return nil
	}
	err := <-w.results
	w.inWork = nil
	return err
}

// commit makes a unit durable: its data, then its record, then the names of what is whole.
func (j *Job) commit(ctx context.Context, u *unit) error {
	if err := syncFiles(u.sync); err != nil {
		return err
	}
	if err := j.syncFolders(u.dirs); err != nil {
		return err
	}
	if u.state != nil {
		name := filepath.Join(j.dir, u.record.State)
		if err := j.disk.Remove(name); err != nil {
			return &FileError{"write state", name, bare(err)}
		}
		if err := writeFile(j.disk, name, u.state); err != nil {
			return &FileError{"write state", name, bare(err)}
		}
	}
	if err := j.journal.append(&u.record); err != nil {
		return err
	}
	if u.state != nil && j.state != "" && j.state != u.record.State {
		if err := j.disk.Remove(filepath.Join(j.dir, j.state)); err != nil {
			return &FileError{"write state", filepath.Join(j.dir, j.state), bare(err)}
		}
	}
	if u.state != nil {
		j.state = u.record.State
	}
	for _, l := range u.ended {
		for _, p := range []*partial{&l.out, &l.rejects} {
			if p.f == nil {
				continue
			}
			err := p.f.Close()
			p.f = nil
			if err != nil {
				return &FileError{"write output", p.name, bare(err)}
			}
		}
	}
	if err := j.publish(ctx, u.ended); err != nil && err != context.Cause(ctx) {
		return err
	}
	return nil // what has no name yet is whole, as the record says: the next run names it
}

// maxSyncs is how many files are synced at a time: a file system makes one write of what several ask for.
const maxSyncs = 16

// syncFiles makes what was written durable. A file that could not be synced once must not be believed by a later try: what is behind the last record is
// written again.
func syncFiles(partials []*partial) error {
	failed := make([]error, len(partials))
	var next atomic.Int64
	var all sync.WaitGroup
	for range min(len(partials), maxSyncs) {
		all.Go(func() {
			for i := next.Add(1) - 1; i < int64(len(partials)); i = next.Add(1) - 1 {
				if err := partials[i].f.Sync(); err != nil {
					failed[i] = &FileError{"write output", partials[i].name, bare(err)}
					return
				}
			}
		})
	}
	all.Wait()
	return cmp.Or(failed...)
}

// syncFolders makes the names in folders durable, and those of the folders above them up to that of the outputs.
func (j *Job) syncFolders(dirs map[string]bool) error {
	all := map[string]bool{}
	for dir := range dirs {
		for !all[dir] {
			all[dir] = true
			rel, err := filepath.Rel(j.dir, dir)
			if err != nil || rel == "." || !filepath.IsLocal(rel) {
				break
			}
			dir = filepath.Dir(dir)
		}
	}
	for dir := range all {
		if err := j.disk.SyncDir(dir); err != nil {
			return &FileError{"write output", dir, bare(err)}
		}
	}
	return nil
}

var errGone = errors.New("it was written, and is gone; --restart begins anew")

package batch

import (
	"context"
	"fmt"
	"io"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"threatdetect/features"
	"threatdetect/features/auto"
)

// task is a piece of a log on its way: read, worked on, written. It has one owner at a time.
type task struct {
	log    *log
	first  bool // of its log in all runs
	last   bool // of its log
	piece  *auto.Piece
	flows  *flows // in place of piece, where a log cannot be split
	at     auto.Position
	format auto.Format
	plain  bool
	err    error // why the log cannot be read on

	ready chan struct{} // closed when the worker is done with it

	// What the worker makes of it:
	steps   int64
	account features.Account // of what was read
	lost    string           // the first record that was skipped for a fault
	parts   []part
	ended   []*log // logs whose last row is in parts

	// Behind the task, for a commit: what a set remembers.
	state []byte
	held  []held
}

// part is what a task has for one log.
type part struct {
	log          *log
	out, rejects []byte
	account      account // of what is written
}

// run is one Run of a job.
type run struct {
	job    *Job
	ctx    context.Context
	stdout io.Writer // in place of files
	failed []Failure

	order   chan *task // the tasks that were given out, to whoever takes them in order
	readers sync.WaitGroup
	outs    sync.Pool // *[]byte: memory of parts that were written
	flows   sync.Pool // *flows that were judged

	wantState   atomic.Bool
	stateNumber int
	seq         *sequence // of a set that remembers flows
}

// Run scores what is not scored yet. When ctx is done it writes and commits what was read, and returns the cause. Any other error leaves outputs
// that a new job goes on with. The report is of all that has been done so far, in each case.
func (j *Job) Run(ctx context.Context) (*Report, error) {
	report := func(r *run) *Report {
		rep := j.report()
		if r != nil {
			rep.Failed = r.failed
			if r.seq != nil {
				rep.Stats = r.seq.block.Stats()
			}
		}
		return rep
	}
	done := 0
	for _, l := range j.logs {
		if l.p.Done {
			done++
		}
	}
	r := &run{job: j}
	if j.dir == "" {
		r.stdout = j.opts.Stdout
	} else if err := j.begin(ctx); err != nil {
		j.closePartials() // there is an error already
		return report(nil), err
	}
	err := r.run(ctx)
	rep := report(r)
	rep.Done = done
	if err == nil {
		err = j.balance()
	}
	return rep, err
}

// begin brings files in order and opens the journal.
func (j *Job) begin(ctx context.Context) error {
	if err := j.repair(ctx); err != nil {
		return err
	}
	if j.Finished() {
		return nil
	}
	var err error
	j.journal, err = openJournal(j.disk, j.dir, j.config, j.length)
	return err
}

func (r *run) run(ctx context.Context) error {
	j := r.job
	if j.Finished() {
		return nil
	}
	if n, ok := strings.CutPrefix(j.state, statePrefix); ok {
		r.stateNumber, _ = strconv.Atoi(n)
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer func() {
		cancel(nil)
		r.readers.Wait() // nothing is read any more once the run is over
	}()
	r.ctx = ctx
	r.order = make(chan *task, 2*j.opts.Workers+2)
	if j.set.Stateful {
		var err error
		if r.seq, err = newSequence(r); err != nil {
			return err
		}
	}
	workers := make([]*worker, j.opts.Workers)
	for i := range workers {
		var err error
		if workers[i], err = newWorker(r); err != nil {
			return err
		}
	}
	w := &writer{run: r, cancel: cancel, results: make(chan error, 1), began: time.Now()}
	if r.stdout != nil {
		l, err := j.layout()
		if err != nil {
			return err
		}
		w.header = l.AppendHeader(nil)
	}
	tasks := newFeed(r)
	var all sync.WaitGroup
	for _, k := range workers {
		all.Go(func() {
			for t := tasks.next(); t != nil; t = tasks.next() {
				k.do(t)
				close(t.ready)
				if r.seq == nil {
					w.writeReady()
				}
			}
		})
	}
	if r.seq != nil {
		sorted := make(chan *task, 2)
		go r.seq.follow(r.order, sorted)
		go func() {
			all.Wait()
			close(r.order)
		}()
		for t := range sorted {
			w.write(t)
		}
	}
	all.Wait()
	tasks.close()
	failed := w.failed
	if failed == nil {
		failed = w.commit(nil)
	}
	if err := w.wait(); failed == nil {
		failed = err
	}
	if err := j.closePartials(); failed == nil {
		failed = err
	}
	if failed != nil {
		return failed
	}
	return context.Cause(ctx)
}

// closePartials closes what is open of outputs that are not whole, all of it whatever fails. What counts of it was synced.
func (j *Job) closePartials() (failed error) {
	for _, l := range j.logs {
		for _, p := range []*partial{&l.out, &l.rejects} {
			if p.f == nil {
				continue
			}
			err := p.f.Close()
			if p.f = nil; err != nil && failed == nil {
				failed = &FileError{"write output", p.name, bare(err)}
			}
		}
	}
	return failed
}

func (j *Job) report() *Report {
	r := &Report{}
	var sum account
	for _, l := range j.logs {
		if l.failed != nil {
			continue
		}
		sum.add(&l.p.Account)
		if l.named || j.dir == "" && l.p.Done {
			r.Files++
			r.Bytes += l.in.size
		}
	}
	r.Account, r.Written = sum.public(), sum.Written
	if j.dir != "" { // beside standard output there is no such file
		r.Rejects = sum.Rejects
	}
	return r
}

// balance checks that every record became exactly what it should.
func (j *Job) balance() error {
	for _, l := range j.logs {
		if !l.p.Done {
			continue
		}
		a := &l.p.Account
		var skipped int64
		for _, n := range a.Skipped {
			skipped += n
		}
		if a.Records != a.Flows+skipped || a.Rejects != skipped || j.opts.All && a.Written != a.Rows || !j.opts.All && a.Written != a.Threats {
			return &FileError{"check output", l.in.key, fmt.Errorf("%d records, but %d flows, %d rows, %d lines written, %d skipped, %d of them told: please report this",
				a.Records, a.Flows, a.Rows, a.Written, skipped, a.Rejects)}
		}
	}
	return nil
}

// add counts what was read.
func (t *task) add(f *features.Flow, err error) error {
	t.steps++
	return t.account.Add(f, err)
}

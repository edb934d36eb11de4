package batch

import (
	"errors"
	"fmt"
	"io"

	"threatdetect/features"
	"threatdetect/features/auto"
)

// flows are the flows of a part of a log that cannot be split, with what was skipped among them. They are copies.
type flows struct {
	list    []features.Flow
	n       int
	rejects []byte
	account account
	steps   int64
	lost    string
	large   bool // some text was long: the memory is not used again
}

// newFlows returns flows of which there are none.
func (r *run) newFlows() *flows {
	if b, ok := r.flows.Get().(*flows); ok {
		*b = flows{list: b.list}
		return b
	}
	return &flows{}
}

// release takes back the memory of flows that nobody needs any more. Each of a list keeps the memory of the longest text that it had.
func (r *run) release(b *flows) {
	if !b.large {
		r.flows.Put(b)
	}
}

// Of texts longer than maxText, and outputs of parts longer than maxOut, the memory is not kept: a hostile log could make it as large as it likes.
const (
	maxText = 256
	maxOut  = 4 << 20
)

// newOut returns memory for what is to be written.
func (r *run) newOut() []byte {
	if b, ok := r.outs.Get().(*[]byte); ok {
		return (*b)[:0]
	}
	return make([]byte, 0, outSize)
}

// outSize is for what is written of a piece of a log with few threats.
const outSize = 64 << 10

// flowsOfTask is how many flows go to a worker together.
const flowsOfTask = 2048

// noFormat stands for that of a log with nothing in it.
const noFormat auto.Format = "none"

// source is the bytes of a log as they lie there. It tells faults of reading from faults of what was read.
type source struct {
	r   io.Reader
	run *run  // nil: nobody is told
	err error // of reading
}

func (s *source) Read(p []byte) (int, error) {
	n, err := s.r.Read(p)
	if s.run != nil && s.run.job.opts.OnRead != nil {
		s.run.job.opts.OnRead(int64(n))
	}
	if err != nil && err != io.EOF {
		s.err = err
	}
	return n, err
}

// inputError is a failure to read, which ends the run, as opposed to a fault of one log.
type inputError struct{ error }

func (e *inputError) Unwrap() error { return e.error }

// read sends the tasks of one log and closes the channel. The last one says so.
func (r *run) read(l *log, to chan<- *task) {
	defer close(to)
	send := func(t *task) bool {
		t.log, t.ready = l, make(chan struct{})
		select {
		case to <- t:
			return !l.stop.Load()
		case <-r.ctx.Done():
			return false
		}
	}
	err := r.readLog(l, send)
	if err == nil || r.ctx.Err() != nil || errors.Is(err, errStop) {
		return
	}
	send(&task{err: err, last: true})
}

func (r *run) readLog(l *log, send func(*task) bool) error {
	j := r.job
	begun := l.p.Format != ""
	// A log that is not compressed can be opened where reading stopped. What it is was told from its beginning.
	if begun && l.p.Plain && !l.p.At.FromStart {
		return r.readFrom(l, send)
	}
	in, err := l.in.open(r.ctx, 0)
	if err != nil {
		return &inputError{bare(err)}
	}
	defer in.Close()
	src := &source{r: in, run: r}
	fault := func(err error) error {
		if src.err != nil {
			return &inputError{src.err}
		}
		return err
	}
	s, err := auto.NewSplitter(src, j.readOptions())
	if s != nil {
		defer s.Close()
	}
	if err != nil {
		return fault(err)
	}
	format := s.Format()
	if format == auto.Unknown {
		format = noFormat
	} else if err := j.set.CheckFormat(string(format)); err != nil {
		return fmt.Errorf("%w: %w", features.ErrContract, err)
	}
	if !s.Splits() {
		return fault(r.readWhole(l, s, format, send))
	}
	if begun {
		if err := s.Skip(l.p.At, nil); err != nil {
			return fault(err)
		}
	}
	return fault(r.readPieces(l, s, format, !l.in.once() && s.Plain() && format != noFormat, !begun, send))
}

// readFrom opens a log where reading stopped.
func (r *run) readFrom(l *log, send func(*task) bool) error {
	head, err := l.in.open(r.ctx, 0)
	if err != nil {
		return &inputError{bare(err)}
	}
	s, err := auto.NewSplitter(head, r.job.readOptions())
	head.Close()
	if err != nil {
		return err
	}
	defer func() { s.Close() }()
	in, err := l.in.open(r.ctx, l.p.At.Offset)
	if err != nil {
		return &inputError{bare(err)}
	}
	defer in.Close()
	src := &source{r: in, run: r}
	if err := s.Skip(l.p.At, src); err != nil {
		return err
	}
	if err := r.readPieces(l, s, l.p.Format, true, false, send); src.err == nil {
		return err
	}
	return &inputError{src.err}
}

func (r *run) readPieces(l *log, s *auto.Splitter, format auto.Format, plain, first bool, send func(*task) bool) error {
	at := l.p.At
	for {
		p, ok, err := s.Next()
		if err != nil {
			return err
		}
		t := &task{piece: p, format: format, plain: plain, first: first, last: !ok, at: at}
		if ok {
			t.at, at = p.End, p.End
		}
		first = false
		if !send(t) {
			return errStop
		}
		if !ok {
			return nil
		}
	}
}

// readWhole reads a log that cannot be split. What was read before is read again, and passed over.
func (r *run) readWhole(l *log, s *auto.Splitter, format auto.Format, send func(*task) bool) error {
	skip, first := l.p.Steps, l.p.Format == ""
	next := func() *task { return &task{flows: r.newFlows(), format: format} }
	t := next()
	for f, err := range s.Whole() {
		if skip > 0 && (err == nil || isRecordError(err)) {
			skip--
			continue
		}
		if err := t.flows.take(f, err); err != nil {
			return err
		}
		if t.flows.n < flowsOfTask && t.flows.steps < 2*flowsOfTask {
			continue
		}
		t.first, first = first, false
		if !send(t) {
			return errStop
		}
		t = next()
	}
	t.first, t.last = first, true
	if !send(t) {
		return errStop
	}
	return nil
}

func isRecordError(err error) bool {
	_, ok := errors.AsType[*features.RecordError](err)
	return ok
}

// take keeps a flow, or what is to be said of a record that is none.
func (b *flows) take(f *features.Flow, err error) error {
	var t task
	if err := t.add(f, err); err != nil {
		return err
	}
	b.steps++
	b.account.add(&t.account)
	if err == nil {
		if b.n == len(b.list) {
			b.list = append(b.list, make([]features.Flow, max(256, b.n))...)
		}
		f.CopyTo(&b.list[b.n])
		b.n++
		b.large = b.large || max(len(f.UID), len(f.History), len(f.LabelText), len(f.Kind)) > maxText
		return nil
	}
	record, _ := errors.AsType[*features.RecordError](err)
	if b.lost == "" && !record.Reason.Lossless() {
		b.lost = record.Error()
	}
	b.rejects = appendReject(b.rejects, record)
	return nil
}

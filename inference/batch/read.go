package batch

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"

	"threatdetect/features"
	"threatdetect/features/auto"
)

// noFormat stands for that of a log with nothing in it.
const noFormat auto.Format = "none"

// source is the bytes of a log as they lie there. It tells faults of reading from faults of what was read.
type source struct {
	r   io.Reader
	run *run  // nil: nobody is told
	err error // of reading
}

func (s *source) Read(p []byte) (int, error) {
	if s.run != nil && s.run.ctx.Err() != nil { // what earlier runs read of a log may take long to pass over
		s.err = context.Cause(s.run.ctx)
		return 0, s.err
	}
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

// reader reads one log. It has one owner.
type reader struct {
	run    *run
	log    *log
	in     io.Closer
	src    *source
	s      *auto.Splitter
	format auto.Format
	at     auto.Position // behind the last task
	skip   bool          // what earlier runs read lies ahead
	first  bool          // nothing of the log was read in any run
}

// open opens a log where reading stopped. A log that is not compressed can be opened right there; what it is was told from its beginning.
func (r *run) open(l *log) (*reader, error) {
	rd := &reader{run: r, log: l, at: auto.Position(l.p.At), first: l.p.Format == ""}
	var err error
	if !rd.first && l.p.Plain && !l.p.At.FromStart {
		err = rd.openThere()
	} else {
		err = rd.openBegin()
	}
	if err != nil {
		rd.close()
		return nil, err
	}
	return rd, nil
}

// openBegin opens the log at its beginning. What was read before is still to be passed over.
func (rd *reader) openBegin() error {
	if err := rd.openAt(0); err != nil {
		return err
	}
	var err error
	if rd.s, err = auto.NewSplitter(rd.src, rd.run.job.readOptions()); err != nil {
		return rd.fault(err)
	}
	rd.skip = !rd.first
	if rd.format = rd.s.Format(); rd.format == auto.Unknown {
		rd.format = noFormat
	} else if err := rd.run.job.set.CheckFormat(string(rd.format)); err != nil {
		return fmt.Errorf("%w: %w", features.ErrContract, err)
	}
	return nil
}

// openThere opens the log where reading stopped.
func (rd *reader) openThere() error {
	head, err := rd.log.in.open(rd.run.ctx, 0)
	if err != nil {
		return openError(err)
	}
	rd.s, err = auto.NewSplitter(head, rd.run.job.readOptions())
	head.Close()
	if err != nil {
		return err
	}
	if err := rd.openAt(rd.at.Offset); err != nil {
		return err
	}
	rd.format = rd.log.p.Format
	return rd.s.Skip(rd.at, rd.src)
}

func (rd *reader) openAt(offset int64) error {
	in, err := rd.log.in.open(rd.run.ctx, offset)
	if err != nil {
		return openError(err)
	}
	rd.in, rd.src = in, &source{r: in, run: rd.run}
	return nil
}

// openError makes a fault of the log of a file that may not be read: it stays so in the next run, which would never come to the logs behind it.
func openError(err error) error {
	if errors.Is(err, fs.ErrPermission) {
		return bare(err)
	}
	return &inputError{bare(err)}
}

func (rd *reader) close() {
	if rd.s != nil {
		rd.s.Close()
	}
	if rd.in != nil {
		rd.in.Close()
	}
}

// fault tells whether reading failed, or what was read is at fault.
func (rd *reader) fault(err error) error {
	if rd.src.err != nil {
		return &inputError{rd.src.err}
	}
	return err
}

// direct reports whether next is quick enough to have others wait for it: there is nothing to be unpacked.
func (rd *reader) direct() bool { return rd.log.in.local() && rd.s.Plain() && rd.s.Splits() }

// next reads the next piece of a log that can be split. The last task has none.
func (rd *reader) next() (*task, error) {
	if rd.skip {
		rd.skip = false
		if err := rd.s.Skip(rd.at, nil); err != nil {
			return nil, rd.fault(err)
		}
	}
	p, ok, err := rd.s.Next()
	if err != nil {
		return nil, rd.fault(err)
	}
	if ok {
		rd.at = p.End
	}
	t := &task{piece: p, format: rd.format, first: rd.first, last: !ok, at: rd.at}
	t.plain = !rd.log.in.once() && rd.s.Plain() && rd.format != noFormat
	rd.first = false
	return t, nil
}

// readAll sends all tasks of the log, until one cannot be sent.
func (rd *reader) readAll(send func(*task) error) error {
	if !rd.s.Splits() {
		return rd.fault(rd.readWhole(send))
	}
	for {
		t, err := rd.next()
		if err != nil {
			return err
		}
		if err := send(t); err != nil || t.last {
			return err
		}
	}
}

// readWhole reads a log that cannot be split. What was read before is read again, and passed over.
func (rd *reader) readWhole(send func(*task) error) error {
	skip := rd.log.p.Steps
	next := func() *task { return &task{flows: rd.run.newFlows(), format: rd.format} }
	t := next()
	for f, err := range rd.s.Whole() {
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
		t.first, rd.first = rd.first, false
		if err := send(t); err != nil {
			return err
		}
		t = next()
	}
	t.first, t.last = rd.first, true
	return send(t)
}

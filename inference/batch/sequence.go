package batch

import (
	"bytes"
	"fmt"
	"path/filepath"

	"threatdetect/inference/detect"
)

// sequence judges the flows of all logs as one stream, for a set that remembers flows. It has one owner, a goroutine between the
// workers, which parse, and the writer.
type sequence struct {
	run    *run
	block  *detect.Block
	layout layout

	// origins say of which log the flows are that are still in the stream: from a number on, up to that of the next one.
	origins []origin
	next    int64 // number of the next flow
}

type origin struct {
	from int64
	log  *log
}

// newSequence goes on with the state that the journal names.
func newSequence(r *run) (*sequence, error) {
	j := r.job
	s := &sequence{run: r}
	var err error
	if s.layout, err = j.layout(); err != nil {
		return nil, err
	}
	for _, l := range j.logs {
		l.emitted, l.allPushed, l.ended = l.p.Account.Rows, l.p.Read, l.p.Done
		l.pushed = l.emitted
	}
	if j.state == "" {
		s.block = j.detector.StreamWith(j.opts.State).Block(0)
		return s, nil
	}
	name := filepath.Join(j.dir, j.state)
	saved, err := readFile(j.disk, name)
	if err != nil {
		return nil, &FileError{"read state", name, bare(err)}
	}
	stream, err := j.detector.Restore(bytes.NewReader(saved), j.opts.State)
	if err != nil {
		return nil, &FileError{"read state", name, fmt.Errorf("%w: %w; --restart begins anew", ErrJournal, err)}
	}
	s.block = stream.Block(0)
	ofKey := map[text]*log{}
	for _, l := range j.logs {
		ofKey[text(l.in.key)] = l
	}
	for _, h := range j.held {
		l := ofKey[h.Key]
		if l == nil {
			return nil, &FileError{"read input", string(h.Key), fmt.Errorf("%w: its last flows wait in the state, and it is not among the inputs; --restart begins anew", ErrChanged)}
		}
		s.origins = append(s.origins, origin{s.next, l})
		s.next += h.N
		l.pushed += h.N
	}
	return s, nil
}

// follow takes tasks in order and hands them on, judged. Behind the last one it adds what is still in the stream, and the state for the
// commit there.
func (s *sequence) follow(from <-chan *task, to chan<- *task) {
	for t := range from {
		<-t.ready
		if t.err == nil {
			t.err = s.judge(t)
		}
		if t.err == nil && s.run.wantState.Swap(false) {
			t.err = s.save(t)
		}
		to <- t
	}
	ready := make(chan struct{})
	close(ready)
	t := &task{ready: ready}
	if s.run.ctx.Err() == nil {
		s.block.Finish()
	} else {
		s.block.Flush()
	}
	err := s.take(t)
	if err == nil {
		s.end(t)
		err = s.save(t)
	}
	t.err = err
	to <- t
	close(to)
}

// judge pushes the flows of a task and takes what comes out.
func (s *sequence) judge(t *task) error {
	p := s.part(t, t.log)
	if t.first && s.run.stdout == nil {
		p.out = s.layout.AppendHeader(p.out)
	}
	if f := t.flows; f != nil {
		p.rejects, p.account.Rejects = f.rejects, t.skipped()
		if f.n > 0 && (len(s.origins) == 0 || s.origins[len(s.origins)-1].log != t.log) {
			s.origins = append(s.origins, origin{s.next, t.log})
		}
		for i := range f.list[:f.n] {
			if err := s.block.Push(&f.list[i]); err != nil {
				return err
			}
			s.next++
			t.log.pushed++
			if err := s.take(t); err != nil {
				return err
			}
		}
		s.run.release(t.flows)
		t.flows = nil
	}
	s.block.Flush()
	if err := s.take(t); err != nil {
		return err
	}
	if t.last {
		t.log.allPushed = true
	}
	s.end(t)
	return nil
}

// take takes the verdicts that are due to the parts of their logs.
func (s *sequence) take(t *task) error {
	for {
		v, ok, err := s.block.Next()
		if !ok {
			return err
		}
		i := len(s.origins) - 1
		for i > 0 && s.origins[i].from > v.Number {
			i--
		}
		l := s.origins[i].log
		l.emitted++
		s.part(t, l).add(v, s.layout, s.run.job.opts.All)
	}
}

// part returns the part of a task for a log.
func (s *sequence) part(t *task, l *log) *part {
	for i := range t.parts {
		if t.parts[i].log == l {
			return &t.parts[i]
		}
	}
	t.parts = append(t.parts, part{log: l, out: s.run.newOut()})
	return &t.parts[len(t.parts)-1]
}

// end tells which logs had their last row, and forgets where their flows were.
func (s *sequence) end(t *task) {
	for _, l := range s.run.job.logs {
		if l.allPushed && !l.ended && l.pushed == l.emitted {
			l.ended = true
			t.ended = append(t.ended, l)
		}
	}
	for len(s.origins) > 1 && s.origins[0].log.ended {
		s.origins = s.origins[1:]
	}
}

// save keeps what the set remembers behind a task.
func (s *sequence) save(t *task) error {
	var b bytes.Buffer
	if err := s.block.Save(&b); err != nil {
		return err
	}
	t.state = b.Bytes()
	t.held = nil
	for _, number := range s.block.Waiting() {
		i := len(s.origins) - 1
		for i > 0 && s.origins[i].from > number {
			i--
		}
		key := text(s.origins[i].log.in.key)
		if n := len(t.held); n > 0 && t.held[n-1].Key == key {
			t.held[n-1].N++
			continue
		}
		t.held = append(t.held, held{key, 1})
	}
	return nil
}

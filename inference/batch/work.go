package batch

import (
	"errors"
	"slices"

	"threatdetect/features"
	"threatdetect/features/auto"
	"threatdetect/inference/detect"
)

// layout lays verdicts out in the format of the output, or in that of rows that are converted later.
type layout interface {
	AppendHeader(dst []byte) []byte
	AppendVerdict(dst []byte, v *detect.Verdict) []byte
}

func (j *Job) layout() (layout, error) {
	if j.opts.Convert != nil {
		return newRowLayout(j.detector), nil
	}
	return detect.NewEncoder(j.opts.To, j.detector)
}

// worker does tasks. It has one owner.
type worker struct {
	run    *run
	block  *detect.Block
	layout layout
	memory auto.Memory
}

func newWorker(r *run) (*worker, error) {
	w := &worker{run: r}
	var err error
	if w.layout, err = r.job.layout(); err != nil {
		return nil, err
	}
	if r.seq == nil {
		w.block = r.job.detector.Stream().Block(0)
		w.memory.Slot = w.block.Slot
	}
	return w, nil
}

// do makes the result of a task: with a set that remembers flows only the flows, which have to be judged in order.
func (w *worker) do(t *task) {
	if t.err != nil || t.log == nil {
		return
	}
	if w.run.seq != nil {
		if t.piece != nil {
			t.flows = w.run.newFlows()
			if t.err = t.flows.readPiece(t.piece, &w.memory); t.err == nil { // flows are copies
				t.piece.Release()
			}
			t.piece = nil
		}
		if t.flows != nil {
			t.steps, t.account, t.lost = t.flows.steps, t.flows.account, t.flows.lost
		}
		return
	}
	p := part{log: t.log, out: w.run.newOut()}
	if t.first && w.run.stdout == nil {
		p.out = w.layout.AppendHeader(p.out)
	}
	switch {
	case t.piece != nil:
		t.err = w.judgePiece(t, &p)
	case t.flows != nil:
		t.steps, t.account, t.lost, p.rejects = t.flows.steps, t.flows.account, t.flows.lost, t.flows.rejects
		for i := range t.flows.list[:t.flows.n] {
			if t.err = w.judge(&t.flows.list[i], &p); t.err != nil {
				break
			}
		}
	}
	if err := w.flush(&p); t.err == nil { // where the log fails, none of its flows may stay in the block
		t.err = err
	}
	if t.piece != nil && t.err == nil { // no flow in the block refers to it any more
		t.piece.Release()
	}
	if t.flows != nil {
		w.run.release(t.flows)
	}
	t.piece, t.flows = nil, nil
	p.account.Rejects = t.skipped()
	if t.err == nil {
		t.parts = []part{p}
		if t.last {
			t.ended = []*log{t.log}
		}
	}
}

func (t *task) skipped() (n int64) {
	for _, k := range t.account.Skipped {
		n += k
	}
	return n
}

// judgePiece parses a piece and judges its flows.
func (w *worker) judgePiece(t *task, p *part) error {
	single := int64(0) // records that became flows, each by itself: nearly all
	defer func() {
		t.steps += single
		t.account.Records += single
		t.account.Flows += single
	}()
	for f, err := range t.piece.Flows(&w.memory) {
		if err == nil {
			if f.MoreRecords == 0 {
				single++
			} else if err := t.add(f, nil); err != nil {
				return err
			}
			if err := w.judge(f, p); err != nil {
				return err
			}
			continue
		}
		if err := t.add(nil, err); err != nil {
			return err
		}
		record, _ := errors.AsType[*features.RecordError](err)
		if t.lost == "" && !record.Reason.Lossless() {
			t.lost = record.Error()
		}
		p.rejects = appendReject(p.rejects, record)
	}
	return nil
}

func (w *worker) judge(f *features.Flow, p *part) error {
	if err := w.block.Push(f); err != nil || !w.block.Full() {
		return err
	}
	return w.take(p)
}

func (w *worker) flush(p *part) error {
	w.block.Flush()
	return w.take(p)
}

func (w *worker) take(p *part) error {
	if w.run.job.opts.All {
		for {
			v, ok, err := w.block.Next()
			if !ok {
				return err
			}
			p.add(v, w.layout, true)
		}
	}
	for {
		v, passed, ok, err := w.block.NextThreat()
		p.account.Rows += int64(passed)
		if !ok {
			return err
		}
		p.add(v, w.layout, false)
	}
}

// add counts a verdict, and lays it out if it is to be written.
func (p *part) add(v *detect.Verdict, l layout, all bool) {
	p.account.Rows++
	if v.Threat {
		p.account.Threats++
	}
	if v.Threat || all {
		p.account.Written++
		if cap(p.out)-len(p.out) < maxLine { // a slice that grows by itself does so by a quarter only
			p.out = slices.Grow(p.out, max(cap(p.out), maxLine))
		}
		p.out = l.AppendVerdict(p.out, v)
	}
}

// readPiece takes the flows of a piece.
func (b *flows) readPiece(p *auto.Piece, m *auto.Memory) error {
	for f, err := range p.Flows(m) {
		if err := b.take(f, err); err != nil {
			return err
		}
	}
	return nil
}

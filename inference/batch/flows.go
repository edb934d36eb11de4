package batch

import (
	"errors"

	"threatdetect/features"
)

// flows are the flows of a part of a log that cannot be split, with what was skipped among them. They are copies.
type flows struct {
	list    []features.Flow
	n       int
	rejects []byte
	account features.Account
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

// maxLine is more than nearly every line of an output takes.
const maxLine = 4 << 10

// outSize is for what is written of a piece of a log with few threats.
const outSize = 64 << 10

// flowsOfTask is how many flows go to a worker together.
const flowsOfTask = 2048

func isRecordError(err error) bool {
	_, ok := errors.AsType[*features.RecordError](err)
	return ok
}

// take keeps a flow, or what is to be said of a record that is none.
func (b *flows) take(f *features.Flow, err error) error {
	if err := b.account.Add(f, err); err != nil {
		return err
	}
	b.steps++
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

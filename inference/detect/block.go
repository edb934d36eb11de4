package detect

import (
	"fmt"
	"io"

	"threatdetect/features"
	"threatdetect/inference"
)

// BlockSize is how many flows a Block holds unless told otherwise: enough for the predictor's fast paths, few enough to stay in
// a core's cache.
const BlockSize = 256

// maxTexts is how many bytes of texts a Block keeps the memory of: a hostile log could make it as large as it likes.
const maxTexts = 1 << 20

// Block is a run of a detector that judges many flows together, which costs less than one by one and has the same bits. It
// is used as a [Stream] is, with Push and Next, but keeps a copy of each flow until a block of them is full, or until Flush:
// whoever waits for more flows, and wants to tell what is known so far, calls it first.
//
//	for f := range flows {
//		b.Push(f)
//		for v, ok := b.Next(); ok; v, ok = b.Next() {
//			...
//		}
//	}
//	b.Finish() // and Next once more until there is none
//
// It has one owner: it is not safe for concurrent use, and the stream that it is made of is no longer to be used by itself.
type Block struct {
	stream  *Stream
	session *inference.Session

	flows   []features.Flow // copies
	texts   []byte          // of flows
	numbers []int64         // of flows
	rows    []float32       // of flows
	out     []float32       // what the predictor says of rows
	size    int             // flows of a full block
	n       int             // flows in the block
	next    int             // of which verdicts were handed out, once they are judged
	due     bool            // they are judged
	pushed  int64           // flows, where nothing is remembered
	flush   bool            // a block that is not full is due
}

// Block returns a run of the detector that judges n flows at a time, [BlockSize] if n is 0, and goes on where s is.
func (s *Stream) Block(n int) *Block {
	if n <= 0 {
		n = BlockSize
	}
	p := s.detector.predictor
	return &Block{
		stream: s, session: p.NewSession(), size: n,
		flows:   make([]features.Flow, n),
		numbers: make([]int64, n),
		rows:    make([]float32, n*s.detector.pipeline.NumColumn()),
		out:     make([]float32, n*p.NumOutput()),
	}
}

// Slot returns the memory of the flow that is pushed next, for whoever can make it right there: Push then makes no copy of it, nor of the texts that it refers to,
// which must not change before the last verdict of the block was given out. It is nil where Push would fail, and for a set that remembers flows.
func (b *Block) Slot() *features.Flow {
	if b.Full() || b.stream.extractor.Stateful() {
		return nil
	}
	return &b.flows[b.n]
}

// Full reports whether verdicts are due without a Flush, or Next has not said yet that there are no more of them.
func (b *Block) Full() bool { return b.due || b.n == b.size }

// Push takes the next flow. It is to be called again only when Next has returned false; f may change afterwards, unless it is that of Slot. It fails
// as [Stream.Push] does.
func (b *Block) Push(f *features.Flow) error {
	if b.Full() {
		return fmt.Errorf("detect: %w: Push while a verdict is due", features.ErrOrder)
	}
	b.flush = false
	if b.stream.extractor.Stateful() {
		if err := b.stream.extractor.Push(f); err != nil {
			return err
		}
		b.fill()
		return nil
	}
	w := b.stream.detector.pipeline.NumColumn()
	if _, err := b.stream.extractor.AppendRow(b.rows[b.n*w:b.n*w], f); err != nil {
		return err
	}
	if slot := &b.flows[b.n]; f != slot {
		b.texts = f.CopyWith(slot, b.texts)
	}
	b.numbers[b.n] = b.pushed
	b.pushed++
	b.n++
	return nil
}

// fill takes rows that are due from the extractor, as many as there is room for.
func (b *Block) fill() {
	w := b.stream.detector.pipeline.NumColumn()
	for b.n < b.size {
		row, ok := b.stream.extractor.Next()
		if !ok {
			return
		}
		copy(b.rows[b.n*w:], row.Values)
		b.texts = row.Flow.CopyWith(&b.flows[b.n], b.texts)
		b.numbers[b.n] = row.Number
		b.n++
	}
}

// Next returns the next verdict that is due, or false if there is none before the next Push, Flush or Finish. It does not
// allocate, but for the first explanation.
func (b *Block) Next() (v *Verdict, ok bool, err error) {
	if ok, err := b.ready(); !ok {
		return nil, false, err
	}
	return b.conclude()
}

// NextThreat is Next for whoever wants threats alone: it passes over the verdicts on other flows and returns how many these were, also where there is no threat behind
// them. They are not explained, which takes longer than all else.
func (b *Block) NextThreat() (v *Verdict, passed int, ok bool, err error) {
	d := b.stream.detector
	k := d.predictor.NumOutput()
	for {
		if ok, err := b.ready(); !ok {
			return nil, passed, false, err
		}
		first := b.next
		for b.next < b.n && !(d.score(b.out[b.next*k:][:k]) >= d.threshold) {
			b.next++
		}
		if passed += b.next - first; b.next < b.n {
			v, ok, err = b.conclude()
			return v, passed, ok, err
		}
	}
}

// ready reports whether a verdict is due, and predicts if a block is.
func (b *Block) ready() (bool, error) {
	if b.due && b.next < b.n {
		return true, nil
	}
	if b.due {
		b.due, b.n, b.texts = false, 0, b.texts[:0]
		if cap(b.texts) > maxTexts {
			b.texts = nil
		}
		if b.stream.extractor.Stateful() {
			b.fill()
		}
	}
	if b.n == 0 || b.n < b.size && !b.flush {
		return false, nil
	}
	d := b.stream.detector
	w, k := d.pipeline.NumColumn(), d.predictor.NumOutput()
	if err := b.session.PredictBatch(b.out[:b.n*k], b.rows[:b.n*w]); err != nil {
		return false, err
	}
	b.due, b.next = true, 0
	return true, nil
}

// conclude makes the verdict that is next.
func (b *Block) conclude() (v *Verdict, ok bool, err error) {
	d := b.stream.detector
	w, k := d.pipeline.NumColumn(), d.predictor.NumOutput()
	i := b.next
	b.next++
	if v, err = b.stream.conclude(&b.flows[i], b.rows[i*w:][:w:w], b.out[i*k:][:k:k]); err != nil {
		return nil, false, err
	}
	v.Number = b.numbers[i]
	return v, true, nil
}

// Flush makes the verdicts due on all flows whose rows are there. With a set that remembers flows some wait for
// stragglers still; see [Block.Finish].
func (b *Block) Flush() { b.flush = true }

// Finish ends the stream: the verdicts on all flows that are held are due.
func (b *Block) Finish() {
	b.stream.extractor.Finish()
	b.flush = true
	if !b.due && b.stream.extractor.Stateful() {
		b.fill()
	}
}

// Save is [Stream.Save]. It fails with features.ErrOrder while flows wait in the block: Flush it, and take the verdicts, first.
func (b *Block) Save(w io.Writer) error {
	if b.n > 0 && !(b.due && b.next == b.n) {
		return fmt.Errorf("detect: %w: Save while a verdict is due", features.ErrOrder)
	}
	return b.stream.Save(w)
}

// Waiting is [Stream.Waiting].
func (b *Block) Waiting() []int64 { return b.stream.Waiting() }

// Stats is [Stream.Stats].
func (b *Block) Stats() features.Stats { return b.stream.Stats() }

package inference

import (
	"sync"
	"sync/atomic"
)

const (
	// minShare is how many nanoseconds of work a goroutine should have to do to be worth its start: starting and waiting take a few
	// microseconds.
	minShare = 50_000

	// minPart is the rows of a part if there are no blocks; else a part is a block.
	minPart = 32

	// turnTime is about how many nanoseconds of work a goroutine takes at a time, if more than one part.
	turnTime = 100_000
)

// PredictBatch is [Predictor.Predict] for len(rows)/NumFeature rows; rows and dst are row-major. Large batches are split
// over up to Options.Workers goroutines, which does not change a bit of any row. Every row has been written when it
// returns. It does not allocate once it has been called at that size.
func (p *Predictor) PredictBatch(dst, rows []float32) error {
	in, err := p.batch("PredictBatch", dst, rows, nil)
	if err != nil {
		return err
	}
	p.run(dst, &in)
	return nil
}

// PredictFrom is [Predictor.PredictBatch] with base margins given for each row, n x NumGroup, in place of the one that the
// model's base score stands for. They are margins whatever the objective. Leaf output does not depend on them.
func (p *Predictor) PredictFrom(dst, rows, base []float32) error {
	if n := len(rows) / p.numFeature; len(base) != n*p.numGroup {
		return &ShapeError{Op: "PredictFrom", What: "base", Got: len(base), Want: n * p.numGroup}
	}
	in, err := p.batch("PredictFrom", dst, rows, base)
	if err != nil {
		return err
	}
	p.run(dst, &in)
	return nil
}

// PredictMatrix is [Predictor.PredictBatch] for rows in other places of memory: by columns, as data frames and Arrow have them, or rows
// with something between them. They are not copied, and have the same bits. Errors are [*ShapeError]; nothing was written then.
func (p *Predictor) PredictMatrix(dst []float32, m Matrix) error {
	in, err := p.matrix("PredictMatrix", dst, m)
	if err != nil {
		return err
	}
	p.run(dst, &in)
	return nil
}

// PredictCSR is [Predictor.PredictBatch] for rows most of whose values are missing, and has the bits of the same rows with NaN where
// nothing is. The time of a row depends on the values that are there and on the trees, not on NumFeature, but for outputs other than [Value]
// and [Margin]. Errors are [*ShapeError] and [*SparseError]; nothing was written then.
func (p *Predictor) PredictCSR(dst []float32, x CSR) error {
	in, err := p.csr("PredictCSR", dst, &x)
	if err != nil {
		return err
	}
	p.run(dst, &in)
	return nil
}

// batch checks the arguments of a call and makes an input of them.
func (p *Predictor) batch(op string, dst, rows, base []float32) (input, error) {
	if len(rows)%p.numFeature != 0 {
		return input{}, &ShapeError{Op: op, What: "rows", Got: len(rows), Want: p.numFeature}
	}
	in := p.dense(rows, base)
	return in, p.checkDst(op, dst, in.n)
}

// run scores all rows, with as many goroutines as they are worth.
func (p *Predictor) run(dst []float32, in *input) {
	part := minPart
	if p.forest != nil && p.output <= Leaf {
		part = p.forest.Part(in.n, minPart)
	}
	workers := min(p.workers, int(p.cost(in.n)/minShare), (in.n+part-1)/part)
	if workers < 2 {
		s := p.scratch.Get().(*scratch)
		p.score(dst, in, 0, in.n, s)
		p.scratch.Put(s)
		return
	}
	j := p.jobs.Get().(*job)
	j.prepare(dst, in, part, workers)
	j.run(dst, in, part, workers)
	p.jobs.Put(j)
}

// cost is how many nanoseconds n rows take, roughly.
func (p *Predictor) cost(n int) float64 {
	if p.linear != nil {
		return float64(n) * float64(p.numFeature) * float64(p.numGroup)
	}
	row := 0.0
	switch s := p.forest.Stats(); p.output {
	case Contribution:
		row = min(20*float64(s.Leaves), minShare)
	case ApproxContribution:
		row = 20 * float64(s.Trees)
	case Interaction:
		row = minShare
	default:
		return p.forest.Cost(n)
	}
	return float64(n) * row
}

// job is one batch that several goroutines work on. It is used again and again, so that a batch allocates nothing.
type job struct {
	p      *Predictor
	part   int // rows
	shares shares
	wait   sync.WaitGroup
	help   func() // work, then report; made once, because a go statement would allocate it

	scratches []*scratch // of each of the goroutines
	warm      [8]int     // how many of these have met rows of each form, in blocks and without
	workers   atomic.Int32

	dst []float32
	in  input
}

func newJob(p *Predictor) *job {
	j := &job{p: p}
	j.help = func() {
		j.work()
		j.wait.Done()
	}
	return j
}

// prepare makes as many scratches as there are workers, and lets each of them score some rows, as a scratch gets some of its memory when it is
// first needed: otherwise that would happen in a later batch to a goroutine that came too late for work in the batches before.
func (j *job) prepare(dst []float32, in *input, part, workers int) {
	form := in.form()
	if part != minPart {
		form += len(j.warm) / 2
	}
	for ; j.warm[form] < workers; j.warm[form]++ {
		if len(j.scratches) == j.warm[form] {
			j.scratches = append(j.scratches, j.p.newScratch())
		}
		n := min(part, in.n)
		j.p.score(dst[:n*j.p.numOutput], in, 0, n, j.scratches[j.warm[form]])
	}
}

// run scores all rows of in with a number of goroutines, one of which is the caller's.
func (j *job) run(dst []float32, in *input, part, workers int) {
	j.dst, j.in, j.part = dst, *in, part
	j.shares.split((in.n+part-1)/part, max(int(turnTime/j.p.cost(part)), 1), workers)
	j.workers.Store(0)
	j.wait.Add(workers - 1)
	for range workers - 1 {
		go j.help()
	}
	j.work()
	j.wait.Wait()
	j.dst, j.in = nil, input{}
}

// work takes rows until none is left.
func (j *job) work() {
	worker := int(j.workers.Add(1)) - 1
	s := j.scratches[worker]
	for {
		part, n := j.shares.take(worker)
		if n == 0 {
			return
		}
		first := part * j.part
		n = min(n*j.part, j.in.n-first)
		j.p.score(j.dst[first*j.p.numOutput:][:n*j.p.numOutput], &j.in, first, n, s)
	}
}

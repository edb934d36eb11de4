package inference

import (
	"sync"
	"sync/atomic"
)

const (
	// blockRows is the most rows that a goroutine takes at a time. A worker that is late then costs the others little.
	blockRows = 256

	// minShare is the number of steps, rows times Predictor.steps, that a goroutine should have to do to be worth its start. A
	// step is a walk from root to leaf, or one leaf's terms: it takes 7 to 30 ns, so this is at least 30 microseconds; starting
	// and waiting takes a few.
	minShare = 4096
)

// PredictBatch is [Predictor.Predict] for len(rows)/NumFeature rows; rows and dst are row-major. Large batches are split
// over up to Options.Workers goroutines, which does not change a bit of any row. Every row has been written when it
// returns. It does not allocate once it has been called at that size.
func (p *Predictor) PredictBatch(dst, rows []float32) error {
	return p.batch("PredictBatch", dst, rows, nil)
}

// PredictFrom is [Predictor.PredictBatch] with base margins given for each row, n x NumGroup, in place of the one that the
// model's base score stands for. They are margins whatever the objective. Leaf output does not depend on them.
func (p *Predictor) PredictFrom(dst, rows, base []float32) error {
	if n := len(rows) / p.numFeature; len(base) != n*p.numGroup {
		return &ShapeError{Op: "PredictFrom", What: "base", Got: len(base), Want: n * p.numGroup}
	}
	return p.batch("PredictFrom", dst, rows, base)
}

func (p *Predictor) batch(op string, dst, rows, base []float32) error {
	if len(rows)%p.numFeature != 0 {
		return &ShapeError{Op: op, What: "rows", Got: len(rows), Want: p.numFeature}
	}
	n := len(rows) / p.numFeature
	if len(dst) != n*p.numOutput {
		return &ShapeError{Op: op, What: "dst", Got: len(dst), Want: n * p.numOutput}
	}
	workers := int(min(int64(p.workers), int64(n)*p.steps()/minShare))
	if workers < 2 {
		s := p.scratch.Get().(*scratch)
		p.predict(dst, rows, base, s)
		p.scratch.Put(s)
		return nil
	}
	j := p.jobs.Get().(*job)
	j.run(dst, rows, base, n, workers)
	p.jobs.Put(j)
	return nil
}

// steps is the work of a row in the measure of minShare.
func (p *Predictor) steps() int64 {
	if p.linear != nil {
		return int64(p.numFeature) * int64(p.numGroup) / 8 // a product takes 1 to 2 ns
	}
	s := p.forest.Stats()
	switch p.output {
	case Contribution:
		return min(int64(s.Leaves), minShare)
	case Interaction:
		return minShare
	}
	return int64(s.Trees)
}

// job is one batch that several goroutines work on. It is used again and again, so that a batch allocates nothing.
type job struct {
	p     *Predictor
	n     int // rows in all
	block int // rows to take at a time
	next  atomic.Int64
	wait  sync.WaitGroup
	help  func() // work, then report; made once, because a go statement would allocate it

	dst, rows, base []float32
}

func newJob(p *Predictor) *job {
	j := &job{p: p}
	j.help = func() {
		j.work()
		j.wait.Done()
	}
	return j
}

// run scores n rows with a number of goroutines, one of which is the caller's.
func (j *job) run(dst, rows, base []float32, n, workers int) {
	j.dst, j.rows, j.base, j.n = dst, rows, base, n
	j.block = min(blockRows, (n+workers-1)/workers)
	j.next.Store(0)
	j.wait.Add(workers - 1)
	for range workers - 1 {
		go j.help()
	}
	j.work()
	j.wait.Wait()
	j.dst, j.rows, j.base = nil, nil, nil
}

// work takes blocks of rows until none is left.
func (j *job) work() {
	p := j.p
	s := p.scratch.Get().(*scratch)
	for {
		end := int(j.next.Add(int64(j.block)))
		begin := end - j.block
		if begin >= j.n {
			break
		}
		end = min(end, j.n)
		var base []float32
		if j.base != nil {
			base = j.base[begin*p.numGroup : end*p.numGroup]
		}
		p.predict(j.dst[begin*p.numOutput:end*p.numOutput], j.rows[begin*p.numFeature:end*p.numFeature], base, s)
	}
	p.scratch.Put(s)
}

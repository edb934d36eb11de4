package inference

import (
	"fmt"
	"runtime"
	"slices"
	"sync"

	"threatdetect/internal/forest"
	"threatdetect/model"
)

// Output says what a predictor writes for a row.
type Output uint8

const (
	Value  Output = iota // after the link: a probability, the probabilities or the index of the classes, a number
	Margin               // the sum of the leaves and the base margin, before the link
	Leaf                 // the number of the leaf that the row ends in, for each tree, in the file's order and numbering
)

// String returns the name in lower case.
func (o Output) String() string {
	switch o {
	case Value:
		return "value"
	case Margin:
		return "margin"
	case Leaf:
		return "leaf"
	}
	return fmt.Sprintf("Output(%d)", uint8(o))
}

// Options are the choices of [New] and [Open]. The zero Options, and nil, are the defaults.
type Options struct {
	Output  Output
	Workers int // goroutines that one PredictBatch may use, its caller included; 0 means GOMAXPROCS
}

// Predictor is a compiled booster. It is immutable and safe for concurrent use.
type Predictor struct {
	forest    *forest.Forest
	base      []float32 // base margin of each group
	value     func(margins []float32)
	output    Output
	numOutput int
	workers   int

	objective string
	digest    string
	names     []string

	scratch sync.Pool // of *scratch
	jobs    sync.Pool // of *job
}

// maxLeafID is the largest leaf number that a float32 holds exactly.
const maxLeafID = 1 << 24

// Open reads the model at path, as [model.Open] does with default options, and compiles it.
func Open(path string, opts *Options) (*Predictor, error) {
	b, err := model.Open(path, nil)
	if err != nil {
		return nil, err
	}
	return New(b, opts)
}

// New compiles b. The predictor keeps no reference to it. New checks what it depends on, so a booster that was built by
// hand is as safe as a loaded one; it should have a Version, without which it counts as one from before 1.0. Errors answer errors.Is for [model.ErrFormat], [model.ErrUnsupported] or
// [model.ErrTooLarge].
func New(b *model.Booster, opts *Options) (*Predictor, error) {
	if opts == nil {
		opts = &Options{}
	}
	if opts.Output > Leaf {
		return nil, fmt.Errorf("inference: unknown output %d", opts.Output)
	}
	o, err := objectiveOf(b)
	if err != nil {
		return nil, fmt.Errorf("inference: %w", err)
	}
	base, err := o.baseMargins(b)
	if err != nil {
		return nil, fmt.Errorf("inference: %w", err)
	}
	f, err := forest.Build(b)
	if err != nil {
		return nil, fmt.Errorf("inference: %w", err)
	}
	p := &Predictor{
		forest:    f,
		base:      base,
		value:     o.value,
		output:    opts.Output,
		workers:   opts.Workers,
		objective: b.Objective,
		digest:    b.Digest,
		names:     slices.Clone(b.FeatureNames),
	}
	if p.workers <= 0 {
		p.workers = runtime.GOMAXPROCS(0)
	}
	switch p.output {
	case Value:
		p.numOutput = o.values(f.NumGroup)
	case Margin:
		p.numOutput = f.NumGroup
	case Leaf:
		p.numOutput = f.NumTree()
		for t := range f.NumTree() {
			if n := len(f.Tree(t)); n > maxLeafID {
				return nil, fmt.Errorf("inference: %w", &model.LimitError{
					Name: "nodes in a tree for leaf output", Limit: maxLeafID, Got: int64(n)})
			}
		}
	}
	p.scratch.New = func() any { return p.newScratch() }
	p.jobs.New = func() any { return newJob(p) }
	return p, nil
}

// NumFeature is the number of values in a row.
func (p *Predictor) NumFeature() int { return p.forest.NumFeature }

// NumOutput is the number of values that a row gives: for [Value] and [Margin] one for each class or target, but a single
// value for multi:softmax; for [Leaf] one for each tree.
func (p *Predictor) NumOutput() int { return p.numOutput }

// Output is what the predictor writes.
func (p *Predictor) Output() Output { return p.output }

// Objective is XGBoost's name of the objective, as the model has it.
func (p *Predictor) Objective() string { return p.objective }

// Digest is [model.Booster.Digest] of the model.
func (p *Predictor) Digest() string { return p.digest }

// FeatureNames returns a copy of the model's column names, or nil if it has none.
func (p *Predictor) FeatureNames() []string { return slices.Clone(p.names) }

// Predict writes NumOutput values for one row of NumFeature values; NaN is missing. It does not allocate and does not
// keep its arguments, which must not overlap. A wrong length is a [*ShapeError].
func (p *Predictor) Predict(dst, row []float32) error {
	if len(row) != p.forest.NumFeature {
		return &ShapeError{Op: "Predict", What: "row", Got: len(row), Want: p.forest.NumFeature}
	}
	if len(dst) != p.numOutput {
		return &ShapeError{Op: "Predict", What: "dst", Got: len(dst), Want: p.numOutput}
	}
	s := p.scratch.Get().(*scratch)
	p.predict(dst, row, s)
	p.scratch.Put(s)
	return nil
}

// scratch is the memory of one goroutine in a call.
type scratch struct {
	forest  *forest.Scratch
	margins []float32
}

func (p *Predictor) newScratch() *scratch {
	return &scratch{forest: p.forest.NewScratch(), margins: make([]float32, p.forest.NumGroup)}
}

// predict scores rows, of which there is a whole number, into dst.
func (p *Predictor) predict(dst, rows []float32, s *scratch) {
	n := p.forest.NumFeature
	for ; len(rows) > 0; dst, rows = dst[p.numOutput:], rows[n:] {
		out, row := dst[:p.numOutput], rows[:n]
		if p.output == Leaf {
			p.forest.Leaves(out, row, s.forest)
			continue
		}
		p.forest.Margins(s.margins, p.base, row, s.forest)
		if p.output == Value {
			p.value(s.margins)
		}
		copy(out, s.margins) // all of them, or the class
	}
}

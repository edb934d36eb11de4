package inference

import (
	"fmt"
	"runtime"
	"slices"
	"sync"
	"time"

	"threatdetect/internal/forest"
	"threatdetect/internal/shap"
	"threatdetect/model"
)

// Output says what a predictor writes for a row.
type Output uint8

const (
	Value  Output = iota // after the link: a probability, the probabilities or the index of the classes, a number
	Margin               // the sum of the leaves and the base margin, before the link
	Leaf                 // the number of the leaf that the row ends in, for each tree, in the file's order and numbering

	// What each column, and behind them the bias, adds to each margin: exactly, after Shapley; approximately, along the row's
	// way in each tree; and by pairs of columns. See the package comment.
	Contribution
	ApproxContribution
	Interaction
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
	case Contribution:
		return "contribution"
	case ApproxContribution:
		return "approximate contribution"
	case Interaction:
		return "interaction"
	}
	return fmt.Sprintf("Output(%d)", uint8(o))
}

// Options are the choices of [New], [Open] and [NewEnsemble]. The zero Options, and nil, are the defaults.
type Options struct {
	Output  Output
	Workers int // goroutines that one PredictBatch may use, its caller included; 0 means GOMAXPROCS

	// Rounds are the boosting rounds whose trees count. Leaf output needs a range that begins at 0. A gblinear booster
	// has no rounds to choose from: a beginning is refused and an end ignored, as XGBoost does.
	Rounds Rounds
	// TreeLimit decides if Rounds does not. NumTreeLimit is XGBoost's old argument ntree_limit, for LimitDefault and LimitNone:
	// 0 is all; up to release 1.3 it counts the trees of each group, later, divided by the trees of a round and rounded down, rounds.
	TreeLimit    TreeLimit
	NumTreeLimit int

	// Kernel is how rows are scored. All kernels give the same bits, so this is for tests and measurements.
	Kernel Kernel

	// Runtime is the XGBoost release to answer as, where releases differ about the same model. The zero Version is the release
	// that wrote it.
	Runtime model.Version

	// Pauser, if it is not nil, is asked to pause again and again while a booster is compiled, as that of [model.LoadOptions] is while it is loaded.
	Pauser model.Pauser
}

// pause is that of the pauser; nil if there is none.
func (o *Options) pause() func() {
	if o.Pauser == nil {
		return nil
	}
	return o.Pauser.Pause
}

// Predictor is a compiled booster. It is immutable and safe for concurrent use.
type Predictor struct {
	forest *forest.Forest // nil for a gblinear booster
	linear *linear        // nil for the others

	numFeature, numGroup int

	base      []float32 // base margin of each group
	value     func(margins []float32)
	apart     bool // value may take several rows at once
	output    Output
	numOutput int
	workers   int
	explainer *shap.Explainer // nil unless the output explains

	objective   string
	digest      string
	compileTime time.Duration
	names       []string

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
	if opts.Output > Interaction {
		return nil, fmt.Errorf("inference: unknown output %d", opts.Output)
	}
	if err := opts.Kernel.check(); err != nil {
		return nil, err
	}
	old := b.Version.Before(1, 0)
	if opts.Runtime.Known() {
		other := *b
		other.Version = opts.Runtime
		b = &other
	}
	o, err := objectiveOf(b)
	if err != nil {
		return nil, fmt.Errorf("inference: %w", err)
	}
	if old && !b.Version.Before(1, 1) {
		o.reread(b)
	}
	base, err := o.baseMargins(b)
	if err != nil {
		return nil, fmt.Errorf("inference: %w", err)
	}
	if b, err = restrict(b, opts); err != nil {
		return nil, err
	}
	p := &Predictor{
		numFeature: b.NumFeature,
		numGroup:   b.NumGroup(),
		base:       base,
		value:      o.value,
		apart:      o.apart,
		output:     opts.Output,
		workers:    opts.Workers,
		objective:  b.Objective,
		digest:     b.Digest,
		names:      slices.Clone(b.FeatureNames),
	}
	if b.Kind == kindLinear {
		p.linear, err = newLinear(b)
	} else {
		begin := time.Now()
		compile := forest.Compile
		if p.output == Leaf {
			compile = forest.CompileLeaves
		}
		p.forest, err = compile(b, forest.Kernel(opts.Kernel), opts.pause())
		p.compileTime = time.Since(begin)
	}
	if err != nil {
		return nil, fmt.Errorf("inference: %w", err)
	}
	if p.workers <= 0 {
		p.workers = runtime.GOMAXPROCS(0)
	}
	switch p.output {
	case Value:
		p.numOutput = o.values(p.numGroup)
	case Margin:
		p.numOutput = p.numGroup
	case Leaf:
		if err := p.checkLeaves(); err != nil {
			return nil, fmt.Errorf("inference: %w", err)
		}
		p.numOutput = p.forest.NumTree()
	case Contribution, ApproxContribution, Interaction:
		if err := p.explain(b, opts.pause()); err != nil {
			return nil, fmt.Errorf("inference: %w", err)
		}
	}
	p.scratch.New = func() any { return p.newScratch() }
	p.jobs.New = func() any { return newJob(p) }
	return p, nil
}

// checkLeaves returns an error if there are no leaves, or too many for a float32.
func (p *Predictor) checkLeaves() error {
	if p.linear != nil {
		return &model.UnsupportedError{What: "leaf output of a gblinear booster"}
	}
	for t := range p.forest.NumTree() {
		if n := len(p.forest.Tree(t)); n > maxLeafID {
			return &model.LimitError{Name: "nodes in a tree for leaf output", Limit: maxLeafID, Got: int64(n)}
		}
	}
	return nil
}

// NumFeature is the number of values in a row.
func (p *Predictor) NumFeature() int { return p.numFeature }

// NumGroup is the number of margins of a row: one for each class, target or quantile.
func (p *Predictor) NumGroup() int { return p.numGroup }

// NumOutput is the number of values that a row gives: for [Value] and [Margin] one for each class or target, but a single
// value for multi:softmax; for [Leaf] one for each tree; for [Contribution] and [ApproxContribution] NumFeature+1 for each class or
// target, one class after the other; for [Interaction] (NumFeature+1)² likewise, row-major.
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
	if err := p.checkRow(dst, row); err != nil {
		return err
	}
	s := p.scratch.Get().(*scratch)
	p.scoreRow(dst, row, s)
	p.scratch.Put(s)
	return nil
}

func (p *Predictor) checkRow(dst, row []float32) error {
	if len(row) != p.numFeature {
		return &ShapeError{Op: "Predict", What: "row", Got: len(row), Want: p.numFeature}
	}
	return p.checkDst("Predict", dst, 1)
}

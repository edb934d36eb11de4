package inference

import (
	"fmt"
	"slices"
	"sync"

	"threatdetect/model"
)

// Ensemble is several boosters that answer as one, as the SageMaker container combines the models of cross-validation. It is
// immutable and safe for concurrent use.
//
// Its values are the means of the values of the members, or, if the objective of the first is multi:softmax or binary:hinge,
// the most frequent values, of which the smallest if there are several.
//
// Means are summed in float32 and in the order of the members, except for a single row with a single value and 8 or more
// members: for these NumPy, and so the container, adds in another order. [Ensemble.Predict] gives the bits of a request of a
// single row, [Ensemble.PredictBatch] those of a request of more rows, however many it is given.
type Ensemble struct {
	members []*Predictor
	vote    bool
	scratch sync.Pool // of *ensembleScratch
}

// ensembleScratch is the memory of one call.
type ensembleScratch struct {
	values []float32 // of one block of rows, member after member
	column []float32 // one value of every member
}

// ensembleRows is how many rows all members score before their values are combined.
const ensembleRows = 4096

// NewEnsemble compiles boosters, of which there has to be one at least, in their order. Only [Value] output is defined. All
// need the same number of columns and of values.
func NewEnsemble(boosters []*model.Booster, opts *Options) (*Ensemble, error) {
	if len(boosters) == 0 {
		return nil, fmt.Errorf("inference: %w: an ensemble without members", model.ErrFormat)
	}
	if opts != nil && opts.Output != Value {
		return nil, fmt.Errorf("inference: %w", &model.UnsupportedError{What: opts.Output.String() + " output of an ensemble"})
	}
	e := &Ensemble{}
	for i, b := range boosters {
		p, err := New(b, opts)
		if err != nil {
			return nil, fmt.Errorf("member %d: %w", i, err)
		}
		e.members = append(e.members, p)
		if first := e.members[0]; p.numFeature != first.numFeature || p.numOutput != first.numOutput {
			return nil, fmt.Errorf("inference: %w: member %d has %d columns and %d values, the first %d and %d",
				model.ErrFormat, i, p.numFeature, p.numOutput, first.numFeature, first.numOutput)
		}
	}
	e.vote = votes(e.members[0].objective)
	e.scratch.New = func() any { return &ensembleScratch{column: make([]float32, len(e.members))} }
	return e, nil
}

// Averaged returns an ensemble of the same members whose values are means whatever the objective, as the container answers
// when it serves several models at once.
func (e *Ensemble) Averaged() *Ensemble {
	a := &Ensemble{members: e.members}
	a.scratch.New = func() any { return &ensembleScratch{column: make([]float32, len(a.members))} }
	return a
}

// NumMember is the number of boosters.
func (e *Ensemble) NumMember() int { return len(e.members) }

// Member returns the predictor of booster i.
func (e *Ensemble) Member(i int) *Predictor { return e.members[i] }

// NumFeature is the number of values in a row.
func (e *Ensemble) NumFeature() int { return e.members[0].numFeature }

// NumOutput is the number of values that a row gives.
func (e *Ensemble) NumOutput() int { return e.members[0].numOutput }

// Objective is XGBoost's name of the first booster's objective.
func (e *Ensemble) Objective() string { return e.members[0].objective }

// Predict is [Predictor.Predict] for the ensemble.
func (e *Ensemble) Predict(dst, row []float32) error {
	s := e.scratch.Get().(*ensembleScratch)
	defer e.scratch.Put(s)
	s.values = slices.Grow(s.values[:0], len(e.members)*len(dst))[:len(e.members)*len(dst)]
	for i, p := range e.members {
		if err := p.Predict(s.values[i*len(dst):][:len(dst)], row); err != nil {
			return err
		}
	}
	if n := len(e.members); !e.vote && len(dst) == 1 && n >= 8 {
		dst[0] = (0 + pairwiseSum(s.values)) / float32(n)
		return nil
	}
	e.combine(dst, s)
	return nil
}

// PredictBatch is [Predictor.PredictBatch] for the ensemble.
func (e *Ensemble) PredictBatch(dst, rows []float32) error {
	width, out := e.NumFeature(), e.NumOutput()
	if len(rows)%width != 0 {
		return &ShapeError{Op: "PredictBatch", What: "rows", Got: len(rows), Want: width}
	}
	if n := len(rows) / width; len(dst) != n*out {
		return &ShapeError{Op: "PredictBatch", What: "dst", Got: len(dst), Want: n * out}
	}
	s := e.scratch.Get().(*ensembleScratch)
	defer e.scratch.Put(s)
	for len(rows) > 0 {
		n := min(len(rows)/width, ensembleRows)
		block := n * out
		s.values = slices.Grow(s.values[:0], len(e.members)*block)[:len(e.members)*block]
		for i, p := range e.members {
			if err := p.PredictBatch(s.values[i*block:][:block], rows[:n*width]); err != nil {
				return err
			}
		}
		e.combine(dst[:block], s)
		dst, rows = dst[block:], rows[n*width:]
	}
	return nil
}

// combine writes the mean or the most frequent one of the members' values.
func (e *Ensemble) combine(dst []float32, s *ensembleScratch) {
	if e.vote {
		for i := range dst {
			for m := range s.column {
				s.column[m] = s.values[m*len(dst)+i]
			}
			dst[i] = mode(s.column)
		}
		return
	}
	clear(dst) // NumPy starts from 0, too, which makes a sum of -0 positive
	for m := range e.members {
		for i, v := range s.values[m*len(dst):][:len(dst)] {
			dst[i] += v
		}
	}
	for i := range dst {
		dst[i] /= float32(len(e.members))
	}
}

// mode returns the most frequent value, and of several the smallest. It sorts x, which is not empty.
func mode(x []float32) float32 {
	slices.Sort(x)
	best, bestCount, count := x[0], 0, 0
	for i, v := range x {
		if i > 0 && v != x[i-1] {
			count = 0
		}
		count++
		if count > bestCount {
			best, bestCount = v, count
		}
	}
	return best
}

// pairwiseSum adds x, of which there are 8 or more, as NumPy adds an array that lies in one piece.
func pairwiseSum(x []float32) float32 {
	if n := len(x); n > 128 {
		half := n / 2 / 8 * 8
		return pairwiseSum(x[:half]) + pairwiseSum(x[half:])
	}
	var r [8]float32
	copy(r[:], x)
	i := 8
	for ; i+8 <= len(x); i += 8 {
		for k := range r {
			r[k] += x[i+k]
		}
	}
	sum := ((r[0] + r[1]) + (r[2] + r[3])) + ((r[4] + r[5]) + (r[6] + r[7]))
	for ; i < len(x); i++ {
		sum += x[i]
	}
	return sum
}

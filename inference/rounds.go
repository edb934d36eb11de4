package inference

import (
	"fmt"
	"strconv"

	"threatdetect/model"
)

// Rounds is a range of boosting rounds: those from Begin to End-1, and to the last if End is 0. It means what XGBoost's
// iteration_range means, so the zero Rounds are all, and an empty range leaves the base margin.
type Rounds struct{ Begin, End int }

// TreeLimit says which rounds count where no [Rounds] do.
type TreeLimit uint8

const (
	// LimitDefault is LimitContainer for a model out of a pickle and LimitNone for others.
	LimitDefault TreeLimit = iota
	// LimitNone uses all trees, as XGBoost's Booster.predict does, whatever early stopping found best.
	LimitNone
	// LimitContainer uses the trees that the SageMaker container of the model's release uses. It passes on
	// best_ntree_limit where the loaded booster has it: out of the pickle, or out of the attributes in the releases 1.4 to 1.7.
	// From 2.0 on it counts rounds, and no trees.
	LimitContainer
	// LimitBest uses the rounds up to the attribute best_iteration if there is one, as the scikit-learn wrapper does.
	LimitBest
)

// RoundsError says that a range of rounds cannot be used with a model.
type RoundsError struct {
	Begin, End int // as asked for
	NumRound   int // rounds of the model
	Why        string
}

func (e *RoundsError) Error() string {
	return fmt.Sprintf("inference: rounds %d:%d of %d: %s", e.Begin, e.End, e.NumRound, e.Why)
}

// resolve turns an open end into a number.
func (r Rounds) resolve(numRound int) (Rounds, error) {
	end := r.End
	if end == 0 {
		end = numRound
	}
	why := ""
	switch {
	case r.Begin < 0 || r.End < 0:
		why = "want no number below 0"
	case end > numRound:
		why = "the model has fewer"
	case r.Begin > end:
		why = "want a beginning that is not behind the end"
	}
	if why != "" {
		return Rounds{}, &RoundsError{Begin: r.Begin, End: r.End, NumRound: numRound, Why: why}
	}
	return Rounds{r.Begin, end}, nil
}

// restrict returns b with the trees that opts choose.
func restrict(b *model.Booster, opts *Options) (*model.Booster, error) {
	if b.Kind == kindLinear {
		if opts.Rounds.Begin != 0 || opts.Rounds.End < 0 { // XGBoost ignores the end
			return nil, &RoundsError{opts.Rounds.Begin, opts.Rounds.End, b.LinearRounds, "gblinear has no trees to choose from"}
		}
		return b, nil
	}
	if opts.Rounds == (Rounds{}) {
		n, err := opts.numTree(b)
		if err != nil || n >= len(b.Trees) {
			return b, err
		}
		return slice(b, 0, n)
	}
	starts := b.IterationStart
	r, err := opts.Rounds.resolve(max(len(starts)-1, 0))
	if err != nil {
		return nil, err
	}
	if opts.Output != Value && opts.Output != Margin && r.Begin > 0 {
		return nil, &RoundsError{opts.Rounds.Begin, opts.Rounds.End, len(starts) - 1, "want 0 as the beginning for " + opts.Output.String()}
	}
	if len(starts) == 0 {
		return b, nil
	}
	return slice(b, int(starts[r.Begin]), int(starts[r.End]))
}

// slice returns b with the trees from begin to end-1.
func slice(b *model.Booster, begin, end int) (*model.Booster, error) {
	if begin < 0 || begin > end || end > len(b.Trees) || len(b.TreeGroup) != len(b.Trees) ||
		b.TreeWeight != nil && len(b.TreeWeight) != len(b.Trees) {
		return nil, fmt.Errorf("%w: trees %d to %d of %d with %d groups and %d weights",
			model.ErrFormat, begin, end, len(b.Trees), len(b.TreeGroup), len(b.TreeWeight))
	}
	part := *b
	part.Trees, part.TreeGroup = b.Trees[begin:end], b.TreeGroup[begin:end]
	if b.TreeWeight != nil {
		part.TreeWeight = b.TreeWeight[begin:end]
	}
	return &part, nil
}

// numTree is how many trees the tree limit leaves.
func (o *Options) numTree(b *model.Booster) (int, error) {
	all := len(b.Trees)
	switch o.TreeLimit {
	case LimitDefault:
		if o.NumTreeLimit == 0 && b.Format == model.FormatPickle {
			return limited(b, b.BestNtreeLimit), nil
		}
		return limited(b, o.NumTreeLimit), nil
	case LimitNone:
		return limited(b, o.NumTreeLimit), nil
	case LimitContainer:
		limit := b.BestNtreeLimit
		switch v := b.Version; {
		case !v.Before(2, 0): // what a pickle brings along is taken for a number of rounds
			if limit <= 0 || limit >= len(b.IterationStart) {
				return all, nil
			}
			return int(b.IterationStart[limit]), nil
		case limit == 0 && !v.Before(1, 4):
			limit, _ = strconv.Atoi(b.Attributes["best_ntree_limit"])
		}
		return limited(b, limit), nil
	case LimitBest:
		best, err := strconv.Atoi(b.Attributes["best_iteration"])
		if err != nil || best < 0 || best+1 >= len(b.IterationStart) {
			return all, nil
		}
		return int(b.IterationStart[best+1]), nil
	}
	return 0, fmt.Errorf("inference: unknown tree limit %d", o.TreeLimit)
}

// limited is how many trees XGBoost's old argument ntree_limit leaves.
func limited(b *model.Booster, limit int) int {
	all := len(b.Trees)
	if limit <= 0 {
		return all
	}
	if b.Version.Before(1, 4) { // trees of each group
		return int(min(int64(limit)*int64(b.NumGroup()), int64(all)))
	}
	rounds := limit / max(b.NumParallelTree, 1)
	if rounds == 0 || rounds >= len(b.IterationStart) {
		return all
	}
	return int(b.IterationStart[rounds])
}

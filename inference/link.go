package inference

import (
	"fmt"

	"threatdetect/internal/f32math"
	"threatdetect/model"
)

// objective is what XGBoost does with margins outside the trees. Every function has the bits of XGBoost's; there is no
// tolerance. What depends on the release follows the one that wrote the file.
type objective struct {
	// base turns a stored base score into a margin.
	base func(float32) (float32, error)
	// value replaces the margins of one row by its values, in place.
	value func(margins []float32)
	// values is the number of values for a number of groups.
	values func(groups int) int
}

// objectiveOf finds the objective of b.
func objectiveOf(b *model.Booster) (objective, error) {
	switch b.Objective {
	case "reg:squarederror", "reg:linear":
		return objective{identityBase, identity, perGroup}, nil
	case "binary:logitraw":
		// The releases 1.0 to 1.2 took the base score for a probability here, like binary:logistic.
		if !b.Version.Before(1, 0) && b.Version.Before(1, 3) {
			return objective{logitBase, identity, perGroup}, nil
		}
		return objective{identityBase, identity, perGroup}, nil
	case "binary:logistic", "reg:logistic":
		o := objective{logitBase, sigmoid, perGroup}
		if b.Version.Before(1, 6) {
			o.value = sigmoidUnclamped
		}
		if !b.Version.Before(3, 2) {
			o.base = clampedLogitBase
		}
		return o, nil
	case "multi:softprob":
		return objective{identityBase, f32math.Softmax, perGroup}, nil
	case "multi:softmax":
		return objective{identityBase, argMax, one}, nil
	}
	return objective{}, &model.UnsupportedError{What: fmt.Sprintf("objective %q", b.Objective)}
}

// baseMargins returns the base margin of every group.
func (o *objective) baseMargins(b *model.Booster) ([]float32, error) {
	groups := b.NumGroup()
	if n := len(b.BaseScore); n != 1 && n != groups {
		return nil, fmt.Errorf("%w: %d base scores for %d outputs", model.ErrFormat, n, groups)
	}
	margins := make([]float32, groups)
	for g := range margins {
		score := b.BaseScore[g%len(b.BaseScore)]
		if score-score != 0 {
			return nil, fmt.Errorf("%w: base score %v", model.ErrFormat, score)
		}
		if !b.BaseIsMargin {
			var err error
			if score, err = o.base(score); err != nil {
				return nil, err
			}
		}
		margins[g] = score
	}
	return margins, nil
}

func identityBase(score float32) (float32, error) { return score, nil }

// logitBase is the base margin of the logistic objectives up to release 3.1, which refuses 0 and 1.
func logitBase(score float32) (float32, error) {
	if !(0 < score && score < 1) {
		return 0, fmt.Errorf("%w: base score %v of a logistic objective is not in (0, 1)", model.ErrFormat, score)
	}
	return f32math.Logit(score), nil
}

// clampedLogitBase is the base margin of the logistic objectives from release 3.2 on, which writes 0 and 1 when all
// labels of the training data are equal.
func clampedLogitBase(score float32) (float32, error) {
	if !(0 <= score && score <= 1) {
		return 0, fmt.Errorf("%w: base score %v of a logistic objective is not in [0, 1]", model.ErrFormat, score)
	}
	const eps = float32(1e-6)
	return f32math.Logit(min(max(score, eps), 1-eps)), nil
}

func perGroup(groups int) int { return groups }

func one(int) int { return 1 }

func identity([]float32) {}

func sigmoid(margins []float32) {
	for i, m := range margins {
		margins[i] = f32math.Sigmoid(m)
	}
}

func sigmoidUnclamped(margins []float32) {
	for i, m := range margins {
		margins[i] = f32math.SigmoidUnclamped(m)
	}
}

// argMax replaces the first margin by the index of the first largest one. A NaN wins in the first place and loses
// elsewhere, as it does for std::max_element.
func argMax(margins []float32) {
	best := 0
	for i, m := range margins {
		if m > margins[best] {
			best = i
		}
	}
	margins[0] = float32(best)
}

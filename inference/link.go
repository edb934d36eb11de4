package inference

import (
	"fmt"
	"slices"
	"strings"

	"threatdetect/internal/f32math"
	"threatdetect/model"
)

// objective is what XGBoost does with margins outside the trees. Every function has the bits of XGBoost's; there is no
// tolerance. What depends on the release follows the booster's Version.
type objective struct {
	// base turns the base scores of all groups into margins, in place.
	base func(scores []float32) error
	// value replaces the margins of one row by its values, in place.
	value func(margins []float32)
	// values is the number of values for a number of groups.
	values func(groups int) int
	// apart tells that every value depends on its own margin only, so that value may take several rows at once.
	apart bool
}

// objectiveOf finds the objective of b.
func objectiveOf(b *model.Booster) (objective, error) {
	plain := objective{identityBase, identity, perGroup, true}
	switch strings.TrimPrefix(b.Objective, "gpu:") {
	case "reg:squarederror", "reg:linear", "reg:squaredlogerror", "reg:pseudohubererror", "reg:absoluteerror",
		"rank:pairwise", "rank:ndcg", "rank:map":
		return plain, nil
	case "reg:quantileerror":
		if !b.Version.Before(3, 4) {
			plain.value, plain.apart = slices.Sort[[]float32], false
		}
		return plain, nil
	case "reg:expectileerror":
		return objective{expectileBase, expectile, perGroup, false}, nil
	case "binary:logitraw":
		// The releases 1.0 to 1.2 took the base score for a probability here, like binary:logistic.
		if !b.Version.Before(1, 0) && b.Version.Before(1, 3) {
			plain.base = logitBase
		}
		return plain, nil
	case "binary:logistic", "reg:logistic":
		o := objective{logitBase, sigmoid, perGroup, true}
		if b.Version.Before(1, 6) {
			o.value = sigmoidUnclamped
		}
		if !b.Version.Before(3, 2) {
			o.base = clampedLogitBase
		}
		return o, nil
	case "binary:hinge":
		return objective{identityBase, hinge, perGroup, true}, nil
	case "reg:gamma":
		o := objective{logBase, exp, perGroup, true}
		if !b.Version.Before(3, 2) {
			o.base = positiveLogBase
		}
		return o, nil
	case "reg:tweedie", "count:poisson", "survival:cox", "survival:aft":
		return objective{logBase, exp, perGroup, true}, nil
	case "multi:softprob":
		return objective{identityBase, f32math.Softmax, perGroup, false}, nil
	case "multi:softmax":
		return objective{identityBase, argMax, one, false}, nil
	}
	return objective{}, &model.UnsupportedError{What: fmt.Sprintf("objective %q", b.Objective)}
}

// votes tells that values are classes, so that several models are combined by the most frequent one and not by the mean.
func votes(objective string) bool { return objective == "multi:softmax" || objective == "binary:hinge" }

// reread takes the base scores of b, a copy of what was written before 1.0, as releases from 1.1 on do: they make values of the margins that
// such a file has, and margins of those again, which need not be the same (0.5 becomes 1 with binary:hinge) and may be an error (binary:logitraw
// up to 1.2).
func (o *objective) reread(b *model.Booster) {
	if !b.BaseIsMargin || strings.HasPrefix(b.Objective, "multi:") {
		return
	}
	b.BaseScore, b.BaseIsMargin = slices.Clone(b.BaseScore), false
	for g := range b.BaseScore {
		o.value(b.BaseScore[g : g+1])
	}
}

// baseMargins returns the base margin of every group.
func (o *objective) baseMargins(b *model.Booster) ([]float32, error) {
	groups := b.NumGroup()
	if n := len(b.BaseScore); n != 1 && n != groups {
		return nil, fmt.Errorf("%w: %d base scores for %d outputs", model.ErrFormat, n, groups)
	}
	for _, score := range b.BaseScore {
		if score-score != 0 {
			return nil, fmt.Errorf("%w: base score %v", model.ErrFormat, score)
		}
	}
	margins := make([]float32, groups)
	for g := range margins {
		margins[g] = b.BaseScore[g%len(b.BaseScore)]
	}
	if !b.BaseIsMargin {
		if err := o.base(margins); err != nil {
			return nil, err
		}
	}
	if b.Kind == kindLinear { // which takes one for all
		for g := range margins {
			margins[g] = margins[0]
		}
	}
	return margins, nil
}

func identityBase([]float32) error { return nil }

// inside returns an error unless all scores are in a range.
func inside(scores []float32, ok func(float32) bool, want string) error {
	for _, score := range scores {
		if !ok(score) {
			return fmt.Errorf("%w: base score %v of this objective is not %s", model.ErrFormat, score, want)
		}
	}
	return nil
}

// logitBase makes base margins of the logistic objectives up to release 3.1, which refuses 0 and 1.
func logitBase(scores []float32) error {
	err := inside(scores, func(s float32) bool { return 0 < s && s < 1 }, "in (0, 1)")
	for g, score := range scores {
		scores[g] = f32math.Logit(score)
	}
	return err
}

// clampedLogitBase makes base margins of the logistic objectives from release 3.2 on, which writes 0 and 1 when all
// labels of the training data are equal.
func clampedLogitBase(scores []float32) error {
	const eps = float32(1e-6)
	err := inside(scores, func(s float32) bool { return 0 <= s && s <= 1 }, "in [0, 1]")
	for g, score := range scores {
		scores[g] = f32math.Logit(min(max(score, eps), 1-eps))
	}
	return err
}

// logBase makes base margins of the objectives with a logarithm; that of 0 is -Inf.
func logBase(scores []float32) error {
	err := inside(scores, func(s float32) bool { return s >= 0 }, "0 or greater")
	for g, score := range scores {
		scores[g] = f32math.Log(score)
	}
	return err
}

// positiveLogBase is logBase for reg:gamma from release 3.2 on, which refuses 0.
func positiveLogBase(scores []float32) error {
	if err := inside(scores, func(s float32) bool { return s > 0 }, "greater than 0"); err != nil {
		return err
	}
	return logBase(scores)
}

// expectileStep is the least distance between the expectiles of a row.
const expectileStep = float32(1e-6)

// expectileBase undoes expectile.
func expectileBase(scores []float32) error {
	for g := len(scores) - 1; g > 0; g-- {
		scores[g] = f32math.SoftplusInverse(scores[g] - scores[g-1] - expectileStep)
	}
	return nil
}

// expectile makes the first margin the first value and the others the distances between values, which keeps them in order.
func expectile(margins []float32) {
	for g := 1; g < len(margins); g++ {
		margins[g] = margins[g-1] + (expectileStep + f32math.Softplus(margins[g]))
	}
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

func exp(margins []float32) {
	for i, m := range margins {
		margins[i] = f32math.Exp(m)
	}
}

func hinge(margins []float32) {
	for i, m := range margins {
		margins[i] = 0
		if m > 0 {
			margins[i] = 1
		}
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

package model

import (
	"slices"
	"strconv"
	"strings"
)

// link says in which space the base score of an objective lives, which limits what it may be.
type link uint8

const (
	identity link = iota
	logit         // a probability
	log           // not negative
)

// objectives are all that releases 0.72 to 3.4 have.
var objectives = map[string]link{
	"reg:squarederror":      identity,
	"reg:squaredlogerror":   identity,
	"reg:pseudohubererror":  identity,
	"reg:absoluteerror":     identity,
	"reg:quantileerror":     identity,
	"reg:expectileerror":    identity,
	"reg:logistic":          logit,
	"reg:gamma":             log,
	"reg:tweedie":           log,
	"count:poisson":         log,
	"survival:cox":          log,
	"survival:aft":          log,
	"binary:logistic":       logit,
	"binary:logitraw":       identity,
	"binary:hinge":          identity,
	multiClass + "softmax":  identity,
	multiClass + "softprob": identity,
	"rank:pairwise":         identity,
	"rank:ndcg":             identity,
	"rank:map":              identity,
}

const (
	multiClass = "multi:"
	poisson    = "count:poisson"
	maxStep    = "max_delta_step" // the parameter of count:poisson
)

// canonicalObjective maps the names that XGBoost has given up to those that took their place.
func canonicalObjective(name string) string {
	name = strings.TrimPrefix(name, "gpu:")
	if name == "reg:linear" {
		return "reg:squarederror"
	}
	return name
}

// KnowsObjective tells whether some known release has the objective. Only [LoadOptions.AnyObjective] lets others in.
func (b *Booster) KnowsObjective() bool {
	_, ok := objectives[b.Objective]
	return ok
}

func (o *LoadOptions) checkObjective(name string) error {
	if _, ok := objectives[name]; !ok && !o.AnyObjective {
		return unsupported("objective", name)
	}
	return nil
}

// checkBooster accepts XGBoost's name of a booster.
func checkBooster(name string) error {
	switch name {
	case kindTree, kindDart, kindLinear:
		return nil
	}
	return unsupported("booster", name)
}

// XGBoost's names of boosters.
const (
	kindTree   = "gbtree"
	kindDart   = "dart"
	kindLinear = "gblinear"
)

// checkBaseScore checks one base score against the objective's link.
func (b *Booster) checkBaseScore(v float32) error {
	if !finite(v) {
		return formatErrorf("%v is not finite", v)
	}
	if b.BaseIsMargin {
		return nil
	}
	link := objectives[b.Objective]
	if b.Objective == "binary:logitraw" && b.Version.Before(1, 3) {
		link = logit // its base score is a margin only since 1.3
	}
	switch link {
	case logit:
		// Releases from 3.2 on clamp the value before they take its logit; earlier ones refuse 0 and 1.
		if v < 0 || v > 1 || b.Version.Before(3, 2) && (v == 0 || v == 1) {
			return formatErrorf("%v is not a probability that %q can start from", v, b.Objective)
		}
	case log:
		if v < 0 || v == 0 && b.Objective == "reg:gamma" && !b.Version.Before(3, 2) {
			return formatErrorf("%v has no logarithm that %q can start from", v, b.Objective)
		}
	}
	return nil
}

// checkOutputs checks that the number of outputs is one that the objective can have. Any number of classes goes with any objective
// that is not a multi-class one, as models of custom objectives show: they carry the name of the default.
func (b *Booster) checkOutputs() error {
	if strings.HasPrefix(b.Objective, multiClass) && b.NumClass < 1 {
		return misplaced(pathParam+"num_class", formatErrorf("%q needs at least 1 class", b.Objective))
	}
	for _, key := range []string{"quantile_alpha", "expectile_alpha"} {
		text, ok := b.Params[key]
		if !ok {
			continue
		}
		path := "learner.objective." + strings.TrimSuffix(key, "_alpha") + "_loss_param." + key
		alphas, err := parseFloats(text)
		if err != nil {
			return misplaced(path, err)
		}
		if len(alphas) != b.NumTarget {
			return misplaced(path, formatErrorf("%d levels for %d targets", len(alphas), b.NumTarget))
		}
		if slices.ContainsFunc(alphas, func(v float32) bool { return !finite(v) }) {
			return misplaced(path, formatErrorf("%.64q has a level that is not finite", text))
		}
	}
	return nil
}

// parseFloats reads "5E-1", "[5E-1]", "[1E0,2E0]" or "(1E0)", each number rounded to float32 once.
func parseFloats(text string) ([]float32, error) {
	list := strings.Trim(text, " \t\r\n")
	if n := len(list); n > 0 && (list[0] == '[' || list[0] == '(') {
		if n < 2 || list[0] == '[' && list[n-1] != ']' || list[0] == '(' && list[n-1] != ')' {
			return nil, formatErrorf("the list %.64q has no end", text)
		}
		list = list[1 : n-1]
	} else if strings.Contains(list, ",") {
		return nil, formatErrorf("expected a number, found %.64q", text)
	}
	values := make([]float32, 0, 1)
	for item := range strings.SplitSeq(list, ",") {
		v, err := strconv.ParseFloat(strings.Trim(item, " \t\r\n"), 32)
		if err != nil {
			return nil, formatErrorf("expected a number or a list of numbers, found %.64q", text)
		}
		values = append(values, float32(v))
	}
	return values, nil
}

package model

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"

	"threatdetect/internal/f32math"
)

// baseLast tells that the release that wrote b adds the base score to the sum of the leaves, and not the leaves to the base score.
func (b *Booster) baseLast() bool {
	return b.Version.Before(1, 3) || b.isDart() && b.Version.Before(1, 4)
}

func (b *Booster) isDart() bool { return b.Kind == kindDart || b.TreeWeight != nil }

// baseMargins returns the base margin of each output, as the release that wrote b computes it.
func (b *Booster) baseMargins() []float32 {
	margins := make([]float32, b.NumGroup())
	for g := range margins {
		score := b.BaseScore[g%len(b.BaseScore)]
		if b.Kind == kindLinear { // which takes the first one for all
			score = b.BaseScore[0]
		}
		if margins[g] = score; !b.BaseIsMargin {
			margins[g], _ = marginOf(b.Objective, score, b.Version)
		}
	}
	return margins
}

// marginOf is the margin that a release makes of a base score, or false if it refuses it. That of reg:expectileerror depends on all
// outputs; the score stands for it, which does no harm as all releases that know this objective agree.
func marginOf(objective string, score float32, v Version) (float32, bool) {
	const eps = float32(1e-6)
	kind := objectives[objective]
	if objective == "binary:logitraw" && !v.Before(1, 0) && v.Before(1, 3) {
		kind = logit
	}
	switch {
	case kind == identity:
		return score, true
	case kind == log:
		return f32math.Log(score), score > 0 || score == 0 && (objective != "reg:gamma" || v.Before(3, 2))
	case v.Before(3, 2):
		return f32math.Logit(score), 0 < score && score < 1
	}
	return f32math.Logit(min(max(score, eps), 1-eps)), 0 <= score && score <= 1
}

// same tells that two base margins give the same bits: zeros do whatever their sign, unless a sum has no other terms.
func same(a, b float32) bool { return math.Float32bits(a) == math.Float32bits(b) || a == 0 && b == 0 }

// baseScore returns the booster that is to be written: p.b, or a copy with another base score that all releases take for the same margins.
func (p *planner) baseScore() (*Booster, error) {
	b, margins := p.b, p.b.baseMargins()
	nonZero := slices.ContainsFunc(margins, func(m float32) bool { return m != 0 })
	if b.baseLast() && nonZero && len(b.Trees) > 0 {
		err := p.bits(Version{}, never, fmt.Sprintf("the base margin %v is added after the leaves by releases before 1.3, 1.4 for dart, and before them by later ones", margins[0]))
		if err != nil {
			return nil, err
		}
	}
	if slices.ContainsFunc(margins, func(m float32) bool { return math.Float32bits(m) != math.Float32bits(margins[0]) }) {
		if err := p.need(Version{3, 1}, Version{}, "base scores of each output are there since 3.1"); err != nil {
			return nil, err
		}
	}
	scores := slices.Clone(b.BaseScore)
	if p.first.Before(3, 1) {
		scores = scores[:1] // they have the same margin
	}
	for g := range scores {
		if g > 0 && b.Kind == kindLinear {
			break // as nothing reads the others
		}
		score, err := p.scoreFor(scores[g], margins[g])
		if err != nil && b.Kind == kindLinear {
			return b.withBias(margins[0]), nil
		}
		if err != nil {
			return nil, err
		}
		scores[g] = score
	}
	if slices.Equal(scores, b.BaseScore) && !b.BaseIsMargin {
		return b, nil
	}
	other := *b
	other.BaseScore, other.BaseIsMargin = scores, false
	return &other, nil
}

// scoreFor returns a base score that all releases that are left take for the given margin: the stored one, if possible. The only change since
// 1.3 is that of release 3.2, so the first and the last one speak for all.
func (p *planner) scoreFor(stored, margin float32) (float32, error) {
	fits := func(score float32, first, last Version) bool {
		a, ok1 := marginOf(p.b.Objective, score, first)
		b, ok2 := marginOf(p.b.Objective, score, last)
		return ok1 && ok2 && same(a, margin) && same(b, margin)
	}
	find := func(first, last Version) (float32, bool) {
		if !p.b.BaseIsMargin && fits(stored, first, last) {
			return stored, true
		}
		for score := range scoresNear(p.b.Objective, margin) {
			if fits(score, first, last) {
				return score, true
			}
		}
		return 0, false
	}
	if score, ok := find(p.first, p.last); ok {
		return score, nil
	}
	const changed = "base scores next to 0 and 1 have another margin since 3.2"
	if p.first.Before(3, 2) && !p.last.Before(3, 2) {
		if score, ok := find(Version{3, 2}, p.last); ok {
			return score, p.need(Version{3, 2}, Version{}, changed)
		}
		if score, ok := find(p.first, Version{3, 1}); ok {
			return score, p.need(Version{}, Version{3, 1}, changed)
		}
	}
	why := fmt.Sprintf("no base score has the margin %v with %s", margin, p.b.Objective)
	if p.b.Kind == kindLinear {
		return 0, &UnsupportedError{What: why}
	}
	if err := p.bits(Version{}, never, why); err != nil {
		return 0, err
	}
	for score := range scoresNear(p.b.Objective, margin) {
		if _, ok := marginOf(p.b.Objective, score, p.first); ok {
			return score, nil
		}
	}
	return 0, &UnsupportedError{What: why}
}

// scoresNear yields the base scores whose margin may be the given one, the likeliest first.
func scoresNear(objective string, margin float32) func(yield func(float32) bool) {
	const reach = 200 // steps of float32; the functions are off by one or two, but flat in places
	start := margin
	switch objectives[objective] {
	case logit:
		start = float32(1 / (1 + math.Exp(-float64(margin))))
	case log:
		start = float32(math.Exp(float64(margin)))
	}
	return func(yield func(float32) bool) {
		up, down := start, start
		for i := 0; i < reach && yield(up) && (i == 0 || yield(down)); i++ {
			up, down = math.Nextafter32(up, float32(math.Inf(1))), math.Nextafter32(down, float32(math.Inf(-1)))
		}
	}
}

// withBias returns a linear booster whose base margin has moved into the bias, which is where prediction adds it first of all.
func (b *Booster) withBias(margin float32) *Booster {
	other := *b
	groups := b.NumGroup()
	other.Linear = slices.Clone(b.Linear)
	if len(other.Linear) == 0 {
		other.Linear = make([]float32, (b.NumFeature+1)*groups)
	}
	bias := other.Linear[b.NumFeature*groups:]
	for g := range bias {
		bias[g] += margin
	}
	other.BaseScore, other.BaseIsMargin = []float32{neutralBase(b.Objective)}, false
	return &other
}

// neutralBase is the base score whose margin is 0.
func neutralBase(objective string) float32 {
	switch objectives[objective] {
	case logit:
		return 0.5
	case log:
		return 1
	}
	return 0
}

// baseAsTree returns a booster whose base margins are the leaves of a round of its own: behind all others if the release that wrote it
// adds the base margin last, else before them.
func (p *planner) baseAsTree() (*Booster, error) {
	b, margins := p.b, p.b.baseMargins()
	if b.Kind == kindLinear || b.Objective == "reg:expectileerror" || b.NumParallelTree < 1 ||
		b.NumParallelTree > (HardMaxTrees-len(b.Trees))/len(margins) {
		return nil, &UnsupportedError{What: "a base score as a tree of this booster"}
	}
	other := *b
	other.BaseScore, other.BaseIsMargin = []float32{0}, true // as a margin, whatever the release
	rounds := b.NumRound()
	other.Attributes = maps.Clone(b.Attributes)
	if text, ok := b.Attributes["best_iteration"]; ok {
		if text != strconv.Itoa(rounds-1) {
			return nil, &UnsupportedError{What: fmt.Sprintf("a base score as a tree of a booster whose best_iteration, %.20q, is not the last of its %d rounds,", text, rounds)}
		}
		other.Attributes["best_iteration"] = strconv.Itoa(rounds)
	}
	if _, ok := b.Attributes["best_ntree_limit"]; ok {
		other.Attributes["best_ntree_limit"] = strconv.Itoa((rounds + 1) * b.NumParallelTree)
	}
	trees, groups := constantRound(b, margins)
	at := 0
	if b.baseLast() {
		at = len(b.Trees)
	}
	other.Trees = slices.Insert(slices.Clone(b.Trees), at, trees...)
	other.TreeGroup = slices.Insert(slices.Clone(b.TreeGroup), at, groups...)
	if b.TreeWeight != nil {
		other.TreeWeight = slices.Insert(slices.Clone(b.TreeWeight), at, slices.Repeat([]float32{1}, len(trees))...)
	}
	other.IterationStart = slices.Clone(b.IterationStart)
	if at == 0 {
		other.IterationStart = append([]int32{0}, b.IterationStart...)
		for i := range b.IterationStart {
			other.IterationStart[i+1] += int32(len(trees))
		}
	} else {
		other.IterationStart = append(other.IterationStart, int32(len(other.Trees)))
	}
	return &other, nil
}

// constantRound makes a round of trees that are single leaves. The first tree of each output has the output's value, the others add 0.
func constantRound(b *Booster, values []float32) (trees []Tree, groups []int32) {
	leaf := func() Tree {
		return Tree{Left: []int32{-1}, Right: []int32{-1}, Feature: []int32{0}, Value: []float32{0}, DefaultLeft: []bool{false},
			LossChange: []float32{0}, SumHessian: []float32{0}, BaseWeight: []float32{0}}
	}
	if len(b.Trees) > 0 && b.Trees[0].LeafSize > 1 {
		for i := range b.NumParallelTree {
			t := leaf()
			t.LeafSize, t.LeafIndex, t.LeafVector = len(values), []int32{0}, make([]float32, len(values))
			if i == 0 {
				copy(t.LeafVector, values)
			}
			t.BaseWeight = slices.Clone(t.LeafVector)
			trees, groups = append(trees, t), append(groups, 0)
		}
		return trees, groups
	}
	for g, value := range values {
		for i := range b.NumParallelTree {
			t := leaf()
			if i == 0 {
				t.Value[0], t.BaseWeight[0] = value, value
			}
			trees, groups = append(trees, t), append(groups, int32(g))
		}
	}
	return trees, groups
}

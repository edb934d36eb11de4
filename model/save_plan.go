package model

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
)

// The releases that files can be for, and the oldest of those that a file without a target is for.
var (
	oldestTarget  = Version{1, 3, 0}
	oldestDefault = Version{1, 7, 0}
)

// planner narrows the releases that a file can be for.
type planner struct {
	b    *Booster
	opts *SaveOptions

	first, last Version
	notes       []string
	baseFault   bool // it failed for the base score, which a tree can hold instead
}

func makePlan(b *Booster, opts *SaveOptions) (*SavePlan, error) {
	p := &planner{b: b, opts: opts, first: oldestDefault, last: newest}
	if t := opts.Target; t.Known() {
		if t.Before(oldestTarget[0], oldestTarget[1]) || !t.Before(newest[0], newest[1]+1) {
			return nil, &UnsupportedError{What: fmt.Sprintf("writing for XGBoost %s (known are %s to %s)", t.minor(), oldestTarget.minor(), newest.minor())}
		}
		if opts.Format != FormatJSON && t.Before(1, 6) {
			return nil, &UnsupportedError{What: fmt.Sprintf("UBJSON for XGBoost %s, which reads JSON only,", t.minor())}
		}
		p.first = Version{t[0], t[1], 0}
		p.last = p.first
	}
	plan, err := p.plan()
	if err == nil || !p.baseFault || !opts.BaseAsTree {
		return plan, err
	}
	other, err := p.baseAsTree()
	if err != nil {
		return nil, err
	}
	again := *opts
	again.BaseAsTree = false
	plan, err = makePlan(other, &again)
	if err != nil {
		return nil, err
	}
	plan.Notes = append([]string{"the base score is a boosting round of its own"}, plan.Notes...)
	return plan, nil
}

// minor is v without the patch level.
func (v Version) minor() string { return strconv.Itoa(v[0]) + "." + strconv.Itoa(v[1]) }

// need narrows the releases to those from first to last; a zero Version is no bound. It fails if none is left.
func (p *planner) need(first, last Version, why string) error {
	out := first.Known() && p.first.Before(first[0], first[1]) || last.Known() && last.Before(p.last[0], p.last[1])
	if !out {
		return nil
	}
	lo, hi := p.first, p.last
	if first.Known() && lo.Before(first[0], first[1]) {
		lo = first
	}
	if last.Known() && last.Before(hi[0], hi[1]) {
		hi = last
	}
	if hi.Before(lo[0], lo[1]) {
		what := "writing it for XGBoost " + p.first.minor()
		if p.first != p.last {
			what += " to " + p.last.minor()
		}
		if len(p.notes) > 0 && !p.opts.Target.Known() {
			why += ", and " + strings.Join(p.notes, ", and ")
		}
		return &UnsupportedError{What: what + " (" + why + ")"}
	}
	p.first, p.last = lo, hi
	p.notes = append(p.notes, why)
	return nil
}

// bits is need for what only changes some bits, which the caller can allow.
func (p *planner) bits(first, last Version, why string) error {
	if !p.opts.AllowOtherBits {
		return p.need(first, last, why)
	}
	if first.Known() && p.first.Before(first[0], first[1]) || last.Known() && last.Before(p.last[0], p.last[1]) {
		p.notes = append(p.notes, "other bits: "+why)
	}
	return nil
}

// never is a range of releases that holds none of those that files can be for.
var never = Version{1, 2, 0}

func (p *planner) plan() (*SavePlan, error) {
	for _, step := range []func() error{p.adjacent, p.objective, p.structure, p.categorical, p.links} {
		if err := step(); err != nil {
			return nil, err
		}
	}
	b, err := p.baseScore()
	if err != nil {
		var u *UnsupportedError
		p.baseFault = errors.As(err, &u)
		return nil, err
	}
	plan := &SavePlan{First: p.first, Last: p.last, Notes: p.notes, booster: b, version: p.opts.Target}
	if !plan.version.Known() {
		if plan.version = b.Version; p.b.baseLast() {
			plan.version = oldestDefault
		}
	}
	return plan, nil
}

// adjacent refuses trees that releases from 1.3 on would walk in another way.
func (p *planner) adjacent() error {
	for i := range p.b.Trees {
		t := &p.b.Trees[i]
		for n, left := range t.Left {
			if left != -1 && t.Right[n] != left+1 && !t.isDeleted(int32(n)) {
				return p.bits(Version{}, never, fmt.Sprintf("in tree %d the right child of node %d does not follow the left one, and releases from 1.3 on take it to", i, n))
			}
		}
	}
	return nil
}

func (p *planner) objective() error {
	if since, ok := objectiveSince[p.b.Objective]; ok {
		if err := p.need(since, Version{}, fmt.Sprintf("%s is there since %s", p.b.Objective, since.minor())); err != nil {
			return err
		}
	}
	for _, key := range []string{"quantile_alpha", "expectile_alpha"} {
		if _, ok := p.b.Params[key]; !ok && p.b.Objective == "reg:"+strings.TrimSuffix(key, "_alpha")+"error" {
			return &UnsupportedError{What: fmt.Sprintf("writing %s without its %s", p.b.Objective, key)}
		}
	}
	return nil
}

// structure bounds the releases by what the booster is made of.
func (p *planner) structure() error {
	b := p.b
	if b.NumTarget > 1 {
		if err := p.need(Version{1, 6}, Version{}, "several targets are there since 1.6"); err != nil {
			return err
		}
	}
	if len(b.Trees) == 0 || b.Trees[0].LeafSize < 2 {
		return nil
	}
	if b.Kind == kindDart {
		return p.need(Version{3, 3}, Version{}, "dart with vectors in leaves is there since 3.3")
	}
	if err := p.need(Version{2, 0}, Version{}, "vectors in leaves are there since 2.0"); err != nil {
		return err
	}
	if p.last.Before(3, 2) {
		return nil
	}
	for i := range b.Trees {
		if !b.Trees[i].leavesInWeights() {
			return p.need(Version{3, 2}, Version{}, "base weights beside the vectors of leaves are there since 3.2")
		}
	}
	return nil
}

func (p *planner) categorical() error {
	b := p.b
	found, right := false, false
	for i := range b.Trees {
		t := &b.Trees[i]
		for _, n := range t.CategoryNodes {
			found = true
			right = right || !t.DefaultLeft[n]
		}
	}
	if !found {
		return nil
	}
	if err := p.need(Version{1, 5}, Version{}, "categorical splits are there since 1.5"); err != nil {
		return err
	}
	switch v := b.Version; {
	case !v.Before(1, 3) && v.Before(1, 5):
		return p.bits(Version{}, never, "releases 1.3 and 1.4 take the categories of a split for numbers, and no later one does")
	case !right:
		return nil
	case v[0] == 1 && v[1] == 6:
		return p.bits(Version{1, 6}, Version{1, 6}, "release 1.6 sends unknown categories to the default child, and no other does")
	case p.first.Before(1, 6):
		return p.bits(Version{}, Version{1, 5}, "release 1.6 sends unknown categories to the default child")
	}
	return p.bits(Version{1, 7}, Version{}, "release 1.6 sends unknown categories to the default child")
}

// clampNote is about the one thing that a file cannot keep: no tree of the model leads so far down, but a caller's margin can. It changes
// a number next to 0 into another one.
const clampNote = "where a base margin given for a row leads below -88.7, the value is about 3e-39 since 1.6 and less than that before, down to 0; margins are the same"

// links bounds the releases by changes of the functions from margins to values.
func (p *planner) links() error {
	b := p.b
	switch b.Objective {
	case "reg:quantileerror":
		switch {
		case b.NumTarget < 2:
		case b.Version.Before(3, 4):
			return p.bits(Version{}, Version{3, 3}, "reg:quantileerror sorts its outputs since 3.4")
		default:
			return p.bits(Version{3, 4}, Version{}, "reg:quantileerror sorts its outputs since 3.4")
		}
	case "binary:logistic", "reg:logistic":
		const clamp = -88 // the first margin that the clamp changes is just below -88.7
		switch old := b.Version.Before(1, 6); {
		case b.leastMargin() > clamp:
			if old != p.first.Before(1, 6) { // as it is then for all of them
				p.notes = append(p.notes, clampNote)
			}
		case old:
			return p.bits(Version{}, Version{1, 5}, "margins below -88 are possible, whose logistic function is never 0 since 1.6")
		default:
			return p.bits(Version{1, 6}, Version{}, "margins below -88 are possible, whose logistic function is never 0 since 1.6")
		}
	}
	return nil
}

// leastMargin is a lower bound of the margins, but for rounding. Linear boosters with any weight have none.
func (b *Booster) leastMargin() float64 {
	if b.Kind == kindLinear && slices.ContainsFunc(b.Linear, func(w float32) bool { return w != 0 }) {
		return math.Inf(-1)
	}
	sums := make([]float64, b.NumGroup())
	for i := range b.Trees {
		t := &b.Trees[i]
		if t.LeafSize > 1 {
			continue // not with these objectives
		}
		least, weight := 0.0, 1.0
		if b.TreeWeight != nil {
			weight = float64(b.TreeWeight[i])
		}
		first := true
		for n, v := range t.Value {
			if t.Left[n] == -1 && !t.isDeleted(int32(n)) {
				if v := float64(v) * weight; first || v < least {
					least, first = v, false
				}
			}
		}
		sums[b.TreeGroup[i]] += least
	}
	least := 0.0
	for g, base := range b.baseMargins() {
		least = min(least, sums[g]+float64(base))
	}
	return least
}

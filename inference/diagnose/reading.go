package diagnose

import (
	"fmt"
	"math"
	"slices"
	"strconv"

	"threatdetect/inference"
	"threatdetect/model"
)

// plan is one way to come from data to numbers.
type plan struct {
	from    []int // column of each feature
	clean   func(float64) float64
	booster *model.Booster
	opts    inference.Options
	arith   arithmetic
	after   func(out []float32) []float32 // what is made of the outputs of a row
}

// arithmetic is how trees are walked and summed.
type arithmetic uint8

const (
	exact       arithmetic = iota // as XGBoost: float32, less
	wideCompare                   // values stay float64 until they are compared
	orEqual                       // float32, less or equal
	leavesStyle                   // float64 throughout, less or equal: as the Go package leaves does
)

// option is a change of the plan, of a dimension of which a reading has one change at most.
type option struct {
	dimension string
	text      string
	apply     func(*plan)
}

// options lists what may be read differently about this model, these rows and expected numbers of this width.
func options(b *model.Booster, d *Data, base *plan, width int) []option {
	list := columnOptions(b, d, base)
	list = append(list, missingOptions(d)...)
	list = append(list, outputOptions(b, width)...)
	list = append(list, roundOptions(b)...)
	list = append(list, baseOptions(b)...)
	if b.Kind != "gblinear" {
		if !slices.ContainsFunc(b.Trees, func(t model.Tree) bool { return t.LeafSize > 1 || len(t.CategoryNodes) > 0 }) && b.TreeWeight == nil {
			list = append(list,
				option{"arithmetic", "values are compared as float64, not as float32", func(p *plan) { p.arith = wideCompare }},
				option{"arithmetic", "a value that equals a threshold goes left (<= instead of <)", func(p *plan) { p.arith = orEqual }},
				option{"arithmetic", "float64 values and sums, and <= at thresholds, as the Go package leaves computes", func(p *plan) { p.arith = leavesStyle }})
		}
	}
	for _, v := range []model.Version{{0, 90, 0}, {1, 2, 1}, {1, 5, 2}, {2, 1, 4}, {3, 2, 0}, {3, 4, 1}} {
		text := fmt.Sprintf("as XGBoost %d.%d answers", v[0], v[1])
		if v.Before(1, 3) {
			text += " (leaves are summed before the base score is added)"
		}
		list = append(list, option{"release", text, func(p *plan) { p.opts.Runtime = v }})
	}
	return list
}

func columnOptions(b *model.Booster, d *Data, base *plan) []option {
	var list []option
	n := b.NumFeature
	add := func(text string, from []int) {
		if from == nil || slices.Equal(from, base.from) || slices.ContainsFunc(list, func(o option) bool {
			var p plan
			o.apply(&p)
			return slices.Equal(p.from, from)
		}) {
			return
		}
		list = append(list, option{"columns", text, func(p *plan) { p.from = from }})
	}
	names := featureNames(b)
	add("columns are taken by position, whatever the header calls them", inPlace(n, 0))
	if d.Width == n+1 {
		add("the first column is a label, and is left out", inPlace(n, -1))
	} else {
		add("indices start at 1: every column is the feature before", inPlace(n, -1))
	}
	add("indices start at 1 in the model: every column is the feature after, and feature 0 is missing", inPlace(n, 1))
	if len(d.Names) == 0 || byName(d, names) != nil {
		if rank := sorted(names); rank != nil {
			add("the columns are in the alphabetical order of their names, not in the model's", rank)
			add("the model's features are in the alphabetical order of their names, not in that of the columns", inverse(rank))
		}
	}
	if d.Width == n && n > 1 {
		reversed := make([]int, n)
		for i := range reversed {
			reversed[i] = n - 1 - i
		}
		add("the columns are in reverse order", reversed)
	}
	return list
}

// marks are numbers that people write for missing values.
var marks = []float64{-1, -99, -999, -9999, -99999, 999, 9999, 99999}

func missingOptions(d *Data) []option {
	var list []option
	add := func(text string, clean func(float64) float64) {
		list = append(list, option{"missing", text, func(p *plan) { p.clean = clean }})
	}
	isMissing := func(missing func(float64) bool) func(float64) float64 {
		return func(v float64) float64 {
			if missing(v) {
				return math.NaN()
			}
			return v
		}
	}
	for _, mark := range append([]float64{0}, marks...) {
		if like := func(v float64) bool { return v == mark }; d.holds(like) {
			add(strconv.FormatFloat(mark, 'g', -1, 64)+" is missing", isMissing(like))
		}
	}
	if like := func(v float64) bool { return math.IsInf(v, 0) }; d.holds(like) {
		add("infinite is missing", isMissing(like))
	}
	add("missing and absent values are 0", func(v float64) float64 {
		if v != v {
			return 0
		}
		return v
	})
	return list
}

func outputOptions(b *model.Booster, width int) []option {
	list := []option{
		{"output", "they are margins, before the link", func(p *plan) { p.opts.Output = inference.Margin }},
		{"output", "they are values, behind the link", func(p *plan) { p.opts.Output = inference.Value }},
		{"output", "they are the numbers of leaves", func(p *plan) { p.opts.Output = inference.Leaf }},
	}
	after := func(text string, f func([]float32) []float32) {
		list = append(list, option{"output", text, func(p *plan) { p.opts.Output, p.after = inference.Value, f }})
	}
	single := b.NumGroup() == 1
	switch {
	case single && width == 1:
		after("they are the probability of the other class, 1 - p", func(out []float32) []float32 { return []float32{1 - out[0]} })
		after("they are labels: 1 where the value is over 0.5", func(out []float32) []float32 {
			if out[0] > 0.5 {
				return []float32{1}
			}
			return []float32{0}
		})
	case single && width == 2:
		after("they are the probabilities of both classes, 1 - p and p", func(out []float32) []float32 { return []float32{1 - out[0], out[0]} })
	case width == 1:
		after("they are the likeliest classes", func(out []float32) []float32 { return []float32{float32(slices.Index(out, slices.Max(out)))} })
		after("they are the greatest of the probabilities", func(out []float32) []float32 { return []float32{slices.Max(out)} })
	}
	return list
}

func roundOptions(b *model.Booster) []option {
	if b.Kind == "gblinear" {
		return nil
	}
	list := []option{
		{"rounds", "all trees count", func(p *plan) { p.opts.TreeLimit = inference.LimitNone }},
	}
	if best, err := strconv.Atoi(b.Attributes["best_iteration"]); err == nil {
		list = append(list, option{"rounds", fmt.Sprintf("only the trees up to the best iteration, %d, count", best),
			func(p *plan) { p.opts.TreeLimit = inference.LimitBest }})
	}
	if b.BestNtreeLimit > 0 || b.Attributes["best_ntree_limit"] != "" {
		list = append(list, option{"rounds", "only best_ntree_limit trees count, as in SageMaker's container",
			func(p *plan) { p.opts.TreeLimit = inference.LimitContainer }})
	}
	return list
}

func baseOptions(b *model.Booster) []option {
	with := func(score []float32, isMargin bool) func(*plan) {
		other := *b
		other.BaseScore, other.BaseIsMargin = score, isMargin
		return func(p *plan) { p.booster = &other }
	}
	list := []option{{"base score", "the base score is left out", with([]float32{0}, true)}}
	if b.BaseIsMargin {
		list = append(list, option{"base score", "the base score is a prediction, as XGBoost 1.0 and later store it", with(b.BaseScore, false)})
	} else {
		list = append(list, option{"base score", "the base score is a margin, as XGBoost before 1.0 stores it", with(b.BaseScore, true)})
	}
	return append(list, option{"base score", "the base score is 0.5, XGBoost's old default", with([]float32{0.5}, false)})
}

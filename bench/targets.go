package main

import (
	"fmt"
	"math"
	"slices"
	"strings"
)

// target is a row of the table of what the engine should reach: figures, and the marks to hold them against.
type target struct {
	What                  string
	Keys                  []string // what each figure is of, such as the model
	Accept, Aim, Moonshot []float64
	AtMost                bool                                     // figures should be small, not large
	figures               func(res *results, key string) []float64 // of each round, or one; none is not measured
	without               func(res *results) string                // why nothing can be measured, or empty
}

func same(x float64, n int) []float64 {
	all := make([]float64, n)
	for i := range all {
		all[i] = x
	}
	return all
}

var allModels = []string{"a", "a196", "b", "c", "d"}

var targets = []target{
	{What: "batch of 1000 with AVX-512, over XGBoost 3.2", Keys: allModels,
		Accept: []float64{36, 17, 100, 65, 120}, Aim: []float64{42, 19, 116, 76, 157}, Moonshot: []float64{60, 40, 180, 130, 250},
		without: noAVX512, figures: func(res *results, m string) []float64 { return res.ratios(m, current, oursName, 1000) }},
	{What: "batch of 1000 with AVX2, over XGBoost 3.2", Keys: allModels,
		Accept: []float64{18, 12, 40, 28, 48}, Aim: []float64{20, 14, 47, 32, 57}, Moonshot: []float64{30, 20, 80, 55, 100},
		figures: func(res *results, m string) []float64 { return res.ratios(m, current, avx2(res), 1000) }},
	{What: "batch of 1000 with AVX2, over the fastest foreign engine with the same model", Keys: allModels,
		Accept: same(7, 5), Aim: same(7.6, 5), Moonshot: same(15, 5),
		figures: func(res *results, m string) []float64 { return res.overBest(m, avx2(res), 1000, sameModel) }},
	{What: "batch of 1000 with AVX-512, over the fastest foreign engine with the same model", Keys: allModels,
		Accept: []float64{20, 10, 20, 20, 20}, Aim: []float64{24, 11, 53, 43, 78}, Moonshot: same(40, 5),
		without: noAVX512, figures: func(res *results, m string) []float64 { return res.overBest(m, oursName, 1000, sameModel) }},
	{What: "batch of 1000 with AVX2, over CatBoost's own model of that size", Keys: allModels,
		Accept: same(1, 5), Aim: same(2, 5), Moonshot: same(3, 5),
		figures: func(res *results, m string) []float64 { return res.ratios(m, "catboost", avx2(res), 1000) }},
	{What: "one row, over lleaves (own model)", Keys: []string{"a", "b"}, Accept: same(3, 2), Aim: same(4, 2), Moonshot: same(8, 2),
		figures: func(res *results, m string) []float64 { return res.ratios(m, "lleaves", oursName, 1) }},
	{What: "one row, over lignum less the cost of its call", Keys: []string{"a", "b"}, Accept: same(3, 2), Aim: same(4, 2), Moonshot: same(8, 2),
		figures: func(res *results, m string) []float64 { return res.overNet(m, "lignum") }},
	{What: "one row, over XGBoost 1.7.6", Keys: []string{"a", "b", "c"},
		Accept: []float64{50, 20, 12}, Aim: []float64{85, 28, 16}, Moonshot: []float64{130, 45, 30},
		figures: func(res *results, m string) []float64 { return res.ratios(m, old, oursName, 1) }},
	{What: "16 rows, over the best of all engines", Keys: allModels, Accept: same(1, 5), Aim: same(2, 5), Moonshot: same(4, 5),
		figures: func(res *results, m string) []float64 { return res.overBest(m, oursName, 16, anyModel) }},
	{What: "64 rows, over the best of all engines", Keys: allModels, Accept: same(1, 5), Aim: same(2, 5), Moonshot: same(4, 5),
		figures: func(res *results, m string) []float64 { return res.overBest(m, oursName, 64, anyModel) }},
	{What: "portable Go, batch of 1000, over XGBoost 3.2", Keys: []string{"a", "b", "c"},
		Accept: []float64{2.7, 3, 3}, Aim: []float64{6, 8, 10}, Moonshot: []float64{12, 20, 20},
		figures: func(res *results, m string) []float64 { return res.ratios(m, current, puregoName, 1000) }},
	{What: "portable Go, one row, over leaves", Keys: allModels, Accept: same(6, 5), Aim: same(8, 5), Moonshot: same(12, 5),
		figures: func(res *results, m string) []float64 { return res.ratios(m, "leaves", puregoName, 1) }},
	{What: "two threads over one, batches of 100,000 (wall time, medians of pairs; what the machine gives a loop in registers is below, under loading and memory)", Keys: allModels, Accept: same(1.8, 5), Aim: same(1.9, 5), Moonshot: same(1.97, 5),
		figures: func(res *results, m string) []float64 { return []float64{res.own(m).TwoOverOne} }},
	{What: "time to compile a model over the time to load it from UBJSON", Keys: allModels, AtMost: true,
		Accept: same(2, 5), Aim: same(1, 5), Moonshot: same(0.3, 5),
		figures: func(res *results, m string) []float64 { return []float64{res.own(m).CompileOverLoad} }},
	{What: "allocations of a call once warm, most of all batch sizes", Keys: allModels, AtMost: true,
		Accept: same(0, 5), Aim: same(0, 5), Moonshot: same(0, 5),
		figures: func(res *results, m string) []float64 {
			most := 0.0
			for _, n := range res.own(m).Allocs {
				most = max(most, n)
			}
			return []float64{most}
		}},
}

func (res *results) own(model string) *ownFigures {
	if f := res.Own[model]; f != nil {
		return f
	}
	return &ownFigures{CompileOverLoad: math.NaN()}
}

// avx2 is the contender that runs the AVX2 kernels: the one that is forced to, or ours where it can do no better.
func avx2(res *results) string {
	for _, m := range res.Models {
		if res.ns(m, "ours-avx2", 1000) > 0 {
			return "ours-avx2"
		}
	}
	return oursName
}

func noAVX512(res *results) string {
	if !res.Machine.has("avx512f") {
		return "not measured: this CPU has none"
	}
	for _, m := range res.Models {
		if r := res.By[m][oursName]; r != nil && strings.Contains(r.Version, "avx512") {
			return ""
		}
	}
	return "not measured: our engine did not use it"
}

func sameModel(e *engine) bool { return !e.Ours && !e.Own }
func anyModel(e *engine) bool  { return !e.Ours }

// overBest are the ratios, in each round, of that of the chosen engines which is the fastest over one of ours; those with wrong results have none.
func (res *results) overBest(model, ours string, size int, choose func(*engine) bool) (best []float64) {
	for _, name := range res.Engines {
		if !choose(engineNamed(name)) {
			continue
		}
		if x := res.ratios(model, name, ours, size); x != nil && (best == nil || median(x) < median(best)) {
			best = x
		}
	}
	return best
}

// overNet is the time of one row by an engine, less what its call costs, over ours, which is not reduced, in each round.
func (res *results) overNet(model, name string) (ratios []float64) {
	theirs, ours := res.By[model][name], res.By[model][oursName]
	if theirs == nil || ours == nil {
		return nil
	}
	for i := range min(len(theirs.NS[1]), len(theirs.Call), len(ours.NS[1])) {
		ratios = append(ratios, (theirs.NS[1][i]-theirs.Call[i])/ours.NS[1][i])
	}
	return ratios
}

// reached names the highest mark that a figure meets.
func (t *target) reached(i int, x float64) string {
	meets := func(mark float64) bool {
		if t.AtMost {
			return x <= mark
		}
		return x >= mark
	}
	switch {
	case meets(t.Moonshot[i]):
		return "moonshot"
	case meets(t.Aim[i]):
		return "aim"
	case meets(t.Accept[i]):
		return "accept"
	}
	return "no"
}

// row is the target as a row of the table.
func (t *target) row(res *results) string {
	keys, marks, figures, levels := []string{}, []string{}, []string{}, []string{}
	for i, key := range t.Keys {
		if !res.ran(key) {
			continue
		}
		keys = append(keys, key)
		marks = append(marks, fmt.Sprintf("%g/%g/%g", t.Accept[i], t.Aim[i], t.Moonshot[i]))
		figure, level := "-", "-"
		if t.without == nil || t.without(res) == "" {
			all := t.figures(res, key)
			if x := median(all); len(all) > 0 && (x > 0 || t.AtMost) && !math.IsNaN(x) {
				figure, level = fmt.Sprintf("%.3g", x), t.reached(i, x)
				if len(all) > 1 {
					figure += fmt.Sprintf(" (%.3g–%.3g)", slices.Min(all), slices.Max(all))
				}
			}
		}
		figures, levels = append(figures, figure), append(levels, level)
	}
	if len(keys) == 0 {
		return ""
	}
	if t.without != nil && t.without(res) != "" {
		figures, levels = []string{t.without(res)}, []string{"-"}
	}
	join := func(x []string) string { return strings.Join(collapse(x), ", ") }
	return fmt.Sprintf("| %s: %s | %s | %s | %s |\n", t.What, strings.Join(keys, ", "), join(marks), strings.Join(figures, ", "), join(levels))
}

// collapse makes one of many that are the same.
func collapse(x []string) []string {
	for _, s := range x {
		if s != x[0] {
			return x
		}
	}
	return x[:1]
}

func (res *results) ran(model string) bool { return res.By[model] != nil }

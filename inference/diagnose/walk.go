package diagnose

import (
	"threatdetect/inference"
)

// predict computes what a plan gives for rows of data; nil if the plan does not suit the model.
func (f *finder) predict(p *plan, rows []int) []float32 {
	wide, features, width := f.data.fit(rows, p.from, p.clean), len(p.from), f.width
	var out []float32
	var size int
	if p.arith == exact {
		pred := f.predictor(p.booster, p.opts)
		if pred == nil || p.after == nil && pred.NumOutput() != width {
			return nil
		}
		size = pred.NumOutput()
		out = zeros(len(rows) * size)
		narrow := zeros(len(wide))
		for i, v := range wide {
			narrow[i] = float32(v)
		}
		if pred.PredictBatch(out, narrow) != nil {
			return nil
		}
	} else if out, size = p.walk(wide, features); out == nil || p.after == nil && size != width {
		return nil
	}
	if p.after == nil {
		return out
	}
	var made []float32
	for ; len(out) >= size && len(out) > 0; out = out[size:] {
		made = append(made, p.after(out[:size])...)
	}
	if len(made) != len(rows)*width {
		return nil
	}
	return made
}

// walk predicts values or margins with another arithmetic than XGBoost's, with all trees.
func (p *plan) walk(rows []float64, features int) (out []float32, size int) {
	b := p.booster
	if p.opts.Output != inference.Value && p.opts.Output != inference.Margin || p.opts.TreeLimit == inference.LimitBest || p.opts.Rounds != (inference.Rounds{}) {
		return nil, 0
	}
	groups := b.NumGroup()
	base, err := baseOf(b, &p.opts)
	if err != nil || len(base) != groups {
		return nil, 0
	}
	n := len(rows) / features
	margins := make([]float32, 0, n*groups)
	narrow, wide := make([]float32, groups), make([]float64, groups)
	for ; len(rows) > 0; rows = rows[features:] {
		for g := range groups {
			narrow[g], wide[g] = base[g], float64(base[g])
		}
		for t := range b.Trees {
			leaf := p.leaf(t, rows[:features])
			v, g := b.Trees[t].Value[leaf], b.TreeGroup[t]
			narrow[g] += v
			wide[g] += float64(v)
		}
		for g := range groups {
			if p.arith == leavesStyle {
				narrow[g] = float32(wide[g])
			}
			margins = append(margins, narrow[g])
		}
	}
	if p.opts.Output == inference.Margin {
		return margins, groups
	}
	link, err := linkOf(b, &p.opts)
	if err != nil {
		return nil, 0
	}
	out = zeros(n * link.NumOutput())
	if link.PredictFrom(out, zeros(n*features), margins) != nil {
		return nil, 0
	}
	return out, link.NumOutput()
}

func (p *plan) leaf(tree int, row []float64) int32 {
	t := &p.booster.Trees[tree]
	n := int32(0)
	for !t.IsLeaf(n) {
		v, threshold := row[t.Feature[n]], float64(t.Value[n])
		left := false
		switch {
		case v != v:
			left = t.DefaultLeft[n]
		case p.arith == wideCompare:
			left = v < threshold
		case p.arith == orEqual:
			left = float64(float32(v)) <= threshold
		default:
			left = v <= threshold
		}
		if left {
			n = t.Left[n]
		} else {
			n = t.Right[n]
		}
	}
	return n
}

package inference

import (
	"fmt"

	"threatdetect/internal/shap"
	"threatdetect/model"
)

// maxOutput is the most values that a row may give.
const maxOutput = 1 << 28

// explain makes p ready for an output that explains.
func (p *Predictor) explain(b *model.Booster, pause func()) error {
	if p.linear != nil && p.output == Interaction {
		return &model.UnsupportedError{What: "interactions of a gblinear booster"}
	}
	for i := range b.Trees {
		if t := &b.Trees[i]; t.SumHessian == nil && !t.IsLeaf(0) {
			return &StatisticsError{Tree: i}
		}
	}
	if p.output == ApproxContribution && p.linear == nil && p.forest.HasVectors() {
		return &model.UnsupportedError{What: "approximate contributions of trees whose leaves are vectors"}
	}
	width := int64(p.numFeature) + 1
	n := int64(p.numGroup) * width
	if p.output == Interaction {
		n *= width
	}
	if n > maxOutput {
		return &model.LimitError{Name: fmt.Sprintf("values of a row for %v output", p.output), Limit: maxOutput, Got: n}
	}
	p.numOutput = int(n)
	if p.linear != nil {
		return nil
	}
	var err error
	p.explainer, err = shap.Build(b, p.forest, p.output != ApproxContribution, pause)
	return err
}

// explainRows writes what p.output says of rows. base holds base margins for all rows, or for each.
func (p *Predictor) explainRows(dst, rows, base []float32, s *shap.Scratch) {
	if p.output == Contribution && p.linear == nil {
		p.explainer.Contributions(dst, base, rows, s)
		return
	}
	for n, groups := p.numFeature, p.numGroup; len(rows) > 0; dst, rows = dst[p.numOutput:], rows[n:] {
		out, row, start := dst[:p.numOutput], rows[:n], base[:groups]
		switch {
		case p.linear != nil:
			p.linear.contributions(out, start, row)
		case p.output == Interaction:
			p.explainer.Interactions(out, start, row, s)
		default:
			p.explainer.Approximate(out, start, row, s)
		}
		if len(base) > groups {
			base = base[groups:]
		}
	}
}

// contributions writes what each column adds, 0 if it is missing, and the bias, for each group.
func (l *linear) contributions(dst, base, row []float32) {
	for g := range base {
		out := dst[g*(l.numFeature+1):][:l.numFeature+1]
		for column, x := range row {
			out[column] = 0
			if x == x {
				out[column] = x * l.weight(column, g)
			}
		}
		out[l.numFeature] = l.weight(l.numFeature, g) + base[g]
	}
}

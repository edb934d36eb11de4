package inference

import (
	"threatdetect/internal/forest"
	"threatdetect/internal/shap"
)

// scoreRows is the most rows whose margins, or whose values in one piece, are kept at a time.
const scoreRows = 256

// maxCopied is the most values of rows that are copied at a time, beyond one row.
const maxCopied = 1 << 18

// scratch is the memory of one goroutine in a call.
type scratch struct {
	forest  *forest.Scratch
	margins []float32 // of some rows, if they do not fit in dst
	rows    []float32 // in one piece; nil until they are needed
	shap    *shap.Scratch
}

func (p *Predictor) newScratch() *scratch {
	s := &scratch{}
	if p.output == Value && p.numOutput != p.numGroup {
		s.margins = make([]float32, scoreRows*p.numGroup)
	}
	if p.explainer != nil {
		s.shap = p.explainer.NewScratch()
	}
	if p.forest != nil {
		s.forest = p.forest.NewScratch()
	}
	return s
}

// score writes what the n rows of in from first on give.
func (p *Predictor) score(dst []float32, in *input, first, n int, s *scratch) {
	base := p.base
	if in.base != nil {
		base = in.base[first*p.numGroup:][:n*p.numGroup]
	}
	if p.forest != nil && p.output <= Margin {
		p.scoreForest(dst, in, base, first, n, s)
		return
	}
	width := p.numFeature
	if m := in.matrix; !in.sparse && in.packed.Packing == nil && m.RowStride == width && m.ColumnStride == 1 {
		p.scoreDense(dst, m.Data[first*width:][:n*width], base, s)
		return
	}
	// What is left is slow beside a copy.
	most := min(max(maxCopied/width, 1), scoreRows)
	if s.rows == nil {
		s.rows = make([]float32, most*width)
	}
	for n > 0 {
		k := min(n, most)
		rows, of := s.rows[:k*width], base
		if len(base) > p.numGroup {
			of, base = base[:k*p.numGroup], base[k*p.numGroup:]
		}
		in.copyRows(rows, width, first)
		p.scoreDense(dst[:k*p.numOutput], rows, of, s)
		dst, first, n = dst[k*p.numOutput:], first+k, n-k
	}
}

// scoreRow is score for one row. What a call costs beside the trees matters there.
func (p *Predictor) scoreRow(dst, row []float32, s *scratch) {
	if p.forest == nil || p.output > Margin || p.numOutput != p.numGroup {
		in := p.dense(row, nil)
		p.score(dst, &in, 0, 1, s)
		return
	}
	p.forest.RowMargins(dst, p.base, row, s.forest)
	if p.output == Value {
		p.value(dst)
	}
}

// scoreForest is score for values and margins of trees. base holds the base margins for all rows, or for each.
func (p *Predictor) scoreForest(dst []float32, in *input, base []float32, first, n int, s *scratch) {
	groups := p.numGroup
	if p.numOutput == groups {
		p.margins(dst, base, in, first, n, s)
		if p.output == Value {
			p.link(dst, groups)
		}
		return
	}
	// One value of several margins.
	for n > 0 {
		k := min(n, scoreRows)
		margins, of := s.margins[:k*groups], base
		if len(base) > groups {
			of, base = base[:k*groups], base[k*groups:]
		}
		p.margins(margins, of, in, first, k, s)
		p.pick(dst[:k*p.numOutput], margins)
		dst, first, n = dst[k*p.numOutput:], first+k, n-k
	}
}

// link replaces the margins of some rows by their values.
func (p *Predictor) link(margins []float32, groups int) {
	if p.apart {
		p.value(margins)
		return
	}
	for ; len(margins) > 0; margins = margins[groups:] {
		p.value(margins[:groups])
	}
}

// margins writes the margins of the n rows of in from first on.
func (p *Predictor) margins(dst, base []float32, in *input, first, n int, s *scratch) {
	if in.packed.Packing != nil {
		p.forest.PackedMargins(dst, base, &in.packed, first, n, s.forest)
		return
	}
	if in.sparse {
		p.forest.SparseMargins(dst, base, &in.csr, first, n, s.forest)
		return
	}
	m := in.matrix
	m.Data = m.Data[first*m.RowStride:]
	p.forest.MatrixMargins(dst, base, m, n, s.forest)
}

// scoreDense is score for the other outputs and boosters, and for rows that lie one after the other.
func (p *Predictor) scoreDense(dst, rows, base []float32, s *scratch) {
	switch {
	case p.output >= Contribution:
		p.explainRows(dst, rows, base, s.shap)
	case p.output == Leaf:
		m := forest.Matrix{Data: rows, RowStride: p.numFeature, ColumnStride: 1}
		p.forest.MatrixLeaves(dst, m, len(rows)/p.numFeature, s.forest)
	case p.numOutput == p.numGroup:
		p.linear.margins(dst, base, rows)
		if p.output == Value {
			p.link(dst, p.numGroup)
		}
	default: // one value of several margins
		n := len(rows) / p.numFeature
		for first := 0; first < n; first += scoreRows {
			k := min(n-first, scoreRows)
			of := base
			if len(base) > p.numGroup {
				of = base[first*p.numGroup:][:k*p.numGroup]
			}
			margins := s.margins[:k*p.numGroup]
			p.linear.margins(margins, of, rows[first*p.numFeature:][:k*p.numFeature])
			p.pick(dst[first*p.numOutput:][:k*p.numOutput], margins)
		}
	}
}

// pick writes the values of margins of which there are more than values.
func (p *Predictor) pick(dst, margins []float32) {
	p.link(margins, p.numGroup)
	for i, to := 0, p.numOutput; len(dst) > 0; i, dst = i+1, dst[to:] {
		copy(dst[:to], margins[i*p.numGroup:])
	}
}

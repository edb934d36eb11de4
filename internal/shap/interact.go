package shap

// NumInteraction is the number of interactions of a row.
func (e *Explainer) NumInteraction() int { return e.NumOutput() * (e.forest.NumFeature + 1) }

// Interactions writes NumInteraction values for one row: for each group a symmetric matrix of NumFeature+1 rows, of which row i
// adds up to contribution i. Half of what knowing column i changes in the contribution of column k is at (i, k); what is left of
// contribution i is at (i, i). The arguments are those of Reference.
//
// XGBoost walks every tree twice for each column. A tree without splits on a column gives the same for both walks and for every such
// column, so here it is walked once for all of them.
func (e *Explainer) Interactions(dst, base, row []float32, s *Scratch) {
	width, size := e.forest.NumFeature+1, e.NumOutput()
	s.known, s.unknown, s.plain = grow(s.known, width*size), grow(s.unknown, width*size), grow(s.plain, size)
	known, unknown := s.known, s.unknown // those of column i, for all groups, start at i*size
	clear(known)
	clear(unknown)
	if e.straight {
		for i := range width {
			e.sum(known[i*size:][:size], row, s, on, int32(i))
			e.sum(unknown[i*size:][:size], row, s, off, int32(i))
		}
	} else {
		for i := range e.trees {
			e.interact(known, unknown, &e.trees[i], row, s)
		}
	}
	for i := range width {
		e.addBase(known[i*size:][:size], base)
		e.addBase(unknown[i*size:][:size], base)
	}
	e.Reference(s.plain, base, row, s)

	for g := range e.forest.NumGroup {
		for i := range width {
			out := dst[(g*width+i)*width:][:width]
			yes, no := known[i*size+g*width:][:width], unknown[i*size+g*width:][:width]
			var rest float32
			for k := range out {
				if k == i {
					rest += s.plain[g*width+k]
					continue
				}
				out[k] = float32(float64(yes[k]-no[k]) / 2)
				rest -= out[k]
			}
			out[i] = rest
		}
	}
}

// interact adds what one tree gives on the condition of each column.
func (e *Explainer) interact(known, unknown []float32, t *tree, row []float32, s *Scratch) {
	size := e.NumOutput()
	p := pass{e: e, t: t, row: row, phi: s.phi, column: none}
	p.walk(s.path)
	used := t.columns
	for i := range int32(e.forest.NumFeature + 1) {
		if len(used) > 0 && used[0] == i {
			used = used[1:]
			continue
		}
		t.addTo(e.outputs(known[int(i)*size:], t), s.phi)
		t.addTo(e.outputs(unknown[int(i)*size:], t), s.phi)
	}
	t.reset(s.phi)
	for _, i := range t.columns {
		p.column = i
		for _, p.condition = range [...]condition{on, off} {
			to := known
			if p.condition == off {
				to = unknown
			}
			p.walk(s.path)
			t.addTo(e.outputs(to[int(i)*size:], t), s.phi)
			t.reset(s.phi)
		}
	}
}

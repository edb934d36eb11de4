package forest

import "threatdetect/internal/heapwalk"

// rowMargins is Margins without blocks.
func (f *Forest) rowMargins(dst, base, rows []float32, s *Scratch) {
	width, groups := f.NumFeature, f.NumGroup
	own := len(base) > groups
	for n := len(rows) / width; n > 0; {
		m := min(n, s.rows)
		if f.vectors != nil {
			m = 1
		}
		f.someMargins(dst[:m*groups], base, rows[:m*width], m, s)
		dst, rows, n = dst[m*groups:], rows[m*width:], n-m
		if own && n > 0 {
			base = base[m*groups:]
		}
	}
}

// someMargins is Margins for n rows, s.rows at most.
func (f *Forest) someMargins(dst, base, rows []float32, n int, s *Scratch) {
	width, groups := f.NumFeature, f.NumGroup
	for r := range n {
		f.expand(s, r, rows[r*width:][:width])
	}
	if n == 1 {
		base = base[:groups]
		f.begin(dst, base)
		if f.vectors != nil {
			f.sumVectors(dst, rows, s)
		} else {
			f.sum(dst, rows, 1, s)
		}
		f.end(dst, base)
		return
	}
	// All sums of a group lie together while its trees are walked.
	own := 0
	if len(base) > groups {
		own = groups
	}
	sums := s.sums[:n*groups]
	for r := range n {
		row := dst[r*groups:][:groups]
		f.begin(row, base[r*own:][:groups])
		for g, x := range row {
			sums[g*n+r] = x
		}
	}
	f.sum(sums, rows, n, s)
	for r := range n {
		row := dst[r*groups:][:groups]
		for g := range row {
			row[g] = sums[g*n+r]
		}
		f.end(row, base[r*own:][:groups])
	}
}

// sum adds the leaves of all trees for n rows, in tree order, to the sums, of which each group has n.
func (f *Forest) sum(sums, rows []float32, n int, s *Scratch) {
	wide, narrow := s.wide[:n*f.numWide()], s.narrow[:n*f.numNarrow()]
	for i := range f.runs {
		r := &f.runs[i]
		of := sums[int(r.group)*n:][:n]
		switch {
		case !r.heap:
			f.walkRun(of, r, rows)
		case f.narrow:
			heapwalk.SumRows(of, &r.narrow, narrow)
		default:
			heapwalk.SumRows(of, &r.wide, wide)
		}
	}
}

// walkRun adds the leaves of a run node by node.
func (f *Forest) walkRun(sums []float32, r *run, rows []float32) {
	for i := range sums {
		row := rows[i*f.NumFeature:][:f.NumFeature]
		for _, t := range r.trees {
			sums[i] += float32(f.Tree(int(t))[f.leafOf(int(t), row)].Value * f.Weight(int(t)))
		}
	}
}

// Leaves writes, for every tree, the number of the leaf that a row of NumFeature values ends in. The slices must have
// the lengths NumTree and NumFeature. It does not allocate.
func (f *Forest) Leaves(dst, row []float32, s *Scratch) {
	f.expand(s, 0, row)
	for i := range f.runs {
		r := &f.runs[i]
		for k, leaf := range f.runLeaves(r, row, s) {
			dst[r.trees[k]] = float32(leaf)
		}
	}
}

// sumVectors adds the leaf vectors of all trees to dst, in tree order.
func (f *Forest) sumVectors(dst, row []float32, s *Scratch) {
	for i := range f.runs {
		r := &f.runs[i]
		for k, leaf := range f.runLeaves(r, row, s) {
			t := int(r.trees[k])
			f.addLeaf(dst, t, &f.Tree(t)[leaf])
		}
	}
}

// runLeaves returns the number of the leaf of every tree of a run that the row ends in, whose keys are the first of s. The result is
// valid until the next call.
func (f *Forest) runLeaves(r *run, row []float32, s *Scratch) []uint32 {
	places := s.places[:len(r.trees)]
	if !r.heap {
		for k, t := range r.trees {
			places[k] = uint32(f.leafOf(int(t), row))
		}
		return places
	}
	trees, depth := r.wide.Trees, r.wide.Depth
	if f.narrow {
		trees, depth = r.narrow.Trees, r.narrow.Depth
		heapwalk.Find(places, &r.narrow, s.narrow[:f.numNarrow()])
	} else {
		heapwalk.Find(places, &r.wide, s.wide[:f.numWide()])
	}
	size := uint32(trees << depth)
	first := uint32(0)
	for k := range places {
		if k > 0 && k%trees == 0 {
			first += size
		}
		places[k] = uint32(r.leafIDs[first+places[k]])
	}
	return places
}

package forest

import "threatdetect/internal/heapwalk"

// rowMargins is MatrixMargins without blocks.
func (f *Forest) rowMargins(dst, base []float32, m Matrix, n int, s *Scratch) {
	for first := 0; first < n; first += s.rows {
		k := min(n-first, s.rows)
		for r := range k {
			f.expand(s, r, f.row(m, first+r, s))
		}
		f.keyMargins(dst, base, m, first, k, s)
	}
}

// RowMargins is [Forest.MatrixMargins] for one row of NumFeature values, and takes less time.
func (f *Forest) RowMargins(dst, base, row []float32, s *Scratch) {
	if !f.oneRow {
		f.MatrixMargins(dst, base, Matrix{Data: row, RowStride: f.NumFeature, ColumnStride: 1}, 1, s)
		return
	}
	f.expand(s, 0, row)
	f.begin(dst, base)
	if f.narrow {
		keys := s.narrow[:f.numNarrow()]
		for i := range f.runs {
			r := &f.runs[i]
			dst[r.group] = heapwalk.SumRow(dst[r.group], &r.narrow, keys)
		}
	} else {
		keys := s.wide[:f.numWide()]
		for i := range f.runs {
			r := &f.runs[i]
			dst[r.group] = heapwalk.SumRow(dst[r.group], &r.wide, keys)
		}
	}
	f.end(dst, base)
}

// keyMargins writes the margins of k rows from row first on, whose keys are in s.
func (f *Forest) keyMargins(dst, base []float32, m Matrix, first, k int, s *Scratch) {
	groups, own := f.NumGroup, 0
	if len(base) > groups {
		own = groups
	}
	dst, base = dst[first*groups:][:k*groups], base[first*own:]
	m.Data = m.Data[first*m.RowStride:]
	for r := range k {
		f.begin(dst[r*groups:][:groups], base[r*own:][:groups])
	}
	switch {
	case f.vectors != nil:
		for r := range k {
			f.sumVectors(dst[r*groups:][:groups], m, r, s)
		}
	case groups == 1 || k == 1:
		f.sum(dst, m, k, s)
	default:
		// All sums of a group lie together while its trees are walked.
		sums := s.sums[:k*groups]
		for r := range k {
			for g, x := range dst[r*groups:][:groups] {
				sums[g*k+r] = x
			}
		}
		f.sum(sums, m, k, s)
		for r := range k {
			to := dst[r*groups:][:groups]
			for g := range to {
				to[g] = sums[g*k+r]
			}
		}
	}
	for r := range k {
		f.end(dst[r*groups:][:groups], base[r*own:][:groups])
	}
}

// sum adds the leaves of all trees for n rows, in tree order, to the sums, of which each group has n.
func (f *Forest) sum(sums []float32, m Matrix, n int, s *Scratch) {
	wide, narrow := s.wide[:n*f.numWide()], s.narrow[:n*f.numNarrow()]
	for i := range f.runs {
		r := &f.runs[i]
		of := sums[int(r.group)*n:][:n]
		switch {
		case !r.heap:
			f.walkRun(of, r, m, s)
		case f.narrow:
			heapwalk.SumRows(of, &r.narrow, narrow)
		default:
			heapwalk.SumRows(of, &r.wide, wide)
		}
	}
}

// walkRun adds the leaves of a run node by node.
func (f *Forest) walkRun(sums []float32, r *run, m Matrix, s *Scratch) {
	for i := range sums {
		row := f.row(m, i, s)
		for _, t := range r.trees {
			sums[i] += float32(f.Tree(int(t))[f.leafOf(int(t), row)].Value * f.Weight(int(t)))
		}
	}
}

// Leaves writes, for every tree, the number of the leaf that a row of NumFeature values ends in. The slices must have
// the lengths NumTree and NumFeature. It does not allocate.
func (f *Forest) Leaves(dst, row []float32, s *Scratch) {
	f.expand(s, 0, row)
	m := Matrix{Data: row, RowStride: f.NumFeature, ColumnStride: 1}
	for i := range f.runs {
		r := &f.runs[i]
		for k, leaf := range f.runLeaves(r, m, 0, s) {
			dst[r.trees[k]] = float32(leaf)
		}
	}
}

// sumVectors adds the leaf vectors of all trees for row i to dst, in tree order.
func (f *Forest) sumVectors(dst []float32, m Matrix, i int, s *Scratch) {
	for j := range f.runs {
		r := &f.runs[j]
		for k, leaf := range f.runLeaves(r, m, i, s) {
			t := int(r.trees[k])
			f.addLeaf(dst, t, &f.Tree(t)[leaf])
		}
	}
}

// runLeaves returns the number of the leaf of every tree of a run that row i of m ends in, whose keys are those of row i of s. The result
// is valid until the next call.
func (f *Forest) runLeaves(r *run, m Matrix, i int, s *Scratch) []uint32 {
	places := s.places[:len(r.trees)]
	if !r.heap {
		row := f.row(m, i, s)
		for k, t := range r.trees {
			places[k] = uint32(f.leafOf(int(t), row))
		}
		return places
	}
	trees, depth := r.wide.Trees, r.wide.Depth
	if f.narrow {
		trees, depth = r.narrow.Trees, r.narrow.Depth
		heapwalk.Find(places, &r.narrow, s.narrow[i*f.numNarrow():][:f.numNarrow()])
	} else {
		heapwalk.Find(places, &r.wide, s.wide[i*f.numWide():][:f.numWide()])
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

package shap

// blockRows is how many rows go through a tree before the next tree is taken, so that its table is read from memory once for all of
// them. From 8 to 64 rows the time hardly changes.
const blockRows = 16

// Contributions writes the exact contributions of len(rows)/NumFeature rows: NumOutput values for each, with the bits of Reference
// and, where there are tables, in much less time. base holds the base margins: NumGroup for all rows, or as many for each.
func (e *Explainer) Contributions(dst, base, rows []float32, s *Scratch) {
	width, size, groups := e.forest.NumFeature, e.NumOutput(), e.forest.NumGroup
	own := len(base) != groups
	for len(rows) > blockRows*width {
		e.block(dst[:blockRows*size], base, rows[:blockRows*width], s)
		dst, rows = dst[blockRows*size:], rows[blockRows*width:]
		if own {
			base = base[blockRows*groups:]
		}
	}
	e.block(dst, base, rows, s)
}

// block is Contributions for up to blockRows rows.
func (e *Explainer) block(dst, base, rows []float32, s *Scratch) {
	width, size, numKey := e.forest.NumFeature, e.NumOutput(), e.forest.NumKey()
	n := len(rows) / width
	if s.keys == nil {
		s.keys = make([]uint32, blockRows*numKey)
	}
	for r := range n {
		e.forest.Expand(s.keys[r*numKey:][:numKey], rows[r*width:][:width])
	}
	clear(dst)
	for i := range e.trees {
		t := &e.trees[i]
		for r := range n {
			out := e.outputs(dst[r*size:][:size], t)
			switch {
			case t.table == nil:
				e.walkTree(out, t, rows[r*width:][:width], s, free, none)
			case e.straight:
				t.lookUpStraight(out, s.keys[r*numKey:][:numKey])
			default:
				t.lookUp(out, s.keys[r*numKey:][:numKey])
			}
		}
	}
	groups := e.forest.NumGroup
	for r := range n {
		e.addBase(dst[r*size:][:size], base[:groups])
		if len(base) > groups {
			base = base[groups:]
		}
	}
}

// lookUp adds to out what the tree gives for a row with these keys.
func (t *tree) lookUp(out []float32, keys []uint32) {
	var phi [256]float32
	t.table.add(&phi, keys)
	for i, c := range t.columns {
		out[c] += float32(phi[i] * t.weight)
	}
	out[len(out)-1] += float32(t.mean[0] * t.weight)
}

// lookUpStraight is lookUp for the releases that add every term straight to the output.
func (t *tree) lookUpStraight(out []float32, keys []uint32) {
	var phi [256]float32
	for i, c := range t.columns {
		phi[i] = out[c]
	}
	t.table.add(&phi, keys)
	for i, c := range t.columns {
		out[c] = phi[i]
	}
	out[len(out)-1] += t.mean[0]
}

// add visits the leaves, at each split first the child that the row takes, and adds their terms to the elements of phi that belong
// to their columns. The way to go is the sign of the difference of two keys, as in package forest: a branch would be mispredicted.
func (t *table) add(phi *[256]float32, keys []uint32) {
	var later [maxTableDepth + 1]struct { // cold children that wait
		at      int32
		pattern uint32
	}
	waiting := 0
	at, pattern := int32(0), uint32(0)
	for {
		for at >= 0 {
			s := &t.splits[at]
			left := (uint64(keys[uint32(s.key)]) - s.key>>32) >> 63
			w := &later[waiting]
			w.at, w.pattern = s.child[left&1^1], pattern<<1|1
			waiting++
			at, pattern = s.child[left&1], pattern<<1
		}
		l := &t.leaves[^at]
		terms := t.terms[l.term+pattern*l.columns:][:l.columns]
		slots := t.slots[l.slot:][:len(terms)]
		for i, x := range terms {
			phi[slots[i]] += x
		}
		if waiting == 0 {
			return
		}
		waiting--
		at, pattern = later[waiting].at, later[waiting].pattern
	}
}

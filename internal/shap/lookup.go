package shap

// blockRows is how many rows go through a tree before the next tree is taken, so that its table is read from memory once for all of
// them. From 4 to 128 rows the time hardly changes.
const blockRows = 32

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
		s.tally = new(tally)
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
				t.lookUpStraight(out, s.keys[r*numKey:][:numKey], s.tally)
			default:
				t.lookUp(out, s.keys[r*numKey:][:numKey], s.tally)
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

// tally is the memory of a walk over a table; see S4 for its size.
type tally struct {
	phi    [256]float32             // sums of the columns, by their slots; zero between walks
	later  [maxTableDepth + 1]place // cold children that wait
	visits [256]visit
}

// visit says where the terms and the slots of a pair are.
type visit struct{ term, slot uint32 }

// place is a child of a split, and the pattern on the way to it.
type place struct {
	at      int32
	pattern uint32
}

// lookUp adds to out what the tree gives for a row with these keys.
func (t *tree) lookUp(out []float32, keys []uint32, y *tally) {
	t.table.add(y, keys)
	for i, c := range t.columns {
		out[c] += float32(y.phi[i&255] * t.weight)
		y.phi[i&255] = 0
	}
	out[len(out)-1] += float32(t.mean[0] * t.weight)
}

// lookUpStraight is lookUp for the releases that add every term straight to the output.
func (t *tree) lookUpStraight(out []float32, keys []uint32, y *tally) {
	for i, c := range t.columns {
		y.phi[i] = out[c]
	}
	t.table.add(y, keys)
	for i, c := range t.columns {
		out[c] = y.phi[i]
		y.phi[i] = 0
	}
	out[len(out)-1] += t.mean[0]
}

// add visits the leaves, at each split first the child that the row takes, and adds their terms to the sums of their columns.
func (t *table) add(y *tally, keys []uint32) {
	terms, slots, width := t.terms, t.slots, t.width
	phi := &y.phi
	for _, at := range t.order(y, keys) {
		columns := slots[at.slot:][:width]
		hot := terms[at.term:][:2*len(columns)]
		cold := hot[len(columns):][:len(columns)]
		hot = hot[:len(columns)]
		for i, slot := range columns {
			phi[slot] = phi[slot] + hot[i] + cold[i]
		}
	}
}

// order finds out where the terms for a row are, pair after pair as the leaves are visited. The way to go is the sign of the difference
// of two keys, as in package forest: a branch would be mispredicted.
func (t *table) order(y *tally, keys []uint32) []visit {
	splits, pairs := t.splits, t.pairs
	later, visits := &y.later, &y.visits
	n, waiting, at, pattern := 0, 0, t.root, uint32(0)
	for {
		for at >= 0 {
			s := &splits[at]
			left := (uint64(keys[uint32(s.key)]) - s.key>>32) >> 63
			later[waiting] = place{s.child[left&1^1], pattern<<1 | 1}
			waiting++
			at, pattern = s.child[left&1], pattern<<1
		}
		p := &pairs[^at]
		left := (uint64(keys[uint32(p.key)]) - p.key>>32) >> 63
		visits[n&255] = visit{p.term + pattern*p.size + uint32(left)*p.side, p.slot}
		n++
		if waiting == 0 {
			return visits[:n]
		}
		waiting--
		at, pattern = later[waiting].at, later[waiting].pattern
	}
}

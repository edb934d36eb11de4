package shap

// blockRows is how many rows go through a tree before the next tree is taken, so that its table is read from memory once for all of
// them. With 16 rows it takes a fifth longer; with 128 the rows themselves begin to cost.
const blockRows = 64

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
	phi    sums // zero between walks
	ranks  [2 * firstPair]uint32
	visits [256]visit
}

// visit is a pair and where the terms for a row are.
type visit struct{ term, pair uint32 }

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

// add visits the leaves, at each split first the child that the row takes, and adds their terms to the sums of their columns. The
// root's column is on every path, so its sum, which is the longest chain of additions, stays in a register. The other columns of a pair
// do not depend on each other: they are written out, as a loop would take longer than what is in it.
func (t *table) add(y *tally, keys []uint32) {
	pairs, terms, width := t.pairs, t.terms, t.width
	phi := &y.phi
	top := phi[t.top]
	for _, v := range t.order(y, keys) {
		slots := &pairs[v.pair].slots
		x := (*[maxTerms]float32)(terms[v.term:])
		switch width {
		default:
			for i := 7; i < width; i++ {
				phi.add(slots[i&(maxTableDepth-1)], x[2*i&(maxTerms-1)], x[2*i&(maxTerms-1)+1])
			}
			fallthrough
		case 7:
			phi.add(slots[6], x[12], x[13])
			fallthrough
		case 6:
			phi.add(slots[5], x[10], x[11])
			fallthrough
		case 5:
			phi.add(slots[4], x[8], x[9])
			fallthrough
		case 4:
			phi.add(slots[3], x[6], x[7])
			fallthrough
		case 3:
			phi.add(slots[2], x[4], x[5])
			fallthrough
		case 2:
			phi.add(slots[1], x[2], x[3])
			fallthrough
		case 1:
			top = top + x[0] + x[1]
		}
	}
	phi[t.top] = top
}

// sums are the sums of the columns of a tree, by their slots.
type sums [256]float32

func (s *sums) add(slot uint8, hot, cold float32) { s[slot] = s[slot] + hot + cold }

// order finds out which terms a row needs and brings the pairs into the order in which their leaves are visited. All splits are looked
// at, one after the other: nothing depends on how the one before it came out, and there is no branch that could be mispredicted. The
// way to go is the sign of the difference of two keys, as in package forest.
func (t *table) order(y *tally, keys []uint32) []visit {
	splits, pairs := t.splits, t.pairs
	ranks, visits := &y.ranks, &y.visits
	ranks[t.root%uint(len(ranks))] = 0
	for i := range splits {
		s := &splits[i]
		left := uint32((uint64(keys[uint32(s.key)]) - s.key>>32) >> 63)
		rank := ranks[uint(i)%uint(len(ranks))]
		ranks[uint(s.right)%uint(len(ranks))] = rank + s.rightLast&-left
		ranks[uint(s.left)%uint(len(ranks))] = rank + s.leftLast&(left-1)
	}
	for i := range pairs {
		p := &pairs[i]
		left := uint32((uint64(keys[uint32(p.key)]) - p.key>>32) >> 63)
		rank := ranks[(firstPair+uint(i))%uint(len(ranks))]
		visits[rank%firstPair] = visit{p.term + rank/firstPair*p.size + p.side&-left, uint32(i)}
	}
	return visits[:len(pairs)]
}

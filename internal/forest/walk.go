package forest

// The reference walker: the plainest code, which defines what the others have to return. It is not made faster.

// leafOf returns the leaf of tree t that row ends in.
func (f *Forest) leafOf(t int, row []float32) int32 {
	nodes := f.Tree(t)
	n := int32(0)
	for nodes[n].Left != -1 {
		split := &nodes[n]
		x := row[split.Column()]
		switch {
		case x != x && split.DefaultLeft():
			n = split.Left
		case x != x:
			n = split.Right
		case x < split.Value:
			n = split.Left
		default:
			n = split.Right
		}
	}
	return n
}

// WalkMargins is [Forest.Margins] by the reference walker.
func (f *Forest) WalkMargins(dst, base, row []float32) {
	f.begin(dst, base)
	for t := range f.NumTree() {
		dst[f.group[t]] += f.Tree(t)[f.leafOf(t, row)].Value
	}
	f.end(dst, base)
}

// WalkLeaves is [Forest.Leaves] by the reference walker.
func (f *Forest) WalkLeaves(dst, row []float32) {
	for t := range f.NumTree() {
		dst[t] = float32(f.leafOf(t, row))
	}
}

// begin sets dst to what the sums start from.
func (f *Forest) begin(dst, base []float32) {
	if f.BaseLast {
		clear(dst)
	} else {
		copy(dst, base)
	}
}

// end completes the sums in dst.
func (f *Forest) end(dst, base []float32) {
	if f.BaseLast {
		for g := range dst {
			dst[g] = base[g] + dst[g]
		}
	}
}

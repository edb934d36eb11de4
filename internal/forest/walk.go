package forest

// The reference walker: the plainest code, which defines what the others have to return. It is not made faster.

// GoesLeft reports whether row takes the left child of a split of f. It is the one definition of a step.
func (f *Forest) GoesLeft(split *Node, row []float32) bool {
	x := row[split.Column()]
	switch {
	case x != x:
		return split.DefaultLeft()
	case split.Categorical():
		return f.conditions[split.condition()].left(x)
	}
	return x < split.Value
}

// leafOf returns the leaf of tree t that row ends in.
func (f *Forest) leafOf(t int, row []float32) int32 {
	nodes := f.Tree(t)
	n := int32(0)
	for nodes[n].Left != -1 {
		if f.GoesLeft(&nodes[n], row) {
			n = nodes[n].Left
		} else {
			n = nodes[n].Right
		}
	}
	return n
}

// addLeaf adds a leaf of tree t to the sums.
func (f *Forest) addLeaf(dst []float32, t int, leaf *Node) {
	w := f.Weight(t)
	if f.vectors == nil {
		dst[f.group[t]] += float32(leaf.Value * w)
		return
	}
	for g, v := range f.Vector(leaf) {
		dst[g] += float32(v * w)
	}
}

// WalkMargins is [Forest.Margins] by the reference walker.
func (f *Forest) WalkMargins(dst, base, row []float32) {
	f.begin(dst, base)
	for t := range f.NumTree() {
		f.addLeaf(dst, t, &f.Tree(t)[f.leafOf(t, row)])
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

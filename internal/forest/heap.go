package forest

// Margins writes the NumGroup margins of a row of NumFeature values. base holds a base margin for each group.
// The slices must have these lengths and dst must not overlap the others. It does not allocate.
func (f *Forest) Margins(dst, base, row []float32, s *Scratch) {
	f.expand(s.keys, row)
	f.begin(dst, base)
	switch {
	case f.vectors != nil:
		f.sumVectors(dst, row, s.keys)
	case f.NumGroup == 1:
		dst[0] = f.sum(dst[0], row, s.keys)
	default:
		f.sumGroups(dst, row, s.keys)
	}
	f.end(dst, base)
}

// Leaves writes, for every tree, the number of the leaf that a row of NumFeature values ends in. The slices must have
// the lengths NumTree and NumFeature. It does not allocate.
func (f *Forest) Leaves(dst, row []float32, s *Scratch) {
	f.expand(s.keys, row)
	for i := range f.quads {
		q := &f.quads[i]
		ids := f.quadLeaves(q, row, s.keys)
		for k := range q.count {
			dst[q.tree+k] = float32(ids[k])
		}
	}
}

// quadLeaves returns the leaf of every tree of q that row ends in.
func (f *Forest) quadLeaves(q *quad, row []float32, keys []uint32) (leaves [4]int32) {
	if q.depth < 0 {
		for k := range q.count {
			leaves[k] = f.leafOf(int(q.tree+k), row)
		}
		return
	}
	size := uint64(4) << q.depth
	ids := f.leafIDs[q.off:][:size]
	j0, j1, j2, j3 := descend(f.splits[q.off:][:size], keys, q.depth)
	return [4]int32{ids[j0-size], ids[j1-size], ids[j2-size], ids[j3-size]}
}

// sumVectors adds the leaf vectors of all trees to dst, in tree order.
func (f *Forest) sumVectors(dst, row []float32, keys []uint32) {
	for i := range f.quads {
		q := &f.quads[i]
		leaves := f.quadLeaves(q, row, keys)
		for k, leaf := range leaves[:q.count] {
			t := int(q.tree) + k
			f.addLeaf(dst, t, &f.Tree(t)[leaf])
		}
	}
}

// sum adds the leaves of all trees to acc, in tree order.
func (f *Forest) sum(acc float32, row []float32, keys []uint32) float32 {
	for i := range f.quads {
		q := &f.quads[i]
		if q.depth < 0 {
			for t := q.tree; t < q.tree+q.count; t++ {
				acc += float32(f.Tree(int(t))[f.leafOf(int(t), row)].Value * f.Weight(int(t)))
			}
			continue
		}
		size := uint64(4) << q.depth
		leaves := f.leaves[q.off:][:size]
		j0, j1, j2, j3 := descend(f.splits[q.off:][:size], keys, q.depth)
		acc += leaves[j0-size]
		acc += leaves[j1-size]
		acc += leaves[j2-size]
		acc += leaves[j3-size]
	}
	return acc
}

// sumGroups adds the leaf of every tree to the sum of the tree's group, in tree order.
func (f *Forest) sumGroups(dst, row []float32, keys []uint32) {
	for i := range f.quads {
		q := &f.quads[i]
		if q.depth < 0 {
			for t := int(q.tree); t < int(q.tree+q.count); t++ {
				f.addLeaf(dst, t, &f.Tree(t)[f.leafOf(t, row)])
			}
			continue
		}
		size := uint64(4) << q.depth
		leaves := f.leaves[q.off:][:size]
		j := [4]uint64{}
		j[0], j[1], j[2], j[3] = descend(f.splits[q.off:][:size], keys, q.depth)
		for k, g := range f.group[q.tree:][:q.count] {
			dst[g] += leaves[j[k&3]-size]
		}
	}
}

// descend walks the four trees of a heap from their roots to their leaves. The difference of two keys as 64-bit
// numbers is negative exactly if the row's is less, so its top bit is the step to the left; in Go, a comparison would
// become a branch, which is mispredicted at every other split. Each index is in range by F5, each slot by F6.
func descend(splits []uint64, keys []uint32, depth int32) (j0, j1, j2, j3 uint64) {
	j0, j1, j2, j3 = 4, 5, 6, 7
	for range depth {
		s0, s1, s2, s3 := splits[j0], splits[j1], splits[j2], splits[j3]
		j0 = 2*j0 + (uint64(keys[uint32(s0)])-s0>>32)>>63
		j1 = 2*j1 + (uint64(keys[uint32(s1)])-s1>>32)>>63
		j2 = 2*j2 + (uint64(keys[uint32(s2)])-s2>>32)>>63
		j3 = 2*j3 + (uint64(keys[uint32(s3)])-s3>>32)>>63
	}
	return
}

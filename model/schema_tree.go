package model

// rawTree is what has been read of a tree before its parts are checked against each other.
type rawTree struct {
	id    int64 // -1: absent
	keys  seen
	lens  [numNodeArrays]int
	param treeParam

	leafWeights []float32
	splitType   []int32
	categories  rawCategories
}

// treeParam is what tree_param says.
type treeParam struct{ nodes, deleted, leafSize int }

// Bits of the keys of a tree; those of the arrays with one element for each node come first.
const (
	keyLeft = iota
	keyRight
	keyFeature
	keyValue
	keyDefaultLeft
	numRequired
	keyParent = iota - 1
	keySplitType
	keyLossChange
	keySumHessian
	keyBaseWeight
	numNodeArrays
	keyID = iota - 2
	keyParam
	keyLeafWeights
	keyCategories
	keyCategoryNodes
	keyCategoryStarts
	keyCategorySizes
)

// nodeArrays are the names of the first keys above.
var nodeArrays = [numNodeArrays]string{"left_children", "right_children", "split_indices", "split_conditions", "default_left",
	"parents", "split_type", "loss_changes", "sum_hessian", "base_weights"}

// tree reads one tree and its id, which is -1 if it has none:
//
//	{"id": 0, "tree_param": {"num_nodes": "3", "num_deleted": "0", "size_leaf_vector": "1"},
//	 "left_children": […], "right_children": […], …          an element for each node
//	 "categories_nodes": [0], "categories_segments": [0], "categories_sizes": [2], "categories": [3, 5]    since 1.3
//	 "base_weights": […]                                     with vector leaves, 2.0 to 3.1: a vector for each node, the leaves among them
//	 "leaf_weights": […]}                                    with vector leaves, since 3.2: a vector for each leaf, whose right_children has its place
func (s *schema) tree(t *Tree) (id int64, err error) {
	if err := s.opts.stopped(); err != nil {
		return 0, err
	}
	raw := &s.raw
	*raw = rawTree{id: -1, param: treeParam{deleted: -1}, leafWeights: raw.leafWeights[:0], splitType: raw.splitType[:0],
		categories: raw.categories.emptied()}
	err = eachKeyThen(s.doc, func(key []byte) error { return s.treeKey(t, key) }, func() error { return s.checkTree(t) })
	return raw.id, err
}

// treeKey reads the value of one key of a tree.
func (s *schema) treeKey(t *Tree, key []byte) (err error) {
	raw, doc := &s.raw, s.doc
	at := func(bit uint, read func() error) error { return first(raw.keys.once(bit), read) }
	switch string(key) {
	case "left_children":
		return s.ints(keyLeft, &t.Left)
	case "right_children":
		return s.ints(keyRight, &t.Right)
	case "split_indices":
		return s.ints(keyFeature, &t.Feature)
	case "split_conditions":
		return s.floats(keyValue, &t.Value)
	case "loss_changes":
		return s.floats(keyLossChange, &t.LossChange)
	case "sum_hessian":
		return s.floats(keySumHessian, &t.SumHessian)
	case "base_weights":
		return s.floats(keyBaseWeight, &t.BaseWeight)
	case "default_left":
		return at(keyDefaultLeft, func() error {
			t.DefaultLeft, err = s.store.bools(doc)
			return s.counted(keyDefaultLeft, len(t.DefaultLeft), err)
		})
	case "parents": // what the children say, once more
		return at(keyParent, func() error {
			s.scratch32, err = doc.AppendInt32s(s.scratch32[:0])
			return s.counted(keyParent, len(s.scratch32), err)
		})
	case "split_type":
		return at(keySplitType, func() error {
			raw.splitType, err = doc.AppendInt32s(raw.splitType)
			return s.counted(keySplitType, len(raw.splitType), err)
		})
	case "id":
		return at(keyID, func() error {
			raw.id, err = doc.Int()
			if err == nil && raw.id < 0 {
				return formatErrorf("%d is negative", raw.id)
			}
			return err
		})
	case "tree_param":
		return at(keyParam, s.treeParam)
	case "leaf_weights":
		return at(keyLeafWeights, func() error {
			raw.leafWeights, err = doc.AppendFloat32s(raw.leafWeights)
			return err
		})
	case "categories":
		return at(keyCategories, func() error { return appendInts(doc, &raw.categories.codes) })
	case "categories_nodes":
		return at(keyCategoryNodes, func() error { return appendInts(doc, &raw.categories.nodes) })
	case "categories_segments":
		return at(keyCategoryStarts, func() error { return appendInts(doc, &raw.categories.starts) })
	case "categories_sizes":
		return at(keyCategorySizes, func() error { return appendInts(doc, &raw.categories.sizes) })
	}
	return doc.Skip()
}

func appendInts(doc document, dst *[]int32) (err error) {
	*dst, err = doc.AppendInt32s(*dst)
	return err
}

func (s *schema) ints(key uint, dst *[]int32) (err error) {
	if err = s.raw.keys.once(key); err != nil {
		return err
	}
	*dst, err = s.store.int32s(s.doc)
	return s.counted(key, len(*dst), err)
}

func (s *schema) floats(key uint, dst *[]float32) (err error) {
	if err = s.raw.keys.once(key); err != nil {
		return err
	}
	*dst, err = s.store.float32s(s.doc)
	return s.counted(key, len(*dst), err)
}

// counted notes the length of an array.
func (s *schema) counted(key uint, n int, err error) error {
	s.raw.lens[key] = n
	if err == nil && key != keyBaseWeight { // of which there may be several for each node
		err = check("nodes in a tree", int64(n), int64(s.opts.MaxNodesPerTree))
	}
	return err
}

// checkTree checks that a tree has all it needs, in the lengths it declares, and puts it into its final form.
func (s *schema) checkTree(t *Tree) error {
	raw := &s.raw
	if !raw.keys.has(keyParam) {
		return missing("tree_param")
	}
	nodes := raw.param.nodes
	for i, name := range nodeArrays {
		if i < numRequired && !raw.keys.has(uint(i)) {
			return missing(name)
		}
		if raw.keys.has(uint(i)) && raw.lens[i] != nodes && (i != keyBaseWeight || raw.param.leafSize < 2) {
			return within(name, at(-1, formatErrorf("num_nodes is %d, but there are %d elements", nodes, raw.lens[i])))
		}
	}
	s.numNodes += nodes
	if err := check("nodes", int64(s.numNodes), int64(s.opts.MaxNodes)); err != nil {
		return err
	}
	if t.NumDeleted = raw.param.deleted; t.NumDeleted < 0 {
		t.NumDeleted = t.countDeleted()
	}
	if err := s.vectorLeaves(t); err != nil {
		return err
	}
	return raw.categories.attach(t, raw.splitType, &s.store, s.opts)
}

// vectorLeaves brings both layouts of trees with a vector in each leaf into one form.
func (s *schema) vectorLeaves(t *Tree) error {
	raw := &s.raw
	size := raw.param.leafSize
	if size < 2 {
		if len(raw.leafWeights) > 0 {
			return within("leaf_weights", at(-1, formatErrorf("vectors in a tree whose size_leaf_vector is %d", size)))
		}
		return nil
	}
	nodes, width := raw.param.nodes, len(t.BaseWeight)/raw.param.nodes
	old := len(raw.leafWeights) == 0
	if len(t.BaseWeight)%nodes != 0 || width > size || old && width != size {
		return within("base_weights", at(-1, formatErrorf("%d elements for %d nodes with vectors of %d", len(t.BaseWeight), nodes, size)))
	}
	if len(raw.leafWeights)%size != 0 {
		return within("leaf_weights", at(-1, formatErrorf("%d elements in vectors of %d", len(raw.leafWeights), size)))
	}
	t.LeafSize, t.LeafIndex = size, s.store.ints.take(nodes)
	leaves := int32(0)
	for n, left := range t.Left {
		t.LeafIndex[n] = -1
		if left != -1 {
			continue
		}
		if t.LeafIndex[n] = leaves; !old {
			t.LeafIndex[n] = t.Right[n]
		}
		t.Right[n] = -1
		leaves++
	}
	if !old {
		t.LeafVector = s.store.floats.clone(raw.leafWeights)
		return nil
	}
	t.LeafVector = s.store.floats.take(int(leaves) * size)
	for n, leaf := range t.LeafIndex {
		if leaf >= 0 {
			copy(t.LeafVector[int(leaf)*size:][:size], t.BaseWeight[n*size:])
		}
	}
	return nil
}

func (s *schema) treeParam() error {
	const nodes, deleted, leafSize = 0, 1, 2
	p := &s.raw.param
	var keys seen
	return eachKeyThen(s.doc, func(key []byte) error {
		switch string(key) {
		case "num_nodes":
			return first(keys.once(nodes), func() error { return s.number(&p.nodes) })
		case "num_deleted":
			return first(keys.once(deleted), func() error { return s.number(&p.deleted) })
		case "size_leaf_vector":
			return first(keys.once(leafSize), func() error { return s.number(&p.leafSize) })
		}
		return s.doc.Skip()
	}, func() error {
		if !keys.has(nodes) {
			return missing("num_nodes")
		}
		if p.nodes == 0 {
			return within("num_nodes", at(-1, formatErrorf("expected at least 1 node, found 0")))
		}
		return check("output groups", int64(p.leafSize), int64(s.opts.MaxGroups))
	})
}

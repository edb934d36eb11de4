package model

// booster reads gradient_booster:
//
//	{"name": "gbtree", "model": {
//	   "gbtree_model_param": {"num_trees": "2", "num_parallel_tree": "1"},
//	   "trees": [{…}, {…}], "tree_info": [0, 0], "iteration_indptr": [0, 1, 2]}}
func (s *schema) booster() error {
	const name, model, weights = 0, 1, 2
	var keys seen
	return eachKeyThen(s.doc, func(key []byte) error {
		switch string(key) {
		case "name":
			return first(keys.once(name), func() error {
				text, err := s.doc.Text()
				if err != nil {
					return err
				}
				s.b.Kind = string(text)
				return checkBooster(s.b.Kind)
			})
		case "model":
			return first(keys.once(model), s.model)
		case "weight_drop":
			return first(keys.once(weights), s.noDropout)
		}
		return s.doc.Skip()
	}, func() error {
		switch {
		case !keys.has(name):
			return missing("name")
		case !keys.has(model):
			return missing("model")
		}
		return nil
	})
}

// noDropout refuses the weights that, from 3.3 on, are the only sign of DART.
func (s *schema) noDropout() error {
	weights, err := s.doc.AppendFloat32s(nil)
	if err == nil && len(weights) > 0 {
		return &UnsupportedError{What: `DART (a "gbtree" booster with weights of its trees)`}
	}
	return err
}

func (s *schema) model() error {
	const param, trees, info, indptr, weights, linear = 0, 1, 2, 3, 4, 5
	var keys seen
	return eachKeyThen(s.doc, func(key []byte) error {
		switch string(key) {
		case "gbtree_model_param":
			return first(keys.once(param), s.forestParam)
		case "trees":
			return first(keys.once(trees), s.trees)
		case "tree_info":
			return first(keys.once(info), func() (err error) {
				s.treeInfo, err = s.doc.AppendInt32s(nil)
				return err
			})
		case "iteration_indptr":
			return first(keys.once(indptr), func() (err error) {
				s.indptr, err = s.doc.AppendInt32s([]int32{})
				return err
			})
		case "weight_drop":
			return first(keys.once(weights), s.noDropout)
		case "weights":
			return first(keys.once(linear), func() error { return unsupported("booster", "gblinear") })
		}
		return s.doc.Skip()
	}, func() error {
		switch {
		case !keys.has(param):
			return missing("gbtree_model_param")
		case !keys.has(trees):
			return missing("trees")
		case !keys.has(info):
			return missing("tree_info")
		case len(s.b.Trees) != s.numTrees:
			return formatErrorf("num_trees is %d, but there are %d trees", s.numTrees, len(s.b.Trees))
		case len(s.treeInfo) != s.numTrees:
			return formatErrorf("num_trees is %d, but tree_info has %d elements", s.numTrees, len(s.treeInfo))
		}
		s.b.TreeGroup = s.treeInfo
		return nil
	})
}

func (s *schema) forestParam() error {
	const trees, parallel = 0, 1
	var keys seen
	return eachKeyThen(s.doc, func(key []byte) error {
		switch string(key) {
		case "num_trees":
			return first(keys.once(trees), func() error { return s.number(&s.numTrees) })
		case "num_parallel_tree":
			return first(keys.once(parallel), func() error {
				if err := s.number(&s.forest); err != nil {
					return err
				}
				if s.forest == 0 {
					return formatErrorf("expected at least 1 tree, found 0")
				}
				return nil
			})
		}
		return s.doc.Skip()
	}, func() error {
		if !keys.has(trees) {
			return missing("num_trees")
		}
		return nil
	})
}

// trees reads the trees and puts each in the place that its id names.
func (s *schema) trees() error {
	var ids []int64 // -1: absent
	err := eachElement(s.doc, func(i int) error {
		if err := check("trees", int64(i)+1, int64(s.opts.MaxTrees)); err != nil {
			return err
		}
		t, id, err := s.tree()
		if err != nil {
			return err
		}
		s.b.Trees = append(s.b.Trees, t)
		ids = append(ids, id)
		return nil
	})
	if err != nil {
		return err
	}
	inPlace := true
	for i, id := range ids {
		if id == -1 {
			ids[i] = int64(i)
		}
		inPlace = inPlace && ids[i] == int64(i)
	}
	if inPlace {
		return nil
	}
	placed := make([]Tree, len(ids))
	for i, id := range ids {
		path := index("", i) + ".id"
		if id < 0 || id >= int64(len(ids)) {
			return &ParseError{Offset: -1, Path: path, Err: formatErrorf("%d is not one of the %d trees", id, len(ids))}
		}
		if placed[id].Left != nil {
			return &ParseError{Offset: -1, Path: path, Err: formatErrorf("%d is given to two trees", id)}
		}
		placed[id] = s.b.Trees[i]
	}
	s.b.Trees = placed
	return nil
}

// Bits of the keys of a tree; those of the arrays with one element for each node come first.
const (
	keyLeft = iota
	keyRight
	keyParent
	keyFeature
	keyValue
	keyDefaultLeft
	keySplitType
	keyLossChange
	keySumHessian
	keyBaseWeight
	numNodeArrays
	keyID = iota - 1
	keyParam
	keyLeafWeights
)

// nodeArrays are the names of the first keys above.
var nodeArrays = [numNodeArrays]string{"left_children", "right_children", "parents", "split_indices", "split_conditions",
	"default_left", "split_type", "loss_changes", "sum_hessian", "base_weights"}

// tree reads one tree and its id, which is -1 if it has none.
func (s *schema) tree() (t Tree, id int64, err error) {
	id = -1
	var keys seen
	var lens [numNodeArrays]int
	param := treeParam{deleted: -1}
	vectorLeaf := false
	err = eachKeyThen(s.doc, func(key []byte) error {
		for i, name := range nodeArrays {
			if string(key) == name {
				return first(keys.once(uint(i)), func() (err error) {
					lens[i], err = s.nodeArray(&t, i)
					return err
				})
			}
		}
		switch string(key) {
		case "id":
			return first(keys.once(keyID), func() (err error) {
				id, err = s.doc.Int()
				if err == nil && id < 0 {
					return formatErrorf("%d is negative", id)
				}
				return err
			})
		case "tree_param":
			return first(keys.once(keyParam), func() error { return s.treeParam(&param) })
		case "categories", "categories_nodes":
			return s.noCategories()
		case "leaf_weights":
			return first(keys.once(keyLeafWeights), func() (err error) {
				s.store.floatBuffer, err = s.doc.AppendFloat32s(s.store.floatBuffer[:0])
				vectorLeaf = len(s.store.floatBuffer) > 0
				return err
			})
		}
		return s.doc.Skip()
	}, func() error {
		if vectorLeaf || param.leafSize > 1 {
			return &UnsupportedError{What: "a tree with a vector in each leaf"}
		}
		return s.checkTree(&t, keys, &lens, &param)
	})
	return t, id, err
}

// checkTree checks that a tree has all it needs, in the lengths it declares.
func (s *schema) checkTree(t *Tree, keys seen, lens *[numNodeArrays]int, param *treeParam) error {
	if !keys.has(keyParam) {
		return missing("tree_param")
	}
	for i, name := range nodeArrays {
		required := i == keyLeft || i == keyRight || i == keyFeature || i == keyValue || i == keyDefaultLeft
		if required && !keys.has(uint(i)) {
			return missing(name)
		}
		if keys.has(uint(i)) && lens[i] != param.nodes {
			return within(name, at(-1, formatErrorf("num_nodes is %d, but there are %d elements", param.nodes, lens[i])))
		}
	}
	s.numNodes += param.nodes
	if err := check("nodes", int64(s.numNodes), int64(s.opts.MaxNodes)); err != nil {
		return err
	}
	if t.NumDeleted = param.deleted; t.NumDeleted < 0 {
		t.NumDeleted = t.countDeleted()
	}
	return nil
}

// nodeArray reads the array of a tree with the given key bit into its place and returns its length.
func (s *schema) nodeArray(t *Tree, key int) (n int, err error) {
	switch key {
	case keyLeft:
		t.Left, err = s.store.int32s(s.doc)
		n = len(t.Left)
	case keyRight:
		t.Right, err = s.store.int32s(s.doc)
		n = len(t.Right)
	case keyFeature:
		t.Feature, err = s.store.int32s(s.doc)
		n = len(t.Feature)
	case keyValue:
		t.Value, err = s.store.float32s(s.doc)
		n = len(t.Value)
	case keyDefaultLeft:
		t.DefaultLeft, err = s.store.bools(s.doc)
		n = len(t.DefaultLeft)
	case keyLossChange:
		t.LossChange, err = s.store.float32s(s.doc)
		n = len(t.LossChange)
	case keySumHessian:
		t.SumHessian, err = s.store.float32s(s.doc)
		n = len(t.SumHessian)
	case keyBaseWeight:
		t.BaseWeight, err = s.store.float32s(s.doc)
		n = len(t.BaseWeight)
	default: // parents, split_type: only looked at
		s.scratch32, err = s.doc.AppendInt32s(s.scratch32[:0])
		n = len(s.scratch32)
		for i, v := range s.scratch32 {
			if key == keySplitType && v != 0 && err == nil {
				return n, within(index("", i), at(s.doc.Offset(), splitTypeError(v)))
			}
		}
	}
	if err == nil {
		err = check("nodes in a tree", int64(n), int64(s.opts.MaxNodesPerTree))
	}
	return n, err
}

func splitTypeError(v int32) error {
	if v == 1 {
		return &UnsupportedError{What: "a categorical split"}
	}
	return formatErrorf("unknown type of split %d", v)
}

// noCategories refuses the sets of categorical splits.
func (s *schema) noCategories() (err error) {
	s.scratch32, err = s.doc.AppendInt32s(s.scratch32[:0])
	if err == nil && len(s.scratch32) > 0 {
		return splitTypeError(1)
	}
	return err
}

// treeParam is what tree_param says.
type treeParam struct{ nodes, deleted, leafSize int }

func (s *schema) treeParam(p *treeParam) error {
	const nodes, deleted, leafSize = 0, 1, 2
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
		return nil
	})
}

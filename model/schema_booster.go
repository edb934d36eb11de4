package model

// booster reads gradient_booster, which has one form for each kind of booster, and three for dart:
//
//	{"name": "gbtree", "model": {…}}                                            forest, below
//	{"name": "gblinear", "model": {"weights": […], "boosted_rounds": 3}}        the latter since 1.5
//	{"name": "dart", "gbtree": {"name": "gbtree", "model": {…}}, "weight_drop": […]}   until 3.2
//	{"name": "gbtree", "model": {…}, "weight_drop": […]}                        3.3
//	{"name": "gbtree", "model": {…, "weight_drop": […]}}                        3.4
//
// A forest:
//
//	{"gbtree_model_param": {"num_trees": "2", "num_parallel_tree": "1"},        the latter since 1.6
//	 "trees": [{…}, {…}], "tree_info": [0, 0],                                  schema_tree.go
//	 "iteration_indptr": [0, 1, 2],                                             since 2.0
//	 "cats": {…}}                                                               since 3.1, schema_cats.go
func (s *schema) booster() error {
	const name, model, weights, inner = 0, 1, 2, 3
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
		case "gbtree":
			return first(keys.once(inner), s.innerForest)
		case "weight_drop":
			return first(keys.once(weights), s.dropout)
		}
		return s.doc.Skip()
	}, func() error {
		var want seen = 1 << model
		switch {
		case !keys.has(name):
			return missing("name")
		case s.b.Kind == kindDart:
			want = 1 << inner
		}
		switch found := keys & (1<<model | 1<<inner); {
		case found&want == 0 && want == 1<<inner:
			return missing("gbtree")
		case found&want == 0:
			return missing("model")
		case found != want:
			return formatErrorf("two models in a %q booster", s.b.Kind)
		case s.linear && s.b.Kind != kindLinear:
			return within("model", at(-1, missing("gbtree_model_param")))
		case !s.linear && s.b.Kind == kindLinear:
			return within("model", at(-1, missing("weights")))
		}
		if s.b.TreeWeight != nil {
			s.b.Kind = kindDart
		}
		return nil
	})
}

// innerForest reads the gbtree booster that a dart booster holds.
func (s *schema) innerForest() error {
	const name, model = 0, 1
	var keys seen
	return eachKeyThen(s.doc, func(key []byte) error {
		switch string(key) {
		case "name":
			return first(keys.once(name), func() error {
				text, err := s.doc.Text()
				if err == nil && string(text) != kindTree {
					return unsupported("booster inside of dart", string(text))
				}
				return err
			})
		case "model":
			return first(keys.once(model), s.model)
		}
		return s.doc.Skip()
	}, func() error {
		if !keys.has(model) {
			return missing("model")
		}
		return nil
	})
}

// dropout reads the weights of DART's trees. None at all stands for 1 everywhere.
func (s *schema) dropout() error {
	weights, err := s.doc.AppendFloat32s(nil)
	switch {
	case err != nil:
		return err
	case len(weights) > 0 && s.b.TreeWeight != nil:
		return formatErrorf("the weights of the trees are given twice")
	case len(weights) > 0:
		s.b.TreeWeight = weights
	}
	return nil
}

// model reads a forest or the weights of a linear booster; which one it has to be is only known when the name has been read.
func (s *schema) model() error {
	const param, trees, info, indptr, dropout, cats, linear, rounds = 0, 1, 2, 3, 4, 5, 6, 7
	var keys seen
	return eachKeyThen(s.doc, func(key []byte) error {
		switch string(key) {
		case "gbtree_model_param":
			return first(keys.once(param), s.forestParam)
		case "trees":
			return first(keys.once(trees), s.trees)
		case "tree_info":
			return first(keys.once(info), func() (err error) {
				s.b.TreeGroup, err = s.doc.AppendInt32s([]int32{})
				return err
			})
		case "iteration_indptr":
			return first(keys.once(indptr), func() (err error) {
				s.indptr, err = s.doc.AppendInt32s([]int32{})
				return err
			})
		case "weight_drop":
			return first(keys.once(dropout), s.dropout)
		case "cats":
			return first(keys.once(cats), s.categories)
		case "weights":
			return first(keys.once(linear), s.weights)
		case "boosted_rounds":
			return first(keys.once(rounds), s.linearRounds)
		}
		return s.doc.Skip()
	}, func() error {
		switch {
		case keys.has(linear) && (keys.has(param) || keys.has(trees)):
			return formatErrorf("both trees and linear weights")
		case keys.has(linear):
			s.linear = true
			return nil
		case !keys.has(param):
			return missing("gbtree_model_param")
		case !keys.has(trees):
			return missing("trees")
		case !keys.has(info):
			return missing("tree_info")
		case len(s.b.Trees) != s.numTrees:
			return formatErrorf("num_trees is %d, but there are %d trees", s.numTrees, len(s.b.Trees))
		case len(s.b.TreeGroup) != s.numTrees:
			return formatErrorf("num_trees is %d, but tree_info has %d elements", s.numTrees, len(s.b.TreeGroup))
		}
		return nil
	})
}

func (s *schema) weights() (err error) {
	s.b.Linear, err = s.doc.AppendFloat32s(nil)
	return err
}

func (s *schema) linearRounds() error {
	v, err := s.doc.Int()
	if err == nil && (v < 0 || v > 1<<31-1) {
		return formatErrorf("%d is not a number of rounds", v)
	}
	s.b.LinearRounds = int(v)
	return err
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
		s.b.Trees = append(s.b.Trees, Tree{})
		id, err := s.tree(&s.b.Trees[i])
		ids = append(ids, id)
		return err
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

package model

import "strconv"

// schema reads the document that JSON and UBJSON files share. Keys may come in any order and unknown ones are skipped, so what depends
// on several of them is checked when their object ends.
//
//	{"learner": {
//	   "attributes": {…}, "feature_names": […], "feature_types": […],
//	   "learner_model_param": {"base_score": "5E-1", "num_class": "0", "num_feature": "12", "num_target": "1"},
//	   "objective": {"name": "binary:logistic", "reg_loss_param": {…}},
//	   "gradient_booster": {"name": "gbtree", "model": {…}}},     schema_booster.go
//	 "version": [1, 7, 4]}
type schema struct {
	doc   document
	opts  *LoadOptions
	b     *Booster
	store treeStore

	numTrees int // as declared
	indptr   []int32
	forest   int // num_parallel_tree, or 0 if absent
	numNodes int // of all trees so far
	linear   bool
	snapshot bool

	configForest int // num_parallel_tree of a snapshot's configuration, or 0 if absent

	raw       rawTree
	scratch32 []int32
}

// readDocument reads a whole model. The result is not validated yet.
func readDocument(doc document, format Format, opts *LoadOptions) (*Booster, error) {
	s := &schema{doc: doc, opts: opts, b: &Booster{
		Format: format, NumTarget: 1, Params: map[string]string{}, Attributes: map[string]string{},
	}}
	if err := s.root(); err != nil {
		return nil, err
	}
	if !opts.AllowTrailing {
		if err := doc.End(); err != nil {
			return nil, at(doc.Offset(), err)
		}
	}
	if s.snapshot {
		s.b.Format = FormatSnapshot
	}
	if s.forest == 0 {
		s.forest = s.configForest
	}
	finish(s.b, s.indptr, s.forest)
	return s.b, nil
}

// missing fails because an object ended without a key that it has to have.
func missing(key string) error { return formatErrorf("the key %q is missing", key) }

// root reads a model, or the memory snapshot of one, which holds it under another key: {"Config": {…}, "Model": {"learner": …}}.
func (s *schema) root() error {
	const learner, version, model, config = 0, 1, 2, 3
	var keys seen
	return eachKeyThen(s.doc, func(key []byte) error {
		switch string(key) {
		case "learner":
			return first(keys.once(learner), s.learner)
		case "version":
			return first(keys.once(version), s.version)
		case "Model":
			if s.snapshot {
				return formatErrorf("a snapshot inside of a snapshot")
			}
			s.snapshot = true
			return first(keys.once(model), s.root)
		case "Config":
			return first(keys.once(config), s.config)
		}
		return s.doc.Skip()
	}, func() error {
		switch {
		case keys.has(learner) && keys.has(model):
			return formatErrorf("both a model and the snapshot of one")
		case keys.has(config) && !keys.has(model):
			return missing("Model")
		case !keys.has(learner) && !keys.has(model):
			return missing("learner")
		}
		return nil
	})
}

// eachKeyThen is eachKey followed by end, whose errors are those of the object as a whole.
func eachKeyThen(doc document, value func(key []byte) error, end func() error) error {
	offset := doc.Offset()
	if err := eachKey(doc, value); err != nil {
		return err
	}
	if err := end(); err != nil {
		return at(offset, err)
	}
	return nil
}

// first runs f unless there is an error already.
func first(err error, f func() error) error {
	if err != nil {
		return err
	}
	return f()
}

func (s *schema) version() error {
	v, err := s.doc.AppendInt32s(s.scratch32[:0])
	if err != nil {
		return err
	}
	if len(v) != 3 || v[0] < 0 || v[1] < 0 || v[2] < 0 {
		return formatErrorf("expected three numbers")
	}
	s.b.Version = Version{int(v[0]), int(v[1]), int(v[2])}
	return nil
}

func (s *schema) learner() error {
	const attributes, names, types, param, objective, booster = 0, 1, 2, 3, 4, 5
	var keys seen
	return eachKeyThen(s.doc, func(key []byte) error {
		switch string(key) {
		case "attributes":
			return first(keys.once(attributes), s.attributes)
		case "feature_names":
			return first(keys.once(names), func() error { return s.texts(&s.b.FeatureNames) })
		case "feature_types":
			return first(keys.once(types), func() error { return s.texts(&s.b.FeatureTypes) })
		case "learner_model_param":
			return first(keys.once(param), s.modelParam)
		case "objective":
			return first(keys.once(objective), func() error { return readObjective(s.doc, s.b, s.opts) })
		case "gradient_booster":
			return first(keys.once(booster), s.booster)
		}
		return s.doc.Skip()
	}, func() error {
		switch {
		case !keys.has(booster):
			return missing("gradient_booster")
		case !keys.has(param):
			return missing("learner_model_param")
		case !keys.has(objective):
			return missing("objective")
		}
		return nil
	})
}

func (s *schema) attributes() error {
	return eachKey(s.doc, func(key []byte) error {
		name := string(key)
		if _, ok := s.b.Attributes[name]; ok {
			return formatErrorf("the key is given twice")
		}
		text, err := s.doc.Text()
		s.b.Attributes[name] = string(text)
		return err
	})
}

// texts reads an array of one string for each feature.
func (s *schema) texts(dst *[]string) error {
	return eachElement(s.doc, func(i int) error {
		if err := check("features", int64(i)+1, int64(s.opts.MaxFeatures)); err != nil {
			return err
		}
		text, err := s.doc.Text()
		*dst = append(*dst, string(text))
		return err
	})
}

func (s *schema) modelParam() error {
	const baseScore, class, feature, target = 0, 1, 2, 3
	var keys seen
	return eachKeyThen(s.doc, func(key []byte) error {
		switch string(key) {
		case "base_score":
			return first(keys.once(baseScore), func() error {
				text, err := s.doc.Text()
				if err != nil {
					return err
				}
				s.b.BaseScore, err = parseFloats(string(text))
				return err
			})
		case "num_class":
			return first(keys.once(class), func() error { return s.number(&s.b.NumClass) })
		case "num_feature":
			return first(keys.once(feature), func() error { return s.number(&s.b.NumFeature) })
		case "num_target":
			return first(keys.once(target), func() error { return s.number(&s.b.NumTarget) })
		}
		return s.doc.Skip()
	}, func() error {
		switch {
		case !keys.has(baseScore):
			return missing("base_score")
		case !keys.has(feature):
			return missing("num_feature")
		}
		return checkShape(s.b, s.opts)
	})
}

// checkShape checks the numbers that size everything else.
func checkShape(b *Booster, opts *LoadOptions) error {
	if err := check("features", int64(b.NumFeature), int64(opts.MaxFeatures)); err != nil {
		return err
	}
	if b.NumClass > 1 && b.NumTarget > 1 {
		return formatErrorf("both num_class (%d) and num_target (%d) are above 1", b.NumClass, b.NumTarget)
	}
	return check("output groups", int64(b.NumGroup()), int64(opts.MaxGroups))
}

// number reads a whole number >= 0 that is written as text.
func (s *schema) number(dst *int) error {
	text, err := s.doc.Text()
	if err != nil {
		return err
	}
	v, err := strconv.ParseUint(string(text), 10, 32)
	if err != nil || v > 1<<31-1 {
		return formatErrorf("expected a whole number, found %.64q", text)
	}
	*dst = int(v)
	return nil
}

// readObjective reads {"name": …, "…_param": {…}}, which the legacy form holds as JSON text in an attribute.
func readObjective(doc document, b *Booster, opts *LoadOptions) error {
	const name = 0
	var keys seen
	return eachKeyThen(doc, func(key []byte) error {
		switch {
		case string(key) == "name":
			return first(keys.once(name), func() error {
				text, err := doc.Text()
				if err != nil {
					return err
				}
				b.Objective = canonicalObjective(string(text))
				return opts.checkObjective(b.Objective)
			})
		case doc.IsObject():
			return readParams(doc, b.Params)
		}
		return doc.Skip()
	}, func() error {
		if !keys.has(name) {
			return missing("name")
		}
		return nil
	})
}

// readParams adds the strings of one block of parameters to params.
func readParams(doc document, params map[string]string) error {
	block := map[string]bool{}
	return eachKey(doc, func(key []byte) error {
		name := string(key)
		if !doc.IsText() {
			return doc.Skip()
		}
		if block[name] {
			return formatErrorf("the key is given twice")
		}
		block[name] = true
		text, err := doc.Text()
		params[name] = string(text)
		return err
	})
}

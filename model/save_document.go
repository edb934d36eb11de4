package model

import (
	"maps"
	"slices"
	"strconv"
)

// sink is what a document is written to: [jsonSink] or [ubjsonSink]. Arrays of a known element type have methods of their own, as UBJSON
// stores them without a mark for each element. A sink keeps no error; its buffered writer does.
type sink interface {
	object()
	key(name string)
	endObject()
	array(n int) // of n values
	endArray()

	text(s string)
	int(v int64)
	float(v float32)

	float32s(v []float32)
	float64s(v []float64)
	int8s(v []byte)
	uint8s(v []byte)
	int16s(v []int64)
	int32s(v []int32)
	int64s(v []int64)
	flags(v []bool) // as JSON's true and false
}

// atLeast tells that some release that the file is for is major.minor or later; before, that some is earlier.
func (p *SavePlan) atLeast(major, minor int) bool { return !p.Last.Before(major, minor) }
func (p *SavePlan) before(major, minor int) bool  { return p.First.Before(major, minor) }

// write writes the whole document. Keys are in the order of their bytes, as in XGBoost's own files.
func (p *SavePlan) write(s sink) {
	b := p.booster
	s.object()
	s.key("learner")
	s.object()
	s.key("attributes")
	texts(s, b.Attributes)
	s.key("feature_names")
	writeList(s, b.FeatureNames)
	s.key("feature_types")
	writeList(s, b.FeatureTypes)
	s.key("gradient_booster")
	p.gradientBooster(s)
	s.key("learner_model_param")
	texts(s, p.modelParam())
	s.key("objective")
	p.objective(s)
	s.endObject()
	s.key("version")
	s.array(len(p.version))
	for _, v := range p.version {
		s.int(int64(v))
	}
	s.endArray()
	s.endObject()
}

// texts writes an object whose values are all strings.
func texts(s sink, m map[string]string) {
	s.object()
	for _, key := range slices.Sorted(maps.Keys(m)) {
		s.key(key)
		s.text(m[key])
	}
	s.endObject()
}

func writeList(s sink, items []string) {
	s.array(len(items))
	for _, item := range items {
		s.text(item)
	}
	s.endArray()
}

func ints(s sink, items []int32) {
	s.array(len(items))
	for _, item := range items {
		s.int(int64(item))
	}
	s.endArray()
}

func (p *SavePlan) modelParam() map[string]string {
	b := p.booster
	m := map[string]string{
		"base_score":  p.baseScore(),
		"num_class":   strconv.Itoa(b.NumClass),
		"num_feature": strconv.Itoa(b.NumFeature),
	}
	if p.atLeast(1, 6) {
		m["num_target"] = strconv.Itoa(max(b.NumTarget, 1))
	}
	if p.atLeast(1, 7) {
		m["boost_from_average"] = "0" // the base score is given, and more training must not estimate another one
	}
	return m
}

// baseScore is a number, or a list where only releases that know lists are to read it: earlier ones take a list for 0.5.
func (p *SavePlan) baseScore() string {
	scores := p.booster.BaseScore
	if p.before(3, 1) {
		return string(appendFloat(nil, scores[0]))
	}
	out := []byte{'['}
	for i, score := range scores {
		if i > 0 {
			out = append(out, ',')
		}
		out = appendFloat(out, score)
	}
	return string(append(out, ']'))
}

func (p *SavePlan) gradientBooster(s sink) {
	b := p.booster
	s.object()
	switch {
	case b.Kind == kindLinear:
		s.key("model")
		p.linear(s)
		p.name(s, kindLinear)
	case b.isDart() && p.before(3, 3): // all releases read this one
		s.key("gbtree")
		s.object()
		s.key("model")
		p.forest(s)
		p.name(s, kindTree)
		s.endObject()
		p.name(s, kindDart)
		p.treeWeights(s)
	case b.isDart() && p.before(3, 4):
		s.key("model")
		p.forest(s)
		p.name(s, kindTree)
		p.treeWeights(s)
	default: // with the weights of dart in the forest
		s.key("model")
		p.forest(s)
		p.name(s, kindTree)
	}
	s.endObject()
}

func (p *SavePlan) name(s sink, name string) {
	s.key("name")
	s.text(name)
}

func (p *SavePlan) linear(s sink) {
	s.object()
	s.key("boosted_rounds")
	s.int(int64(p.booster.LinearRounds))
	s.key("weights")
	s.float32s(p.booster.Linear)
	s.endObject()
}

// treeWeights writes the weights of dart's trees, which every release expects for each tree.
func (p *SavePlan) treeWeights(s sink) {
	b := p.booster
	s.key("weight_drop")
	s.array(len(b.Trees))
	for i := range b.Trees {
		weight := float32(1)
		if b.TreeWeight != nil {
			weight = b.TreeWeight[i]
		}
		s.float(weight)
	}
	s.endArray()
}

func (p *SavePlan) forest(s sink) {
	b := p.booster
	s.object()
	if p.atLeast(3, 1) || b.Categories != nil {
		s.key("cats")
		writeCategories(s, b.Categories, p.before(3, 1))
	}
	s.key("gbtree_model_param")
	param := map[string]string{"num_trees": strconv.Itoa(len(b.Trees))}
	if p.atLeast(1, 6) {
		param["num_parallel_tree"] = strconv.Itoa(max(b.NumParallelTree, 1))
	}
	if p.before(2, 0) {
		param["size_leaf_vector"] = "0"
	}
	texts(s, param)
	if p.atLeast(2, 0) {
		s.key("iteration_indptr")
		ints(s, b.IterationStart)
	}
	s.key("tree_info")
	ints(s, b.TreeGroup)
	s.key("trees")
	s.array(len(b.Trees))
	w := treeWriter{plan: p, sink: s}
	for i := range b.Trees {
		w.tree(i, &b.Trees[i])
	}
	s.endArray()
	if b.isDart() && !p.before(3, 4) {
		p.treeWeights(s)
	}
	s.endObject()
}

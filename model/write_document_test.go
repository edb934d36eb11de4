package model

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// variants are small boosters of every kind, by what is special about them.
func variants() map[string]*Booster {
	out := map[string]*Booster{"plain": tiny()}
	add := func(name string, v Version, change func(b *Booster)) {
		b := tiny()
		b.Version = v
		change(b)
		out[name] = b
	}
	dart := func(b *Booster) { b.Kind, b.TreeWeight = "dart", []float32{0.5, 0.25} }
	add("dart", Version{1, 7, 0}, dart)
	add("dart 0.90", Version{}, func(b *Booster) { dart(b); b.BaseIsMargin, b.Params = true, map[string]string{} })
	add("dart 3.3", Version{3, 3, 0}, dart)
	add("dart 3.4", Version{3, 4, 0}, dart)
	linear := func(b *Booster) {
		b.Kind, b.Trees, b.TreeGroup, b.IterationStart = "gblinear", nil, nil, []int32{0}
		b.Linear = []float32{1, 2, 3, 0.5}
	}
	add("linear", Version{1, 7, 0}, linear)
	add("linear 0.90", Version{}, func(b *Booster) { linear(b); b.BaseIsMargin, b.Params = true, map[string]string{} })
	add("linear untrained", Version{3, 4, 0}, func(b *Booster) { linear(b); b.Linear = nil })
	add("linear classes", Version{1, 7, 0}, func(b *Booster) {
		linear(b)
		b.Objective, b.NumClass, b.Linear = "multi:softprob", 2, []float32{1, 2, 3, 4, 5, 6, 7, 8}
	})
	add("poisson 0.90", Version{}, func(b *Booster) {
		b.Objective, b.BaseIsMargin, b.Params = "count:poisson", true, map[string]string{"max_delta_step": "0.7"}
	})
	targets := func(b *Booster) {
		b.Objective, b.NumTarget, b.TreeGroup, b.IterationStart = "reg:squarederror", 2, []int32{0, 1}, []int32{0, 2}
	}
	add("targets", Version{1, 7, 0}, targets)
	add("vector base score", Version{3, 1, 0}, func(b *Booster) { targets(b); b.BaseScore = []float32{1, -2} })
	add("quantiles", Version{2, 0, 0}, func(b *Booster) {
		targets(b)
		b.Objective, b.Params = "reg:quantileerror", map[string]string{"quantile_alpha": "[1E-1,9E-1]"}
	})
	add("uneven rounds", Version{2, 1, 0}, func(b *Booster) { b.IterationStart = []int32{0, 0, 2, 2} })
	categories := func(b *Booster) {
		t := &b.Trees[0]
		t.CategoryNodes, t.CategoryStart, t.CategoryCodes = []int32{0, 1}, []int32{0, 2, 5}, []int32{3, 70, 0, 1, 1<<24 - 1}
	}
	add("categories", Version{1, 7, 0}, categories)
	add("category names", Version{3, 4, 0}, func(b *Booster) {
		categories(b)
		b.Categories = []CategoryList{{Names: []string{"a", "", "\u00e9"}}, {Ints: []int64{-7, 1 << 30}, Kind: 15}, {}}
	})
	add("category floats", Version{3, 4, 0}, func(b *Booster) {
		categories(b)
		b.Categories = []CategoryList{{Floats: []float64{0.5, -2}, Kind: 7}, {Kind: 9}, {}}
	})
	vectors := func(b *Booster) {
		b.Objective, b.NumTarget = "reg:squarederror", 2
		t, leaf := &b.Trees[0], &b.Trees[1]
		*t = Tree{Left: t.Left[:5], Right: t.Right[:5], Feature: t.Feature[:5], Value: t.Value[:5], DefaultLeft: t.DefaultLeft[:5]}
		leaf.LossChange, leaf.SumHessian = nil, nil
		t.BaseWeight, leaf.BaseWeight = []float32{1, 2, 3, 4, 5, 6, 7, 8, 9, 10}, []float32{-1, -2}
		t.LeafSize, t.LeafIndex, t.LeafVector = 2, []int32{-1, -1, 0, 1, 2}, []float32{5, 6, 7, 8, 9, 10}
		leaf.LeafSize, leaf.LeafIndex, leaf.LeafVector = 2, []int32{0}, []float32{-1, -2}
	}
	add("vectors 2.0", Version{2, 0, 0}, vectors)
	add("vectors 3.2", Version{3, 2, 0}, func(b *Booster) {
		vectors(b)
		t := &b.Trees[0]
		t.BaseWeight, t.LeafIndex = t.BaseWeight[:5], []int32{-1, -1, 2, 0, 1} // reduced gradient, leaves in another order
		t.SumHessian = []float32{9, 6, 3, 2, 4}
	})
	add("vectors dart", Version{3, 4, 0}, func(b *Booster) { vectors(b); dart(b) })
	return out
}

// documentOf is the document that JSON and UBJSON files of b hold, in the layout of b's release.
func documentOf(b *Booster) object {
	attributes, params := object{}, object{}
	for _, k := range slices.Sorted(maps.Keys(b.Attributes)) {
		attributes = append(attributes, pair{k, b.Attributes[k]})
	}
	for _, k := range slices.Sorted(maps.Keys(b.Params)) {
		params = append(params, pair{k, b.Params[k]})
	}
	scores := []string{}
	for _, v := range b.BaseScore {
		scores = append(scores, strconv.FormatFloat(float64(v), 'E', -1, 32))
	}
	base := strings.Join(scores, ",")
	if len(scores) != 1 {
		base = "[" + base + "]"
	}
	names := []any{}
	for _, name := range b.FeatureNames {
		names = append(names, name)
	}
	return object{
		{"learner", object{
			{"attributes", attributes}, {"feature_names", names}, {"feature_types", []any{}}, {"gradient_booster", boosterObject(b)},
			{"learner_model_param", object{{"base_score", base}, {"boost_from_average", "1"}, {"num_class", fmt.Sprint(b.NumClass)},
				{"num_feature", fmt.Sprint(b.NumFeature)}, {"num_target", fmt.Sprint(b.NumTarget)}}},
			{"objective", object{{"name", b.Objective}, {"reg_loss_param", params}, {"ti+", []float32{1, 2}}}},
		}},
		{"version", []int32{int32(b.Version[0]), int32(b.Version[1]), int32(b.Version[2])}},
	}
}

// boosterObject writes dart in all of its three layouts.
func boosterObject(b *Booster) object {
	if b.Kind == "gblinear" {
		return object{{"model", object{{"boosted_rounds", b.LinearRounds}, {"weights", b.Linear}}}, {"name", b.Kind}}
	}
	trees := []any{}
	for i := range b.Trees {
		trees = append(trees, treeObject(b, i))
	}
	forest := object{
		{"gbtree_model_param", object{{"num_parallel_tree", fmt.Sprint(b.NumParallelTree)}, {"num_trees", fmt.Sprint(len(b.Trees))}}},
		{"iteration_indptr", b.IterationStart}, {"tree_info", b.TreeGroup}, {"trees", trees},
	}
	if b.Categories != nil {
		forest = append(object{{"cats", object{{"enc", categoryObjects(b)}, {"feature_segments", []int32{0}}, {"sorted_idx", []int32{}}}}}, forest...)
	}
	weights := pair{"weight_drop", b.TreeWeight}
	switch {
	case b.Kind != "dart":
		return object{{"model", forest}, {"name", b.Kind}}
	case b.Version.Before(3, 3):
		return object{{"gbtree", object{{"model", forest}, {"name", "gbtree"}}}, {"name", "dart"}, weights}
	case b.Version.Before(3, 4):
		return object{{"model", forest}, {"name", "gbtree"}, weights}
	}
	return object{{"model", append(forest, weights)}, {"name", "gbtree"}}
}

func categoryObjects(b *Booster) []any {
	out := []any{}
	for _, c := range b.Categories {
		var text []byte
		offsets := []int32{}
		if c.Names != nil {
			offsets = append(offsets, 0)
		}
		for _, name := range c.Names {
			text = append(text, name...)
			offsets = append(offsets, int32(len(text)))
		}
		switch {
		case c.Floats != nil:
			values := []float32{}
			for _, v := range c.Floats {
				values = append(values, float32(v))
			}
			out = append(out, object{{"type", c.Kind}, {"values", values}})
		case c.Kind != 0:
			values := []int32{}
			for _, v := range c.Ints {
				values = append(values, int32(v))
			}
			out = append(out, object{{"type", c.Kind}, {"values", values}})
		default:
			out = append(out, object{{"offsets", offsets}, {"values", text}})
		}
	}
	return out
}

// treeObject writes vector leaves in both of their layouts.
func treeObject(b *Booster, i int) object {
	t := &b.Trees[i]
	n := len(t.Left)
	types, starts, sizes := make([]bool, n), []int32{}, []int32{}
	for k, node := range t.CategoryNodes {
		if node >= 0 && int(node) < n {
			types[node] = true
		}
		starts, sizes = append(starts, t.CategoryStart[k]), append(sizes, t.CategoryStart[k+1]-t.CategoryStart[k])
	}
	out := object{
		{"base_weights", t.BaseWeight}, {"categories", t.CategoryCodes}, {"categories_nodes", t.CategoryNodes},
		{"categories_segments", starts}, {"categories_sizes", sizes}, {"default_left", t.DefaultLeft}, {"id", i},
		{"left_children", t.Left}, {"loss_changes", t.LossChange}, {"parents", make([]int32, n)}, {"right_children", t.Right},
		{"split_conditions", t.Value}, {"split_indices", t.Feature}, {"split_type", types},
		{"sum_hessian", t.SumHessian},
		{"tree_param", object{{"num_deleted", fmt.Sprint(t.NumDeleted)}, {"num_feature", fmt.Sprint(b.NumFeature)},
			{"num_nodes", fmt.Sprint(n)}, {"size_leaf_vector", fmt.Sprint(t.LeafSize)}}},
	}
	if t.LeafSize > 1 && !b.Version.Before(3, 2) {
		right := slices.Clone(t.Right)
		for node, leaf := range t.LeafIndex {
			if leaf >= 0 {
				right[node] = leaf
			}
		}
		*out.at("right_children") = right
		out = append(out, pair{"leaf_weights", t.LeafVector})
	}
	return slices.DeleteFunc(out, func(p pair) bool {
		stats, ok := p.value.([]float32)
		return ok && stats == nil
	})
}

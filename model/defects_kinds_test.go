package model

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"
)

// Defects of what only some boosters have, made in the booster and written in all formats that can hold it.
func TestDefectsOfKinds(t *testing.T) {
	const (
		param = "learner.learner_model_param."
		model = "learner.gradient_booster.model."
		tree  = model + "trees[0]."
	)
	for name, c := range map[string]struct {
		variant string
		path    string
		kind    error
		spoil   func(b *Booster)
	}{
		"too few tree weights":  {"dart", model + "weight_drop", ErrFormat, func(b *Booster) { b.TreeWeight = b.TreeWeight[:1] }},
		"too many tree weights": {"dart", model + "weight_drop", ErrFormat, func(b *Booster) { b.TreeWeight = append(b.TreeWeight, 1) }},
		"NaN tree weight":       {"dart", model + "weight_drop[1]", ErrFormat, func(b *Booster) { b.TreeWeight[1] = float32(nan) }},
		"infinite tree weight":  {"dart 3.3", model + "weight_drop[0]", ErrFormat, func(b *Booster) { b.TreeWeight[0] = float32(inf) }},
		"weights of 3.4":        {"dart 3.4", model + "weight_drop", ErrFormat, func(b *Booster) { b.TreeWeight = b.TreeWeight[:1] }},
		"weights of 0.90":       {"dart 0.90", model + "weight_drop[0]", ErrFormat, func(b *Booster) { b.TreeWeight[0] = -float32(inf) }},

		"too few linear weights":  {"linear", model + "weights", ErrFormat, func(b *Booster) { b.Linear = b.Linear[:3] }},
		"too many linear weights": {"linear classes", model + "weights", ErrFormat, func(b *Booster) { b.Linear = append(b.Linear, 0) }},
		"NaN linear weight":       {"linear", model + "weights[2]", ErrFormat, func(b *Booster) { b.Linear[2] = float32(nan) }},
		"infinite bias":           {"linear 0.90", model + "weights[3]", ErrFormat, func(b *Booster) { b.Linear[3] = float32(inf) }},
		"linear features":         {"linear", model + "weights", ErrFormat, func(b *Booster) { b.NumFeature = 4 }},

		"negative code":    {"categories", tree + "categories[0]", ErrFormat, func(b *Booster) { b.Trees[0].CategoryCodes[0] = -1 }},
		"huge code":        {"categories", tree + "categories[2]", ErrFormat, func(b *Booster) { b.Trees[0].CategoryCodes[4] = 1 << 24 }},
		"segment too long": {"categories", tree + "categories_segments[1]", ErrFormat, func(b *Booster) { b.Trees[0].CategoryStart[2] = 6 }},
		"segment negative": {"categories", tree + "categories_segments[0]", ErrFormat, func(b *Booster) { b.Trees[0].CategoryStart[0] = -1 }},
		"empty segment":    {"categories", tree + "categories_segments[0]", ErrFormat, func(b *Booster) { b.Trees[0].CategoryStart[1] = 0 }},
		"node of no tree":  {"categories", tree + "categories_nodes[1]", ErrFormat, func(b *Booster) { b.Trees[0].CategoryNodes[1] = 7 }},
		"negative node":    {"categories", tree + "categories_nodes[0]", ErrFormat, func(b *Booster) { b.Trees[0].CategoryNodes[0] = -1 }},
		"node twice":       {"categories", tree + "categories_nodes[1]", ErrFormat, func(b *Booster) { b.Trees[0].CategoryNodes[1] = 0 }},
		"nodes in another order": {"categories", tree + "categories_nodes[1]", ErrFormat, func(b *Booster) {
			b.Trees[0].CategoryNodes = []int32{1, 0}
		}},
		"dictionary of too few features": {"category names", model + "cats.enc", ErrFormat, func(b *Booster) { b.Categories = b.Categories[:2] }},

		"leaf without a vector": {"vectors 3.2", tree + "right_children[2]", ErrFormat, func(b *Booster) { b.Trees[0].LeafIndex[2] = 3 }},
		"half a vector":         {"vectors 3.2", tree + "leaf_weights", ErrFormat, func(b *Booster) { b.Trees[0].LeafVector = b.Trees[0].LeafVector[:5] }},
		"NaN in a vector":       {"vectors 3.2", tree + "leaf_weights[1]", ErrFormat, func(b *Booster) { b.Trees[0].LeafVector[1] = float32(nan) }},
		"NaN in an old vector":  {"vectors 2.0", tree + "leaf_weights[5]", ErrFormat, func(b *Booster) { b.Trees[0].BaseWeight[9] = float32(nan) }},
		"gradient too wide": {"vectors 3.2", tree + "base_weights", ErrFormat, func(b *Booster) {
			b.Trees[0].BaseWeight = make([]float32, 15)
		}},
		"gradient not whole":   {"vectors 3.2", tree + "base_weights", ErrFormat, func(b *Booster) { b.Trees[0].BaseWeight = make([]float32, 7) }},
		"old vectors cut":      {"vectors 2.0", tree + "base_weights", ErrFormat, func(b *Booster) { b.Trees[0].BaseWeight = make([]float32, 5) }},
		"vectors of no output": {"vectors 2.0", tree + "tree_param.size_leaf_vector", ErrFormat, func(b *Booster) { b.NumTarget = 3 }},
		"vectors of a group":   {"vectors 3.2", model + "tree_info[1]", ErrFormat, func(b *Booster) { b.TreeGroup[1] = 1 }},
		"vectors beside values": {"vectors 2.0", model + "trees[1]", ErrFormat, func(b *Booster) {
			leaf := tiny().Trees[1]
			b.Trees[1] = leaf
		}},

		"base scores of no output": {"vector base score", param + "base_score", ErrFormat, func(b *Booster) { b.BaseScore = []float32{1, 2, 3} }},
		"negative mean":            {"targets", param + "base_score", ErrFormat, func(b *Booster) { b.Objective, b.BaseScore[0] = "reg:gamma", -1 }},
		"levels": {"quantiles", "learner.objective.quantile_loss_param.quantile_alpha", ErrFormat, func(b *Booster) {
			b.Params["quantile_alpha"] = "[5E-1]"
		}},
		"bad levels": {"quantiles", "learner.objective.quantile_loss_param.quantile_alpha", ErrFormat, func(b *Booster) {
			b.Params["quantile_alpha"] = "[x,y]"
		}},
		"level that is no number": {"quantiles", "learner.objective.quantile_loss_param.quantile_alpha", ErrFormat, func(b *Booster) {
			b.Params["quantile_alpha"] = "[nan,inf]"
		}},
	} {
		t.Run(name, func(t *testing.T) {
			b := variants()[c.variant]
			c.spoil(b)
			all := forms(b)
			require.NotEmpty(t, all)
			for form, file := range all {
				t.Run(form, func(t *testing.T) { refuses(t, file, c.kind, c.path) })
			}
		})
	}
}

// Few codes that would need many bits, in all trees together.
func TestCategoryBits(t *testing.T) {
	b := variants()["categories"]
	tree := b.Trees[0]
	tree.CategoryStart, tree.CategoryCodes = []int32{0, 1, 2}, []int32{1<<24 - 1, 1<<24 - 1}
	b.Trees, b.TreeGroup, b.IterationStart = nil, nil, []int32{0}
	for i := range 10 {
		b.Trees, b.TreeGroup, b.IterationStart = append(b.Trees, tree), append(b.TreeGroup, 0), append(b.IterationStart, int32(i+1))
		for _, file := range forms(b) {
			if i < 4 { // 2 * 4 sets of 2^19 words are the limit
				load(t, file, nil)
				continue
			}
			refuses(t, file, ErrTooLarge, "learner.gradient_booster.model.trees[4].categories")
		}
	}
}

func TestCategoryLimit(t *testing.T) {
	for name, file := range forms(variants()["categories"]) {
		_, err := Load(bytes.NewReader(file), &LoadOptions{MaxCategories: 2})
		var limit *LimitError
		require.ErrorAs(t, err, &limit, name)
		require.Equal(t, "categories of a split", limit.Name)
	}
}

// Codes that are given twice or not in order are brought into order; splits that pruning has made leaves lose theirs.
func TestCategoriesAreNormalised(t *testing.T) {
	want := data(variants()["categories"])
	doc := documentOf(variants()["categories"])
	const tree = "learner.gradient_booster.model.trees[0]."
	*doc.at(tree + "split_type") = []bool{true, true, true, false, false, true, false}
	*doc.at(tree + "categories_nodes") = []int32{0, 1, 2, 5}
	*doc.at(tree + "categories_segments") = []int32{6, 2, 0, 1}
	*doc.at(tree + "categories_sizes") = []int32{3, 3, 1, 1}
	*doc.at(tree + "categories") = []int32{9, 9, 1<<24 - 1, 0, 1, 8, 70, 3, 70}
	for _, file := range [][]byte{toJSON(doc), toUBJSON(doc, true), toUBJSON(doc, false)} {
		require.Equal(t, want, data(load(t, file, nil)))
	}
	// nothing is left
	*doc.at(tree + "split_type") = []bool{false, false, true, false, false, false, false}
	*doc.at(tree + "categories_nodes") = []int32{2}
	*doc.at(tree + "categories_segments") = []int32{0}
	*doc.at(tree + "categories_sizes") = []int32{1}
	require.Equal(t, data(variants()["plain"]), data(load(t, toJSON(doc), nil)))
	// overlapping segments
	*doc.at(tree + "split_type") = []bool{true, true, false, false, false, false, false}
	*doc.at(tree + "categories_nodes") = []int32{0, 1}
	*doc.at(tree + "categories_segments") = []int32{0, 1}
	*doc.at(tree + "categories_sizes") = []int32{8, 8}
	refuses(t, toJSON(doc), ErrFormat, tree+"categories_segments[1]")
	// a type without set, a set without type
	*doc.at(tree + "categories_nodes") = []int32{0}
	refuses(t, toJSON(doc), ErrFormat, tree+"categories_nodes")
	*doc.at(tree + "split_type") = make([]bool, 7)
	*doc.at(tree + "categories_segments"), *doc.at(tree + "categories_sizes") = []int32{0}, []int32{1}
	refuses(t, toJSON(doc), ErrFormat, tree+"categories_nodes[0]")
}

// Layouts of boosters that no release writes.
func TestBoosterLayouts(t *testing.T) {
	const booster = "learner.gradient_booster"
	forest := func() any { return *documentOf(tiny()).at(booster + ".model") }
	weights := object{{"weights", []float32{1, 2, 3, 0.5}}}
	for name, c := range map[string]struct {
		booster object
		path    string
		kind    error
	}{
		"dart with nothing inside": {object{{"name", "dart"}}, booster, ErrFormat},
		"dart like gbtree":         {object{{"name", "dart"}, {"model", forest()}}, booster, ErrFormat},
		"gbtree like dart":         {object{{"name", "gbtree"}, {"gbtree", object{{"model", forest()}}}}, booster, ErrFormat},
		"both":                     {object{{"gbtree", object{{"model", forest()}}}, {"model", forest()}, {"name", "dart"}}, booster + ".model", ErrFormat},
		"empty inside":             {object{{"gbtree", object{}}, {"name", "dart"}}, booster + ".gbtree", ErrFormat},
		"dart in dart":             {object{{"gbtree", object{{"name", "dart"}, {"model", forest()}}}, {"name", "dart"}}, booster + ".gbtree.name", ErrUnsupported},
		"weights twice": {object{{"model", append(object{{"weight_drop", []float32{1, 1}}}, forest().(object)...)}, {"name", "gbtree"},
			{"weight_drop", []float32{1, 1}}}, booster + ".weight_drop", ErrFormat},
		"weights that are none":  {object{{"model", forest()}, {"name", "gbtree"}, {"weight_drop", "x"}}, booster + ".weight_drop", ErrFormat},
		"linear forest":          {object{{"model", forest()}, {"name", "gblinear"}}, booster + ".model", ErrFormat},
		"trees of weights":       {object{{"model", weights}, {"name", "gbtree"}}, booster + ".model", ErrFormat},
		"dart of weights":        {object{{"gbtree", object{{"model", weights}}}, {"name", "dart"}}, booster + ".model", ErrFormat},
		"negative linear rounds": {object{{"model", append(object{{"boosted_rounds", -1}}, weights...)}, {"name", "gblinear"}}, booster + ".model.boosted_rounds", ErrFormat},
		"rounds as text":         {object{{"model", append(object{{"boosted_rounds", "1"}}, weights...)}, {"name", "gblinear"}}, booster + ".model.boosted_rounds", ErrFormat},
		"linear":                 {object{{"model", weights}, {"name", "gblinear"}}, "", nil},
		"empty weights of trees": {object{{"gbtree", object{{"model", forest()}}}, {"name", "dart"}, {"weight_drop", []float32{}}}, "", nil},
		"no weights of trees":    {object{{"gbtree", object{{"model", forest()}}}, {"name", "dart"}}, "", nil},
	} {
		t.Run(name, func(t *testing.T) {
			doc := documentOf(tiny())
			*doc.at(booster) = c.booster
			for form, file := range map[string][]byte{"json": toJSON(doc), "ubjson": toUBJSON(doc, true), "untyped": toUBJSON(doc, false)} {
				if c.kind == nil {
					require.Nil(t, load(t, file, nil).TreeWeight, form)
					continue
				}
				refuses(t, file, c.kind, c.path)
			}
		})
	}
}

func TestCategoryDictionaryDefects(t *testing.T) {
	const enc = "learner.gradient_booster.model.cats.enc"
	bytesOf := func(values ...int32) []int32 { return values }
	for name, c := range map[string]struct {
		entry object
		path  string // behind enc[0]
	}{
		"no values":          {object{{"offsets", bytesOf(0)}}, ""},
		"neither":            {object{{"values", bytesOf(1)}}, ""},
		"both":               {object{{"type", 15}, {"offsets", bytesOf(0)}, {"values", bytesOf()}}, ""},
		"unknown type":       {object{{"type", 17}, {"values", bytesOf()}}, ".type"},
		"type of no numbers": {object{{"type", 6}, {"values", bytesOf()}}, ".type"},
		"type twice":         {object{{"type", 9}, {"type", 9}, {"values", bytesOf()}}, ".type"},
		"first offset":       {object{{"offsets", bytesOf(1, 2)}, {"values", bytesOf(97, 98)}}, ""},
		"last offset":        {object{{"offsets", bytesOf(0, 3)}, {"values", bytesOf(97, 98)}}, ""},
		"descending":         {object{{"offsets", bytesOf(0, 2, 1, 2)}, {"values", bytesOf(97, 98)}}, ".offsets[2]"},
		"beyond":             {object{{"offsets", bytesOf(0, 5, 2)}, {"values", bytesOf(97, 98)}}, ".offsets[1]"},
		"not a byte":         {object{{"offsets", bytesOf(0, 1)}, {"values", bytesOf(256)}}, ".values[0]"},
		"not a byte, first":  {object{{"values", bytesOf(-129)}, {"offsets", bytesOf(0, 1)}}, ".values[0]"},
		"fractions":          {object{{"type", 15}, {"values", []float32{0.5}}}, ""},
		"fractions of names": {object{{"values", []float32{0.5}}, {"offsets", bytesOf(0, 1)}}, ""},
		"text":               {object{{"type", 15}, {"values", "x"}}, ".values"},
	} {
		t.Run(name, func(t *testing.T) {
			doc := documentOf(variants()["category names"])
			(*doc.at(enc)).([]any)[0] = c.entry
			for _, file := range [][]byte{toJSON(doc), toUBJSON(doc, true), toUBJSON(doc, false)} {
				refuses(t, file, ErrFormat, enc+"[0]"+c.path)
			}
		})
	}
	// values in front of what they mean, and numbers of every kind
	doc := documentOf(variants()["category names"])
	entries := (*doc.at(enc)).([]any)
	entries[0] = object{{"values", bytesOf(-61, -87, 97)}, {"offsets", bytesOf(0, 2, 3)}}
	entries[1] = object{{"values", []any{1, float32(2.5), 3}}, {"type", 8}}
	for _, file := range [][]byte{toJSON(doc), toUBJSON(doc, true), toUBJSON(doc, false)} {
		got := load(t, file, nil).Categories
		require.Equal(t, []string{"é", "a"}, got[0].Names)
		require.Equal(t, []float64{1, 2.5, 3}, got[1].Floats)
	}
	*doc.at(enc) = raw(`[{"type":15,"values":[9223372036854775807,-9223372036854775807]},{"type":8,"values":[0.1,NaN,-Infinity,7]},{"offsets":[],"values":[]}]`)
	got := load(t, toJSON(doc), nil).Categories
	require.Equal(t, []int64{1<<63 - 1, -1<<63 + 1}, got[0].Ints)
	require.Equal(t, 0.1, got[1].Floats[0])
	require.Len(t, got[1].Floats, 4)
}

package model

import (
	"bytes"
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

var (
	inf = math.Inf(1)
	nan = math.NaN()
)

// refuses checks that a file is refused with an error of a kind, at a path.
func refuses(t *testing.T, file []byte, kind error, path string) *ParseError {
	t.Helper()
	b, err := Load(bytes.NewReader(file), nil)
	require.Nil(t, b)
	require.ErrorIs(t, err, kind)
	var p *ParseError
	require.ErrorAs(t, err, &p)
	require.Equal(t, path, p.Path, "%v", err)
	return p
}

// Defects that every format can have. Each is made in the booster and written in all of them.
func TestDefects(t *testing.T) {
	const tree = "learner.gradient_booster.model.trees[0]."
	for name, c := range map[string]struct {
		path  string
		spoil func(b *Booster)
	}{
		"cycle":                  {tree + "left_children[1]", func(b *Booster) { b.Trees[0].Left[1] = 1 }},
		"cycle through the root": {tree + "left_children[0]", func(b *Booster) { b.Trees[0].Left[0] = 0 }},
		"right child is root":    {tree + "right_children[0]", func(b *Booster) { b.Trees[0].Right[0] = 0 }},
		"shared child":           {tree + "right_children[0]", func(b *Booster) { b.Trees[0].Right[0] = 1 }},
		"cross link":             {tree + "left_children[1]", func(b *Booster) { b.Trees[0].Left[1] = 2 }},
		"child too large":        {tree + "left_children[0]", func(b *Booster) { b.Trees[0].Left[0] = 7 }},
		"child far too large":    {tree + "right_children[1]", func(b *Booster) { b.Trees[0].Right[1] = math.MaxInt32 }},
		"negative child":         {tree + "left_children[0]", func(b *Booster) { b.Trees[0].Left[0] = -2 }},
		"least child":            {tree + "left_children[0]", func(b *Booster) { b.Trees[0].Left[0] = math.MinInt32 }},
		"only a left child":      {tree + "right_children[0]", func(b *Booster) { b.Trees[0].Right[0] = -1 }},
		"children swapped": {tree + "right_children[0]", func(b *Booster) {
			b.Trees[0].Left[0], b.Trees[0].Right[0] = 2, 1
		}},
		"orphan":              {tree + "left_children[5]", func(b *Booster) { b.Trees[0].Feature[5] = 0 }},
		"lost subtree":        {tree + "left_children[3]", func(b *Booster) { b.Trees[0].Left[1] = -1 }},
		"deleted child":       {tree + "tree_param.num_deleted", func(b *Booster) { b.Trees[0].NumDeleted = 1 }},
		"feature too large":   {tree + "split_indices[1]", func(b *Booster) { b.Trees[0].Feature[1] = 3 }},
		"feature of no model": {tree + "split_indices[0]", func(b *Booster) { b.Trees[0].Feature[0] = math.MaxInt32 }},
		"NaN leaf":            {tree + "split_conditions[2]", func(b *Booster) { b.Trees[0].Value[2] = float32(nan) }},
		"infinite leaf":       {tree + "split_conditions[4]", func(b *Booster) { b.Trees[0].Value[4] = -float32(inf) }},
		"tree_info too large": {"learner.gradient_booster.model.tree_info[1]", func(b *Booster) { b.TreeGroup[1] = 1 }},
		"tree_info negative":  {"learner.gradient_booster.model.tree_info[0]", func(b *Booster) { b.TreeGroup[0] = -1 }},
		"no parallel tree":    {"learner.gradient_booster.model.gbtree_model_param.num_parallel_tree", func(b *Booster) { b.NumParallelTree = 0 }},
		"classes and targets": {"learner.learner_model_param", func(b *Booster) { b.NumClass, b.NumTarget = 3, 2 }},
		"no classes":          {"learner.learner_model_param.num_class", func(b *Booster) { b.Objective = "multi:softmax" }},
		"base score 0":        {"learner.learner_model_param.base_score", func(b *Booster) { b.BaseScore[0] = 0 }},
		"base score 1":        {"learner.learner_model_param.base_score", func(b *Booster) { b.BaseScore[0] = 1 }},
		"base score above 1":  {"learner.learner_model_param.base_score", func(b *Booster) { b.BaseScore[0], b.Version[0] = 1.5, 4 }},
		"base score infinite": {"learner.learner_model_param.base_score", func(b *Booster) { b.BaseScore[0] = float32(inf) }},
		"base score NaN":      {"learner.learner_model_param.base_score", func(b *Booster) { b.BaseScore[0], b.Objective = float32(nan), "binary:logitraw" }},
	} {
		t.Run(name, func(t *testing.T) {
			b := tiny()
			c.spoil(b)
			for form, file := range forms(b) {
				t.Run(form, func(t *testing.T) { refuses(t, file, ErrFormat, c.path) })
			}
		})
	}
}

func TestNotSupported(t *testing.T) {
	for name, c := range map[string]struct {
		path  string
		spoil func(b *Booster)
	}{
		"objective": {"learner.objective.name", func(b *Booster) { b.Objective = "binary:nonsense" }},
		"booster":   {"learner.gradient_booster.name", func(b *Booster) { b.Kind = "gbforest" }},
	} {
		t.Run(name, func(t *testing.T) {
			b := tiny()
			c.spoil(b)
			for form, file := range forms(b) {
				t.Run(form, func(t *testing.T) { refuses(t, file, ErrUnsupported, c.path) })
			}
		})
	}
}

// Defects and oddities of documents.
func TestDocumentDefects(t *testing.T) {
	const (
		learner = "learner"
		model   = "learner.gradient_booster.model"
		tree    = model + ".trees[0]"
		param   = "learner.learner_model_param"
	)
	with := func(key string, value any) func(any) any {
		return func(v any) any { return append(object{{key, value}}, v.(object)...) }
	}
	without := func(key string) func(any) any {
		return func(v any) any {
			var rest object
			for _, p := range v.(object) {
				if p.key != key {
					rest = append(rest, p)
				}
			}
			return rest
		}
	}
	to := func(value any) func(any) any { return func(any) any { return value } }
	for _, c := range []struct {
		at     string
		change func(any) any
		kind   error
		path   string // where the error is, if elsewhere
	}{
		{tree + ".id", to(1), ErrFormat, model + ".trees[1].id"},
		{tree + ".id", to(2), ErrFormat, ""},
		{tree + ".id", to(-1), ErrFormat, ""},
		{tree + ".id", to("0"), ErrFormat, ""},
		{tree + ".left_children", to([]int32{1}), ErrFormat, ""},
		{tree + ".sum_hessian", to([]float32{1}), ErrFormat, ""},
		{tree + ".parents", to([]int32{}), ErrFormat, ""},
		{tree + ".split_indices", to("x"), ErrFormat, ""},
		{tree + ".tree_param.num_nodes", to("8"), ErrFormat, tree + ".left_children"},
		{tree + ".tree_param.num_nodes", to("0"), ErrFormat, ""},
		{tree + ".tree_param.num_nodes", to("-1"), ErrFormat, ""},
		{tree + ".tree_param.num_nodes", to("4294967303"), ErrFormat, ""},
		{tree + ".tree_param.num_nodes", to(7), ErrFormat, ""},
		{tree + ".tree_param.size_leaf_vector", to("3"), ErrFormat, tree + ".base_weights"},
		{tree + ".tree_param.size_leaf_vector", to("10001"), ErrTooLarge, tree + ".tree_param"},
		{tree, with("leaf_weights", []float32{1}), ErrFormat, tree + ".leaf_weights"},
		{tree + ".split_type", to([]bool{true, false, false, false, false, false, false}), ErrFormat, tree + ".categories_nodes"},
		{tree + ".split_type", to([]int32{0, 2, 0, 0, 0, 0, 0}), ErrFormat, tree + ".split_type[1]"},
		{tree, with("left_children", []int32{}), ErrFormat, tree + ".left_children"},
		{tree, without("left_children"), ErrFormat, tree},
		{tree, without("tree_param"), ErrFormat, tree},
		{model + ".gbtree_model_param.num_trees", to("3"), ErrFormat, model},
		{model + ".gbtree_model_param.num_trees", to("1"), ErrFormat, model},
		{model + ".tree_info", to([]int32{0}), ErrFormat, model},
		{model + ".iteration_indptr", to([]int32{0, 2, 1}), ErrFormat, model + ".iteration_indptr[2]"},
		{model + ".iteration_indptr", to([]int32{0, 1}), ErrFormat, model + ".iteration_indptr[1]"},
		{model + ".iteration_indptr", to([]int32{1, 2}), ErrFormat, ""},
		{model + ".iteration_indptr", to([]int32{}), ErrFormat, ""},
		{model, with("weight_drop", []float32{1}), ErrFormat, model + ".weight_drop"},
		{model, with("weights", []float32{}), ErrFormat, model},
		{"learner.gradient_booster", with("weight_drop", []float32{1, 1, 1}), ErrFormat, model + ".weight_drop"},
		{"learner.gradient_booster", without("name"), ErrFormat, ""},
		{"learner.gradient_booster", without("model"), ErrFormat, ""},
		{"learner.gradient_booster", with("name", "gbtree"), ErrFormat, "learner.gradient_booster.name"},
		{learner, without("gradient_booster"), ErrFormat, ""},
		{learner, without("objective"), ErrFormat, ""},
		{learner, without("learner_model_param"), ErrFormat, ""},
		{learner, with("version", "x"), nil, ""},
		{learner, without("attributes"), nil, ""},
		{learner + ".attributes", to(object{{"a", "1"}, {"a", "2"}}), ErrFormat, learner + ".attributes.a"},
		{learner + ".attributes", to(object{{"a", 1}}), ErrFormat, learner + ".attributes.a"},
		{learner + ".feature_names", to([]any{"a", "b"}), ErrFormat, ""},
		{learner + ".feature_names", to([]any{"a", "b", 3}), ErrFormat, learner + ".feature_names[2]"},
		{learner + ".feature_types", to([]any{"c", "b", "x", "q"}), ErrFormat, ""},
		{learner + ".objective", without("name"), ErrFormat, ""},
		{param, without("base_score"), ErrFormat, ""},
		{param, without("num_feature"), ErrFormat, ""},
		{param, with("num_class", "0"), ErrFormat, param + ".num_class"},
		{param + ".num_class", to("x"), ErrFormat, ""},
		{param + ".num_class", to("-3"), ErrFormat, ""},
		{param + ".num_class", to("10001"), ErrTooLarge, param},
		{param + ".num_feature", to("1048577"), ErrTooLarge, param},
		{"version", to([]int32{1, 7}), ErrFormat, ""},
		{"version", to("1.7.4"), ErrFormat, ""},
	} {
		t.Run(fmt.Sprint(c.at, " ", c.path), func(t *testing.T) {
			doc := documentOf(tiny())
			v := doc.at(c.at)
			*v = c.change(*v)
			path := c.path
			if path == "" {
				path = c.at
			}
			for form, file := range map[string][]byte{"json": toJSON(doc), "ubjson": toUBJSON(doc, true), "untyped": toUBJSON(doc, false)} {
				t.Run(form, func(t *testing.T) {
					if c.kind == nil {
						load(t, file, nil)
						return
					}
					refuses(t, file, c.kind, path)
				})
			}
		})
	}
}

func TestBaseScoreForms(t *testing.T) {
	for text, want := range map[string][]float32{
		"0.5": {0.5}, "5E-1": {0.5}, "0.500000": {0.5}, " [5E-1] ": {0.5}, "(0.5)": {0.5}, "[0.25, 5E-1,7.5e-1]": {0.25, 0.5, 0.75},
		"": nil, "x": nil, "[]": nil, "[0.5": nil, "0.5]": nil, "[0.5)": nil, "0.5,0.5": nil, "[0.5,]": nil, "0.1 0.2": nil,
		"nan": nil, "inf": nil, "[0.1,0.2]": nil, "[0.1,nan,0.2]": nil, "1e99": nil, "[": nil, "()": nil,
	} {
		b := tiny()
		b.Objective, b.NumClass = "multi:softprob", 3
		doc := documentOf(b)
		*doc.at("learner.learner_model_param.base_score") = text
		if want == nil {
			refuses(t, toJSON(doc), ErrFormat, "learner.learner_model_param.base_score")
			continue
		}
		require.Equal(t, want, load(t, toJSON(doc), nil).BaseScore, text)
	}
	for _, v := range []any{raw("0.5"), raw("[0.5]"), raw("null")} {
		doc := documentOf(tiny())
		*doc.at("learner.learner_model_param.base_score") = v
		refuses(t, toJSON(doc), ErrFormat, "learner.learner_model_param.base_score")
	}
	b := tiny() // from 3.2 on the ends of the interval are valid
	b.Version, b.BaseScore[0] = Version{3, 2, 0}, 0
	load(t, toJSON(documentOf(b)), nil)
}

// Numbers that size something in the legacy form, spoiled in place.
func TestLegacySizes(t *testing.T) {
	good := toLegacy(tiny())
	names := 4 + 136 + 8 + len("binary:logistic") + 8 + len("gbtree") // where GBTreeModelParam starts
	tree := names + 160
	info := tree + 148 + 7*36 + 148 + 36
	for _, c := range []struct {
		name   string
		offset int
		value  string
		kind   error
		path   string
		at     int // of the error; 0: offset
	}{
		{"num_feature", 8, "\xff\xff\xff\xff", ErrTooLarge, "learner.learner_model_param", 4},
		{"num_class", 12, "\xff\xff\xff\xff", ErrFormat, "learner.learner_model_param.num_class", 0},
		{"release", 24, "\x00\x10\x00\x00", ErrFormat, "version", 0},
		{"objective length", 140, "\x00\x00\x00\x00\x00\x00\x00\x10", ErrFormat, "learner.objective.name", 0},
		{"objective too long", 140, "\x41\x00\x00\x00\x00\x00\x00\x00", ErrTooLarge, "learner.objective.name", 0},
		{"num_trees", names, "\xff\xff\xff\x7f", ErrFormat, "learner.gradient_booster.model.gbtree_model_param.num_trees", 0},
		{"num_trees negative", names, "\xff\xff\xff\xff", ErrFormat, "learner.gradient_booster.model.gbtree_model_param.num_trees", 0},
		{"vector leaves", names + 28, "\x02\x00\x00\x00", ErrUnsupported, "learner.gradient_booster.model.gbtree_model_param.size_leaf_vector", 0},
		{"num_roots", tree, "\x02\x00\x00\x00", ErrFormat, "learner.gradient_booster.model.trees[0].tree_param.num_roots", 0},
		{"num_nodes", tree + 4, "\xff\xff\xff\x7f", ErrFormat, "learner.gradient_booster.model.trees[0].tree_param.num_nodes", 0},
		{"num_nodes zero", tree + 4, "\x00\x00\x00\x00", ErrFormat, "learner.gradient_booster.model.trees[0].tree_param.num_nodes", 0},
		{"num_nodes negative", tree + 4, "\x00\x00\x00\x80", ErrFormat, "learner.gradient_booster.model.trees[0].tree_param.num_nodes", 0},
		{"vector leaf", tree + 20, "\x02\x00\x00\x00", ErrUnsupported, "learner.gradient_booster.model.trees[0].tree_param.size_leaf_vector", 0},
		{"attributes", info + 8, "\xff\xff\xff\xff\xff\xff\xff\xff", ErrFormat, "learner.attributes", 0},
		{"key length", info + 16, "\xff\xff\xff\xff\xff\xff\xff\x7f", ErrFormat, "learner.attributes", 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			file := bytes.Clone(good)
			copy(file[c.offset:], c.value)
			p := refuses(t, file, c.kind, c.path)
			if c.at == 0 {
				c.at = c.offset
			}
			require.EqualValues(t, c.at, p.Offset)
		})
	}
	// the objective's attribute, with an error inside of its text
	file := bytes.Replace(good, []byte(`"scale_pos_weight"`), []byte(`"scale_pos_weight`+"\n"), 1)
	refuses(t, file, ErrFormat, "learner.attributes.objective.reg_loss_param")
	file = bytes.Replace(good, []byte(`"binary:logistic"`), []byte(`"binary:logitraw"`), 1)
	refuses(t, file, ErrFormat, "learner.attributes.objective")
	file = bytes.Replace(good, []byte("best_iteration"), []byte("best_iterati0n"), 1)
	require.Contains(t, load(t, file, nil).Attributes, "best_iterati0n")
}

func TestFilesThatAreNoModels(t *testing.T) {
	for file, kind := range map[string]error{
		"": ErrFormat, "{": ErrFormat, "{ ": ErrFormat, "{}": ErrFormat, "{1": ErrFormat, "[]": ErrFormat, "binf": ErrFormat,
		"booster[0]:\n0:[f0<0.5]": ErrFormat, "[\n  {\"nodeid\": 0}]": ErrFormat, "\x1f\x8b": ErrFormat, "\x1f\x8b\x08\x00": ErrFormat,
		"bs64\tAAAA": ErrUnsupported, "CONFIG-offset:\x01": ErrFormat, "\x80\x04\x95": ErrFormat,
		"ccopy_reg\n_reconstructor\n": ErrFormat, "(dp0\n": ErrFormat, `{"Model":{},"Config":{}}`: ErrFormat,
		"{L\x00\x00\x00\x00\x00\x00\x00\x06Config{}}": ErrFormat, "hello": ErrFormat,
		strings.Repeat("\x00", 2048): ErrFormat, "{\"x\":" + strings.Repeat("[", 100): ErrTooLarge,
		`{"x":` + strings.Repeat(`{"a":`, 70): ErrTooLarge, "{U\x01x" + strings.Repeat("[", 100): ErrTooLarge,
		"{U\x01x" + strings.Repeat("{U\x01a", 100): ErrTooLarge,
	} {
		b, err := Load(strings.NewReader(file), nil)
		require.Nil(t, b)
		require.ErrorIs(t, err, kind, "%.20q", file)
		var p *ParseError
		require.ErrorAs(t, err, &p)
		require.NotEmpty(t, err.Error())
	}
}

// What XGBoost accepts, or writes in some release, and a strict reader would not.
func TestOddButValid(t *testing.T) {
	b := tiny()
	b.Trees[0].Value[0] = float32(nan) // a threshold: all values that are not missing go right
	for name, file := range forms(b) {
		require.True(t, math.IsNaN(float64(load(t, file, nil).Trees[0].Value[0])), name)
	}
	text := string(toJSON(documentOf(tiny())))
	for _, r := range []*strings.Replacer{
		strings.NewReplacer(`"default_left":[1,0,0,0,0,1,1]`, `"default_left":[true,false,false,false,false,true,true]`,
			`"default_left":[0]`, `"default_left":[false]`),
		strings.NewReplacer(`"num_deleted":"2",`, "", `"split_type":[0,0,0,0,0,0,0],`, "", `"num_parallel_tree":"1",`, "",
			`"iteration_indptr":[0,1,2],`, "", `,"num_target":"1"`, "", `"attributes":{`, `"leaf_child_counts":[],"attributes":{`),
		strings.NewReplacer(",", " ,\t", ":", "\r: \n", "[", "[ ", "]", "\n]", "{", "{\n"),
		strings.NewReplacer(`2.5E-01`, `25E-2`, `1.25E-01`, `125e-3`, `5E-01`, `0.5`, `1.5E+00`, `15000000000000000000000000e-25`, `3E+00`, `3`),
		strings.NewReplacer(`"best_iteration"`, `"best\u005fiter\u0061tion"`),
	} {
		file := r.Replace(text)
		require.NotEqual(t, text, file)
		got, err := Load(strings.NewReader(strings.ReplaceAll(file, "binary\r: \nlogistic", "binary:logistic")), nil)
		require.NoError(t, err)
		require.Equal(t, data(tiny()), data(got))
	}
	// trees stand where their ids say
	doc := documentOf(tiny())
	trees := (*doc.at("learner.gradient_booster.model.trees")).([]any)
	trees[0], trees[1] = trees[1], trees[0]
	require.Equal(t, data(tiny()), data(load(t, toJSON(doc), nil)))
	// 64-bit integers
	doc = documentOf(tiny())
	*doc.at("learner.gradient_booster.model.trees[1].split_indices") = raw("[$L#U\x01\x00\x00\x00\x00\x00\x00\x00\x00")
	*doc.at("learner.gradient_booster.model.trees[1].split_conditions") = raw("[$D#i\x01\x3f\xc0\x00\x00\x00\x00\x00\x00")
	require.Equal(t, data(tiny()), data(load(t, toUBJSON(doc, true), nil)))
}

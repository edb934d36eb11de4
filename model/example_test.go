package model_test

import (
	"bytes"
	"errors"
	"fmt"
	"strings"

	"threatdetect/model"
)

// stump is a whole model in XGBoost's JSON form: one tree with one split.
const stump = `{"learner":{
	"attributes":{}, "feature_names":["bytes","packets"], "feature_types":["float","float"],
	"learner_model_param":{"base_score":"5E-1","num_class":"0","num_feature":"2"},
	"objective":{"name":"binary:logistic","reg_loss_param":{"scale_pos_weight":"1"}},
	"gradient_booster":{"name":"gbtree","model":{
		"gbtree_model_param":{"num_trees":"1","num_parallel_tree":"1"}, "tree_info":[0],
		"trees":[{"id":0,"tree_param":{"num_nodes":"3"},
			"left_children":[1,-1,-1], "right_children":[2,-1,-1], "split_indices":[0,0,0],
			"split_conditions":[1.5E3,-4E-1,4E-1], "default_left":[1,0,0]}]}}},
	"version":[1,7,4]}`

func ExampleLoad() {
	b, err := model.Load(strings.NewReader(stump), nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(b.Format, b.Objective, b.Version)
	t := b.Trees[0]
	fmt.Printf("%s < %g ? %g : %g\n", b.FeatureNames[t.Feature[0]], t.Value[0], t.Value[t.Left[0]], t.Value[t.Right[0]])
	// Output:
	// json binary:logistic [1 7 4]
	// bytes < 1500 ? -0.4 : 0.4
}

func ExampleLoad_error() {
	_, err := model.Load(strings.NewReader(strings.Replace(stump, "[2,-1,-1]", "[9,-1,-1]", 1)), nil)
	var p *model.ParseError
	fmt.Println(errors.Is(err, model.ErrFormat), errors.As(err, &p))
	fmt.Println(p.Path)
	// Output:
	// true true
	// learner.gradient_booster.model.trees[0].right_children[0]
}

func ExampleWriteBundle() {
	var archive bytes.Buffer
	err := model.WriteBundle(&archive, &model.Bundle{
		Artifact: []byte(stump),
		Contract: []byte(`{"set":"flow-portable/1"}`),
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	b, err := model.LoadBundle(&archive, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(b.ArtifactName, b.Booster.NumNode(), string(b.Contract))
	// Output: xgboost-model 3 {"set":"flow-portable/1"}
}

func ExampleBooster_Validate() {
	b, err := model.Load(strings.NewReader(stump), &model.LoadOptions{MaxTrees: 10})
	if err != nil {
		fmt.Println(err)
		return
	}
	b.Trees[0].Left[0] = 0 // an endless walk
	fmt.Println(errors.Is(b.Validate(), model.ErrFormat))
	// Output: true
}

package diagnose_test

import (
	"fmt"
	"log"

	"threatdetect/inference/diagnose"
	"threatdetect/model"
)

// A model was trained on libsvm files, in which a zero is not written and so is missing; its scores are compared with those of rows in which zero is a number.
func ExampleFind() {
	stump := model.Tree{Left: []int32{1, -1, -1}, Right: []int32{2, -1, -1}, Feature: []int32{0, 0, 0},
		Value: []float32{1.5, 0.25, 0.75}, DefaultLeft: []bool{false, false, false}}
	booster := &model.Booster{Version: model.Version{1, 7, 4}, Kind: "gbtree", Objective: "reg:squarederror", NumFeature: 1, NumTarget: 1, BaseScore: []float32{0},
		NumParallelTree: 1, Trees: []model.Tree{stump}, TreeGroup: []int32{0}, IterationStart: []int32{0, 1}, Attributes: map[string]string{}}
	rows := &diagnose.Data{Values: []float64{0, 1, 2, 0, 3}, Width: 1}
	expected := []float32{0.75, 0.25, 0.75, 0.75, 0.75}

	found, err := diagnose.Find(booster, rows, expected, 1, nil)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(found.AsIs.Exact, "of", found.Rows, "rows as they are")
	for _, match := range found.Matches {
		fmt.Println(match.Exact, "with", match.Changes)
	}
	// Output:
	// 3 of 5 rows as they are
	// 5 with [0 is missing]
}

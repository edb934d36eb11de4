package diagnose

import (
	"fmt"
	"math"
	"slices"
	"strconv"

	"threatdetect/model"
)

// Step is one split on the way of a row through a tree.
type Step struct {
	Node      int32
	Feature   int
	Name      string // of the feature; f and its number if the model has no names
	Value     float32
	Threshold float32 // a row goes left if its value is less; meaningless if Categorical
	Left      bool
	// Categorical tells that codes decide: those that the split lists go right.
	Categorical bool
}

// String is the step as a sentence: node 3: bytes = 12.5, which is not less than 12.5: right.
func (s Step) String() string {
	turn := "right"
	if s.Left {
		turn = "left"
	}
	value := strconv.FormatFloat(float64(s.Value), 'g', -1, 32)
	threshold := strconv.FormatFloat(float64(s.Threshold), 'g', -1, 32)
	why := ""
	switch {
	case s.Value != s.Value:
		return fmt.Sprintf("node %d: %s is missing: %s", s.Node, s.Name, turn)
	case s.Categorical && s.Left:
		why = "not one of the categories that go right"
	case s.Categorical:
		why = "one of the categories that go right"
	case s.Value < s.Threshold:
		why = "less than " + threshold
	case s.Value == s.Threshold:
		why = "not less than " + threshold + " but equal"
	default:
		why = "not less than " + threshold
	}
	return fmt.Sprintf("node %d: %s = %s, %s: %s", s.Node, s.Name, value, why, turn)
}

// pathTo lists the splits from the root of a tree to a leaf of it, or nil if it cannot be reached.
func pathTo(b *model.Booster, tree int, leaf int32, row []float32) []Step {
	t := &b.Trees[tree]
	parent := make([]int32, t.NumNode())
	for n := range parent {
		parent[n] = -1
	}
	for n := range int32(len(parent)) {
		if !t.IsLeaf(n) {
			parent[t.Left[n]], parent[t.Right[n]] = n, n
		}
	}
	var path []Step
	for n := leaf; n > 0; n = parent[n] {
		p := parent[n]
		if p < 0 || len(path) > len(parent) {
			return nil
		}
		f := int(t.Feature[p])
		_, categorical := slices.BinarySearch(t.CategoryNodes, p)
		path = append(path, Step{Node: p, Feature: f, Name: featureName(b, f), Value: row[f], Threshold: t.Value[p],
			Left: t.Left[p] == n, Categorical: categorical})
	}
	slices.Reverse(path)
	return path
}

func featureName(b *model.Booster, f int) string {
	if f < len(b.FeatureNames) {
		return b.FeatureNames[f]
	}
	return "f" + strconv.Itoa(f)
}

// closest returns the split of a path whose threshold is nearest to the row's value, and how many float32 numbers lie between.
func closest(path []Step) (at int, ulp uint32) {
	at, ulp = -1, math.MaxUint32
	for i, s := range path {
		if s.Categorical || s.Value != s.Value {
			continue
		}
		if d := ULP(s.Value, s.Threshold); d < ulp {
			at, ulp = i, d
		}
	}
	return at, ulp
}

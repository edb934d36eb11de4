package evaluate

import (
	"math"
	"slices"
)

// Classes is how well a model that tells kinds of attack apart names them. The figures of the rest of a report are of attacks and benign flows.
type Classes struct {
	Names     []string `json:"names"`     // the benign class first
	Confusion [][]int  `json:"confusion"` // flows by what they are, and then by what they are called
	Each      []Class  `json:"each"`
	Accuracy  Number   `json:"accuracy"`
	MacroF1   Number   `json:"macro_f1"` // mean over the classes that some flow is of, or is called
	Others    int      `json:"others"`   // attacks of a kind that is none of the classes, which are left out
}

// Class is how well one class is named.
type Class struct {
	Class     string   `json:"class"`
	Flows     int      `json:"flows"`
	Right     int      `json:"right"`  // of them, called so
	Called    int      `json:"called"` // flows that are called so, rightly or not
	Recall    Number   `json:"recall"`
	Interval  Interval `json:"interval"` // Wilson's, of the recall
	Precision Number   `json:"precision"`
	F1        Number   `json:"f1"`
}

// Called notes which class the model gives the flow that Add was given last, if that was labelled. It is given for all flows or for none.
func (s *Sample) Called(class int) {
	if len(s.called) < len(s.scores) {
		s.called = append(s.called, uint16(class))
	}
}

// classes counts what flows are called. It is nil if that is not known of each.
func (s *Sample) classes(names []string) *Classes {
	if len(names) == 0 || len(s.called) != len(s.scores) {
		return nil
	}
	c := &Classes{Names: names}
	for range names {
		c.Confusion = append(c.Confusion, make([]int, len(names)))
	}
	of := make([]int, len(s.kinds)) // the class of a kind
	for k, kind := range s.kinds {
		if kind == noKind {
			kind = "attack" // as the class of such attacks is called in training
		}
		of[k] = slices.Index(names, kind)
	}
	for i, attack := range s.attack {
		class := 0
		if attack {
			class = of[s.kind[i]]
		}
		if called := int(s.called[i]); class < 0 || called >= len(names) {
			c.Others++
		} else {
			c.Confusion[class][called]++
		}
	}
	right, f1, n := 0, 0.0, 0
	for k, name := range names {
		one := Class{Class: name, Right: c.Confusion[k][k]}
		for j := range names {
			one.Flows += c.Confusion[k][j]
			one.Called += c.Confusion[j][k]
		}
		one.Recall, one.Interval = ratio(one.Right, one.Flows), Wilson(one.Right, one.Flows)
		one.Precision, one.F1 = ratio(one.Right, one.Called), ratio(2*one.Right, one.Flows+one.Called)
		if one.Flows+one.Called > 0 {
			f1 += float64(one.F1)
			n++
		}
		right += one.Right
		c.Each = append(c.Each, one)
	}
	c.Accuracy, c.MacroF1 = ratio(right, s.Len()-c.Others), Number(math.NaN())
	if n > 0 {
		c.MacroF1 = Number(f1 / float64(n))
	}
	return c
}

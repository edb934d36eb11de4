package pipeline

import "encoding/json"

// Condition goes on with one of two lists of steps. All tests have to hold for IfSteps. Steps in the lists stand nowhere else.
type Condition struct {
	Conditions []Test
	IfSteps    []*Step
	ElseSteps  []*Step
}

// Test is one test of a condition: make it with [Equals], [Above], [AtLeast], [Below], [AtMost], [In], [Not] or [Any].
type Test struct {
	Type                  string
	LeftValue, RightValue Value   `json:",omitempty"`
	QueryValue            Value   `json:",omitempty"`
	Values                []Value `json:",omitempty"`
	Condition             *Test   `json:",omitempty"`
	Conditions            []Test  `json:",omitempty"`
}

// MarshalJSON writes lists without steps as empty ones.
func (c *Condition) MarshalJSON() ([]byte, error) {
	type plain Condition
	out := plain(*c)
	for _, list := range []*[]*Step{&out.IfSteps, &out.ElseSteps} {
		if *list == nil {
			*list = []*Step{}
		}
	}
	if out.Conditions == nil {
		out.Conditions = []Test{}
	}
	return json.Marshal(out)
}

// Equals holds if left is right.
func Equals(left, right Value) Test {
	return Test{Type: "Equals", LeftValue: left, RightValue: right}
}

// Above holds if left is greater than right.
func Above(left, right Value) Test {
	return Test{Type: "GreaterThan", LeftValue: left, RightValue: right}
}

// AtLeast holds if left is right or more.
func AtLeast(left, right Value) Test {
	return Test{Type: "GreaterThanOrEqualTo", LeftValue: left, RightValue: right}
}

// Below holds if left is less than right.
func Below(left, right Value) Test {
	return Test{Type: "LessThan", LeftValue: left, RightValue: right}
}

// AtMost holds if left is right or less.
func AtMost(left, right Value) Test {
	return Test{Type: "LessThanOrEqualTo", LeftValue: left, RightValue: right}
}

// In holds if value is one of values.
func In(value Value, values ...Value) Test {
	return Test{Type: "In", QueryValue: value, Values: values}
}

// Not holds if t does not.
func Not(t Test) Test { return Test{Type: "Not", Condition: &t} }

// Any holds if one of tests does.
func Any(tests ...Test) Test { return Test{Type: "Or", Conditions: tests} }

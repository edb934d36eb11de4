package train

import "encoding/json"

// Policy is an IAM policy document.
type Policy struct {
	Version   string      `json:"Version"`
	Statement []Statement `json:"Statement"`
}

// Statement is one statement of a policy. All statements of this package allow.
type Statement struct {
	Sid       string    `json:"Sid,omitempty"`
	Effect    string    `json:"Effect"`
	Principal any       `json:"Principal,omitempty"`
	Action    Strings   `json:"Action"`
	Resource  Strings   `json:"Resource,omitempty"`
	Condition Condition `json:"Condition,omitempty"`
}

// Condition is operator -> key -> values.
type Condition map[string]map[string]Strings

// Strings is written as IAM does: one string bare, several as a list.
type Strings []string

// MarshalJSON implements [json.Marshaler].
func (s Strings) MarshalJSON() ([]byte, error) {
	if len(s) == 1 {
		return json.Marshal(s[0])
	}
	return json.Marshal([]string(s))
}

// UnmarshalJSON implements [json.Unmarshaler].
func (s *Strings) UnmarshalJSON(b []byte) error {
	var one string
	if json.Unmarshal(b, &one) == nil {
		*s = Strings{one}
		return nil
	}
	return json.Unmarshal(b, (*[]string)(s))
}

func newPolicy(statements ...Statement) *Policy {
	return &Policy{Version: "2012-10-17", Statement: statements}
}

// allow is a statement that allows actions on resources.
func allow(sid string, actions, resources Strings) Statement {
	return Statement{Sid: sid, Effect: "Allow", Action: actions, Resource: resources}
}

// on narrows a statement.
func (s Statement) on(operator, key string, values ...string) Statement {
	c := Condition{}
	for o, keys := range s.Condition {
		c[o] = keys
	}
	if c[operator] == nil {
		c[operator] = map[string]Strings{}
	}
	c[operator][key] = values
	s.Condition = c
	return s
}

// trust lets a service take a role, for calls that come from the account, or from one resource of it, alone.
func trust(service, operator, key, value string) *Policy {
	s := Statement{Effect: "Allow", Principal: map[string]string{"Service": service}, Action: Strings{"sts:AssumeRole"}}
	return newPolicy(s.on(operator, key, value))
}

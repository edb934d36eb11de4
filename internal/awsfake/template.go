package awsfake

//lint:file-ignore ST1005 messages are spelled as the services and containers spell them

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"threatdetect/internal/lazyregexp"
)

// template is a CloudFormation template: what yaml's short tags say is written out as Fn:: objects.
type template struct {
	parameters, conditions, resources, outputs, mappings doc
}

func parseTemplate(text string) (*template, error) {
	var n yaml.Node
	if err := yaml.Unmarshal([]byte(text), &n); err != nil {
		return nil, fmt.Errorf("Template format error: %v", err)
	}
	if len(n.Content) == 0 {
		return nil, fmt.Errorf("Template format error: it is empty")
	}
	v, err := plainYAML(n.Content[0])
	if err != nil {
		return nil, err
	}
	d, ok := v.(doc)
	if !ok {
		return nil, fmt.Errorf("Template format error: want an object")
	}
	for k := range d {
		if !slices.Contains([]string{"AWSTemplateFormatVersion", "Description", "Metadata", "Parameters", "Mappings", "Conditions", "Resources", "Outputs", "Rules", "Transform"}, k) {
			return nil, fmt.Errorf("Invalid template property or properties [%s]", k)
		}
	}
	t := &template{sub(d, "Parameters"), sub(d, "Conditions"), sub(d, "Resources"), sub(d, "Outputs"), sub(d, "Mappings")}
	if len(t.resources) == 0 {
		return nil, fmt.Errorf("Template format error: At least one Resources member must be defined.")
	}
	for name, r := range t.resources {
		if str(r.(doc), "Type") == "" {
			return nil, fmt.Errorf("Template format error: resource %s has no Type", name)
		}
	}
	return t, nil
}

// plainYAML is a node as JSON would have it.
func plainYAML(n *yaml.Node) (any, error) {
	var v any
	switch n.Kind {
	case yaml.MappingNode:
		out := doc{}
		for i := 0; i < len(n.Content); i += 2 {
			if _, twice := out[n.Content[i].Value]; twice {
				return nil, fmt.Errorf("Template format error: line %d: %s is there twice", n.Content[i].Line, n.Content[i].Value)
			}
			e, err := plainYAML(n.Content[i+1])
			if err != nil {
				return nil, err
			}
			out[n.Content[i].Value] = e
		}
		v = out
	case yaml.SequenceNode:
		out := []any{}
		for _, c := range n.Content {
			e, err := plainYAML(c)
			if err != nil {
				return nil, err
			}
			out = append(out, e)
		}
		v = out
	case yaml.AliasNode:
		return plainYAML(n.Alias)
	default:
		if strings.HasPrefix(n.Tag, "!!") {
			if n.Tag == "!!timestamp" { // 2012-10-17 is a version, not a day
				v = n.Value
			} else if err := n.Decode(&v); err != nil {
				return nil, err
			}
			if i, ok := v.(int); ok {
				v = float64(i)
			}
		} else {
			v = n.Value
		}
	}
	if tag := n.Tag; strings.HasPrefix(tag, "!") && !strings.HasPrefix(tag, "!!") {
		switch name := tag[1:]; name {
		case "Ref", "Condition":
			return doc{name: v}, nil
		case "GetAtt":
			if text, ok := v.(string); ok {
				a, b, _ := strings.Cut(text, ".")
				v = []any{a, b}
			}
			return doc{"Fn::GetAtt": v}, nil
		default:
			return doc{"Fn::" + name: v}, nil
		}
	}
	return v, nil
}

var subVariable = lazyregexp.New(`\$\{(!?[A-Za-z0-9:.]+)\}`)

// references are the resources that a value speaks of.
func (t *template) references(v any) (out []string) {
	add := func(name string) {
		name, _, _ = strings.Cut(name, ".")
		if t.resources[name] != nil {
			out = append(out, name)
		}
	}
	switch x := v.(type) {
	case doc:
		if r, ok := x["Ref"].(string); ok && len(x) == 1 {
			add(r)
		}
		if l := list(x, "Fn::GetAtt"); l != nil {
			add(fmt.Sprint(l[0]))
		}
		if s := x["Fn::Sub"]; s != nil {
			text, _ := s.(string)
			if l, ok := s.([]any); ok {
				text = fmt.Sprint(l[0])
			}
			for _, m := range subVariable.FindAllStringSubmatch(text, -1) {
				add(m[1])
			}
		}
		for _, e := range x {
			out = append(out, t.references(e)...)
		}
	case []any:
		for _, e := range x {
			out = append(out, t.references(e)...)
		}
	}
	return out
}

// order lists resources so that what others speak of comes first.
func (t *template) order() ([]string, error) {
	var out []string
	state := map[string]int{}
	var visit func(name string) error
	visit = func(name string) error {
		switch state[name] {
		case 1:
			return fmt.Errorf("Circular dependency between resources: [%s]", name)
		case 2:
			return nil
		}
		state[name] = 1
		r := t.resources[name].(doc)
		needs := append(t.references(r["Properties"]), strs(r, "DependsOn")...)
		if one := str(r, "DependsOn"); one != "" {
			needs = append(needs, one)
		}
		slices.Sort(needs)
		for _, n := range needs {
			if t.resources[n] == nil {
				return fmt.Errorf("Template format error: Unresolved resource dependencies [%s] in the Resources block of the template", n)
			}
			if err := visit(n); err != nil {
				return err
			}
		}
		state[name] = 2
		out = append(out, name)
		return nil
	}
	for _, name := range sortedKeys(t.resources) {
		if err := visit(name); err != nil {
			return nil, err
		}
	}
	return out, nil
}

var noValue = struct{ none bool }{true}

// value evaluates the functions of a value for a stack.
func (k *stack) value(v any) (any, error) {
	switch x := v.(type) {
	case []any:
		out := []any{}
		for _, e := range x {
			r, err := k.value(e)
			if err != nil {
				return nil, err
			}
			if r != any(noValue) {
				out = append(out, r)
			}
		}
		return out, nil
	case doc:
		if len(x) == 1 {
			for name, arg := range x {
				if name == "Ref" || name == "Condition" || strings.HasPrefix(name, "Fn::") {
					return k.call(name, arg)
				}
			}
		}
		out := doc{}
		for name, e := range x {
			r, err := k.value(e)
			if err != nil {
				return nil, err
			}
			if r != any(noValue) {
				out[name] = r
			}
		}
		return out, nil
	}
	return v, nil
}

func (k *stack) call(name string, arg any) (any, error) {
	switch name {
	case "Ref":
		return k.ref(fmt.Sprint(arg))
	case "Condition":
		return k.condition(fmt.Sprint(arg))
	case "Fn::GetAtt":
		l, _ := arg.([]any)
		if len(l) != 2 {
			return nil, fmt.Errorf("Template error: Fn::GetAtt %v", arg)
		}
		return k.attribute(fmt.Sprint(l[0]), fmt.Sprint(l[1]))
	case "Fn::Sub":
		return k.substitute(arg)
	}
	l, _ := arg.([]any)
	if name == "Fn::If" && len(l) == 3 {
		ok, err := k.condition(fmt.Sprint(l[0]))
		if err != nil {
			return nil, err
		}
		if ok {
			return k.value(l[1])
		}
		return k.value(l[2])
	}
	r, err := k.value(arg)
	if err != nil {
		return nil, err
	}
	l, _ = r.([]any)
	switch name {
	case "Fn::Equals":
		if len(l) == 2 {
			return fmt.Sprint(l[0]) == fmt.Sprint(l[1]), nil
		}
	case "Fn::Not":
		if len(l) == 1 {
			return l[0] != true, nil
		}
	case "Fn::And", "Fn::Or":
		result := name == "Fn::And"
		for _, e := range l {
			if name == "Fn::And" {
				result = result && e == true
			} else {
				result = result || e == true
			}
		}
		return result, nil
	case "Fn::Join":
		if len(l) == 2 {
			var parts []string
			for _, e := range l[1].([]any) {
				parts = append(parts, plainText(e))
			}
			return strings.Join(parts, fmt.Sprint(l[0])), nil
		}
	case "Fn::Select":
		if len(l) == 2 {
			var n int
			fmt.Sscan(fmt.Sprint(l[0]), &n)
			if of, ok := l[1].([]any); ok && n < len(of) {
				return of[n], nil
			}
		}
	case "Fn::Split":
		if len(l) == 2 {
			return anys(strings.Split(fmt.Sprint(l[1]), fmt.Sprint(l[0]))), nil
		}
	case "Fn::FindInMap":
		if len(l) == 3 {
			if v := get(k.template.mappings, fmt.Sprint(l[0]), fmt.Sprint(l[1]), fmt.Sprint(l[2])); v != nil {
				return v, nil
			}
		}
	case "Fn::ToJsonString":
		b, err := json.Marshal(r)
		return string(b), err
	}
	return nil, fmt.Errorf("Template error: awsfake cannot evaluate %s %v", name, arg)
}

func (k *stack) condition(name string) (bool, error) {
	c, ok := k.template.conditions[name]
	if !ok {
		return false, fmt.Errorf("Template error: Unresolved condition %s", name)
	}
	v, err := k.value(c)
	return v == true, err
}

func (k *stack) substitute(arg any) (any, error) {
	text, variables := "", doc{}
	switch x := arg.(type) {
	case string:
		text = x
	case []any:
		if len(x) == 2 {
			text = fmt.Sprint(x[0])
			v, err := k.value(x[1])
			if err != nil {
				return nil, err
			}
			variables, _ = v.(doc)
		}
	}
	var failed error
	out := subVariable.ReplaceAllStringFunc(text, func(m string) string {
		name := m[2 : len(m)-1]
		if strings.HasPrefix(name, "!") {
			return "${" + name[1:] + "}"
		}
		var v any
		var err error
		if v = variables[name]; v == nil {
			if a, b, dotted := strings.Cut(name, "."); dotted {
				v, err = k.attribute(a, b)
			} else {
				v, err = k.ref(name)
			}
		}
		if err != nil {
			failed = err
		}
		return plainText(v)
	})
	return out, failed
}

func (k *stack) ref(name string) (any, error) {
	switch name {
	case "AWS::Region":
		return k.region, nil
	case "AWS::AccountId":
		return Account, nil
	case "AWS::Partition":
		return partition(k.region), nil
	case "AWS::StackName":
		return k.name, nil
	case "AWS::StackId":
		return k.arn, nil
	case "AWS::URLSuffix":
		return "amazonaws.com", nil
	case "AWS::NoValue":
		return noValue, nil
	}
	if v, ok := k.parameters[name]; ok {
		return v, nil
	}
	if r := k.made[name]; r != nil {
		return r.id, nil
	}
	return nil, fmt.Errorf("Template format error: Unresolved resource dependencies [%s] in the Resources block of the template", name)
}

func (k *stack) attribute(name, attribute string) (any, error) {
	r := k.made[name]
	if r == nil {
		return nil, fmt.Errorf("Template error: instance of Fn::GetAtt references undefined resource %s", name)
	}
	if v := r.attributes[attribute]; v != "" {
		return v, nil
	}
	return nil, fmt.Errorf("Requested attribute %s does not exist in schema for %s", attribute, r.kind)
}

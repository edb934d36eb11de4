package pipeline

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// cycles finds steps that wait for each other. A step inside a condition waits for it, and it for its tests.
func (c *checker) cycles() {
	const (
		fresh = iota
		open
		done
	)
	state := map[*step]int{}
	var trail []string
	var visit func(s *step)
	visit = func(s *step) {
		state[s] = open
		trail = append(trail, s.name)
		next := s.needs
		if s.parent != nil {
			next = append(slices.Clone(next), s.parent.name)
		}
		for _, name := range next {
			other := c.steps[name]
			switch {
			case other == nil:
			case state[other] == open:
				round := append(slices.Clone(trail[slices.Index(trail, name):]), name)
				c.fault(s.path, ErrCycle, "steps wait for each other: %s", strings.Join(round, " → "))
			case state[other] == fresh:
				visit(other)
			}
		}
		trail = trail[:len(trail)-1]
		state[s] = done
	}
	for _, s := range c.order {
		if c.steps[s.name] == s && state[s] == fresh {
			visit(s)
		}
	}
}

// loop finds outputs that begin below the address whose new objects start the pipeline.
func (c *checker) loop(s *step, path string, v any, member string) {
	if c.Watched == "" {
		return
	}
	switch v := v.(type) {
	case []any:
		for i, one := range v {
			c.loop(s, fmt.Sprintf("%s[%d]", path, i), one, member)
		}
	case object:
		if output(member) {
			if text := c.begin(v); text != "" {
				c.writes(path, text)
			}
			if v["Get"] != nil || v["Std:Join"] != nil {
				return
			}
		}
		for _, name := range sorted(v) {
			if s.kind == "Condition" || name == "S3Input" || name == "InputDataConfig" || name == "TransformInput" {
				continue
			}
			c.loop(s, join(path, name), v[name], name)
		}
	case string:
		if output(member) {
			c.writes(path, v)
		}
	}
}

// output tells whether a member says where something is written, once inputs are left out.
func output(member string) bool {
	return member == "S3Uri" || member == "S3OutputPath" || member == "DestinationS3Uri"
}

func (c *checker) writes(path, address string) {
	if strings.HasPrefix(strings.TrimSuffix(address, "/")+"/", c.Watched) {
		c.fault(path, ErrCycle, "writes to %s, where new objects start the pipeline (%s)", address, c.Watched)
	}
}

// begin is the text that a value certainly begins with.
func (c *checker) begin(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case json.Number:
		return v.String()
	case object:
		if get, ok := v["Get"].(string); ok {
			if p := c.parameters[strings.TrimPrefix(get, "Parameters.")]; p != nil && strings.HasPrefix(get, "Parameters.") {
				text, _ := p.def.(string)
				return text
			}
			return ""
		}
		o, _ := v["Std:Join"].(object)
		on, _ := o["On"].(string)
		list, _ := o["Values"].([]any)
		text := ""
		for i, one := range list {
			part := c.begin(one)
			if part == "" {
				return text
			}
			if text += part; i+1 < len(list) {
				text += on
			}
		}
		return text
	}
	return ""
}

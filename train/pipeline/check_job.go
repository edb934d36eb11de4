package pipeline

import (
	"encoding/json"
	"fmt"
	"strings"

	"threatdetect/internal/lazyregexp"
)

var (
	channelName  = lazyregexp.New(`^[A-Za-z0-9._-]{1,64}$`)
	comparisons  = []string{"Equals", "GreaterThan", "GreaterThanOrEqualTo", "LessThan", "LessThanOrEqualTo"}
	wantedOfTest = map[string]string{"In": "QueryValue Values", "Not": "Condition", "Or": "Conditions"}
)

func init() {
	for _, name := range comparisons {
		wantedOfTest[name] = "LeftValue RightValue"
	}
}

// tests checks the list of tests of a condition.
func (c *checker) tests(s *step, path string, v any) {
	list := c.list(path, v)
	if v != nil && len(list) == 0 {
		c.fault(path, ErrSyntax, "want a test")
	}
	for i, one := range list {
		c.test(s, fmt.Sprintf("%s[%d]", path, i), one)
	}
}

func (c *checker) test(s *step, path string, v any) {
	o, ok := v.(object)
	if !ok {
		c.fault(path, ErrSyntax, "want an object")
		return
	}
	kind, _ := o["Type"].(string)
	wanted, ok := wantedOfTest[kind]
	if !ok {
		c.fault(path+".Type", ErrSyntax, "%v: want %s, In, Not or Or", show(o["Type"]), strings.Join(comparisons, ", "))
		return
	}
	c.members(path, o, wanted, wanted+" Type")
	switch kind {
	case "Not":
		c.test(s, path+".Condition", o["Condition"])
	case "Or":
		c.tests(s, path+".Conditions", o["Conditions"])
	case "In":
		if list := c.list(path+".Values", o["Values"]); o["Values"] != nil && len(list) == 0 {
			c.fault(path+".Values", ErrSyntax, "want a value")
		}
	default:
		left, right := c.comparable(o["LeftValue"]), c.comparable(o["RightValue"])
		if left != "" && right != "" && left != right {
			c.fault(path, ErrSyntax, "compares %s with %s", left, right)
		}
		if kind != "Equals" && (left == "text" || right == "text") {
			c.fault(path, ErrSyntax, "%s of text: want numbers", kind)
		}
	}
}

// comparable says of what sort a value is, if that is known.
func (c *checker) comparable(v any) string {
	switch v := v.(type) {
	case json.Number:
		return "a number"
	case string:
		return "text"
	case bool:
		return "a truth value"
	case object:
		get, _ := v["Get"].(string)
		name, ok := strings.CutPrefix(get, "Parameters.")
		if p := c.parameters[name]; ok && p != nil {
			switch Type(p.kind) {
			case Integer, Float:
				return "a number"
			case String:
				return "text"
			case Boolean:
				return "a truth value"
			}
		}
		if strings.Contains(get, ".FinalMetricDataList[") && strings.HasSuffix(get, ".Value") {
			return "a number"
		}
		if v["Std:Join"] != nil {
			return "text"
		}
	}
	return ""
}

// training checks what a training job is asked, as far as it is written out.
func (c *checker) training(s *step, path string) {
	channels := c.list(path+".InputDataConfig", s.arguments["InputDataConfig"])
	if len(channels) > 20 {
		c.fault(path+".InputDataConfig", ErrLimit, "%d channels: the service takes 20", len(channels))
	}
	c.unique(path+".InputDataConfig", s.arguments["InputDataConfig"], "ChannelName", channelName)
	if h, ok := s.arguments["HyperParameters"].(object); ok {
		if len(h) > 100 {
			c.fault(path+".HyperParameters", ErrLimit, "%d: the service takes 100", len(h))
		}
		for _, name := range sorted(h) {
			at := join(path+".HyperParameters", name)
			switch v := h[name].(type) {
			case string:
				if len(name) > 256 || len(v) > 2500 {
					c.fault(at, ErrLimit, "names have up to 256 bytes and values up to 2500")
				}
			case object:
			default:
				c.fault(at, ErrSyntax, "%v: every value is text, %q", show(v), show(v))
			}
		}
	}
	if r, ok := s.arguments["ResourceConfig"].(object); ok {
		c.members(path+".ResourceConfig", r, "InstanceType InstanceCount VolumeSizeInGB", "")
	}
	if spot, _ := s.arguments["EnableManagedSpotTraining"].(bool); spot {
		stop, _ := s.arguments["StoppingCondition"].(object)
		if _, ok := stop["MaxWaitTimeInSeconds"]; !ok {
			c.fault(path+".StoppingCondition", ErrSyntax, "MaxWaitTimeInSeconds is missing, which spot instances want")
		}
	}
}

// processing checks what a processing job is asked, as far as it is written out.
func (c *checker) processing(s *step, path string) {
	config, _ := s.arguments["ProcessingOutputConfig"].(object)
	for _, l := range []struct {
		path, name string
		v          any
	}{
		{path + ".ProcessingInputs", "InputName", s.arguments["ProcessingInputs"]},
		{path + ".ProcessingOutputConfig.Outputs", "OutputName", config["Outputs"]},
	} {
		if n := len(c.list(l.path, l.v)); n > 10 {
			c.fault(l.path, ErrLimit, "%d: the service takes 10", n)
		}
		c.unique(l.path, l.v, l.name, channelName)
	}
	app, _ := s.arguments["AppSpecification"].(object)
	for _, name := range []string{"ContainerEntrypoint", "ContainerArguments"} {
		at := path + ".AppSpecification." + name
		list := c.list(at, app[name])
		if app[name] != nil && (len(list) == 0 || len(list) > 100) {
			c.fault(at, ErrLimit, "%d: want 1 to 100", len(list))
		}
		for i, v := range list {
			if text, ok := v.(string); ok && len(text) > 256 {
				c.fault(fmt.Sprintf("%s[%d]", at, i), ErrLimit, "%d bytes: the service takes 256", len(text))
			} else if _, object := v.(object); !ok && !object {
				c.fault(fmt.Sprintf("%s[%d]", at, i), ErrSyntax, "%v: want text", show(v))
			}
		}
	}
}

// unique checks the names of the objects in a list.
func (c *checker) unique(path string, v any, member string, form *lazyregexp.Regexp) {
	seen := map[string]bool{}
	list, _ := v.([]any)
	for i, one := range list {
		at := fmt.Sprintf("%s[%d]", path, i)
		o, _ := one.(object)
		name, _ := o[member].(string)
		if !form.MatchString(name) {
			c.fault(join(at, member), ErrName, "%v: want 1 to 64 of A-Z a-z 0-9 . _ -", show(o[member]))
		} else if seen[name] {
			c.fault(join(at, member), ErrName, "%q is used twice", name)
		}
		seen[name] = true
	}
}

package pipeline

import (
	"fmt"
	"slices"
	"strings"

	"threatdetect/internal/lazyregexp"
)

// values looks at every value below v for expressions.
func (c *checker) values(s *step, path string, v any) {
	switch v := v.(type) {
	case []any:
		for i, one := range v {
			c.values(s, fmt.Sprintf("%s[%d]", path, i), one)
		}
	case object:
		for _, key := range []string{"Get", "Std:Join", "Std:JsonGet"} {
			of, ok := v[key]
			if !ok {
				continue
			}
			if len(v) > 1 {
				c.fault(path, ErrSyntax, "an expression has one member, %s, and this has %s", key, strings.Join(sorted(v), ", "))
			}
			c.expression(s, path, key, of)
			return
		}
		for _, name := range sorted(v) {
			if strings.HasPrefix(name, "Std:") {
				c.fault(join(path, name), ErrSyntax, "no such function; there are Std:Join and Std:JsonGet")
			}
			c.values(s, join(path, name), v[name])
		}
	}
}

func (c *checker) expression(s *step, path, key string, of any) {
	if key == "Get" {
		text, ok := of.(string)
		if !ok {
			c.fault(path, ErrSyntax, "Get: want a path")
			return
		}
		c.get(s, path, text)
		return
	}
	o, ok := of.(object)
	if !ok {
		c.fault(path, ErrSyntax, "%s: want an object", key)
		return
	}
	at := join(path, key)
	if key == "Std:Join" {
		c.members(at, o, "On Values", "On Values")
		if _, ok := o["On"].(string); !ok && o["On"] != nil {
			c.fault(at+".On", ErrSyntax, "want text")
		}
		for i, v := range c.list(at+".Values", o["Values"]) {
			c.values(s, fmt.Sprintf("%s.Values[%d]", at, i), v)
		}
		return
	}
	c.members(at, o, "Path", "PropertyFile S3Uri Path")
	file, one := o["PropertyFile"]
	uri, two := o["S3Uri"]
	if one == two {
		c.fault(at, ErrSyntax, "want PropertyFile or S3Uri, exactly one of them")
		return
	}
	if two {
		c.values(s, at+".S3Uri", uri)
		return
	}
	get, _ := file.(object)
	text, _ := get["Get"].(string)
	if _, property, ok := cutStep(text); !ok || !strings.HasPrefix(property, "PropertyFiles.") {
		c.fault(at+".PropertyFile", ErrReference, `%v: want {"Get":"Steps.STEP.PropertyFiles.FILE"}`, show(file))
		return
	}
	c.get(s, at+".PropertyFile", text)
}

var variables = []string{"PipelineExecutionId", "PipelineExecutionArn", "PipelineName", "PipelineArn", "StartDateTime", "CurrentDateTime", "TrainingJobName", "ProcessingJobName"}

func (c *checker) get(s *step, path, text string) {
	root, rest, _ := strings.Cut(text, ".")
	switch root {
	case "Parameters":
		if c.parameters[rest] == nil {
			c.fault(path, ErrReference, "there is no parameter %q", rest)
		}
	case "Execution":
		if !slices.Contains(variables, rest) {
			c.fault(path, ErrReference, "a run has no %q; it has %s", rest, strings.Join(variables, ", "))
		}
	case "Steps":
		c.getStep(s, path, text)
	default:
		c.fault(path, ErrReference, "%q: want Parameters.NAME, Execution.NAME or Steps.STEP.PROPERTY", text)
	}
}

func cutStep(text string) (name, property string, ok bool) {
	rest, ok := strings.CutPrefix(text, "Steps.")
	if !ok {
		return "", "", false
	}
	name, property, ok = strings.Cut(rest, ".")
	return name, property, ok && name != "" && property != ""
}

var property = lazyregexp.New(`^[A-Za-z]\w*(?:\[(?:'[^']*'|\d+)\])?(?:\.[A-Za-z0-9_-]+(?:\[(?:'[^']*'|\d+)\])?)*$`)

func (c *checker) getStep(s *step, path, text string) {
	name, prop, ok := cutStep(text)
	if !ok {
		c.fault(path, ErrReference, "%q: want Steps.STEP.PROPERTY", text)
		return
	}
	other := c.need(s, path, name)
	if other == nil {
		return
	}
	if !property.MatchString(prop) {
		c.fault(path, ErrReference, "%q: want members between dots, with ['NAME'] or [N] for one of a list", prop)
		return
	}
	root := prop[:strings.IndexAny(prop+".", ".[")]
	if known := strings.Fields(kinds[other.kind].properties); len(known) > 0 && !slices.Contains(known, root) {
		c.fault(path, ErrReference, "step %q of type %s has no property %s", name, other.kind, root)
		return
	}
	switch root {
	case "PropertyFiles":
		if file := strings.TrimPrefix(prop, "PropertyFiles."); !slices.Contains(other.files(), file) {
			c.fault(path, ErrReference, "step %q has no property file %q", name, file)
		}
	case "ProcessingOutputConfig":
		c.indexed(path, prop, "Outputs", "output", name, other.outputs())
	case "ProcessingInputs":
		c.indexed(path, prop, "ProcessingInputs", "input", name, named(other.arguments["ProcessingInputs"], "InputName"))
	case "InputDataConfig":
		c.indexed(path, prop, "InputDataConfig", "channel", name, named(other.arguments["InputDataConfig"], "ChannelName"))
	case "FinalMetricDataList":
		if metric := index(prop, "FinalMetricDataList"); metric != "" {
			c.metric(path, other, metric)
		}
	}
}

// index is the name in the brackets behind a member.
func index(prop, member string) string {
	_, rest, _ := strings.Cut(prop, member+"['")
	name, _, ok := strings.Cut(rest, "']")
	if !ok {
		return ""
	}
	return name
}

func (c *checker) indexed(path, prop, member, what, step string, names []string) {
	if name := index(prop, member); name != "" && !slices.Contains(names, name) {
		c.fault(path, ErrReference, "step %q has no %s %q", step, what, name)
	}
}

// metric checks that a training job with hyperparameters of XGBoost measures what a value wants of it.
func (c *checker) metric(path string, s *step, metric string) {
	part, name, ok := strings.Cut(metric, ":")
	if !ok || part != "train" && part != "validation" {
		return // of somebody's own container
	}
	if part == "validation" && !slices.Contains(named(s.arguments["InputDataConfig"], "ChannelName"), part) {
		c.fault(path, ErrReference, "step %q has no channel validation, so that it measures no %s", s.name, metric)
	}
	parameters, _ := s.arguments["HyperParameters"].(object)
	if list, ok := parameters["eval_metric"].(string); ok {
		names := strings.FieldsFunc(list, func(r rune) bool { return r == ',' || r == ' ' })
		if !slices.Contains(names, name) {
			c.fault(path, ErrReference, "step %q measures %s and not %s", s.name, strings.Join(names, ", "), name)
		}
	}
}

package awsfake

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// resolve replaces the expressions of a value. What is left is plain JSON.
func (x *execution) resolve(s *Server, v any) (any, error) {
	switch e := v.(type) {
	case doc:
		if isExpression(e) {
			return x.evaluate(s, e)
		}
		out := doc{}
		for k, m := range e {
			r, err := x.resolve(s, m)
			if err != nil {
				return nil, err
			}
			out[k] = r
		}
		return out, nil
	case []any:
		out := make([]any, len(e))
		for i, m := range e {
			r, err := x.resolve(s, m)
			if err != nil {
				return nil, err
			}
			out[i] = r
		}
		return out, nil
	}
	return v, nil
}

func (x *execution) evaluate(s *Server, e doc) (any, error) {
	if j := sub(e, "Std:Join"); j != nil {
		var parts []string
		for _, v := range list(j, "Values") {
			r, err := x.resolve(s, v)
			if err != nil {
				return nil, err
			}
			parts = append(parts, plainText(r))
		}
		return strings.Join(parts, str(j, "On")), nil
	}
	if j := sub(e, "Std:JsonGet"); j != nil {
		return x.jsonGet(s, j)
	}
	path, _ := e["Get"].(string)
	kind, rest, _ := strings.Cut(path, ".")
	switch kind {
	case "Parameters":
		return x.parameters[rest], nil
	case "Execution":
		switch rest {
		case "PipelineExecutionId":
			return x.id, nil
		case "StartDateTime":
			return x.created.Format(time.RFC3339), nil
		case "CurrentDateTime":
			return s.clock.now().Format(time.RFC3339), nil
		case "PipelineName":
			return x.pipeline.name, nil
		case "PipelineArn":
			return x.pipeline.arn, nil
		case "PipelineExecutionArn":
			return x.arn, nil
		}
		return x.current, nil // the name of the job that is being made
	}
	name, property, _ := strings.Cut(rest, ".")
	run := x.runs[name]
	if run == nil || run.properties == nil {
		return nil, fmt.Errorf("Get %s: step %s has not run", path, name)
	}
	return follow(run.properties(), property)
}

// keyedBy are lists whose elements have names.
var keyedBy = map[string]string{"FinalMetricDataList": "MetricName", "Outputs": "OutputName", "ProcessingInputs": "InputName", "InputDataConfig": "ChannelName"}

// follow follows a path such as FinalMetricDataList['validation:auc'].Value into a description.
func follow(d doc, property string) (any, error) {
	parts, err := splitProperty(property)
	if err != nil {
		return nil, err
	}
	var at any = d
	for _, p := range parts {
		m, ok := at.(doc)
		if !ok || m[p.name] == nil {
			return nil, fmt.Errorf("there is no %s in the step's job", property)
		}
		at = m[p.name]
		if !p.indexed {
			continue
		}
		switch l := at.(type) {
		case doc:
			at = l[p.index]
		case []any:
			at = nil
			if n, err := strconv.Atoi(p.index); err == nil && !p.quoted && n < len(l) {
				at = l[n]
			}
			for _, e := range l {
				if p.quoted && str(e.(doc), keyedBy[p.name]) == p.index {
					at = e
				}
			}
		}
		if at == nil {
			return nil, fmt.Errorf("there is no %s in the step's job", property)
		}
	}
	return at, nil
}

// jsonGet reads a value of a JSON file that a step wrote.
func (x *execution) jsonGet(s *Server, j doc) (any, error) {
	uri := ""
	if j["S3Uri"] != nil {
		r, err := x.resolve(s, j["S3Uri"])
		if err != nil {
			return nil, err
		}
		uri = plainText(r)
	} else {
		path := str(j, "PropertyFile", "Get") // Steps.Eval.PropertyFiles.Report
		parts := strings.Split(path, ".")
		if len(parts) != 4 {
			return nil, fmt.Errorf("property file %q", path)
		}
		st, run := x.definition.byName[parts[1]], x.runs[parts[1]]
		if st == nil || run == nil || run.properties == nil {
			return nil, fmt.Errorf("property file %q: step %s has not run", path, parts[1])
		}
		for _, f := range docs(st.raw, "PropertyFiles") {
			if str(f, "PropertyFileName") == parts[3] {
				base, err := follow(run.properties(), "ProcessingOutputConfig.Outputs['"+str(f, "OutputName")+"'].S3Output.S3Uri")
				if err != nil {
					return nil, err
				}
				uri = strings.TrimSuffix(plainText(base), "/") + "/" + str(f, "FilePath")
			}
		}
	}
	bucket, key, err := splitS3(uri)
	if err != nil {
		return nil, err
	}
	body, err := s.getObject(bucket, key)
	if err != nil {
		return nil, fmt.Errorf("Std:JsonGet: %s cannot be read", uri)
	}
	var at any
	if err := json.Unmarshal(body, &at); err != nil {
		return nil, fmt.Errorf("Std:JsonGet: %s: %w", uri, err)
	}
	for _, name := range strings.Split(str(j, "Path"), ".") {
		p := propertyPattern.FindStringSubmatch(name)
		if p == nil {
			return nil, fmt.Errorf("Std:JsonGet: path %q", str(j, "Path"))
		}
		m, ok := at.(doc)
		if !ok || m[p[1]] == nil {
			return nil, fmt.Errorf("Std:JsonGet: %s has no %s", uri, str(j, "Path"))
		}
		at = m[p[1]]
		if n, err := strconv.Atoi(p[4]); err == nil {
			l, _ := at.([]any)
			if n >= len(l) {
				return nil, fmt.Errorf("Std:JsonGet: %s has no %s", uri, str(j, "Path"))
			}
			at = l[n]
		}
	}
	return at, nil
}

func plainText(v any) string {
	switch n := v.(type) {
	case float64:
		return strconv.FormatFloat(n, 'f', -1, 64)
	case nil:
		return ""
	}
	return fmt.Sprint(v)
}

// holds evaluates a condition.
func (x *execution) holds(s *Server, c doc) (bool, error) {
	value := func(name string) (any, error) { return x.resolve(s, c[name]) }
	switch str(c, "Type") {
	case "Not":
		ok, err := x.holds(s, sub(c, "Condition"))
		return !ok, err
	case "Or":
		for _, o := range docs(c, "Conditions") {
			if ok, err := x.holds(s, o); ok || err != nil {
				return ok, err
			}
		}
		return false, nil
	case "In":
		q, err := value("QueryValue")
		if err != nil {
			return false, err
		}
		for _, v := range list(c, "Values") {
			r, err := x.resolve(s, v)
			if err != nil {
				return false, err
			}
			if plainText(r) == plainText(q) {
				return true, nil
			}
		}
		return false, nil
	}
	left, err := value("LeftValue")
	if err != nil {
		return false, err
	}
	right, err := value("RightValue")
	if err != nil {
		return false, err
	}
	l, okL := number(left)
	r, okR := number(right)
	if str(c, "Type") == "Equals" {
		if okL && okR {
			return l == r, nil
		}
		return plainText(left) == plainText(right), nil
	}
	if !okL || !okR {
		return false, fmt.Errorf("condition %s: %v and %v are not both numbers", str(c, "Type"), left, right)
	}
	switch str(c, "Type") {
	case "GreaterThan":
		return l > r, nil
	case "GreaterThanOrEqualTo":
		return l >= r, nil
	case "LessThan":
		return l < r, nil
	}
	return l <= r, nil
}

func number(v any) (float64, bool) {
	switch n := v.(type) {
	case float64:
		return n, true
	case int64:
		return float64(n), true
	}
	return 0, false
}

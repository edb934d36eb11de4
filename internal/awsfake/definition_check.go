package awsfake

import (
	"fmt"
	"slices"
	"strings"
)

// checkStep judges arguments, expressions and policies of a step, and adds the dependencies that references imply.
func (d *definition) checkStep(st *step, fault func(string, ...any)) {
	at := func(format string, args ...any) { fault("Step "+st.name+": "+format, args...) }
	for _, name := range st.depends {
		if d.byName[name] == nil {
			at("DependsOn %s: there is no such step", name)
		}
	}
	arguments := any(st.arguments)
	if st.kind == "Condition" {
		if len(docs(st.arguments, "Conditions")) == 0 {
			at("there are no conditions")
		}
		for _, c := range docs(st.arguments, "Conditions") {
			checkCondition(c, at)
		}
		arguments = st.arguments["Conditions"]
	}
	walkExpressions(arguments, func(e doc) { d.checkExpression(st, e, at) })
	kind := stepKinds[st.kind]
	if kind.request != "" {
		if st.arguments[kind.name] != nil {
			at("%s is given by the service, not by the definition", kind.name)
		}
		checkArguments(services()["sagemaker"], kind.request, st.arguments, "", at)
		for _, name := range services()["sagemaker"].Shapes[kind.request].Required {
			if name != kind.name && st.arguments[name] == nil {
				at("%s is missing", name)
			}
		}
	}
	if st.kind == "Fail" && st.arguments["ErrorMessage"] == nil {
		at("ErrorMessage is missing")
	}
	d.checkPolicies(st, at)
}

func (d *definition) checkPolicies(st *step, at func(string, ...any)) {
	for _, p := range docs(st.raw, "RetryPolicies") {
		if (p["MaxAttempts"] == nil) == (p["ExpireAfterMin"] == nil) {
			at("a retry policy has either MaxAttempts or ExpireAfterMin")
		}
		if len(strs(p, "ExceptionType")) == 0 {
			at("a retry policy has no ExceptionType")
		}
		for _, e := range strs(p, "ExceptionType") {
			if !slices.Contains([]string{"Step.SERVICE_FAULT", "Step.THROTTLING", "SageMaker.JOB_INTERNAL_ERROR", "SageMaker.CAPACITY_ERROR", "SageMaker.RESOURCE_LIMIT"}, e) {
				at("a retry policy has ExceptionType %s", e)
			}
		}
		if n := float(p, "MaxAttempts"); p["MaxAttempts"] != nil && (n < 1 || n > 20) {
			at("MaxAttempts %v is not in 1 to 20", n)
		}
	}
	if c := sub(st.raw, "CacheConfig"); c != nil {
		if _, ok := c["Enabled"].(bool); !ok {
			at("CacheConfig has no Enabled")
		}
		if e := str(c, "ExpireAfter"); e != "" && (!isoDuration.MatchString(e) || e == "P" || strings.HasSuffix(e, "T")) {
			at("ExpireAfter %q is no duration such as P30D", e)
		}
		if st.kind != "Training" && st.kind != "Processing" && st.kind != "Tuning" && st.kind != "Transform" && st.kind != "Lambda" {
			at("steps of type %s are not cached", st.kind)
		}
	}
	for _, f := range docs(st.raw, "PropertyFiles") {
		known := false
		for _, o := range docs(st.arguments, "ProcessingOutputConfig", "Outputs") {
			known = known || o["OutputName"] == f["OutputName"]
		}
		if !known || str(f, "FilePath") == "" || str(f, "PropertyFileName") == "" {
			at("property file %s: no output %s, or no path", str(f, "PropertyFileName"), str(f, "OutputName"))
		}
	}
}

var conditionMembers = map[string][]string{
	"Equals": {"LeftValue", "RightValue"}, "GreaterThan": {"LeftValue", "RightValue"}, "GreaterThanOrEqualTo": {"LeftValue", "RightValue"},
	"LessThan": {"LeftValue", "RightValue"}, "LessThanOrEqualTo": {"LeftValue", "RightValue"}, "In": {"QueryValue", "Values"}, "Not": {"Condition"}, "Or": {"Conditions"},
}

func checkCondition(c doc, at func(string, ...any)) {
	members, ok := conditionMembers[str(c, "Type")]
	if !ok {
		at("condition of type %q", str(c, "Type"))
		return
	}
	for _, m := range members {
		if c[m] == nil {
			at("condition %s: %s is missing", str(c, "Type"), m)
		}
	}
	for k := range c {
		if k != "Type" && !slices.Contains(members, k) {
			at("condition %s: unknown member %s", str(c, "Type"), k)
		}
	}
	if n := sub(c, "Condition"); n != nil {
		checkCondition(n, at)
	}
	for _, o := range docs(c, "Conditions") {
		checkCondition(o, at)
	}
}

// isExpression tells an object that stands for a value.
func isExpression(d doc) bool {
	return len(d) == 1 && (d["Get"] != nil || d["Std:Join"] != nil || d["Std:JsonGet"] != nil)
}

func walkExpressions(v any, visit func(doc)) {
	switch x := v.(type) {
	case doc:
		if isExpression(x) {
			visit(x)
		}
		for _, e := range x {
			walkExpressions(e, visit)
		}
	case []any:
		for _, e := range x {
			walkExpressions(e, visit)
		}
	}
}

var executionVariables = strings.Fields("PipelineExecutionId StartDateTime CurrentDateTime PipelineName PipelineArn PipelineExecutionArn TrainingJobName ProcessingJobName")

func (d *definition) checkExpression(st *step, e doc, at func(string, ...any)) {
	if j := sub(e, "Std:Join"); j != nil {
		if _, ok := j["On"].(string); !ok || list(j, "Values") == nil {
			at("Std:Join has no On or no Values")
		}
	}
	if j := sub(e, "Std:JsonGet"); j != nil {
		if (j["PropertyFile"] == nil) == (j["S3Uri"] == nil) || str(j, "Path") == "" {
			at("Std:JsonGet has one of PropertyFile and S3Uri, and a Path")
		}
	}
	path, ok := e["Get"].(string)
	if !ok {
		return
	}
	kind, rest, _ := strings.Cut(path, ".")
	switch kind {
	case "Parameters":
		for _, p := range d.parameters {
			if str(p, "Name") == rest {
				return
			}
		}
		at("Get %s: there is no such parameter", path)
	case "Execution":
		if !slices.Contains(executionVariables, rest) {
			at("Get %s: there is no such variable", path)
		}
	case "Steps":
		name, property, _ := strings.Cut(rest, ".")
		other := d.byName[name]
		if other == nil {
			at("Get %s: there is no such step", path)
			return
		}
		if other == st {
			at("Get %s: a step has no properties of its own yet", path)
		}
		st.depends = append(st.depends, name)
		if err := checkProperty(other, property); err != nil {
			at("Get %s: %v", path, err)
		}
	default:
		at("Get %s: want Parameters, Execution or Steps", path)
	}
}

// checkArguments holds a step's arguments against the request they become, as far as no expression stands in the way.
func checkArguments(sm *service, shapeName string, v any, path string, at func(string, ...any)) {
	sh := sm.Shapes[shapeName]
	if sh == nil || v == nil {
		return
	}
	switch x := v.(type) {
	case doc:
		if isExpression(x) {
			return
		}
		switch sh.Type {
		case "structure":
			for _, k := range sortedKeys(x) {
				m, ok := sh.Members[k]
				if !ok {
					at("unknown member %s", join(path, k))
					continue
				}
				checkArguments(sm, m.Shape, x[k], join(path, k), at)
			}
			for _, name := range sh.Required {
				if path != "" && x[name] == nil {
					at("%s is missing", join(path, name))
				}
			}
		case "map":
			for _, k := range sortedKeys(x) {
				checkArguments(sm, sh.Value.Shape, x[k], path+"."+k, at)
			}
		default:
			at("%s: want %s, got an object", path, sh.Type)
		}
	case []any:
		if sh.Type != "list" {
			at("%s: want %s, got a list", path, sh.Type)
			return
		}
		for i, e := range x {
			checkArguments(sm, sh.Of.Shape, e, fmt.Sprintf("%s.%d", path, i+1), at)
		}
	default:
		value, err := sm.fromJSON(shapeName, path, v)
		if err != nil {
			at("%v", err)
			return
		}
		for _, f := range sm.validate(shapeName, value, path) {
			at("%s", f)
		}
	}
}

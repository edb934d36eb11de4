package awsfake

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"threatdetect/internal/lazyregexp"
)

// definition is a pipeline's definition: https schema 2020-12-01, read by its own rules.
type definition struct {
	parameters []doc
	steps      []*step
	byName     map[string]*step
}

// step is one of a definition. Those below a condition are only reached through it.
type step struct {
	name, kind string
	raw        doc
	arguments  doc
	depends    []string
	inside     string // condition step that holds it
	branch     bool   // of IfSteps
	children   []*step
}

// stepKinds are the kinds that run here: what their arguments are a request of, and what their properties are.
var stepKinds = map[string]struct{ request, name, answer string }{
	"Training":      {"CreateTrainingJobRequest", "TrainingJobName", "DescribeTrainingJobResponse"},
	"Processing":    {"CreateProcessingJobRequest", "ProcessingJobName", "DescribeProcessingJobResponse"},
	"Transform":     {"CreateTransformJobRequest", "TransformJobName", "DescribeTransformJobResponse"},
	"Tuning":        {"CreateHyperParameterTuningJobRequest", "HyperParameterTuningJobName", "DescribeHyperParameterTuningJobResponse"},
	"Model":         {"CreateModelInput", "ModelName", "DescribeModelOutput"},
	"RegisterModel": {"CreateModelPackageInput", "ModelPackageName", "DescribeModelPackageOutput"},
	"Condition":     {},
	"Fail":          {},
	"Lambda":        {},
}

var (
	stepName      = lazyregexp.New(`^[A-Za-z0-9](-*[A-Za-z0-9]){0,63}$`)
	parameterName = lazyregexp.New(`^[A-Za-z0-9](-*[A-Za-z0-9_]){0,255}$`)
	isoDuration   = lazyregexp.New(`^P(?:(\d+)Y)?(?:(\d+)M)?(?:(\d+)W)?(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?)?$`)
)

// parseDefinition reads and judges a definition. All faults come back in one error.
func parseDefinition(text string) (*definition, *apiError) {
	var faults []string
	fault := func(format string, args ...any) { faults = append(faults, fmt.Sprintf(format, args...)) }
	failed := func() *apiError {
		return invalid("Unable to parse pipeline definition. %s", strings.Join(faults, "; "))
	}
	if len(text) > 1<<20 {
		fault("The definition has %d bytes, at most 1048576 are allowed", len(text))
		return nil, failed()
	}
	var raw doc
	if err := json.Unmarshal([]byte(text), &raw); err != nil {
		fault("It is no JSON: %v", err)
		return nil, failed()
	}
	for k := range raw {
		if !slices.Contains([]string{"Version", "Metadata", "Parameters", "PipelineExperimentConfig", "MlflowConfig", "Steps"}, k) {
			fault("Unknown member %s", k)
		}
	}
	if str(raw, "Version") != "2020-12-01" {
		fault("Version %q: want 2020-12-01", str(raw, "Version"))
	}
	d := &definition{parameters: docs(raw, "Parameters"), byName: map[string]*step{}}
	d.checkParameters(fault)
	if len(list(raw, "Steps")) == 0 {
		fault("There are no steps")
	}
	d.steps = d.readSteps(docs(raw, "Steps"), "", false, fault)
	for _, name := range sortedKeys(d.byName) {
		d.checkStep(d.byName[name], fault)
	}
	if cycle := d.cycle(); cycle != "" {
		fault("Steps depend on each other in a circle: %s", cycle)
	}
	if len(faults) > 0 {
		return nil, failed()
	}
	return d, nil
}

func (d *definition) checkParameters(fault func(string, ...any)) {
	seen := map[string]bool{}
	for _, p := range d.parameters {
		name := str(p, "Name")
		if !parameterName.MatchString(name) || seen[name] {
			fault("Parameter name %q is not allowed or there twice", name)
		}
		seen[name] = true
		if !slices.Contains([]string{"String", "Integer", "Float", "Boolean"}, str(p, "Type")) {
			fault("Parameter %s: type %q", name, str(p, "Type"))
			continue
		}
		for _, v := range append(list(p, "EnumValues"), p["DefaultValue"]) {
			if v != nil && !typed(str(p, "Type"), v) {
				fault("Parameter %s: %v is no %s", name, v, str(p, "Type"))
			}
		}
		if enum := list(p, "EnumValues"); p["DefaultValue"] != nil && enum != nil && !slices.Contains(enum, p["DefaultValue"]) {
			fault("Parameter %s: the default %v is none of its values", name, p["DefaultValue"])
		}
	}
}

func typed(kind string, v any) bool {
	switch x := v.(type) {
	case string:
		return kind == "String"
	case bool:
		return kind == "Boolean"
	case float64:
		return kind == "Float" || kind == "Integer" && x == math.Trunc(x)
	}
	return false
}

func (d *definition) readSteps(raw []doc, inside string, branch bool, fault func(string, ...any)) (out []*step) {
	for _, r := range raw {
		st := &step{name: str(r, "Name"), kind: str(r, "Type"), raw: r, arguments: sub(r, "Arguments"), depends: strs(r, "DependsOn"), inside: inside, branch: branch}
		if !stepName.MatchString(st.name) {
			fault("Step name %q is not allowed", st.name)
		}
		if d.byName[st.name] != nil {
			fault("Step %s is there twice", st.name)
			continue
		}
		if _, ok := stepKinds[st.kind]; !ok {
			fault("Step %s: awsfake does not run steps of type %q", st.name, st.kind)
			continue
		}
		for k := range r {
			if !slices.Contains([]string{"Name", "Type", "Arguments", "DependsOn", "DisplayName", "Description", "CacheConfig", "RetryPolicies", "PropertyFiles", "FunctionArn", "OutputParameters"}, k) {
				fault("Step %s: unknown member %s", st.name, k)
			}
		}
		d.byName[st.name] = st
		if inside != "" {
			st.depends = append(st.depends, inside)
		}
		if st.kind == "Condition" {
			st.children = append(d.readSteps(docs(st.arguments, "IfSteps"), st.name, true, fault), d.readSteps(docs(st.arguments, "ElseSteps"), st.name, false, fault)...)
		}
		out = append(out, st)
	}
	return out
}

// cycle finds steps that wait for each other.
func (d *definition) cycle() string {
	state := map[string]int{}
	var visit func(name string) string
	visit = func(name string) string {
		st := d.byName[name]
		if st == nil || state[name] == 2 {
			return ""
		}
		if state[name] == 1 {
			return name
		}
		state[name] = 1
		for _, dep := range st.depends {
			if c := visit(dep); c != "" {
				return c + " <- " + name
			}
		}
		state[name] = 2
		return ""
	}
	for _, name := range sortedKeys(d.byName) {
		if c := visit(name); c != "" {
			return c
		}
	}
	return ""
}

func parseISO(text string) time.Duration {
	m := isoDuration.FindStringSubmatch(text)
	if m == nil {
		return 0
	}
	var total time.Duration
	for i, unit := range []time.Duration{365 * 24 * time.Hour, 30 * 24 * time.Hour, 7 * 24 * time.Hour, 24 * time.Hour, time.Hour, time.Minute, time.Second} {
		var n int
		fmt.Sscan(m[i+1], &n)
		total += time.Duration(n) * unit
	}
	return total
}

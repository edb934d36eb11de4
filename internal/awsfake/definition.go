package awsfake

import (
	"encoding/json"
	"fmt"
	"math"
	"regexp"
	"slices"
	"strings"
	"time"
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
	stepName      = regexp.MustCompile(`^[A-Za-z0-9](-*[A-Za-z0-9]){0,63}$`)
	parameterName = regexp.MustCompile(`^[A-Za-z0-9](-*[A-Za-z0-9_]){0,255}$`)
	isoDuration   = regexp.MustCompile(`^P(?:(\d+)Y)?(?:(\d+)M)?(?:(\d+)W)?(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?)?$`)
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

// checkProperty follows a path into what the description of a step's job has.
func checkProperty(st *step, property string) error {
	parts, err := splitProperty(property)
	if err != nil {
		return err
	}
	if len(parts) == 2 && parts[0].name == "PropertyFiles" {
		for _, f := range docs(st.raw, "PropertyFiles") {
			if str(f, "PropertyFileName") == parts[1].name {
				return nil
			}
		}
		return fmt.Errorf("step %s has no property file %s", st.name, parts[1].name)
	}
	if st.kind == "Lambda" && len(parts) == 2 && parts[0].name == "OutputParameters" || st.kind == "Condition" && len(parts) == 1 && parts[0].name == "Outcome" {
		return nil
	}
	sm := services()["sagemaker"]
	at := stepKinds[st.kind].answer
	for _, p := range parts {
		sh := sm.Shapes[at]
		if sh == nil {
			return fmt.Errorf("steps of type %s have no properties", st.kind)
		}
		switch sh.Type {
		case "structure":
			m, ok := sh.Members[p.name]
			if !ok {
				return fmt.Errorf("%s has no %s", at, p.name)
			}
			at = m.Shape
		case "map":
			at = sh.Value.Shape
		default:
			return fmt.Errorf("%s has no members", at)
		}
		if p.indexed {
			sh = sm.Shapes[at]
			switch sh.Type {
			case "list":
				at = sh.Of.Shape
			case "map":
				at = sh.Value.Shape
			default:
				return fmt.Errorf("%s is no list", p.name)
			}
		}
	}
	return nil
}

type propertyPart struct {
	name    string
	indexed bool
	index   string // a name in quotes, or a number
	quoted  bool
}

var propertyPattern = regexp.MustCompile(`^([A-Za-z0-9_]+)(?:\[(?:'([^']*)'|"([^"]*)"|(\d+))\])?$`)

// splitProperty takes FinalMetricDataList['validation:auc'].Value apart.
func splitProperty(path string) ([]propertyPart, error) {
	var out []propertyPart
	depth, from := 0, 0
	for i := 0; i <= len(path); i++ {
		if i < len(path) && path[i] == '[' {
			depth++
		}
		if i < len(path) && path[i] == ']' {
			depth--
		}
		if i < len(path) && (path[i] != '.' || depth > 0) {
			continue
		}
		m := propertyPattern.FindStringSubmatch(path[from:i])
		if m == nil {
			return nil, fmt.Errorf("%q", path[from:i])
		}
		p := propertyPart{name: m[1], index: m[2] + m[3] + m[4], quoted: m[4] == ""}
		p.indexed = strings.Contains(path[from:i], "[")
		out = append(out, p)
		from = i + 1
	}
	return out, nil
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

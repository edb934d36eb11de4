package pipeline

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"threatdetect/internal/lazyregexp"
)

// kinds are the types of steps: what their arguments have to have and must not have, and the properties that later steps can refer
// to, which are the members of what the Describe call of the service answers. Without properties any path is believed.
var kinds = map[string]struct{ wanted, not, properties string }{
	"Training": {"RoleArn AlgorithmSpecification OutputDataConfig ResourceConfig StoppingCondition", "TrainingJobName ExperimentConfig",
		"TrainingJobName TrainingJobArn TuningJobArn ModelArtifacts TrainingJobStatus SecondaryStatus FailureReason HyperParameters AlgorithmSpecification RoleArn " +
			"InputDataConfig OutputDataConfig ResourceConfig WarmPoolStatus VpcConfig StoppingCondition CreationTime TrainingStartTime TrainingEndTime LastModifiedTime " +
			"SecondaryStatusTransitions FinalMetricDataList EnableNetworkIsolation EnableInterContainerTrafficEncryption EnableManagedSpotTraining CheckpointConfig " +
			"TrainingTimeInSeconds BillableTimeInSeconds DebugHookConfig DebugRuleConfigurations TensorBoardOutputConfig ProfilerConfig Environment RetryStrategy"},
	"Processing": {"RoleArn AppSpecification ProcessingResources", "ProcessingJobName ExperimentConfig",
		"ProcessingInputs ProcessingOutputConfig ProcessingJobName ProcessingResources StoppingCondition AppSpecification Environment NetworkConfig RoleArn " +
			"ProcessingJobArn ProcessingJobStatus ExitMessage FailureReason ProcessingEndTime ProcessingStartTime LastModifiedTime CreationTime PropertyFiles"},
	"Transform": {"ModelName TransformInput TransformOutput TransformResources", "TransformJobName ExperimentConfig",
		"TransformJobName TransformJobArn TransformJobStatus FailureReason ModelName MaxConcurrentTransforms ModelClientConfig MaxPayloadInMB BatchStrategy Environment " +
			"TransformInput TransformOutput DataCaptureConfig TransformResources CreationTime TransformStartTime TransformEndTime DataProcessing"},
	"Tuning": {"HyperParameterTuningJobConfig", "HyperParameterTuningJobName",
		"HyperParameterTuningJobName HyperParameterTuningJobArn HyperParameterTuningJobConfig TrainingJobDefinition TrainingJobDefinitions HyperParameterTuningJobStatus CreationTime " +
			"HyperParameterTuningEndTime LastModifiedTime TrainingJobStatusCounters ObjectiveStatusCounters BestTrainingJob OverallBestTrainingJob WarmStartConfig FailureReason TrainingJobSummaries"},
	"Model": {"ExecutionRoleArn", "ModelName",
		"ModelName PrimaryContainer Containers InferenceExecutionConfig ExecutionRoleArn VpcConfig CreationTime ModelArn EnableNetworkIsolation"},
	"RegisterModel": {"ModelPackageGroupName InferenceSpecification", "ModelPackageName CertifyForMarketplace ModelPackageDescription",
		"ModelPackageName ModelPackageGroupName ModelPackageVersion ModelPackageArn CreationTime InferenceSpecification ModelPackageStatus ModelApprovalStatus " +
			"CustomerMetadataProperties ModelMetrics"},
	"Condition": {"Conditions IfSteps ElseSteps", "", "Outcome"},
	"Fail":      {"ErrorMessage", "", "-"},
	"Lambda":    {}, "Callback": {}, "AutoML": {}, "EMR": {}, "EMRServerless": {}, "QualityCheck": {}, "ClarifyCheck": {},
}

const stepMembers = "Name Type DisplayName Description Arguments DependsOn CacheConfig RetryPolicies PropertyFiles " +
	"FunctionArn SqsQueueUrl OutputParameters ClusterConfig ClusterId ExecutionRole ApplicationId ExecutionConfig " +
	"CheckType FailOnViolation ModelPackageGroupName SkipCheck RegisterNewBaseline SuppliedBaselineStatistics SuppliedBaselineConstraints"

func (c *checker) step(s *step) {
	kind, known := kinds[s.kind]
	if !known {
		c.fault(s.path+".Type", ErrSyntax, "%v: want %s", show(s.raw["Type"]), "Training, Processing, Transform, Tuning, Model, RegisterModel, Condition, Fail, Lambda, Callback, AutoML, EMR, EMRServerless, QualityCheck or ClarifyCheck")
		return
	}
	c.members(s.path, s.raw, "Name Type", stepMembers)
	arguments := s.path + ".Arguments"
	if kind.wanted != "" {
		c.members(arguments, s.arguments, kind.wanted, "")
	}
	for _, name := range strings.Fields(kind.not) {
		if _, ok := s.arguments[name]; ok {
			c.fault(join(arguments, name), ErrSyntax, "the service chooses it: leave it out")
		}
	}
	c.dependsOn(s)
	c.cache(s)
	c.retries(s)
	c.propertyFiles(s)
	for _, name := range sorted(s.arguments) {
		if s.kind == "Condition" && name != "Conditions" {
			continue // its steps come by themselves
		}
		c.values(s, join(arguments, name), s.arguments[name])
	}
	switch s.kind {
	case "Condition":
		c.tests(s, arguments+".Conditions", s.arguments["Conditions"])
		c.members(arguments, s.arguments, "", "Conditions IfSteps ElseSteps")
	case "Fail":
		c.members(arguments, s.arguments, "", "ErrorMessage")
		if m, ok := s.arguments["ErrorMessage"].(string); ok && (m == "" || len(m) > 3072) {
			c.fault(arguments+".ErrorMessage", ErrLimit, "%d bytes: want 1 to 3072", len(m))
		}
	case "Training":
		c.training(s, arguments)
	case "Processing":
		c.processing(s, arguments)
	}
	c.loop(s, arguments, s.arguments, "")
}

func (c *checker) dependsOn(s *step) {
	path := s.path + ".DependsOn"
	for i, v := range c.list(path, s.raw["DependsOn"]) {
		at := fmt.Sprintf("%s[%d]", path, i)
		if name, ok := v.(string); !ok {
			c.fault(at, ErrSyntax, "want the name of a step")
		} else {
			c.need(s, at, name)
		}
	}
}

// need notes that s waits for another step, and returns it.
func (c *checker) need(s *step, path, name string) *step {
	other := c.steps[name]
	switch {
	case other == nil:
		c.fault(path, ErrReference, "there is no step %q", name)
		return nil
	case exclusive(s, other):
		c.fault(path, ErrReference, "step %q is in the other branch of the same condition: it never ran before this one", name)
		return nil
	}
	if !slices.Contains(s.needs, name) {
		s.needs = append(s.needs, name)
	}
	return other
}

// exclusive tells whether two steps are in different branches of one condition.
func exclusive(a, b *step) bool {
	for x := a; x.parent != nil; x = x.parent {
		for y := b; y.parent != nil; y = y.parent {
			if x.parent == y.parent {
				return strings.Contains(strings.TrimPrefix(x.path, x.parent.path), ".IfSteps[") != strings.Contains(strings.TrimPrefix(y.path, y.parent.path), ".IfSteps[")
			}
		}
	}
	return false
}

var duration = lazyregexp.New(`^P(\d+Y)?(\d+M)?(\d+W)?(\d+D)?(T(\d+H)?(\d+M)?(\d+S)?)?$`)

func (c *checker) cache(s *step) {
	v, ok := s.raw["CacheConfig"]
	if !ok {
		return
	}
	path := s.path + ".CacheConfig"
	o, ok := v.(object)
	if !ok {
		c.fault(path, ErrSyntax, "want an object")
		return
	}
	c.members(path, o, "Enabled", "Enabled ExpireAfter")
	if _, ok := o["Enabled"].(bool); !ok && o["Enabled"] != nil {
		c.fault(path+".Enabled", ErrSyntax, "%v: want true or false", show(o["Enabled"]))
	}
	if after, ok := o["ExpireAfter"]; ok {
		text, _ := after.(string)
		if !duration.MatchString(text) || strings.HasSuffix(text, "T") || text == "P" {
			c.fault(path+".ExpireAfter", ErrSyntax, "%v: want a duration such as P30D or PT6H", show(after))
		}
	}
	if slices.Contains([]string{"Condition", "Fail", "Model", "RegisterModel", "Callback"}, s.kind) {
		c.fault(path, ErrSyntax, "a step of type %s is never taken from the cache", s.kind)
	}
}

var exceptions = []string{ServiceFault, Throttling, JobInternal, CapacityError, ResourceLimit}

func (c *checker) retries(s *step) {
	path := s.path + ".RetryPolicies"
	for i, v := range c.list(path, s.raw["RetryPolicies"]) {
		at := fmt.Sprintf("%s[%d]", path, i)
		o, ok := v.(object)
		if !ok {
			c.fault(at, ErrSyntax, "want an object")
			continue
		}
		c.members(at, o, "ExceptionType", "ExceptionType IntervalSeconds BackoffRate MaxAttempts ExpireAfterMin")
		for j, e := range c.list(at+".ExceptionType", o["ExceptionType"]) {
			if name, _ := e.(string); !slices.Contains(exceptions, name) {
				c.fault(fmt.Sprintf("%s.ExceptionType[%d]", at, j), ErrSyntax, "%v: want %s", show(e), strings.Join(exceptions, ", "))
			} else if strings.HasPrefix(name, "SageMaker.") && !slices.Contains([]string{"Training", "Processing", "Transform", "Tuning"}, s.kind) {
				c.fault(fmt.Sprintf("%s.ExceptionType[%d]", at, j), ErrSyntax, "%s is a failure of jobs, and a step of type %s has none", name, s.kind)
			}
		}
		_, attempts := o["MaxAttempts"]
		_, expire := o["ExpireAfterMin"]
		if attempts == expire {
			c.fault(at, ErrSyntax, "want MaxAttempts or ExpireAfterMin, exactly one of them")
		}
		c.number(at, o, "IntervalSeconds", 1, 1<<31)
		c.number(at, o, "BackoffRate", 1, 1<<31)
		c.number(at, o, "MaxAttempts", 1, 20)
		c.number(at, o, "ExpireAfterMin", 1, 14400)
	}
}

// number checks the range of a member, if it is there.
func (c *checker) number(path string, o object, name string, least, most float64) {
	v, ok := o[name]
	if !ok {
		return
	}
	n, _ := v.(json.Number)
	if f, err := n.Float64(); err != nil || f < least || f > most {
		c.fault(join(path, name), ErrLimit, "%v: want a number from %v to %v", show(v), least, most)
	}
}

func (c *checker) propertyFiles(s *step) {
	path := s.path + ".PropertyFiles"
	v, ok := s.raw["PropertyFiles"]
	if ok && s.kind != "Processing" {
		c.fault(path, ErrSyntax, "only a step of type Processing has property files")
		return
	}
	var names []string
	for i, v := range c.list(path, v) {
		at := fmt.Sprintf("%s[%d]", path, i)
		o, ok := v.(object)
		if !ok {
			c.fault(at, ErrSyntax, "want an object")
			continue
		}
		c.members(at, o, "PropertyFileName OutputName FilePath", "PropertyFileName OutputName FilePath")
		name, _ := o["PropertyFileName"].(string)
		if slices.Contains(names, name) {
			c.fault(at+".PropertyFileName", ErrName, "%q is used twice", name)
		}
		names = append(names, name)
		if output, ok := o["OutputName"].(string); ok && !slices.Contains(s.outputs(), output) {
			c.fault(at+".OutputName", ErrReference, "the step has no output %q", output)
		}
	}
}

// named lists the names of the objects in a list.
func named(v any, member string) []string {
	var names []string
	list, _ := v.([]any)
	for _, one := range list {
		o, _ := one.(object)
		if name, ok := o[member].(string); ok {
			names = append(names, name)
		}
	}
	return names
}

func (s *step) outputs() []string {
	config, _ := s.arguments["ProcessingOutputConfig"].(object)
	return named(config["Outputs"], "OutputName")
}

func (s *step) files() []string { return named(s.raw["PropertyFiles"], "PropertyFileName") }

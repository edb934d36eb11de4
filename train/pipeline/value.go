package pipeline

import (
	"encoding/json"
	"fmt"
)

// Value stands where a request of a job has a value: [Text], [Int], [Number] or [Flag], or an expression, which is a [*Parameter], what
// [Get], [Join] and the methods of [Step] return, or a variable of the run such as [ExecutionID].
type Value interface{ isValue() }

// Plain values.
type (
	Text   string
	Int    int64
	Number float64
	Flag   bool
)

// expression is a value that the service works out.
type expression struct {
	key string // Get, Std:Join, Std:JsonGet
	of  any
}

func (Text) isValue()       {}
func (Int) isValue()        {}
func (Number) isValue()     {}
func (Flag) isValue()       {}
func (expression) isValue() {}
func (*Parameter) isValue() {}

// MarshalJSON writes the expression as an object of one member.
func (e expression) MarshalJSON() ([]byte, error) { return json.Marshal(map[string]any{e.key: e.of}) }

// Get is the value at a path, such as Steps.Train.TrainingJobName; the methods of [Step] make those that are wanted often.
func Get(path string) Value { return expression{"Get", path} }

// What a run knows of itself. ExecutionID is made of letters and digits, so that it can be part of a key.
var (
	ExecutionID   = Get("Execution.PipelineExecutionId")
	ExecutionARN  = Get("Execution.PipelineExecutionArn")
	StartDateTime = Get("Execution.StartDateTime")
	PipelineName  = Get("Execution.PipelineName")
)

// Join is the text of all values with on between them.
func Join(on string, values ...Value) Value {
	return expression{"Std:Join", struct {
		On     string
		Values []Value
	}{on, values}}
}

// Get is a property of the step: a member of what the service's Describe call answers for its job.
func (s *Step) Get(property string) Value { return Get("Steps." + s.Name + "." + property) }

// Artifact is where a training step puts its model.
func (s *Step) Artifact() Value { return s.Get("ModelArtifacts.S3ModelArtifacts") }

// Metric is the last value of a metric of a training step, such as validation:auc.
func (s *Step) Metric(name string) Value {
	return s.Get(fmt.Sprintf("FinalMetricDataList['%s'].Value", name))
}

// Output is where a processing step puts the output of this name.
func (s *Step) Output(name string) Value {
	return s.Get(fmt.Sprintf("ProcessingOutputConfig.Outputs['%s'].S3Output.S3Uri", name))
}

// JSON is a value inside a property file of a processing step. path is that of a member: metrics.auc.value.
func (s *Step) JSON(file, path string) Value {
	return expression{"Std:JsonGet", struct {
		PropertyFile Value
		Path         string
	}{s.Get("PropertyFiles." + file), path}}
}

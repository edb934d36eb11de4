// Package pipeline builds definitions of SageMaker Pipelines as typed Go values, and finds what is wrong with them before the service does.
//
//	auc := &pipeline.Parameter{Name: "MinAUC", Type: pipeline.Float, Default: 0.95}
//	train := &pipeline.Step{Name: "Train", Arguments: &pipeline.Training{...}}
//	gate := &pipeline.Step{Name: "Gate", Arguments: &pipeline.Condition{
//		Conditions: []pipeline.Test{pipeline.AtLeast(train.Metric("validation:auc"), auc)}, ...}}
//	d := &pipeline.Definition{Parameters: []*pipeline.Parameter{auc}, Steps: []*pipeline.Step{train, gate}}
//	text, err := d.JSON()
//
// A [Value] is text, a number, or an expression that the service works out when the pipeline runs: a parameter, something of the run,
// a property of an earlier step. [Definition.Validate] finds unknown steps and properties, names used twice, cycles, parameters that
// nobody sets, outputs that would set off the pipeline again, and what is over the limits of the service: all faults at once, each with
// its place. [Check] does the same to a definition in JSON, whoever wrote it.
//
// The form is that of schema version 2020-12-01. The package knows no AWS client and contacts nobody. Definitions have one owner while they are built;
// JSON, Validate and Check change nothing and may be called by any number of goroutines.
package pipeline

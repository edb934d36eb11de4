package pipeline_test

import (
	"errors"
	"fmt"
	"log"

	"threatdetect/train/pipeline"
)

// A run that fails unless a job's metric is good enough.
func ExampleDefinition() {
	least := &pipeline.Parameter{Name: "MinAUC", Type: pipeline.Float, Default: 0.95}
	train := &pipeline.Step{Name: "Train", Arguments: &pipeline.Training{
		RoleArn:                pipeline.Text("arn:aws:iam::111122223333:role/td-training"),
		AlgorithmSpecification: pipeline.Algorithm{TrainingImage: pipeline.Text("683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:1.7-1"), TrainingInputMode: "File"},
		HyperParameters:        map[string]pipeline.Value{"num_round": pipeline.Text("100"), "eval_metric": pipeline.Text("auc")},
		OutputDataConfig:       pipeline.OutputData{S3OutputPath: pipeline.Text("s3://td-bucket/models/")},
		ResourceConfig:         pipeline.Resources{InstanceCount: pipeline.Int(1), InstanceType: pipeline.Text("ml.m5.large"), VolumeSizeInGB: 10},
		StoppingCondition:      pipeline.Stopping{MaxRuntimeInSeconds: 3600},
	}}
	gate := &pipeline.Step{Name: "Gate", Arguments: &pipeline.Condition{
		Conditions: []pipeline.Test{pipeline.AtLeast(train.Metric("validation:auc"), least)},
		ElseSteps:  []*pipeline.Step{{Name: "TooWeak", Arguments: &pipeline.Fail{ErrorMessage: pipeline.Join(" ", pipeline.Text("AUC below"), least)}}},
	}}
	d := &pipeline.Definition{Parameters: []*pipeline.Parameter{least}, Steps: []*pipeline.Step{train, gate}}
	err := d.Validate(nil)
	fmt.Println(errors.Is(err, pipeline.ErrReference), err)

	channel := func(name string) pipeline.Channel {
		return pipeline.Channel{ChannelName: name, ContentType: "text/csv", DataSource: pipeline.DataSource{S3DataSource: pipeline.S3DataSource{
			S3DataType: "S3Prefix", S3DataDistributionType: "FullyReplicated", S3Uri: pipeline.Text("s3://td-bucket/runs/1/" + name + "/")}}}
	}
	train.Arguments.(*pipeline.Training).InputDataConfig = []pipeline.Channel{channel("train"), channel("validation")}
	if err := d.Validate(nil); err != nil {
		log.Fatal(err)
	}
	text, err := d.JSON()
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(len(text) < pipeline.InlineLimit)
	// Output:
	// true Steps[1].Arguments.Conditions[0].LeftValue: step "Train" has no channel validation, so that it measures no validation:auc
	// true
}

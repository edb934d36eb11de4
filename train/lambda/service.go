package main

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"time"

	"github.com/aws/aws-lambda-go/lambdacontext"
	"github.com/aws/aws-sdk-go-v2/aws"
	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker/types"
	"github.com/aws/aws-sdk-go-v2/service/scheduler"
	schedulertypes "github.com/aws/aws-sdk-go-v2/service/scheduler/types"

	"threatdetect/train/trigger"
)

// service is SageMaker and the scheduler, as a trigger.Handler asks them.
type service struct {
	sagemaker *sagemaker.Client
	scheduler *scheduler.Client
	pipeline  string
	deferred  string // name of the schedule that delivers an event again
	role      string // of the scheduler: it may call this function
	queue     string // ARN of the queue for what cannot be delivered
}

// Latest lists a few runs: the newest begins last, and no two are active for long. The time is SageMaker's, as that of the runs is.
func (s *service) Latest(ctx context.Context) (runs []trigger.Run, now time.Time, err error) {
	out, err := s.sagemaker.ListPipelineExecutions(ctx, &sagemaker.ListPipelineExecutionsInput{PipelineName: &s.pipeline,
		SortBy: types.SortPipelineExecutionsByCreationTime, SortOrder: types.SortOrderDescending, MaxResults: aws.Int32(10)})
	if err != nil {
		return nil, now, err
	}
	for _, e := range out.PipelineExecutionSummaries {
		active := e.PipelineExecutionStatus == types.PipelineExecutionStatusExecuting || e.PipelineExecutionStatus == types.PipelineExecutionStatusStopping
		runs = append(runs, trigger.Run{ARN: aws.ToString(e.PipelineExecutionArn), Active: active, Started: aws.ToTime(e.StartTime)})
	}
	now, ok := awsmiddleware.GetServerTime(out.ResultMetadata)
	if !ok {
		now = time.Now()
	}
	return runs, now, nil
}

func (s *service) Start(ctx context.Context, token string, parameters map[string]string) (string, error) {
	in := &sagemaker.StartPipelineExecutionInput{PipelineName: &s.pipeline, ClientRequestToken: &token, PipelineExecutionDisplayName: aws.String("trigger-" + token[:12])}
	for _, name := range slices.Sorted(maps.Keys(parameters)) {
		in.PipelineParameters = append(in.PipelineParameters, types.Parameter{Name: aws.String(name), Value: aws.String(parameters[name])})
	}
	out, err := s.sagemaker.StartPipelineExecution(ctx, in)
	if err != nil {
		return "", err
	}
	return aws.ToString(out.PipelineExecutionArn), nil
}

// Defer makes a schedule of one time that calls this function with the event, and disappears. One that waits already is moved: a run reads all data that is complete when it
// begins, so that the last event stands for all.
func (s *service) Defer(ctx context.Context, at time.Time, event json.RawMessage) error {
	function, ok := lambdacontext.FromContext(ctx)
	if !ok {
		return errors.New("called without Lambda's context: the function does not know its own name")
	}
	expression := aws.String("at(" + at.UTC().Format("2006-01-02T15:04:05") + ")")
	window := &schedulertypes.FlexibleTimeWindow{Mode: schedulertypes.FlexibleTimeWindowModeOff}
	target := &schedulertypes.Target{Arn: &function.InvokedFunctionArn, RoleArn: &s.role, Input: aws.String(string(event))}
	if s.queue != "" {
		target.DeadLetterConfig = &schedulertypes.DeadLetterConfig{Arn: &s.queue}
	}
	_, err := s.scheduler.CreateSchedule(ctx, &scheduler.CreateScheduleInput{Name: &s.deferred, ScheduleExpression: expression, FlexibleTimeWindow: window, Target: target,
		ActionAfterCompletion: schedulertypes.ActionAfterCompletionDelete})
	if _, there := errors.AsType[*schedulertypes.ConflictException](err); !there {
		return err
	}
	_, err = s.scheduler.UpdateSchedule(ctx, &scheduler.UpdateScheduleInput{Name: &s.deferred, ScheduleExpression: expression, FlexibleTimeWindow: window, Target: target,
		ActionAfterCompletion: schedulertypes.ActionAfterCompletionDelete})
	return err
}

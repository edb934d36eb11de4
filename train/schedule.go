package train

import (
	"context"
	"errors"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/scheduler"
	"github.com/aws/aws-sdk-go-v2/service/scheduler/types"
)

// kindDeferred is the schedule by which the function has an event delivered again.
const kindDeferred = "deferred"

// putSchedule makes the schedule of the stack, or changes the one that is there.
func (a *AWS) putSchedule(ctx context.Context, account string) error {
	s := a.stack
	name, expression := s.Resource(KindSchedule), s.Trigger.Schedule
	window := &types.FlexibleTimeWindow{Mode: types.FlexibleTimeWindowModeOff}
	target := &types.Target{
		Arn: aws.String(s.arnOf("sagemaker", account, "pipeline/"+s.Resource(KindPipeline))), RoleArn: aws.String(s.RoleARN(RoleScheduler, account)),
		DeadLetterConfig: &types.DeadLetterConfig{Arn: aws.String(s.arnOf("sqs", account, s.Resource(KindUndone)))},
		RetryPolicy:      &types.RetryPolicy{MaximumRetryAttempts: aws.Int32(deliveryAttempts), MaximumEventAgeInSeconds: aws.Int32(deliveryAge)},
		// The key of no marker: all folders that are complete by then.
		SageMakerPipelineParameters: &types.SageMakerPipelineParameters{PipelineParameterList: []types.SageMakerPipelineParameter{
			{Name: aws.String(ParameterInput), Value: aws.String(s.S3(s.Prefixes.Raw))}}},
	}
	description := aws.String("threatdetect " + s.Name + ": train again")
	_, err := a.Scheduler().CreateSchedule(ctx, &scheduler.CreateScheduleInput{Name: &name, ScheduleExpression: &expression, FlexibleTimeWindow: window, Target: target,
		Description: description, State: types.ScheduleStateEnabled, ClientToken: a.token(name, expression)})
	if !errors.Is(err, ErrExists) {
		return err
	}
	_, err = a.Scheduler().UpdateSchedule(ctx, &scheduler.UpdateScheduleInput{Name: &name, ScheduleExpression: &expression, FlexibleTimeWindow: window, Target: target,
		Description: description, State: types.ScheduleStateEnabled, ClientToken: a.token("update", name, expression)})
	return err
}

// deleteSchedule tells whether there was one.
func (a *AWS) deleteSchedule(ctx context.Context, name string) (found bool, err error) {
	_, err = a.Scheduler().DeleteSchedule(ctx, &scheduler.DeleteScheduleInput{Name: &name, ClientToken: a.token("delete", name)})
	if errors.Is(err, ErrNotFound) {
		return false, nil
	}
	return err == nil, err
}

func (a *AWS) describeSchedule(ctx context.Context, t *TriggerState) error {
	name := a.stack.Resource(KindSchedule)
	out, err := a.Scheduler().GetSchedule(ctx, &scheduler.GetScheduleInput{Name: &name})
	if errors.Is(err, ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	t.Schedule, t.Expression, t.Enabled = name, aws.ToString(out.ScheduleExpression), out.State == types.ScheduleStateEnabled
	return nil
}

// WithSchedule is the stack with another schedule.
func (s *Stack) WithSchedule(expression string) (*Stack, error) {
	c := *s
	c.Trigger.Schedule = expression
	faults := Faults{Where: s.path, Kind: ErrStack}
	c.check(&faults)
	return &c, faults.or(nil, nil)
}

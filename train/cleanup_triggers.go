package train

import (
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/scheduler"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
)

// cleanupTriggers are what could start something: schedule, rule, function, and the queue of what nobody could deliver.
func (a *AWS) cleanupTriggers() []cleanupStep {
	rule, queue := a.stack.Resource(KindTrigger), a.stack.Resource(KindUndone)
	return []cleanupStep{
		a.cleanupSchedule(a.stack.Resource(KindSchedule)),
		a.cleanupSchedule(a.stack.Resource(kindDeferred)), // of an event that the function put off
		{kind: "rule", assume: []string{rule},
			find: only(rule, func(ctx context.Context) error {
				_, err := a.Events().DescribeRule(ctx, &eventbridge.DescribeRuleInput{Name: &rule})
				return err
			}),
			remove: a.removeRule},
		{kind: "function", assume: []string{rule},
			find: only(rule, func(ctx context.Context) error {
				_, err := a.Lambda().GetFunctionConfiguration(ctx, &lambda.GetFunctionConfigurationInput{FunctionName: &rule})
				return err
			}),
			remove: func(ctx context.Context, name string) error { // its permissions go with it
				_, err := a.Lambda().DeleteFunctionEventInvokeConfig(ctx, &lambda.DeleteFunctionEventInvokeConfigInput{FunctionName: &name})
				if err != nil && !errors.Is(err, ErrNotFound) {
					return err
				}
				_, err = a.Lambda().DeleteFunction(ctx, &lambda.DeleteFunctionInput{FunctionName: &name})
				return err
			}},
		{kind: "queue", assume: []string{queue},
			find: only(queue, func(ctx context.Context) error {
				_, err := a.SQS().GetQueueUrl(ctx, &sqs.GetQueueUrlInput{QueueName: &queue})
				return err
			}),
			remove: func(ctx context.Context, name string) error {
				out, err := a.SQS().GetQueueUrl(ctx, &sqs.GetQueueUrlInput{QueueName: &name})
				if err != nil {
					return err
				}
				_, err = a.SQS().DeleteQueue(ctx, &sqs.DeleteQueueInput{QueueUrl: out.QueueUrl})
				return err
			}},
	}
}

func (a *AWS) cleanupSchedule(name string) cleanupStep {
	return cleanupStep{kind: "schedule", assume: []string{name},
		find: only(name, func(ctx context.Context) error {
			_, err := a.Scheduler().GetSchedule(ctx, &scheduler.GetScheduleInput{Name: &name})
			return err
		}),
		remove: func(ctx context.Context, name string) error {
			_, err := a.Scheduler().DeleteSchedule(ctx, &scheduler.DeleteScheduleInput{Name: &name, ClientToken: a.token("delete", name)})
			return err
		}}
}

// removeRule first removes what it starts, without which it cannot be deleted.
func (a *AWS) removeRule(ctx context.Context, name string) error {
	in := &eventbridge.ListTargetsByRuleInput{Rule: &name}
	for {
		out, err := a.Events().ListTargetsByRule(ctx, in)
		if err != nil {
			return err
		}
		var ids []string
		for _, t := range out.Targets {
			ids = append(ids, aws.ToString(t.Id))
		}
		if len(ids) > 0 {
			removed, err := a.Events().RemoveTargets(ctx, &eventbridge.RemoveTargetsInput{Rule: &name, Ids: ids})
			if err != nil {
				return err
			}
			for _, f := range removed.FailedEntries { // which are no error to the service
				return fmt.Errorf("%w: events RemoveTargets: %s of rule %s: %s: %s", ErrService, aws.ToString(f.TargetId), name, aws.ToString(f.ErrorCode), aws.ToString(f.ErrorMessage))
			}
		}
		if in.NextToken = out.NextToken; in.NextToken == nil {
			break
		}
	}
	_, err := a.Events().DeleteRule(ctx, &eventbridge.DeleteRuleInput{Name: &name})
	return err
}

package train

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"threatdetect/train/trigger"
)

// The targets of the rule.
const (
	targetPipeline = "pipeline"
	targetFunction = "function"
)

// How often and how long EventBridge tries to deliver an event before it goes to the queue.
const (
	deliveryAttempts = 8
	deliveryAge      = 3600 // seconds
)

// TriggerState is what starts the pipeline by itself.
type TriggerState struct {
	Rule        string   `json:"rule,omitempty"` // name; "" if there is none
	Enabled     bool     `json:"enabled"`        // the rule, or the schedule
	Pattern     string   `json:"pattern,omitempty"`
	Targets     []string `json:"targets,omitempty"` // ARNs
	Schedule    string   `json:"schedule,omitempty"`
	Expression  string   `json:"expression,omitempty"`
	Function    string   `json:"function,omitempty"` // ARN
	Queue       string   `json:"queue,omitempty"`    // address
	Undelivered int      `json:"undelivered"`        // events in the queue
	Notifies    bool     `json:"notifies"`           // the bucket tells EventBridge of new objects
}

// starters are the names of what would start a pipeline.
func (t *TriggerState) starters() (names []string) {
	for _, name := range []struct{ what, name string }{{"rule ", t.Rule}, {"schedule ", t.Schedule}} {
		if name.name != "" {
			names = append(names, name.what+name.name)
		}
	}
	return names
}

// TriggerOptions say how events reach the pipeline.
type TriggerOptions struct {
	// Function is the package of the Lambda function that the rule starts in place of the pipeline; nil for none.
	Function *FunctionPackage
}

// Rule is the stack's rule for new objects.
func (s *Stack) Rule() *trigger.Rule {
	return &trigger.Rule{Bucket: s.Bucket, Prefix: s.Prefixes.Raw, Marker: s.Trigger.Marker}
}

// arnOf is the ARN of a resource of the stack.
func (s *Stack) arnOf(service, account, resource string) string {
	return "arn:" + s.Partition() + ":" + service + ":" + s.Region + ":" + account + ":" + resource
}

// CreateTrigger makes what starts the pipeline: a rule for markers in the bucket, or, if the stack has one, a schedule; and the queue that keeps what could
// not be delivered. What is there is brought up to date, and what the other kind left is removed.
func (a *AWS) CreateTrigger(ctx context.Context, o *TriggerOptions) (*TriggerState, error) {
	if o == nil {
		o = &TriggerOptions{}
	}
	s := a.stack
	account, err := a.Account(ctx)
	if err != nil {
		return nil, err
	}
	if s.Trigger.Schedule != "" && o.Function != nil {
		return nil, &Faults{Where: s.path, Kind: ErrStack, List: []Fault{{Line: s.lines["trigger.schedule"], Key: "trigger.schedule",
			What: "a schedule starts the pipeline without a function: leave out one of them"}}}
	}
	if err := a.createQueue(ctx, account); err != nil {
		return nil, err
	}
	if s.Trigger.Schedule != "" {
		if _, err := a.deleteRule(ctx); err != nil {
			return nil, err
		}
		if err := a.putSchedule(ctx, account); err != nil {
			return nil, err
		}
		return a.DescribeTrigger(ctx)
	}
	if _, err := a.deleteSchedule(ctx, s.Resource(KindSchedule)); err != nil {
		return nil, err
	}
	if err := a.notify(ctx); err != nil {
		return nil, err
	}
	target := a.pipelineTarget(account)
	if o.Function != nil {
		if err := a.putFunction(ctx, account, o.Function); err != nil {
			return nil, err
		}
		target = a.functionTarget(account)
	}
	if err := a.putRule(ctx, target); err != nil {
		return nil, err
	}
	if o.Function == nil {
		if _, err := a.deleteFunction(ctx); err != nil { // of a trigger that was made with one
			return nil, err
		}
	} else if err := a.permitRule(ctx, account); err != nil {
		return nil, err
	}
	return a.DescribeTrigger(ctx)
}

// notify lets the bucket tell EventBridge of its objects. The call replaces all that the bucket notifies of, so that is read first.
func (a *AWS) notify(ctx context.Context) error {
	bucket := &a.stack.Bucket
	has, err := a.S3().GetBucketNotificationConfiguration(ctx, &s3.GetBucketNotificationConfigurationInput{Bucket: bucket})
	if err != nil {
		return err
	}
	if has.EventBridgeConfiguration != nil {
		return nil
	}
	_, err = a.S3().PutBucketNotificationConfiguration(ctx, &s3.PutBucketNotificationConfigurationInput{Bucket: bucket, NotificationConfiguration: &s3types.NotificationConfiguration{
		EventBridgeConfiguration:     &s3types.EventBridgeConfiguration{},
		LambdaFunctionConfigurations: has.LambdaFunctionConfigurations, QueueConfigurations: has.QueueConfigurations, TopicConfigurations: has.TopicConfigurations,
	}})
	return err
}

// createQueue makes the queue of what could not be delivered, and lets the rule send to it.
func (a *AWS) createQueue(ctx context.Context, account string) error {
	s := a.stack
	name := s.Resource(KindUndone)
	policy, err := json.Marshal(map[string]any{"Version": "2012-10-17", "Statement": []any{map[string]any{
		"Sid": "FromRule", "Effect": "Allow", "Principal": map[string]string{"Service": "events.amazonaws.com"}, "Action": "sqs:SendMessage",
		"Resource":  s.arnOf("sqs", account, name),
		"Condition": map[string]any{"ArnEquals": map[string]string{"aws:SourceArn": s.arnOf("events", account, "rule/"+s.Resource(KindTrigger))}},
	}}})
	if err != nil {
		return err
	}
	attributes := map[string]string{"MessageRetentionPeriod": "1209600", "SqsManagedSseEnabled": "true", "Policy": string(policy)}
	_, err = a.SQS().CreateQueue(ctx, &sqs.CreateQueueInput{QueueName: &name, Attributes: attributes, Tags: s.AllTags()})
	if _, differs := errors.AsType[*sqstypes.QueueNameExists](err); !differs && !errors.Is(err, ErrExists) {
		return err // none, if the queue is there and as it should be
	}
	url, err := a.queue(ctx)
	if err != nil {
		return err
	}
	_, err = a.SQS().SetQueueAttributes(ctx, &sqs.SetQueueAttributesInput{QueueUrl: &url, Attributes: attributes})
	return err
}

// queue is the address of the queue, "" if there is none.
func (a *AWS) queue(ctx context.Context) (url string, err error) {
	out, err := a.SQS().GetQueueUrl(ctx, &sqs.GetQueueUrlInput{QueueName: aws.String(a.stack.Resource(KindUndone))})
	if errors.Is(err, ErrNotFound) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	return aws.ToString(out.QueueUrl), nil
}

// undelivered counts the events in the queue.
func (a *AWS) undelivered(ctx context.Context, url string) (int, error) {
	out, err := a.SQS().GetQueueAttributes(ctx, &sqs.GetQueueAttributesInput{QueueUrl: &url,
		AttributeNames: []sqstypes.QueueAttributeName{sqstypes.QueueAttributeNameApproximateNumberOfMessages}})
	if err != nil {
		return 0, err
	}
	n, err := strconv.Atoi(out.Attributes[string(sqstypes.QueueAttributeNameApproximateNumberOfMessages)])
	if err != nil {
		return 0, nil // a dry run has no number
	}
	return n, nil
}

func (a *AWS) deadLetters(account string) *types.DeadLetterConfig {
	return &types.DeadLetterConfig{Arn: aws.String(a.stack.arnOf("sqs", account, a.stack.Resource(KindUndone)))}
}

func (a *AWS) pipelineTarget(account string) types.Target {
	s := a.stack
	t := types.Target{
		Id: aws.String(targetPipeline), Arn: aws.String(s.arnOf("sagemaker", account, "pipeline/"+s.Resource(KindPipeline))),
		RoleArn: aws.String(s.RoleARN(RoleEvents, account)), DeadLetterConfig: a.deadLetters(account),
		RetryPolicy: &types.RetryPolicy{MaximumRetryAttempts: aws.Int32(deliveryAttempts), MaximumEventAgeInSeconds: aws.Int32(deliveryAge)},
	}
	t.SageMakerPipelineParameters = &types.SageMakerPipelineParameters{PipelineParameterList: []types.SageMakerPipelineParameter{
		{Name: aws.String(ParameterTrigger), Value: aws.String("$.detail.object.key")}}}
	return t
}

// functionTarget is without a role: the function itself allows the rule to call it.
func (a *AWS) functionTarget(account string) types.Target {
	return types.Target{
		Id: aws.String(targetFunction), Arn: aws.String(a.functionARN(account)), DeadLetterConfig: a.deadLetters(account),
		RetryPolicy: &types.RetryPolicy{MaximumRetryAttempts: aws.Int32(deliveryAttempts), MaximumEventAgeInSeconds: aws.Int32(deliveryAge)},
	}
}

// putRule makes the rule with one target.
func (a *AWS) putRule(ctx context.Context, target types.Target) error {
	s := a.stack
	name := s.Resource(KindTrigger)
	var tags []types.Tag
	all := s.AllTags()
	for _, k := range slices.Sorted(maps.Keys(all)) {
		tags = append(tags, types.Tag{Key: aws.String(k), Value: aws.String(all[k])})
	}
	_, err := a.Events().PutRule(ctx, &eventbridge.PutRuleInput{Name: &name, State: types.RuleStateEnabled, EventPattern: aws.String(s.Rule().Pattern()),
		Description: aws.String("Raw logs of threatdetect " + s.Name + " are complete"), Tags: tags})
	if err != nil {
		return err
	}
	out, err := a.Events().PutTargets(ctx, &eventbridge.PutTargetsInput{Rule: &name, Targets: []types.Target{target}})
	if err != nil {
		return err
	}
	if err := entries("PutTargets", name, out.FailedEntryCount, out.FailedEntries); err != nil {
		return err
	}
	old, err := a.targets(ctx)
	if err != nil {
		return err
	}
	old = slices.DeleteFunc(old, func(t types.Target) bool { return aws.ToString(t.Id) == *target.Id })
	return a.removeTargets(ctx, old)
}

// entries is an error if some of a call failed, which is none for the SDK.
func entries[E types.PutTargetsResultEntry | types.RemoveTargetsResultEntry](operation, rule string, failed int32, list []E) error {
	if failed == 0 {
		return nil
	}
	e := &ServiceError{Service: "events", Operation: operation, Resource: rule, Kind: ErrRequest, Message: fmt.Sprintf("%d targets failed", failed)}
	for _, one := range list {
		switch one := any(one).(type) {
		case types.PutTargetsResultEntry:
			e.Code, e.Message = aws.ToString(one.ErrorCode), aws.ToString(one.ErrorMessage)
		case types.RemoveTargetsResultEntry:
			e.Code, e.Message = aws.ToString(one.ErrorCode), aws.ToString(one.ErrorMessage)
		}
	}
	e.Err = errors.New(e.Message)
	return e
}

// targets are those of the rule; none if it is not there.
func (a *AWS) targets(ctx context.Context) (list []types.Target, err error) {
	in := &eventbridge.ListTargetsByRuleInput{Rule: aws.String(a.stack.Resource(KindTrigger))}
	for {
		out, err := a.Events().ListTargetsByRule(ctx, in)
		if errors.Is(err, ErrNotFound) {
			return nil, nil
		}
		if err != nil {
			return nil, err
		}
		list = append(list, out.Targets...)
		if in.NextToken = out.NextToken; in.NextToken == nil {
			return list, nil
		}
	}
}

func (a *AWS) removeTargets(ctx context.Context, list []types.Target) error {
	if len(list) == 0 {
		return nil
	}
	name := a.stack.Resource(KindTrigger)
	var ids []string
	for _, t := range list {
		ids = append(ids, aws.ToString(t.Id))
	}
	out, err := a.Events().RemoveTargets(ctx, &eventbridge.RemoveTargetsInput{Rule: &name, Ids: ids})
	if err != nil {
		return err
	}
	return entries("RemoveTargets", name, out.FailedEntryCount, out.FailedEntries)
}

// deleteRule removes the targets and the rule, and tells whether there was one.
func (a *AWS) deleteRule(ctx context.Context) (found bool, err error) {
	name := a.stack.Resource(KindTrigger)
	if _, err := a.Events().DescribeRule(ctx, &eventbridge.DescribeRuleInput{Name: &name}); errors.Is(err, ErrNotFound) {
		return false, nil
	} else if err != nil {
		return false, err
	}
	list, err := a.targets(ctx)
	if err == nil {
		err = a.removeTargets(ctx, list)
	}
	if err != nil {
		return true, err
	}
	_, err = a.Events().DeleteRule(ctx, &eventbridge.DeleteRuleInput{Name: &name})
	return true, err
}

// DescribeTrigger says what starts the pipeline by itself.
func (a *AWS) DescribeTrigger(ctx context.Context) (*TriggerState, error) {
	t := &TriggerState{}
	name := a.stack.Resource(KindTrigger)
	rule, err := a.Events().DescribeRule(ctx, &eventbridge.DescribeRuleInput{Name: &name})
	switch {
	case err == nil:
		t.Rule, t.Enabled, t.Pattern = name, rule.State == types.RuleStateEnabled, aws.ToString(rule.EventPattern)
		list, err := a.targets(ctx)
		if err != nil {
			return nil, err
		}
		for _, one := range list {
			t.Targets = append(t.Targets, aws.ToString(one.Arn))
		}
	case !errors.Is(err, ErrNotFound):
		return nil, err
	}
	if err := a.describeSchedule(ctx, t); err != nil {
		return nil, err
	}
	if err := a.describeFunction(ctx, t); err != nil {
		return nil, err
	}
	if t.Queue, err = a.queue(ctx); err != nil {
		return nil, err
	}
	if t.Queue != "" {
		if t.Undelivered, err = a.undelivered(ctx, t.Queue); err != nil {
			return nil, err
		}
	}
	has, err := a.S3().GetBucketNotificationConfiguration(ctx, &s3.GetBucketNotificationConfigurationInput{Bucket: &a.stack.Bucket})
	if err != nil && !errors.Is(err, ErrNotFound) {
		return nil, err
	}
	t.Notifies = err == nil && has.EventBridgeConfiguration != nil
	return t, nil
}

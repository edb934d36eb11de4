package train

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
)

// FunctionPackage is the program of the Lambda function.
type FunctionPackage struct {
	Zip  []byte // bootstrap, executable
	Arch string // arm64 or x86_64
}

const (
	functionMemory  = 128 // MB
	functionTimeout = 30  // seconds
	logRetention    = 30  // days
	statementRule   = "rule"
)

func (a *AWS) functionARN(account string) string {
	return a.stack.arnOf("lambda", account, "function:"+a.stack.Resource(KindTrigger))
}

// functionEnvironment is what the function knows of the stack: see train/lambda.
func (a *AWS) functionEnvironment(account string) map[string]string {
	s := a.stack
	return map[string]string{
		"PIPELINE": s.Resource(KindPipeline), "BUCKET": s.Bucket, "PREFIX": s.Prefixes.Raw, "MARKER": s.Trigger.Marker,
		"DEBOUNCE": s.Trigger.Debounce.String(), "DEFERRED": s.Resource(kindDeferred), "DEFERRED_ROLE": s.RoleARN(RoleScheduler, account),
		"DEFERRED_QUEUE": s.arnOf("sqs", account, s.Resource(KindUndone)),
	}
}

// putFunction makes the function, or brings the one that is there up to date.
func (a *AWS) putFunction(ctx context.Context, account string, p *FunctionPackage) error {
	s := a.stack
	name, role := s.Resource(KindTrigger), s.RoleARN(RoleLambda, account)
	if err := a.functionLog(ctx, name); err != nil {
		return err
	}
	environment := &types.Environment{Variables: a.functionEnvironment(account)}
	dead := &types.DeadLetterConfig{TargetArn: aws.String(s.arnOf("sqs", account, s.Resource(KindUndone)))}
	_, err := a.Lambda().CreateFunction(ctx, &lambda.CreateFunctionInput{
		FunctionName: &name, Role: &role, Runtime: types.RuntimeProvidedal2023, Handler: aws.String("bootstrap"), Architectures: []types.Architecture{types.Architecture(p.Arch)},
		Code: &types.FunctionCode{ZipFile: p.Zip}, PackageType: types.PackageTypeZip, MemorySize: aws.Int32(functionMemory), Timeout: aws.Int32(functionTimeout),
		Description: aws.String("Starts the pipeline of threatdetect " + s.Name), Environment: environment, DeadLetterConfig: dead, Tags: s.AllTags(),
	})
	if errors.Is(err, ErrExists) {
		err = a.updateFunction(ctx, name, role, p, environment, dead)
	}
	if err == nil {
		err = a.functionReady(ctx, name)
	}
	if err != nil {
		return err
	}
	_, err = a.Lambda().PutFunctionEventInvokeConfig(ctx, &lambda.PutFunctionEventInvokeConfigInput{FunctionName: &name,
		MaximumRetryAttempts: aws.Int32(2), MaximumEventAgeInSeconds: aws.Int32(6 * 3600)})
	return err
}

func (a *AWS) updateFunction(ctx context.Context, name, role string, p *FunctionPackage, environment *types.Environment, dead *types.DeadLetterConfig) error {
	if err := a.functionReady(ctx, name); err != nil {
		return err
	}
	_, err := a.Lambda().UpdateFunctionCode(ctx, &lambda.UpdateFunctionCodeInput{FunctionName: &name, ZipFile: p.Zip, Architectures: []types.Architecture{types.Architecture(p.Arch)}})
	if err != nil {
		return err
	}
	if err := a.functionReady(ctx, name); err != nil {
		return err
	}
	_, err = a.Lambda().UpdateFunctionConfiguration(ctx, &lambda.UpdateFunctionConfigurationInput{FunctionName: &name, Role: &role, Environment: environment,
		DeadLetterConfig: dead, MemorySize: aws.Int32(functionMemory), Timeout: aws.Int32(functionTimeout)})
	return err
}

// functionReady waits until the function takes changes, and calls.
func (a *AWS) functionReady(ctx context.Context, name string) error {
	for range 150 {
		out, err := a.Lambda().GetFunctionConfiguration(ctx, &lambda.GetFunctionConfigurationInput{FunctionName: &name})
		switch {
		case err != nil:
			return err
		case out.State == types.StateFailed, out.LastUpdateStatus == types.LastUpdateStatusFailed:
			return fmt.Errorf("%w: function %s: %s%s", ErrService, name, aws.ToString(out.StateReason), aws.ToString(out.LastUpdateStatusReason))
		case out.State != types.StatePending && out.LastUpdateStatus != types.LastUpdateStatusInProgress:
			return nil
		}
		if err := a.clock.Sleep(ctx, 2*time.Second); err != nil {
			return err
		}
	}
	return fmt.Errorf("%w: function %s is not ready after five minutes", ErrService, name)
}

// functionLog makes the log group before the function does, so that its logs do not stay for ever.
func (a *AWS) functionLog(ctx context.Context, name string) error {
	group := aws.String("/aws/lambda/" + name)
	_, err := a.Logs().CreateLogGroup(ctx, &cloudwatchlogs.CreateLogGroupInput{LogGroupName: group, Tags: a.stack.AllTags()})
	if err != nil && !errors.Is(err, ErrExists) {
		return err
	}
	_, err = a.Logs().PutRetentionPolicy(ctx, &cloudwatchlogs.PutRetentionPolicyInput{LogGroupName: group, RetentionInDays: aws.Int32(logRetention)})
	return err
}

// permitRule lets the rule call the function.
func (a *AWS) permitRule(ctx context.Context, account string) error {
	_, err := a.Lambda().AddPermission(ctx, &lambda.AddPermissionInput{FunctionName: aws.String(a.stack.Resource(KindTrigger)), StatementId: aws.String(statementRule),
		Action: aws.String("lambda:InvokeFunction"), Principal: aws.String("events.amazonaws.com"),
		SourceArn: aws.String(a.stack.arnOf("events", account, "rule/"+a.stack.Resource(KindTrigger)))})
	if errors.Is(err, ErrExists) {
		return nil
	}
	return err
}

// deleteFunction removes the function with its log, and tells whether there was one.
func (a *AWS) deleteFunction(ctx context.Context) (found bool, err error) {
	name := a.stack.Resource(KindTrigger)
	_, err = a.Lambda().DeleteFunction(ctx, &lambda.DeleteFunctionInput{FunctionName: &name})
	if errors.Is(err, ErrNotFound) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	_, err = a.Logs().DeleteLogGroup(ctx, &cloudwatchlogs.DeleteLogGroupInput{LogGroupName: aws.String("/aws/lambda/" + name)})
	if errors.Is(err, ErrNotFound) {
		err = nil
	}
	return true, err
}

func (a *AWS) describeFunction(ctx context.Context, t *TriggerState) error {
	name := a.stack.Resource(KindTrigger)
	out, err := a.Lambda().GetFunctionConfiguration(ctx, &lambda.GetFunctionConfigurationInput{FunctionName: &name})
	if errors.Is(err, ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	t.Function = aws.ToString(out.FunctionArn)
	return nil
}

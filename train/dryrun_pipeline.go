package train

import (
	"reflect"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	eventtypes "github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	lambdatypes "github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker/types"
	"github.com/aws/aws-sdk-go-v2/service/scheduler"
	schedulertypes "github.com/aws/aws-sdk-go-v2/service/scheduler/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

func init() {
	dryAnswers = append(dryAnswers, dryPipeline, dryRegistry, dryTrigger)
	dryAnswers = append([]func(*dryRun, any) (any, error){dryFunction}, dryAnswers...) // which knows the function that this run made
}

// spelled are members that the API spells in another way than the SDK.
var spelled = map[reflect.Type]map[string]string{reflect.TypeFor[sqs.CreateQueueInput](): {"Tags": "tags"}}

var dryNothing = aws.String("a dry run knows of nothing that is there")

// dryPipeline answers for pipelines: a run has succeeded at once.
func dryPipeline(d *dryRun, input any) (any, error) {
	now := aws.Time(d.clock.Now())
	switch in := input.(type) {
	case *sagemaker.CreatePipelineInput:
		return &sagemaker.CreatePipelineOutput{PipelineArn: d.arn("pipeline", *in.PipelineName)}, nil
	case *sagemaker.DescribePipelineInput:
		return &sagemaker.DescribePipelineOutput{PipelineName: in.PipelineName, PipelineArn: d.arn("pipeline", *in.PipelineName), PipelineStatus: types.PipelineStatusActive, LastModifiedTime: now}, nil
	case *sagemaker.DeletePipelineInput:
		return &sagemaker.DeletePipelineOutput{PipelineArn: d.arn("pipeline", *in.PipelineName)}, nil
	case *sagemaker.StartPipelineExecutionInput:
		return &sagemaker.StartPipelineExecutionOutput{PipelineExecutionArn: d.arn("pipeline", *in.PipelineName+"/execution/dryrun000000")}, nil
	case *sagemaker.DescribePipelineExecutionInput:
		return &sagemaker.DescribePipelineExecutionOutput{PipelineExecutionArn: in.PipelineExecutionArn, PipelineExecutionStatus: types.PipelineExecutionStatusSucceeded, CreationTime: now}, nil
	case *sagemaker.ListPipelineExecutionsInput:
		return &sagemaker.ListPipelineExecutionsOutput{}, nil
	case *sagemaker.ListPipelineExecutionStepsInput:
		return &sagemaker.ListPipelineExecutionStepsOutput{}, nil
	case *sagemaker.StopPipelineExecutionInput:
		return &sagemaker.StopPipelineExecutionOutput{PipelineExecutionArn: in.PipelineExecutionArn}, nil
	}
	return nil, nil
}

// dryRegistry answers for the registry: it has one approved version, so that the requests about it can be shown.
func dryRegistry(d *dryRun, input any) (any, error) {
	switch in := input.(type) {
	case *sagemaker.CreateModelPackageGroupInput:
		return &sagemaker.CreateModelPackageGroupOutput{ModelPackageGroupArn: d.arn("model-package-group", *in.ModelPackageGroupName)}, nil
	case *sagemaker.ListModelPackagesInput:
		return &sagemaker.ListModelPackagesOutput{}, nil
	case *sagemaker.UpdateModelPackageInput:
		return &sagemaker.UpdateModelPackageOutput{ModelPackageArn: in.ModelPackageArn}, nil
	case *sagemaker.DescribeModelPackageInput:
		return &sagemaker.DescribeModelPackageOutput{ModelPackageArn: in.ModelPackageName, ModelPackageStatus: types.ModelPackageStatusCompleted,
			ModelApprovalStatus: types.ModelApprovalStatusPendingManualApproval, CreationTime: aws.Time(d.clock.Now())}, nil
	}
	return nil, nil
}

// dryTrigger answers for rules, schedules and queues: there are none.
func dryTrigger(d *dryRun, input any) (any, error) {
	queue := func(name *string) *string {
		return aws.String("https://sqs.us-east-1.amazonaws.com/" + DryRunAccount + "/" + aws.ToString(name))
	}
	switch in := input.(type) {
	case *s3.GetBucketNotificationConfigurationInput:
		return &s3.GetBucketNotificationConfigurationOutput{}, nil
	case *s3.PutBucketNotificationConfigurationInput:
		return &s3.PutBucketNotificationConfigurationOutput{}, nil
	case *eventbridge.DescribeRuleInput:
		return nil, &eventtypes.ResourceNotFoundException{Message: dryNothing}
	case *eventbridge.PutRuleInput:
		return &eventbridge.PutRuleOutput{}, nil
	case *eventbridge.PutTargetsInput:
		return &eventbridge.PutTargetsOutput{}, nil
	case *eventbridge.ListTargetsByRuleInput:
		return &eventbridge.ListTargetsByRuleOutput{}, nil
	case *eventbridge.RemoveTargetsInput:
		return &eventbridge.RemoveTargetsOutput{}, nil
	case *eventbridge.DeleteRuleInput:
		return &eventbridge.DeleteRuleOutput{}, nil
	case *eventbridge.TestEventPatternInput:
		return &eventbridge.TestEventPatternOutput{Result: true}, nil
	case *scheduler.CreateScheduleInput:
		return &scheduler.CreateScheduleOutput{}, nil
	case *scheduler.DeleteScheduleInput:
		return nil, &schedulertypes.ResourceNotFoundException{Message: dryNothing}
	case *scheduler.GetScheduleInput:
		return nil, &schedulertypes.ResourceNotFoundException{Message: dryNothing}
	case *sqs.GetQueueUrlInput:
		return nil, &sqstypes.QueueDoesNotExist{Message: dryNothing}
	case *sqs.CreateQueueInput:
		return &sqs.CreateQueueOutput{QueueUrl: queue(in.QueueName)}, nil
	case *sqs.DeleteQueueInput:
		return &sqs.DeleteQueueOutput{}, nil
	case *sqs.GetQueueAttributesInput:
		return &sqs.GetQueueAttributesOutput{}, nil
	}
	return nil, nil
}

// dryFunction answers for functions and their logs.
func dryFunction(d *dryRun, input any) (any, error) {
	switch in := input.(type) {
	case *cloudwatchlogs.CreateLogGroupInput:
		return &cloudwatchlogs.CreateLogGroupOutput{}, nil
	case *cloudwatchlogs.PutRetentionPolicyInput:
		return &cloudwatchlogs.PutRetentionPolicyOutput{}, nil
	case *lambda.CreateFunctionInput:
		d.state["function/"+*in.FunctionName] = true
		return &lambda.CreateFunctionOutput{FunctionName: in.FunctionName}, nil
	case *lambda.GetFunctionConfigurationInput:
		if d.state["function/"+*in.FunctionName] == nil {
			return nil, &lambdatypes.ResourceNotFoundException{Message: dryNothing}
		}
		return &lambda.GetFunctionConfigurationOutput{FunctionName: in.FunctionName, State: lambdatypes.StateActive}, nil
	case *lambda.PutFunctionEventInvokeConfigInput:
		return &lambda.PutFunctionEventInvokeConfigOutput{}, nil
	case *lambda.AddPermissionInput:
		return &lambda.AddPermissionOutput{}, nil
	}
	return nil, nil
}

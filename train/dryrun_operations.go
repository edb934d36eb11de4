package train

import (
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	cftypes "github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	ebtypes "github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	lambdatypes "github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/aws-sdk-go-v2/service/resourcegroupstaggingapi"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker/types"
	"github.com/aws/aws-sdk-go-v2/service/sagemakerruntime"
	"github.com/aws/aws-sdk-go-v2/service/scheduler"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/smithy-go"
)

func init() {
	dryAnswers = append(dryAnswers, dryEndpoint, dryScoring, dryDeploy, dryMonitor, dryCleanup)
}

func dryMissing(what string) error {
	return &smithy.GenericAPIError{Code: "ValidationException", Message: "a dry run: " + what + " does not exist"}
}

// What dryRun.state remembers.
const (
	dryConfig  = "endpoint configuration"
	dryOutput  = "output of a job"
	dryDeleted = "endpoint deleted"
	dryStack   = "stack"
)

// dryEndpoint answers for endpoints: there is one, which serves something else, until it is deleted.
func dryEndpoint(d *dryRun, input any) (any, error) {
	switch in := input.(type) {
	case *sagemaker.CreateModelInput:
		return &sagemaker.CreateModelOutput{ModelArn: d.arn("model", aws.ToString(in.ModelName))}, nil
	case *sagemaker.CreateEndpointConfigInput:
		d.state["model of "+aws.ToString(in.EndpointConfigName)] = in.ProductionVariants
		return &sagemaker.CreateEndpointConfigOutput{EndpointConfigArn: d.arn("endpoint-config", aws.ToString(in.EndpointConfigName))}, nil
	case *sagemaker.DescribeEndpointConfigInput:
		variants, _ := d.state["model of "+aws.ToString(in.EndpointConfigName)].([]types.ProductionVariant)
		return &sagemaker.DescribeEndpointConfigOutput{EndpointConfigName: in.EndpointConfigName, ProductionVariants: variants}, nil
	case *sagemaker.CreateEndpointInput:
		d.state[dryConfig] = aws.ToString(in.EndpointConfigName)
		return &sagemaker.CreateEndpointOutput{EndpointArn: d.arn("endpoint", aws.ToString(in.EndpointName))}, nil
	case *sagemaker.UpdateEndpointInput:
		d.state[dryConfig] = aws.ToString(in.EndpointConfigName)
		return &sagemaker.UpdateEndpointOutput{EndpointArn: d.arn("endpoint", aws.ToString(in.EndpointName))}, nil
	case *sagemaker.DeleteEndpointInput:
		d.state[dryDeleted] = true
		return &sagemaker.DeleteEndpointOutput{}, nil
	case *sagemaker.DescribeEndpointInput:
		if d.state[dryDeleted] != nil {
			return nil, dryMissing("endpoint " + aws.ToString(in.EndpointName))
		}
		config, ok := d.state[dryConfig].(string)
		if !ok {
			config = aws.ToString(in.EndpointName) + "-before"
		}
		now := d.clock.Now()
		return &sagemaker.DescribeEndpointOutput{EndpointName: in.EndpointName, EndpointArn: d.arn("endpoint", aws.ToString(in.EndpointName)), EndpointConfigName: &config,
			EndpointStatus: types.EndpointStatusInService, CreationTime: &now, LastModifiedTime: &now}, nil
	case *sagemaker.ListEndpointConfigsInput:
		return &sagemaker.ListEndpointConfigsOutput{}, nil
	case *sagemaker.ListModelsInput:
		return &sagemaker.ListModelsOutput{}, nil
	case *sagemaker.DeleteEndpointConfigInput:
		return &sagemaker.DeleteEndpointConfigOutput{}, nil
	case *sagemaker.DeleteModelInput:
		return &sagemaker.DeleteModelOutput{}, nil
	case *sagemakerruntime.InvokeEndpointInput:
		return &sagemakerruntime.InvokeEndpointOutput{ContentType: in.Accept, InvokedProductionVariant: aws.String(variantName)}, nil
	case *applicationautoscaling.RegisterScalableTargetInput:
		return &applicationautoscaling.RegisterScalableTargetOutput{}, nil
	case *applicationautoscaling.PutScalingPolicyInput:
		return &applicationautoscaling.PutScalingPolicyOutput{}, nil
	case *applicationautoscaling.DeregisterScalableTargetInput:
		return &applicationautoscaling.DeregisterScalableTargetOutput{}, nil
	}
	return nil, nil
}

// dryScoring answers for transform and processing jobs.
func dryScoring(d *dryRun, input any) (any, error) {
	switch in := input.(type) {
	case *sagemaker.CreateTransformJobInput:
		d.state[dryOutput] = in.TransformOutput
		return &sagemaker.CreateTransformJobOutput{TransformJobArn: d.arn("transform-job", aws.ToString(in.TransformJobName))}, nil
	case *sagemaker.DescribeTransformJobInput:
		output, _ := d.state[dryOutput].(*types.TransformOutput)
		return &sagemaker.DescribeTransformJobOutput{TransformJobName: in.TransformJobName, TransformJobArn: d.arn("transform-job", aws.ToString(in.TransformJobName)), TransformOutput: output,
			TransformJobStatus: types.TransformJobStatusCompleted}, nil
	case *sagemaker.StopTransformJobInput:
		return &sagemaker.StopTransformJobOutput{}, nil
	case *sagemaker.ListTransformJobsInput:
		return &sagemaker.ListTransformJobsOutput{}, nil
	case *sagemaker.CreateProcessingJobInput:
		d.state[dryOutput] = in.ProcessingOutputConfig
		return &sagemaker.CreateProcessingJobOutput{ProcessingJobArn: d.arn("processing-job", aws.ToString(in.ProcessingJobName))}, nil
	case *sagemaker.DescribeProcessingJobInput:
		output, _ := d.state[dryOutput].(*types.ProcessingOutputConfig)
		return &sagemaker.DescribeProcessingJobOutput{ProcessingJobName: in.ProcessingJobName, ProcessingJobArn: d.arn("processing-job", aws.ToString(in.ProcessingJobName)), ProcessingOutputConfig: output,
			ProcessingJobStatus: types.ProcessingJobStatusCompleted}, nil
	case *sagemaker.StopProcessingJobInput:
		return &sagemaker.StopProcessingJobOutput{}, nil
	case *sagemaker.ListProcessingJobsInput:
		return &sagemaker.ListProcessingJobsOutput{}, nil
	case *sagemaker.ListHyperParameterTuningJobsInput:
		return &sagemaker.ListHyperParameterTuningJobsOutput{}, nil
	}
	return nil, nil
}

// dryDeploy answers for CloudFormation: there is no stack until a change set is executed.
func dryDeploy(d *dryRun, input any) (any, error) {
	switch in := input.(type) {
	case *cloudformation.DescribeStacksInput:
		if d.state[dryStack] == nil {
			return nil, &smithy.GenericAPIError{Code: "ValidationError", Message: "a dry run: stack " + aws.ToString(in.StackName) + " does not exist"}
		}
		return &cloudformation.DescribeStacksOutput{Stacks: []cftypes.Stack{{StackName: in.StackName, StackStatus: cftypes.StackStatusCreateComplete, CreationTime: aws.Time(d.clock.Now())}}}, nil
	case *cloudformation.CreateChangeSetInput:
		return &cloudformation.CreateChangeSetOutput{}, nil
	case *cloudformation.DescribeChangeSetInput:
		change := cftypes.Change{Type: cftypes.ChangeTypeResource, ResourceChange: &cftypes.ResourceChange{Action: cftypes.ChangeActionAdd,
			LogicalResourceId: aws.String("(all of the template)"), ResourceType: aws.String("AWS::CloudFormation::Stack")}}
		return &cloudformation.DescribeChangeSetOutput{Status: cftypes.ChangeSetStatusCreateComplete, Changes: []cftypes.Change{change}}, nil
	case *cloudformation.ExecuteChangeSetInput:
		d.state[dryStack] = true
		return &cloudformation.ExecuteChangeSetOutput{}, nil
	case *cloudformation.DeleteChangeSetInput:
		return &cloudformation.DeleteChangeSetOutput{}, nil
	case *cloudformation.DeleteStackInput:
		delete(d.state, dryStack)
		return &cloudformation.DeleteStackOutput{}, nil
	case *iam.CreateRoleInput:
		return &iam.CreateRoleOutput{}, nil
	case *iam.PutRolePolicyInput:
		return &iam.PutRolePolicyOutput{}, nil
	}
	return nil, nil
}

func dryMonitor(_ *dryRun, input any) (any, error) {
	switch in := input.(type) {
	case *cloudwatch.PutMetricAlarmInput:
		return &cloudwatch.PutMetricAlarmOutput{}, nil
	case *cloudwatch.PutDashboardInput:
		return &cloudwatch.PutDashboardOutput{}, nil
	case *cloudwatch.GetDashboardInput:
		return &cloudwatch.GetDashboardOutput{DashboardName: in.DashboardName}, nil
	case *cloudwatch.DescribeAlarmsInput:
		return &cloudwatch.DescribeAlarmsOutput{}, nil
	case *cloudwatch.DeleteAlarmsInput:
		return &cloudwatch.DeleteAlarmsOutput{}, nil
	case *cloudwatch.DeleteDashboardsInput:
		return &cloudwatch.DeleteDashboardsOutput{}, nil
	case *lambda.GetFunctionConfigurationInput:
		return nil, &lambdatypes.ResourceNotFoundException{Message: aws.String("a dry run knows of no functions")}
	}
	return nil, nil
}

// dryCleanup answers for what cleanup deletes, all of which it takes for there.
func dryCleanup(_ *dryRun, input any) (any, error) {
	switch in := input.(type) {
	case *scheduler.DeleteScheduleInput:
		return &scheduler.DeleteScheduleOutput{}, nil
	case *eventbridge.ListTargetsByRuleInput:
		return &eventbridge.ListTargetsByRuleOutput{Targets: []ebtypes.Target{{Id: aws.String("pipeline"), Arn: aws.String("arn:aws:sagemaker:::pipeline/dry-run")}}}, nil
	case *eventbridge.RemoveTargetsInput:
		return &eventbridge.RemoveTargetsOutput{}, nil
	case *eventbridge.DeleteRuleInput:
		return &eventbridge.DeleteRuleOutput{}, nil
	case *lambda.DeleteFunctionEventInvokeConfigInput:
		return &lambda.DeleteFunctionEventInvokeConfigOutput{}, nil
	case *lambda.DeleteFunctionInput:
		return &lambda.DeleteFunctionOutput{}, nil
	case *sqs.GetQueueUrlInput:
		return &sqs.GetQueueUrlOutput{QueueUrl: aws.String("https://sqs.dry-run.invalid/" + DryRunAccount + "/" + aws.ToString(in.QueueName))}, nil
	case *sqs.DeleteQueueInput:
		return &sqs.DeleteQueueOutput{}, nil
	case *sagemaker.ListPipelineExecutionsInput:
		return &sagemaker.ListPipelineExecutionsOutput{}, nil
	case *sagemaker.DeletePipelineInput:
		return &sagemaker.DeletePipelineOutput{}, nil
	case *sagemaker.ListModelPackagesInput:
		return &sagemaker.ListModelPackagesOutput{}, nil
	case *sagemaker.DeleteModelPackageGroupInput:
		return &sagemaker.DeleteModelPackageGroupOutput{}, nil
	case *cloudwatchlogs.DeleteLogGroupInput:
		return &cloudwatchlogs.DeleteLogGroupOutput{}, nil
	case *resourcegroupstaggingapi.GetResourcesInput:
		return &resourcegroupstaggingapi.GetResourcesOutput{}, nil
	case *s3.ListObjectVersionsInput:
		return &s3.ListObjectVersionsOutput{}, nil
	case *s3.DeleteBucketInput:
		return &s3.DeleteBucketOutput{}, nil
	case *iam.ListRolePoliciesInput:
		return &iam.ListRolePoliciesOutput{PolicyNames: []string{"dry-run"}}, nil
	case *iam.DeleteRolePolicyInput:
		return &iam.DeleteRolePolicyOutput{}, nil
	case *iam.ListAttachedRolePoliciesInput:
		return &iam.ListAttachedRolePoliciesOutput{}, nil
	case *iam.DeleteRoleInput:
		return &iam.DeleteRoleOutput{}, nil
	}
	return nil, nil
}

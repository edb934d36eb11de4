package awsfake

import (
	"context"
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	ebtypes "github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker"
	smtypes "github.com/aws/aws-sdk-go-v2/service/sagemaker/types"
	"github.com/aws/aws-sdk-go-v2/service/scheduler"
	schtypes "github.com/aws/aws-sdk-go-v2/service/scheduler/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"
	"github.com/stretchr/testify/assert"
)

// TestMotoAnswersAlike sends the same calls to this server and to moto, another program that plays AWS, where its address is
// in THREATDETECT_MOTO (which does not know the protocol that CloudWatch's client speaks): what succeeds, the codes of what fails and the names of what is made are the same.
func TestMotoAnswersAlike(t *testing.T) {
	address := os.Getenv("THREATDETECT_MOTO")
	if address == "" {
		t.Skip("THREATDETECT_MOTO is not set")
	}
	_, ours := start(t, Options{})
	theirs := aws.Config{Region: "us-east-1", BaseEndpoint: &address, Credentials: credentials.NewStaticCredentialsProvider("AKIDEXAMPLE", "secret", ""), RetryMaxAttempts: 1}
	for _, c := range motoCalls {
		got, gotErr := c.call(context.Background(), ours)
		want, wantErr := c.call(context.Background(), theirs)
		assert.Equal(t, code(wantErr), code(gotErr), "%s: moto says %v, awsfake %v", c.name, wantErr, gotErr)
		assert.Equal(t, want, got, c.name)
	}
	t.Logf("%d calls", len(motoCalls))
}

func code(err error) string {
	if err == nil {
		return ""
	}
	var api smithy.APIError
	if errors.As(err, &api) {
		return strings.TrimSuffix(api.ErrorCode(), "Exception")
	}
	return err.Error()
}

const trustAll = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"sagemaker.amazonaws.com"},"Action":"sts:AssumeRole"}]}`

// motoCalls are made in this order; each gives what is to be alike.
var motoCalls = []struct {
	name string
	call func(context.Context, aws.Config) (string, error)
}{
	{"who", func(ctx context.Context, c aws.Config) (string, error) {
		out, err := sts.NewFromConfig(c).GetCallerIdentity(ctx, nil)
		return aws.ToString(out.Account), err
	}},
	{"role", func(ctx context.Context, c aws.Config) (string, error) {
		out, err := iam.NewFromConfig(c).CreateRole(ctx, &iam.CreateRoleInput{RoleName: aws.String("td-training"), Path: aws.String("/threatdetect/"), AssumeRolePolicyDocument: aws.String(trustAll)})
		if err != nil {
			return "", err
		}
		return *out.Role.Arn, nil
	}},
	{"role again", func(ctx context.Context, c aws.Config) (string, error) {
		_, err := iam.NewFromConfig(c).CreateRole(ctx, &iam.CreateRoleInput{RoleName: aws.String("td-training"), AssumeRolePolicyDocument: aws.String(trustAll)})
		return "", err
	}},
	{"no role", func(ctx context.Context, c aws.Config) (string, error) {
		_, err := iam.NewFromConfig(c).GetRole(ctx, &iam.GetRoleInput{RoleName: aws.String("nobody")})
		return "", err
	}},
	{"role policy", func(ctx context.Context, c aws.Config) (string, error) {
		client := iam.NewFromConfig(c)
		_, err := client.PutRolePolicy(ctx, &iam.PutRolePolicyInput{RoleName: aws.String("td-training"), PolicyName: aws.String("data"), PolicyDocument: aws.String(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::b/*"}]}`)})
		if err != nil {
			return "", err
		}
		out, err := client.GetRolePolicy(ctx, &iam.GetRolePolicyInput{RoleName: aws.String("td-training"), PolicyName: aws.String("data")})
		if err != nil {
			return "", err
		}
		return *out.PolicyName, nil
	}},
	{"role with a policy is not deleted", func(ctx context.Context, c aws.Config) (string, error) {
		_, err := iam.NewFromConfig(c).DeleteRole(ctx, &iam.DeleteRoleInput{RoleName: aws.String("td-training")})
		return "", err
	}},
	{"bucket", func(ctx context.Context, c aws.Config) (string, error) {
		_, err := s3.NewFromConfig(c, pathStyle).CreateBucket(ctx, &s3.CreateBucketInput{Bucket: aws.String("td-bucket")})
		return "", err
	}},
	{"object", func(ctx context.Context, c aws.Config) (string, error) {
		out, err := s3.NewFromConfig(c, pathStyle).PutObject(ctx, &s3.PutObjectInput{Bucket: aws.String("td-bucket"), Key: aws.String("runs/r1/train/a.csv"), Body: strings.NewReader("1,2\n0,3\n")})
		if err != nil {
			return "", err
		}
		return *out.ETag, nil
	}},
	{"no object", func(ctx context.Context, c aws.Config) (string, error) {
		_, err := s3.NewFromConfig(c, pathStyle).GetObject(ctx, &s3.GetObjectInput{Bucket: aws.String("td-bucket"), Key: aws.String("none")})
		return "", err
	}},
	{"full bucket is not deleted", func(ctx context.Context, c aws.Config) (string, error) {
		_, err := s3.NewFromConfig(c, pathStyle).DeleteBucket(ctx, &s3.DeleteBucketInput{Bucket: aws.String("td-bucket")})
		return "", err
	}},
	{"training", func(ctx context.Context, c aws.Config) (string, error) {
		in := trainRequest("td-1")
		in.InputDataConfig = in.InputDataConfig[:1]
		in.RoleArn = aws.String("arn:aws:iam::111122223333:role/elsewhere")
		out, err := sagemaker.NewFromConfig(c).CreateTrainingJob(ctx, in)
		if err != nil {
			return "", err
		}
		return *out.TrainingJobArn, nil
	}},
	{"training twice", func(ctx context.Context, c aws.Config) (string, error) {
		in := trainRequest("td-1")
		in.InputDataConfig = in.InputDataConfig[:1]
		in.RoleArn = aws.String("arn:aws:iam::111122223333:role/elsewhere")
		_, err := sagemaker.NewFromConfig(c).CreateTrainingJob(ctx, in)
		if code(err) == "" { // moto forgets that names are unique
			err = &smithy.GenericAPIError{Code: "ResourceInUse"}
		}
		return "", err
	}},
	{"no training", func(ctx context.Context, c aws.Config) (string, error) {
		_, err := sagemaker.NewFromConfig(c).DescribeTrainingJob(ctx, &sagemaker.DescribeTrainingJobInput{TrainingJobName: aws.String("nothing")})
		return "", err
	}},
	{"group", func(ctx context.Context, c aws.Config) (string, error) {
		out, err := sagemaker.NewFromConfig(c).CreateModelPackageGroup(ctx, &sagemaker.CreateModelPackageGroupInput{ModelPackageGroupName: aws.String("td-models")})
		if err != nil {
			return "", err
		}
		return *out.ModelPackageGroupArn, nil
	}},
	{"package", func(ctx context.Context, c aws.Config) (string, error) {
		client := sagemaker.NewFromConfig(c)
		out, err := client.CreateModelPackage(ctx, &sagemaker.CreateModelPackageInput{ModelPackageGroupName: aws.String("td-models"), ModelApprovalStatus: smtypes.ModelApprovalStatusPendingManualApproval,
			InferenceSpecification: &smtypes.InferenceSpecification{Containers: []smtypes.ModelPackageContainerDefinition{{Image: aws.String(trainImage), ModelDataUrl: aws.String("s3://td-bucket/runs/r1/train/a.csv")}}, SupportedContentTypes: []string{"text/csv"}, SupportedResponseMIMETypes: []string{"text/csv"}}})
		if err != nil {
			return "", err
		}
		if _, err := client.UpdateModelPackage(ctx, &sagemaker.UpdateModelPackageInput{ModelPackageArn: out.ModelPackageArn, ModelApprovalStatus: smtypes.ModelApprovalStatusApproved}); err != nil {
			return "", err
		}
		l, err := client.ListModelPackages(ctx, &sagemaker.ListModelPackagesInput{ModelPackageGroupName: aws.String("td-models"), ModelApprovalStatus: smtypes.ModelApprovalStatusApproved})
		if err != nil || len(l.ModelPackageSummaryList) != 1 {
			return "", err
		}
		return *l.ModelPackageSummaryList[0].ModelPackageArn, nil
	}},
	{"endpoint of nothing", func(ctx context.Context, c aws.Config) (string, error) {
		_, err := sagemaker.NewFromConfig(c).CreateEndpoint(ctx, &sagemaker.CreateEndpointInput{EndpointName: aws.String("e"), EndpointConfigName: aws.String("nothing")})
		return "", err
	}},
	{"endpoint", func(ctx context.Context, c aws.Config) (string, error) {
		client := sagemaker.NewFromConfig(c)
		if _, err := client.CreateModel(ctx, &sagemaker.CreateModelInput{ModelName: aws.String("m"), ExecutionRoleArn: aws.String("arn:aws:iam::111122223333:role/elsewhere"),
			PrimaryContainer: &smtypes.ContainerDefinition{Image: aws.String(trainImage), ModelDataUrl: aws.String("s3://td-bucket/runs/r1/train/a.csv")}}); err != nil {
			return "", err
		}
		if _, err := client.CreateEndpointConfig(ctx, &sagemaker.CreateEndpointConfigInput{EndpointConfigName: aws.String("c"), ProductionVariants: []smtypes.ProductionVariant{{VariantName: aws.String("all"), ModelName: aws.String("m"), InstanceType: "ml.m5.large", InitialInstanceCount: aws.Int32(1)}}}); err != nil {
			return "", err
		}
		out, err := client.CreateEndpoint(ctx, &sagemaker.CreateEndpointInput{EndpointName: aws.String("e"), EndpointConfigName: aws.String("c")})
		if err != nil {
			return "", err
		}
		return *out.EndpointArn, nil
	}},
	{"pipeline", func(ctx context.Context, c aws.Config) (string, error) {
		out, err := sagemaker.NewFromConfig(c).CreatePipeline(ctx, &sagemaker.CreatePipelineInput{PipelineName: aws.String("td-pipeline"), RoleArn: aws.String("arn:aws:iam::111122223333:role/elsewhere"), ClientRequestToken: aws.String(strings.Repeat("c", 32)), PipelineDefinition: aws.String(definitionOf(nil))})
		if err != nil {
			return "", err
		}
		return *out.PipelineArn, nil
	}},
	{"pipeline again", func(ctx context.Context, c aws.Config) (string, error) {
		_, err := sagemaker.NewFromConfig(c).CreatePipeline(ctx, &sagemaker.CreatePipelineInput{PipelineName: aws.String("td-pipeline"), RoleArn: aws.String("arn:aws:iam::111122223333:role/elsewhere"), ClientRequestToken: aws.String(strings.Repeat("d", 32)), PipelineDefinition: aws.String(definitionOf(nil))})
		return "", err
	}},
	{"rule", func(ctx context.Context, c aws.Config) (string, error) {
		out, err := eventbridge.NewFromConfig(c).PutRule(ctx, &eventbridge.PutRuleInput{Name: aws.String("td"), EventPattern: aws.String(`{"source":["aws.s3"]}`)})
		if err != nil {
			return "", err
		}
		return *out.RuleArn, nil
	}},
	{"targets", func(ctx context.Context, c aws.Config) (string, error) {
		client := eventbridge.NewFromConfig(c)
		_, err := client.PutTargets(ctx, &eventbridge.PutTargetsInput{Rule: aws.String("td"), Targets: []ebtypes.Target{{Id: aws.String("q"), Arn: aws.String("arn:aws:sqs:us-east-1:111122223333:td-undone")}}})
		if err != nil {
			return "", err
		}
		_, err = client.DeleteRule(ctx, &eventbridge.DeleteRuleInput{Name: aws.String("td")})
		return "", err // a rule with targets stays
	}},
	{"no rule", func(ctx context.Context, c aws.Config) (string, error) {
		_, err := eventbridge.NewFromConfig(c).DescribeRule(ctx, &eventbridge.DescribeRuleInput{Name: aws.String("nothing")})
		return "", err
	}},
	{"schedule", func(ctx context.Context, c aws.Config) (string, error) {
		out, err := scheduler.NewFromConfig(c).CreateSchedule(ctx, &scheduler.CreateScheduleInput{Name: aws.String("td"), ScheduleExpression: aws.String("rate(1 day)"), FlexibleTimeWindow: &schtypes.FlexibleTimeWindow{Mode: schtypes.FlexibleTimeWindowModeOff},
			Target: &schtypes.Target{Arn: aws.String("arn:aws:sagemaker:us-east-1:111122223333:pipeline/td-pipeline"), RoleArn: aws.String("arn:aws:iam::111122223333:role/elsewhere")}})
		if err != nil {
			return "", err
		}
		return *out.ScheduleArn, nil
	}},
	{"no schedule", func(ctx context.Context, c aws.Config) (string, error) {
		_, err := scheduler.NewFromConfig(c).GetSchedule(ctx, &scheduler.GetScheduleInput{Name: aws.String("nothing")})
		return "", err
	}},
	{"queue", func(ctx context.Context, c aws.Config) (string, error) {
		client := sqs.NewFromConfig(c)
		q, err := client.CreateQueue(ctx, &sqs.CreateQueueInput{QueueName: aws.String("td-undone")})
		if err != nil {
			return "", err
		}
		if _, err := client.SendMessage(ctx, &sqs.SendMessageInput{QueueUrl: q.QueueUrl, MessageBody: aws.String("x")}); err != nil {
			return "", err
		}
		out, err := client.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{QueueUrl: q.QueueUrl})
		if err != nil || len(out.Messages) != 1 {
			return "", err
		}
		return *out.Messages[0].Body, nil
	}},
	{"log group", func(ctx context.Context, c aws.Config) (string, error) {
		client := cloudwatchlogs.NewFromConfig(c)
		if _, err := client.CreateLogGroup(ctx, &cloudwatchlogs.CreateLogGroupInput{LogGroupName: aws.String("/td")}); err != nil {
			return "", err
		}
		_, err := client.CreateLogGroup(ctx, &cloudwatchlogs.CreateLogGroupInput{LogGroupName: aws.String("/td")})
		return "", err
	}},
	{"no log group", func(ctx context.Context, c aws.Config) (string, error) {
		_, err := cloudwatchlogs.NewFromConfig(c).DescribeLogStreams(ctx, &cloudwatchlogs.DescribeLogStreamsInput{LogGroupName: aws.String("/nothing")})
		return "", err
	}},
}

func pathStyle(o *s3.Options) { o.UsePathStyle = true }

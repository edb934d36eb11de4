package train

import (
	"context"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	ebtypes "github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	lambdatypes "github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker"
	"github.com/aws/aws-sdk-go-v2/service/scheduler"
	"github.com/stretchr/testify/require"

	"threatdetect/internal/awsfake"
)

// TestFunctionIsDrivenByEvents builds the function's zip and lets S3's own events call it: an event that is delivered twice is
// one run, what is no marker is none, and what is no event is an error of the function.
func TestFunctionIsDrivenByEvents(t *testing.T) {
	if testing.Short() {
		t.Skip("builds the function")
	}
	ctx := context.Background()
	r := newRehearsal(t)
	arch := map[string]string{"amd64": "x86_64", "arm64": "arm64"}[runtime.GOARCH]
	p, err := BuildFunction(ctx, arch)
	require.NoError(t, err)
	_, err = r.aws.SageMaker().CreatePipeline(ctx, &sagemaker.CreatePipelineInput{PipelineName: aws.String("td-demo-pipeline"), RoleArn: aws.String("arn:aws:iam::111122223333:role/any"), ClientRequestToken: aws.String(strings.Repeat("c", 32)),
		PipelineDefinition: aws.String(`{"Version":"2020-12-01","Metadata":{},"Parameters":[{"Name":"TriggerKey","Type":"String","DefaultValue":""}],"Steps":[{"Name":"Seen","Type":"Fail","Arguments":{"ErrorMessage":{"Get":"Parameters.TriggerKey"}}}]}`)})
	require.NoError(t, err)
	f, err := r.aws.Lambda().CreateFunction(ctx, &lambda.CreateFunctionInput{FunctionName: aws.String("td-demo-trigger"), Role: aws.String("arn:aws:iam::111122223333:role/any"), Runtime: lambdatypes.RuntimeProvidedal2023, Handler: aws.String("bootstrap"),
		Architectures: []lambdatypes.Architecture{lambdatypes.Architecture(arch)}, Timeout: aws.Int32(30), Code: &lambdatypes.FunctionCode{ZipFile: p.Zip},
		Environment: &lambdatypes.Environment{Variables: map[string]string{"PIPELINE": "td-demo-pipeline", "BUCKET": "td-bucket", "PREFIX": "raw/", "MARKER": "_SUCCESS", "DEBOUNCE": "0s"}}})
	require.NoError(t, err)
	rule, err := r.aws.Events().PutRule(ctx, &eventbridge.PutRuleInput{Name: aws.String("td-demo-trigger"), EventPattern: aws.String(`{"source":["aws.s3"],"detail-type":["Object Created"],"detail":{"bucket":{"name":["td-bucket"]},"object":{"key":[{"prefix":"raw/"}]}}}`)})
	require.NoError(t, err)
	_, err = r.aws.Lambda().AddPermission(ctx, &lambda.AddPermissionInput{FunctionName: f.FunctionArn, StatementId: aws.String("events"), Action: aws.String("lambda:InvokeFunction"), Principal: aws.String("events.amazonaws.com"), SourceArn: rule.RuleArn})
	require.NoError(t, err)
	_, err = r.aws.Events().PutTargets(ctx, &eventbridge.PutTargetsInput{Rule: aws.String("td-demo-trigger"), Targets: []ebtypes.Target{{Id: aws.String("lambda"), Arn: f.FunctionArn}}})
	require.NoError(t, err)
	_, err = r.aws.S3().PutBucketNotificationConfiguration(ctx, &s3.PutBucketNotificationConfigurationInput{Bucket: aws.String("td-bucket"), NotificationConfiguration: &s3types.NotificationConfiguration{EventBridgeConfiguration: &s3types.EventBridgeConfiguration{}}})
	require.NoError(t, err)

	r.server.Inject(awsfake.Fault{Service: "events", Operation: "Deliver", Kind: "twice"})
	require.NoError(t, r.server.Put("td-bucket", "raw/monday/_SUCCESS", nil))
	require.NoError(t, r.server.Put("td-bucket", "raw/monday/conn.log", []byte("x")))
	r.server.Settle(time.Hour)
	runs, err := r.aws.SageMaker().ListPipelineExecutions(ctx, &sagemaker.ListPipelineExecutionsInput{PipelineName: aws.String("td-demo-pipeline")})
	require.NoError(t, err)
	require.Len(t, runs.PipelineExecutionSummaries, 1)
	steps, err := r.aws.SageMaker().ListPipelineExecutionSteps(ctx, &sagemaker.ListPipelineExecutionStepsInput{PipelineExecutionArn: runs.PipelineExecutionSummaries[0].PipelineExecutionArn})
	require.NoError(t, err)
	require.Equal(t, "raw/monday/_SUCCESS", *steps.PipelineExecutionSteps[0].FailureReason)

	r.checkPutOff(f.FunctionArn)

	got, err := r.aws.Lambda().Invoke(ctx, &lambda.InvokeInput{FunctionName: f.FunctionArn, Payload: []byte(`{"detail":7}`)})
	require.NoError(t, err)
	require.NotNil(t, got.FunctionError, string(got.Payload))
}

// checkPutOff lets markers come in the ten minutes after a run has begun: one run for all of them, when those are over.
func (r *rehearsal) checkPutOff(function *string) {
	ctx := context.Background()
	_, err := r.aws.Lambda().UpdateFunctionConfiguration(ctx, &lambda.UpdateFunctionConfigurationInput{FunctionName: function,
		Environment: &lambdatypes.Environment{Variables: map[string]string{"PIPELINE": "td-demo-pipeline", "BUCKET": "td-bucket", "PREFIX": "raw/", "MARKER": "_SUCCESS", "DEBOUNCE": "10m",
			"DEFERRED": "td-demo-deferred", "DEFERRED_ROLE": "arn:aws:iam::111122223333:role/any", "DEFERRED_QUEUE": "arn:aws:sqs:us-east-1:111122223333:td-demo-undone"}}})
	require.NoError(r, err)
	started := func() (keys []string) {
		runs, err := r.aws.SageMaker().ListPipelineExecutions(ctx, &sagemaker.ListPipelineExecutionsInput{PipelineName: aws.String("td-demo-pipeline")})
		require.NoError(r, err)
		for _, run := range runs.PipelineExecutionSummaries {
			steps, err := r.aws.SageMaker().ListPipelineExecutionSteps(ctx, &sagemaker.ListPipelineExecutionStepsInput{PipelineExecutionArn: run.PipelineExecutionArn})
			require.NoError(r, err)
			keys = append(keys, *steps.PipelineExecutionSteps[0].FailureReason)
		}
		return keys
	}
	waiting := func() string {
		out, err := r.aws.Scheduler().GetSchedule(ctx, &scheduler.GetScheduleInput{Name: aws.String("td-demo-deferred")})
		if err != nil {
			require.ErrorIs(r, err, ErrNotFound)
			return ""
		}
		return *out.Target.Input
	}
	require.NoError(r, r.server.Put("td-bucket", "raw/tuesday/_SUCCESS", nil))
	r.server.Advance(2 * time.Minute)
	require.Contains(r, waiting(), "raw/tuesday/_SUCCESS")
	require.NoError(r, r.server.Put("td-bucket", "raw/wednesday/_SUCCESS", nil))
	r.server.Advance(2 * time.Minute)
	require.Contains(r, waiting(), "raw/wednesday/_SUCCESS", "the last stands for all")
	require.Equal(r, []string{"raw/monday/_SUCCESS"}, started())
	r.server.Advance(10 * time.Minute)
	require.Equal(r, []string{"raw/wednesday/_SUCCESS", "raw/monday/_SUCCESS"}, started())
	require.Empty(r, waiting())
}

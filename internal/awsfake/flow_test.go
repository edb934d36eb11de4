package awsfake

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	cwtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	ebtypes "github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	lambdatypes "github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker"
	smtypes "github.com/aws/aws-sdk-go-v2/service/sagemaker/types"
	"github.com/aws/aws-sdk-go-v2/service/sagemakerruntime"
	rttypes "github.com/aws/aws-sdk-go-v2/service/sagemakerruntime/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/stretchr/testify/require"
)

const roleOfAll = "arn:aws:iam::111122223333:role/td-pipeline"

// definitionOf is a pipeline that trains, checks the metric, and registers or fails.
func definitionOf(change func(doc)) string {
	text := strings.NewReplacer("IMAGE", trainImage, "ROLE", roleOfAll).Replace(`{"Version":"2020-12-01","Metadata":{},
	 "Parameters":[{"Name":"Key","Type":"String","DefaultValue":"none"},{"Name":"MinAUC","Type":"Float","DefaultValue":0.95},
	  {"Name":"Approval","Type":"String","DefaultValue":"PendingManualApproval","EnumValues":["PendingManualApproval","Approved"]}],
	 "Steps":[
	  {"Name":"Train","Type":"Training","CacheConfig":{"Enabled":true,"ExpireAfter":"P30D"},
	   "RetryPolicies":[{"ExceptionType":["SageMaker.JOB_INTERNAL_ERROR","SageMaker.CAPACITY_ERROR"],"IntervalSeconds":60,"BackoffRate":2.0,"MaxAttempts":3}],
	   "Arguments":{"RoleArn":"ROLE","AlgorithmSpecification":{"TrainingImage":"IMAGE","TrainingInputMode":"File"},
	    "HyperParameters":{"objective":"binary:logistic","num_round":"100","eval_metric":"logloss,auc"},
	    "InputDataConfig":[
	     {"ChannelName":"train","ContentType":"text/csv","DataSource":{"S3DataSource":{"S3DataType":"S3Prefix","S3Uri":{"Std:Join":{"On":"/","Values":["s3://td-bucket/runs","r1","train/"]}}}}},
	     {"ChannelName":"validation","ContentType":"text/csv","DataSource":{"S3DataSource":{"S3DataType":"S3Prefix","S3Uri":"s3://td-bucket/runs/r1/validation/"}}}],
	    "OutputDataConfig":{"S3OutputPath":"s3://td-bucket/models/"},
	    "ResourceConfig":{"InstanceCount":1,"InstanceType":"ml.m5.large","VolumeSizeInGB":10},"StoppingCondition":{"MaxRuntimeInSeconds":3600}}},
	  {"Name":"CheckAUC","Type":"Condition","Arguments":{
	   "Conditions":[{"Type":"GreaterThanOrEqualTo","LeftValue":{"Get":"Steps.Train.FinalMetricDataList['validation:auc'].Value"},"RightValue":{"Get":"Parameters.MinAUC"}}],
	   "IfSteps":[{"Name":"Register","Type":"RegisterModel","Arguments":{"ModelPackageGroupName":"td-models","ModelApprovalStatus":{"Get":"Parameters.Approval"},
	    "InferenceSpecification":{"Containers":[{"Image":"IMAGE","ModelDataUrl":{"Get":"Steps.Train.ModelArtifacts.S3ModelArtifacts"}}],
	     "SupportedContentTypes":["text/csv"],"SupportedResponseMIMETypes":["text/csv"]}}}],
	   "ElseSteps":[{"Name":"TooWeak","Type":"Fail","Arguments":{"ErrorMessage":{"Std:Join":{"On":" ","Values":["validation AUC below",{"Get":"Parameters.MinAUC"}]}}}}]}}]}`)
	var d doc
	if err := json.Unmarshal([]byte(text), &d); err != nil {
		panic(err)
	}
	if change != nil {
		change(d)
	}
	return toJSON(d)
}

func runPipeline(t *testing.T, s *Server, client *sagemaker.Client, token string, parameters ...smtypes.Parameter) (*sagemaker.DescribePipelineExecutionOutput, map[string]smtypes.PipelineExecutionStep) {
	ctx := context.Background()
	run, err := client.StartPipelineExecution(ctx, &sagemaker.StartPipelineExecutionInput{PipelineName: aws.String("td-pipeline"), ClientRequestToken: aws.String(token + strings.Repeat("0", 32)), PipelineParameters: parameters})
	require.NoError(t, err)
	s.Settle(24 * time.Hour)
	d, err := client.DescribePipelineExecution(ctx, &sagemaker.DescribePipelineExecutionInput{PipelineExecutionArn: run.PipelineExecutionArn})
	require.NoError(t, err)
	l, err := client.ListPipelineExecutionSteps(ctx, &sagemaker.ListPipelineExecutionStepsInput{PipelineExecutionArn: run.PipelineExecutionArn})
	require.NoError(t, err)
	steps := map[string]smtypes.PipelineExecutionStep{}
	for _, st := range l.PipelineExecutionSteps {
		steps[*st.StepName] = st
	}
	return d, steps
}

func TestPipelineOverTheSDK(t *testing.T) {
	ctx := context.Background()
	s, cfg := start(t, Options{})
	putTrainingData(t, s)
	client := sagemaker.NewFromConfig(cfg)
	_, err := client.CreatePipeline(ctx, &sagemaker.CreatePipelineInput{PipelineName: aws.String("td-pipeline"), RoleArn: aws.String(roleOfAll), ClientRequestToken: aws.String(strings.Repeat("c", 32)),
		PipelineDefinition: aws.String(definitionOf(nil))})
	require.NoError(t, err)
	_, err = client.CreatePipeline(ctx, &sagemaker.CreatePipelineInput{PipelineName: aws.String("td-pipeline"), RoleArn: aws.String(roleOfAll), ClientRequestToken: aws.String(strings.Repeat("d", 32)),
		PipelineDefinition: aws.String(definitionOf(nil))})
	requireCode(t, err, "ValidationException", "already exists")

	s.Inject(Fault{Service: "sagemaker", Operation: "CreateTrainingJob", Kind: "capacity", Times: 2})
	d, steps := runPipeline(t, s, client, "1")
	require.Equal(t, smtypes.PipelineExecutionStatusSucceeded, d.PipelineExecutionStatus)
	require.Equal(t, "True", string(steps["CheckAUC"].Metadata.Condition.Outcome))
	require.EqualValues(t, 3, *steps["Train"].AttemptCount)
	require.Contains(t, *steps["Register"].Metadata.RegisterModel.Arn, "model-package/td-models/1")
	require.NotContains(t, steps, "TooWeak")

	d, steps = runPipeline(t, s, client, "2", smtypes.Parameter{Name: aws.String("MinAUC"), Value: aws.String("0.999")})
	require.Equal(t, smtypes.PipelineExecutionStatusFailed, d.PipelineExecutionStatus)
	require.Equal(t, "validation AUC below 0.999", *steps["TooWeak"].FailureReason)
	require.NotNil(t, steps["Train"].CacheHitResult, "the same arguments are not trained twice")

	_, err = client.StartPipelineExecution(ctx, &sagemaker.StartPipelineExecutionInput{PipelineName: aws.String("td-pipeline"), PipelineParameters: []smtypes.Parameter{{Name: aws.String("Nothing"), Value: aws.String("")}}})
	requireCode(t, err, "ValidationException", "not defined")
	again, err := client.StartPipelineExecution(ctx, &sagemaker.StartPipelineExecutionInput{PipelineName: aws.String("td-pipeline"), ClientRequestToken: aws.String("1" + strings.Repeat("0", 32))})
	require.NoError(t, err)
	list, err := client.ListPipelineExecutions(ctx, &sagemaker.ListPipelineExecutionsInput{PipelineName: aws.String("td-pipeline"), SortOrder: smtypes.SortOrderAscending})
	require.NoError(t, err)
	require.Len(t, list.PipelineExecutionSummaries, 2)
	require.Equal(t, *list.PipelineExecutionSummaries[0].PipelineExecutionArn, *again.PipelineExecutionArn, "the same token is the same execution")
}

func TestDefinitionsAreJudged(t *testing.T) {
	steps := func(d doc) []any { return d["Steps"].([]any) }
	train := func(d doc) doc { return steps(d)[0].(doc) }
	for name, c := range map[string]struct {
		change func(doc)
		says   string
	}{
		"version":   {func(d doc) { d["Version"] = "2021" }, "Version"},
		"member":    {func(d doc) { sub(train(d), "Arguments")["Hyperparameters"] = doc{} }, "unknown member hyperparameters"},
		"job name":  {func(d doc) { sub(train(d), "Arguments")["TrainingJobName"] = "x" }, "given by the service"},
		"twice":     {func(d doc) { d["Steps"] = append(steps(d), train(d)) }, "there twice"},
		"no step":   {func(d doc) { train(d)["DependsOn"] = []any{"Nothing"} }, "no such step"},
		"circle":    {func(d doc) { train(d)["DependsOn"] = []any{"CheckAUC"} }, "circle"},
		"parameter": {func(d doc) { d["Parameters"] = []any{} }, "no such parameter"},
		"default":   {func(d doc) { d["Parameters"].([]any)[2].(doc)["DefaultValue"] = "Perhaps" }, "none of its values"},
		"property": {func(d doc) {
			sub(steps(d)[1].(doc), "Arguments")["Conditions"].([]any)[0].(doc)["LeftValue"] = doc{"Get": "Steps.Train.Metrics.Value"}
		}, "has no Metrics"},
		"retry":          {func(d doc) { train(d)["RetryPolicies"].([]any)[0].(doc)["ExpireAfterMin"] = 5 }, "either MaxAttempts or ExpireAfterMin"},
		"instance":       {func(d doc) { sub(train(d), "Arguments", "ResourceConfig")["InstanceType"] = "ml.huge" }, "enum value set"},
		"missing member": {func(d doc) { delete(sub(train(d), "Arguments"), "OutputDataConfig") }, "OutputDataConfig is missing"},
		"expiry":         {func(d doc) { sub(train(d), "CacheConfig")["ExpireAfter"] = "30 days" }, "no duration"},
		"type":           {func(d doc) { train(d)["Type"] = "Trainning" }, "does not run steps of type"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := parseDefinition(definitionOf(c.change))
			require.NotNil(t, err)
			require.Contains(t, err.Message, c.says)
		})
	}
	_, err := parseDefinition(definitionOf(nil))
	require.Nil(t, err)
}

func TestObjectsStartPipelinesByRule(t *testing.T) {
	ctx := context.Background()
	s, cfg := start(t, Options{})
	putTrainingData(t, s)
	sm, eb, queues := sagemaker.NewFromConfig(cfg), eventbridge.NewFromConfig(cfg), sqs.NewFromConfig(cfg)
	_, err := sm.CreatePipeline(ctx, &sagemaker.CreatePipelineInput{PipelineName: aws.String("td-pipeline"), RoleArn: aws.String(roleOfAll), ClientRequestToken: aws.String(strings.Repeat("c", 32)),
		PipelineDefinition: aws.String(definitionOf(nil))})
	require.NoError(t, err)
	_, err = s3.NewFromConfig(cfg).PutBucketNotificationConfiguration(ctx, &s3.PutBucketNotificationConfigurationInput{Bucket: aws.String("td-bucket"), NotificationConfiguration: &s3types.NotificationConfiguration{EventBridgeConfiguration: &s3types.EventBridgeConfiguration{}}})
	require.NoError(t, err)
	q, err := queues.CreateQueue(ctx, &sqs.CreateQueueInput{QueueName: aws.String("td-undone")})
	require.NoError(t, err)
	_, err = eb.PutRule(ctx, &eventbridge.PutRuleInput{Name: aws.String("td"), EventPattern: aws.String(`{"source":["aws.s3"],"detail":{"object":{"key":[{"nothing":1}]}}}`)})
	requireCode(t, err, "InvalidEventPatternException", "Unrecognized match type")
	_, err = eb.PutRule(ctx, &eventbridge.PutRuleInput{Name: aws.String("td"), EventPattern: aws.String(`{"source":["aws.s3"],"detail-type":["Object Created"],"detail":{"bucket":{"name":["td-bucket"]},"object":{"key":[{"wildcard":"new-data/*/_SUCCESS"}]}}}`)})
	require.NoError(t, err)
	target := ebtypes.Target{Id: aws.String("pipeline"), Arn: aws.String("arn:aws:sagemaker:us-east-1:111122223333:pipeline/td-pipeline"), RoleArn: aws.String(roleOfAll),
		DeadLetterConfig:            &ebtypes.DeadLetterConfig{Arn: aws.String("arn:aws:sqs:us-east-1:111122223333:td-undone")},
		SageMakerPipelineParameters: &ebtypes.SageMakerPipelineParameters{PipelineParameterList: []ebtypes.SageMakerPipelineParameter{{Name: aws.String("Key"), Value: aws.String("$.detail.object.key")}}}}
	put, err := eb.PutTargets(ctx, &eventbridge.PutTargetsInput{Rule: aws.String("td"), Targets: []ebtypes.Target{target}})
	require.NoError(t, err)
	require.Zero(t, put.FailedEntryCount)

	require.NoError(t, s.Put("td-bucket", "new-data/monday/conn.log", []byte("x")))
	require.NoError(t, s.Put("td-bucket", "new-data/monday/_SUCCESS", nil))
	s.Settle(time.Hour)
	runs, err := sm.ListPipelineExecutions(ctx, &sagemaker.ListPipelineExecutionsInput{PipelineName: aws.String("td-pipeline")})
	require.NoError(t, err)
	require.Len(t, runs.PipelineExecutionSummaries, 1)
	parameters, err := sm.ListPipelineParametersForExecution(ctx, &sagemaker.ListPipelineParametersForExecutionInput{PipelineExecutionArn: runs.PipelineExecutionSummaries[0].PipelineExecutionArn})
	require.NoError(t, err)
	require.Contains(t, toJSON(parameters.PipelineParameters), "new-data/monday/_SUCCESS")

	// What cannot be delivered is in the queue.
	_, err = sm.DeletePipeline(ctx, &sagemaker.DeletePipelineInput{PipelineName: aws.String("td-pipeline"), ClientRequestToken: aws.String(strings.Repeat("e", 32))})
	require.NoError(t, err)
	require.NoError(t, s.Put("td-bucket", "new-data/tuesday/_SUCCESS", nil))
	s.Settle(time.Hour)
	got, err := queues.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{QueueUrl: q.QueueUrl, MessageAttributeNames: []string{"All"}})
	require.NoError(t, err)
	require.Len(t, got.Messages, 1)
	require.Contains(t, *got.Messages[0].Body, "new-data/tuesday/_SUCCESS")
	stats, err := cloudwatch.NewFromConfig(cfg).GetMetricStatistics(ctx, &cloudwatch.GetMetricStatisticsInput{Namespace: aws.String("AWS/Events"), MetricName: aws.String("InvocationsSentToDLQ"),
		Dimensions: []cwtypes.Dimension{{Name: aws.String("RuleName"), Value: aws.String("td")}}, StartTime: aws.Time(s.Now().Add(-24 * time.Hour)), EndTime: aws.Time(s.Now().Add(time.Minute)), Period: aws.Int32(86400), Statistics: []cwtypes.Statistic{cwtypes.StatisticSum}})
	require.NoError(t, err)
	require.Len(t, stats.Datapoints, 1)
	require.Equal(t, 1.0, *stats.Datapoints[0].Sum)
}

func TestEndpointOverTheSDK(t *testing.T) {
	ctx := context.Background()
	s, cfg := start(t, Options{})
	client := sagemaker.NewFromConfig(cfg)
	body, err := os.ReadFile("../../testdata/container/1.7-1-logistic.tar.gz")
	require.NoError(t, err)
	require.NoError(t, s.Put("td-bucket", "models/m/model.tar.gz", body))
	_, err = client.CreateModel(ctx, &sagemaker.CreateModelInput{ModelName: aws.String("m"), ExecutionRoleArn: aws.String(roleOfAll), PrimaryContainer: &smtypes.ContainerDefinition{Image: aws.String(trainImage), ModelDataUrl: aws.String("s3://td-bucket/models/m/nothing")}})
	requireCode(t, err, "ValidationException", "Could not find model data")
	_, err = client.CreateModel(ctx, &sagemaker.CreateModelInput{ModelName: aws.String("m"), ExecutionRoleArn: aws.String(roleOfAll), PrimaryContainer: &smtypes.ContainerDefinition{Image: aws.String(trainImage), ModelDataUrl: aws.String("s3://td-bucket/models/m/model.tar.gz")}})
	require.NoError(t, err)
	_, err = client.CreateEndpointConfig(ctx, &sagemaker.CreateEndpointConfigInput{EndpointConfigName: aws.String("c"), ProductionVariants: []smtypes.ProductionVariant{{VariantName: aws.String("all"), ModelName: aws.String("m"), InstanceType: "ml.m5.large", InitialInstanceCount: aws.Int32(1)}}})
	require.NoError(t, err)
	_, err = client.CreateEndpoint(ctx, &sagemaker.CreateEndpointInput{EndpointName: aws.String("e"), EndpointConfigName: aws.String("c")})
	require.NoError(t, err)
	runtime := sagemakerruntime.NewFromConfig(cfg)
	_, err = runtime.InvokeEndpoint(ctx, &sagemakerruntime.InvokeEndpointInput{EndpointName: aws.String("e"), ContentType: aws.String("text/csv"), Body: []byte("1,2\n")})
	requireCode(t, err, "ValidationError", "Creating")
	s.Settle(time.Hour)
	d, err := client.DescribeEndpoint(ctx, &sagemaker.DescribeEndpointInput{EndpointName: aws.String("e")})
	require.NoError(t, err)
	require.Equal(t, smtypes.EndpointStatusInService, d.EndpointStatus, "%v", aws.ToString(d.FailureReason))
	got, err := runtime.InvokeEndpoint(ctx, &sagemakerruntime.InvokeEndpointInput{EndpointName: aws.String("e"), ContentType: aws.String("text/csv"), Body: []byte("1,2\n3,4\n")})
	require.NoError(t, err)
	require.Equal(t, 2, bytes.Count(got.Body, []byte("\n")))
	_, err = runtime.InvokeEndpoint(ctx, &sagemakerruntime.InvokeEndpointInput{EndpointName: aws.String("e"), ContentType: aws.String("text/csv"), Body: []byte("a,b\n")})
	var model *rttypes.ModelError
	require.ErrorAs(t, err, &model)
	require.EqualValues(t, 415, *model.OriginalStatusCode)
	require.EqualValues(t, 2, s.Invocations("e"))
}

func TestRolesAndPoliciesAreHeldAgainstUse(t *testing.T) {
	ctx := context.Background()
	s, cfg := start(t, Options{StrictIAM: true})
	putTrainingData(t, s)
	client, roles := sagemaker.NewFromConfig(cfg), iam.NewFromConfig(cfg)
	_, err := client.CreateTrainingJob(ctx, trainRequest("td-1"))
	requireCode(t, err, "ValidationException", "Could not assume role")
	trust := func(service string) *string {
		return aws.String(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"` + service + `"},"Action":"sts:AssumeRole"}]}`)
	}
	_, err = roles.CreateRole(ctx, &iam.CreateRoleInput{RoleName: aws.String("td-training"), AssumeRolePolicyDocument: aws.String(`{"Version":"2012-10-17","Statement":[]}`)})
	requireCode(t, err, "MalformedPolicyDocument", "")
	_, err = roles.CreateRole(ctx, &iam.CreateRoleInput{RoleName: aws.String("td-training"), AssumeRolePolicyDocument: trust("events.amazonaws.com")})
	require.NoError(t, err)
	_, err = client.CreateTrainingJob(ctx, trainRequest("td-1"))
	requireCode(t, err, "ValidationException", "Could not assume role")
	_, err = roles.UpdateAssumeRolePolicy(ctx, &iam.UpdateAssumeRolePolicyInput{RoleName: aws.String("td-training"), PolicyDocument: trust("sagemaker.amazonaws.com")})
	require.NoError(t, err)
	_, err = client.CreateTrainingJob(ctx, trainRequest("td-1"))
	requireCode(t, err, "ValidationException", "s3:ListBucket")
	_, err = roles.PutRolePolicy(ctx, &iam.PutRolePolicyInput{RoleName: aws.String("td-training"), PolicyName: aws.String("data"), PolicyDocument: aws.String(`{"Version":"2012-10-17","Statement":[
		{"Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::td-bucket/runs/*"},
		{"Effect":"Allow","Action":"s3:ListBucket","Resource":"arn:aws:s3:::td-bucket","Condition":{"StringLike":{"s3:prefix":["runs/*"]}}},
		{"Effect":"Allow","Action":["s3:PutObject"],"Resource":"arn:aws:s3:::td-bucket/models/*"}]}`)})
	require.NoError(t, err)
	_, err = client.CreateTrainingJob(ctx, trainRequest("td-1"))
	require.NoError(t, err)
	in := trainRequest("td-2")
	in.OutputDataConfig.S3OutputPath = aws.String("s3://td-bucket/elsewhere/")
	_, err = client.CreateTrainingJob(ctx, in)
	requireCode(t, err, "ValidationException", "s3:PutObject")
}

// TestFunctionOverTheSDK builds a program with the SDK's runtime client left out: what it speaks is the runtime API itself.
func TestFunctionOverTheSDK(t *testing.T) {
	if testing.Short() {
		t.Skip("builds a program")
	}
	ctx := context.Background()
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "main.go"), []byte(`package main

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
)

func main() {
	api := "http://" + os.Getenv("AWS_LAMBDA_RUNTIME_API") + "/2018-06-01/runtime/invocation/"
	r, err := http.Get(api + "next")
	if err != nil {
		panic(err)
	}
	body, _ := io.ReadAll(r.Body)
	fmt.Println("got", string(body))
	end := "/response"
	if strings.Contains(string(body), "bad") {
		end = "/error"
	}
	http.Post(api+r.Header.Get("Lambda-Runtime-Aws-Request-Id")+end, "application/json", strings.NewReader("{\"seen\":"+string(body)+"}"))
	http.Get(api + "next")
}
`), 0o600))
	build := exec.Command("go", "build", "-o", filepath.Join(dir, "bootstrap"), filepath.Join(dir, "main.go"))
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	out, err := build.CombinedOutput()
	require.NoError(t, err, string(out))
	program, err := os.ReadFile(filepath.Join(dir, "bootstrap"))
	require.NoError(t, err)
	pack := func(mode os.FileMode) []byte {
		var b bytes.Buffer
		z := zip.NewWriter(&b)
		h := &zip.FileHeader{Name: "bootstrap", Method: zip.Deflate}
		h.SetMode(mode)
		w, err := z.CreateHeader(h)
		require.NoError(t, err)
		w.Write(program)
		require.NoError(t, z.Close())
		return b.Bytes()
	}
	s, cfg := start(t, Options{})
	client := lambda.NewFromConfig(cfg)
	create := func(code []byte) error {
		_, err := client.CreateFunction(ctx, &lambda.CreateFunctionInput{FunctionName: aws.String("td"), Role: aws.String(roleOfAll), Runtime: lambdatypes.RuntimeProvidedal2023, Handler: aws.String("bootstrap"),
			Timeout: aws.Int32(10), Code: &lambdatypes.FunctionCode{ZipFile: code}, DeadLetterConfig: &lambdatypes.DeadLetterConfig{TargetArn: aws.String("arn:aws:sqs:us-east-1:111122223333:td-undone")}})
		return err
	}
	requireCode(t, create(pack(0o644)), "InvalidParameterValueException", "not executable")
	require.NoError(t, create(pack(0o755)))
	got, err := client.Invoke(ctx, &lambda.InvokeInput{FunctionName: aws.String("td"), Payload: []byte(`{"a":1}`)})
	require.NoError(t, err)
	require.JSONEq(t, `{"seen":{"a":1}}`, string(got.Payload))

	// An event that fails is tried twice more, and then in the queue.
	queues := sqs.NewFromConfig(cfg)
	q, err := queues.CreateQueue(ctx, &sqs.CreateQueueInput{QueueName: aws.String("td-undone")})
	require.NoError(t, err)
	_, err = client.Invoke(ctx, &lambda.InvokeInput{FunctionName: aws.String("td"), InvocationType: lambdatypes.InvocationTypeEvent, Payload: []byte(`"bad"`)})
	require.NoError(t, err)
	s.Settle(time.Hour)
	left, err := queues.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{QueueUrl: q.QueueUrl})
	require.NoError(t, err)
	require.Len(t, left.Messages, 1)
	require.Equal(t, 4, s.thing("function", "td").data.(*function).calls)
}

func TestMetricsAndAlarmsOverTheSDK(t *testing.T) {
	ctx := context.Background()
	s, cfg := start(t, Options{Tick: -1})
	client := cloudwatch.NewFromConfig(cfg)
	_, err := client.PutMetricAlarm(ctx, &cloudwatch.PutMetricAlarmInput{AlarmName: aws.String("td"), Namespace: aws.String("ThreatDetect"), MetricName: aws.String("Threats"), Statistic: cwtypes.StatisticSum, Period: aws.Int32(300),
		EvaluationPeriods: aws.Int32(1), Threshold: aws.Float64(2), ComparisonOperator: cwtypes.ComparisonOperatorGreaterThanOrEqualToThreshold, TreatMissingData: aws.String("notBreaching")})
	require.NoError(t, err)
	state := func() cwtypes.StateValue {
		out, err := client.DescribeAlarms(ctx, &cloudwatch.DescribeAlarmsInput{AlarmNames: []string{"td"}})
		require.NoError(t, err)
		return out.MetricAlarms[0].StateValue
	}
	require.Equal(t, cwtypes.StateValueOk, state())
	_, err = client.PutMetricData(ctx, &cloudwatch.PutMetricDataInput{Namespace: aws.String("ThreatDetect"), MetricData: []cwtypes.MetricDatum{{MetricName: aws.String("Threats"), Value: aws.Float64(3), Timestamp: aws.Time(s.Now())}}})
	require.NoError(t, err)
	require.Equal(t, cwtypes.StateValueAlarm, state())
	s.Advance(time.Hour)
	require.Equal(t, cwtypes.StateValueOk, state())
}

package awsfake

import (
	"bytes"
	"context"
	"crypto/rand"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/feature/s3/transfermanager"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker"
	smtypes "github.com/aws/aws-sdk-go-v2/service/sagemaker/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"
	"github.com/stretchr/testify/require"
)

// start gives a server and what clients of it are made of. These tests speak with the real SDK alone, and know nothing of
// package train.
func start(t *testing.T, o Options) (*Server, aws.Config) {
	t.Helper()
	if o.Start.IsZero() {
		o.Start = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	}
	s, err := New(o)
	require.NoError(t, err)
	t.Cleanup(func() { s.Close() })
	return s, aws.Config{Region: "us-east-1", BaseEndpoint: aws.String(s.URL), Credentials: credentials.NewStaticCredentialsProvider("AKIDEXAMPLE", "secret", ""),
		RetryMaxAttempts: 1}
}

const trainImage = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:1.7-1"

func trainRequest(name string) *sagemaker.CreateTrainingJobInput {
	channel := func(name string) smtypes.Channel {
		return smtypes.Channel{ChannelName: aws.String(name), ContentType: aws.String("text/csv"), DataSource: &smtypes.DataSource{
			S3DataSource: &smtypes.S3DataSource{S3DataType: smtypes.S3DataTypeS3Prefix, S3Uri: aws.String("s3://td-bucket/runs/r1/" + name + "/")}}}
	}
	return &sagemaker.CreateTrainingJobInput{
		TrainingJobName:        aws.String(name),
		RoleArn:                aws.String("arn:aws:iam::111122223333:role/td-training"),
		AlgorithmSpecification: &smtypes.AlgorithmSpecification{TrainingImage: aws.String(trainImage), TrainingInputMode: smtypes.TrainingInputModeFile},
		HyperParameters:        map[string]string{"objective": "binary:logistic", "num_round": "100", "max_depth": "5", "eval_metric": "auc,logloss,aucpr"},
		InputDataConfig:        []smtypes.Channel{channel("train"), channel("validation")},
		OutputDataConfig:       &smtypes.OutputDataConfig{S3OutputPath: aws.String("s3://td-bucket/models/")},
		ResourceConfig:         &smtypes.ResourceConfig{InstanceType: smtypes.TrainingInstanceTypeMlM5Large, InstanceCount: aws.Int32(1), VolumeSizeInGB: aws.Int32(10)},
		StoppingCondition:      &smtypes.StoppingCondition{MaxRuntimeInSeconds: aws.Int32(3600)},
		Tags:                   []smtypes.Tag{{Key: aws.String("threatdetect:stack"), Value: aws.String("td")}},
	}
}

func putTrainingData(t *testing.T, s *Server) {
	rows := "0,1.5,2\n1,3,4\n0,,1\n1,7,8\n"
	require.NoError(t, s.Put("td-bucket", "runs/r1/train/part-0.csv", []byte(rows)))
	require.NoError(t, s.Put("td-bucket", "runs/r1/validation/part-0.csv", []byte(rows)))
}

func TestTrainingJobOverTheSDK(t *testing.T) {
	ctx := context.Background()
	s, cfg := start(t, Options{})
	putTrainingData(t, s)
	client, logs := sagemaker.NewFromConfig(cfg), cloudwatchlogs.NewFromConfig(cfg)

	id, err := sts.NewFromConfig(cfg).GetCallerIdentity(ctx, nil)
	require.NoError(t, err)
	require.Equal(t, Account, *id.Account)

	_, err = client.DescribeTrainingJob(ctx, &sagemaker.DescribeTrainingJobInput{TrainingJobName: aws.String("nothing")})
	requireCode(t, err, "ValidationException", "not found")
	out, err := client.CreateTrainingJob(ctx, trainRequest("td-1"))
	require.NoError(t, err)
	require.Equal(t, "arn:aws:sagemaker:us-east-1:111122223333:training-job/td-1", *out.TrainingJobArn)
	_, err = client.CreateTrainingJob(ctx, trainRequest("td-1"))
	var inUse *smtypes.ResourceInUse
	require.ErrorAs(t, err, &inUse)

	var seen []string
	for range 40 {
		d, err := client.DescribeTrainingJob(ctx, &sagemaker.DescribeTrainingJobInput{TrainingJobName: aws.String("td-1")})
		require.NoError(t, err)
		if n := len(seen); n == 0 || seen[n-1] != string(d.SecondaryStatus) {
			seen = append(seen, string(d.SecondaryStatus))
		}
		if d.TrainingJobStatus != smtypes.TrainingJobStatusInProgress {
			require.Equal(t, "s3://td-bucket/models/td-1/output/model.tar.gz", *d.ModelArtifacts.S3ModelArtifacts)
			require.NotEmpty(t, d.FinalMetricDataList)
			require.Len(t, d.SecondaryStatusTransitions, 6)
			break
		}
	}
	require.Equal(t, []string{"Starting", "Downloading", "Training", "Uploading", "Completed"}, seen)

	streams, err := logs.DescribeLogStreams(ctx, &cloudwatchlogs.DescribeLogStreamsInput{LogGroupName: aws.String("/aws/sagemaker/TrainingJobs"), LogStreamNamePrefix: aws.String("td-1/")})
	require.NoError(t, err)
	require.Len(t, streams.LogStreams, 1)
	events, err := logs.GetLogEvents(ctx, &cloudwatchlogs.GetLogEventsInput{LogGroupName: aws.String("/aws/sagemaker/TrainingJobs"), LogStreamName: streams.LogStreams[0].LogStreamName, StartFromHead: aws.Bool(true)})
	require.NoError(t, err)
	require.Contains(t, *events.Events[len(events.Events)-1].Message, "[99]#011train-auc:")
	again, err := logs.GetLogEvents(ctx, &cloudwatchlogs.GetLogEventsInput{LogGroupName: aws.String("/aws/sagemaker/TrainingJobs"), LogStreamName: streams.LogStreams[0].LogStreamName, NextToken: events.NextForwardToken})
	require.NoError(t, err)
	require.Empty(t, again.Events)
	require.Equal(t, *events.NextForwardToken, *again.NextForwardToken)

	object, err := s3.NewFromConfig(cfg).GetObject(ctx, &s3.GetObjectInput{Bucket: aws.String("td-bucket"), Key: aws.String("models/td-1/output/model.tar.gz")})
	require.NoError(t, err)
	body, err := io.ReadAll(object.Body)
	require.NoError(t, err)
	require.Equal(t, "\x1f\x8b", string(body[:2]))
}

func requireCode(t *testing.T, err error, code, text string) {
	t.Helper()
	var api smithy.APIError
	require.ErrorAs(t, err, &api)
	require.Equal(t, code, api.ErrorCode())
	require.Contains(t, api.ErrorMessage(), text)
}

func TestRequestsAreHeldAgainstTheirShapes(t *testing.T) {
	s, cfg := start(t, Options{})
	putTrainingData(t, s)
	client := sagemaker.NewFromConfig(cfg)
	for name, c := range map[string]struct {
		change func(*sagemaker.CreateTrainingJobInput)
		says   string
	}{
		"name":      {func(in *sagemaker.CreateTrainingJobInput) { in.TrainingJobName = aws.String("td_1") }, "regular expression pattern"},
		"long name": {func(in *sagemaker.CreateTrainingJobInput) { in.TrainingJobName = aws.String(strings.Repeat("a", 64)) }, "less than or equal to 63"},
		"role":      {func(in *sagemaker.CreateTrainingJobInput) { in.RoleArn = aws.String("td-training") }, "roleArn"},
		"instance":  {func(in *sagemaker.CreateTrainingJobInput) { in.ResourceConfig.InstanceType = "ml.m5.huge" }, "enum value set"},
		"wait":      {func(in *sagemaker.CreateTrainingJobInput) { in.EnableManagedSpotTraining = aws.Bool(true) }, "MaxWaitTimeInSeconds"},
		"no data": {func(in *sagemaker.CreateTrainingJobInput) {
			in.InputDataConfig[0].DataSource.S3DataSource.S3Uri = aws.String("s3://td-bucket/none/")
		}, "No S3 objects found"},
		"account": {func(in *sagemaker.CreateTrainingJobInput) {
			in.AlgorithmSpecification.TrainingImage = aws.String(strings.Replace(trainImage, "683313688378", "683313688379", 1))
		}, "Cannot find repository"},
		"tag": {func(in *sagemaker.CreateTrainingJobInput) {
			in.AlgorithmSpecification.TrainingImage = aws.String(strings.Replace(trainImage, "1.7-1", "1.7-9", 1))
		}, "no tag"},
		"region": {func(in *sagemaker.CreateTrainingJobInput) {
			in.AlgorithmSpecification.TrainingImage = aws.String(strings.Replace(trainImage, "us-east-1", "us-west-2", 1))
		}, "region"},
		"metrics": {func(in *sagemaker.CreateTrainingJobInput) {
			in.AlgorithmSpecification.MetricDefinitions = []smtypes.MetricDefinition{{Name: aws.String("a"), Regex: aws.String("b")}}
		}, "override the metric definitions"},
		"volume":       {func(in *sagemaker.CreateTrainingJobInput) { in.ResourceConfig.VolumeSizeInGB = aws.Int32(-1) }, "greater than or equal to"},
		"same channel": {func(in *sagemaker.CreateTrainingJobInput) { in.InputDataConfig[1] = in.InputDataConfig[0] }, "Duplicate channel"},
	} {
		t.Run(name, func(t *testing.T) {
			in := trainRequest("td-1")
			c.change(in)
			_, err := client.CreateTrainingJob(context.Background(), in)
			requireCode(t, err, "ValidationException", c.says)
		})
	}
}

func TestObjectsOverTheSDK(t *testing.T) {
	ctx := context.Background()
	s, cfg := start(t, Options{})
	client := s3.NewFromConfig(cfg)
	bucket := aws.String("td-bucket")
	_, err := client.CreateBucket(ctx, &s3.CreateBucketInput{Bucket: bucket})
	require.NoError(t, err)

	put, err := client.PutObject(ctx, &s3.PutObjectInput{Bucket: bucket, Key: aws.String("a"), Body: strings.NewReader("text"), ChecksumAlgorithm: s3types.ChecksumAlgorithmSha256})
	require.NoError(t, err)
	require.NotEmpty(t, *put.ChecksumSHA256)
	_, err = client.PutObject(ctx, &s3.PutObjectInput{Bucket: bucket, Key: aws.String("a"), Body: strings.NewReader("text"), IfNoneMatch: aws.String("*")})
	requireCode(t, err, "PreconditionFailed", "")
	_, err = client.PutObject(ctx, &s3.PutObjectInput{Bucket: bucket, Key: aws.String("a"), Body: strings.NewReader("text"), ChecksumSHA256: aws.String("AAAA")})
	requireCode(t, err, "BadDigest", "")
	got, err := client.GetObject(ctx, &s3.GetObjectInput{Bucket: bucket, Key: aws.String("a"), ChecksumMode: s3types.ChecksumModeEnabled})
	require.NoError(t, err)
	require.Equal(t, *put.ChecksumSHA256, *got.ChecksumSHA256)
	_, err = client.GetObject(ctx, &s3.GetObjectInput{Bucket: bucket, Key: aws.String("a"), IfMatch: aws.String(`"0"`)})
	requireCode(t, err, "PreconditionFailed", "")

	body := make([]byte, 12<<20)
	rand.Read(body)
	manager := transfermanager.New(client, func(o *transfermanager.Options) { o.PartSizeBytes, o.MultipartUploadThreshold = 5<<20, 5<<20 })
	up, err := manager.UploadObject(ctx, &transfermanager.UploadObjectInput{Bucket: bucket, Key: aws.String("big"), Body: bytes.NewReader(body)})
	require.NoError(t, err)
	head, err := client.HeadObject(ctx, &s3.HeadObjectInput{Bucket: bucket, Key: aws.String("big")})
	require.NoError(t, err)
	require.Equal(t, *up.ETag, *head.ETag)
	require.Contains(t, *head.ETag, "-3")
	part, err := client.GetObject(ctx, &s3.GetObjectInput{Bucket: bucket, Key: aws.String("big"), Range: aws.String("bytes=5-9"), IfMatch: head.ETag})
	require.NoError(t, err)
	b, err := io.ReadAll(part.Body)
	require.NoError(t, err)
	require.Equal(t, body[5:10], b)
	require.Equal(t, "bytes 5-9/12582912", *part.ContentRange)
	whole, err := client.GetObject(ctx, &s3.GetObjectInput{Bucket: bucket, Key: aws.String("big"), ChecksumMode: s3types.ChecksumModeEnabled})
	require.NoError(t, err)
	b, err = io.ReadAll(whole.Body)
	require.NoError(t, err)
	require.True(t, bytes.Equal(body, b))

	_, err = client.GetBucketNotificationConfiguration(ctx, &s3.GetBucketNotificationConfigurationInput{Bucket: bucket})
	require.NoError(t, err)
	_, err = client.PutBucketNotificationConfiguration(ctx, &s3.PutBucketNotificationConfigurationInput{Bucket: bucket, NotificationConfiguration: &s3types.NotificationConfiguration{EventBridgeConfiguration: &s3types.EventBridgeConfiguration{}}})
	require.NoError(t, err)
	set, err := client.GetBucketNotificationConfiguration(ctx, &s3.GetBucketNotificationConfigurationInput{Bucket: bucket})
	require.NoError(t, err)
	require.NotNil(t, set.EventBridgeConfiguration)
	listed, err := client.ListObjectsV2(ctx, &s3.ListObjectsV2Input{Bucket: bucket})
	require.NoError(t, err)
	require.Len(t, listed.Contents, 2)
	_, err = client.DeleteObjects(ctx, &s3.DeleteObjectsInput{Bucket: bucket, Delete: &s3types.Delete{Objects: []s3types.ObjectIdentifier{{Key: aws.String("a")}, {Key: aws.String("big")}}}})
	require.NoError(t, err)
	_, err = client.GetObject(ctx, &s3.GetObjectInput{Bucket: bucket, Key: aws.String("a")})
	var missing *s3types.NoSuchKey
	require.ErrorAs(t, err, &missing)

	var operations []string
	for _, r := range s.Requests() {
		operations = append(operations, r.Operation)
	}
	require.Contains(t, operations, "CompleteMultipartUpload")
}

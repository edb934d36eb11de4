package train

import (
	"bytes"
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker/types"
	"github.com/stretchr/testify/require"
)

func TestInitFileIsComplete(t *testing.T) {
	s, err := Parse(InitFile(), "threatdetect.yaml")
	require.NoError(t, err)
	require.Equal(t, "demo", s.Name)
	require.Equal(t, "arn:aws:iam::111122223333:role/threatdetect/td-demo-training", s.RoleARN(RoleTraining, DryRunAccount))
	uri, err := s.ImageURI()
	require.NoError(t, err)
	require.Equal(t, "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:1.7-1", uri)
	for _, key := range []string{"account", "prefixes.checkpoints", "roles.scheduler", "image.outdated", "training.warm_pool", "training.sharded", "features.split", "features.local_nets", "features.beacon_weights", "gate.minimum",
		"tuning.ranges[5]", "trigger.debounce", "endpoint.serverless.max_concurrency", "endpoint.autoscale.target", "monitor.latency", "tags.project"} {
		require.Contains(t, s.lines, key, "init writes every key")
	}
}

func parse(changes ...string) (*Stack, error) {
	return Parse([]byte(strings.NewReplacer(changes...).Replace(string(initFile))), "x.yaml")
}

func TestStackFaultsAreListedAtOnce(t *testing.T) {
	_, err := parse("name: demo ", "name: Demo ", "region: us-east-1", "region: eu-nowhere-9", "raw: raw/", "raw: models/x", "eta: 0.2", "eta: 1.5", "  max_wait: 2h", "  max_wait: 10m",
		"spot: false", "spot: true", "kms_key: \"\"", "kms_key: nokey", "approval: manual", "approval: never", "scale: Logarithmic}", "scale: Odd}")
	faults, ok := err.(*Faults)
	require.True(t, ok, "%v", err)
	require.ErrorIs(t, err, ErrStack)
	var keys []string
	for _, f := range faults.List {
		keys = append(keys, f.Key)
		require.NotZero(t, f.Line, f.Key)
	}
	require.Equal(t, []string{"name", "region", "prefixes.raw", "prefixes.models", "hyperparameters.eta", "training.max_wait", "training.kms_key", "approval", "tuning.ranges[0]", "tuning.ranges[2]"}, keys)
	require.Contains(t, err.Error(), "x.yaml:4: name: \"Demo\": want lower-case letters")
}

func TestStackOptionsOfTheSet(t *testing.T) {
	s, err := parse("local_nets: []", "local_nets: [10.0.0.0/8, '2001:db8::/32']", "beacon_weights: []", "beacon_weights: [0.4, 0.2, 0.2, 0.2]")
	require.NoError(t, err)
	require.Equal(t, []string{"10.0.0.0/8", "2001:db8::/32"}, s.Features.LocalNets)
	require.Equal(t, "0.4,0.2,0.2,0.2", s.Features.Weights())
	_, err = parse("local_nets: []", "local_nets: [10.0.0.0/8, 10.0.0.1/8, office]", "beacon_weights: []", "beacon_weights: [0.4, 0.2, 0.5]")
	for _, want := range []string{`features.local_nets[1]: "10.0.0.1/8": want a network`, `features.local_nets[2]: "office"`, "features.beacon_weights: 3 numbers that add up to 1.1"} {
		require.ErrorContains(t, err, want)
	}
}

func TestStackSyntaxFaults(t *testing.T) {
	for _, c := range []struct{ old, new, want string }{
		{"volume_gb: 10 ", "volume_gb: ten", `training.volume_gb: "ten": want a whole number`},
		{"spot: false", "sport: false", "training.sport: no such key; there are count input_mode instance"},
		{"subnets: []", "subnets: subnet-1", "training.subnets: want a list"},
		{"max_runtime: 1h", "max_runtime: 1 hour", `training.max_runtime: "1 hour": want a time`},
		{"approval: manual", "approval: manual\napproval: automatic", "approval: is there twice"},
		{"approval: manual", "approval: [", "x.yaml:"},
		{"objective: binary:logistic", "objective: [a]", "hyperparameters.objective: want one value"},
	} {
		_, err := parse(c.old, c.new)
		require.ErrorContains(t, err, c.want)
		require.NotContains(t, err.Error(), "\n")
	}
	_, err := Parse(nil, "x.yaml")
	require.ErrorContains(t, err, "x.yaml: is empty")
	_, err = Parse([]byte("region: us-east-1"), "x.yaml")
	require.ErrorContains(t, err, "name: is missing")
	_, err = Open(t.TempDir() + "/none.yaml")
	require.ErrorContains(t, err, "threatdetect init")
}

// The table of the Python SDK is where ours comes from; that it still agrees is checked against the SDK itself in CI.
func TestImages(t *testing.T) {
	require.Equal(t, []string{"1", "0.90-1", "0.90-2", "1.0-1", "1.2-1", "1.2-2", "1.3-1", "1.5-1", "1.7-1", "3.0-5", "3.2-0"}, ImageVersions())
	for _, c := range []struct{ version, region, want string }{
		{"1.7-1", "us-east-1", "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:1.7-1"},
		{"0.90-2", "eu-central-1", "492215442770.dkr.ecr.eu-central-1.amazonaws.com/sagemaker-xgboost:0.90-2-cpu-py3"},
		{"3.2-0", "cn-north-1", "450853457545.dkr.ecr.cn-north-1.amazonaws.com.cn/sagemaker-xgboost:3.2-0"},
		{"latest", "us-west-2", "433757028032.dkr.ecr.us-west-2.amazonaws.com/xgboost:1"},
		{"1.5-1", "us-isob-east-1", "281123927165.dkr.ecr.us-isob-east-1.sc2s.sgov.gov/sagemaker-xgboost:1.5-1"},
	} {
		v, err := LookupImage(c.version)
		require.NoError(t, err)
		uri, err := v.URI(c.region)
		require.NoError(t, err)
		require.Equal(t, c.want, uri)
	}
	v, _ := LookupImage("1.3-1")
	arm, err := v.ARM64("us-east-1")
	require.NoError(t, err)
	require.True(t, strings.HasSuffix(arm, ":1.3-1-arm64"))
	v, _ = LookupImage("1")
	_, err = v.URI("ca-west-1")
	require.ErrorIs(t, err, ErrImage)
	_, err = LookupImage("9")
	require.ErrorContains(t, err, "1.7-1")
	_, err = parse("version: 1.7-1", "version: latest")
	require.ErrorContains(t, err, "XGBoost 0.72")
}

func TestDryRunPrintsWhatTheAPIGets(t *testing.T) {
	s, err := Parse(InitFile(), "x")
	require.NoError(t, err)
	var out bytes.Buffer
	a, err := Connect(t.Context(), s, &ConnectOptions{DryRun: &out})
	require.NoError(t, err)
	_, err = a.SageMaker().CreateTrainingJob(t.Context(), &sagemaker.CreateTrainingJobInput{
		TrainingJobName: aws.String("j"), RoleArn: aws.String("r"), HyperParameters: map[string]string{"b": "2", "a": "<1>"},
		AlgorithmSpecification: &types.AlgorithmSpecification{TrainingImage: aws.String("i"), TrainingInputMode: types.TrainingInputModeFile},
		OutputDataConfig:       &types.OutputDataConfig{S3OutputPath: aws.String("s3://b/m/")}, ResourceConfig: &types.ResourceConfig{VolumeSizeInGB: aws.Int32(5)},
		StoppingCondition: &types.StoppingCondition{},
	})
	require.NoError(t, err)
	_, err = a.Logs().GetLogEvents(t.Context(), &cloudwatchlogs.GetLogEventsInput{LogStreamName: aws.String("s"), StartFromHead: aws.Bool(true)})
	require.NoError(t, err)
	_, err = a.S3().PutObject(t.Context(), &s3.PutObjectInput{Bucket: aws.String("b"), Key: aws.String("k"), Body: strings.NewReader("abc")})
	require.NoError(t, err)
	_, err = a.S3().HeadObject(t.Context(), &s3.HeadObjectInput{Bucket: aws.String("b"), Key: aws.String("k")})
	require.ErrorIs(t, err, ErrNotFound)
	_, err = a.SageMaker().DescribeTrainingJob(t.Context(), &sagemaker.DescribeTrainingJobInput{})
	require.ErrorIs(t, err, ErrRequest, "the SDK's own checks are made")
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	require.Equal(t, []string{
		`{"service":"sagemaker","operation":"CreateTrainingJob","input":{"OutputDataConfig":{"S3OutputPath":"s3://b/m/"},"RoleArn":"r",` +
			`"TrainingJobName":"j","AlgorithmSpecification":{"TrainingInputMode":"File","TrainingImage":"i"},"HyperParameters":{"a":"<1>","b":"2"},"ResourceConfig":{"VolumeSizeInGB":5},"StoppingCondition":{}}}`,
		`{"service":"logs","operation":"GetLogEvents","input":{"logStreamName":"s","startFromHead":true}}`,
		`{"service":"s3","operation":"PutObject","input":{"Bucket":"b","Key":"k","Body":"3 bytes, sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"}}`,
		`{"service":"s3","operation":"HeadObject","input":{"Bucket":"b","Key":"k"}}`,
	}, lines)
	for _, line := range lines {
		require.True(t, json.Valid([]byte(line)), line)
	}
}

func TestDryRunThatCannotPrint(t *testing.T) {
	s, err := Parse(InitFile(), "x")
	require.NoError(t, err)
	full, err := os.Open(os.DevNull) // which cannot be written to
	require.NoError(t, err)
	defer full.Close()
	a, err := Connect(t.Context(), s, &ConnectOptions{DryRun: full})
	require.NoError(t, err)
	_, err = a.SageMaker().StopTrainingJob(t.Context(), &sagemaker.StopTrainingJobInput{TrainingJobName: aws.String("j")})
	require.ErrorIs(t, err, ErrPrint)
	require.NotErrorIs(t, err, ErrNetwork)
}

func TestEndpointsWithoutTLS(t *testing.T) {
	s, err := Parse(InitFile(), "x")
	require.NoError(t, err)
	_, err = Connect(t.Context(), s, &ConnectOptions{EndpointURL: "http://example.org"})
	require.ErrorIs(t, err, errPlain)
	for _, url := range []string{"ftp://x", "x", "http://", "://"} {
		_, err = Connect(t.Context(), s, &ConnectOptions{EndpointURL: url})
		require.Error(t, err, url)
	}
	t.Setenv("AWS_EC2_METADATA_DISABLED", "true")
	t.Setenv("AWS_ACCESS_KEY_ID", "AKIAEXAMPLEEXAMPLE12")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "secret")
	t.Setenv("AWS_ENDPOINT_URL_SAGEMAKER", "http://192.0.2.1")
	a, err := Connect(t.Context(), s, nil)
	require.NoError(t, err)
	_, err = a.SageMaker().ListTrainingJobs(t.Context(), &sagemaker.ListTrainingJobsInput{})
	require.ErrorIs(t, err, errPlain, "of a single service, too")
}

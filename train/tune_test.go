package train

import (
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker/types"
	"github.com/stretchr/testify/require"
)

func TestTuningRequest(t *testing.T) {
	s, err := parse("  objective:", "  learning_rate: 0.3\n  objective:", "  eta: 0.2\n", "")
	require.NoError(t, err)
	name := NewTuningName("a-very-long-name-of-x", time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), 7)
	require.Equal(t, "a-very-long-260102-030405-07", name)
	in, err := s.TuningRequest(name, "arn:aws:iam::111122223333:role/x", ContentTypeCSV)
	require.NoError(t, err)
	d := in.TrainingJobDefinition
	require.Equal(t, map[string]string{"objective": "binary:logistic", "gamma": "4", "verbosity": "1", "eval_metric": "logloss,aucpr"}, d.StaticHyperParameters,
		"what is tuned is not fixed, under no name, and the metric is not named twice")
	c := in.HyperParameterTuningJobConfig
	require.Equal(t, types.HyperParameterTuningJobObjectiveTypeMaximize, c.HyperParameterTuningJobObjective.Type)
	require.Len(t, c.ParameterRanges.IntegerParameterRanges, 2)
	require.Len(t, c.ParameterRanges.ContinuousParameterRanges, 4)
	require.EqualValues(t, 20, aws.ToInt32(c.ResourceLimits.MaxNumberOfTrainingJobs))
	require.Equal(t, "at most 20 jobs x 1 x ml.m5.large x 1 h = 20 instance-hours", s.TuningCost().String())
	_, err = s.TuningRequest("a-name-of-more-than-thirty-two-characters", "r", ContentTypeCSV)
	require.ErrorIs(t, err, ErrStack)
}

func TestTrainingRequest(t *testing.T) {
	s, err := parse("spot: false", "spot: true", "count: 1\n  volume", "count: 4\n  volume", "sharded: false", "sharded: true", `kms_key: ""`, "kms_key: alias/k",
		"subnets: []", "subnets: [subnet-1a]", "security_groups: []", "security_groups: [sg-1a]", "network_isolation: false", "network_isolation: true")
	require.NoError(t, err)
	in, err := s.TrainingRequest("td-demo-1", "arn:aws:iam::111122223333:role/x", ContentTypeLibsvm, true)
	require.NoError(t, err)
	require.EqualValues(t, 7200, aws.ToInt32(in.StoppingCondition.MaxWaitTimeInSeconds))
	require.True(t, aws.ToBool(in.EnableManagedSpotTraining))
	require.Equal(t, "s3://td-demo-111122223333/checkpoints/td-demo-1/", aws.ToString(in.CheckpointConfig.S3Uri))
	require.Equal(t, "alias/k", aws.ToString(in.ResourceConfig.VolumeKmsKeyId))
	require.Equal(t, "alias/k", aws.ToString(in.OutputDataConfig.KmsKeyId))
	require.Equal(t, []string{"subnet-1a"}, in.VpcConfig.Subnets)
	require.True(t, aws.ToBool(in.EnableNetworkIsolation))
	require.True(t, aws.ToBool(in.EnableInterContainerTrafficEncryption))
	require.Len(t, in.InputDataConfig, 2)
	for _, c := range in.InputDataConfig {
		require.Equal(t, types.S3DataDistributionShardedByS3Key, c.DataSource.S3DataSource.S3DataDistributionType)
		require.Equal(t, ContentTypeLibsvm, aws.ToString(c.ContentType))
	}
	require.Contains(t, s.TrainingCost().String(), "4 x ml.m5.large x 1 h = 4 instance-hours, at spot prices")
	_, err = s.TrainingRequest("a_b", "r", ContentTypeCSV, false)
	require.ErrorIs(t, err, ErrStack)
}

package train

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker/types"
)

// NewJobName is the name of a training job: td-STACK-yyyymmdd-hhmmss-xxxx. A second job of the same name is refused, which is what makes a
// request that is repeated harmless.
func NewJobName(stack string, now time.Time, random uint16) string {
	return fmt.Sprintf("td-%s-%s-%04x", stack, now.UTC().Format("20060102-150405"), random)
}

// runKey is the prefix of the files of a job in the bucket.
func (s *Stack) runKey(job string) string { return s.Prefixes.Runs + job + "/" }

// TrainingRequest is what is asked of SageMaker for a job whose files lie at s3://BUCKET/RUNS/JOB/train/ and validation/.
func (s *Stack) TrainingRequest(job, role, contentType string, validation bool) (*sagemaker.CreateTrainingJobInput, error) {
	image, err := s.ImageURI()
	if err != nil {
		return nil, err
	}
	if !jobName.MatchString(job) {
		return nil, fmt.Errorf("%w: job name %q: want at most 63 letters, digits and hyphens", ErrStack, clip(job))
	}
	t := &s.Training
	in := &sagemaker.CreateTrainingJobInput{
		TrainingJobName: aws.String(job),
		RoleArn:         aws.String(role),
		AlgorithmSpecification: &types.AlgorithmSpecification{
			// No MetricDefinitions: SageMaker has them for its own images.
			TrainingImage: aws.String(image), TrainingInputMode: types.TrainingInputMode(t.InputMode), EnableSageMakerMetricsTimeSeries: aws.Bool(true),
		},
		HyperParameters:        maps.Clone(s.Hyperparameters),
		InputDataConfig:        s.channels(job, contentType, validation),
		OutputDataConfig:       &types.OutputDataConfig{S3OutputPath: aws.String(s.S3(s.Prefixes.Models)), KmsKeyId: orNil(t.KMSKey)},
		ResourceConfig:         s.resources(),
		StoppingCondition:      &types.StoppingCondition{MaxRuntimeInSeconds: aws.Int32(int32(t.MaxRuntime.Seconds()))},
		EnableNetworkIsolation: aws.Bool(t.NetworkIsolation),
		ProfilerConfig:         &types.ProfilerConfig{DisableProfiler: aws.Bool(true)},
		VpcConfig:              s.vpc(),
		Tags:                   s.sagemakerTags(),
	}
	if t.Count > 1 {
		in.EnableInterContainerTrafficEncryption = aws.Bool(true)
	}
	if t.Spot {
		in.EnableManagedSpotTraining = aws.Bool(true)
		in.StoppingCondition.MaxWaitTimeInSeconds = aws.Int32(int32(t.MaxWait.Seconds()))
		in.CheckpointConfig = &types.CheckpointConfig{S3Uri: aws.String(s.S3(s.Prefixes.Checkpoints + job + "/"))}
	}
	return in, nil
}

func (s *Stack) channels(job, contentType string, validation bool) []types.Channel {
	names := []string{"train"}
	if validation {
		names = append(names, "validation")
	}
	distribution := types.S3DataDistributionFullyReplicated
	if s.Training.Sharded {
		distribution = types.S3DataDistributionShardedByS3Key
	}
	var channels []types.Channel
	for _, name := range names {
		channels = append(channels, types.Channel{
			ChannelName: aws.String(name), ContentType: aws.String(contentType), CompressionType: types.CompressionTypeNone,
			DataSource: &types.DataSource{S3DataSource: &types.S3DataSource{
				// With the slash in the end: a prefix without it would also name train-old.
				S3DataType: types.S3DataTypeS3Prefix, S3Uri: aws.String(s.S3(s.runKey(job) + name + "/")), S3DataDistributionType: distribution,
			}},
		})
	}
	return channels
}

func (s *Stack) resources() *types.ResourceConfig {
	t := &s.Training
	r := &types.ResourceConfig{
		InstanceType: types.TrainingInstanceType(t.Instance), InstanceCount: aws.Int32(int32(t.Count)), VolumeSizeInGB: aws.Int32(int32(t.VolumeGB)), VolumeKmsKeyId: orNil(t.KMSKey),
	}
	if t.WarmPool > 0 {
		r.KeepAlivePeriodInSeconds = aws.Int32(int32(t.WarmPool.Seconds()))
	}
	return r
}

func (s *Stack) sagemakerTags() []types.Tag {
	var tags []types.Tag
	all := s.AllTags()
	for _, key := range slices.Sorted(maps.Keys(all)) {
		tags = append(tags, types.Tag{Key: aws.String(key), Value: aws.String(all[key])})
	}
	return tags
}

func orNil(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// Cost is the most that a job can be billed for.
type Cost struct {
	Jobs, Instances int
	Instance        string
	Hours           float64 // of each machine
	Spot            bool
	WarmPool        time.Duration
}

// TrainingCost bounds what a training job is billed for. Prices are not known here: they differ by region, and change.
func (s *Stack) TrainingCost() Cost {
	return Cost{Jobs: 1, Instances: s.Training.Count, Instance: s.Training.Instance, Hours: s.Training.MaxRuntime.Hours(), Spot: s.Training.Spot, WarmPool: s.Training.WarmPool}
}

// InstanceHours is what a price per hour is to be multiplied by.
func (c Cost) InstanceHours() float64 {
	return float64(c.Jobs) * float64(c.Instances) * (c.Hours + c.WarmPool.Hours())
}

func (c Cost) String() string {
	jobs, spot, warm := "", "", ""
	if c.Jobs > 1 {
		jobs = fmt.Sprintf("%d jobs x ", c.Jobs)
	}
	if c.Spot {
		spot = ", at spot prices"
	}
	if c.WarmPool > 0 {
		warm = fmt.Sprintf(" + %.4g h kept warm", c.WarmPool.Hours())
	}
	return fmt.Sprintf("at most %s%d x %s x %.4g h%s = %.4g instance-hours%s", jobs, c.Instances, c.Instance, c.Hours, warm, c.InstanceHours(), spot)
}

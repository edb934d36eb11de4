package train

import (
	"context"
	"errors"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker/types"
)

// Names of inputs and outputs of a processing job that scores, and where they are in the container.
const (
	ProcessInput    = "input"
	ProcessModel    = "model"
	ProcessOutput   = "scores"
	processRoot     = "/opt/ml/processing/"
	containerBinary = "/threatdetect"
)

// ProcessOptions are those of processing alone.
type ProcessOptions struct {
	From        string // format of the logs; "": told from them
	To          string // ndjson or csv; "": ndjson
	All         bool   // every flow, not threats alone
	Strict      bool   // the first bad record ends the job
	Whole       bool   // each instance gets every object, and takes its share by the list of hosts
	Environment map[string]string
}

// SubmitProcess starts a processing job that scores logs with our own container, and returns what it is. A job of that name that is there already is
// not started again.
func (a *AWS) SubmitProcess(ctx context.Context, j *ScoreJob, opts *ProcessOptions) (*JobState, error) {
	o := ProcessOptions{}
	if opts != nil {
		o = *opts
	}
	full, err := a.scoreJob(ctx, KindProcess, j, o)
	if err != nil {
		return nil, err
	}
	account, err := a.Account(ctx)
	if err != nil {
		return nil, err
	}
	role := a.stack.RoleARN(RoleTraining, account)
	sharing := types.ProcessingS3DataDistributionTypeShardedbys3key
	if o.Whole {
		sharing = types.ProcessingS3DataDistributionTypeFullyreplicated
	}
	in := &sagemaker.CreateProcessingJobInput{
		RoleArn:          &role,
		AppSpecification: &types.AppSpecification{ImageUri: aws.String(a.stack.OwnImage(account)), ContainerEntrypoint: []string{containerBinary}, ContainerArguments: o.arguments()},
		ProcessingResources: &types.ProcessingResources{ClusterConfig: &types.ProcessingClusterConfig{
			InstanceCount: aws.Int32(int32(full.Count)), InstanceType: types.ProcessingInstanceType(full.Instance), VolumeSizeInGB: aws.Int32(int32(full.VolumeGB))}},
		ProcessingInputs: []types.ProcessingInput{
			processInput(ProcessInput, full.Input, sharing),
			processInput(ProcessModel, full.Model, types.ProcessingS3DataDistributionTypeFullyreplicated),
		},
		ProcessingOutputConfig: &types.ProcessingOutputConfig{Outputs: []types.ProcessingOutput{{OutputName: aws.String(ProcessOutput), S3Output: &types.ProcessingS3Output{
			S3Uri: &full.Output, LocalPath: aws.String(processRoot + ProcessOutput), S3UploadMode: types.ProcessingS3UploadModeContinuous}}}},
		StoppingCondition: &types.ProcessingStoppingCondition{MaxRuntimeInSeconds: aws.Int32(int32(full.Runtime / time.Second))},
		Environment:       o.Environment,
	}
	if vpc := a.stack.vpc(); vpc != nil || a.stack.Training.NetworkIsolation {
		in.NetworkConfig = &types.NetworkConfig{VpcConfig: vpc, EnableNetworkIsolation: aws.Bool(a.stack.Training.NetworkIsolation)}
	}
	if key := a.stack.Training.KMSKey; key != "" {
		in.ProcessingOutputConfig.KmsKeyId, in.ProcessingResources.ClusterConfig.VolumeKmsKeyId = &key, &key
	}
	in.ProcessingJobName = a.nameJob(KindProcess, &full.ScoreJob, in)
	in.Tags = a.stack.resourceTags()
	if _, err := a.SageMaker().CreateProcessingJob(ctx, in); err != nil && !errors.Is(err, ErrExists) {
		return nil, full.taken.ended(err)
	}
	return full.state(a.processState(ctx, *in.ProcessingJobName))
}

// arguments of the container: the command that reads what SageMaker says of the job.
func (o *ProcessOptions) arguments() []string {
	args := []string{"process", "run"}
	if o.From != "" {
		args = append(args, "--from", o.From)
	}
	if o.To != "" {
		args = append(args, "--to", o.To)
	}
	if o.All {
		args = append(args, "--all")
	}
	if o.Strict {
		args = append(args, "--strict")
	}
	return args
}

func processInput(name, address string, sharing types.ProcessingS3DataDistributionType) types.ProcessingInput {
	return types.ProcessingInput{InputName: &name, S3Input: &types.ProcessingS3Input{S3Uri: &address, LocalPath: aws.String(processRoot + name),
		S3DataType: types.ProcessingS3DataTypeS3Prefix, S3InputMode: types.ProcessingS3InputModeFile, S3DataDistributionType: sharing,
		S3CompressionType: types.ProcessingS3CompressionTypeNone}}
}

func (a *AWS) processState(ctx context.Context, name string) (*JobState, error) {
	out, err := a.SageMaker().DescribeProcessingJob(ctx, &sagemaker.DescribeProcessingJobInput{ProcessingJobName: &name})
	if err != nil {
		return nil, err
	}
	s := &JobState{Name: name, ARN: aws.ToString(out.ProcessingJobArn), Status: string(out.ProcessingJobStatus), Failure: aws.ToString(out.FailureReason), Message: aws.ToString(out.ExitMessage)}
	if out.ProcessingOutputConfig != nil && len(out.ProcessingOutputConfig.Outputs) > 0 && out.ProcessingOutputConfig.Outputs[0].S3Output != nil {
		s.Output = aws.ToString(out.ProcessingOutputConfig.Outputs[0].S3Output.S3Uri)
	}
	return s, nil
}

// WaitProcess waits until a processing job has ended. A job that failed is an error with the reason and the container's message.
func (a *AWS) WaitProcess(ctx context.Context, name string, progress func(status string)) (*JobState, error) {
	return a.waitJob(ctx, name, a.processState, progress)
}

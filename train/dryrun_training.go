package train

import (
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"
)

// arn is that of a resource of the account that a dry run stands in.
func (d *dryRun) arn(kind, name string) *string {
	return aws.String("arn:aws:sagemaker:us-east-1:" + DryRunAccount + ":" + kind + "/" + name)
}

// dryTraining answers for training and tuning: each job is complete at once.
func dryTraining(d *dryRun, input any) (any, error) {
	now := aws.Time(d.clock.Now())
	switch in := input.(type) {
	case *sts.GetCallerIdentityInput:
		return &sts.GetCallerIdentityOutput{Account: aws.String(DryRunAccount), Arn: aws.String("arn:aws:iam::" + DryRunAccount + ":user/dry-run")}, nil
	case *sagemaker.CreateTrainingJobInput:
		d.state["training/"+aws.ToString(in.TrainingJobName)] = in
		return &sagemaker.CreateTrainingJobOutput{TrainingJobArn: d.arn("training-job", aws.ToString(in.TrainingJobName))}, nil
	case *sagemaker.DescribeTrainingJobInput:
		name := aws.ToString(in.TrainingJobName)
		out := &sagemaker.DescribeTrainingJobOutput{
			TrainingJobName: in.TrainingJobName, TrainingJobArn: d.arn("training-job", name),
			TrainingJobStatus: types.TrainingJobStatusCompleted, SecondaryStatus: types.SecondaryStatusCompleted,
			CreationTime: now, TrainingStartTime: now, TrainingEndTime: now, LastModifiedTime: now,
			ModelArtifacts: &types.ModelArtifacts{},
		}
		if job, ok := d.state["training/"+name].(*sagemaker.CreateTrainingJobInput); ok {
			out.OutputDataConfig, out.ResourceConfig, out.HyperParameters = job.OutputDataConfig, job.ResourceConfig, job.HyperParameters
			out.AlgorithmSpecification, out.StoppingCondition, out.InputDataConfig = job.AlgorithmSpecification, job.StoppingCondition, job.InputDataConfig
			out.ModelArtifacts.S3ModelArtifacts = aws.String(aws.ToString(job.OutputDataConfig.S3OutputPath) + name + "/output/model.tar.gz")
		}
		return out, nil
	case *sagemaker.StopTrainingJobInput:
		return &sagemaker.StopTrainingJobOutput{}, nil
	case *sagemaker.ListTrainingJobsInput:
		return &sagemaker.ListTrainingJobsOutput{}, nil
	case *sagemaker.CreateHyperParameterTuningJobInput:
		return &sagemaker.CreateHyperParameterTuningJobOutput{HyperParameterTuningJobArn: d.arn("hyper-parameter-tuning-job", aws.ToString(in.HyperParameterTuningJobName))}, nil
	case *sagemaker.DescribeHyperParameterTuningJobInput:
		return &sagemaker.DescribeHyperParameterTuningJobOutput{
			HyperParameterTuningJobName: in.HyperParameterTuningJobName, HyperParameterTuningJobStatus: types.HyperParameterTuningJobStatusCompleted, CreationTime: now,
			HyperParameterTuningJobArn: d.arn("hyper-parameter-tuning-job", aws.ToString(in.HyperParameterTuningJobName)),
			ObjectiveStatusCounters:    &types.ObjectiveStatusCounters{}, TrainingJobStatusCounters: &types.TrainingJobStatusCounters{},
		}, nil
	case *sagemaker.ListTrainingJobsForHyperParameterTuningJobInput:
		return &sagemaker.ListTrainingJobsForHyperParameterTuningJobOutput{}, nil
	case *sagemaker.StopHyperParameterTuningJobInput:
		return &sagemaker.StopHyperParameterTuningJobOutput{}, nil
	case *cloudwatchlogs.DescribeLogStreamsInput:
		return &cloudwatchlogs.DescribeLogStreamsOutput{}, nil
	case *cloudwatchlogs.GetLogEventsInput:
		return &cloudwatchlogs.GetLogEventsOutput{NextForwardToken: in.NextToken}, nil
	}
	return nil, nil
}

// dryStore answers for the object store: it is empty, and takes everything.
func dryStore(_ *dryRun, input any) (any, error) {
	tag := aws.String(`"dry-run"`)
	switch in := input.(type) {
	case *s3.PutObjectInput:
		return &s3.PutObjectOutput{ETag: tag}, nil
	case *s3.CreateMultipartUploadInput:
		return &s3.CreateMultipartUploadOutput{Bucket: in.Bucket, Key: in.Key, UploadId: aws.String("dry-run")}, nil
	case *s3.UploadPartInput:
		return &s3.UploadPartOutput{ETag: tag}, nil
	case *s3.CompleteMultipartUploadInput:
		return &s3.CompleteMultipartUploadOutput{Bucket: in.Bucket, Key: in.Key, ETag: tag}, nil
	case *s3.AbortMultipartUploadInput:
		return &s3.AbortMultipartUploadOutput{}, nil
	case *s3.ListMultipartUploadsInput:
		return &s3.ListMultipartUploadsOutput{}, nil
	case *s3.ListPartsInput:
		return &s3.ListPartsOutput{}, nil
	case *s3.HeadObjectInput:
		return nil, &s3types.NotFound{Message: aws.String("a dry run knows of no objects")}
	case *s3.GetObjectInput:
		return nil, &s3types.NoSuchKey{Message: aws.String("a dry run knows of no objects")}
	case *s3.ListObjectsV2Input:
		return &s3.ListObjectsV2Output{Name: in.Bucket, Prefix: in.Prefix}, nil
	case *s3.DeleteObjectInput:
		return &s3.DeleteObjectOutput{}, nil
	case *s3.DeleteObjectsInput:
		return &s3.DeleteObjectsOutput{}, nil
	case *s3.HeadBucketInput:
		return &s3.HeadBucketOutput{}, nil
	case *s3.PutObjectTaggingInput:
		return &s3.PutObjectTaggingOutput{}, nil
	case *s3.CopyObjectInput:
		return &s3.CopyObjectOutput{CopyObjectResult: &s3types.CopyObjectResult{ETag: tag}}, nil
	}
	return nil, nil
}

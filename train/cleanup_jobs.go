package train

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker/types"
)

const (
	stopPoll = 10 * time.Second
	stopTime = 30 * time.Minute
)

// job is one that runs: its name and ARN.
type job struct{ name, arn string }

// cleanupJobs stop what runs: executions of the pipeline, then jobs. Their records cost nothing and stay.
func (a *AWS) cleanupJobs() []cleanupStep {
	pipeline := a.stack.Resource(KindPipeline)
	return []cleanupStep{
		{kind: "running execution",
			find: func(ctx context.Context) (arns []string, err error) {
				in := &sagemaker.ListPipelineExecutionsInput{PipelineName: &pipeline}
				for {
					out, err := a.SageMaker().ListPipelineExecutions(ctx, in)
					if err != nil {
						return nil, err
					}
					for _, e := range out.PipelineExecutionSummaries {
						if e.PipelineExecutionStatus == types.PipelineExecutionStatusExecuting || e.PipelineExecutionStatus == types.PipelineExecutionStatusStopping {
							arns = append(arns, aws.ToString(e.PipelineExecutionArn))
						}
					}
					if in.NextToken = out.NextToken; in.NextToken == nil {
						return arns, nil
					}
				}
			},
			remove: func(ctx context.Context, arn string) error {
				_, err := a.SageMaker().StopPipelineExecution(ctx, &sagemaker.StopPipelineExecutionInput{PipelineExecutionArn: &arn, ClientRequestToken: a.token("stop", arn)})
				if err != nil && !errors.Is(err, ErrRequest) { // it has just ended
					return err
				}
				return a.waitStopped(ctx, func() (string, error) {
					out, err := a.SageMaker().DescribePipelineExecution(ctx, &sagemaker.DescribePipelineExecutionInput{PipelineExecutionArn: &arn})
					if err != nil {
						return "", err
					}
					return string(out.PipelineExecutionStatus), nil
				})
			}},
		a.stopStep("running tuning job", a.tuningJobs, func(ctx context.Context, name string) error {
			_, err := a.SageMaker().StopHyperParameterTuningJob(ctx, &sagemaker.StopHyperParameterTuningJobInput{HyperParameterTuningJobName: &name})
			return err
		}, func(ctx context.Context, name string) (string, error) {
			out, err := a.SageMaker().DescribeHyperParameterTuningJob(ctx, &sagemaker.DescribeHyperParameterTuningJobInput{HyperParameterTuningJobName: &name})
			if err != nil {
				return "", err
			}
			return string(out.HyperParameterTuningJobStatus), nil
		}),
		a.stopStep("running training job", a.trainingJobs, func(ctx context.Context, name string) error {
			_, err := a.SageMaker().StopTrainingJob(ctx, &sagemaker.StopTrainingJobInput{TrainingJobName: &name})
			return err
		}, func(ctx context.Context, name string) (string, error) {
			out, err := a.SageMaker().DescribeTrainingJob(ctx, &sagemaker.DescribeTrainingJobInput{TrainingJobName: &name})
			if err != nil {
				return "", err
			}
			return string(out.TrainingJobStatus), nil
		}),
		a.stopStep("running processing job", a.processingJobs, func(ctx context.Context, name string) error {
			_, err := a.SageMaker().StopProcessingJob(ctx, &sagemaker.StopProcessingJobInput{ProcessingJobName: &name})
			return err
		}, func(ctx context.Context, name string) (string, error) {
			s, err := a.processState(ctx, name)
			if err != nil {
				return "", err
			}
			return s.Status, nil
		}),
		a.stopStep("running transform job", a.transformJobs, func(ctx context.Context, name string) error {
			_, err := a.SageMaker().StopTransformJob(ctx, &sagemaker.StopTransformJobInput{TransformJobName: &name})
			return err
		}, func(ctx context.Context, name string) (string, error) {
			s, err := a.transformState(ctx, name)
			if err != nil {
				return "", err
			}
			return s.Status, nil
		}),
	}
}

// stopStep stops the running jobs of a kind that bear the stack's tag: those that a pipeline started have names of their own.
func (a *AWS) stopStep(kind string, list func(context.Context) ([]job, error), stop func(context.Context, string) error, status func(context.Context, string) (string, error)) cleanupStep {
	return cleanupStep{kind: kind,
		find: func(ctx context.Context) (names []string, err error) {
			jobs, err := list(ctx)
			if err != nil {
				return nil, err
			}
			for _, j := range jobs {
				ours, err := a.ours(ctx, j.arn)
				if err != nil && !errors.Is(err, ErrNotFound) {
					return nil, err
				}
				if ours {
					names = append(names, j.name)
				}
			}
			return names, nil
		},
		remove: func(ctx context.Context, name string) error {
			if err := stop(ctx, name); err != nil && !errors.Is(err, ErrRequest) && !errors.Is(err, ErrExists) { // it has just ended
				return err
			}
			return a.waitStopped(ctx, func() (string, error) { return status(ctx, name) })
		}}
}

// ours tells whether a resource of SageMaker has the stack's tag.
func (a *AWS) ours(ctx context.Context, arn string) (bool, error) {
	in := &sagemaker.ListTagsInput{ResourceArn: &arn}
	for {
		out, err := a.SageMaker().ListTags(ctx, in)
		if err != nil {
			return false, err
		}
		for _, t := range out.Tags {
			if aws.ToString(t.Key) == tagStack {
				return aws.ToString(t.Value) == a.stack.Name, nil
			}
		}
		if in.NextToken = out.NextToken; in.NextToken == nil {
			return false, nil
		}
	}
}

const tagStack = "threatdetect:stack"

func (a *AWS) waitStopped(ctx context.Context, status func() (string, error)) error {
	for end := a.clock.Now().Add(stopTime); ; {
		s, err := status()
		if err != nil {
			return err
		}
		switch s {
		case "InProgress", "Stopping", "Executing":
		default:
			return nil
		}
		if a.clock.Now().After(end) {
			return errors.New("it is still " + strings.ToLower(s) + " after " + stopTime.String())
		}
		if err := a.clock.Sleep(ctx, stopPoll); err != nil {
			return err
		}
	}
}

func (a *AWS) trainingJobs(ctx context.Context) (jobs []job, err error) {
	for _, status := range []types.TrainingJobStatus{types.TrainingJobStatusInProgress, types.TrainingJobStatusStopping} {
		in := &sagemaker.ListTrainingJobsInput{StatusEquals: status}
		for {
			out, err := a.SageMaker().ListTrainingJobs(ctx, in)
			if err != nil {
				return nil, err
			}
			for _, j := range out.TrainingJobSummaries {
				jobs = append(jobs, job{aws.ToString(j.TrainingJobName), aws.ToString(j.TrainingJobArn)})
			}
			if in.NextToken = out.NextToken; in.NextToken == nil {
				break
			}
		}
	}
	return jobs, nil
}

func (a *AWS) tuningJobs(ctx context.Context) (jobs []job, err error) {
	for _, status := range []types.HyperParameterTuningJobStatus{types.HyperParameterTuningJobStatusInProgress, types.HyperParameterTuningJobStatusStopping} {
		in := &sagemaker.ListHyperParameterTuningJobsInput{StatusEquals: status}
		for {
			out, err := a.SageMaker().ListHyperParameterTuningJobs(ctx, in)
			if err != nil {
				return nil, err
			}
			for _, j := range out.HyperParameterTuningJobSummaries {
				jobs = append(jobs, job{aws.ToString(j.HyperParameterTuningJobName), aws.ToString(j.HyperParameterTuningJobArn)})
			}
			if in.NextToken = out.NextToken; in.NextToken == nil {
				break
			}
		}
	}
	return jobs, nil
}

func (a *AWS) processingJobs(ctx context.Context) (jobs []job, err error) {
	for _, status := range []types.ProcessingJobStatus{types.ProcessingJobStatusInProgress, types.ProcessingJobStatusStopping} {
		in := &sagemaker.ListProcessingJobsInput{StatusEquals: status}
		for {
			out, err := a.SageMaker().ListProcessingJobs(ctx, in)
			if err != nil {
				return nil, err
			}
			for _, j := range out.ProcessingJobSummaries {
				jobs = append(jobs, job{aws.ToString(j.ProcessingJobName), aws.ToString(j.ProcessingJobArn)})
			}
			if in.NextToken = out.NextToken; in.NextToken == nil {
				break
			}
		}
	}
	return jobs, nil
}

func (a *AWS) transformJobs(ctx context.Context) (jobs []job, err error) {
	for _, status := range []types.TransformJobStatus{types.TransformJobStatusInProgress, types.TransformJobStatusStopping} {
		in := &sagemaker.ListTransformJobsInput{StatusEquals: status}
		for {
			out, err := a.SageMaker().ListTransformJobs(ctx, in)
			if err != nil {
				return nil, err
			}
			for _, j := range out.TransformJobSummaries {
				jobs = append(jobs, job{aws.ToString(j.TransformJobName), aws.ToString(j.TransformJobArn)})
			}
			if in.NextToken = out.NextToken; in.NextToken == nil {
				break
			}
		}
	}
	return jobs, nil
}

package train

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker/types"
)

// Job is what SageMaker says of a training job.
type Job struct {
	Name, ARN         string
	Status, Secondary string // InProgress, Completed, Failed, Stopping, Stopped; and Starting, Downloading, Training, ...
	Message           string // of the last change
	FailureReason     string
	Artifact          string // s3://…/model.tar.gz, "" if there is none
	Image             string
	Instance          string
	Count             int
	Spot              bool
	Rounds            int // num_round
	Created, Started  time.Time
	Ended             time.Time
	Billable, Took    time.Duration
	Metrics           map[string]float64 // the last value of each, by names such as validation:auc
	Hyperparameters   map[string]string
	TrainData         string // s3:// of the train channel
}

// Done reports whether nothing more is going to happen.
func (j *Job) Done() bool {
	return j.Status == "Completed" || j.Status == "Failed" || j.Status == "Stopped"
}

// Err is nil for a job that is complete, or was stopped when a model was there.
func (j *Job) Err() error {
	switch j.Status {
	case "Completed":
		return nil
	case "Stopped":
		if j.Artifact != "" {
			return nil
		}
		return fmt.Errorf("%w: %s: %s", ErrStopped, j.Name, stopped(j.Secondary))
	case "Failed":
		kind, hint := ErrJob, ""
		switch reason := j.FailureReason; {
		case strings.Contains(reason, "CapacityError"):
			kind, hint = ErrCapacity, "; "+hintOf(ErrCapacity, "", "")
		case strings.HasPrefix(reason, "InternalServerError"):
			kind, hint = ErrService, "; the same command with --new tries again"
		case strings.HasPrefix(reason, "ClientError"):
			hint = "; the data or hyperparameters are at fault: threatdetect train logs " + j.Name
		default:
			hint = "; see threatdetect train logs " + j.Name
		}
		return fmt.Errorf("%w: %s: %s%s", kind, j.Name, redact(strings.Join(strings.Fields(j.FailureReason), " ")), hint)
	}
	return nil
}

func stopped(secondary string) string {
	switch secondary {
	case "MaxRuntimeExceeded":
		return "it ran for training.max_runtime; with the hyperparameter save_model_on_termination: true the model so far is kept"
	case "MaxWaitTimeExceeded":
		return "it waited for training.max_wait, and no spot machine came"
	}
	return "somebody stopped it"
}

// Describe asks for the state of a training job.
func (a *AWS) Describe(ctx context.Context, name string) (*Job, error) {
	out, err := a.SageMaker().DescribeTrainingJob(ctx, &sagemaker.DescribeTrainingJobInput{TrainingJobName: aws.String(name)})
	if err != nil {
		if service, ok := errors.AsType[*ServiceError](err); ok && errors.Is(err, ErrNotFound) {
			service.Hint = "threatdetect train list shows the jobs of the stack"
		}
		return nil, err
	}
	j := &Job{
		Name: aws.ToString(out.TrainingJobName), ARN: aws.ToString(out.TrainingJobArn), Status: string(out.TrainingJobStatus), Secondary: string(out.SecondaryStatus),
		FailureReason: aws.ToString(out.FailureReason), Created: aws.ToTime(out.CreationTime), Started: aws.ToTime(out.TrainingStartTime), Ended: aws.ToTime(out.TrainingEndTime),
		Billable: time.Duration(aws.ToInt32(out.BillableTimeInSeconds)) * time.Second, Took: time.Duration(aws.ToInt32(out.TrainingTimeInSeconds)) * time.Second,
		Metrics: map[string]float64{}, Hyperparameters: out.HyperParameters, Spot: aws.ToBool(out.EnableManagedSpotTraining),
	}
	if out.ModelArtifacts != nil {
		j.Artifact = aws.ToString(out.ModelArtifacts.S3ModelArtifacts)
	}
	if out.AlgorithmSpecification != nil {
		j.Image = aws.ToString(out.AlgorithmSpecification.TrainingImage)
	}
	if r := out.ResourceConfig; r != nil {
		j.Instance, j.Count = string(r.InstanceType), int(aws.ToInt32(r.InstanceCount))
	}
	if n := len(out.SecondaryStatusTransitions); n > 0 {
		j.Message = aws.ToString(out.SecondaryStatusTransitions[n-1].StatusMessage)
	}
	for _, m := range out.FinalMetricDataList {
		j.Metrics[aws.ToString(m.MetricName)] = float64(aws.ToFloat32(m.Value))
	}
	for _, c := range out.InputDataConfig {
		if aws.ToString(c.ChannelName) == "train" && c.DataSource != nil && c.DataSource.S3DataSource != nil {
			j.TrainData = aws.ToString(c.DataSource.S3DataSource.S3Uri)
		}
	}
	j.Rounds, _ = strconv.Atoi(j.Hyperparameters["num_round"])
	return j, nil
}

// StopJob asks a training job to end. SageMaker gives it two minutes to save what it has. One that has ended is no error.
func (a *AWS) StopJob(ctx context.Context, name string) error {
	_, err := a.SageMaker().StopTrainingJob(ctx, &sagemaker.StopTrainingJobInput{TrainingJobName: aws.String(name)})
	if errors.Is(err, ErrRequest) {
		if j, err := a.Describe(ctx, name); err == nil && (j.Done() || j.Status == "Stopping") {
			return nil
		}
	}
	return err
}

// Jobs calls each with the training jobs of the stack, newest first, until it returns false.
func (a *AWS) Jobs(ctx context.Context, each func(Job) bool) error {
	in := &sagemaker.ListTrainingJobsInput{
		NameContains: aws.String("td-" + a.stack.Name + "-"), SortBy: types.SortByCreationTime, SortOrder: types.SortOrderDescending, MaxResults: aws.Int32(100),
	}
	for {
		out, err := a.SageMaker().ListTrainingJobs(ctx, in)
		if err != nil {
			return err
		}
		for _, j := range out.TrainingJobSummaries {
			if !each(Job{Name: aws.ToString(j.TrainingJobName), ARN: aws.ToString(j.TrainingJobArn), Status: string(j.TrainingJobStatus), Secondary: string(j.SecondaryStatus),
				Created: aws.ToTime(j.CreationTime), Ended: aws.ToTime(j.TrainingEndTime)}) {
				return nil
			}
		}
		if out.NextToken == nil {
			return nil
		}
		in.NextToken = out.NextToken
	}
}

// Event is something that happened to a job, or to its files.
type Event struct {
	Job         *Job               // a new state, nil if it is something else
	Line        string             // of the log
	Round       int                // that the log speaks of, if Values is not nil
	Values      map[string]float64 // metrics of the round, by names such as validation:auc
	Sent, Total int64              // bytes of an upload or download, if Total is not 0
	What        string             // of the transfer: upload or download
}

// DefaultPoll is how often a job is asked for: SageMaker throttles who asks more often.
const DefaultPoll = 10 * time.Second

// WaitJob waits until a job is done, and tells what happens on the way. The caller's context ends the waiting, not the job. An error of the log
// is no error of the job.
func (a *AWS) WaitJob(ctx context.Context, name string, poll time.Duration, tell func(Event)) (*Job, error) {
	if poll <= 0 {
		poll = DefaultPoll
	}
	log := a.jobLog(name)
	last := ""
	for {
		j, err := a.Describe(ctx, name)
		if err != nil {
			return nil, err
		}
		if state := j.Status + j.Secondary + j.Message; state != last {
			tell(Event{Job: j})
			last = state
		}
		logErr := log.read(ctx, tell)
		if j.Done() {
			return j, nil
		}
		if logErr != nil && ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		if err := a.clock.Sleep(ctx, poll); err != nil {
			return nil, err
		}
	}
}

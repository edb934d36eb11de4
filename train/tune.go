package train

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker/types"
)

// TuningRequest is what is asked of SageMaker for a tuning job whose files lie at s3://BUCKET/RUNS/JOB/train/ and validation/. Hyperparameters that
// are tuned are no longer fixed.
func (s *Stack) TuningRequest(job, role, contentType string) (*sagemaker.CreateHyperParameterTuningJobInput, error) {
	if len(job) > 32 || !jobName.MatchString(job) {
		return nil, fmt.Errorf("%w: tuning job name %q: want at most 32 letters, digits and hyphens", ErrStack, clip(job))
	}
	one, err := s.TrainingRequest(job, role, contentType, true)
	if err != nil {
		return nil, err
	}
	maximise, err := MetricMaximised(s.Tuning.Metric)
	if err != nil {
		return nil, err
	}
	goal := types.HyperParameterTuningJobObjectiveTypeMinimize
	if maximise {
		goal = types.HyperParameterTuningJobObjectiveTypeMaximize
	}
	t := &s.Tuning
	config := &types.HyperParameterTuningJobConfig{
		Strategy:                         types.HyperParameterTuningJobStrategyType(t.Strategy),
		ResourceLimits:                   &types.ResourceLimits{MaxParallelTrainingJobs: aws.Int32(int32(t.MaxParallel))},
		HyperParameterTuningJobObjective: &types.HyperParameterTuningJobObjective{MetricName: aws.String(t.Metric), Type: goal},
		ParameterRanges:                  &types.ParameterRanges{},
		TrainingJobEarlyStoppingType:     types.TrainingJobEarlyStoppingType(t.EarlyStopping),
	}
	if t.Strategy != "Grid" { // which tries them all
		config.ResourceLimits.MaxNumberOfTrainingJobs = aws.Int32(int32(t.MaxJobs))
	}
	if t.Strategy == "Hyperband" { // which stops jobs by itself
		config.TrainingJobEarlyStoppingType = types.TrainingJobEarlyStoppingTypeOff
	}
	fixed := maps.Clone(one.HyperParameters)
	for _, r := range t.Ranges {
		delete(fixed, r.Name)
		for alias, of := range hyperAliases {
			if of == r.Name {
				delete(fixed, alias)
			}
		}
		addRange(config.ParameterRanges, &r)
	}
	// The objective is among the metrics of the container by itself; named twice it is refused.
	if metric := strings.TrimPrefix(t.Metric, "validation:"); fixed["eval_metric"] != "" {
		rest := slices.DeleteFunc(strings.Split(fixed["eval_metric"], ","), func(m string) bool { return m == metric })
		if fixed["eval_metric"] = strings.Join(rest, ","); len(rest) == 0 {
			delete(fixed, "eval_metric")
		}
	}
	return &sagemaker.CreateHyperParameterTuningJobInput{
		HyperParameterTuningJobName:   aws.String(job),
		HyperParameterTuningJobConfig: config,
		TrainingJobDefinition: &types.HyperParameterTrainingJobDefinition{
			AlgorithmSpecification: &types.HyperParameterAlgorithmSpecification{TrainingImage: one.AlgorithmSpecification.TrainingImage, TrainingInputMode: one.AlgorithmSpecification.TrainingInputMode},
			RoleArn:                one.RoleArn, StaticHyperParameters: fixed, InputDataConfig: one.InputDataConfig, OutputDataConfig: one.OutputDataConfig,
			ResourceConfig: one.ResourceConfig, StoppingCondition: one.StoppingCondition, VpcConfig: one.VpcConfig, EnableNetworkIsolation: one.EnableNetworkIsolation,
			EnableManagedSpotTraining: one.EnableManagedSpotTraining, CheckpointConfig: one.CheckpointConfig,
			EnableInterContainerTrafficEncryption: one.EnableInterContainerTrafficEncryption,
		},
		Tags: one.Tags,
	}, nil
}

func addRange(ranges *types.ParameterRanges, r *Range) {
	scale := types.HyperParameterScalingTypeAuto
	if r.Scale != "" {
		scale = types.HyperParameterScalingType(r.Scale)
	}
	switch {
	case len(r.Values) > 0:
		ranges.CategoricalParameterRanges = append(ranges.CategoricalParameterRanges, types.CategoricalParameterRange{Name: aws.String(r.Name), Values: r.Values})
	case hyperparameters[r.Name].kind == kindInt:
		ranges.IntegerParameterRanges = append(ranges.IntegerParameterRanges, types.IntegerParameterRange{Name: aws.String(r.Name), MinValue: aws.String(r.Min), MaxValue: aws.String(r.Max), ScalingType: scale})
	default:
		ranges.ContinuousParameterRanges = append(ranges.ContinuousParameterRanges, types.ContinuousParameterRange{Name: aws.String(r.Name), MinValue: aws.String(r.Min), MaxValue: aws.String(r.Max), ScalingType: scale})
	}
}

// NewTuningName is the name of a tuning job: STACK-yymmdd-hhmmss-xx, as 32 characters are all that there are.
func NewTuningName(stack string, now time.Time, random uint8) string {
	return fmt.Sprintf("%.12s-%s-%02x", strings.TrimRight(stack[:min(len(stack), 12)], "-"), now.UTC().Format("060102-150405"), random)
}

// TuningCost bounds what a tuning job is billed for.
func (s *Stack) TuningCost() Cost {
	c := s.TrainingCost()
	c.Jobs = s.Tuning.MaxJobs
	if s.Tuning.Strategy == "Grid" {
		c.Jobs = 1
		for _, r := range s.Tuning.Ranges {
			c.Jobs *= max(len(r.Values), 1)
		}
	}
	return c
}

// TuningJob is what SageMaker says of a tuning job.
type TuningJob struct {
	Name, ARN, Status, FailureReason       string
	Completed, InProgress, Failed, Stopped int
	Best                                   *Job    // nil if there is none yet
	BestValue                              float64 // of the metric that is tuned for
	Metric                                 string
	BestParameters                         map[string]string // those that were tuned
	Created, Ended                         time.Time
}

// Done reports whether nothing more is going to happen.
func (j *TuningJob) Done() bool {
	return j.Status == "Completed" || j.Status == "Failed" || j.Status == "Stopped"
}

// DescribeTuning asks for the state of a tuning job.
func (a *AWS) DescribeTuning(ctx context.Context, name string) (*TuningJob, error) {
	out, err := a.SageMaker().DescribeHyperParameterTuningJob(ctx, &sagemaker.DescribeHyperParameterTuningJobInput{HyperParameterTuningJobName: aws.String(name)})
	if err != nil {
		return nil, err
	}
	j := &TuningJob{
		Name: aws.ToString(out.HyperParameterTuningJobName), ARN: aws.ToString(out.HyperParameterTuningJobArn), Status: string(out.HyperParameterTuningJobStatus),
		FailureReason: aws.ToString(out.FailureReason), Created: aws.ToTime(out.CreationTime), Ended: aws.ToTime(out.HyperParameterTuningEndTime),
	}
	if c := out.TrainingJobStatusCounters; c != nil {
		j.Completed, j.InProgress, j.Stopped = int(aws.ToInt32(c.Completed)), int(aws.ToInt32(c.InProgress)), int(aws.ToInt32(c.Stopped))
		j.Failed = int(aws.ToInt32(c.NonRetryableError) + aws.ToInt32(c.RetryableError))
	}
	best := out.BestTrainingJob
	if out.OverallBestTrainingJob != nil {
		best = out.OverallBestTrainingJob
	}
	if best != nil {
		j.Best = &Job{Name: aws.ToString(best.TrainingJobName), ARN: aws.ToString(best.TrainingJobArn), Status: string(best.TrainingJobStatus)}
		j.BestParameters = best.TunedHyperParameters
		if m := best.FinalHyperParameterTuningJobObjectiveMetric; m != nil {
			j.Metric, j.BestValue = aws.ToString(m.MetricName), float64(aws.ToFloat32(m.Value))
		}
	}
	return j, nil
}

// WaitTuning waits until a tuning job is done, and tells each new state.
func (a *AWS) WaitTuning(ctx context.Context, name string, poll time.Duration, tell func(*TuningJob)) (*TuningJob, error) {
	if poll <= 0 {
		poll = DefaultPoll
	}
	last := ""
	for {
		j, err := a.DescribeTuning(ctx, name)
		if err != nil {
			return nil, err
		}
		if state := fmt.Sprint(j.Status, j.Completed, j.InProgress, j.Failed, j.BestValue); state != last {
			tell(j)
			last = state
		}
		if j.Done() {
			return j, nil
		}
		if err := a.clock.Sleep(ctx, poll); err != nil {
			return nil, err
		}
	}
}

// TuningRun is a tuning job that is to be made.
type TuningRun struct {
	Data *Data  // nil in a dry run without files
	Run  string // file beside which the state of the run lies, under another name
	New  bool
	Tell func(Event)
}

// SubmitTuning sends the files and makes the job, once: the same run again gives the same name.
func (a *AWS) SubmitTuning(ctx context.Context, run *TuningRun) (name string, err error) {
	if run.Data != nil && len(run.Data.Validation) == 0 {
		return "", fmt.Errorf("%w: %s: tuning for %s wants validation files", ErrInput, run.Data.Dir, a.stack.Tuning.Metric)
	}
	role, err := a.Role(ctx, RoleTraining)
	if err != nil {
		return "", err
	}
	if run.Tell == nil {
		run.Tell = func(Event) {}
	}
	t := &training{a: a, TrainingRun: &TrainingRun{Data: run.Data, Output: run.Run, New: run.New, Tell: run.Tell, Warn: func(string) {}}, role: role, kind: "tune", settings: a.stack.Tuning,
		name: func() string { return NewTuningName(a.stack.Name, a.clock.Now(), uint8(rand.Uint32())) }}
	if err := t.open(); err != nil {
		return "", err
	}
	if t.state.Submitted {
		return t.state.Job, nil
	}
	if !t.state.Uploaded {
		if err := t.upload(ctx); err != nil {
			return "", err
		}
		t.state.Uploaded = true
		if err := t.save(); err != nil {
			return "", err
		}
	}
	contentType, _ := t.shape()
	request, err := a.stack.TuningRequest(t.state.Job, role, contentType)
	if err != nil {
		return "", err
	}
	if _, err := a.SageMaker().CreateHyperParameterTuningJob(ctx, request); err != nil && !errors.Is(err, ErrExists) {
		return "", err
	}
	t.state.Submitted = true
	return t.state.Job, t.save()
}

// StopTuning asks a tuning job to end, with all its training jobs. One that has ended is no error.
func (a *AWS) StopTuning(ctx context.Context, name string) error {
	_, err := a.SageMaker().StopHyperParameterTuningJob(ctx, &sagemaker.StopHyperParameterTuningJobInput{HyperParameterTuningJobName: aws.String(name)})
	if errors.Is(err, ErrRequest) {
		if j, err := a.DescribeTuning(ctx, name); err == nil && (j.Done() || j.Status == "Stopping") {
			return nil
		}
	}
	return err
}

package train

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker/types"

	"threatdetect/train/pipeline"
)

// CreatePipeline makes the pipeline of the stack and the group of the registry that it registers models in, or brings both up to date.
func (a *AWS) CreatePipeline(ctx context.Context) (created bool, err error) {
	s := a.stack
	account, err := a.Account(ctx)
	if err != nil {
		return false, err
	}
	d, err := s.Definition(account)
	if err != nil {
		return false, fmt.Errorf("%w: pipeline: %w", ErrStack, err)
	}
	text, err := d.JSON()
	if err != nil {
		return false, err
	}
	if err := a.createGroup(ctx); err != nil {
		return false, err
	}
	inline, location, err := a.placeDefinition(ctx, text)
	if err != nil {
		return false, err
	}
	name, role := s.Resource(KindPipeline), s.RoleARN(RolePipeline, account)
	_, err = a.SageMaker().CreatePipeline(ctx, &sagemaker.CreatePipelineInput{
		PipelineName: &name, RoleArn: &role, PipelineDefinition: inline, PipelineDefinitionS3Location: location,
		PipelineDescription: aws.String("threatdetect " + s.Name + ": prepare, train, check, register"),
		ClientRequestToken:  a.token(name, string(text), role), Tags: s.resourceTags(),
	})
	if !errors.Is(err, ErrExists) {
		return err == nil, err
	}
	out, err := a.SageMaker().UpdatePipeline(ctx, &sagemaker.UpdatePipelineInput{
		PipelineName: &name, RoleArn: &role, PipelineDefinition: inline, PipelineDefinitionS3Location: location,
	})
	if err != nil {
		return false, err
	}
	_, err = a.SageMaker().AddTags(ctx, &sagemaker.AddTagsInput{ResourceArn: out.PipelineArn, Tags: s.resourceTags()})
	return false, err
}

// token is a request token: one for the retries of a request, and another when the same is asked for again, for which what was made may have been deleted.
func (a *AWS) token(parts ...string) *string {
	h := sha256.New()
	for _, p := range append(parts, a.clock.Now().UTC().Format(time.RFC3339Nano)) {
		fmt.Fprintf(h, "%d %s", len(p), p)
	}
	return aws.String(hex.EncodeToString(h.Sum(nil)))
}

// resourceTags are the stack's tags for SageMaker.
func (s *Stack) resourceTags() []types.Tag {
	var list []types.Tag
	tags := s.AllTags()
	for _, k := range slices.Sorted(maps.Keys(tags)) {
		list = append(list, types.Tag{Key: aws.String(k), Value: aws.String(tags[k])})
	}
	return list
}

// createGroup makes the group of the registry, if it is not there.
func (a *AWS) createGroup(ctx context.Context) error {
	_, err := a.SageMaker().CreateModelPackageGroup(ctx, &sagemaker.CreateModelPackageGroupInput{
		ModelPackageGroupName:        aws.String(a.stack.Resource(KindModels)),
		ModelPackageGroupDescription: aws.String("Models that the pipeline of threatdetect " + a.stack.Name + " trained"), Tags: a.stack.resourceTags(),
	})
	if errors.Is(err, ErrExists) {
		return nil
	}
	return err
}

// placeDefinition puts a definition that is too large for a request into the bucket.
func (a *AWS) placeDefinition(ctx context.Context, text []byte) (inline *string, location *types.PipelineDefinitionS3Location, err error) {
	if len(text) <= pipeline.InlineLimit {
		return aws.String(string(text)), nil, nil
	}
	sum := sha256.Sum256(text)
	key := a.stack.Prefixes.Runs + "pipeline/" + hex.EncodeToString(sum[:8]) + ".json"
	_, err = a.S3().PutObject(ctx, &s3.PutObjectInput{Bucket: &a.stack.Bucket, Key: &key, Body: strings.NewReader(string(text)), ContentType: aws.String("application/json")})
	return nil, &types.PipelineDefinitionS3Location{Bucket: &a.stack.Bucket, ObjectKey: &key}, err
}

// PipelineState is what is known of the pipeline and its newest runs.
type PipelineState struct {
	Name    string    `json:"name"`
	ARN     string    `json:"arn"`
	Status  string    `json:"status"`
	Role    string    `json:"role"`
	Changed time.Time `json:"changed"`
	Runs    []Run     `json:"runs"` // the newest first
}

// Run is one run of the pipeline.
type Run struct {
	ARN     string    `json:"arn"`
	Status  string    `json:"status"`
	Failure string    `json:"failure,omitempty"`
	Started time.Time `json:"started"`
	Steps   []RunStep `json:"steps,omitempty"` // in the order in which they began
}

// RunStep is what became of a step.
type RunStep struct {
	Name     string    `json:"name"`
	Status   string    `json:"status"`
	Failure  string    `json:"failure,omitempty"`
	Job      string    `json:"job,omitempty"`     // ARN of the job or the model package
	Outcome  string    `json:"outcome,omitempty"` // of a condition
	Attempts int       `json:"attempts,omitempty"`
	Started  time.Time `json:"started,omitzero"`
	Ended    time.Time `json:"ended,omitzero"`
}

// Active tells whether the run goes on.
func (r *Run) Active() bool { return r.Status == "Executing" || r.Status == "Stopping" }

// DescribePipeline says how the pipeline is, and what its newest runs are, without their steps.
func (a *AWS) DescribePipeline(ctx context.Context, runs int) (*PipelineState, error) {
	name := a.stack.Resource(KindPipeline)
	out, err := a.SageMaker().DescribePipeline(ctx, &sagemaker.DescribePipelineInput{PipelineName: &name})
	if err != nil {
		return nil, err
	}
	state := &PipelineState{Name: name, ARN: aws.ToString(out.PipelineArn), Status: string(out.PipelineStatus), Role: aws.ToString(out.RoleArn), Changed: aws.ToTime(out.LastModifiedTime)}
	state.Runs, err = a.runs(ctx, runs)
	return state, err
}

// runs lists the newest runs.
func (a *AWS) runs(ctx context.Context, n int) ([]Run, error) {
	var runs []Run
	in := &sagemaker.ListPipelineExecutionsInput{PipelineName: aws.String(a.stack.Resource(KindPipeline)),
		SortBy: types.SortPipelineExecutionsByCreationTime, SortOrder: types.SortOrderDescending, MaxResults: aws.Int32(int32(min(n, 100)))}
	for len(runs) < n {
		out, err := a.SageMaker().ListPipelineExecutions(ctx, in)
		if err != nil {
			return nil, err
		}
		for _, e := range out.PipelineExecutionSummaries {
			runs = append(runs, Run{ARN: aws.ToString(e.PipelineExecutionArn), Status: string(e.PipelineExecutionStatus),
				Failure: aws.ToString(e.PipelineExecutionFailureReason), Started: aws.ToTime(e.StartTime)})
		}
		if in.NextToken = out.NextToken; in.NextToken == nil {
			break
		}
	}
	return runs[:min(n, len(runs))], nil
}

// DescribeRun says what became of a run and its steps.
func (a *AWS) DescribeRun(ctx context.Context, arn string) (*Run, error) {
	out, err := a.SageMaker().DescribePipelineExecution(ctx, &sagemaker.DescribePipelineExecutionInput{PipelineExecutionArn: &arn})
	if err != nil {
		return nil, err
	}
	r := &Run{ARN: arn, Status: string(out.PipelineExecutionStatus), Failure: aws.ToString(out.FailureReason), Started: aws.ToTime(out.CreationTime)}
	in := &sagemaker.ListPipelineExecutionStepsInput{PipelineExecutionArn: &arn, SortOrder: types.SortOrderAscending, MaxResults: aws.Int32(100)}
	for {
		steps, err := a.SageMaker().ListPipelineExecutionSteps(ctx, in)
		if err != nil {
			return nil, err
		}
		for i := range steps.PipelineExecutionSteps {
			r.Steps = append(r.Steps, runStep(&steps.PipelineExecutionSteps[i]))
		}
		if in.NextToken = steps.NextToken; in.NextToken == nil {
			return r, nil
		}
	}
}

func runStep(s *types.PipelineExecutionStep) RunStep {
	step := RunStep{Name: aws.ToString(s.StepName), Status: string(s.StepStatus), Failure: aws.ToString(s.FailureReason),
		Attempts: int(aws.ToInt32(s.AttemptCount)), Started: aws.ToTime(s.StartTime), Ended: aws.ToTime(s.EndTime)}
	if m := s.Metadata; m != nil {
		switch {
		case m.TrainingJob != nil:
			step.Job = aws.ToString(m.TrainingJob.Arn)
		case m.ProcessingJob != nil:
			step.Job = aws.ToString(m.ProcessingJob.Arn)
		case m.RegisterModel != nil:
			step.Job = aws.ToString(m.RegisterModel.Arn)
		case m.Condition != nil:
			step.Outcome = string(m.Condition.Outcome)
		case m.Fail != nil && step.Failure == "":
			step.Failure = aws.ToString(m.Fail.ErrorMessage)
		}
	}
	return step
}

// pollRun is how often a run is asked for. SageMaker throttles early.
const pollRun = 15 * time.Second

// WaitRun waits for the end of a run and tells what changes on the way. A run that failed or was stopped is an error of the kind ErrGate, if the gate
// ended it, ErrJob or ErrStopped; the run is returned along with it.
func (a *AWS) WaitRun(ctx context.Context, arn string, progress func(*Run)) (*Run, error) {
	for {
		r, err := a.DescribeRun(ctx, arn)
		if err != nil {
			return nil, err
		}
		if progress != nil {
			progress(r)
		}
		if !r.Active() {
			return r, r.err()
		}
		if err := a.clock.Sleep(ctx, pollRun); err != nil {
			return r, err
		}
	}
}

// err is the end of a run that did not succeed.
func (r *Run) err() error {
	if r.Status == "Succeeded" {
		return nil
	}
	if r.Status == "Stopped" {
		return fmt.Errorf("%w: %s", ErrStopped, r.ARN)
	}
	for _, s := range r.Steps {
		switch {
		case s.Status != "Failed":
		case s.Name == "TooWeak":
			return fmt.Errorf("%w: %s", ErrGate, s.Failure)
		default:
			return fmt.Errorf("%w: step %s: %s", ErrJob, s.Name, s.Failure)
		}
	}
	return fmt.Errorf("%w: %s", ErrJob, strings.TrimSpace(r.Status+" "+r.Failure))
}

// DeletePipeline stops the runs of the pipeline and deletes it. Without one, found is false. What else of the stack would start it is returned, too:
// the rule or schedule that the pipeline leaves behind.
func (a *AWS) DeletePipeline(ctx context.Context) (found bool, orphans []string, err error) {
	runs, err := a.runs(ctx, 100)
	if err != nil && !errors.Is(err, ErrNotFound) {
		return false, nil, err
	}
	if err := a.stopRuns(ctx, runs); err != nil {
		return true, nil, err
	}
	name := a.stack.Resource(KindPipeline)
	_, err = a.SageMaker().DeletePipeline(ctx, &sagemaker.DeletePipelineInput{PipelineName: &name, ClientRequestToken: a.token("delete", name)})
	if found = err == nil; err != nil && !errors.Is(err, ErrNotFound) {
		return false, nil, err
	}
	t, err := a.DescribeTrigger(ctx)
	if err != nil {
		return found, nil, err
	}
	return found, t.starters(), nil
}

// stopRuns stops the active runs among runs and waits for their end.
func (a *AWS) stopRuns(ctx context.Context, runs []Run) error {
	for _, r := range runs {
		if !r.Active() {
			continue
		}
		_, err := a.SageMaker().StopPipelineExecution(ctx, &sagemaker.StopPipelineExecutionInput{PipelineExecutionArn: &r.ARN, ClientRequestToken: a.token("stop", r.ARN)})
		if err != nil && !errors.Is(err, ErrExists) { // which it is on its way already
			return err
		}
		if _, err := a.WaitRun(ctx, r.ARN, nil); err != nil && !errors.Is(err, ErrStopped) && !errors.Is(err, ErrJob) && !errors.Is(err, ErrGate) {
			return err
		}
	}
	return nil
}

// Parameters are the names of the pipeline's parameters.
func Parameters() []string {
	return []string{ParameterInput, ParameterTrigger, ParameterInstance, ParameterLimit, ParameterApproval}
}

// RunCost bounds what a run of the pipeline costs: instances and hours, without prices, which change.
func (s *Stack) RunCost() string {
	t := &s.Training
	limit := t.MaxRuntime
	cost := fmt.Sprintf("1 × %s × %v for preparing", t.Instance, limit)
	kind := t.Instance
	if t.Spot {
		kind += " (spot)"
	}
	cost += fmt.Sprintf(" and %d × %s × %v for training", t.Count, kind, limit)
	if t.WarmPool > 0 {
		cost += fmt.Sprintf(" and %v of waiting for the next job", t.WarmPool)
	}
	return cost
}

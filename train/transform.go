package train

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker/types"
)

// Kinds of jobs that score, as in their names.
const (
	KindTransform = "transform"
	KindProcess   = "process"
)

// ScoreJob is a job that scores objects of S3: what batch transform and processing have in common.
type ScoreJob struct {
	Name     string        // "": made of the stack's name and what the job does, so that the same request finds the same job
	New      bool          // the name is made of the time: another job, although there is one that did the same
	Input    string        // s3:// prefix of the objects
	Output   string        // s3:// prefix
	Model    string        // s3:// address of model.tar.gz; "": that of the newest approved model
	Instance string        // "": that of training
	Count    int           // of instances, among which the objects are divided; 0 is 1
	VolumeGB int           // of processing; 0 is that of training
	Runtime  time.Duration // of processing, at most; 0 is that of training
	// Beside is a file beside which the newest approved model is remembered, where Model is "", until [JobState.Forget]; "": nowhere. The same request again is then
	// the same job, whatever was approved meanwhile. New forgets it.
	Beside string
}

// JobState is what became of a job.
type JobState struct {
	Name, ARN, Status string
	Message           string // of the container, as it ended
	Failure           string // reason
	Output            string
	Remembered        string // address of the model, if it is that of an earlier request and not the newest; of a job that was just submitted

	taken *taken
}

// scoreJob fills in what was left open. Options are what else makes the job what it is.
func (a *AWS) scoreJob(ctx context.Context, kind string, j *ScoreJob, options any) (*scoreRequest, error) {
	full := scoreRequest{ScoreJob: *j}
	faults := Faults{Where: kind, Kind: ErrInput}
	if full.Input == "" {
		full.Input = a.stack.S3(a.stack.Prefixes.Raw)
	}
	if full.Output == "" {
		full.Output = a.stack.S3(a.stack.Prefixes.Runs + kind + "/")
	}
	for _, p := range []struct {
		key     string
		address *string
	}{{"input", &full.Input}, {"output", &full.Output}} {
		if !s3Prefix(*p.address) || len(*p.address) > maxURI {
			faults.add(0, p.key, "%q: want s3://bucket/prefix/, at most %d characters", clip(*p.address), maxURI)
		}
	}
	if strings.HasPrefix(full.Output, full.Input) {
		faults.add(0, "output", "%q lies below the input %q: the next job would score the scores", clip(full.Output), clip(full.Input))
	}
	if a.stack.Roles.Training == CreateRole {
		p := a.stack.Prefixes
		a.within(&faults, "input", "reads", full.Input, p.Raw, p.Runs, p.Models, p.Checkpoints)
		a.within(&faults, "output", "writes", full.Output, p.Runs, p.Models, p.Checkpoints)
	}
	if full.Count = max(full.Count, 1); full.Count > maxInstances {
		faults.add(0, "count", "%d: want 1 to %d", full.Count, maxInstances)
	}
	if full.Instance == "" {
		full.Instance = a.stack.Training.Instance
	}
	if !instanceType.MatchString(full.Instance) {
		faults.add(0, "instance", "%q: want a type of machine, such as ml.m5.large", clip(full.Instance))
	}
	if full.VolumeGB == 0 {
		full.VolumeGB = a.stack.Training.VolumeGB
	}
	if full.Runtime == 0 {
		full.Runtime = a.stack.Training.MaxRuntime
	}
	if full.Name != "" && !jobName.MatchString(full.Name) {
		faults.add(0, "name", "%q: want at most 63 letters, digits and single hyphens", clip(full.Name))
	}
	if len(faults.List) > 0 {
		return nil, &faults
	}
	if err := a.checkObjects(ctx, &full.ScoreJob); err != nil {
		return nil, err
	}
	if full.Model == "" {
		if err := full.takeModel(ctx, a, kind, j, options); err != nil {
			return nil, err
		}
	}
	return &full, nil
}

// within refuses addresses where the role that is made for the stack has no rights.
func (a *AWS) within(f *Faults, key, verb, address string, prefixes ...string) {
	var allowed []string
	for _, p := range prefixes {
		if strings.HasPrefix(address, a.stack.S3(p)) {
			return
		}
		allowed = append(allowed, a.stack.S3(p))
	}
	f.add(0, key, "%q: the role that deploy makes %s below %s", clip(address), verb, strings.Join(allowed, ", "))
}

func s3Prefix(address string) bool {
	rest, ok := strings.CutPrefix(address, "s3://")
	bucket, _, slash := strings.Cut(rest, "/")
	return ok && slash && bucketName.MatchString(bucket)
}

// ScoreCost says what a job costs at most, in instance hours.
func (s *Stack) ScoreCost(j *ScoreJob) string {
	count, instance, runtime := max(j.Count, 1), cmp.Or(j.Instance, s.Training.Instance), cmp.Or(j.Runtime, s.Training.MaxRuntime)
	return fmt.Sprintf("costs at most %d × %s × %v = %.3g instance hours", count, instance, runtime, float64(count)*runtime.Hours())
}

// nameJob names a job after what it does, so that the same request finds the same job: one that was killed while it waited waits again.
func (a *AWS) nameJob(kind string, j *ScoreJob, request any) *string {
	name := j.Name
	switch {
	case name != "":
	case j.New:
		name = a.stack.Resource(kind) + "-" + a.clock.Now().UTC().Format("20060102-150405")
	default:
		name = a.stack.contentName(kind, request)
	}
	return &name
}

// checkObjects counts what is below the input, as far as it matters.
func (a *AWS) checkObjects(ctx context.Context, j *ScoreJob) error {
	bucket, prefix, _ := strings.Cut(strings.TrimPrefix(j.Input, "s3://"), "/")
	objects := 0
	in := &s3.ListObjectsV2Input{Bucket: &bucket, Prefix: &prefix}
	for objects < j.Count {
		out, err := a.S3().ListObjectsV2(ctx, in)
		if err != nil {
			return err
		}
		for _, o := range out.Contents {
			if aws.ToInt64(o.Size) > 0 && !strings.HasSuffix(aws.ToString(o.Key), "/") {
				objects++
			}
		}
		if in.ContinuationToken = out.NextContinuationToken; in.ContinuationToken == nil {
			break
		}
	}
	switch {
	case a.DryRun() || objects >= j.Count:
		return nil
	case objects == 0:
		return fmt.Errorf("%w: there are no objects below %s", ErrInput, j.Input)
	}
	return fmt.Errorf("%w: %d objects below %s for %d instances, and an object goes to one of them: want at most %d instances", ErrInput, objects, j.Input, j.Count, objects)
}

// TransformOptions are those of batch transform alone.
type TransformOptions struct {
	ContentType string // of the objects; "": text/csv
	Accept      string // of the results; "": text/csv
	Compressed  bool   // with gzip
	Join        bool   // each row of the output begins with the input's
	Container   string // tag of the image whose answers the container gives; "": that of the stack
}

// SubmitTransform starts a batch transform job with our own container, and returns its name. A job of that name that is there already is not started again.
func (a *AWS) SubmitTransform(ctx context.Context, j *ScoreJob, opts *TransformOptions) (*JobState, error) {
	o := TransformOptions{}
	if opts != nil {
		o = *opts
	}
	full, err := a.scoreJob(ctx, KindTransform, j, o)
	if err != nil {
		return nil, err
	}
	account, err := a.Account(ctx)
	if err != nil {
		return nil, err
	}
	if o.Container == "" {
		o.Container = a.stack.Image.Version
	}
	if o.ContentType == "" {
		o.ContentType = "text/csv"
	}
	if o.Accept == "" {
		o.Accept = "text/csv"
	}
	modelName, err := a.makeModel(ctx, KindTransform, &Served{Artifact: full.Model, Image: a.stack.OwnImage(account),
		Environment: map[string]string{"THREATDETECT_SAGEMAKER": o.Container}})
	if err != nil {
		return nil, full.taken.ended(err)
	}
	in := &sagemaker.CreateTransformJobInput{
		ModelName: &modelName, BatchStrategy: types.BatchStrategyMultiRecord,
		MaxPayloadInMB:    aws.Int32(6),
		ModelClientConfig: &types.ModelClientConfig{InvocationsTimeoutInSeconds: aws.Int32(600), InvocationsMaxRetries: aws.Int32(3)},
		TransformInput: &types.TransformInput{
			DataSource:  &types.TransformDataSource{S3DataSource: &types.TransformS3DataSource{S3DataType: types.S3DataTypeS3Prefix, S3Uri: &full.Input}},
			ContentType: &o.ContentType, CompressionType: types.CompressionTypeNone, SplitType: types.SplitTypeLine,
		},
		TransformOutput:    &types.TransformOutput{S3OutputPath: &full.Output, Accept: &o.Accept, AssembleWith: types.AssemblyTypeLine},
		TransformResources: &types.TransformResources{InstanceType: types.TransformInstanceType(full.Instance), InstanceCount: aws.Int32(int32(full.Count))},
	}
	if o.Compressed {
		in.TransformInput.CompressionType = types.CompressionTypeGzip
	}
	if strings.Contains(o.ContentType, "recordio") {
		in.TransformInput.SplitType = types.SplitTypeRecordio
	}
	if o.Join {
		in.DataProcessing = &types.DataProcessing{JoinSource: types.JoinSourceInput}
	}
	if key := a.stack.Training.KMSKey; key != "" {
		in.TransformOutput.KmsKeyId, in.TransformResources.VolumeKmsKeyId = &key, &key
	}
	in.TransformJobName = a.nameJob(KindTransform, &full.ScoreJob, in)
	in.Tags = a.stack.resourceTags()
	if _, err := a.SageMaker().CreateTransformJob(ctx, in); err != nil && !errors.Is(err, ErrExists) {
		return nil, full.taken.ended(err)
	}
	return full.state(a.transformState(ctx, *in.TransformJobName))
}

func (a *AWS) transformState(ctx context.Context, name string) (*JobState, error) {
	out, err := a.SageMaker().DescribeTransformJob(ctx, &sagemaker.DescribeTransformJobInput{TransformJobName: &name})
	if err != nil {
		return nil, err
	}
	s := &JobState{Name: name, ARN: aws.ToString(out.TransformJobArn), Status: string(out.TransformJobStatus), Failure: aws.ToString(out.FailureReason)}
	if out.TransformOutput != nil {
		s.Output = aws.ToString(out.TransformOutput.S3OutputPath)
	}
	return s, nil
}

// WaitTransform waits until a batch transform job has ended. A job that failed is an error with the reason.
func (a *AWS) WaitTransform(ctx context.Context, name string, progress func(status string)) (*JobState, error) {
	return a.waitJob(ctx, name, a.transformState, progress)
}

const jobPoll = 15 * time.Second

func (a *AWS) waitJob(ctx context.Context, name string, state func(context.Context, string) (*JobState, error), progress func(string)) (*JobState, error) {
	for {
		s, err := state(ctx, name)
		if err != nil {
			return nil, err
		}
		if progress != nil {
			progress(s.Status)
		}
		switch s.Status {
		case "Completed":
			return s, nil
		case "Stopped":
			return s, fmt.Errorf("%w: %s", ErrStopped, name)
		case "Failed":
			why := orNoReason(s.Failure)
			if s.Message != "" && !strings.Contains(why, s.Message) {
				why += "; the container said: " + oneLineOf(s.Message)
			}
			return s, fmt.Errorf("%w: %s: %s", ErrJob, name, why)
		}
		if err := a.clock.Sleep(ctx, jobPoll); err != nil {
			return s, err
		}
	}
}

func oneLineOf(s string) string { return strings.Join(strings.Fields(s), " ") }

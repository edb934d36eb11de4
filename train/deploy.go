package train

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker"
)

// Change is what a deployment does to one resource.
type Change struct {
	Action      string // Add, Modify, Remove, Import or Dynamic
	Resource    string // logical name in the template
	Type        string // such as AWS::S3::Bucket
	Name        string // of what is there already
	Replacement string // True or Conditional if the resource is made anew
}

// Deployment is a change that was planned, and not made yet.
type Deployment struct {
	Stack     string
	Changes   []Change // none: everything is as it should be
	Kept      []string // resources that were there before, and are left out
	changeSet string
}

const (
	changePoll = 3 * time.Second
	stackPoll  = 10 * time.Second
	stackTime  = 2 * time.Hour
)

// DeployTemplate is the template that [AWS.PlanDeploy] applies where nothing is there yet.
func (s *Stack) DeployTemplate(without ...string) ([]byte, error) {
	d, err := s.Definition(templateAccount)
	if err != nil {
		return nil, fmt.Errorf("%w: pipeline: %w", ErrStack, err)
	}
	definition, err := d.JSON()
	if err != nil {
		return nil, err
	}
	return s.Template(string(definition), without...)
}

// PlanDeploy asks CloudFormation what it would change, and changes nothing. A deployment that is under way is waited for first.
func (a *AWS) PlanDeploy(ctx context.Context, progress func(status string)) (*Deployment, error) {
	name := a.stack.StackName()
	status, err := a.settledStack(ctx, name, progress)
	if err != nil {
		return nil, err
	}
	kind := types.ChangeSetTypeUpdate
	switch status {
	case "", types.StackStatusReviewInProgress, types.StackStatusDeleteComplete:
		kind = types.ChangeSetTypeCreate
	case types.StackStatusRollbackComplete, types.StackStatusRollbackFailed, types.StackStatusCreateFailed, types.StackStatusDeleteFailed:
		return nil, fmt.Errorf("%w: stack %s is %s and cannot go on from there: threatdetect destroy, then deploy again", ErrExists, name, status)
	}
	kept, err := a.foreign(ctx, name, status)
	if err != nil {
		return nil, err
	}
	template, err := a.stack.DeployTemplate(kept...)
	if err != nil {
		return nil, err
	}
	if len(template) > maxTemplate {
		return nil, fmt.Errorf("%w: the template has %d bytes, CloudFormation takes %d: fewer hyperparameters and tags make it shorter", ErrStack, len(template), maxTemplate)
	}
	d := &Deployment{Stack: name, changeSet: a.stack.contentName("deploy", string(template)), Kept: kept}
	in := &cloudformation.CreateChangeSetInput{
		StackName: &name, ChangeSetName: &d.changeSet, ChangeSetType: kind, TemplateBody: aws.String(string(template)),
		Capabilities: []types.Capability{types.CapabilityCapabilityNamedIam}, Description: aws.String("threatdetect deploy"),
	}
	tags := a.stack.AllTags()
	for _, k := range slices.Sorted(maps.Keys(tags)) {
		in.Tags = append(in.Tags, types.Tag{Key: aws.String(k), Value: aws.String(tags[k])})
	}
	if _, err := a.CloudFormation().CreateChangeSet(ctx, in); err != nil && !errors.Is(err, ErrExists) {
		return nil, err
	}
	return d, a.readChanges(ctx, d)
}

// foreign lists the resources of the template that are there and are not the stack's: what an earlier stack left, or somebody else made.
func (a *AWS) foreign(ctx context.Context, name string, status types.StackStatus) (kept []string, err error) {
	if a.DryRun() { // nothing is there
		return nil, nil
	}
	owned := map[string]bool{}
	if status != "" && status != types.StackStatusReviewInProgress && status != types.StackStatusDeleteComplete {
		in := &cloudformation.ListStackResourcesInput{StackName: &name}
		for {
			out, err := a.CloudFormation().ListStackResources(ctx, in)
			if err != nil {
				return nil, err
			}
			for _, r := range out.StackResourceSummaries {
				if r.ResourceStatus != types.ResourceStatusDeleteComplete {
					owned[aws.ToString(r.LogicalResourceId)] = true
				}
			}
			if in.NextToken = out.NextToken; in.NextToken == nil {
				break
			}
		}
	}
	bucket, group := a.stack.Bucket, a.stack.Resource(KindModels)
	for _, r := range []struct {
		logical string
		look    func() error
	}{
		{logicalBucket, func() error {
			_, err := a.S3().HeadBucket(ctx, &s3.HeadBucketInput{Bucket: &bucket})
			if errors.Is(err, ErrDenied) {
				return fmt.Errorf("%w: bucket %s belongs to somebody else: give the stack another", ErrDenied, bucket)
			}
			return err
		}},
		{logicalModels, func() error {
			_, err := a.SageMaker().DescribeModelPackageGroup(ctx, &sagemaker.DescribeModelPackageGroupInput{ModelPackageGroupName: &group})
			return err
		}},
	} {
		if owned[r.logical] {
			continue
		}
		switch err := r.look(); {
		case err == nil:
			kept = append(kept, r.logical)
		case !errors.Is(err, ErrNotFound):
			return nil, err
		}
	}
	return kept, nil
}

// readChanges waits for the change set. One that would change nothing is an error to CloudFormation, and is removed.
func (a *AWS) readChanges(ctx context.Context, d *Deployment) error {
	in := &cloudformation.DescribeChangeSetInput{StackName: &d.Stack, ChangeSetName: &d.changeSet}
	for end := a.clock.Now().Add(stackTime); ; {
		out, err := a.CloudFormation().DescribeChangeSet(ctx, in)
		if err != nil {
			return err
		}
		switch out.Status {
		case types.ChangeSetStatusCreateComplete:
			for _, c := range out.Changes {
				if r := c.ResourceChange; r != nil {
					d.Changes = append(d.Changes, Change{string(r.Action), aws.ToString(r.LogicalResourceId), aws.ToString(r.ResourceType), aws.ToString(r.PhysicalResourceId), string(r.Replacement)})
				}
			}
			if in.NextToken = out.NextToken; in.NextToken == nil {
				return nil
			}
			continue
		case types.ChangeSetStatusFailed:
			why := aws.ToString(out.StatusReason)
			if err := a.Discard(ctx, d); err != nil {
				return err
			}
			if strings.Contains(why, "didn't contain changes") || strings.Contains(why, "No updates are to be performed") {
				d.Changes = nil
				return nil
			}
			return fmt.Errorf("%w: stack %s: %s", ErrRequest, d.Stack, orNoReason(why))
		}
		if a.clock.Now().After(end) {
			return fmt.Errorf("%w: stack %s: the change set is still %s", ErrService, d.Stack, out.Status)
		}
		if err := a.clock.Sleep(ctx, changePoll); err != nil {
			return err
		}
	}
}

// Discard forgets a planned deployment.
func (a *AWS) Discard(ctx context.Context, d *Deployment) error {
	_, err := a.CloudFormation().DeleteChangeSet(ctx, &cloudformation.DeleteChangeSetInput{StackName: &d.Stack, ChangeSetName: &d.changeSet})
	if errors.Is(err, ErrNotFound) {
		return nil
	}
	return err
}

// Deploy makes the planned changes and waits until all are made. If one cannot be made, CloudFormation takes all of them back, and the error says which and why.
func (a *AWS) Deploy(ctx context.Context, d *Deployment, progress func(status string)) error {
	if len(d.Changes) == 0 {
		return nil
	}
	began := a.clock.Now()
	if _, err := a.CloudFormation().ExecuteChangeSet(ctx, &cloudformation.ExecuteChangeSetInput{StackName: &d.Stack, ChangeSetName: &d.changeSet}); err != nil {
		return err
	}
	status, err := a.settledStack(ctx, d.Stack, progress)
	if err != nil {
		return err
	}
	if status == types.StackStatusCreateComplete || status == types.StackStatusUpdateComplete {
		return nil
	}
	return fmt.Errorf("%w: stack %s: %s: %s", ErrJob, d.Stack, status, a.stackFailures(ctx, d.Stack, began))
}

// settledStack waits while something is under way, and returns the status of the stack then, "" if there is none.
func (a *AWS) settledStack(ctx context.Context, name string, progress func(string)) (types.StackStatus, error) {
	for end := a.clock.Now().Add(stackTime); ; {
		out, err := a.CloudFormation().DescribeStacks(ctx, &cloudformation.DescribeStacksInput{StackName: &name})
		if errors.Is(err, ErrNotFound) || err == nil && len(out.Stacks) == 0 {
			return "", nil
		}
		if err != nil {
			return "", err
		}
		status := out.Stacks[0].StackStatus
		if !strings.HasSuffix(string(status), "_IN_PROGRESS") || status == types.StackStatusReviewInProgress {
			return status, nil
		}
		if progress != nil {
			progress(string(status))
		}
		if a.clock.Now().After(end) {
			return "", fmt.Errorf("%w: stack %s is still %s after %v", ErrService, name, status, stackTime)
		}
		if err := a.clock.Sleep(ctx, stackPoll); err != nil {
			return "", err
		}
	}
}

// stackFailures is what went wrong first, in the words of CloudFormation.
func (a *AWS) stackFailures(ctx context.Context, name string, since time.Time) string {
	out, err := a.CloudFormation().DescribeStackEvents(ctx, &cloudformation.DescribeStackEventsInput{StackName: &name})
	if err != nil {
		return err.Error()
	}
	var failures []string
	for _, e := range slices.Backward(out.StackEvents) { // the newest are first
		why := aws.ToString(e.ResourceStatusReason)
		if !strings.HasSuffix(string(e.ResourceStatus), "_FAILED") || strings.Contains(why, "cancelled") || aws.ToTime(e.Timestamp).Before(since.Add(-time.Minute)) {
			continue
		}
		failures = append(failures, fmt.Sprintf("%s (%s): %s", aws.ToString(e.LogicalResourceId), aws.ToString(e.ResourceType), redact(oneLineOf(why))))
	}
	if len(failures) == 0 {
		return "CloudFormation gives no reason"
	}
	text := strings.Join(failures, "; ")
	if strings.Contains(text, "already exists") {
		text += "; threatdetect cleanup deletes what iam apply and other commands made beside the stack"
	}
	return text
}

// Destroy deletes the stack in CloudFormation and waits until it is gone; none is no error. It returns what stays, with the reason. The bucket and the
// registry always do: see [AWS.Cleanup].
func (a *AWS) Destroy(ctx context.Context, progress func(status string)) (deleted bool, left []Leftover, err error) {
	name := a.stack.StackName()
	deleted, err = a.deleteStack(ctx, progress)
	if err != nil {
		return deleted, nil, err
	}
	kept, err := a.foreign(ctx, name, "")
	for _, logical := range kept {
		what := Leftover{Kind: "bucket", Name: a.stack.Bucket, Why: "it holds data: threatdetect cleanup --delete-data"}
		if logical == logicalModels {
			what = Leftover{Kind: "model package group", Name: a.stack.Resource(KindModels), Why: "it says which models were approved: threatdetect cleanup"}
		}
		left = append(left, what)
	}
	return deleted, left, err
}

func (a *AWS) deleteStack(ctx context.Context, progress func(string)) (bool, error) {
	name := a.stack.StackName()
	status, err := a.settledStack(ctx, name, progress)
	if err != nil || status == "" && !a.DryRun() {
		return false, err
	}
	began := a.clock.Now()
	if _, err := a.CloudFormation().DeleteStack(ctx, &cloudformation.DeleteStackInput{StackName: &name}); err != nil {
		return false, err
	}
	status, err = a.settledStack(ctx, name, progress)
	if err != nil {
		return false, err
	}
	if status != "" && status != types.StackStatusDeleteComplete {
		return false, fmt.Errorf("%w: stack %s: %s: %s", ErrJob, name, status, a.stackFailures(ctx, name, began))
	}
	return true, nil
}

// Leftover is something that stays, and why.
type Leftover struct{ Kind, Name, Why string }

package train

import (
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker/types"
)

// taken is the newest approved model, as a request took it, and what is remembered of it until the request was seen to its end. What a request makes is named after
// its model, too: with another one it would be another thing.
type taken struct {
	model      string    // address of its artifact
	remembered bool      // by the same request before
	memory     *runState // nil: nothing is
}

// takeNewest takes the model of the same request before, if that was not seen to its end, or the newest approved one. Beside is the file beside which it is remembered;
// "": nowhere. A request that is anew forgets it.
func (a *AWS) takeNewest(ctx context.Context, kind, beside string, anew bool, request ...any) (*taken, error) {
	t := &taken{}
	if beside != "" && !a.DryRun() {
		print, err := fingerprint(kind, a.stack, a.endpoint, request)
		if err != nil {
			return nil, err
		}
		// One file a request: another one in between does not make this one forgotten.
		if t.memory, _, err = openState(statePath(kind+"-"+print[:10], beside), print); err != nil {
			return nil, err
		}
		t.memory.Fingerprint = print
	}
	if t.memory != nil && t.memory.Model != "" && !anew {
		t.model, t.remembered = t.memory.Model, true
		return t, nil
	}
	var err error
	if t.model, err = a.newestArtifact(ctx); err != nil || t.memory == nil {
		return t, err
	}
	if anew { // which is another thing each time
		return t, t.memory.remove()
	}
	t.memory.Model, t.memory.Created = t.model, a.clock.Now().UTC()
	return t, t.memory.save()
}

// forget makes the next request take the newest approved model.
func (t *taken) forget() error {
	if t == nil || t.memory == nil {
		return nil
	}
	return t.memory.remove()
}

// ended forgets the model if the end of a request is one that the same again would not change.
func (t *taken) ended(err error) error {
	if err == nil || errors.Is(err, ErrJob) || errors.Is(err, ErrExists) || errors.Is(err, ErrNotFound) || errors.Is(err, ErrRequest) || errors.Is(err, ErrInput) {
		return errors.Join(err, t.forget())
	}
	return err
}

// newestArtifact is the artifact of the approved model with the highest version.
func (a *AWS) newestArtifact(ctx context.Context) (string, error) {
	if a.DryRun() {
		return a.stack.S3(a.stack.Prefixes.Models + "MODEL/output/model.tar.gz"), nil
	}
	group := a.stack.Resource(KindModels)
	var newest *types.ModelPackageSummary
	in := &sagemaker.ListModelPackagesInput{ModelPackageGroupName: &group, ModelApprovalStatus: types.ModelApprovalStatusApproved}
	for {
		out, err := a.SageMaker().ListModelPackages(ctx, in)
		if err != nil {
			return "", err
		}
		for i := range out.ModelPackageSummaryList {
			p := &out.ModelPackageSummaryList[i]
			if newest == nil || aws.ToInt32(p.ModelPackageVersion) > aws.ToInt32(newest.ModelPackageVersion) {
				newest = p
			}
		}
		if in.NextToken = out.NextToken; in.NextToken == nil {
			break
		}
	}
	if newest == nil {
		return "", fmt.Errorf("%w: an approved model in the registry %s: see threatdetect registry list, or say --model s3://…", ErrNotFound, group)
	}
	out, err := a.SageMaker().DescribeModelPackage(ctx, &sagemaker.DescribeModelPackageInput{ModelPackageName: newest.ModelPackageArn})
	if err != nil {
		return "", err
	}
	if out.InferenceSpecification == nil || len(out.InferenceSpecification.Containers) == 0 {
		return "", fmt.Errorf("%w: model package %s has no artifact", ErrRequest, aws.ToString(newest.ModelPackageArn))
	}
	c := &out.InferenceSpecification.Containers[0]
	if url := aws.ToString(c.ModelDataUrl); url != "" {
		return url, nil
	}
	if c.ModelDataSource != nil && c.ModelDataSource.S3DataSource != nil {
		return aws.ToString(c.ModelDataSource.S3DataSource.S3Uri), nil
	}
	return "", fmt.Errorf("%w: model package %s has no artifact", ErrRequest, aws.ToString(newest.ModelPackageArn))
}

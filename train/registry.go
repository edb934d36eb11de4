package train

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker/types"
)

// What people, or the gate, say of a version.
const (
	Pending  = "PendingManualApproval"
	Approved = "Approved"
	Rejected = "Rejected"
)

// ModelVersion is one version in the registry.
type ModelVersion struct {
	Version  int       `json:"version"`
	ARN      string    `json:"arn"`
	Status   string    `json:"status"`   // Completed, if it can be used
	Approval string    `json:"approval"` // PendingManualApproval, Approved or Rejected
	Why      string    `json:"why,omitempty"`
	Created  time.Time `json:"created"`

	// What only [AWS.DescribeModel] knows.
	Artifact string `json:"artifact,omitempty"` // address of model.tar.gz
	ETag     string `json:"etag,omitempty"`     // of the artifact when it was registered, if the registry knows it
	Contract string `json:"contract,omitempty"` // address
	Set      string `json:"set,omitempty"`
	Run      string `json:"run,omitempty"` // of the pipeline
}

// ListModels lists the versions with an approval, or all if that is "", the highest first. The service orders by creation, so that a version that was approved late
// would not come first by itself: what matters is the highest.
func (a *AWS) ListModels(ctx context.Context, approval string) ([]ModelVersion, error) {
	in := &sagemaker.ListModelPackagesInput{ModelPackageGroupName: aws.String(a.stack.Resource(KindModels)), ModelApprovalStatus: types.ModelApprovalStatus(approval),
		SortBy: types.ModelPackageSortByCreationTime, SortOrder: types.SortOrderDescending, MaxResults: aws.Int32(100)}
	var list []ModelVersion
	for {
		out, err := a.SageMaker().ListModelPackages(ctx, in)
		if errors.Is(err, ErrNotFound) {
			return nil, nil // no group, no models
		}
		if err != nil {
			return nil, err
		}
		for _, p := range out.ModelPackageSummaryList {
			list = append(list, ModelVersion{Version: int(aws.ToInt32(p.ModelPackageVersion)), ARN: aws.ToString(p.ModelPackageArn),
				Status: string(p.ModelPackageStatus), Approval: string(p.ModelApprovalStatus), Created: aws.ToTime(p.CreationTime)})
		}
		if in.NextToken = out.NextToken; in.NextToken == nil {
			slices.SortFunc(list, func(a, b ModelVersion) int { return cmp.Compare(b.Version, a.Version) })
			return list, nil
		}
	}
}

// NewestApproved is the highest approved version, nil if there is none.
func (a *AWS) NewestApproved(ctx context.Context) (*ModelVersion, error) {
	list, err := a.ListModels(ctx, Approved)
	if err != nil {
		return nil, err
	}
	for _, m := range list {
		if m.Status == string(types.ModelPackageStatusCompleted) {
			return a.DescribeModel(ctx, m.Version)
		}
	}
	return nil, nil
}

// DescribeModel says all of a version.
func (a *AWS) DescribeModel(ctx context.Context, version int) (*ModelVersion, error) {
	arn, err := a.modelARN(ctx, version)
	if err != nil {
		return nil, err
	}
	out, err := a.SageMaker().DescribeModelPackage(ctx, &sagemaker.DescribeModelPackageInput{ModelPackageName: &arn})
	if err != nil {
		return nil, err
	}
	m := &ModelVersion{Version: version, ARN: arn, Status: string(out.ModelPackageStatus), Approval: string(out.ModelApprovalStatus), Why: aws.ToString(out.ApprovalDescription),
		Created: aws.ToTime(out.CreationTime), Contract: out.CustomerMetadataProperties[metaContract], Set: out.CustomerMetadataProperties[metaSet], Run: out.CustomerMetadataProperties[metaRun]}
	if out.InferenceSpecification != nil && len(out.InferenceSpecification.Containers) > 0 {
		c := &out.InferenceSpecification.Containers[0]
		m.Artifact, m.ETag = aws.ToString(c.ModelDataUrl), aws.ToString(c.ModelDataETag)
		if s := c.ModelDataSource; m.Artifact == "" && s != nil && s.S3DataSource != nil {
			m.Artifact, m.ETag = aws.ToString(s.S3DataSource.S3Uri), aws.ToString(s.S3DataSource.ETag)
		}
	}
	return m, nil
}

func (a *AWS) modelARN(ctx context.Context, version int) (string, error) {
	account, err := a.Account(ctx)
	if err != nil {
		return "", err
	}
	return a.stack.arnOf("sagemaker", account, fmt.Sprintf("model-package/%s/%d", a.stack.Resource(KindModels), version)), nil
}

// Judge approves or rejects a version; why is up to 1024 bytes for people. To roll back, reject the version that is bad: the highest approved one counts.
func (a *AWS) Judge(ctx context.Context, version int, approval, why string) error {
	if len(why) > 1024 {
		return &Faults{Where: "registry", Kind: ErrStack, List: []Fault{{Key: "reason", What: fmt.Sprintf("%d bytes: want at most 1024", len(why))}}}
	}
	arn, err := a.modelARN(ctx, version)
	if err != nil {
		return err
	}
	in := &sagemaker.UpdateModelPackageInput{ModelPackageArn: &arn, ModelApprovalStatus: types.ModelApprovalStatus(approval)}
	if why != "" {
		in.ApprovalDescription = &why
	}
	_, err = a.SageMaker().UpdateModelPackage(ctx, in)
	return err
}

// maxArtifact bounds what is fetched of a model, in bytes.
const maxArtifact = 1 << 30

// fetchObject reads an object of the stack's bucket; an address elsewhere is refused, wherever it comes from. With an entity tag the object has to have that.
func (a *AWS) fetchObject(ctx context.Context, address, etag string, limit int64) ([]byte, error) {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "s3" || len(u.Path) < 2 {
		return nil, fmt.Errorf("%w: %q: want s3://bucket/key", ErrIntegrity, clip(address))
	}
	if u.Host != a.stack.Bucket {
		return nil, fmt.Errorf("%w: %q lies in another bucket than the stack's, %s", ErrIntegrity, clip(address), a.stack.Bucket)
	}
	in := &s3.GetObjectInput{Bucket: &a.stack.Bucket, Key: aws.String(strings.TrimPrefix(u.Path, "/"))}
	if etag != "" {
		in.IfMatch = &etag
	}
	out, err := a.S3().GetObject(ctx, in)
	if err != nil {
		return nil, err
	}
	defer out.Body.Close()
	if n := aws.ToInt64(out.ContentLength); n > limit {
		return nil, fmt.Errorf("%w: %s has %d bytes: want at most %d", ErrIntegrity, address, n, limit)
	}
	data, err := readBounded(out.Body, limit)
	switch {
	case err != nil:
		return nil, fmt.Errorf("%s: %w", address, err)
	case out.ContentLength != nil && int64(len(data)) != *out.ContentLength:
		return nil, fmt.Errorf("%w: %s: %d of %d bytes", ErrIntegrity, address, len(data), *out.ContentLength)
	}
	return data, nil
}

// readBounded reads all, up to a limit.
func readBounded(r io.Reader, limit int64) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(r, limit+1))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNetwork, err)
	}
	if int64(len(data)) > limit {
		return nil, fmt.Errorf("%w: more than %d bytes", ErrIntegrity, limit)
	}
	return data, nil
}

// notModified tells whether an object is still the one that is known.
func notModified(err error) bool {
	response, ok := errors.AsType[*awshttp.ResponseError](err)
	return ok && response.HTTPStatusCode() == http.StatusNotModified
}

package train

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/resourcegroupstaggingapi"
	taggingtypes "github.com/aws/aws-sdk-go-v2/service/resourcegroupstaggingapi/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

// cleanupData are logs and the bucket.
func (a *AWS) cleanupData() []cleanupStep {
	group, bucket := "/aws/lambda/"+a.stack.Resource(KindTrigger), a.stack.Bucket
	return []cleanupStep{
		{kind: "log group", data: true, assume: []string{group},
			find: func(ctx context.Context) (names []string, err error) {
				out, err := a.Logs().DescribeLogGroups(ctx, &cloudwatchlogs.DescribeLogGroupsInput{LogGroupNamePrefix: &group})
				if err != nil {
					return nil, err
				}
				for _, g := range out.LogGroups {
					if aws.ToString(g.LogGroupName) == group {
						names = append(names, group)
					}
				}
				return names, nil
			},
			remove: func(ctx context.Context, name string) error {
				_, err := a.Logs().DeleteLogGroup(ctx, &cloudwatchlogs.DeleteLogGroupInput{LogGroupName: &name})
				return err
			}},
		{kind: "log streams of job", data: true, find: a.jobsWithStreams, remove: a.removeStreams},
		{kind: "bucket", data: true, assume: []string{bucket},
			find: only(bucket, func(ctx context.Context) error {
				_, err := a.S3().HeadBucket(ctx, &s3.HeadBucketInput{Bucket: &bucket})
				return err
			}),
			ours:   func(ctx context.Context, _ string) error { return a.bucketIsOurs(ctx) },
			remove: func(ctx context.Context, _ string) error { return a.removeBucket(ctx) },
			why:    a.sizeOfBucket},
	}
}

// jobKinds are the log groups of jobs, by the kind in their ARNs.
var jobKinds = map[string]string{"training-job": "TrainingJobs", "processing-job": "ProcessingJobs", "transform-job": "TransformJobs", "hyper-parameter-tuning-job": ""}

// jobRecords are all jobs of the stack that ever were, as KIND/NAME.
func (a *AWS) jobRecords(ctx context.Context) (jobs []string, err error) {
	in := &resourcegroupstaggingapi.GetResourcesInput{
		TagFilters:          []taggingtypes.TagFilter{{Key: aws.String(tagStack), Values: []string{a.stack.Name}}},
		ResourceTypeFilters: []string{"sagemaker:training-job", "sagemaker:processing-job", "sagemaker:transform-job", "sagemaker:hyper-parameter-tuning-job"},
	}
	for {
		out, err := a.Tagging().GetResources(ctx, in)
		if err != nil {
			return nil, err
		}
		for _, r := range out.ResourceTagMappingList {
			if parts := strings.SplitN(aws.ToString(r.ResourceARN), ":", 6); len(parts) == 6 {
				if kind, _, ok := strings.Cut(parts[5], "/"); ok {
					if _, known := jobKinds[kind]; known {
						jobs = append(jobs, parts[5])
					}
				}
			}
		}
		if in.PaginationToken = out.PaginationToken; aws.ToString(in.PaginationToken) == "" {
			slices.Sort(jobs)
			return jobs, nil
		}
	}
}

// jobsWithStreams are those of them that have logs.
func (a *AWS) jobsWithStreams(ctx context.Context) (jobs []string, err error) {
	all, err := a.jobRecords(ctx)
	for _, j := range all {
		kind, name, _ := strings.Cut(j, "/")
		if jobKinds[kind] == "" {
			continue
		}
		out, err := a.Logs().DescribeLogStreams(ctx, &cloudwatchlogs.DescribeLogStreamsInput{
			LogGroupName: aws.String("/aws/sagemaker/" + jobKinds[kind]), LogStreamNamePrefix: aws.String(name + "/"), Limit: aws.Int32(1)})
		if err != nil && !errors.Is(err, ErrNotFound) {
			return nil, err
		}
		if err == nil && len(out.LogStreams) > 0 {
			jobs = append(jobs, j)
		}
	}
	return jobs, err
}

// removeStreams deletes the log streams of one job: the groups are shared with every other job of the account.
func (a *AWS) removeStreams(ctx context.Context, name string) error {
	kind, name, _ := strings.Cut(name, "/")
	if jobKinds[kind] == "" {
		return nil
	}
	group := "/aws/sagemaker/" + jobKinds[kind]
	for {
		out, err := a.Logs().DescribeLogStreams(ctx, &cloudwatchlogs.DescribeLogStreamsInput{LogGroupName: &group, LogStreamNamePrefix: aws.String(name + "/")})
		if err != nil {
			return err
		}
		if len(out.LogStreams) == 0 {
			return nil
		}
		for _, s := range out.LogStreams {
			_, err := a.Logs().DeleteLogStream(ctx, &cloudwatchlogs.DeleteLogStreamInput{LogGroupName: &group, LogStreamName: s.LogStreamName})
			if err != nil && !errors.Is(err, ErrNotFound) {
				return err
			}
		}
	}
}

// sizeOfBucket says what stays if the data does.
func (a *AWS) sizeOfBucket(ctx context.Context, name string) (string, error) {
	if err := a.bucketIsOurs(ctx); errors.Is(err, ErrExists) {
		return reason(err), nil
	}
	objects, bytes := 0, int64(0)
	in := &s3.ListObjectsV2Input{Bucket: &name}
	for objects < 100000 {
		out, err := a.S3().ListObjectsV2(ctx, in)
		if err != nil {
			return "", err
		}
		for _, o := range out.Contents {
			objects++
			bytes += aws.ToInt64(o.Size)
		}
		if in.ContinuationToken = out.NextContinuationToken; in.ContinuationToken == nil {
			return fmt.Sprintf("it holds %d objects of %d bytes: --delete-data deletes them, with all their versions", objects, bytes), nil
		}
	}
	return fmt.Sprintf("it holds more than %d objects: --delete-data deletes them, with all their versions", objects), nil
}

// removeBucket empties the bucket and deletes it. It asks once more whose it is, as nothing brings objects back.
func (a *AWS) removeBucket(ctx context.Context) error {
	if err := a.bucketIsOurs(ctx); err != nil {
		return err
	}
	if err := a.empty(ctx); err != nil {
		return err
	}
	_, err := a.S3().DeleteBucket(ctx, &s3.DeleteBucketInput{Bucket: &a.stack.Bucket})
	return err
}

// bucketIsOurs looks for the stack's tag, which deploy gives to buckets that it makes. One without it was there before or is another stack's, and so are the
// objects below the prefixes there: nobody can tell whose they are.
func (a *AWS) bucketIsOurs(ctx context.Context) error {
	if a.DryRun() {
		return nil
	}
	out, err := a.S3().GetBucketTagging(ctx, &s3.GetBucketTaggingInput{Bucket: &a.stack.Bucket})
	if err != nil && serviceCode(err) != "NoSuchTagSet" {
		return err
	}
	has := "no tag " + tagStack
	if err == nil {
		for _, t := range out.TagSet {
			if aws.ToString(t.Key) != tagStack {
				continue
			}
			if has = aws.ToString(t.Value); has == a.stack.Name {
				return nil
			}
			has = tagStack + "=" + clip(has)
		}
	}
	return fmt.Errorf("%w: bucket %s is not the stack's, and nothing in it is deleted: it has %s, want %s=%s", ErrExists, a.stack.Bucket, has, tagStack, a.stack.Name)
}

// empty deletes all versions of all objects, what marks them deleted, and uploads that nobody finished.
func (a *AWS) empty(ctx context.Context) error {
	bucket := &a.stack.Bucket
	uploads := &s3.ListMultipartUploadsInput{Bucket: bucket}
	for {
		out, err := a.S3().ListMultipartUploads(ctx, uploads)
		if code := serviceCode(err); code == "NoSuchUpload" { // how some stores say that there are none
			break
		}
		if err != nil {
			return err
		}
		for _, u := range out.Uploads {
			_, err := a.S3().AbortMultipartUpload(ctx, &s3.AbortMultipartUploadInput{Bucket: bucket, Key: u.Key, UploadId: u.UploadId})
			if err != nil && !errors.Is(err, ErrNotFound) {
				return err
			}
		}
		if !aws.ToBool(out.IsTruncated) {
			break
		}
		uploads.KeyMarker, uploads.UploadIdMarker = out.NextKeyMarker, out.NextUploadIdMarker
	}
	versions := &s3.ListObjectVersionsInput{Bucket: bucket}
	for {
		out, err := a.S3().ListObjectVersions(ctx, versions)
		if err != nil {
			return err
		}
		var batch []types.ObjectIdentifier // at most 1000, as a page has
		for _, v := range out.Versions {
			batch = append(batch, types.ObjectIdentifier{Key: v.Key, VersionId: v.VersionId})
		}
		for _, m := range out.DeleteMarkers {
			batch = append(batch, types.ObjectIdentifier{Key: m.Key, VersionId: m.VersionId})
		}
		if len(batch) > 0 {
			deleted, err := a.S3().DeleteObjects(ctx, &s3.DeleteObjectsInput{Bucket: bucket, Delete: &types.Delete{Objects: batch, Quiet: aws.Bool(true)}})
			if err != nil {
				return err
			}
			for _, e := range deleted.Errors { // which are no error to the service
				return fmt.Errorf("%w: s3 DeleteObjects: s3://%s/%s: %s: %s", ErrService, *bucket, aws.ToString(e.Key), aws.ToString(e.Code), aws.ToString(e.Message))
			}
		}
		if !aws.ToBool(out.IsTruncated) {
			return nil
		}
		versions.KeyMarker, versions.VersionIdMarker = out.NextKeyMarker, out.NextVersionIdMarker
	}
}

// serviceCode is what a service calls an error, "" for others.
func serviceCode(err error) string {
	if service, ok := errors.AsType[*ServiceError](err); ok {
		return service.Code
	}
	return ""
}

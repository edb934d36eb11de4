package train

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/stretchr/testify/require"
)

// A bucket that does not bear the stack's tag keeps all that is in it, below the stack's prefixes too; one that does goes with all of it.
func TestCleanupLeavesForeignBucket(t *testing.T) {
	r := newRegistry(t)
	bucket := r.stack.Bucket
	keys := []string{"elsewhere/notes.txt", r.stack.Prefixes.Models + "model.tar.gz", r.stack.Prefixes.Raw + "conn.log"}
	for _, key := range keys {
		r.put(key, []byte("data"))
	}
	tag := func(owner string) {
		_, err := r.S3().PutBucketTagging(t.Context(), &s3.PutBucketTaggingInput{Bucket: &bucket, Tagging: &types.Tagging{TagSet: []types.Tag{
			{Key: aws.String(tagStack), Value: &owner}}}})
		require.NoError(t, err)
	}
	left := func(report *CleanupReport) string {
		require.NotContains(t, report.Found, Leftover{Kind: "bucket", Name: bucket})
		for _, l := range report.Left {
			if l.Kind == "bucket" && l.Name == bucket {
				return l.Why
			}
		}
		require.Fail(t, "the bucket is not among what is left")
		return ""
	}
	for _, owner := range []string{"", "other"} {
		has := "it has no tag threatdetect:stack, want threatdetect:stack=demo"
		if owner != "" {
			tag(owner)
			has = "it has threatdetect:stack=other, want threatdetect:stack=demo"
		}
		for _, o := range []CleanupOptions{{PlanOnly: true}, {PlanOnly: true, DeleteData: true}, {}} {
			report, err := r.Cleanup(t.Context(), &o)
			require.NoError(t, err)
			require.Contains(t, left(report), has)
		}
		report, err := r.Cleanup(t.Context(), &CleanupOptions{DeleteData: true})
		require.ErrorIs(t, err, ErrExists)
		require.ErrorContains(t, err, "bucket "+bucket+" is not the stack's, and nothing in it is deleted: "+has)
		require.Contains(t, left(report), has)
		require.ErrorIs(t, r.removeBucket(t.Context()), ErrExists)
		objects, err := r.S3().ListObjectsV2(t.Context(), &s3.ListObjectsV2Input{Bucket: &bucket})
		require.NoError(t, err)
		var there []string
		for _, o := range objects.Contents {
			there = append(there, *o.Key)
		}
		require.Equal(t, keys, there)
	}

	tag(r.stack.Name)
	report, err := r.Cleanup(t.Context(), &CleanupOptions{DeleteData: true})
	require.NoError(t, err)
	require.Contains(t, report.Found, Leftover{Kind: "bucket", Name: bucket})
	_, err = r.S3().HeadBucket(t.Context(), &s3.HeadBucketInput{Bucket: &bucket})
	require.ErrorIs(t, err, ErrNotFound)
}

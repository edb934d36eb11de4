package train

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

// s3Store is a prefix of a bucket.
type s3Store struct {
	a              *AWS
	bucket, prefix string
	kms            string
}

// digestKey is the metadata under which an upload tells the SHA-256 of the whole; the service's own, of an upload in parts, is one of digests.
const digestKey = "threatdetect-sha256"

func (s *s3Store) Address(key string) string { return "s3://" + s.bucket + "/" + s.prefix + key }

func (s *s3Store) key(key string) *string { return aws.String(s.prefix + key) }

func (s *s3Store) encryption() (types.ServerSideEncryption, *string) {
	if s.kms == "" {
		return "", nil
	}
	return types.ServerSideEncryptionAwsKms, aws.String(s.kms)
}

func base64SHA256(sum []byte) *string { return aws.String(base64.StdEncoding.EncodeToString(sum)) }

func (s *s3Store) Upload(ctx context.Context, key, path string, progress func(int64)) (Object, error) {
	if progress == nil {
		progress = func(int64) {}
	}
	size, digest, err := fileSHA256(path)
	if err != nil {
		return Object{}, err
	}
	if there, err := s.Head(ctx, key); err == nil && there.Size == size && there.SHA256 == digest {
		progress(size)
		return there, nil
	}
	f, err := os.Open(path)
	if err != nil {
		return Object{}, err
	}
	defer f.Close()
	u := &upload{client: s.a.S3(), bucket: s.bucket, name: key, key: s.key(key), address: s.Address(key), dryRun: s.a.DryRun(),
		head:   func(ctx context.Context) (Object, error) { return s.Head(ctx, key) },
		remove: func(ctx context.Context) error { return s.Delete(ctx, key) },
		file:   f, size: size, digest: digest, progress: progress}
	u.sse, u.kms = s.encryption()
	return u.run(ctx)
}

func (s *s3Store) Put(ctx context.Context, key string, data []byte, mustBeNew bool) (Object, error) {
	sum := sha256.Sum256(data)
	digest := hex.EncodeToString(sum[:])
	sse, kms := s.encryption()
	in := &s3.PutObjectInput{
		Bucket: aws.String(s.bucket), Key: s.key(key), Body: bytes.NewReader(data), ContentLength: aws.Int64(int64(len(data))),
		ChecksumSHA256: base64SHA256(sum[:]), Metadata: map[string]string{digestKey: digest}, ServerSideEncryption: sse, SSEKMSKeyId: kms,
	}
	if mustBeNew {
		in.IfNoneMatch = aws.String("*")
	}
	out, err := s.a.S3().PutObject(ctx, in)
	if err != nil {
		if service, ok := errors.AsType[*ServiceError](err); ok && mustBeNew && service.Code == "PreconditionFailed" {
			service.Kind = ErrExists
		}
		return Object{}, err
	}
	return Object{Key: key, Size: int64(len(data)), ETag: aws.ToString(out.ETag), SHA256: digest}, nil
}

func (s *s3Store) Head(ctx context.Context, key string) (Object, error) {
	out, err := s.a.S3().HeadObject(ctx, &s3.HeadObjectInput{Bucket: aws.String(s.bucket), Key: s.key(key), ChecksumMode: types.ChecksumModeEnabled})
	if err != nil {
		return Object{}, err
	}
	o := Object{Key: key, Size: aws.ToInt64(out.ContentLength), ETag: aws.ToString(out.ETag), Modified: aws.ToTime(out.LastModified)}
	o.SHA256 = digestOf(out.Metadata, out.ChecksumSHA256)
	return o, nil
}

// digestOf is the SHA-256 of the whole object, if anyone told it.
func digestOf(metadata map[string]string, checksum *string) string {
	for k, v := range metadata {
		if strings.EqualFold(k, digestKey) && len(v) == 64 {
			return strings.ToLower(v)
		}
	}
	if sum, err := base64.StdEncoding.DecodeString(aws.ToString(checksum)); err == nil && len(sum) == sha256.Size {
		return hex.EncodeToString(sum) // one of parts has their number behind it, and is no base64
	}
	return ""
}

func (s *s3Store) Get(ctx context.Context, key string, limit int64) ([]byte, Object, error) {
	out, err := s.a.S3().GetObject(ctx, &s3.GetObjectInput{Bucket: aws.String(s.bucket), Key: s.key(key), ChecksumMode: types.ChecksumModeEnabled})
	if err != nil {
		return nil, Object{}, err
	}
	defer out.Body.Close()
	o := Object{Key: key, Size: aws.ToInt64(out.ContentLength), ETag: aws.ToString(out.ETag), Modified: aws.ToTime(out.LastModified)}
	o.SHA256 = digestOf(out.Metadata, out.ChecksumSHA256)
	data, err := readLimited(out.Body, o.Size, limit)
	if err != nil {
		return nil, o, fmt.Errorf("%s: %w", s.Address(key), err)
	}
	if sum := sha256.Sum256(data); o.SHA256 != "" && hex.EncodeToString(sum[:]) != o.SHA256 {
		return nil, o, fmt.Errorf("%w: %s: SHA-256 %x, want %s", ErrIntegrity, s.Address(key), sum, o.SHA256)
	}
	return data, o, nil
}

func (s *s3Store) List(ctx context.Context, prefix string, each func(Object) bool) error {
	in := &s3.ListObjectsV2Input{Bucket: aws.String(s.bucket), Prefix: s.key(prefix)}
	for {
		out, err := s.a.S3().ListObjectsV2(ctx, in)
		if err != nil {
			return err
		}
		for _, o := range out.Contents {
			key, ok := strings.CutPrefix(aws.ToString(o.Key), s.prefix)
			if ok && !each(Object{Key: key, Size: aws.ToInt64(o.Size), ETag: aws.ToString(o.ETag), Modified: aws.ToTime(o.LastModified)}) {
				return nil
			}
		}
		if !aws.ToBool(out.IsTruncated) || out.NextContinuationToken == nil {
			return nil
		}
		in.ContinuationToken = out.NextContinuationToken
	}
}

func (s *s3Store) Delete(ctx context.Context, keys ...string) error {
	for len(keys) > 0 {
		n := min(len(keys), 1000)
		var objects []types.ObjectIdentifier
		for _, key := range keys[:n] {
			objects = append(objects, types.ObjectIdentifier{Key: s.key(key)})
		}
		out, err := s.a.S3().DeleteObjects(ctx, &s3.DeleteObjectsInput{Bucket: aws.String(s.bucket), Delete: &types.Delete{Objects: objects, Quiet: aws.Bool(true)}})
		if err != nil {
			return err
		}
		if len(out.Errors) > 0 {
			e := out.Errors[0]
			hint, kind := kindOf(aws.ToString(e.Code), aws.ToString(e.Message), 0)
			return &ServiceError{Service: "s3", Operation: "DeleteObjects", Resource: "s3://" + s.bucket + "/" + aws.ToString(e.Key),
				Code: aws.ToString(e.Code), Message: aws.ToString(e.Message), Kind: kind, Hint: hint, Err: kind}
		}
		keys = keys[n:]
	}
	return nil
}

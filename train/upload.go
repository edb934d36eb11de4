package train

import (
	"context"
	"crypto/md5"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/s3/transfermanager"
	managertypes "github.com/aws/aws-sdk-go-v2/feature/s3/transfermanager/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

const (
	partSize = 8 << 20 // bytes; the transfer manager takes larger ones where there would be more than 10,000
	inOnePut = 16 << 20
)

// upload is the client that the SDK's transfer manager sends a file with. The manager cuts the file into parts and sends some of them at a time; it forgets them
// with the process. Here the upload of an earlier run that was killed is found again, and a part that is there is not sent a second time.
type upload struct {
	transfermanager.S3APIClient // of downloads, which this one does not know: nil

	// No *s3Store: what a value of an interface leads to is linked with all its methods, and that leads to the clients of every service.
	client   *s3.Client
	bucket   string
	name     string  // in the store
	key      *string // in the bucket
	address  string  // of the object, for people
	head     func(context.Context) (Object, error)
	remove   func(context.Context) error
	dryRun   bool
	sse      types.ServerSideEncryption
	kms      *string
	file     *os.File
	size     int64
	digest   string
	anew     bool // take no upload that was begun before
	progress func(int64)

	mu         sync.Mutex
	there      map[int32]types.Part // by an earlier run
	done, left error                // of putting the parts together, and of deleting them
}

func (u *upload) run(ctx context.Context) (Object, error) {
	o, err := u.send(ctx)
	if err == nil && o.SHA256 != "" && o.SHA256 != u.digest {
		// What was gone on with was begun for another file of this name: the parts are ours, but the digest beside them is not.
		u.anew, u.progress = true, func(int64) {}
		o, err = u.send(ctx)
	}
	if err == nil && o.Size != u.size {
		err = fmt.Errorf("%w: %s: %d bytes are there, %d were sent", ErrIntegrity, u.address, o.Size, u.size)
	}
	return o, err
}

func (u *upload) send(ctx context.Context) (Object, error) {
	u.done, u.left = nil, nil
	if _, err := u.file.Seek(0, io.SeekStart); err != nil {
		return Object{}, err
	}
	manager := transfermanager.New(u, func(o *transfermanager.Options) {
		o.PartSizeBytes, o.MultipartUploadThreshold = partSize, inOnePut+1
		o.ChecksumAlgorithm = managertypes.ChecksumAlgorithmSha256
		o.RequestChecksumCalculation = u.client.Options().RequestChecksumCalculation
	})
	out, err := manager.UploadObject(ctx, &transfermanager.UploadObjectInput{
		Bucket: aws.String(u.bucket), Key: u.key, Body: u.file, Metadata: map[string]string{digestKey: u.digest},
		ServerSideEncryption: managertypes.ServerSideEncryption(u.sse), SSEKMSKeyID: u.kms,
	})
	if err == nil {
		err = u.done
	}
	if u.left != nil {
		err = fmt.Errorf("%w (and what was sent could not be deleted: %v)", err, u.left)
	}
	switch {
	case err != nil:
		return Object{}, err
	case out.UploadID == nil || u.dryRun:
		return Object{Key: u.name, Size: u.size, ETag: aws.ToString(out.ETag), SHA256: u.digest}, nil
	}
	return u.head(ctx)
}

func (u *upload) PutObject(ctx context.Context, in *s3.PutObjectInput, options ...func(*s3.Options)) (*s3.PutObjectOutput, error) {
	sum, _ := hex.DecodeString(u.digest)
	in.ChecksumSHA256 = base64SHA256(sum) // in a header: what not every other store takes behind the body
	out, err := u.client.PutObject(ctx, in, options...)
	if err == nil {
		u.progress(u.size)
	}
	return out, err
}

// CreateMultipartUpload goes on with the upload of an earlier run, if there is one. Whoever may not list uploads begins one.
func (u *upload) CreateMultipartUpload(ctx context.Context, in *s3.CreateMultipartUploadInput, options ...func(*s3.Options)) (*s3.CreateMultipartUploadOutput, error) {
	id, err := u.begun(ctx)
	if err != nil {
		return nil, err
	}
	if id != nil {
		return &s3.CreateMultipartUploadOutput{UploadId: id}, nil
	}
	return u.client.CreateMultipartUpload(ctx, in, options...)
}

// begun is the upload of this key that was not finished, nil if there is none, and finds its parts.
func (u *upload) begun(ctx context.Context) (id *string, err error) {
	u.there = map[int32]types.Part{}
	if u.anew {
		return nil, nil
	}
	out, err := u.client.ListMultipartUploads(ctx, &s3.ListMultipartUploadsInput{Bucket: aws.String(u.bucket), Prefix: u.key})
	if errors.Is(err, ErrDenied) || errors.Is(err, ErrNotFound) || errors.Is(err, ErrService) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	for _, other := range out.Uploads {
		if aws.ToString(other.Key) == *u.key {
			id = other.UploadId
		}
	}
	if id == nil {
		return nil, nil
	}
	in := &s3.ListPartsInput{Bucket: aws.String(u.bucket), Key: u.key, UploadId: id}
	for {
		parts, err := u.client.ListParts(ctx, in)
		if err != nil {
			u.there = nil
			return nil, context.Cause(ctx) // it went away meanwhile
		}
		for _, p := range parts.Parts {
			u.there[aws.ToInt32(p.PartNumber)] = p
		}
		if !aws.ToBool(parts.IsTruncated) || parts.NextPartNumberMarker == nil {
			return id, nil
		}
		in.PartNumberMarker = parts.NextPartNumberMarker
	}
}

// UploadPart sends a part that is not there.
func (u *upload) UploadPart(ctx context.Context, in *s3.UploadPartInput, options ...func(*s3.Options)) (*s3.UploadPartOutput, error) {
	sum := sha256.New()
	size, err := hashBody(in.Body, sum)
	if err != nil {
		return nil, err
	}
	in.ChecksumSHA256 = base64SHA256(sum.Sum(nil))
	out := &s3.UploadPartOutput{}
	if p, ok := u.there[aws.ToInt32(in.PartNumber)]; ok && isPart(p, in, size) {
		out.ETag = p.ETag
	} else if out, err = u.client.UploadPart(ctx, in, options...); err != nil {
		return nil, err
	}
	out.ChecksumSHA256 = in.ChecksumSHA256
	u.mu.Lock()
	defer u.mu.Unlock()
	u.progress(size)
	return out, nil
}

// isPart tells whether a part that is there is what would be sent again. An entity tag is the MD5 where no key of KMS is in use; it only decides whether a part is
// sent again, and the whole is compared in the end.
func isPart(p types.Part, in *s3.UploadPartInput, size int64) bool {
	if aws.ToInt64(p.Size) != size {
		return false
	}
	if p.ChecksumSHA256 != nil {
		return *p.ChecksumSHA256 == *in.ChecksumSHA256
	}
	tag := md5.New()
	_, err := hashBody(in.Body, tag)
	return err == nil && aws.ToString(p.ETag) == fmt.Sprintf(`"%x"`, tag.Sum(nil))
}

// CompleteMultipartUpload compares the digest of the whole. It keeps its error, which the manager would print on the standard logger, and deletes the parts itself.
func (u *upload) CompleteMultipartUpload(ctx context.Context, in *s3.CompleteMultipartUploadInput, options ...func(*s3.Options)) (*s3.CompleteMultipartUploadOutput, error) {
	out, err := u.client.CompleteMultipartUpload(ctx, in, options...)
	if err == nil {
		whole := sha256.New()
		for _, p := range in.MultipartUpload.Parts {
			sum, _ := base64.StdEncoding.DecodeString(aws.ToString(p.ChecksumSHA256))
			whole.Write(sum)
		}
		want := fmt.Sprintf("%s-%d", base64.StdEncoding.EncodeToString(whole.Sum(nil)), len(in.MultipartUpload.Parts))
		if got := aws.ToString(out.ChecksumSHA256); got != "" && got != want {
			u.done = fmt.Errorf("%w: %s: the service's SHA-256 is %s, ours %s", ErrIntegrity, u.address, got, want)
			u.left = u.remove(ctx) // the next run would take it for what it is said to be
		}
		return out, nil
	}
	// An upload that was finished is not there any more, as one whose answer got lost shows.
	if o, e := u.head(ctx); errors.Is(err, ErrNotFound) && e == nil && o.Size == u.size && o.SHA256 == u.digest {
		return &s3.CompleteMultipartUploadOutput{ETag: aws.String(o.ETag)}, nil
	}
	u.done = err
	_, _ = u.AbortMultipartUpload(ctx, &s3.AbortMultipartUploadInput{Bucket: in.Bucket, Key: in.Key, UploadId: in.UploadId})
	return &s3.CompleteMultipartUploadOutput{}, nil
}

// AbortMultipartUpload deletes the parts, which cost as objects do, where nobody is going to use them. Those of a run that was stopped wait for the next.
func (u *upload) AbortMultipartUpload(ctx context.Context, in *s3.AbortMultipartUploadInput, options ...func(*s3.Options)) (*s3.AbortMultipartUploadOutput, error) {
	if ctx.Err() != nil {
		return &s3.AbortMultipartUploadOutput{}, nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
	defer cancel()
	out, err := u.client.AbortMultipartUpload(ctx, in, options...)
	u.left = err
	return out, err
}

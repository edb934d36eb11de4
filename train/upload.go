package train

import (
	"bytes"
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
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

// uploadConcurrency is how many parts are sent at a time.
const uploadConcurrency = 4

// upload sends a large file in parts. It finds the upload of an earlier run that was killed, and keeps the parts that are right, which the SDK's own
// transfer manager cannot: that forgets the upload with the process.
type upload struct {
	s        *s3Store
	key      string
	file     *os.File
	size     int64
	digest   string
	progress func(int64)

	id   string
	part int64 // size of all but the last
	mu   sync.Mutex
	done map[int32]types.CompletedPart
}

func (u *upload) run(ctx context.Context) (Object, error) {
	u.part, u.done = max(partSize, (u.size+maxParts-1)/maxParts), map[int32]types.CompletedPart{}
	sse, kms := u.s.encryption()
	if err := u.resume(ctx); err != nil {
		return Object{}, err
	}
	if u.id == "" {
		out, err := u.s.a.S3().CreateMultipartUpload(ctx, &s3.CreateMultipartUploadInput{
			Bucket: aws.String(u.s.bucket), Key: u.s.key(u.key), ChecksumAlgorithm: types.ChecksumAlgorithmSha256,
			Metadata: map[string]string{digestKey: u.digest}, ServerSideEncryption: sse, SSEKMSKeyId: kms,
		})
		if err != nil {
			return Object{}, err
		}
		u.id = aws.ToString(out.UploadId)
	}
	o, err := u.finish(ctx)
	if err != nil && ctx.Err() == nil {
		// Nobody is going to use the parts, which cost as objects do. Those of a run that was stopped wait for the next.
		abort, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
		defer cancel()
		_, err2 := u.s.a.S3().AbortMultipartUpload(abort, &s3.AbortMultipartUploadInput{Bucket: aws.String(u.s.bucket), Key: u.s.key(u.key), UploadId: aws.String(u.id)})
		if err2 != nil {
			err = fmt.Errorf("%w (and its parts could not be deleted: %v)", err, err2)
		}
	}
	return o, err
}

// resume looks for an upload of the same key that was not finished. Whoever may not list uploads starts anew.
func (u *upload) resume(ctx context.Context) error {
	out, err := u.s.a.S3().ListMultipartUploads(ctx, &s3.ListMultipartUploadsInput{Bucket: aws.String(u.s.bucket), Prefix: u.s.key(u.key)})
	if err != nil {
		if errors.Is(err, ErrDenied) || errors.Is(err, ErrNotFound) || errors.Is(err, ErrService) {
			return nil
		}
		return err
	}
	for _, other := range out.Uploads {
		if aws.ToString(other.Key) != u.s.prefix+u.key {
			continue
		}
		u.id = aws.ToString(other.UploadId)
	}
	if u.id == "" {
		return nil
	}
	in := &s3.ListPartsInput{Bucket: aws.String(u.s.bucket), Key: u.s.key(u.key), UploadId: aws.String(u.id)}
	for {
		parts, err := u.s.a.S3().ListParts(ctx, in)
		if err != nil {
			u.id = "" // it went away meanwhile
			return nil
		}
		for _, p := range parts.Parts {
			if err := u.keep(p); err != nil {
				return err
			}
		}
		if !aws.ToBool(parts.IsTruncated) || parts.NextPartNumberMarker == nil {
			return nil
		}
		in.PartNumberMarker = parts.NextPartNumberMarker
	}
}

// keep takes a part that is there if it is what would be sent again.
func (u *upload) keep(p types.Part) error {
	n := aws.ToInt32(p.PartNumber)
	if n < 1 || n > u.parts() || aws.ToInt64(p.Size) != u.length(n) {
		return nil
	}
	data, err := u.read(n)
	if err != nil {
		return err
	}
	sum, md := sha256.Sum256(data), md5.Sum(data)
	// An entity tag is the MD5 where no key of KMS is in use; it only decides whether a part is sent again, and the whole is compared in the end.
	if want := base64.StdEncoding.EncodeToString(sum[:]); aws.ToString(p.ChecksumSHA256) != want &&
		(p.ChecksumSHA256 != nil || aws.ToString(p.ETag) != `"`+hex.EncodeToString(md[:])+`"`) {
		return nil
	}
	u.done[n] = types.CompletedPart{PartNumber: aws.Int32(n), ETag: p.ETag, ChecksumSHA256: base64SHA256(sum[:])}
	u.progress(int64(len(data)))
	return nil
}

func (u *upload) parts() int32 { return int32((u.size + u.part - 1) / u.part) }

func (u *upload) length(n int32) int64 { return min(u.part, u.size-int64(n-1)*u.part) }

func (u *upload) read(n int32) ([]byte, error) {
	data := make([]byte, u.length(n))
	_, err := io.ReadFull(io.NewSectionReader(u.file, int64(n-1)*u.part, int64(len(data))), data)
	return data, err
}

// finish sends what is missing, and puts the parts together.
func (u *upload) finish(ctx context.Context) (Object, error) {
	if err := u.send(ctx); err != nil {
		return Object{}, err
	}
	whole, parts := sha256.New(), make([]types.CompletedPart, u.parts())
	for i := range parts {
		parts[i] = u.done[int32(i+1)]
		sum, _ := base64.StdEncoding.DecodeString(aws.ToString(parts[i].ChecksumSHA256))
		whole.Write(sum)
	}
	out, err := u.s.a.S3().CompleteMultipartUpload(ctx, &s3.CompleteMultipartUploadInput{
		Bucket: aws.String(u.s.bucket), Key: u.s.key(u.key), UploadId: aws.String(u.id), MultipartUpload: &types.CompletedMultipartUpload{Parts: parts},
	})
	if err != nil {
		// An upload that was finished is not there any more, as one whose answer got lost shows.
		if there, e := u.s.Head(ctx, u.key); errors.Is(err, ErrNotFound) && e == nil && there.Size == u.size && there.SHA256 == u.digest {
			return there, nil
		}
		return Object{}, err
	}
	want := fmt.Sprintf("%s-%d", base64.StdEncoding.EncodeToString(whole.Sum(nil)), len(parts))
	if got := aws.ToString(out.ChecksumSHA256); got != "" && got != want {
		return Object{}, fmt.Errorf("%w: %s: the service's SHA-256 is %s, ours %s", ErrIntegrity, u.s.Address(u.key), got, want)
	}
	if u.s.a.DryRun() {
		return Object{Key: u.key, Size: u.size, ETag: aws.ToString(out.ETag), SHA256: u.digest}, nil
	}
	there, err := u.s.Head(ctx, u.key)
	if err == nil && there.Size != u.size {
		err = fmt.Errorf("%w: %s: %d bytes are there, %d were sent", ErrIntegrity, u.s.Address(u.key), there.Size, u.size)
	}
	return there, err
}

func (u *upload) send(ctx context.Context) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var missing []int32
	for n := int32(1); n <= u.parts(); n++ {
		if _, ok := u.done[n]; !ok {
			missing = append(missing, n)
		}
	}
	numbers := make(chan int32)
	var workers sync.WaitGroup
	for range uploadConcurrency {
		workers.Go(func() {
			for n := range numbers {
				if err := u.sendPart(ctx, n); err != nil {
					cancel(err)
					return
				}
			}
		})
	}
	for _, n := range missing {
		select {
		case numbers <- n:
		case <-ctx.Done():
		}
	}
	close(numbers)
	workers.Wait()
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return nil
}

func (u *upload) sendPart(ctx context.Context, n int32) error {
	data, err := u.read(n)
	if err != nil {
		return err
	}
	sum := sha256.Sum256(data)
	out, err := u.s.a.S3().UploadPart(ctx, &s3.UploadPartInput{
		Bucket: aws.String(u.s.bucket), Key: u.s.key(u.key), UploadId: aws.String(u.id), PartNumber: aws.Int32(n),
		Body: bytes.NewReader(data), ContentLength: aws.Int64(int64(len(data))), ChecksumSHA256: base64SHA256(sum[:]),
	})
	if err != nil {
		return err
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	u.done[n] = types.CompletedPart{PartNumber: aws.Int32(n), ETag: out.ETag, ChecksumSHA256: base64SHA256(sum[:])}
	u.progress(int64(len(data)))
	return nil
}

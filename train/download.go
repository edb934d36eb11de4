package train

import (
	"context"
	"crypto/md5"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

const (
	rangeSize      = 32 << 20 // bytes of one request
	maxRestarts    = 2        // of an object that changes while it is read
	maxInterrupted = 5        // attempts in a row that bring nothing
)

// stallTimeout is how long a body may bring nothing; tests have less patience.
var stallTimeout = 30 * time.Second

func (s *s3Store) Download(ctx context.Context, key, path string, opts *DownloadOptions) (Object, error) {
	d := &download{s: s, key: key, path: path, DownloadOptions: opts.resolved()}
	for restart := 0; ; restart++ {
		o, err := d.run(ctx)
		if err == nil || restart == maxRestarts || !errors.Is(err, ErrChanged) {
			return o, err
		}
	}
}

// download reads an object range by range into a file beside the one that is wanted. What a run that was killed has read is read on from there, if
// the object is still the same.
type download struct {
	s         *s3Store
	key, path string
	DownloadOptions
	file   *os.File
	offset int64
	object Object
	kms    bool
}

func (d *download) run(ctx context.Context) (Object, error) {
	head, err := d.s.a.S3().HeadObject(ctx, &s3.HeadObjectInput{Bucket: aws.String(d.s.bucket), Key: d.s.key(d.key), ChecksumMode: types.ChecksumModeEnabled})
	if err != nil {
		return Object{}, err
	}
	d.object = Object{Key: d.key, Size: aws.ToInt64(head.ContentLength), ETag: aws.ToString(head.ETag), Modified: aws.ToTime(head.LastModified)}
	d.object.SHA256, d.kms = digestOf(head.Metadata, head.ChecksumSHA256), strings.HasPrefix(string(head.ServerSideEncryption), "aws:kms")
	if d.object.Size > d.MaxBytes {
		return Object{}, fmt.Errorf("%w: %s: %d bytes, want at most %d", ErrRequest, d.address(), d.object.Size, d.MaxBytes)
	}
	if err := d.create(); err != nil {
		return Object{}, err
	}
	defer d.file.Close()
	if err := d.fill(ctx); err != nil {
		if errors.Is(err, ErrChanged) {
			os.Remove(d.file.Name())
		}
		return Object{}, err
	}
	if err := d.verify(); err != nil {
		os.Remove(d.file.Name())
		return Object{}, err
	}
	if err := d.file.Sync(); err != nil {
		return Object{}, err
	}
	return d.object, os.Rename(d.file.Name(), d.path)
}

func (d *download) address() string { return d.s.Address(d.key) }

// create opens the file for this state of the object, with what is in it already.
func (d *download) create() error {
	if err := os.MkdirAll(filepath.Dir(d.path), 0o777); err != nil {
		return err
	}
	state := sha256.Sum256([]byte(d.address() + d.object.ETag))
	name := filepath.Join(filepath.Dir(d.path), fmt.Sprintf(".%s.%x.part", filepath.Base(d.path), state[:6]))
	// Never through a link: the name is no secret.
	if info, err := os.Lstat(name); err == nil && !info.Mode().IsRegular() {
		return fmt.Errorf("%w: %s is there and no regular file", ErrExists, name)
	}
	var err error
	if d.file, err = os.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o600); err != nil {
		return err
	}
	info, err := d.file.Stat()
	if err != nil {
		d.file.Close()
		return err
	}
	if d.offset = info.Size(); d.offset > d.object.Size || info.Mode().Perm() != 0o600 {
		d.offset = 0
		if err = errors.Join(d.file.Truncate(0), d.file.Chmod(0o600)); err != nil {
			d.file.Close()
		}
	}
	return err
}

// fill reads what is missing. An attempt that stalls or breaks off is taken up where it was.
func (d *download) fill(ctx context.Context) error {
	if _, err := d.file.Seek(d.offset, io.SeekStart); err != nil {
		return err
	}
	d.Progress(d.offset, d.object.Size)
	for failed := 0; d.offset < d.object.Size; {
		before := d.offset
		err := d.readRange(ctx, min(d.offset+rangeSize, d.object.Size)-1)
		switch {
		case err == nil, d.offset > before:
			failed = 0
		default:
			failed++
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if err == nil {
			continue
		}
		if !interrupted(err) || failed == maxInterrupted {
			return err
		}
		pause, _ := backoff(failed, nil)
		if err := d.s.a.clock.Sleep(ctx, pause); err != nil {
			return err
		}
	}
	return nil
}

// interruptedError is a body that broke off, or stalled; answers of the service have been tried again by the SDK already.
type interruptedError struct{ error }

func (e interruptedError) Unwrap() error { return e.error }

func interrupted(err error) bool {
	_, ok := errors.AsType[interruptedError](err)
	return ok
}

func (d *download) readRange(ctx context.Context, last int64) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	in := &s3.GetObjectInput{Bucket: aws.String(d.s.bucket), Key: d.s.key(d.key), Range: aws.String(fmt.Sprintf("bytes=%d-%d", d.offset, last))}
	if d.object.ETag != "" {
		in.IfMatch = aws.String(d.object.ETag)
	}
	out, err := d.s.a.S3().GetObject(ctx, in)
	if err != nil {
		if service, ok := errors.AsType[*ServiceError](err); ok && (service.Code == "PreconditionFailed" || service.Code == "InvalidRange") {
			service.Kind = ErrChanged
		}
		return err
	}
	defer out.Body.Close()
	want := fmt.Sprintf("bytes %d-%d/%d", d.offset, last, d.object.Size)
	if got := aws.ToString(out.ContentRange); got != want {
		if got == "" && d.offset == 0 && aws.ToInt64(out.ContentLength) == d.object.Size && last == d.object.Size-1 {
			got = want // the whole, from a server that knows no ranges
		}
		if got != want {
			return fmt.Errorf("%w: %s: the answer is range %q of the object, want %q", ErrIntegrity, d.address(), clip(got), want)
		}
	}
	if tag := aws.ToString(out.ETag); tag != "" && tag != d.object.ETag {
		return fmt.Errorf("%w: %s: entity tag %s, was %s", ErrChanged, d.address(), clip(tag), d.object.ETag)
	}
	return d.copy(out.Body, last+1-d.offset, cancel)
}

var errStalled = errors.New("no byte came for too long")

// copy writes n bytes of a body to the file. A watchdog ends a body that brings nothing for too long.
func (d *download) copy(body io.Reader, n int64, cancel context.CancelCauseFunc) error {
	watchdog := time.AfterFunc(stallTimeout, func() { cancel(errStalled) })
	defer watchdog.Stop()
	buf := make([]byte, 64<<10)
	for n > 0 {
		k, err := body.Read(buf[:min(n, int64(len(buf)))])
		watchdog.Reset(stallTimeout)
		if k > 0 {
			if _, err := d.file.Write(buf[:k]); err != nil {
				return err
			}
			d.offset += int64(k)
			n -= int64(k)
			d.Progress(d.offset, d.object.Size)
		}
		if err != nil && n > 0 {
			if errors.Is(err, io.EOF) {
				err = io.ErrUnexpectedEOF
			}
			return interruptedError{fmt.Errorf("%w: %s at byte %d of %d: %w", ErrNetwork, d.address(), d.offset, d.object.Size, err)}
		}
	}
	return nil
}

// verify compares the file with what is known of the object: the digest that the caller wants, the one of the metadata or the service, or the MD5 in the
// entity tag.
func (d *download) verify() error {
	sum, md := sha256.New(), md5.New()
	if _, err := d.file.Seek(0, io.SeekStart); err != nil {
		return err
	}
	n, err := io.Copy(io.MultiWriter(sum, md), d.file)
	if err != nil {
		return err
	}
	text := func(h hash.Hash) string { return hex.EncodeToString(h.Sum(nil)) }
	got := text(sum)
	tag := strings.Trim(d.object.ETag, `"`)
	switch {
	case n != d.object.Size:
		return fmt.Errorf("%w: %s: %d bytes arrived of %d", ErrIntegrity, d.address(), n, d.object.Size)
	case d.SHA256 != "" && !strings.EqualFold(got, d.SHA256):
		return fmt.Errorf("%w: %s: SHA-256 %s, want %s", ErrIntegrity, d.address(), got, d.SHA256)
	case d.object.SHA256 != "" && got != d.object.SHA256:
		return fmt.Errorf("%w: %s: SHA-256 %s, the object's is %s", ErrIntegrity, d.address(), got, d.object.SHA256)
	case d.object.SHA256 == "" && !d.kms && len(tag) == 2*md5.Size && isHex(tag) && text(md) != tag:
		return fmt.Errorf("%w: %s: MD5 %s, the entity tag is %s", ErrIntegrity, d.address(), text(md), tag)
	}
	d.object.SHA256 = got
	return nil
}

func isHex(s string) bool {
	_, err := hex.DecodeString(s)
	return err == nil
}

package train

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"
)

// Object is what a store knows of one object.
type Object struct {
	Key      string
	Size     int64
	ETag     string // changes with the contents; "" if the store has none
	SHA256   string // hexadecimal; "" if whoever uploaded it did not say
	Modified time.Time
}

// Store keeps objects under keys: a prefix of a bucket of S3, or a folder of this machine, which are used alike. Keys are divided by slashes. Errors are
// of the kinds of this package. A store is safe for concurrent use. It is no interface, as the client in it must not be put into one: see the package
// comment.
type Store struct {
	s3  *s3Store // nil if it is a folder
	dir *dirStore
}

// Address is where a key lies, for people and for SageMaker: s3://bucket/key.
func (s *Store) Address(key string) string {
	if s.s3 != nil {
		return s.s3.Address(key)
	}
	return s.dir.Address(key)
}

// Upload puts a file there, whole or not at all. One that is there with the same contents is not sent again, and what an upload that was killed has
// sent already is not either. Progress is told of bytes that are there; it may be nil.
func (s *Store) Upload(ctx context.Context, key, path string, progress func(bytes int64)) (Object, error) {
	if s.s3 != nil {
		return s.s3.Upload(ctx, key, path, progress)
	}
	return s.dir.Upload(ctx, key, path, progress)
}

// Put is Upload for a few bytes. If mustBeNew, an object that is there is ErrExists.
func (s *Store) Put(ctx context.Context, key string, data []byte, mustBeNew bool) (Object, error) {
	if s.s3 != nil {
		return s.s3.Put(ctx, key, data, mustBeNew)
	}
	return s.dir.Put(ctx, key, data, mustBeNew)
}

// Download gets an object as a file that only this user can read, whole or not at all.
func (s *Store) Download(ctx context.Context, key, path string, opts *DownloadOptions) (Object, error) {
	if s.s3 != nil {
		return s.s3.Download(ctx, key, path, opts)
	}
	return s.dir.Download(ctx, key, path, opts)
}

// Get is Download for a few bytes, at most limit.
func (s *Store) Get(ctx context.Context, key string, limit int64) ([]byte, Object, error) {
	if s.s3 != nil {
		return s.s3.Get(ctx, key, limit)
	}
	return s.dir.Get(ctx, key, limit)
}

// Head says what is known of an object.
func (s *Store) Head(ctx context.Context, key string) (Object, error) {
	if s.s3 != nil {
		return s.s3.Head(ctx, key)
	}
	return s.dir.Head(ctx, key)
}

// List calls each with every object below a prefix, in the order of keys, until it returns false.
func (s *Store) List(ctx context.Context, prefix string, each func(Object) bool) error {
	if s.s3 != nil {
		return s.s3.List(ctx, prefix, each)
	}
	return s.dir.List(ctx, prefix, each)
}

// Delete deletes; what is not there is no error.
func (s *Store) Delete(ctx context.Context, keys ...string) error {
	if s.s3 != nil {
		return s.s3.Delete(ctx, keys...)
	}
	return s.dir.Delete(ctx, keys...)
}

// DownloadOptions bound a download. The zero value, and nil, are the defaults.
type DownloadOptions struct {
	MaxBytes int64  // 0 is 4 GiB
	SHA256   string // that the object must have
	Progress func(bytes, total int64)
}

const defaultMaxDownload = 4 << 30

func (o *DownloadOptions) resolved() DownloadOptions {
	var r DownloadOptions
	if o != nil {
		r = *o
	}
	if r.MaxBytes <= 0 {
		r.MaxBytes = defaultMaxDownload
	}
	if r.Progress == nil {
		r.Progress = func(int64, int64) {}
	}
	return r
}

// ParseS3 takes s3://bucket/key apart.
func ParseS3(address string) (bucket, key string, err error) {
	rest, ok := strings.CutPrefix(address, "s3://")
	bucket, key, _ = strings.Cut(rest, "/")
	if !ok || !bucketName.MatchString(bucket) || len(key) > 1024 || strings.ContainsAny(key, "\x00\n\r") {
		return "", "", fmt.Errorf("%w: %q: want s3://bucket/key", ErrRequest, clip(address))
	}
	return bucket, key, nil
}

// OpenStore opens what an address names: s3://bucket/prefix, or a folder. A prefix that is not empty ends in a slash.
func (a *AWS) OpenStore(address string) (*Store, error) {
	if !strings.HasPrefix(address, "s3://") {
		return NewDirStore(address), nil
	}
	bucket, prefix, err := ParseS3(address)
	if err != nil {
		return nil, err
	}
	if prefix != "" && !strings.HasSuffix(prefix, "/") {
		prefix += "/"
	}
	return &Store{s3: &s3Store{a: a, bucket: bucket, prefix: prefix}}, nil
}

// Bucket is the store of the stack's bucket.
func (a *AWS) Bucket() *Store {
	return &Store{s3: &s3Store{a: a, bucket: a.stack.Bucket, kms: a.stack.Training.KMSKey}}
}

// readLimited reads r to its end, which must be at the size that was promised.
func readLimited(r io.Reader, size, limit int64) ([]byte, error) {
	if size > limit {
		return nil, fmt.Errorf("%w: %d bytes, want at most %d", ErrRequest, size, limit)
	}
	data, err := io.ReadAll(io.LimitReader(r, limit+1))
	switch {
	case err != nil:
		return nil, err
	case int64(len(data)) > limit:
		return nil, fmt.Errorf("%w: more bytes, want at most %d", ErrRequest, limit)
	case size >= 0 && int64(len(data)) != size:
		return nil, fmt.Errorf("%w: %d bytes arrived, %d were promised", ErrIntegrity, len(data), size)
	}
	return data, nil
}

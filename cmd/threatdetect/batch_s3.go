//go:build !noaws

package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/spf13/pflag"

	"threatdetect/inference/batch"
	"threatdetect/train"
)

// addPlace adds the flags that say where S3 is.
func (f *awsFlags) addPlace(flags *pflag.FlagSet) {
	flags.StringVar(&f.config, "config", "threatdetect.yaml", "for s3://: file that describes the stack, if there is one")
	flags.StringVar(&f.endpoint, "endpoint-url", "", "for s3://: ask this address in place of AWS (also AWS_ENDPOINT_URL)")
	flags.StringVar(&f.profile, "profile", "", "for s3://: profile of the AWS configuration files (also AWS_PROFILE)")
}

// openBucket returns the store of a bucket for a batch. Where there is no threatdetect.yaml, region and credentials are those of the environment.
func (a *app) openBucket(ctx context.Context, f *awsFlags, url string) (batch.Store, error) {
	stack := &train.Stack{Region: cmp.Or(os.Getenv("AWS_REGION"), os.Getenv("AWS_DEFAULT_REGION"), "us-east-1")}
	if _, err := os.Stat(f.config); !errors.Is(err, fs.ErrNotExist) {
		if stack, err = train.Open(f.config); err != nil {
			return nil, awsError(f.config, err)
		}
	}
	aws, err := a.connectTo(ctx, stack, f)
	if err != nil {
		return nil, err
	}
	store, err := aws.OpenStore(url)
	if err != nil {
		return nil, awsError(url, err)
	}
	return bucketOf(store), nil
}

// bucket is a store of package train as a batch wants it. It holds functions and not the store, since the linker keeps every method of what is
// inside a value that is used through an interface, and below the store hangs the whole SDK.
type bucket struct {
	list     func(ctx context.Context, prefix string, each func(train.Object) bool) error
	head     func(ctx context.Context, key string) (train.Object, error)
	download func(ctx context.Context, key, path string, maxBytes int64) (train.Object, error)
	upload   func(ctx context.Context, key, path string) error
}

func bucketOf(store *train.Store) *bucket {
	return &bucket{
		list: store.List, head: store.Head,
		download: func(ctx context.Context, key, path string, maxBytes int64) (train.Object, error) {
			return store.Download(ctx, key, path, &train.DownloadOptions{MaxBytes: maxBytes})
		},
		upload: func(ctx context.Context, key, path string) error {
			_, err := store.Upload(ctx, key, path, nil)
			return err
		},
	}
}

func batchObject(o train.Object) batch.Object {
	return batch.Object{Key: o.Key, Size: o.Size, Tag: o.ETag}
}

func (s *bucket) List(ctx context.Context, prefix string) (all []batch.Object, err error) {
	err = s.list(ctx, prefix, func(o train.Object) bool {
		all = append(all, batchObject(o))
		return true
	})
	return all, err
}

func (s *bucket) Stat(ctx context.Context, key string) (batch.Object, error) {
	o, err := s.head(ctx, key)
	if errors.Is(err, train.ErrNotFound) {
		err = fmt.Errorf("%w: %w", fs.ErrNotExist, err)
	}
	return batchObject(o), err
}

// Open downloads an object, with all the checks and retries of that, to a file that has no name any more when it is read.
func (s *bucket) Open(ctx context.Context, o batch.Object, offset int64) (io.ReadCloser, error) {
	dir, err := os.MkdirTemp("", "threatdetect-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	name := filepath.Join(dir, "object")
	got, err := s.download(ctx, o.Key, name, max(o.Size, 1))
	if err != nil {
		return nil, err
	}
	if got.ETag != o.Tag {
		return nil, train.ErrChanged
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	if _, err := f.Seek(offset, io.SeekStart); err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

func (s *bucket) Put(ctx context.Context, key, path string) error { return s.upload(ctx, key, path) }

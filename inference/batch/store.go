package batch

import (
	"context"
	"io"
)

// Store is what a job needs of a bucket of an object store. Package train has one for S3.
type Store interface {
	// List returns the objects whose keys begin with prefix, in order of their keys.
	List(ctx context.Context, prefix string) ([]Object, error)
	// Stat returns an object; the error answers errors.Is for fs.ErrNotExist if there is none.
	Stat(ctx context.Context, key string) (Object, error)
	// Open reads an object from a byte on. It fails if the object's tag is not o.Tag any more.
	Open(ctx context.Context, o Object, offset int64) (io.ReadCloser, error)
	// Put writes the file at path as an object. It appears whole or not at all, and replaces one that is there.
	Put(ctx context.Context, key, path string) error
}

// Object is an object of a Store.
type Object struct {
	Key  string
	Size int64  // bytes
	Tag  string // changes with the content: the entity tag
}

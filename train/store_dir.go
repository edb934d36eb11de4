package train

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// NewDirStore makes a store of a folder, which is made with the first object.
func NewDirStore(dir string) *Store { return &Store{dir: &dirStore{dir}} }

// dirStore keeps each object as a file; the digest of its contents is its entity tag.
type dirStore struct{ dir string }

func (d *dirStore) Address(key string) string { return filepath.Join(d.dir, filepath.FromSlash(key)) }

// path refuses keys that would lead out of the folder.
func (d *dirStore) path(key string) (string, error) {
	if !filepath.IsLocal(filepath.FromSlash(key)) || strings.HasSuffix(key, "/") {
		return "", fmt.Errorf("%w: key %q leads out of %s", ErrRequest, clip(key), d.dir)
	}
	return d.Address(key), nil
}

func fileError(err error) error {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("%w: %w", ErrNotFound, err)
	case errors.Is(err, fs.ErrExist):
		return fmt.Errorf("%w: %w", ErrExists, err)
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("%w: %w", ErrDenied, err)
	}
	return err
}

func (d *dirStore) Upload(ctx context.Context, key, path string, progress func(int64)) (Object, error) {
	to, err := d.path(key)
	if err != nil {
		return Object{}, err
	}
	f, err := os.Open(path)
	if err != nil {
		return Object{}, err
	}
	defer f.Close()
	size, digest, err := writeFile(ctx, to, f, progress)
	return Object{Key: key, Size: size, ETag: digest, SHA256: digest}, fileError(err)
}

func (d *dirStore) Put(ctx context.Context, key string, data []byte, mustBeNew bool) (Object, error) {
	to, err := d.path(key)
	if err != nil {
		return Object{}, err
	}
	if _, err := os.Lstat(to); err == nil && mustBeNew {
		return Object{}, fmt.Errorf("%w: %s", ErrExists, to)
	}
	size, digest, err := writeFile(ctx, to, bytes.NewReader(data), nil)
	return Object{Key: key, Size: size, ETag: digest, SHA256: digest}, fileError(err)
}

func (d *dirStore) Download(ctx context.Context, key, path string, opts *DownloadOptions) (Object, error) {
	o := opts.resolved()
	from, err := d.path(key)
	if err != nil {
		return Object{}, err
	}
	f, err := os.Open(from)
	if err != nil {
		return Object{}, fileError(err)
	}
	defer f.Close()
	info, err := f.Stat()
	switch {
	case err != nil:
		return Object{}, fileError(err)
	case info.Size() > o.MaxBytes:
		return Object{}, fmt.Errorf("%w: %s: %d bytes, want at most %d", ErrRequest, from, info.Size(), o.MaxBytes)
	}
	done := int64(0)
	size, digest, err := writeFile(ctx, path, f, func(n int64) {
		done += n
		o.Progress(done, info.Size())
	})
	if err == nil && o.SHA256 != "" && !strings.EqualFold(o.SHA256, digest) {
		os.Remove(path)
		err = fmt.Errorf("%w: %s: SHA-256 %s, want %s", ErrIntegrity, from, digest, o.SHA256)
	}
	return Object{Key: key, Size: size, ETag: digest, SHA256: digest, Modified: info.ModTime()}, fileError(err)
}

func (d *dirStore) Get(_ context.Context, key string, limit int64) ([]byte, Object, error) {
	from, err := d.path(key)
	if err != nil {
		return nil, Object{}, err
	}
	f, err := os.Open(from)
	if err != nil {
		return nil, Object{}, fileError(err)
	}
	defer f.Close()
	data, err := readLimited(f, -1, limit)
	sum := sha256.Sum256(data)
	digest := hex.EncodeToString(sum[:])
	return data, Object{Key: key, Size: int64(len(data)), ETag: digest, SHA256: digest}, fileError(err)
}

func (d *dirStore) Head(_ context.Context, key string) (Object, error) {
	from, err := d.path(key)
	if err != nil {
		return Object{}, err
	}
	info, err := os.Stat(from)
	if err == nil && !info.Mode().IsRegular() {
		err = fmt.Errorf("%s: %w", from, fs.ErrNotExist)
	}
	if err != nil {
		return Object{}, fileError(err)
	}
	size, digest, err := fileSHA256(from)
	return Object{Key: key, Size: size, ETag: digest, SHA256: digest, Modified: info.ModTime()}, fileError(err)
}

func (d *dirStore) List(ctx context.Context, prefix string, each func(Object) bool) error {
	var keys []string
	err := filepath.WalkDir(d.dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		name, err := filepath.Rel(d.dir, path)
		if key := filepath.ToSlash(name); err == nil && strings.HasPrefix(key, prefix) {
			keys = append(keys, key)
		}
		return err
	})
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fileError(err)
	}
	slices.Sort(keys)
	for _, key := range keys {
		o, err := d.Head(ctx, key)
		if err != nil {
			return err
		}
		if !each(o) {
			break
		}
	}
	return nil
}

func (d *dirStore) Delete(_ context.Context, keys ...string) error {
	for _, key := range keys {
		path, err := d.path(key)
		if err != nil {
			return err
		}
		if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fileError(err)
		}
	}
	return nil
}

// writeFile writes r under a temporary name first, for this user only.
func writeFile(ctx context.Context, path string, r io.Reader, progress func(int64)) (size int64, digest string, err error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		return 0, "", err
	}
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*")
	if err != nil {
		return 0, "", err
	}
	defer os.Remove(f.Name())
	h := sha256.New()
	size, err = io.Copy(io.MultiWriter(f, h), &meteredReader{ctx, r, progress})
	if err == nil {
		err = f.Sync()
	}
	if err2 := f.Close(); err == nil {
		err = err2
	}
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	return size, hex.EncodeToString(h.Sum(nil)), err
}

// meteredReader tells how much was read, and ends with the context.
type meteredReader struct {
	ctx      context.Context
	r        io.Reader
	progress func(int64)
}

func (m *meteredReader) Read(p []byte) (int, error) {
	if m.ctx.Err() != nil {
		return 0, context.Cause(m.ctx)
	}
	n, err := m.r.Read(p)
	if m.progress != nil && n > 0 {
		m.progress(int64(n))
	}
	return n, err
}

func fileSHA256(path string) (size int64, digest string, err error) {
	f, err := os.Open(path)
	if err != nil {
		return 0, "", err
	}
	defer f.Close()
	h := sha256.New()
	size, err = io.Copy(h, f)
	return size, hex.EncodeToString(h.Sum(nil)), err
}

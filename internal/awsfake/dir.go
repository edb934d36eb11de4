package awsfake

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"bytes"
)

// loadDir puts the files of a directory of buckets into S3.
func (s *Server) loadDir() error {
	root := s.options.Dir
	if root == "" {
		return nil
	}
	if err := os.MkdirAll(root, 0o700); err != nil {
		return err
	}
	return filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || path == root {
			return err
		}
		rel, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		bucket, key, _ := strings.Cut(filepath.ToSlash(rel), "/")
		if d.IsDir() {
			if key == "" {
				return s.backend.CreateBucket(bucket)
			}
			return nil
		}
		if key == "" || !d.Type().IsRegular() {
			return nil
		}
		body, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		_, err = s.backend.PutObject(bucket, key, map[string]string{}, bytes.NewReader(body), int64(len(body)), nil)
		return err
	})
}

// mirror writes an object to the directory of buckets.
func (s *Server) mirror(bucket, key string) {
	if s.options.Dir == "" || strings.HasSuffix(key, "/") {
		return
	}
	body, err := s.getObject(bucket, key)
	if err == nil {
		path := filepath.Join(s.options.Dir, bucket, filepath.FromSlash(key))
		if !filepath.IsLocal(filepath.Join(bucket, filepath.FromSlash(key))) {
			err = fmt.Errorf("key %q leads out of the directory", key)
		} else if err = os.MkdirAll(filepath.Dir(path), 0o700); err == nil {
			err = os.WriteFile(path, body, 0o600)
		}
	}
	if err != nil {
		s.logf("s3: %s/%s is not written to %s: %v", bucket, key, s.options.Dir, err)
	}
}

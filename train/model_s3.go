package train

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// ModelOptions say how [FetchModel] gets a model. The zero value, and nil, are the defaults.
type ModelOptions struct {
	Connect  *ConnectOptions
	Region   string // "": the SDK's environment decides
	CacheDir string // "": a folder of the user's own cache
	SHA256   string // that the object must have
	MaxBytes int64  // 0 is 1 GiB
	Progress func(bytes, total int64)
}

const defaultMaxModel = 1 << 30

// FetchModel gets a model or bundle from s3://bucket/key, and returns a file of this machine that only this user can read. The object is asked for its
// entity tag each time, and only read if it is not in the cache with the same one; the digest of a cached file is checked before it is used again.
func FetchModel(ctx context.Context, address string, opts *ModelOptions) (path string, err error) {
	if opts == nil {
		opts = &ModelOptions{}
	}
	bucket, key, err := ParseS3(address)
	if err != nil {
		return "", err
	}
	if key == "" {
		return "", fmt.Errorf("%w: %q: want s3://bucket/key", ErrRequest, address)
	}
	a, err := Connect(ctx, &Stack{Region: opts.Region, Bucket: bucket}, opts.Connect)
	if err != nil {
		return "", err
	}
	if a.config.Region == "" {
		a.config.Region = "us-east-1" // which says where the bucket lies, if it does not lie there
	}
	dir := opts.CacheDir
	if dir == "" {
		if dir, err = os.UserCacheDir(); err != nil {
			return "", err
		}
		dir = filepath.Join(dir, "threatdetect", "models")
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", err
	}
	store := a.Bucket()
	head, err := store.Head(ctx, key)
	if err != nil {
		return "", err
	}
	name := sha256.Sum256([]byte(address + "\x00" + head.ETag))
	// The last part of the name stays, as error messages show it.
	path = filepath.Join(dir, fmt.Sprintf("%x", name[:16]), filepath.Base(filepath.FromSlash(key)))
	if digest, err := cachedDigest(path); err == nil && (opts.SHA256 == "" || digest == opts.SHA256) {
		return path, nil
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return "", err
	}
	max := opts.MaxBytes
	if max <= 0 {
		max = defaultMaxModel
	}
	o, err := store.Download(ctx, key, path, &DownloadOptions{MaxBytes: max, SHA256: opts.SHA256, Progress: opts.Progress})
	if err != nil {
		return "", err
	}
	note, err := json.Marshal(cacheNote{Address: address, ETag: o.ETag, SHA256: o.SHA256, Size: o.Size})
	if err == nil {
		err = os.WriteFile(path+".json", note, 0o600)
	}
	return path, err
}

// cacheNote lies beside a cached file.
type cacheNote struct {
	Address string `json:"address"`
	ETag    string `json:"etag"`
	SHA256  string `json:"sha256"`
	Size    int64  `json:"size"`
}

// cachedDigest is the digest of a cached file that is what its note says.
func cachedDigest(path string) (string, error) {
	text, err := os.ReadFile(path + ".json")
	if err != nil {
		return "", err
	}
	var note cacheNote
	if err := json.Unmarshal(text, &note); err != nil {
		return "", err
	}
	info, err := os.Lstat(path)
	if err != nil {
		return "", err
	}
	if !info.Mode().IsRegular() || info.Size() != note.Size {
		return "", errors.New("another file")
	}
	_, digest, err := fileSHA256(path)
	if err == nil && digest != note.SHA256 {
		err = errors.New("another file")
	}
	return digest, err
}

package awsfake

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"sort"
	"strings"

	"github.com/johannesboyne/gofakes3"
)

// object is one of a listing.
type object struct {
	bucket, key string
	size        int64
}

// list gives the objects below a prefix, in the order of their keys.
func (s *Server) list(bucket, prefix string) ([]object, error) {
	var out []object
	page := gofakes3.ListBucketPage{MaxKeys: 1000}
	p := gofakes3.NewPrefix(&prefix, nil)
	for {
		l, err := s.backend.ListBucket(bucket, &p, page)
		if err != nil {
			return nil, err
		}
		for _, c := range l.Contents {
			out = append(out, object{bucket, c.Key, c.Size})
		}
		if !l.IsTruncated || l.NextMarker == "" {
			break
		}
		page.Marker, page.HasMarker = l.NextMarker, true
	}
	sort.Slice(out, func(i, j int) bool { return out[i].key < out[j].key })
	return out, nil
}

func (s *Server) getObject(bucket, key string) ([]byte, error) {
	o, err := s.backend.GetObject(bucket, key, nil)
	if err != nil {
		return nil, err
	}
	defer o.Contents.Close()
	return io.ReadAll(o.Contents)
}

// putObject is a write by a service: it makes events as any other. The lock must not be held.
func (s *Server) putObject(bucket, key string, body []byte) error {
	if _, err := s.backend.PutObject(bucket, key, map[string]string{}, bytes.NewReader(body), int64(len(body)), nil); err != nil {
		return err
	}
	info := &objectInfo{checksum: map[string]string{"Crc64nvme": checksum("Crc64nvme", body)}, checksumType: "FULL_OBJECT"}
	s.remember(bucket, key, info)
	s.created(nil, bucket, key, "PutObject", http.Header{"Etag": {s.etag(bucket, key)}}, int64(len(body)))
	return nil
}

// Put writes an object as if a client had, making the bucket if need be.
func (s *Server) Put(bucket, key string, body []byte) error {
	if ok, _ := s.backend.BucketExists(bucket); !ok {
		if err := s.backend.CreateBucket(bucket); err != nil {
			return err
		}
	}
	return s.putObject(bucket, key, body)
}

// Get reads an object.
func (s *Server) Get(bucket, key string) ([]byte, error) { return s.getObject(bucket, key) }

// Keys lists the keys below a prefix.
func (s *Server) Keys(bucket, prefix string) ([]string, error) {
	objects, err := s.list(bucket, prefix)
	keys := make([]string, len(objects))
	for i, o := range objects {
		keys[i] = o.key
	}
	return keys, err
}

// inputObjects are the objects of a channel: below a prefix, or those of a manifest.
func (s *Server) inputObjects(channel doc) ([]object, error) {
	source := sub(channel, "DataSource", "S3DataSource")
	if source == nil {
		source = channel
	}
	bucket, key, err := splitS3(str(source, "S3Uri"))
	if err != nil {
		return nil, err
	}
	if str(source, "S3DataType") != "ManifestFile" {
		return s.list(bucket, key)
	}
	body, err := s.getObject(bucket, key)
	if err != nil {
		return nil, err
	}
	var entries []any
	if err := json.Unmarshal(body, &entries); err != nil {
		return nil, err
	}
	prefix, out := "", []object(nil)
	for _, e := range entries {
		switch x := e.(type) {
		case map[string]any:
			prefix, _ = x["prefix"].(string)
		case string:
			b, k, err := splitS3(prefix + x)
			if err != nil {
				return nil, err
			}
			o, err := s.backend.HeadObject(b, k)
			if err != nil {
				return nil, err
			}
			o.Contents.Close()
			out = append(out, object{b, k, o.Size})
		}
	}
	return out, nil
}

// relative is where an object of a channel lies in the container: its key without the folder of the prefix.
func relative(uri, key string) string {
	_, prefix, _ := splitS3(uri)
	folder := prefix[:strings.LastIndex(prefix, "/")+1]
	return strings.TrimPrefix(key, folder)
}

// Uploads are the multipart uploads of a bucket that nobody has finished or aborted.
func (s *Server) Uploads(bucket string) ([]string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []string
	for id, u := range s.uploads {
		if u.bucket == bucket {
			out = append(out, id)
		}
	}
	sort.Strings(out)
	return out, nil
}

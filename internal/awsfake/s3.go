package awsfake

import (
	"bytes"
	"encoding/hex"
	"encoding/xml"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/johannesboyne/gofakes3"
	"github.com/johannesboyne/gofakes3/backend/s3mem"

	"threatdetect/internal/lazyregexp"
)

// bucketState is what a bucket has besides objects.
type bucketState struct {
	settings map[string][]byte // sub-resources as they were put: notification, lifecycle …
	tags     map[string][]byte // of objects, by key
}

// objectInfo is what S3 remembers of how an object was uploaded, and gofakes3 does not.
type objectInfo struct {
	etag         string // of a multipart upload: hash of the parts' hashes, and their number
	checksum     map[string]string
	checksumType string
}

// fakeTime is the server's clock for gofakes3.
type fakeTime struct{ c *clock }

func (t fakeTime) Now() time.Time                   { return t.c.now() }
func (t fakeTime) Since(at time.Time) time.Duration { return t.c.now().Sub(at) }

func (s *Server) openS3() {
	source := fakeTime{s.clock}
	s.backend = s3mem.New(s3mem.WithTimeSource(source))
	s.s3 = gofakes3.New(s.backend, gofakes3.WithTimeSource(source), gofakes3.WithTimeSkewLimit(0), gofakes3.WithIntegrityCheck(true)).Server()
	s.buckets, s.objects, s.uploads = map[string]*bucketState{}, map[string]*objectInfo{}, map[string]*upload{}
}

// subresources are settings of a bucket, and the error of asking for one that was never made; "" answers an empty one.
var subresources = map[string]struct{ op, missing string }{
	"notification":      {"BucketNotificationConfiguration", ""},
	"lifecycle":         {"BucketLifecycleConfiguration", "NoSuchLifecycleConfiguration"},
	"encryption":        {"BucketEncryption", "ServerSideEncryptionConfigurationNotFoundError"},
	"publicAccessBlock": {"PublicAccessBlock", "NoSuchPublicAccessBlockConfiguration"},
	"policy":            {"BucketPolicy", "NoSuchBucketPolicy"},
	"ownershipControls": {"BucketOwnershipControls", "OwnershipControlsNotFoundError"},
	"tagging":           {"BucketTagging", "NoSuchTagSet"},
}

// s3Operation names what a request to S3 asks for, as botocore does.
func s3Operation(r *http.Request) (op, bucket, key string) {
	bucket, key, _ = strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	q := r.URL.Query()
	verb := map[string]string{"GET": "Get", "PUT": "Put", "DELETE": "Delete", "HEAD": "Head", "POST": "Post"}[r.Method]
	if key == "" {
		for name, sub := range subresources {
			if q.Has(name) {
				return verb + sub.op, bucket, ""
			}
		}
	}
	switch {
	case bucket == "":
		return "ListBuckets", "", ""
	case q.Has("uploadId"):
		op = map[string]string{"GET": "ListParts", "PUT": "UploadPart", "DELETE": "AbortMultipartUpload", "POST": "CompleteMultipartUpload"}[r.Method]
	case q.Has("uploads"):
		op = map[string]string{"GET": "ListMultipartUploads", "POST": "CreateMultipartUpload"}[r.Method]
	case q.Has("versioning"):
		op = verb + "BucketVersioning"
	case q.Has("versions"):
		op = "ListObjectVersions"
	case key == "":
		op = map[string]string{"PUT": "CreateBucket", "HEAD": "HeadBucket", "DELETE": "DeleteBucket", "POST": "DeleteObjects", "GET": "ListObjects"}[r.Method]
		if q.Get("list-type") == "2" {
			op = "ListObjectsV2"
		} else if q.Has("location") {
			op = "GetBucketLocation"
		}
	case q.Has("tagging"):
		op = verb + "ObjectTagging"
	case r.Method == "PUT" && r.Header.Get("X-Amz-Copy-Source") != "":
		op = "CopyObject"
	default:
		op = verb + "Object"
	}
	return op, bucket, key
}

// s3Input is a request to S3 in the API's words, as far as a validator of requests cares.
func s3Input(r *http.Request, bucket, key string, size int64) map[string]any {
	in := map[string]any{}
	with(in, "Bucket", bucket, "Key", key)
	q := r.URL.Query()
	for param, name := range map[string]string{"uploadId": "UploadId", "prefix": "Prefix", "versionId": "VersionId", "delimiter": "Delimiter", "continuation-token": "ContinuationToken", "start-after": "StartAfter"} {
		with(in, name, q.Get(param))
	}
	for param, name := range map[string]string{"partNumber": "PartNumber", "max-keys": "MaxKeys"} {
		if n, err := strconv.ParseInt(q.Get(param), 10, 64); err == nil {
			in[name] = n
		}
	}
	for header, name := range map[string]string{"Range": "Range", "If-Match": "IfMatch", "If-None-Match": "IfNoneMatch", "Content-Type": "ContentType", "X-Amz-Checksum-Mode": "ChecksumMode",
		"X-Amz-Sdk-Checksum-Algorithm": "ChecksumAlgorithm", "X-Amz-Checksum-Algorithm": "ChecksumAlgorithm", "X-Amz-Checksum-Sha256": "ChecksumSHA256", "X-Amz-Checksum-Crc32": "ChecksumCRC32",
		"X-Amz-Server-Side-Encryption": "ServerSideEncryption", "X-Amz-Server-Side-Encryption-Aws-Kms-Key-Id": "SSEKMSKeyId", "X-Amz-Copy-Source": "CopySource", "X-Amz-Checksum-Type": "ChecksumType"} {
		with(in, name, r.Header.Get(header))
	}
	return in
}

func (s *Server) serveS3(w http.ResponseWriter, r *http.Request) {
	op, bucket, key := s3Operation(r)
	rec := Request{Service: "s3", Operation: op, Protocol: "s3", Method: r.Method, Path: r.URL.RequestURI(), Header: r.Header.Clone(), Size: max(r.ContentLength, 0)}
	rec.Input = s3Input(r, bucket, key, rec.Size)
	out := &s3Writer{w: w, header: w.Header()}
	answered := s.arrived(rec)
	defer func() {
		answered(func(q *Request) { q.Status, q.Code = out.status, out.code })
		s.logf("s3 %s %s/%s %d %s", op, bucket, key, out.status, out.code)
	}()
	fault := s.fault("s3", op, func() string { return bucket + "/" + key })
	if fault != nil && fault.beforeS3(out, r) {
		return
	}
	if fault != nil && fault.Kind == "partial" && op == "DeleteObjects" {
		if err := s.deletePartly(out, r); err != nil {
			out.fail(err, r)
		}
		return
	}
	var answer http.ResponseWriter = out
	if fault != nil {
		if fault.Kind == "full" {
			r.Header.Del("Range")
		}
		answer = fault.wrapS3(out, r)
	}
	if err := s.objectRequest(answer, r, op, bucket, key); err != nil {
		out.fail(err, r)
	}
	if c, ok := answer.(*spoiledWriter); ok {
		c.finish()
	}
}

var deletedObject = lazyregexp.New(`(?s)<Object>.*?(<Key>.*?</Key>).*?</Object>`)

// deletePartly deletes all that a request names but the first.
func (s *Server) deletePartly(w http.ResponseWriter, r *http.Request) *apiError {
	body, err := payload(r)
	first := deletedObject.FindSubmatchIndex(body)
	if err != nil || first == nil {
		return s3Error(400, "MalformedXML", "The XML you provided was not well-formed")
	}
	refused := slices.Concat([]byte("<Error>"), body[first[2]:first[3]], []byte("<Code>InternalError</Code><Message>We encountered an internal error. Please try again.</Message></Error></DeleteResult>"))
	s.forward(w, r, withoutNull(slices.Delete(slices.Clone(body), first[0], first[1])), func(_ http.Header, _ int, answer []byte) []byte {
		return bytes.Replace(answer, []byte("</DeleteResult>"), refused, 1)
	})
	return nil
}

// withoutNull takes the version out that objects have which were written without versioning: gofakes3 lists it, and does not find it.
func withoutNull(deletion []byte) []byte {
	return bytes.ReplaceAll(deletion, []byte("<VersionId>null</VersionId>"), nil)
}

// objectRequest is S3 proper: what gofakes3 leaves out is done here, the rest there.
func (s *Server) objectRequest(w http.ResponseWriter, r *http.Request, op, bucket, key string) *apiError {
	for name, sub := range subresources {
		if key == "" && r.URL.Query().Has(name) {
			return s.bucketSetting(w, r, bucket, name, sub.missing)
		}
	}
	var body []byte
	if r.Method == "PUT" || r.Method == "POST" {
		var err error
		if body, err = payload(r); err != nil {
			return s3Error(400, "IncompleteBody", err.Error())
		}
	}
	if err := s.conditions(r, op, bucket, key); err != nil {
		return err
	}
	switch op {
	case "GetObjectTagging", "PutObjectTagging", "DeleteObjectTagging":
		return s.objectTagging(w, r, bucket, key, body)
	case "PutObject":
		info := &objectInfo{checksum: map[string]string{}}
		if err := info.verify(r.Header, body); err != nil {
			return err
		}
		s.forward(w, r, body, func(h http.Header, status int, answer []byte) []byte {
			if status < 300 {
				s.remember(bucket, key, info)
				info.headers(h)
				s.created(r, bucket, key, "PutObject", h, int64(len(body)))
			}
			return answer
		})
		return nil
	case "CopyObject":
		s.forward(w, r, body, func(h http.Header, status int, answer []byte) []byte {
			if status < 300 {
				s.remember(bucket, key, nil)
				s.created(r, bucket, key, "CopyObject", h, -1)
			}
			return answer
		})
		return nil
	case "CreateMultipartUpload", "UploadPart", "CompleteMultipartUpload", "AbortMultipartUpload":
		return s.multipart(w, r, op, bucket, key, body)
	case "GetObject", "HeadObject":
		s.serveObject(w, r, bucket, key)
		return nil
	case "DeleteObjects":
		s.forward(w, r, withoutNull(body), nil)
		return nil
	case "CreateBucket":
		if exists, _ := s.backend.BucketExists(bucket); exists {
			return s3Error(409, "BucketAlreadyOwnedByYou", "Your previous request to create the named bucket succeeded and you already own it.")
		}
	case "HeadBucket":
		w.Header().Set("X-Amz-Bucket-Region", "us-east-1")
	case "":
		return s3Error(405, "MethodNotAllowed", "The specified method is not allowed against this resource.")
	}
	s.forward(w, r, body, nil)
	return nil
}

func s3Error(status int, code, message string) *apiError {
	return &apiError{Status: status, Code: code, Message: message}
}

// forward hands a request to gofakes3 and lets done look at the answer, which it may change.
func (s *Server) forward(w http.ResponseWriter, r *http.Request, body []byte, done func(h http.Header, status int, answer []byte) []byte) {
	in := r.Clone(r.Context())
	if body != nil || r.Method == "PUT" || r.Method == "POST" {
		in.Body, in.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
		in.Header.Set("Content-Length", strconv.Itoa(len(body)))
		in.Header.Del("X-Amz-Content-Sha256")
	}
	got := &memoryWriter{header: http.Header{}, status: 200}
	s.s3.ServeHTTP(got, in)
	answer := got.body.Bytes()
	if done != nil {
		answer = done(got.header, got.status, answer)
	}
	for k, v := range got.header {
		w.Header()[k] = v
	}
	if r.Method != "HEAD" {
		w.Header().Set("Content-Length", strconv.Itoa(len(answer)))
	}
	if o, ok := w.(*s3Writer); ok && got.status >= 300 {
		o.code = xmlCode(answer)
	}
	w.WriteHeader(got.status)
	w.Write(answer)
}

func xmlCode(body []byte) string {
	var e struct{ Code string }
	xml.Unmarshal(body, &e)
	return e.Code
}

// conditions holds If-Match and If-None-Match against the object that is there.
func (s *Server) conditions(r *http.Request, op, bucket, key string) *apiError {
	match, none := r.Header.Get("If-Match"), r.Header.Get("If-None-Match")
	if key == "" || match == "" && none == "" || op == "CreateMultipartUpload" || op == "UploadPart" {
		return nil
	}
	etag := s.etag(bucket, key)
	r.Header.Del("If-Match")
	r.Header.Del("If-None-Match")
	reading := op == "GetObject" || op == "HeadObject"
	switch {
	case match != "" && match != "*" && etag != match && (etag != "" || !reading):
		return s3Error(412, "PreconditionFailed", "At least one of the pre-conditions you specified did not hold")
	case none == "*" && etag != "" && !reading:
		return s3Error(412, "PreconditionFailed", "At least one of the pre-conditions you specified did not hold")
	case none != "" && none == etag && reading:
		return s3Error(304, "NotModified", "Not Modified")
	}
	return nil
}

// etag is the entity tag of an object, "" if there is none.
func (s *Server) etag(bucket, key string) string {
	o, err := s.backend.HeadObject(bucket, key)
	if err != nil || o == nil {
		return ""
	}
	o.Contents.Close()
	if o.IsDeleteMarker {
		return ""
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if info := s.objects[bucket+"/"+key]; info != nil && info.etag != "" {
		return info.etag
	}
	return `"` + hex.EncodeToString(o.Hash) + `"`
}

func (s *Server) remember(bucket, key string, info *objectInfo) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if info == nil {
		delete(s.objects, bucket+"/"+key)
		return
	}
	s.objects[bucket+"/"+key] = info
}

// serveObject answers a read, with the headers of S3 and without those that gofakes3 kept of the upload.
func (s *Server) serveObject(w http.ResponseWriter, r *http.Request, bucket, key string) {
	whole := r.Header.Get("Range") == "" && r.URL.Query().Get("versionId") == ""
	wanted := strings.EqualFold(r.Header.Get("X-Amz-Checksum-Mode"), "ENABLED")
	s.forward(w, r, nil, func(h http.Header, status int, answer []byte) []byte {
		for k := range h {
			if strings.HasPrefix(k, "X-Amz-") && !strings.HasPrefix(k, "X-Amz-Meta-") && k != "X-Amz-Version-Id" && k != "X-Amz-Delete-Marker" && k != "X-Amz-Id-2" && k != "X-Amz-Request-Id" && k != "X-Amz-Server-Side-Encryption" {
				h.Del(k)
			}
		}
		s.mu.Lock()
		info := s.objects[bucket+"/"+key]
		s.mu.Unlock()
		if status < 300 && info != nil && r.URL.Query().Get("versionId") == "" {
			if info.etag != "" {
				h.Set("ETag", info.etag)
			}
			if wanted && whole {
				info.headers(h)
			}
		}
		return answer
	})
}

// memoryWriter holds an answer until it is looked at.
type memoryWriter struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (m *memoryWriter) Header() http.Header         { return m.header }
func (m *memoryWriter) WriteHeader(status int)      { m.status = status }
func (m *memoryWriter) Write(b []byte) (int, error) { return m.body.Write(b) }

// s3Writer remembers how a request ended.
type s3Writer struct {
	w      http.ResponseWriter
	header http.Header
	status int
	code   string
}

func (o *s3Writer) Header() http.Header { return o.header }
func (o *s3Writer) WriteHeader(status int) {
	if o.status == 0 {
		o.status = status
		o.w.WriteHeader(status)
	}
}
func (o *s3Writer) Write(b []byte) (int, error) {
	if o.status == 0 {
		o.status = 200
	}
	return o.w.Write(b)
}

func (o *s3Writer) fail(e *apiError, r *http.Request) {
	o.code = e.Code
	if e.Status == 304 || r.Method == "HEAD" {
		o.WriteHeader(e.Status)
		return
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, `<?xml version="1.0" encoding="UTF-8"?>`+"\n<Error><Code>%s</Code><Message>", e.Code)
	xml.EscapeText(&b, []byte(e.Message))
	b.WriteString("</Message><RequestId>0000000000000000</RequestId></Error>")
	o.header.Set("Content-Type", "application/xml")
	o.WriteHeader(e.Status)
	o.w.Write(b.Bytes())
}

// bucketSetting keeps a sub-resource of a bucket as it came.
func (s *Server) bucketSetting(w http.ResponseWriter, r *http.Request, bucket, name, missing string) *apiError {
	if exists, _ := s.backend.BucketExists(bucket); !exists {
		return s3Error(404, "NoSuchBucket", "The specified bucket does not exist")
	}
	body, err := payload(r)
	if err != nil {
		return s3Error(400, "IncompleteBody", err.Error())
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	b := s.bucket(bucket)
	switch r.Method {
	case "PUT":
		if name != "policy" {
			if err := xml.Unmarshal(body, new(struct{ XMLName xml.Name })); err != nil {
				return s3Error(400, "MalformedXML", "The XML you provided was not well-formed or did not validate against our published schema")
			}
		}
		b.settings[name] = body
		w.WriteHeader(200)
	case "DELETE":
		delete(b.settings, name)
		w.WriteHeader(204)
	default:
		got, ok := b.settings[name]
		if !ok && missing != "" {
			return s3Error(404, missing, "The bucket has no such configuration")
		}
		if !ok {
			got = []byte(`<NotificationConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/"></NotificationConfiguration>`)
		}
		w.Header().Set("Content-Type", "application/xml")
		w.Write(got)
	}
	return nil
}

// bucket is the state of a bucket; the lock is held.
func (s *Server) bucket(name string) *bucketState {
	if s.buckets[name] == nil {
		s.buckets[name] = &bucketState{settings: map[string][]byte{}, tags: map[string][]byte{}}
	}
	return s.buckets[name]
}

func (s *Server) objectTagging(w http.ResponseWriter, r *http.Request, bucket, key string, body []byte) *apiError {
	if s.etag(bucket, key) == "" {
		return s3Error(404, "NoSuchKey", "The specified key does not exist.")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	tags := s.bucket(bucket).tags
	switch r.Method {
	case "PUT":
		tags[key] = body
		w.WriteHeader(200)
	case "DELETE":
		delete(tags, key)
		w.WriteHeader(204)
	default:
		got := tags[key]
		if got == nil {
			got = []byte("<Tagging><TagSet></TagSet></Tagging>")
		}
		w.Write(got)
	}
	return nil
}

// splitS3 takes s3://bucket/key apart.
func splitS3(uri string) (bucket, key string, err error) {
	u, err := url.Parse(uri)
	if err != nil || u.Scheme != "s3" || u.Host == "" {
		return "", "", fmt.Errorf("%q is no s3://bucket/key", uri)
	}
	return u.Host, strings.TrimPrefix(u.Path, "/"), nil
}

package awsfake

import (
	"bufio"
	"bytes"
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base64"
	"encoding/xml"
	"fmt"
	"hash"
	"hash/crc32"
	"hash/crc64"
	"io"
	"net/http"
	"strconv"
	"strings"

	"threatdetect/internal/lazyregexp"
)

// checksums are the algorithms of S3 by the end of their header's name.
var checksums = map[string]func() hash.Hash{
	"Crc32":     func() hash.Hash { return crc32.NewIEEE() },
	"Crc32c":    func() hash.Hash { return crc32.New(crc32.MakeTable(crc32.Castagnoli)) },
	"Crc64nvme": func() hash.Hash { return crc64.New(crc64.MakeTable(0x9a6c9329ac4bc9b5)) },
	"Sha1":      sha1.New,
	"Sha256":    sha256.New,
}

func checksum(algorithm string, b []byte) string {
	h := checksums[algorithm]()
	h.Write(b)
	return base64.StdEncoding.EncodeToString(h.Sum(nil))
}

// payload reads the body of an upload and undoes the chunked signature encoding, whose trailers become headers.
func payload(r *http.Request) ([]byte, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	if r.ContentLength >= 0 && int64(len(body)) != r.ContentLength {
		return nil, fmt.Errorf("%d bytes of %d", len(body), r.ContentLength)
	}
	if !strings.HasPrefix(r.Header.Get("X-Amz-Content-Sha256"), "STREAMING-") {
		return body, nil
	}
	in, out := bufio.NewReader(bytes.NewReader(body)), []byte(nil)
	for {
		line, err := in.ReadString('\n')
		if err != nil {
			return nil, fmt.Errorf("chunk: %w", err)
		}
		size, _, _ := strings.Cut(strings.TrimRight(line, "\r\n"), ";")
		n, err := strconv.ParseInt(size, 16, 64)
		if err != nil || n > int64(len(body)) {
			return nil, fmt.Errorf("chunk of %q bytes", size)
		}
		if n == 0 {
			break
		}
		chunk := make([]byte, n+2)
		if _, err := io.ReadFull(in, chunk); err != nil {
			return nil, fmt.Errorf("chunk: %w", err)
		}
		out = append(out, chunk[:n]...)
	}
	for {
		line, err := in.ReadString('\n')
		name, value, ok := strings.Cut(strings.TrimRight(line, "\r\n"), ":")
		if ok {
			r.Header.Set(name, strings.TrimSpace(value))
		}
		if err != nil {
			break
		}
	}
	if want := r.Header.Get("X-Amz-Decoded-Content-Length"); want != "" && want != strconv.Itoa(len(out)) {
		return nil, fmt.Errorf("%d bytes of %s", len(out), want)
	}
	r.Header.Del("Content-Encoding")
	return out, nil
}

// verify holds the bytes against the checksums that came with them, and keeps those.
func (o *objectInfo) verify(h http.Header, body []byte) *apiError {
	for algorithm := range checksums {
		want := h.Get("X-Amz-Checksum-" + algorithm)
		if want == "" {
			continue
		}
		if checksum(algorithm, body) != want {
			return s3Error(400, "BadDigest", "The "+strings.ToUpper(algorithm)+" you specified did not match what we received.")
		}
		o.checksum[algorithm], o.checksumType = want, "FULL_OBJECT"
	}
	if sum := h.Get("X-Amz-Content-Sha256"); len(sum) == 64 {
		if got := fmt.Sprintf("%x", sha256.Sum256(body)); got != sum {
			return s3Error(400, "XAmzContentSHA256Mismatch", "The provided 'x-amz-content-sha256' header does not match what was computed.")
		}
	}
	return nil
}

func (o *objectInfo) headers(h http.Header) {
	for algorithm, sum := range o.checksum {
		h.Set("X-Amz-Checksum-"+algorithm, sum)
		h.Set("X-Amz-Checksum-Type", o.checksumType)
	}
}

var etagElement = lazyregexp.New(`<ETag>[^<]*</ETag>`)

// upload is a multipart upload under way.
type upload struct {
	bucket, key  string
	algorithm    string // of its checksum, as in checksums; "" none
	checksumType string
	parts        map[int]part
}

type part struct {
	etag, checksum string
	body           []byte
}

func canonicalChecksum(name string) string {
	for a := range checksums {
		if strings.EqualFold(a, name) {
			return a
		}
	}
	return ""
}

func (s *Server) multipart(w http.ResponseWriter, r *http.Request, op, bucket, key string, body []byte) *apiError {
	id := r.URL.Query().Get("uploadId")
	s.mu.Lock()
	up := s.uploads[id]
	s.mu.Unlock()
	switch op {
	case "CreateMultipartUpload":
		s.forward(w, r, body, func(h http.Header, status int, answer []byte) []byte {
			var out struct{ UploadId string }
			if status < 300 && xml.Unmarshal(answer, &out) == nil {
				s.mu.Lock()
				s.uploads[out.UploadId] = &upload{bucket: bucket, key: key, algorithm: canonicalChecksum(r.Header.Get("X-Amz-Checksum-Algorithm")),
					checksumType: r.Header.Get("X-Amz-Checksum-Type"), parts: map[int]part{}}
				s.mu.Unlock()
				if a := r.Header.Get("X-Amz-Checksum-Algorithm"); a != "" {
					h.Set("X-Amz-Checksum-Algorithm", a)
				}
			}
			return answer
		})
		return nil
	case "UploadPart":
		info := &objectInfo{checksum: map[string]string{}}
		if err := info.verify(r.Header, body); err != nil {
			return err
		}
		s.forward(w, r, body, func(h http.Header, status int, answer []byte) []byte {
			if n, err := strconv.Atoi(r.URL.Query().Get("partNumber")); err == nil && status < 300 && up != nil {
				s.mu.Lock()
				up.parts[n] = part{h.Get("ETag"), info.checksum[up.algorithm], body}
				s.mu.Unlock()
				info.headers(h)
				h.Del("X-Amz-Checksum-Type")
			}
			return answer
		})
		return nil
	case "AbortMultipartUpload":
		s.forward(w, r, body, nil)
		s.mu.Lock()
		delete(s.uploads, id)
		s.mu.Unlock()
		return nil
	}
	info, whole, err := up.complete(r.Header, body)
	if err != nil {
		return err
	}
	s.forward(w, r, body, func(h http.Header, status int, answer []byte) []byte {
		if status >= 300 || info == nil {
			return answer
		}
		s.remember(bucket, key, info)
		s.mu.Lock()
		delete(s.uploads, id)
		s.mu.Unlock()
		h.Set("ETag", info.etag)
		s.created(r, bucket, key, "CompleteMultipartUpload", h, whole)
		h.Del("ETag")
		more := ""
		for algorithm, sum := range info.checksum {
			more += fmt.Sprintf("<Checksum%s>%s</Checksum%[1]s><ChecksumType>%s</ChecksumType>", strings.ToUpper(algorithm), sum, info.checksumType)
		}
		answer = etagElement.ReplaceAll(answer, []byte("<ETag>&#34;"+strings.Trim(info.etag, `"`)+"&#34;</ETag>"))
		return []byte(strings.Replace(string(answer), "</CompleteMultipartUploadResult>", more+"</CompleteMultipartUploadResult>", 1))
	})
	return nil
}

// complete checks the list of parts as S3 does: in order, known, with the right tags, none but the last below 5 MiB; and
// makes the checksum of the whole.
func (u *upload) complete(h http.Header, body []byte) (*objectInfo, int64, *apiError) {
	if u == nil {
		return nil, 0, s3Error(404, "NoSuchUpload", "The specified multipart upload does not exist.")
	}
	var in struct {
		Part []struct {
			PartNumber int
			ETag       string
		}
	}
	if err := xml.Unmarshal(body, &in); err != nil || len(in.Part) == 0 {
		return nil, 0, s3Error(400, "MalformedXML", "The XML you provided was not well-formed")
	}
	var whole, sums, hashes []byte
	last := 0
	for i, p := range in.Part {
		got, ok := u.parts[p.PartNumber]
		if !ok || strings.Trim(got.etag, `"`) != strings.Trim(p.ETag, `"`) {
			return nil, 0, s3Error(400, "InvalidPart", "One or more of the specified parts could not be found.")
		}
		if p.PartNumber <= last {
			return nil, 0, s3Error(400, "InvalidPartOrder", "The list of parts was not in ascending order.")
		}
		if last = p.PartNumber; i < len(in.Part)-1 && len(got.body) < 5<<20 {
			return nil, 0, s3Error(400, "EntityTooSmall", "Your proposed upload is smaller than the minimum allowed size")
		}
		whole = append(whole, got.body...)
		hash := md5.Sum(got.body)
		hashes = append(hashes, hash[:]...)
		sum, _ := base64.StdEncoding.DecodeString(got.checksum)
		sums = append(sums, sum...)
	}
	info := &objectInfo{etag: fmt.Sprintf(`"%x-%d"`, md5.Sum(hashes), len(in.Part)), checksum: map[string]string{}}
	if u.algorithm == "" {
		return info, int64(len(whole)), nil
	}
	if u.checksumType == "FULL_OBJECT" || u.checksumType == "" && u.algorithm == "Crc64nvme" {
		info.checksumType = "FULL_OBJECT"
		info.checksum[u.algorithm] = checksum(u.algorithm, whole)
		if want := h.Get("X-Amz-Checksum-" + u.algorithm); want != "" && want != info.checksum[u.algorithm] {
			return nil, 0, s3Error(400, "BadDigest", "The checksum you specified did not match what we received.")
		}
	} else {
		info.checksumType = "COMPOSITE"
		info.checksum[u.algorithm] = fmt.Sprintf("%s-%d", checksum(u.algorithm, sums), len(in.Part))
	}
	return info, int64(len(whole)), nil
}

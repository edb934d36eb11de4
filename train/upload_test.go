package train

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/stretchr/testify/require"
)

func unfinished(t *testing.T, a *AWS) []types.MultipartUpload {
	t.Helper()
	out, err := a.S3().ListMultipartUploads(t.Context(), &s3.ListMultipartUploadsInput{Bucket: aws.String(a.stack.Bucket)})
	require.NoError(t, err)
	return out.Uploads
}

// An upload that was stopped goes on with the parts that are there, and leaves none behind.
func TestUploadResumes(t *testing.T) {
	b := newBucketServer(t)
	a, _ := b.connect(t)
	path, data := randomFile(t, 50<<20+5)
	ctx, cancel := context.WithCancel(t.Context())
	var parts atomic.Int32
	b.intercept(func(w http.ResponseWriter, r *http.Request) bool {
		if r.Method == "PUT" && r.URL.Query().Get("partNumber") != "" && parts.Add(1) > 4 { // the fifth comes when one of the four at a time is there
			cancel() // as good as killed
			panic(http.ErrAbortHandler)
		}
		return false
	})
	_, err := a.Bucket().Upload(ctx, "big", path, nil)
	require.ErrorIs(t, err, context.Canceled)
	_, err = a.Bucket().Head(t.Context(), "big")
	require.ErrorIs(t, err, ErrNotFound, "the whole or nothing")
	b.intercept(nil)
	before := b.count("partNumber=")
	_, err = a.Bucket().Upload(t.Context(), "big", path, nil)
	require.NoError(t, err)
	require.Less(t, b.count("partNumber=")-before, 7, "of 7 parts up to 4 were there")
	require.Equal(t, 1, b.count("POST /"+a.stack.Bucket+"/big?uploads"), "one upload")
	to := filepath.Join(t.TempDir(), "out")
	_, err = a.Bucket().Download(t.Context(), "big", to, nil)
	require.NoError(t, err)
	read, err := os.ReadFile(to)
	require.NoError(t, err)
	require.True(t, bytes.Equal(data, read))
	require.Empty(t, unfinished(t, a))
	// The same file again is not sent again.
	before = b.count("PUT ")
	_, err = a.Bucket().Upload(t.Context(), "big", path, nil)
	require.NoError(t, err)
	require.Equal(t, before, b.count("PUT "))
}

func TestFailedUploadIsAborted(t *testing.T) {
	b := newBucketServer(t)
	a, _ := b.connect(t)
	path, _ := randomFile(t, 20<<20)
	b.intercept(func(w http.ResponseWriter, r *http.Request) bool {
		if r.URL.Query().Get("partNumber") == "2" {
			_, _ = io.Copy(io.Discard, r.Body) // a refusal ahead of the end of the body may be lost with the connection
			http.Error(w, `<Error><Code>AccessDenied</Code><Message>no</Message></Error>`, http.StatusForbidden)
			return true
		}
		return false
	})
	_, err := a.Bucket().Upload(t.Context(), "big", path, nil)
	require.ErrorIs(t, err, ErrDenied)
	require.Empty(t, unfinished(t, a))
}

// An upload that was begun for another file of the same name is gone on with, for its parts may be the same; but what is told of the whole is not.
func TestUploadOfAnotherFile(t *testing.T) {
	b := newBucketServer(t)
	a, _ := b.connect(t)
	path, data := randomFile(t, 20<<20)
	ctx, cancel := context.WithCancel(t.Context())
	b.intercept(func(w http.ResponseWriter, r *http.Request) bool {
		if r.URL.Query().Get("partNumber") == "3" {
			cancel()
			panic(http.ErrAbortHandler)
		}
		return false
	})
	_, err := a.Bucket().Upload(ctx, "big", path, nil)
	require.ErrorIs(t, err, context.Canceled)
	require.Len(t, unfinished(t, a), 1)
	b.intercept(nil)
	data = append(data, "one more line"...)
	require.NoError(t, os.WriteFile(path, data, 0o644))
	var sent int64
	o, err := a.Bucket().Upload(t.Context(), "big", path, func(n int64) { sent += n })
	require.NoError(t, err)
	require.EqualValues(t, len(data), sent)
	require.Empty(t, unfinished(t, a))
	to := filepath.Join(t.TempDir(), "out")
	_, err = a.Bucket().Download(t.Context(), "big", to, &DownloadOptions{SHA256: o.SHA256})
	require.NoError(t, err)
	read, err := os.ReadFile(to)
	require.NoError(t, err)
	require.True(t, bytes.Equal(data, read))
}

// Parts that cannot be put together are deleted, and if they cannot be deleted either, that is said.
func TestUploadThatCannotEnd(t *testing.T) {
	b := newBucketServer(t)
	a, _ := b.connect(t)
	path, _ := randomFile(t, 20<<20)
	deletes := false
	b.intercept(func(w http.ResponseWriter, r *http.Request) bool {
		if r.URL.Query().Get("uploadId") == "" || r.Method != "POST" && (r.Method != "DELETE" || deletes) {
			return false
		}
		_, _ = io.Copy(io.Discard, r.Body)
		http.Error(w, `<Error><Code>AccessDenied</Code><Message>no</Message></Error>`, http.StatusForbidden)
		return true
	})
	_, err := a.Bucket().Upload(t.Context(), "big", path, nil)
	require.ErrorIs(t, err, ErrDenied)
	require.ErrorContains(t, err, "CompleteMultipartUpload")
	require.ErrorContains(t, err, "what was sent could not be deleted: ")
	deletes = true
	_, err = a.Bucket().Upload(t.Context(), "big", path, nil)
	require.ErrorIs(t, err, ErrDenied)
	require.NotContains(t, err.Error(), "could not be deleted")
	require.Empty(t, unfinished(t, a))
}

// What the service put together and is not what was sent goes away: it bears the digest of the file, and would be taken for it the next time.
func TestUploadThatIsNotTheFile(t *testing.T) {
	b := newBucketServer(t)
	a, _ := b.connect(t)
	path, _ := randomFile(t, 20<<20)
	b.intercept(func(w http.ResponseWriter, r *http.Request) bool {
		if r.URL.Query().Get("uploadId") == "" || r.Method != "POST" {
			return false
		}
		answer := httptest.NewRecorder()
		b.faker.ServeHTTP(answer, r)
		fmt.Fprint(w, `<CompleteMultipartUploadResult><ChecksumSHA256>AAAA-3</ChecksumSHA256></CompleteMultipartUploadResult>`)
		return true
	})
	_, err := a.Bucket().Upload(t.Context(), "big", path, nil)
	require.ErrorIs(t, err, ErrIntegrity)
	require.NotContains(t, err.Error(), "could not be deleted")
	_, err = a.Bucket().Head(t.Context(), "big")
	require.ErrorIs(t, err, ErrNotFound)
	require.Empty(t, unfinished(t, a))
	b.intercept(nil)
	_, err = a.Bucket().Upload(t.Context(), "big", path, nil)
	require.NoError(t, err)
}

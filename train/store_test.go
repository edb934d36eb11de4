package train

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/johannesboyne/gofakes3"
	"github.com/johannesboyne/gofakes3/backend/s3mem"
	"github.com/stretchr/testify/require"
)

// fakeClock moves on when somebody sleeps.
type fakeClock struct {
	mu    sync.Mutex
	now   time.Time
	slept []time.Duration
}

func (c *fakeClock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *fakeClock) Sleep(ctx context.Context, d time.Duration) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
	c.slept = append(c.slept, d)
	return context.Cause(ctx)
}

// bucketServer is an S3 server in this process; before, unless nil, may answer in its place.
type bucketServer struct {
	*httptest.Server
	faker    http.Handler
	mu       sync.Mutex
	requests []string
	before   func(w http.ResponseWriter, r *http.Request) bool
}

func newBucketServer(t *testing.T) *bucketServer {
	b := &bucketServer{faker: gofakes3.New(s3mem.New(), gofakes3.WithoutVersioning()).Server()}
	b.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b.mu.Lock()
		b.requests = append(b.requests, r.Method+" "+r.URL.String())
		before := b.before
		b.mu.Unlock()
		if before == nil || !before(w, r) {
			b.faker.ServeHTTP(w, r)
		}
	}))
	t.Cleanup(b.Close)
	for k, v := range map[string]string{"AWS_ACCESS_KEY_ID": "AKIAEXAMPLEEXAMPLE12", "AWS_SECRET_ACCESS_KEY": "s", "AWS_EC2_METADATA_DISABLED": "true", "AWS_CONFIG_FILE": os.DevNull, "AWS_SHARED_CREDENTIALS_FILE": os.DevNull} {
		t.Setenv(k, v)
	}
	return b
}

// intercept sees every request from now on before the bucket does, and answers those that it returns true for. Requests of a call that was given up
// may still be on their way.
func (b *bucketServer) intercept(before func(w http.ResponseWriter, r *http.Request) bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.before = before
}

func (b *bucketServer) count(part string) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	n := 0
	for _, r := range b.requests {
		if strings.Contains(r, part) {
			n++
		}
	}
	return n
}

func (b *bucketServer) connect(t *testing.T) (*AWS, *fakeClock) {
	s, err := Parse(InitFile(), "x")
	require.NoError(t, err)
	clock := &fakeClock{now: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)}
	a, err := Connect(t.Context(), s, &ConnectOptions{EndpointURL: b.URL, Clock: clock})
	require.NoError(t, err)
	_, err = a.S3().CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: aws.String(s.Bucket)})
	if !errors.Is(err, ErrExists) {
		require.NoError(t, err)
	}
	return a, clock
}

func randomFile(t *testing.T, size int) (string, []byte) {
	data := make([]byte, size)
	rand.New(rand.NewSource(int64(size))).Read(data)
	path := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(path, data, 0o644))
	return path, data
}

// Both stores do the same things in the same way.
func TestStores(t *testing.T) {
	b := newBucketServer(t)
	a, _ := b.connect(t)
	for name, store := range map[string]*Store{"s3": a.Bucket(), "dir": NewDirStore(t.TempDir())} {
		t.Run(name, func(t *testing.T) {
			ctx := t.Context()
			for _, size := range []int{0, 1, 100_000, 20 << 20} {
				path, data := randomFile(t, size)
				key := fmt.Sprintf("a/b/%d", size)
				var sent atomic.Int64
				o, err := store.Upload(ctx, key, path, func(n int64) { sent.Add(n) })
				require.NoError(t, err)
				require.EqualValues(t, size, o.Size)
				require.EqualValues(t, size, sent.Load())
				to := filepath.Join(t.TempDir(), "sub", "out")
				got, err := store.Download(ctx, key, to, nil)
				require.NoError(t, err)
				require.Equal(t, o.SHA256, got.SHA256)
				read, err := os.ReadFile(to)
				require.NoError(t, err)
				require.True(t, bytes.Equal(data, read))
				info, err := os.Stat(to)
				require.NoError(t, err)
				require.EqualValues(t, 0o600, info.Mode().Perm(), "models are nobody else's business")
				_, err = store.Download(ctx, key, to, &DownloadOptions{SHA256: strings.Repeat("0", 64)})
				require.ErrorIs(t, err, ErrIntegrity)
				head, err := store.Head(ctx, key)
				require.NoError(t, err)
				require.Equal(t, o.SHA256, head.SHA256)
			}
			_, err := store.Put(ctx, "c", []byte("text"), true)
			require.NoError(t, err)
			_, err = store.Put(ctx, "c", []byte("text"), true)
			require.ErrorIs(t, err, ErrExists)
			got, _, err := store.Get(ctx, "c", 10)
			require.NoError(t, err)
			require.Equal(t, "text", string(got))
			_, _, err = store.Get(ctx, "c", 3)
			require.ErrorContains(t, err, "at most 3")
			_, _, err = store.Get(ctx, "none", 3)
			require.ErrorIs(t, err, ErrNotFound)
			_, err = store.Head(ctx, "none")
			require.ErrorIs(t, err, ErrNotFound)
			_, err = store.Download(ctx, "none", filepath.Join(t.TempDir(), "x"), nil)
			require.ErrorIs(t, err, ErrNotFound)
			_, err = store.Download(ctx, "a/b/100000", filepath.Join(t.TempDir(), "x"), &DownloadOptions{MaxBytes: 10})
			require.ErrorContains(t, err, "want at most 10")
			var keys []string
			require.NoError(t, store.List(ctx, "a/", func(o Object) bool { keys = append(keys, o.Key); return len(keys) < 3 }))
			require.Equal(t, []string{"a/b/0", "a/b/1", "a/b/100000"}, keys)
			require.NoError(t, store.Delete(ctx, "c", "none"))
			_, err = store.Head(ctx, "c")
			require.ErrorIs(t, err, ErrNotFound)
		})
	}
}

func TestDirStoreKeepsInside(t *testing.T) {
	store := NewDirStore(t.TempDir())
	for _, key := range []string{"../x", "/etc/passwd", "a/../../x", "", "a/"} {
		_, err := store.Put(t.Context(), key, nil, false)
		require.ErrorIs(t, err, ErrRequest, key)
	}
}

// A body that is cut is taken up where it was; a killed download, too; and an object that changes is read anew.
func TestDownloadResumes(t *testing.T) {
	b := newBucketServer(t)
	a, clock := b.connect(t)
	path, data := randomFile(t, 700_000)
	_, err := a.Bucket().Upload(t.Context(), "m", path, nil)
	require.NoError(t, err)
	var cuts atomic.Int32
	cut := func(w http.ResponseWriter, r *http.Request) bool {
		var from int
		if _, err := fmt.Sscanf(r.Header.Get("Range"), "bytes=%d-", &from); err != nil || r.Method != "GET" || cuts.Add(1) > 10 {
			return false
		}
		w.Header().Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", from, len(data)-1, len(data)))
		w.Header().Set("Content-Length", fmt.Sprint(len(data)-from))
		w.WriteHeader(206)
		w.Write(data[from:min(from+64<<10, len(data))])
		return true
	}
	b.intercept(cut)
	to := filepath.Join(t.TempDir(), "out")
	_, err = a.Bucket().Download(t.Context(), "m", to, nil)
	require.NoError(t, err)
	read, _ := os.ReadFile(to)
	require.True(t, bytes.Equal(data, read))
	require.EqualValues(t, 11, cuts.Load())
	require.Len(t, clock.slept, 10)

	// Wrong ranges and tags.
	b.intercept(func(w http.ResponseWriter, r *http.Request) bool {
		if r.Method != "GET" {
			return false
		}
		w.Header().Set("Content-Range", "bytes 5-9/10")
		w.WriteHeader(206)
		return true
	})
	_, err = a.Bucket().Download(t.Context(), "m", to, nil)
	require.ErrorIs(t, err, ErrIntegrity)
	changes := 0
	b.intercept(func(w http.ResponseWriter, r *http.Request) bool {
		if r.Method == "GET" && changes < 2 {
			changes++
			http.Error(w, `<Error><Code>PreconditionFailed</Code><Message>changed</Message></Error>`, http.StatusPreconditionFailed)
			return true
		}
		return false
	})
	_, err = a.Bucket().Download(t.Context(), "m", to, nil)
	require.NoError(t, err)
	require.Equal(t, 2, changes)
	changes = -10
	_, err = a.Bucket().Download(t.Context(), "m", to, nil)
	require.ErrorIs(t, err, ErrChanged)
	require.Equal(t, -7, changes, "restarted twice")
	left, err := filepath.Glob(filepath.Join(filepath.Dir(to), ".*.part"))
	require.NoError(t, err)
	require.LessOrEqual(t, len(left), 1)
}

// Retries: how often, how long, and what is never tried again.
func TestRetries(t *testing.T) {
	b := newBucketServer(t)
	a, clock := b.connect(t)
	for _, c := range []struct {
		name, body string
		status     int
		header     string
		attempts   int
		kind       error
	}{
		{"unavailable", `<Error><Code>ServiceUnavailable</Code><Message>m</Message></Error>`, 503, "", 5, ErrService},
		{"slow down", `<Error><Code>SlowDown</Code><Message>m</Message></Error>`, 503, "", 5, ErrThrottled},
		{"too many", `<Error><Code>TooMany</Code><Message>m</Message></Error>`, 429, "", 5, ErrThrottled},
		{"retry after", `<Error><Code>SlowDown</Code><Message>m</Message></Error>`, 503, "7", 5, ErrThrottled},
		{"internal", `<Error><Code>InternalError</Code><Message>m</Message></Error>`, 500, "", 5, ErrService},
		{"bad gateway", `oops`, 502, "", 5, ErrService},
		{"denied", `<Error><Code>AccessDenied</Code><Message>m</Message></Error>`, 403, "", 1, ErrDenied},
		{"missing", `<Error><Code>NoSuchKey</Code><Message>m</Message></Error>`, 404, "", 1, ErrNotFound},
		{"no bucket", `<Error><Code>NoSuchBucket</Code><Message>m</Message></Error>`, 404, "", 1, ErrNotFound},
		{"bad", `<Error><Code>InvalidArgument</Code><Message>m</Message></Error>`, 400, "", 1, ErrRequest},
		{"digest", `<Error><Code>BadDigest</Code><Message>m</Message></Error>`, 400, "", 1, ErrIntegrity},
		{"expired", `<Error><Code>ExpiredToken</Code><Message>The token has expired. AKIAABCDEFGHIJKLMNOP</Message></Error>`, 400, "", 2, ErrLogin},
	} {
		t.Run(c.name, func(t *testing.T) {
			n := 0
			b.intercept(func(w http.ResponseWriter, r *http.Request) bool {
				n++
				if c.header != "" {
					w.Header().Set("Retry-After", c.header)
				}
				w.WriteHeader(c.status)
				w.Write([]byte(c.body))
				return true
			})
			clock.slept = nil
			_, _, err := a.Bucket().Get(t.Context(), "x", 10)
			require.ErrorIs(t, err, c.kind)
			require.Equal(t, c.attempts, n)
			require.NotContains(t, err.Error(), "AKIA")
			require.NotContains(t, err.Error(), "\n")
			for i, d := range clock.slept {
				if c.header != "" {
					require.Equal(t, 7*time.Second, d)
				}
				require.LessOrEqual(t, d, max(backoffBase<<i, 7*time.Second))
			}
			if c.attempts == 5 {
				require.Len(t, clock.slept, 4)
			}
		})
	}
	// To another host.
	b.intercept(func(w http.ResponseWriter, r *http.Request) bool {
		http.Redirect(w, r, "http://127.0.0.2:1/steal", http.StatusTemporaryRedirect)
		return true
	})
	_, _, err := a.Bucket().Get(t.Context(), "x", 10)
	require.ErrorIs(t, err, errRedirect)
	require.ErrorContains(t, err, "redirection to another host: "+strings.TrimPrefix(b.URL, "http://"))
}

func TestFetchModel(t *testing.T) {
	b := newBucketServer(t)
	a, _ := b.connect(t)
	path, data := randomFile(t, 1000)
	_, err := a.Bucket().Upload(t.Context(), "m/model.tar.gz", path, nil)
	require.NoError(t, err)
	address := a.Bucket().Address("m/model.tar.gz")
	opts := &ModelOptions{Connect: &ConnectOptions{EndpointURL: b.URL}, CacheDir: t.TempDir()}
	fetch := func() string {
		t.Helper()
		got, err := FetchModel(t.Context(), address, opts)
		require.NoError(t, err)
		return got
	}
	local := fetch()
	require.Equal(t, "model.tar.gz", filepath.Base(local))
	read, _ := os.ReadFile(local)
	require.Equal(t, data, read)
	gets := b.count("GET ")
	require.Equal(t, local, fetch())
	require.Equal(t, gets, b.count("GET "), "the same object is not read again")
	// What was changed on disk is not used; what was changed in the bucket is read.
	require.NoError(t, os.WriteFile(local, make([]byte, 1000), 0o600))
	require.Equal(t, local, fetch())
	read, _ = os.ReadFile(local)
	require.Equal(t, data, read)
	_, err = a.Bucket().Put(t.Context(), "m/model.tar.gz", []byte("new"), false)
	require.NoError(t, err)
	require.NotEqual(t, local, fetch())
	opts.SHA256 = strings.Repeat("a", 64)
	_, err = FetchModel(t.Context(), address, opts)
	require.ErrorIs(t, err, ErrIntegrity)
	for _, bad := range []string{"s3://", "s3://b", "s3://UPPER/x", "http://x/y", "s3://bucket/"} {
		_, err = FetchModel(t.Context(), bad, opts)
		require.ErrorIs(t, err, ErrRequest, bad)
	}
}

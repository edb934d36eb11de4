//go:build unix && !noaws

package main

import (
	"bytes"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"threatdetect/internal/awsfake"
	"threatdetect/model"
)

// A submit that is killed, at whatever point, is finished by the same command, with the same job.
func TestTrainKilled(t *testing.T) {
	fake, err := awsfake.New(awsfake.Options{Tick: time.Minute})
	require.NoError(t, err)
	t.Cleanup(func() { fake.Close() })
	address, err := url.Parse(fake.URL)
	require.NoError(t, err)
	k := &killer{proxy: httputil.NewSingleHostReverseProxy(address)}
	server := httptest.NewServer(k)
	t.Cleanup(server.Close)
	r, err := http.NewRequest(http.MethodPut, fake.URL+"/td-demo-111122223333", nil)
	require.NoError(t, err)
	answer, err := http.DefaultClient.Do(r)
	require.NoError(t, err)
	require.NoError(t, answer.Body.Close())

	row := strings.Repeat(",0.123456789", 70)
	big := strings.Repeat("0"+row+"\n1"+row+"\n", 12_000) // 20 MB: three parts
	for i, p := range []struct {
		name, method, match string
		n                   int  // the n-th such request
		after               bool // AWS has done it, and nobody hears of it
	}{
		{"upload, before a part", "PUT", "partNumber=2", 1, false},
		{"upload, after a part", "PUT", "partNumber=1", 1, true},
		{"upload, after the last part is put together", "POST", "uploadId=", 1, true},
		{"upload, of the small file", "PUT", "validation.csv", 1, true},
		{"job, before", "POST", "SageMaker.CreateTrainingJob", 1, false},
		{"job, after", "POST", "SageMaker.CreateTrainingJob", 1, true},
		{"wait", "POST", "SageMaker.DescribeTrainingJob", 2, false},
		{"fetch, before", "GET", "output/model.tar.gz", 1, false},
		{"fetch, after", "GET", "output/model.tar.gz", 1, true},
	} {
		t.Run(p.name, func(t *testing.T) {
			dir := t.TempDir()
			require.NoError(t, os.Mkdir(filepath.Join(dir, "data"), 0o777))
			train := big
			if !strings.Contains(p.name, "part") {
				train = big[:100*(len(row)+2)]
			}
			require.NoError(t, os.WriteFile(filepath.Join(dir, "data", "train.csv"), []byte(train), 0o644))
			require.NoError(t, os.WriteFile(filepath.Join(dir, "data", "validation.csv"), []byte(big[:10*(len(row)+2)]), 0o644))
			require.Zero(t, (&app{stdout: &bytes.Buffer{}, stderr: os.Stderr, interrupt: make(chan struct{})}).run([]string{"init", "-o", filepath.Join(dir, "threatdetect.yaml")}))
			submit := func() (*exec.Cmd, *bytes.Buffer) {
				cmd := command(t, "train", "submit", "--yes", "--poll", "20ms")
				cmd.Dir = dir
				cmd.Env = append(os.Environ(), "AWS_ENDPOINT_URL="+server.URL, "AWS_ACCESS_KEY_ID=x", "AWS_SECRET_ACCESS_KEY=y", "AWS_EC2_METADATA_DISABLED=true",
					"AWS_CONFIG_FILE="+os.DevNull, "AWS_SHARED_CREDENTIALS_FILE="+os.DevNull)
				var stderr bytes.Buffer
				cmd.Stderr = &stderr
				return cmd, &stderr
			}
			jobs := len(k.seen("SageMaker.CreateTrainingJob"))
			cmd, stderr := submit()
			victim, started := cmd, make(chan struct{})
			k.arm(p.method, p.match, p.n, p.after, func() {
				<-started
				_ = victim.Process.Kill()
			})
			require.NoError(t, victim.Start())
			close(started)
			require.Error(t, victim.Wait(), "killed: %s", stderr)
			require.True(t, k.struck(), "the point was never reached: %s", stderr)
			require.NoFileExists(t, filepath.Join(dir, "model.tar.gz"))
			cmd, stderr = submit()
			require.NoError(t, cmd.Run(), stderr)
			m, err := model.Open(filepath.Join(dir, "model.tar.gz"), nil)
			require.NoError(t, err)
			require.Len(t, m.Trees, 100)
			// However often it was asked for, there is one job more than before.
			names := map[string]bool{}
			for _, name := range k.seen("SageMaker.CreateTrainingJob")[jobs:] {
				names[name] = true
			}
			require.Len(t, names, 1, "case %d", i)
			left, err := filepath.Glob(filepath.Join(dir, ".*"))
			require.NoError(t, err)
			require.Equal(t, []string{filepath.Join(dir, ".threatdetect-train-model.tar.gz.json")}, left)
			answer, err := http.Get(fake.URL + "/td-demo-111122223333?uploads")
			require.NoError(t, err)
			var text bytes.Buffer
			_, err = text.ReadFrom(answer.Body)
			require.NoError(t, err)
			require.NoError(t, answer.Body.Close())
			require.NotContains(t, text.String(), "<UploadId>", "no parts are left that nobody uses")
		})
	}
}

// killer stands between a command and AWS, and kills the command at one request.
type killer struct {
	proxy *httputil.ReverseProxy

	mu       sync.Mutex
	requests [][2]string // what was asked for, and the name in it
	method   string
	match    string
	n        int
	after    bool
	kill     func()
}

func (k *killer) arm(method, match string, n int, after bool, kill func()) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.method, k.match, k.n, k.after, k.kill = method, match, n, after, kill
}

func (k *killer) struck() bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.kill == nil
}

// seen are the names in the requests of an operation.
func (k *killer) seen(operation string) []string {
	k.mu.Lock()
	defer k.mu.Unlock()
	var names []string
	for _, r := range k.requests {
		if r[0] == operation {
			names = append(names, r[1])
		}
	}
	return names
}

func (k *killer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	operation := r.Header.Get("X-Amz-Target")
	name := ""
	if operation == "SageMaker.CreateTrainingJob" {
		var body bytes.Buffer
		_, _ = body.ReadFrom(r.Body)
		_, rest, _ := strings.Cut(body.String(), `"TrainingJobName":"`)
		name, _, _ = strings.Cut(rest, `"`)
		r.Body = http.NoBody
		if body.Len() > 0 {
			r.Body = readCloser{&body}
		}
	}
	k.mu.Lock()
	k.requests = append(k.requests, [2]string{operation, name})
	var kill func()
	if k.kill != nil && r.Method == k.method && strings.Contains(fmt.Sprint(operation, " ", r.URL), k.match) {
		if k.n--; k.n == 0 {
			kill, k.kill = k.kill, nil
		}
	}
	after := k.after
	k.mu.Unlock()
	switch {
	case kill == nil:
		k.proxy.ServeHTTP(w, r)
	case after:
		k.proxy.ServeHTTP(httptest.NewRecorder(), r)
		kill()
		panic(http.ErrAbortHandler)
	default:
		kill()
		panic(http.ErrAbortHandler)
	}
}

type readCloser struct{ *bytes.Buffer }

func (readCloser) Close() error { return nil }

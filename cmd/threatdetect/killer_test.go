//go:build unix && !noaws

package main

import (
	"bytes"
	"fmt"
	"io"
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

	"github.com/stretchr/testify/require"

	"threatdetect/internal/awsfake"
)

// killer stands between a command and AWS, and kills the command at one request.
type killer struct {
	URL   string
	proxy *httputil.ReverseProxy

	mu       sync.Mutex
	requests [][2]string // what was asked for, and the name in it
	method   string
	match    string
	n        int
	after    bool
	armed    bool
	kill     func()
}

func newKiller(t *testing.T, fake *awsfake.Server) *killer {
	address, err := url.Parse(fake.URL)
	require.NoError(t, err)
	k := &killer{proxy: httputil.NewSingleHostReverseProxy(address)}
	server := httptest.NewServer(k)
	t.Cleanup(server.Close)
	k.URL = server.URL
	return k
}

// arm makes the n-th request that matches the last one of the next victim. With after, AWS has done it, and nobody hears of it.
func (k *killer) arm(method, match string, n int, after bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.method, k.match, k.n, k.after, k.armed = method, match, n, after, true
}

func initStack(t *testing.T, dir string) {
	require.Zero(t, (&app{stdout: &bytes.Buffer{}, stderr: os.Stderr, interrupt: make(chan struct{})}).run([]string{"init", "-o", filepath.Join(dir, "threatdetect.yaml")}))
}

func (k *killer) command(t *testing.T, dir string, args []string) (cmd *exec.Cmd, stdout, stderr *bytes.Buffer) {
	cmd = command(t, args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "AWS_ENDPOINT_URL="+k.URL, "AWS_ACCESS_KEY_ID=x", "AWS_SECRET_ACCESS_KEY=y", "AWS_EC2_METADATA_DISABLED=true",
		"AWS_CONFIG_FILE="+os.DevNull, "AWS_SHARED_CREDENTIALS_FILE="+os.DevNull, "THREATDETECT_AWS_SPEED=1e6")
	stdout, stderr = &bytes.Buffer{}, &bytes.Buffer{}
	cmd.Stdout, cmd.Stderr = stdout, stderr
	return cmd, stdout, stderr
}

// victim runs a command until it is killed.
func (k *killer) victim(t *testing.T, dir string, args []string) {
	cmd, _, stderr := k.command(t, dir, args)
	started := make(chan struct{})
	k.mu.Lock()
	k.kill = func() {
		<-started
		_ = cmd.Process.Kill()
	}
	k.mu.Unlock()
	require.NoError(t, cmd.Start())
	close(started)
	require.Error(t, cmd.Wait(), "killed: %s", stderr)
	k.mu.Lock()
	defer k.mu.Unlock()
	require.False(t, k.armed, "the point was never reached: %s", stderr)
}

// survivor runs a command to its end, and returns what it printed.
func (k *killer) survivor(t *testing.T, dir string, args []string) string {
	cmd, stdout, stderr := k.command(t, dir, args)
	require.NoError(t, cmd.Run(), stderr)
	return stdout.String()
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

// namedBy is the member that says which thing an operation makes.
var namedBy = map[string]string{
	"SageMaker.CreateTrainingJob": "TrainingJobName", "SageMaker.CreateHyperParameterTuningJob": "HyperParameterTuningJobName",
	"SageMaker.StartPipelineExecution": "ClientRequestToken", "SageMaker.CreateTransformJob": "TransformJobName",
	"SageMaker.CreateProcessingJob": "ProcessingJobName", "SageMaker.CreateEndpoint": "EndpointName", "SageMaker.UpdateEndpoint": "EndpointConfigName",
	"CloudFormation.ExecuteChangeSet": "ChangeSetName",
}

// operationOf tells what a request asks for, and the name in it. The body can be read again.
func operationOf(r *http.Request) (operation, name string) {
	if r.Method != http.MethodPost || r.URL.Path != "/" {
		return "", ""
	}
	body, _ := io.ReadAll(r.Body)
	r.Body = io.NopCloser(bytes.NewReader(body))
	if operation = r.Header.Get("X-Amz-Target"); operation == "" {
		form, _ := url.ParseQuery(string(body))
		operation = "CloudFormation." + form.Get("Action")
		return operation, form.Get(namedBy[operation])
	}
	_, rest, _ := strings.Cut(string(body), `"`+namedBy[operation]+`":"`)
	name, _, _ = strings.Cut(rest, `"`)
	return operation, name
}

func (k *killer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	operation, name := operationOf(r)
	k.mu.Lock()
	k.requests = append(k.requests, [2]string{operation, name})
	var kill func()
	if k.armed && k.kill != nil && r.Method == k.method && strings.Contains(fmt.Sprint(operation, " ", r.URL), k.match) {
		if k.n--; k.n == 0 {
			kill, k.armed = k.kill, false
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

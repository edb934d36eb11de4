package awsfake

//lint:file-ignore ST1005 messages are spelled as the services and containers spell them

import (
	"archive/zip"
	"bytes"
	"context"
	"debug/elf"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"time"
)

// checkZip tells what Lambda would only find out when it starts the function: a custom runtime is an executable file called
// bootstrap at the top.
func checkZip(body []byte, runtimeName string) *apiError {
	z, err := zip.NewReader(bytes.NewReader(body), int64(len(body)))
	if err != nil {
		return errorf("InvalidParameterValueException", "Could not unzip uploaded file. Please check your file, then try to upload again.")
	}
	if !strings.HasPrefix(runtimeName, "provided") {
		return nil
	}
	for _, f := range z.File {
		if f.Name == "bootstrap" {
			if f.Mode().Perm()&0o111 == 0 {
				return errorf("InvalidParameterValueException", "bootstrap in the zip is not executable (mode %v)", f.Mode())
			}
			return nil
		}
	}
	return errorf("InvalidParameterValueException", "runtime %s: the zip has no bootstrap", runtimeName)
}

// emulators run programs of other machines.
var emulators = map[elf.Machine][]string{elf.EM_AARCH64: {"qemu-aarch64-static", "qemu-aarch64"}, elf.EM_X86_64: {"qemu-x86_64-static", "qemu-x86_64"}}

var machines = map[string]elf.Machine{"amd64": elf.EM_X86_64, "arm64": elf.EM_AARCH64}

// runFunction starts a function's bootstrap for one event, with the runtime API that it asks for work. failed tells an error
// of the handler, whose JSON is the answer; err is a function that could not be run.
func (s *Server) runFunction(t *thing, payload []byte) (answer []byte, failed bool, err error) {
	s.mu.Lock()
	f := t.data.(*function)
	f.calls++
	s.count("AWS/Lambda", "Invocations", "FunctionName", t.name)
	limit := time.Duration(max(num(f.config, "Timeout"), 1)) * time.Second
	env := environment(sub(f.config, "Environment", "Variables"))
	code := f.zip
	s.mu.Unlock()
	defer func() {
		if failed || err != nil {
			s.mu.Lock()
			s.count("AWS/Lambda", "Errors", "FunctionName", t.name)
			s.mu.Unlock()
		}
	}()
	b, err := newSandbox()
	if err != nil {
		return nil, false, err
	}
	defer b.remove()
	words, err := unpackFunction(b, code)
	if err != nil {
		return nil, false, err
	}
	api := &runtimeAPI{payload: payload, arn: t.arn, deadline: time.Now().Add(limit + 5*time.Second), done: make(chan struct{}), request: fmt.Sprintf("%s-%d", t.name, f.calls)}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, false, err
	}
	server := &http.Server{Handler: api}
	go server.Serve(l)
	defer server.Close()
	ctx, cancel := context.WithTimeout(s.closed, limit+5*time.Second) // what starting takes is not the function's time
	defer cancel()
	cmd := exec.CommandContext(ctx, words[0], words[1:]...)
	cmd.Dir = filepath.Join(b.root, "var/task")
	cmd.Env = []string{"AWS_LAMBDA_RUNTIME_API=" + l.Addr().String(), "AWS_LAMBDA_FUNCTION_NAME=" + t.name, "AWS_LAMBDA_FUNCTION_VERSION=$LATEST", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE=128",
		"AWS_REGION=us-east-1", "AWS_DEFAULT_REGION=us-east-1", "AWS_ACCESS_KEY_ID=ASIAREHEARSALEXAMPLE", "AWS_SECRET_ACCESS_KEY=rehearsal", "AWS_SESSION_TOKEN=rehearsal", "AWS_ENDPOINT_URL=" + s.URL,
		"LAMBDA_TASK_ROOT=" + cmd.Dir, "_HANDLER=bootstrap", "TZ=:UTC", "HOME=" + b.root, "AWS_EC2_METADATA_DISABLED=true"}
	for _, k := range sortedKeys(env) {
		cmd.Env = append(cmd.Env, k+"="+env[k])
	}
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		return nil, false, err
	}
	exited := make(chan error, 1)
	go func() { exited <- cmd.Wait() }()
	select {
	case <-api.done:
		cancel()
		<-exited
	case werr := <-exited:
		err = fmt.Errorf("Runtime exited without providing a reason: %w", errors.Join(werr, ctx.Err()))
		if ctx.Err() != nil {
			err = fmt.Errorf("Task timed out after %d seconds", limit/time.Second)
		}
	}
	s.mu.Lock()
	s.logFunction(t, "START RequestId: "+api.request+"\n"+out.String()+"\nEND RequestId: "+api.request)
	s.mu.Unlock()
	if err != nil {
		return nil, false, err
	}
	return api.answer, api.failed, nil
}

// unpackFunction writes the zip's files and tells how to start the bootstrap on this machine.
func unpackFunction(b *sandbox, code []byte) ([]string, error) {
	z, err := zip.NewReader(bytes.NewReader(code), int64(len(code)))
	if err != nil {
		return nil, err
	}
	for _, f := range z.File {
		r, err := f.Open()
		if err != nil {
			return nil, err
		}
		body, err := io.ReadAll(io.LimitReader(r, 250<<20))
		r.Close()
		if err != nil {
			return nil, err
		}
		if err := b.write("/var/task/"+f.Name, body); err != nil {
			return nil, err
		}
		if p, err := b.path("/var/task/" + f.Name); err == nil {
			os.Chmod(p, f.Mode().Perm())
		}
	}
	program := filepath.Join(b.root, "var/task/bootstrap")
	e, err := elf.Open(program)
	if err != nil {
		return []string{program}, nil // a script, or not of Linux
	}
	defer e.Close()
	if e.Machine == machines[runtime.GOARCH] {
		return []string{program}, nil
	}
	for _, name := range emulators[e.Machine] {
		if path, err := exec.LookPath(name); err == nil {
			return []string{path, program}, nil
		}
	}
	return nil, fmt.Errorf("the function is built for %v, this machine is %s, and no %s is installed", e.Machine, runtime.GOARCH, strings.Join(emulators[e.Machine], " or "))
}

// runtimeAPI is what a custom runtime talks to.
type runtimeAPI struct {
	payload  []byte
	arn      string
	request  string
	deadline time.Time
	mu       sync.Mutex
	given    bool
	done     chan struct{}
	answer   []byte
	failed   bool
}

func (a *runtimeAPI) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	const prefix = "/2018-06-01/runtime/"
	finish := func(failed bool) {
		body, _ := io.ReadAll(r.Body)
		a.mu.Lock()
		defer a.mu.Unlock()
		if a.answer == nil {
			a.answer, a.failed = append([]byte{}, body...), failed
			close(a.done)
		}
		w.WriteHeader(http.StatusAccepted)
	}
	switch what := strings.TrimPrefix(r.URL.Path, prefix); {
	case what == "invocation/next":
		a.mu.Lock()
		given := a.given
		a.given = true
		a.mu.Unlock()
		if given { // there is one event only: wait for the end
			<-r.Context().Done()
			return
		}
		w.Header().Set("Lambda-Runtime-Aws-Request-Id", a.request)
		w.Header().Set("Lambda-Runtime-Deadline-Ms", fmt.Sprint(a.deadline.UnixMilli()))
		w.Header().Set("Lambda-Runtime-Invoked-Function-Arn", a.arn)
		w.Header().Set("Content-Type", "application/json")
		w.Write(a.payload)
	case strings.HasSuffix(what, "/response"):
		finish(false)
	case strings.HasSuffix(what, "/error"):
		finish(true)
	default:
		http.NotFound(w, r)
	}
}

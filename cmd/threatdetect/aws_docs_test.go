//go:build !noaws

package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"threatdetect/internal/awsfake"
)

// newAccount parts the page: what is behind it finds nothing of what was made before.
const newAccount = "<!-- a new account -->\n"

// Every command of docs/aws.md runs against the fake, one after the other, and prints what the page shows. With UPDATE_DOCS set the page is written anew.
func TestAWSPage(t *testing.T) {
	path, err := filepath.Abs("../../docs/aws.md")
	require.NoError(t, err)
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	parts := strings.Split(string(text), newAccount)
	require.Len(t, parts, 2)
	for i, name := range []string{"from nothing and back", "every other command"} {
		t.Run(name, func(t *testing.T) {
			if i > 0 && testing.Short() {
				t.Skip("builds the function")
			}
			got, ran := newAWSPage(t).run(parts[i])
			require.Greater(t, ran, 20)
			if os.Getenv("UPDATE_DOCS") == "" {
				require.Equal(t, parts[i], got)
			}
			parts[i] = got
		})
	}
	if os.Getenv("UPDATE_DOCS") != "" {
		require.NoError(t, os.WriteFile(path, []byte(strings.Join(parts, newAccount)), 0o644))
	}
}

const pageBucket = "td-demo-111122223333"

// awsPage is the machine and the account that the commands of a page find.
type awsPage struct {
	*testing.T
	server *awsfake.Server
	ran    int
	python string // one with XGBoost 1.3.3, $THREATDETECT_XGBOOST_133; without it what a page shows of it stays as it is

	names map[string]string // as a page shows them: names that are others each time, by the order in which they came
	shown map[string]string // the other way
	seen  map[string]int    // how many of each form

	serving   *pageServer
	interrupt chan struct{}
}

// runForm is for runs of a pipeline.
const runForm = "run%09d"

// named are the parts of what commands print that name something, and are others each time. A page shows another end for each.
var named = []struct {
	pattern *regexp.Regexp
	form    string
}{
	{regexp.MustCompile(`\b\d{8}-\d{6}-[0-9a-f]{4}\b`), "20260102-030405-%04x"}, // of a training job
	{regexp.MustCompile(`\b\d{6}-\d{6}-[0-9a-f]{2}\b`), "260102-030405-%02x"},   // of a tuning job
	{regexp.MustCompile(`\b[0-9a-z]{12}\b`), runForm},
	{regexp.MustCompile(`\b[0-9a-f]{64}\b`), "%064x"}, // of a bundle, whose contract tells when it was made
}

// changing are others each time, too, and nobody asks for them.
var changing = []struct {
	pattern *regexp.Regexp
	shown   string
}{
	{regexp.MustCompile(`\d{4}-\d\d-\d\d[T: ]\d\d:\d\d:\d\d(\.\d+)?Z?`), "2026-01-02T03:04:05Z"},
	{regexp.MustCompile(`\bin \d[\d.]*(µs|ms|s)\b`), "in 1s"},
	{regexp.MustCompile(`\bhost [12] of 2`), "host 1 of 2"},
	{regexp.MustCompile(`\b\d+ bytes( in |:)`), "26753 bytes$1"},
}

func newAWSPage(t *testing.T) *awsPage {
	binary, err := exec.LookPath("threatdetect")
	require.NoError(t, err)
	demo, err := filepath.Abs("../../testdata/demo")
	require.NoError(t, err)
	t.Chdir(t.TempDir())
	for _, name := range []string{"conn.log", "model.tar.gz"} {
		body, err := os.ReadFile(filepath.Join(demo, name))
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(name, body, 0o644))
	}
	server, err := awsfake.New(awsfake.Options{Binary: binary, StrictIAM: true, Tick: time.Minute, Start: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)})
	require.NoError(t, err)
	// There is no Python but the one that the page names, so that the account's training is what is stored, wherever the test runs.
	goes, err := exec.Command("go", "env", "GOROOT", "GOCACHE").Output()
	require.NoError(t, err)
	root, cache, _ := strings.Cut(strings.TrimSpace(string(goes)), "\n")
	for k, v := range map[string]string{"AWS_ENDPOINT_URL": server.URL, "AWS_ACCESS_KEY_ID": "rehearsal", "AWS_SECRET_ACCESS_KEY": "rehearsal", "AWS_EC2_METADATA_DISABLED": "true",
		"AWS_CONFIG_FILE": "none", "AWS_SHARED_CREDENTIALS_FILE": "none", "THREATDETECT_AWS_SPEED": "1e6", "XDG_CACHE_HOME": t.TempDir(), "GOCACHE": cache,
		"THREATDETECT_PYTHON": "", "VIRTUAL_ENV": "", "OMP_NUM_THREADS": "1", "PATH": filepath.Dir(binary) + string(filepath.ListSeparator) + filepath.Join(root, "bin")} {
		t.Setenv(k, v)
	}
	p := &awsPage{T: t, server: server, names: map[string]string{}, shown: map[string]string{}, seen: map[string]int{}, python: os.Getenv("THREATDETECT_XGBOOST_133"), interrupt: make(chan struct{})}
	t.Cleanup(func() {
		close(p.interrupt)
		if p.serving != nil {
			<-p.serving.ended
		}
		if dir := os.Getenv("THREATDETECT_CAPTURE"); dir != "" { // for internal/awsfake/crosscheck.sh
			require.NoError(t, server.WriteRequests(filepath.Join(dir, filepath.Base(t.Name())+".ndjson")))
		}
		server.Close()
	})
	return p
}

// run gives the page as it should be, and how many commands ran.
func (p *awsPage) run(text string) (got string, ran int) {
	got = block.ReplaceAllStringFunc(text, func(fenced string) string {
		if !strings.HasPrefix(fenced, "```console\n") {
			return fenced
		}
		out, kept := "```console\n", false
		for line := range strings.Lines(strings.TrimSuffix(strings.TrimPrefix(fenced, "```console\n"), "```")) {
			command, isCommand := strings.CutPrefix(strings.TrimSuffix(line, "\n"), "$ ")
			if !isCommand {
				if kept {
					out += line
				}
				continue
			}
			out += line
			if kept = p.python == "" && strings.Contains(command, ".venv/bin/python"); !kept {
				out += p.command(p.actual(command))
			}
		}
		return out + "```"
	})
	return got, p.ran
}

var word = regexp.MustCompile(`'[^']*'|\S+`)

// command does what a line says, and gives what it prints.
func (p *awsPage) command(line string) string {
	line, cut, piped := strings.Cut(line, " | ")
	args := word.FindAllString(line, -1)
	for i := range args {
		args[i] = strings.Trim(args[i], "'")
	}
	printed := ""
	switch args[0] {
	case "threatdetect":
		p.ran++
		printed = p.threatdetect(args[1:])
	case "aws": // aws s3 cp FILE s3://bucket/KEY, which needs no Python here
		body, err := os.ReadFile(args[3])
		require.NoError(p, err)
		require.NoError(p, p.server.Put(pageBucket, strings.TrimPrefix(args[4], "s3://"+pageBucket+"/"), body))
	case "touch":
		require.NoError(p, os.WriteFile(args[1], nil, 0o644))
	case "sed": // sed -i s/OLD/NEW/ FILE
		parts := strings.Split(args[2], args[2][1:2])
		body, err := os.ReadFile(args[3])
		require.NoError(p, err)
		at := regexp.MustCompile(parts[1]).FindIndex(body)
		require.NotNil(p, at, line)
		require.NoError(p, os.WriteFile(args[3], slices.Replace(body, at[0], at[1], []byte(parts[2])...), 0o644))
	case "sleep":
		p.sleep(args[1])
	case "curl":
		if fault, ok := strings.CutSuffix(line, " $AWS_ENDPOINT_URL/_awsfake/faults"); ok {
			answer, err := http.Post(p.server.URL+"/_awsfake/faults", "", strings.NewReader(strings.Trim(strings.TrimPrefix(fault, "curl -s -d "), "'")))
			require.NoError(p, err)
			require.NoError(p, answer.Body.Close())
			require.Equal(p, http.StatusOK, answer.StatusCode)
			break
		}
		printed = p.serving.get(p.T, strings.TrimPrefix(args[len(args)-1], "http://127.0.0.1:8080"))
	default:
		require.Fail(p, "not a command of the page", line)
	}
	if piped {
		how, number, _ := strings.Cut(cut, " -n ")
		n, err := strconv.Atoi(number)
		require.NoError(p, err, cut)
		lines := strings.SplitAfter(strings.TrimSuffix(printed, "\n"), "\n")
		switch how {
		case "head":
			lines = lines[:min(n, len(lines))]
		case "tail":
			lines = lines[max(len(lines)-n, 0):]
		default:
			require.Fail(p, "not a command of the page", cut)
		}
		printed = strings.TrimSuffix(strings.Join(lines, ""), "\n") + "\n"
	}
	return p.show(printed)
}

// threatdetect runs this program as a shell does, in the background if the last word is &.
func (p *awsPage) threatdetect(args []string) string {
	if args[len(args)-1] == "&" {
		p.serving = serveInBackground(p, args[:len(args)-1])
		return "http://127.0.0.1:8080\n"
	}
	for i, arg := range args {
		switch {
		case arg == ".venv/bin/python" && p.python != "":
			args[i] = p.python
		case arg == "x86_64" && runtime.GOARCH == "arm64": // the function is called here
			args[i] = "arm64"
		}
	}
	return printed(p.T, args)
}

// sleep lets the account's clock go on. A server takes the model that was approved meanwhile.
func (p *awsPage) sleep(text string) {
	d, err := time.ParseDuration(text)
	if days, ok := strings.CutSuffix(text, "d"); ok {
		d, err = time.ParseDuration(days + "h")
		d *= 24
	}
	require.NoError(p, err)
	p.server.Advance(d)
	if p.serving == nil {
		return
	}
	pointer, err := p.server.Get(pageBucket, "approved/current.json")
	require.NoError(p, err)
	var approved struct{ SHA256 string }
	require.NoError(p, json.Unmarshal(pointer, &approved))
	require.Eventually(p, func() bool { return strings.Contains(p.serving.get(p.T, "/v1/status"), "sha256:"+approved.SHA256) }, 30*time.Second, 20*time.Millisecond, "the model that is approved is not taken: %s", &p.serving.log)
}

// actual is a command with the names of this run, show what is printed with those of the page.
func (p *awsPage) actual(command string) string {
	for shown, name := range p.names {
		command = strings.ReplaceAll(command, shown, name)
	}
	return command
}

func (p *awsPage) show(printed string) string {
	require.NotContains(p, printed, p.server.URL)
	for _, n := range named {
		printed = n.pattern.ReplaceAllStringFunc(printed, func(name string) string {
			if n.form == runForm && (!strings.ContainsAny(name, "0123456789") || !strings.ContainsAny(name, "abcdefghijklmnopqrstuvwxyz")) {
				return name // a word, or the account
			}
			if p.shown[name] == "" {
				p.seen[n.form]++
				p.shown[name] = fmt.Sprintf(n.form, p.seen[n.form])
				p.names[p.shown[name]] = name
			}
			return p.shown[name]
		})
	}
	for _, c := range changing {
		printed = c.pattern.ReplaceAllString(printed, c.shown)
	}
	return printed
}

// pageServer is a server that a page has started.
type pageServer struct {
	address string
	ended   chan struct{}

	mu  sync.Mutex
	log bytes.Buffer
}

func (s *pageServer) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.log.Write(b)
}

// serveInBackground runs a server that looks for approved models a hundred times in a minute.
func serveInBackground(p *awsPage, args []string) *pageServer {
	for i := range args {
		args[i] = strings.Replace(args[i], "127.0.0.1:8080", "127.0.0.1:0", 1)
	}
	p.Setenv("THREATDETECT_AWS_SPEED", "100")
	s := &pageServer{ended: make(chan struct{})}
	out, in := io.Pipe()
	go func() {
		defer close(s.ended)
		a := &app{stdin: strings.NewReader(""), stdout: in, stderr: s, interrupt: p.interrupt}
		in.CloseWithError(fmt.Errorf("serve has ended with %d", a.run(args)))
	}()
	line := make([]byte, 200)
	n, err := out.Read(line)
	require.NoError(p, err, "%s", &s.log)
	p.Setenv("THREATDETECT_AWS_SPEED", "1e6")
	s.address = strings.TrimSpace(string(line[:n]))
	return s
}

func (s *pageServer) get(t *testing.T, path string) string {
	answer, err := http.Get(s.address + path)
	require.NoError(t, err)
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	require.NoError(t, err)
	return strings.TrimSuffix(string(body), "\n") + "\n"
}

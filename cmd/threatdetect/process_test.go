//go:build unix

package main

import (
	"bufio"
	"bytes"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

const demo = "../../testdata/demo/"

// command is the program as a process of its own.
func command(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	require.NoError(t, err)
	cmd := exec.CommandContext(t.Context(), self, args...)
	cmd.Args[0] = "threatdetect"
	return cmd
}

func TestClosedPipeEndsQuietly(t *testing.T) {
	log, err := os.ReadFile(demo + "conn.log")
	require.NoError(t, err)
	header := bytes.Index(log, []byte("\n17")) + 1
	big := append(log, bytes.Repeat(log[header:], 40)...)
	cmd := command(t, "score", "--bundle", demo+"model.tar.gz", "--all", "-")
	cmd.Stdin = bytes.NewReader(big)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	stdout, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	line, err := bufio.NewReader(stdout).ReadString('\n')
	require.NoError(t, err)
	require.Contains(t, line, `"score":`)
	require.NoError(t, stdout.Close())
	require.NoError(t, cmd.Wait(), "a closed pipe is a success: %s", &stderr)
	require.Empty(t, stderr.String())
}

// TestNobodyReads: each command ends with success where nobody reads what it prints, but for batch, which loses it.
func TestNobodyReads(t *testing.T) {
	for args, code := range map[string]int{
		"score --all --bundle " + demo + "model.tar.gz " + demo + "conn.log": 0,
		"features --set flow-min/1 " + demo + "conn.log":                     0,
		"inspect --json " + demo + "model.tar.gz":                            0,
		"convert --to json " + demo + "model.tar.gz":                         0,
		"version":         0,
		"completion bash": 0,
		"--help":          0,
		"batch --all --out - --bundle " + demo + "model.tar.gz " + demo + "conn.log": exitFailure,
	} {
		r, w, err := os.Pipe()
		require.NoError(t, err)
		require.NoError(t, r.Close())
		cmd := command(t, strings.Fields(args)...)
		cmd.Stdout = w
		var stderr bytes.Buffer
		cmd.Stderr = &stderr
		cmd.Run()
		require.NoError(t, w.Close())
		require.Equal(t, code, cmd.ProcessState.ExitCode(), "%s: %s", args, &stderr)
		require.NotContains(t, stderr.String(), "pipe", args)
	}
}

// A sensor writes to the pipe now and then: what it wrote must be judged, and printed, without waiting for more.
func TestVerdictsOfALivePipe(t *testing.T) {
	log, err := os.ReadFile(demo + "conn.log")
	require.NoError(t, err)
	lines := strings.SplitAfter(string(log), "\n")
	cmd := command(t, "score", "--bundle", demo+"model.tar.gz", "--all", "--summary", "json", "-")
	stdin, err := cmd.StdinPipe()
	require.NoError(t, err)
	stdout, err := cmd.StdoutPipe()
	require.NoError(t, err)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	require.NoError(t, cmd.Start())
	out := bufio.NewReader(stdout)
	_, err = io.WriteString(stdin, strings.Join(lines[:100], ""))
	require.NoError(t, err)
	for range 3 {
		_, err = out.ReadString('\n')
		require.NoError(t, err)
	}

	// A signal ends the wait for more: what was read is accounted for.
	require.NoError(t, cmd.Process.Signal(syscall.SIGTERM))
	ended := make(chan error, 1)
	go func() {
		io.Copy(io.Discard, out)
		ended <- cmd.Wait()
	}()
	select {
	case err = <-ended:
	case <-time.After(20 * time.Second):
		t.Fatal("the signal did not end the command")
	}
	require.Equal(t, 143, cmd.ProcessState.ExitCode(), "%v: %s", err, &stderr)
	account := strings.Split(strings.TrimSpace(stderr.String()), "\n")
	require.Contains(t, account[0], "stopped: signal: terminated")
	require.Contains(t, account[len(account)-1], `"flows":9`)
	stdin.Close()
}

func TestInterruptLeavesTheFileAsItWas(t *testing.T) {
	log, err := os.ReadFile(demo + "conn.log")
	require.NoError(t, err)
	dir := t.TempDir()
	out := dir + "/verdicts.ndjson"
	require.NoError(t, os.WriteFile(out, []byte("before"), 0o600))
	cmd := command(t, "score", "--bundle", demo+"model.tar.gz", "--all", "-o", out, "-")
	stdin, err := cmd.StdinPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	_, err = stdin.Write(log)
	require.NoError(t, err)
	time.Sleep(300 * time.Millisecond)
	require.NoError(t, cmd.Process.Signal(syscall.SIGINT))
	require.Error(t, cmd.Wait())
	require.Equal(t, 130, cmd.ProcessState.ExitCode())
	text, err := os.ReadFile(out)
	require.NoError(t, err)
	require.Equal(t, "before", string(text))
	left, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Len(t, left, 1, "the temporary file is gone")
}

func TestOutputToWhatIsNoFile(t *testing.T) {
	dir := t.TempDir()
	target, link := dir+"/target", dir+"/link"
	require.NoError(t, os.WriteFile(target, []byte("before"), 0o640))
	require.NoError(t, os.Symlink(target, link))
	run := func(out string) ([]byte, error) {
		return command(t, "score", "--quiet", "--bundle", demo+"model.tar.gz", "-o", out, demo+"conn.log").CombinedOutput()
	}
	said, err := run(link)
	require.NoError(t, err, string(said))
	info, err := os.Lstat(link)
	require.NoError(t, err)
	require.NotZero(t, info.Mode()&os.ModeSymlink, "a link stays a link")
	info, err = os.Stat(target)
	require.NoError(t, err)
	require.Greater(t, info.Size(), int64(10_000))
	require.Equal(t, os.FileMode(0o640), info.Mode().Perm(), "and its file keeps its permissions")

	fifo := dir + "/fifo"
	require.NoError(t, syscall.Mkfifo(fifo, 0o600))
	read := make(chan int, 1)
	go func() {
		text, _ := os.ReadFile(fifo)
		read <- len(text)
	}()
	said, err = run(fifo)
	require.NoError(t, err, string(said))
	require.Equal(t, int(info.Size()), <-read)

	said, err = run(dir)
	require.Error(t, err)
	require.Contains(t, string(said), "create output: "+dir+": is a directory")
	said, err = run(dir + "/missing/out")
	require.Error(t, err)
	require.Equal(t, "threatdetect score: create output: "+dir+"/missing/out: no such file or directory\n", string(said))
}

func TestKilledLeavesNoOutput(t *testing.T) {
	dir := t.TempDir()
	cmd := command(t, "score", "--bundle", demo+"model.tar.gz", "--all", "-o", dir+"/verdicts.ndjson", "-")
	stdin, err := cmd.StdinPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	io.WriteString(stdin, "#separator \\x09\n")
	time.Sleep(200 * time.Millisecond)
	require.NoError(t, cmd.Process.Kill())
	cmd.Wait()
	require.NoFileExists(t, dir+"/verdicts.ndjson")
}

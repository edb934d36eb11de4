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

func TestInterruptKeepsWhatWasWritten(t *testing.T) {
	log, err := os.ReadFile(demo + "conn.log")
	require.NoError(t, err)
	out := t.TempDir() + "/verdicts.ndjson"
	cmd := command(t, "score", "--bundle", demo+"model.tar.gz", "--all", "-o", out, "-")
	stdin, err := cmd.StdinPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	_, err = stdin.Write(log)
	require.NoError(t, err)
	time.Sleep(300 * time.Millisecond)
	require.NoFileExists(t, out, "a file appears when it is whole")
	require.NoError(t, cmd.Process.Signal(syscall.SIGINT))
	require.Error(t, cmd.Wait())
	require.Equal(t, 130, cmd.ProcessState.ExitCode())
	text, err := os.ReadFile(out)
	require.NoError(t, err)
	require.NotEmpty(t, text)
	require.Equal(t, byte('\n'), text[len(text)-1], "no half line")
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

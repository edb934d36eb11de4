//go:build unix

package main

import (
	"bytes"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"threatdetect/internal/trafficgen"
)

// simulateLog writes a Zeek log to a file.
func simulateLog(t *testing.T, name string, seed uint64, records int64) []byte {
	t.Helper()
	g, err := trafficgen.New(trafficgen.Config{Seed: seed, Records: records, AttackShare: 0.1})
	require.NoError(t, err)
	var b bytes.Buffer
	w, err := trafficgen.NewWriter(&b, nil)
	require.NoError(t, err)
	for r := range g.All() {
		require.NoError(t, w.Write(r))
	}
	require.NoError(t, w.Close())
	require.NoError(t, os.WriteFile(name, b.Bytes(), 0o600))
	return b.Bytes()
}

// batchArgs score logs to a folder, with a commit every MiB of output.
func batchArgs(out string, logs ...string) []string {
	return append([]string{"batch", "--bundle", demo + "model.tar.gz", "--all", "--workers", "1", "--commit-size", "1", "--commit-every", "20ms", "--summary", "json",
		"--out", out}, logs...)
}

// ended waits for a command and returns its exit code, and how long that took. A command that hangs fails the test.
func ended(t *testing.T, cmd *exec.Cmd) (code int, took time.Duration) {
	t.Helper()
	begin := time.Now()
	hangs := time.AfterFunc(30*time.Second, func() { cmd.Process.Kill() })
	cmd.Wait()
	require.True(t, hangs.Stop(), "it hangs")
	return cmd.ProcessState.ExitCode(), time.Since(begin)
}

// outputsOf are the files of a folder of outputs that are no bookkeeping.
func outputsOf(t *testing.T, dir string) map[string]string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	files := map[string]string{}
	for _, e := range entries {
		if !strings.Contains(e.Name(), "journal") {
			b, err := os.ReadFile(filepath.Join(dir, e.Name()))
			require.NoError(t, err)
			files[e.Name()] = string(b)
		}
	}
	return files
}

// committed waits until a run has committed something of a log.
func committed(t *testing.T, out string) {
	t.Helper()
	require.Eventually(t, func() bool { return strings.Contains(progressOf(t, out), `"at"`) }, 30*time.Second, time.Millisecond)
}

// TestBatchSignals stops a run by SIGTERM and SIGINT, at work on a log and on a pipe that says nothing; it commits what was read and ends at once. The same command
// goes on, and its outputs are those of a run that nobody stopped (BATCH-11).
func TestBatchSignals(t *testing.T) {
	dir := t.TempDir()
	first, second := filepath.Join(dir, "a.log"), filepath.Join(dir, "whole", "b.log")
	require.NoError(t, os.Mkdir(filepath.Dir(second), 0o700))
	simulateLog(t, first, 1, 40_000)
	text := simulateLog(t, second, 2, 2_000)
	golden := filepath.Join(dir, "golden")
	said, err := command(t, batchArgs(golden, first, second)...).CombinedOutput()
	require.NoError(t, err, string(said))

	pipe, out := filepath.Join(dir, "b.log"), filepath.Join(dir, "out")
	require.NoError(t, syscall.Mkfifo(pipe, 0o600))
	args := batchArgs(out, first, pipe)
	for _, c := range []struct {
		signal syscall.Signal
		code   int
		half   bool // half of the log is in the pipe
	}{{syscall.SIGTERM, 143, false}, {syscall.SIGINT, 130, true}} {
		cmd := command(t, args...)
		var stderr bytes.Buffer
		cmd.Stderr = &stderr
		require.NoError(t, cmd.Start())
		var w *os.File
		if c.half {
			w, err = os.OpenFile(pipe, os.O_WRONLY, 0)
			require.NoError(t, err)
			_, err = w.Write(text[:len(text)/2])
			require.NoError(t, err)
		}
		committed(t, out)
		require.NoError(t, cmd.Process.Signal(c.signal))
		code, took := ended(t, cmd)
		w.Close() // of which nobody took the rest
		require.Equal(t, c.code, code, "%s", &stderr)
		require.Less(t, took, 5*time.Second)
		require.Contains(t, stderr.String(), "stopped: signal: "+c.signal.String())
		require.NoFileExists(t, filepath.Join(out, "b.log.ndjson"), "what is not whole has no name")
		t.Logf("%v: ended in %v", c.signal, took)
	}

	cmd := command(t, args...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	require.NoError(t, cmd.Start())
	w, err := os.OpenFile(pipe, os.O_WRONLY, 0)
	require.NoError(t, err)
	_, err = w.Write(text)
	require.NoError(t, err)
	require.NoError(t, w.Close())
	code, _ := ended(t, cmd)
	require.Zero(t, code, "%s", &stderr)
	require.Equal(t, outputsOf(t, golden), outputsOf(t, out))
}

// TestBatchToAClosedPipe ends quietly, but not as a success: what nobody read is lost (BATCH-10).
func TestBatchToAClosedPipe(t *testing.T) {
	dir := t.TempDir()
	log := filepath.Join(dir, "a.log")
	simulateLog(t, log, 1, 10_000)
	cmd := command(t, "batch", "--bundle", demo+"model.tar.gz", "--all", "--out", "-", log)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	stdout, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	_, err = io.ReadFull(stdout, make([]byte, 1000))
	require.NoError(t, err)
	require.NoError(t, stdout.Close())
	code, _ := ended(t, cmd)
	require.Equal(t, 1, code)
	require.Empty(t, stderr.String())
}

// TestBatchOnALimitedFile has the limit of a file's size in the way of the output, as a full disk would be: the message names the file, what has its name is whole,
// and without the limit the same command goes on (BATCH-9).
func TestBatchOnALimitedFile(t *testing.T) {
	dir := t.TempDir()
	log, out := filepath.Join(dir, "a.log"), filepath.Join(dir, "out")
	simulateLog(t, log, 1, 20_000)
	golden := filepath.Join(dir, "golden")
	said, err := command(t, batchArgs(golden, log)...).CombinedOutput()
	require.NoError(t, err, string(said))

	full := command(t, batchArgs(out, log)...)
	program := filepath.Join(dir, full.Args[0]) // this test is what its name says
	require.NoError(t, os.Symlink(full.Path, program))
	limited := exec.CommandContext(t.Context(), "sh", append([]string{"-c", `ulimit -f 6000 && exec "$0" "$@"`, program}, full.Args[1:]...)...) // 3 MB: units of 512 bytes
	outOfSpace(t, limited, out, "file too large")
	said, err = command(t, batchArgs(out, log)...).CombinedOutput()
	require.NoError(t, err, string(said))
	require.Equal(t, outputsOf(t, golden), outputsOf(t, out))
}

// outOfSpace runs a command for whose output there is not room enough.
func outOfSpace(t *testing.T, cmd *exec.Cmd, out, why string) {
	t.Helper()
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	require.NoError(t, cmd.Start())
	code, _ := ended(t, cmd)
	require.Equal(t, 1, code, "%s", &stderr)
	require.Regexp(t, `(?m)^threatdetect batch: write (output|journal): `+out+`/.*: `+why+`$`, stderr.String())
	require.Empty(t, outputsOf(t, out), "what is not whole has no name")
	require.Contains(t, progressOf(t, out), `"at"`, "there is something to go on with")
}

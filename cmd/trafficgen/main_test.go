package main

import (
	"bytes"
	"compress/gzip"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

// call runs the command and returns what it wrote and its status.
func call(args ...string) (stdout, stderr string, status int) {
	var out, errs bytes.Buffer
	status = run(args, &out, &errs)
	return out.String(), errs.String(), status
}

func TestStandardOutput(t *testing.T) {
	out, errs, status := call("--records", "500", "--seed", "3")
	require.Zero(t, status)
	require.Equal(t, 500+9, strings.Count(out, "\n"))
	require.True(t, strings.HasPrefix(out, `#separator \x09`))
	require.Regexp(t, `^trafficgen: flows 500, attacks \d+, records 500, bytes \d+\n$`, errs)

	again, _, _ := call("--records", "500", "--seed", "3")
	require.Equal(t, out, again)
}

func TestFiles(t *testing.T) {
	dir := t.TempDir()
	log, labels := filepath.Join(dir, "conn.log.gz"), filepath.Join(dir, "labels.csv")
	out, errs, status := call("--records", "2500", "--format", "json", "--quirks", "all,-late", "--faults", "0.01",
		"--fault-kinds", "number,time", "--attacks", "beacon,syn-flood", "--attack-share", "0.4",
		"--start", "2025-01-01T00:00:00Z", "--hosts", "30", "--labels", labels, "-o", log)
	require.Zero(t, status, errs)
	require.Empty(t, out)
	require.Contains(t, errs, "number ")

	f, err := os.Open(log)
	require.NoError(t, err)
	defer f.Close()
	z, err := gzip.NewReader(f)
	require.NoError(t, err)
	text, err := io.ReadAll(z)
	require.NoError(t, err)
	require.Contains(t, string(text), "2025-01-01T")

	csv, err := os.ReadFile(labels)
	require.NoError(t, err)
	require.Equal(t, 2501, bytes.Count(csv, []byte("\n")))
	require.Contains(t, string(csv), ",Malicious,syn-flood\n")
	require.NotContains(t, string(csv), "dns-tunnel")
}

func TestNoAttacksAndSpan(t *testing.T) {
	out, errs, status := call("--span", "10m", "--hosts", "20", "--attack-share", "0", "--quirks", "labels-tabs")
	require.Zero(t, status)
	require.Contains(t, errs, "attacks 0,")
	require.NotContains(t, out, "Malicious")
}

func TestUsageErrors(t *testing.T) {
	dir := t.TempDir()
	kept := filepath.Join(dir, "kept.log")
	require.NoError(t, os.WriteFile(kept, []byte("old"), 0o600))
	for _, args := range [][]string{
		{"--records", "-1"},
		{"--records", "many"},
		{"--records", "10", "--format", "xml"},
		{"--records", "10", "--quirks", "spots"},
		{"--records", "10", "--attacks", "web"},
		{"--records", "10", "--attacks", "hail"},
		{"--records", "10", "--attack-share", "2"},
		{"--records", "10", "--start", "yesterday"},
		{"--records", "10", "--faults", "7"},
		{"--records", "10", "--fault-kinds", "rust"},
		{"--records", "10", "--fault-kinds", "malformed", "--faults", "0.1"},
		{"--hosts", "3"},
		{"--colour"},
		{"extra"},
	} {
		_, errs, status := call(append(args, "-o", kept)...)
		require.Equal(t, exitUsage, status, "%v", args)
		require.Regexp(t, `^trafficgen: usage: command line: [^\n]+\n$`, errs)
		text, err := os.ReadFile(kept)
		require.NoError(t, err)
		require.Equal(t, "old", string(text))
	}
}

func TestHelp(t *testing.T) {
	_, errs, status := call("--help")
	require.Zero(t, status)
	require.Contains(t, errs, "usage: trafficgen")
	require.Contains(t, errs, "-attack-share")
}

func TestRuntimeErrors(t *testing.T) {
	missing := filepath.Join(t.TempDir(), "no", "conn.log")
	for _, flag := range []string{"-o", "--labels"} {
		_, errs, status := call("--records", "10", flag, missing)
		require.Equal(t, exitFailed, status)
		require.Regexp(t, `^trafficgen: create: [^\n]*conn.log: [^\n]+\n$`, errs)
	}
	var errs bytes.Buffer
	require.Equal(t, exitFailed, run([]string{"--records", "5000"}, broken{syscall.ENOSPC}, &errs))
	require.Regexp(t, `^trafficgen: write: standard output: [^\n]+\n$`, errs.String())
}

func TestClosedPipeIsQuiet(t *testing.T) {
	for _, err := range []error{syscall.EPIPE, io.ErrClosedPipe} {
		var errs bytes.Buffer
		require.Zero(t, run([]string{"--records", "5000"}, broken{err}, &errs))
		require.Empty(t, errs.String())
	}
}

// broken fails every write.
type broken struct{ err error }

func (b broken) Write([]byte) (int, error) { return 0, b.err }

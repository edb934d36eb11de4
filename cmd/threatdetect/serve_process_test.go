//go:build unix

package main

import (
	"bufio"
	"bytes"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestServe runs the server as a process: it says where it listens, takes another model on a signal, and ends with 0 on SIGTERM.
func TestServe(t *testing.T) {
	model := filepath.Join(t.TempDir(), "model.tar.gz")
	place := func(from string) {
		data, err := os.ReadFile(from)
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(model+".new", data, 0o600))
		require.NoError(t, os.Rename(model+".new", model))
	}
	place(demo + "model.tar.gz")
	cmd := command(t, "serve", "--bundle", model, "--listen", "127.0.0.1:0", "--reload", "0")
	stdout, err := cmd.StdoutPipe()
	require.NoError(t, err)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	require.NoError(t, cmd.Start())
	line, err := bufio.NewReader(stdout).ReadString('\n')
	require.NoError(t, err)
	url := strings.TrimSpace(line)
	ask := func() string {
		res, err := http.Post(url+"/invocations", "text/csv", strings.NewReader(strings.Repeat("1,", 69)))
		require.NoError(t, err)
		defer res.Body.Close()
		text, err := io.ReadAll(res.Body)
		require.NoError(t, err)
		require.Equal(t, http.StatusOK, res.StatusCode, "%s", text)
		return string(text)
	}
	first := ask()
	place("../../testdata/bundles/iot23-ctu.tar.gz")
	require.Equal(t, first, ask())
	require.NoError(t, cmd.Process.Signal(syscall.SIGHUP))
	require.Eventually(t, func() bool { return ask() != first }, 20*time.Second, 20*time.Millisecond)
	require.NoError(t, cmd.Process.Signal(syscall.SIGTERM))
	require.NoError(t, cmd.Wait(), "%s", &stderr)
	require.Contains(t, stderr.String(), "another model is in use")
}

// TestServeWithoutModel runs the server without a model: models are loaded, asked and unloaded by requests.
func TestServeWithoutModel(t *testing.T) {
	cmd := command(t, "serve", "--listen", "127.0.0.1:0", "--quiet")
	stdout, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	line, err := bufio.NewReader(stdout).ReadString('\n')
	require.NoError(t, err)
	url := strings.TrimSpace(line)
	ask := func(method, path, kind, body string) (status int, reply string) {
		req, err := http.NewRequest(method, url+path, strings.NewReader(body))
		require.NoError(t, err)
		req.Header.Set("Content-Type", kind)
		res, err := http.DefaultClient.Do(req)
		require.NoError(t, err)
		defer res.Body.Close()
		text, err := io.ReadAll(res.Body)
		require.NoError(t, err)
		return res.StatusCode, string(text)
	}
	model, err := filepath.Abs(demo + "model.tar.gz")
	require.NoError(t, err)
	row := strings.Repeat("1,", 69) + "1"
	status, _ := ask("POST", "/models", "application/json", `{"model_name":"demo","url":"`+model+`"}`)
	require.Equal(t, http.StatusOK, status)
	status, reply := ask("POST", "/models/demo/invoke", "text/csv", row)
	require.Equal(t, http.StatusOK, status, "%s", reply)
	require.Regexp(t, `^\[0\.[0-9]+\]$`, reply)
	status, _ = ask("DELETE", "/models/demo", "", "")
	require.Equal(t, http.StatusOK, status)
	status, _ = ask("POST", "/models/demo/invoke", "text/csv", row)
	require.Equal(t, http.StatusNotFound, status)
	require.NoError(t, cmd.Process.Signal(syscall.SIGTERM))
	require.NoError(t, cmd.Wait())
}

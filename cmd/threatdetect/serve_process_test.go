//go:build unix

package main

import (
	"bufio"
	"bytes"
	"fmt"
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

// TestServeTrusted runs the server with a model that is signed, a second one beside it, and metrics at an address of their own: a model without a signature is
// refused while it runs, and counted; where the two disagree is counted, and told to nobody who asks.
func TestServeTrusted(t *testing.T) {
	dir := t.TempDir()
	key, bundle, model := filepath.Join(dir, "team"), filepath.Join(dir, "signed.tar.gz"), filepath.Join(dir, "model.tar.gz")
	for _, args := range [][]string{{"bundle", "keygen", "-o", key}, {"bundle", "sign", "--key", key + ".key", demo + "model.tar.gz", "-o", model},
		{"bundle", "sign", "--key", key + ".key", "../../testdata/bundles/iot23-ctu.tar.gz", "-o", bundle}} {
		said, err := command(t, args...).CombinedOutput()
		require.NoError(t, err, "%s", said)
	}
	cmd := command(t, "serve", "--bundle", model, "--shadow", bundle, "--require-signature", "--key", key+".pub", "--listen", "127.0.0.1:0", "--metrics", "127.0.0.1:0",
		"--reload", "10ms", "--cache", filepath.Join(dir, "cache"))
	stdout, err := cmd.StdoutPipe()
	require.NoError(t, err)
	stderr, err := cmd.StderrPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	said := bufio.NewReader(stderr)
	line, err := said.ReadString('\n')
	require.NoError(t, err)
	metrics, ok := strings.CutPrefix(strings.TrimSpace(line), "metrics at ")
	require.True(t, ok, line)
	told := make(chan string, 1)
	go func() {
		rest, _ := io.ReadAll(said)
		told <- string(rest)
	}()
	line, err = bufio.NewReader(stdout).ReadString('\n')
	require.NoError(t, err)
	url := strings.TrimSpace(line)
	get := func(address string) (int, string) {
		res, err := http.Get(address)
		require.NoError(t, err)
		defer res.Body.Close()
		text, err := io.ReadAll(res.Body)
		require.NoError(t, err)
		return res.StatusCode, string(text)
	}
	log, err := os.ReadFile(demo + "conn.log")
	require.NoError(t, err)
	res, err := http.Post(url+"/v1/score", "text/plain", bytes.NewReader(log))
	require.NoError(t, err)
	answer, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	res.Body.Close()
	require.Equal(t, http.StatusOK, res.StatusCode, "%s", answer)
	_, page := get(metrics)
	var agree, differ int
	for line := range strings.Lines(page) {
		fmt.Sscanf(line, `threatdetect_shadow_rows_total{agree="yes"} %d`, &agree)
		fmt.Sscanf(line, `threatdetect_shadow_rows_total{agree="no"} %d`, &differ)
	}
	require.Equal(t, 1900, agree+differ)
	require.Positive(t, differ)
	status, _ := get(url + "/metrics")
	require.Equal(t, http.StatusNotFound, status, "metrics are at their own address alone")
	status, _ = get(strings.TrimSuffix(metrics, "metrics") + "ping")
	require.Equal(t, http.StatusNotFound, status)

	replace := func(from string) {
		data, err := os.ReadFile(from)
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(model+".new", data, 0o600))
		require.NoError(t, os.Rename(model+".new", model))
	}
	eventually := func(want string) {
		t.Helper()
		require.Eventually(t, func() bool {
			_, page := get(metrics)
			return strings.Contains(page, "\n"+want+"\n")
		}, 20*time.Second, 20*time.Millisecond, want)
	}
	replace("../../testdata/bundles/iot23-ctu.tar.gz") // without a signature
	eventually("threatdetect_model_reload_failed_total 1")
	replace(bundle)
	eventually(`threatdetect_model_reloads_total{outcome="used"} 1`)
	_, page = get(metrics)
	require.Contains(t, page, "\nthreatdetect_model_reload_failed_total 1\n", "the same one is not tried again and again")
	require.NoError(t, cmd.Process.Signal(syscall.SIGTERM))
	text := <-told
	require.NoError(t, cmd.Wait(), text)
	require.Contains(t, text, "a model was refused; the one before it stays")
	require.Contains(t, text, "it is not signed")
	require.Contains(t, text, "another model is in use")
	require.Contains(t, text, "the shadow model disagrees")
	cached, err := filepath.Glob(filepath.Join(dir, "cache", "*"))
	require.NoError(t, err)
	require.Len(t, cached, 1)
	signed, err := os.ReadFile(bundle)
	require.NoError(t, err)
	kept, err := os.ReadFile(cached[0])
	require.NoError(t, err)
	require.Equal(t, signed, kept, "with its signature, so that it can be used at a start without the file")
}

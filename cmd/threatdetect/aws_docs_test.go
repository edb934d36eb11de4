//go:build !noaws

package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"threatdetect/internal/awsfake"
)

// changing are the parts of what commands print that are others each time, and what the page shows for them.
var changing = []struct {
	pattern *regexp.Regexp
	shown   string
}{
	{regexp.MustCompile(`td-demo-\d{8}-\d{6}-[0-9a-f]{4}`), "td-demo-20260102-030405-ab12"},
	{regexp.MustCompile(`\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?Z?`), "2026-01-02T03:04:05Z"},
	{regexp.MustCompile(`execution/[a-z0-9]{12}`), "execution/abcdefghijkl"},
	{regexp.MustCompile(`pipelines-[a-z0-9]{12}-`), "pipelines-abcdefghijkl-"},
	{regexp.MustCompile(`\bin \d[\d.]*(µs|ms|s)\b`), "in 1s"},
	{regexp.MustCompile(`\bhost [12] of 2`), "host 1 of 2"},
}

// Every command of docs/aws.md runs against the fake, one after the other on one account, and prints what the page shows. With UPDATE_DOCS set the page is
// written anew.
func TestAWSPage(t *testing.T) {
	root, err := filepath.Abs("../..")
	require.NoError(t, err)
	page := filepath.Join(root, "docs/aws.md")
	text, err := os.ReadFile(page)
	require.NoError(t, err)
	binary, err := exec.LookPath("threatdetect")
	require.NoError(t, err)
	demo := filepath.Join(root, "testdata/demo")
	t.Chdir(t.TempDir())
	for _, name := range []string{"conn.log", "model.tar.gz"} {
		body, err := os.ReadFile(filepath.Join(demo, name))
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(name, body, 0o644))
	}
	server, err := awsfake.New(awsfake.Options{Binary: binary, StrictIAM: true, Tick: time.Minute, Start: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)})
	require.NoError(t, err)
	defer server.Close()
	for k, v := range map[string]string{"AWS_ENDPOINT_URL": server.URL, "AWS_ACCESS_KEY_ID": "rehearsal", "AWS_SECRET_ACCESS_KEY": "rehearsal", "AWS_EC2_METADATA_DISABLED": "true",
		"AWS_CONFIG_FILE": "none", "AWS_SHARED_CREDENTIALS_FILE": "none", "THREATDETECT_AWS_SPEED": "1e6"} {
		t.Setenv(k, v)
	}
	put := func(name, key string) {
		body, err := os.ReadFile(name)
		require.NoError(t, err)
		require.NoError(t, server.Put("td-demo-111122223333", key, body))
	}
	ran := 0
	got := block.ReplaceAllStringFunc(string(text), func(fenced string) string {
		if !strings.HasPrefix(fenced, "```console\n") {
			return fenced
		}
		out := "```console\n"
		for line := range strings.Lines(fenced) {
			command, isCommand := strings.CutPrefix(strings.TrimSuffix(line, "\n"), "$ ")
			if !isCommand {
				continue
			}
			out += line
			switch args := strings.Fields(command); {
			case args[0] == "aws": // aws s3 cp FILE s3://bucket/KEY, which needs no Python here
				put(args[3], strings.TrimPrefix(args[4], "s3://td-demo-111122223333/"))
			case args[0] == "threatdetect":
				command, lines, cut := strings.Cut(strings.TrimPrefix(command, "threatdetect "), " | head -n ")
				shown := printed(t, strings.Fields(command))
				if cut {
					n, err := strconv.Atoi(lines)
					require.NoError(t, err)
					shown = strings.Join(strings.SplitAfter(shown, "\n")[:n], "")
				}
				for _, c := range changing {
					shown = c.pattern.ReplaceAllString(shown, c.shown)
				}
				require.NotContains(t, shown, server.URL)
				out += shown
				ran++
			default:
				require.Fail(t, "not a command of the page", line)
			}
		}
		return out + "```"
	})
	require.Greater(t, ran, 20)
	if os.Getenv("UPDATE_DOCS") != "" {
		require.NoError(t, os.WriteFile(page, []byte(got), 0o644))
		return
	}
	require.Equal(t, string(text), got)
}

package main

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

var block = regexp.MustCompile("(?s)```(\\w+)\n(.*?)```")

// blocks returns the fenced blocks of a kind in a page of the repository.
func blocks(t *testing.T, page, kind string) []string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("../..", page))
	require.NoError(t, err)
	var found []string
	for _, m := range block.FindAllStringSubmatch(string(text), -1) {
		if m[1] == kind {
			found = append(found, m[2])
		}
	}
	require.NotEmpty(t, found)
	return found
}

// Every command of README runs, pipes included, and what it claims to print is what it prints.
func TestReadmeCommands(t *testing.T) {
	shown := strings.Join(blocks(t, "README.md", "console"), "")
	root, err := filepath.Abs("../..")
	require.NoError(t, err)
	t.Chdir(t.TempDir())
	ran := 0
	for _, line := range strings.Split(shown, "\n") {
		line, isCommand := strings.CutPrefix(line, "$ go run ./cmd/threatdetect ")
		if !isCommand {
			continue
		}
		ran++
		var input []byte
		for _, part := range strings.Split(line, " | go run ./cmd/threatdetect ") {
			args := strings.Fields(strings.ReplaceAll(part, "testdata/", root+"/testdata/"))
			var stdout, stderr bytes.Buffer
			a := &app{stdin: io.NopCloser(bytes.NewReader(input)), stdout: &stdout, stderr: &stderr, interrupt: make(chan struct{})}
			require.Zero(t, a.run(args), "%s: %s", part, &stderr)
			account := regexp.MustCompile(` in .*\n`).ReplaceAllString(stderr.String(), "")
			if args[0] != "predict" && input == nil && !strings.Contains(line, " | ") {
				require.Contains(t, shown, account, "README shows another account")
			}
			input = stdout.Bytes()
		}
		if first, _, ok := bytes.Cut(input, []byte("…")); ok {
			require.Contains(t, shown, string(first))
		}
	}
	require.GreaterOrEqual(t, ran, 3)
	verdict := regexp.MustCompile(`(?m)^(\{"ts".*),…\}$`).FindStringSubmatch(shown)
	require.NotNil(t, verdict)
	var stdout bytes.Buffer
	a := &app{stdin: strings.NewReader(""), stdout: &stdout, stderr: io.Discard, interrupt: make(chan struct{})}
	require.Zero(t, a.run([]string{"score", "--bundle", root + "/testdata/demo/model.tar.gz", root + "/testdata/demo/conn.log"}))
	require.Contains(t, stdout.String(), verdict[1], "README shows a verdict that the demo does not give")
}

// The Go of README is code that the compiler sees: it stands in an example.
func TestReadmeSnippet(t *testing.T) {
	example, err := os.ReadFile("../../inference/detect/example_test.go")
	require.NoError(t, err)
	unindent := func(s string) string {
		return regexp.MustCompile(`(?m)^\s+`).ReplaceAllString(s, "")
	}
	for _, snippet := range blocks(t, "README.md", "go") {
		require.Contains(t, unindent(string(example)), unindent(snippet))
	}
}

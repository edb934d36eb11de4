package main

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// Every command in the pages of docs runs, in a copy of testdata/docs, and prints what the page shows. With UPDATE_DOCS set the
// pages are written anew.
func TestDocsCommands(t *testing.T) {
	root, err := filepath.Abs("../..")
	require.NoError(t, err)
	for _, page := range []string{"old-pickle.md", "libsvm.md", "endpoint-differs.md"} {
		t.Run(page, func(t *testing.T) {
			text, err := os.ReadFile(filepath.Join(root, "docs", page))
			require.NoError(t, err)
			t.Chdir(t.TempDir())
			require.NoError(t, os.CopyFS(".", os.DirFS(filepath.Join(root, "testdata/docs"))))
			ran := 0
			got := block.ReplaceAllStringFunc(string(text), func(fenced string) string {
				if !strings.HasPrefix(fenced, "```console\n") {
					return fenced
				}
				out := "```console\n"
				for line := range strings.Lines(fenced) {
					args, isCommand := strings.CutPrefix(line, "$ threatdetect ")
					if isCommand {
						out += line + printed(t, strings.Fields(args))
						ran++
					}
				}
				return out + "```"
			})
			require.NotZero(t, ran)
			if os.Getenv("UPDATE_DOCS") != "" {
				require.NoError(t, os.WriteFile(filepath.Join(root, "docs", page), []byte(got), 0o644))
				return
			}
			require.Equal(t, string(text), got)
		})
	}
}

// printed is what a command prints, errors last.
func printed(t *testing.T, args []string) string {
	t.Helper()
	var stdout, stderr bytes.Buffer
	a := &app{stdin: io.NopCloser(strings.NewReader("")), stdout: &stdout, stderr: &stderr, interrupt: make(chan struct{})}
	a.run(args)
	return stdout.String() + stderr.String()
}

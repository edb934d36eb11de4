package train

import (
	"archive/zip"
	"bytes"
	"io"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// The versions and digests that the function is built of are those of this module.
func TestFunctionModule(t *testing.T) {
	ours, err := os.ReadFile("../go.sum")
	require.NoError(t, err)
	pinned, err := os.ReadFile("lambda/go.sum.txt")
	require.NoError(t, err)
	for line := range strings.Lines(string(pinned)) {
		if !strings.HasPrefix(line, "github.com/aws/") {
			continue // what only tests of these modules want, whose releases differ with what else a module has
		}
		require.Contains(t, string(ours), line)
	}
	module, err := os.ReadFile("../go.mod")
	require.NoError(t, err)
	for line := range strings.Lines(readText(t, "lambda/go.mod.txt")) {
		if name, _, ok := strings.Cut(strings.TrimSpace(line), " v"); ok && strings.HasPrefix(name, "github.com/") {
			require.Contains(t, string(module), strings.TrimSuffix(strings.TrimSpace(line), " // indirect"))
		}
	}
}

func readText(t *testing.T, name string) string {
	b, err := os.ReadFile(name)
	require.NoError(t, err)
	return string(b)
}

// The source of the function, as it is embedded, is laid out as a module of its own.
func TestFunctionSource(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, writeSource(dir))
	for _, name := range []string{"go.mod", "go.sum", "train/lambda/main.go", "train/lambda/service.go", "train/trigger/handler.go"} {
		require.FileExists(t, dir+"/src/"+name)
	}
	require.Equal(t, readText(t, "lambda/go.mod.txt"), readText(t, dir+"/src/go.mod"))
}

func TestZip(t *testing.T) {
	packed, err := zipBootstrap([]byte("program"))
	require.NoError(t, err)
	again, err := zipBootstrap([]byte("program"))
	require.NoError(t, err)
	require.Equal(t, packed, again)
	r, err := zip.NewReader(bytes.NewReader(packed), int64(len(packed)))
	require.NoError(t, err)
	require.Len(t, r.File, 1)
	require.Equal(t, "-rwxr-xr-x", r.File[0].Mode().String())
	f, err := r.File[0].Open()
	require.NoError(t, err)
	text, err := io.ReadAll(f)
	require.NoError(t, err)
	require.Equal(t, "program", string(text))

	p, err := OpenFunction(packed, "")
	require.NoError(t, err)
	require.Equal(t, "arm64", p.Arch)
	_, err = OpenFunction(packed, "sparc")
	require.ErrorIs(t, err, ErrStack)
	_, err = OpenFunction([]byte("no zip"), "")
	require.ErrorIs(t, err, ErrStack)
}

package deptest

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// embeddedSize is what a program that only scores rows may weigh, stripped, in bytes.
const embeddedSize = 4_000_000

func TestEmbeddedProgramIsSmall(t *testing.T) {
	program := filepath.Join(t.TempDir(), "embedded")
	build := exec.CommandContext(t.Context(), "go", "build", "-trimpath", "-ldflags=-s -w", "-o", program, "./testdata/embedded")
	build.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux", "GOARCH=amd64")
	text, err := build.CombinedOutput()
	require.NoError(t, err, "%s", text)
	info, err := os.Stat(program)
	require.NoError(t, err)
	require.Less(t, info.Size(), int64(embeddedSize))
	t.Logf("%d bytes", info.Size())
}

func TestNoAWSBelow(t *testing.T) {
	list := exec.CommandContext(t.Context(), "go", "list", "-deps", "threatdetect/inference", "threatdetect/features", "threatdetect/model", "threatdetect/inference/detect")
	text, err := list.Output()
	require.NoError(t, err)
	for pkg := range strings.FieldsSeq(string(text)) {
		require.NotContains(t, pkg, "aws")
		require.NotContains(t, pkg, "smithy")
		require.NotEqual(t, "net/http", pkg)
	}
}

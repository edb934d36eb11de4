package pickle

import (
	"go/build"
	"go/parser"
	"go/token"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// What the package may import itself: arithmetic and text.
var permitted = []string{"errors", "math", "math/bits", "strconv", "strings", "unicode/utf16", "unicode/utf8"}

// What must not even be in reach: anything that runs, reads, fetches, loads, or finds code by its name.
var forbidden = []string{"reflect", "os", "os/exec", "io/fs", "io/ioutil", "net", "net/http", "plugin", "syscall", "internal/syscall/unix", "internal/poll"}

func TestImports(t *testing.T) {
	files, err := filepath.Glob("*.go")
	require.NoError(t, err)
	direct := map[string]bool{}
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ImportsOnly)
		require.NoError(t, err)
		for _, spec := range file.Imports {
			imported, err := strconv.Unquote(spec.Path.Value)
			require.NoError(t, err)
			require.Contains(t, permitted, imported, "%s imports it", name)
			direct[imported] = true
		}
	}
	require.NotEmpty(t, direct)

	seen := map[string]bool{}
	var visit func(imported, from string)
	visit = func(imported, from string) {
		require.NotContains(t, forbidden, imported, "in reach through %s", from)
		if seen[imported] || imported == "unsafe" || imported == "C" {
			return
		}
		seen[imported] = true
		pkg, err := build.Import(imported, "", 0)
		require.NoError(t, err)
		for _, next := range pkg.Imports {
			visit(next, imported)
		}
	}
	for imported := range direct {
		visit(imported, "this package")
	}
	require.Greater(t, len(seen), len(direct))
}

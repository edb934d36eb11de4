// Package tarball reads archives of test files into memory.
package tarball

import (
	"archive/tar"
	"compress/gzip"
	"errors"
	"io"
	"os"
	"testing"

	"github.com/stretchr/testify/require"
)

// Read returns the files of the gzip-compressed tar archive at path by their names.
func Read(t testing.TB, path string) map[string][]byte {
	t.Helper()
	f, err := os.Open(path)
	require.NoError(t, err)
	defer f.Close() // only read from
	z, err := gzip.NewReader(f)
	require.NoError(t, err)
	files := map[string][]byte{}
	for r := tar.NewReader(z); ; {
		member, err := r.Next()
		if errors.Is(err, io.EOF) {
			require.NotEmpty(t, files)
			return files
		}
		require.NoError(t, err)
		files[member.Name], err = io.ReadAll(r)
		require.NoError(t, err)
	}
}

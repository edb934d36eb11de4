// Package tarball reads archives of test files into memory, and makes them.
package tarball

import (
	"archive/tar"
	"bytes"
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

// Of returns a gzip-compressed tar archive of one file.
func Of(t testing.TB, name string, data []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	w := tar.NewWriter(z)
	require.NoError(t, w.WriteHeader(&tar.Header{Name: name, Mode: 0o600, Size: int64(len(data))}))
	_, err := w.Write(data)
	require.NoError(t, errors.Join(err, w.Close(), z.Close()))
	return b.Bytes()
}

package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/klauspost/compress/zstd"
	"github.com/stretchr/testify/require"
)

// TestZstd compresses a model, a bundle, rows and a log: every command takes them as it takes the plain ones.
func TestZstd(t *testing.T) {
	root, err := filepath.Abs("../..")
	require.NoError(t, err)
	t.Chdir(t.TempDir())
	pack := func(path, name string) {
		data, err := os.ReadFile(filepath.Join(root, path))
		require.NoError(t, err)
		enc, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedBestCompression))
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(name, data, 0o644))
		require.NoError(t, os.WriteFile(name+".zst", enc.EncodeAll(data, nil), 0o644))
	}
	pack("testdata/demo/model.tar.gz", "bundle")
	pack("testdata/demo/conn.log", "log")
	require.NoError(t, os.Remove("bundle.zst")) // gzip inside zstd is one layer too many
	printed(t, []string{"convert", "--quiet", "--to", "json", "-o", "model", "bundle"})
	printed(t, []string{"features", "--quiet", "--set", "flow-portable/1", "-o", "rows", "log"})
	model, err := filepath.Abs("model")
	require.NoError(t, err)
	rows, err := filepath.Abs("rows")
	require.NoError(t, err)
	root = "/"
	pack(model, "model")
	pack(rows, "rows")

	for _, args := range [][]string{
		{"predict", "--quiet", "--model", "model", "rows"},
		{"inspect", "--tree", "3", "model"},
		{"convert", "--quiet", "--to", "ubj", "model"},
		{"score", "--quiet", "--bundle", "bundle", "log"},
	} {
		want := printed(t, args)
		require.NotContains(t, want, "threatdetect "+args[0]+":")
		for i, arg := range args {
			if arg == "model" || arg == "rows" || arg == "log" {
				args[i] = arg + ".zst"
			}
		}
		require.Equal(t, want, printed(t, args), args)
	}
	require.Contains(t, printed(t, []string{"inspect", "--json", "model.zst"}), `"format":"json"`)

	data, err := os.ReadFile("model.zst")
	require.NoError(t, err)
	require.NoError(t, os.WriteFile("cut.zst", data[:len(data)/2], 0o644))
	require.Contains(t, printed(t, []string{"predict", "--model", "cut.zst", "rows"}), "cut short")
}

package main

import (
	"archive/tar"
	"compress/gzip"
	"io"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestPredictWrapper scores rows with a pickled XGBClassifier(missing=-999), which takes that for missing wherever nothing else is said.
func TestPredictWrapper(t *testing.T) {
	file, err := os.Open("../../testdata/pickle/1.7.6.tar.gz")
	require.NoError(t, err)
	defer file.Close()
	z, err := gzip.NewReader(file)
	require.NoError(t, err)
	var pickle []byte
	for archive := tar.NewReader(z); pickle == nil; {
		h, err := archive.Next()
		require.NoError(t, err)
		if strings.HasSuffix(h.Name, "classifier-p4.pkl") {
			pickle, err = io.ReadAll(archive)
			require.NoError(t, err)
		}
	}
	t.Chdir(t.TempDir())
	require.NoError(t, os.WriteFile("wrapper.pkl", pickle, 0o644))
	rows := func(missing string) string {
		var text strings.Builder
		for i := range 16 { // which columns a row lacks
			for column := range 4 {
				if column > 0 {
					text.WriteByte(',')
				}
				if i>>column&1 == 1 {
					text.WriteString(missing)
				} else {
					text.WriteString("0.5")
				}
			}
			text.WriteByte('\n')
		}
		return text.String()
	}
	require.NoError(t, os.WriteFile("empty.csv", []byte(rows("")), 0o644))
	require.NoError(t, os.WriteFile("number.csv", []byte(rows("-999")), 0o644))
	predict := func(args ...string) string {
		return printed(t, append([]string{"predict", "--quiet", "--kind", "margin", "--model", "wrapper.pkl"}, args...))
	}
	want := predict("empty.csv")
	require.Equal(t, 16, strings.Count(want, "\n"), "%s", want)
	require.Equal(t, want, predict("number.csv"))
	require.NotEqual(t, want, predict("--missing", "nan", "number.csv"))
	require.NotEqual(t, want, predict("--missing", "0", "number.csv"))
}

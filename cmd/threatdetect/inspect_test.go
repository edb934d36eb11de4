package main

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestInspectWarns looks at models that something is odd about.
func TestInspectWarns(t *testing.T) {
	root, err := filepath.Abs("../..")
	require.NoError(t, err)
	const zeros, names = "no zeros, as with LIBSVM data", "no feature names"
	libsvm := printed(t, []string{"inspect", filepath.Join(root, "testdata/docs/libsvm.json")})
	require.Contains(t, libsvm, zeros)
	require.Contains(t, libsvm, names)
	pickle := printed(t, []string{"inspect", filepath.Join(root, "testdata/docs/old.tar.gz")})
	require.NotContains(t, pickle, zeros)
	require.NotContains(t, pickle, names)

	// An objective that is not known can be looked at, and nothing else.
	t.Chdir(t.TempDir())
	text, err := os.ReadFile(filepath.Join(root, "testdata/docs/libsvm.json"))
	require.NoError(t, err)
	other := bytes.Replace(text, []byte(`"binary:logistic"`), []byte(`"binary:probable"`), 1)
	require.NotEqual(t, text, other)
	require.NoError(t, os.WriteFile("other.json", other, 0o644))
	report := printed(t, []string{"inspect", "other.json"})
	require.Contains(t, report, "objective   binary:probable")
	require.Contains(t, report, `unknown objective "binary:probable"`)
	require.Contains(t, printed(t, []string{"inspect", "--json", "other.json"}), `"objective":"binary:probable"`)
	for _, command := range [][]string{{"predict", "--model"}, {"convert", "--to", "json"}} {
		require.Contains(t, printed(t, append(command, "other.json")), `objective "binary:probable" is not supported`)
	}
}

// TestInspectCategories asks whether a model has splits on categories.
func TestInspectCategories(t *testing.T) {
	const golden = "../../testdata/golden/3.2.0/"
	for _, name := range []string{"categorical-onehot.json.gz", "categorical-partition.ubj.gz"} {
		require.Contains(t, printed(t, []string{"inspect", "--json", golden + name}), `"categorical":true,`)
	}
	require.Contains(t, printed(t, []string{"inspect", "--json", golden + "forest.ubj.gz"}), `"categorical":false,`)
}

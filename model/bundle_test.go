package model

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func writeBundle(t testing.TB, b *Bundle) []byte {
	t.Helper()
	var out bytes.Buffer
	require.NoError(t, WriteBundle(&out, b))
	return out.Bytes()
}

func TestBundleRoundTrip(t *testing.T) {
	for name, artifact := range forms(tiny()) {
		for _, b := range []*Bundle{
			{Artifact: artifact},
			{Artifact: artifact, Contract: []byte(`{"set":"flow-portable/1"}`), Card: []byte("# A model\n")},
			{Artifact: artifact, ArtifactName: "model.bin", Contract: []byte{}},
		} {
			file := writeBundle(t, b)
			require.Equal(t, file, writeBundle(t, b), "equal bundles give equal bytes")
			path := filepath.Join(t.TempDir(), "model.tar.gz")
			require.NoError(t, os.WriteFile(path, file, 0o600))
			got, err := OpenBundle(path, nil)
			require.NoError(t, err, name)
			require.Equal(t, b.Artifact, got.Artifact)
			require.Equal(t, string(b.Contract), string(got.Contract))
			require.Equal(t, b.Contract == nil, got.Contract == nil)
			require.Equal(t, b.Card, got.Card)
			require.Equal(t, digestOf(file).SHA256, got.Digest)
			require.Equal(t, data(tiny()), data(got.Booster))
			require.Equal(t, file, writeBundle(t, got))
		}
	}
}

// SageMaker's container loads every file at the top of an archive.
func TestBundleHasOneFileAtTheTop(t *testing.T) {
	file := writeBundle(t, &Bundle{Artifact: toLegacy(tiny()), Contract: []byte("{}"), Card: []byte("x")})
	z, err := gzip.NewReader(bytes.NewReader(file))
	require.NoError(t, err)
	require.Empty(t, z.Name)
	require.True(t, z.ModTime.IsZero())
	var names []string
	for r := tar.NewReader(z); ; {
		h, err := r.Next()
		if err == io.EOF {
			break
		}
		require.NoError(t, err)
		require.EqualValues(t, 0, h.ModTime.Unix())
		require.EqualValues(t, 0o644, h.Mode)
		names = append(names, h.Name)
	}
	require.Equal(t, []string{"xgboost-model", "threatdetect/contract.json", "threatdetect/card.md", "threatdetect/manifest.json"}, names)
}

func TestWriteBundleRefuses(t *testing.T) {
	good := toLegacy(tiny())
	for name, b := range map[string]*Bundle{
		"no artifact": {}, "compressed": {Artifact: zip(good)}, "archive": {Artifact: tarOf(t, entry{name: "x"})},
		"directory": {Artifact: good, ArtifactName: "a/b"}, "dot": {Artifact: good, ArtifactName: ".model"},
		"traversal": {Artifact: good, ArtifactName: ".."}, "absolute": {Artifact: good, ArtifactName: "/x"},
		"not shortest": {Artifact: good, ArtifactName: "./x"},
	} {
		require.ErrorIs(t, WriteBundle(io.Discard, b), ErrFormat, name)
	}
	require.ErrorIs(t, WriteBundle(io.Discard, &Bundle{Artifact: good, Contract: make([]byte, maxBundleFile+1)}), ErrTooLarge)
	require.ErrorIs(t, WriteBundle(brokenWriter{}, &Bundle{Artifact: good}), errBroken)
}

var errBroken = errors.New("broken pipe")

type brokenWriter struct{}

func (brokenWriter) Write([]byte) (int, error) { return 0, errBroken }

func TestManifest(t *testing.T) {
	model := toLegacy(tiny())
	d := digestOf(model)
	line := func(name, sum string, size int64) string {
		return fmt.Sprintf(`{"files":{%q:{"sha256":%q,"size":%d}},"version":1}`, name, sum, size)
	}
	for name, c := range map[string]struct {
		manifest string
		extra    []entry
		kind     error
	}{
		"right":          {manifest: line("xgboost-model", d.SHA256, d.Size)},
		"wrong digest":   {manifest: line("xgboost-model", digestOf(nil).SHA256, d.Size), kind: ErrFormat},
		"wrong size":     {manifest: line("xgboost-model", d.SHA256, d.Size+1), kind: ErrFormat},
		"absent":         {manifest: line("xgboost-model-7", d.SHA256, d.Size), kind: ErrFormat},
		"unnamed model":  {manifest: `{"files":{},"version":1}`, kind: ErrFormat},
		"unnamed part":   {manifest: line("xgboost-model", d.SHA256, d.Size), extra: []entry{{name: contractName, body: "{}"}}, kind: ErrFormat},
		"unnamed others": {manifest: line("xgboost-model", d.SHA256, d.Size), extra: []entry{{name: "code/x.py", body: "x"}, {name: ".x"}}},
		"not JSON":       {manifest: "{", kind: ErrFormat},
		"future":         {manifest: `{"version":2}`, kind: ErrUnsupported},
	} {
		t.Run(name, func(t *testing.T) {
			entries := append([]entry{{name: "xgboost-model", body: string(model)}, {name: manifestName, body: c.manifest}}, c.extra...)
			_, err := Load(bytes.NewReader(zip(tarOf(t, entries...))), nil)
			if c.kind == nil {
				require.NoError(t, err)
				return
			}
			require.ErrorIs(t, err, c.kind)
			var p *ParseError
			require.ErrorAs(t, err, &p)
			require.Equal(t, manifestName, p.Path)
		})
	}
	// a bundle of which a single bit of the model was changed and packed again
	file := writeBundle(t, &Bundle{Artifact: model})
	z, err := gzip.NewReader(bytes.NewReader(file))
	require.NoError(t, err)
	plain, err := io.ReadAll(z)
	require.NoError(t, err)
	plain[512+4] ^= 1 // in the base score
	_, err = Load(bytes.NewReader(zip(plain)), nil)
	require.ErrorIs(t, err, ErrFormat)
}

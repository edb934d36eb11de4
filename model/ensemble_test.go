package model

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// fold is a model that can be told from the others by its base score.
func fold(i int) []byte {
	b := tiny()
	b.BaseScore[0] = 1 / float32(i+2)
	return toLegacy(b)
}

func TestEnsembles(t *testing.T) {
	const n = 12 // so that the order of the numbers is not that of the names
	var entries []entry
	dir := t.TempDir()
	write := func(name string, data []byte) {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), data, 0o600))
	}
	for i := n - 1; i >= 0; i-- {
		name, body := fmt.Sprint("xgboost-model-", i), fold(i)
		if i%3 == 0 {
			body = zip(body)
		}
		write(name, body)
		entries = append(entries, entry{name: "./" + name, body: string(fold(i))}, entry{name: fmt.Sprint("other", i), body: "x"})
	}
	write(".hidden", []byte("x"))
	archive := zip(tarOf(t, entries...))
	fromArchive, err := LoadAll(bytes.NewReader(archive), nil)
	require.NoError(t, err)
	fromDirectory, err := OpenAll(dir, nil)
	require.NoError(t, err)
	for _, all := range [][]*Booster{fromArchive, fromDirectory} {
		require.Len(t, all, n)
		for i, b := range all {
			require.Equal(t, 1/float32(i+2), b.BaseScore[0])
		}
	}
	require.Equal(t, digestOf(archive).SHA256, fromArchive[3].Digest)
	require.Equal(t, digestOf(zip(fold(3))).SHA256, fromDirectory[3].Digest)

	for _, path := range []string{dir, filepath.Join(t.TempDir(), "model.tar.gz")} {
		if path != dir {
			require.NoError(t, os.WriteFile(path, archive, 0o600))
		}
		_, err = Open(path, nil)
		var ensemble *EnsembleError
		require.ErrorAs(t, err, &ensemble)
		require.ErrorIs(t, err, ErrUnsupported)
		require.Len(t, ensemble.Members, n)
		require.Equal(t, "xgboost-model-10", ensemble.Members[10])
		require.ErrorContains(t, err, "an ensemble of 12 models")
		b, err := OpenBundle(path, &LoadOptions{AllowEnsemble: true})
		require.NoError(t, err)
		require.Len(t, b.Members, n)
		require.Equal(t, b.Members[0].Booster, b.Booster)
		require.Equal(t, "xgboost-model-11", b.Members[11].Name)
		require.Equal(t, fold(11), b.Members[11].Artifact)

		// written and read again
		b.Contract = []byte("{}")
		again, err := LoadBundle(bytes.NewReader(writeBundle(t, b)), &LoadOptions{AllowEnsemble: true})
		require.NoError(t, err)
		require.Len(t, again.Members, n)
		for i := range again.Members {
			require.Equal(t, b.Members[i].Artifact, again.Members[i].Artifact)
		}
	}

	// a single model is an ensemble of one
	one, err := LoadAll(bytes.NewReader(fold(7)), nil)
	require.NoError(t, err)
	require.Len(t, one, 1)

	// the limit holds for all together
	_, err = LoadAll(bytes.NewReader(archive), &LoadOptions{MaxBytes: int64(5 * len(fold(0)))})
	require.ErrorIs(t, err, ErrTooLarge)
	_, err = OpenAll(dir, &LoadOptions{MaxBytes: int64(5 * len(fold(0)))})
	require.ErrorIs(t, err, ErrTooLarge)

	// a broken member is named
	write("xgboost-model-5", []byte("x"))
	_, err = OpenAll(dir, nil)
	var p *ParseError
	require.ErrorAs(t, err, &p)
	require.Equal(t, filepath.Join(dir, "xgboost-model-5"), p.Source)
	entries[0].body = "x"
	_, err = LoadAll(bytes.NewReader(tarOf(t, entries...)), nil)
	require.ErrorAs(t, err, &p)
	require.Equal(t, "xgboost-model-11", p.Source)
}

func TestMembersAreOrderedByNumber(t *testing.T) {
	c := candidates{named: []string{"xgboost-model-10", "xgboost-model-9", "xgboost-model-0", "xgboost-model", "xgboost-model-007", "xgboost-model-7",
		"xgboost-model-123456789012345678901234567890"}}
	names, err := c.choose(&LoadOptions{AllowEnsemble: true})
	require.NoError(t, err)
	require.Equal(t, []string{"xgboost-model", "xgboost-model-0", "xgboost-model-7", "xgboost-model-007", "xgboost-model-9", "xgboost-model-10",
		"xgboost-model-123456789012345678901234567890"}, names)
}

func TestWriteBundleRefusesEnsembles(t *testing.T) {
	good := fold(0)
	for name, members := range map[string][]Member{
		"other names": {{Name: "xgboost-model-0", Artifact: good}, {Name: "b", Artifact: good}},
		"twice":       {{Name: "xgboost-model-0", Artifact: good}, {Name: "xgboost-model-0", Artifact: good}},
		"empty":       {{Name: "xgboost-model-0", Artifact: good}, {Name: "xgboost-model-1"}},
	} {
		require.ErrorIs(t, WriteBundle(&bytes.Buffer{}, &Bundle{Members: members}), ErrFormat, name)
	}
}

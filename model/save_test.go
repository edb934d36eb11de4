package model

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// goldenModels calls f for every model file of real releases in testdata.
func goldenModels(t testing.TB, f func(name string, data []byte)) {
	t.Helper()
	var files []string
	for _, ext := range []string{"json", "ubj", "bin"} {
		found, err := filepath.Glob("../testdata/golden/*/*." + ext + ".gz")
		require.NoError(t, err)
		files = append(files, found...)
	}
	require.Greater(t, len(files), 250)
	for _, file := range files {
		packed, err := os.ReadFile(file)
		require.NoError(t, err)
		z, err := gzip.NewReader(bytes.NewReader(packed))
		require.NoError(t, err)
		data, err := io.ReadAll(z)
		require.NoError(t, err)
		name, _ := filepath.Rel("../testdata/golden", strings.TrimSuffix(file, ".gz"))
		f(filepath.ToSlash(name), data)
	}
}

// What XGBoost's own files have and a Booster does not: whether training estimated the base score, and the parents of deleted nodes.
var parents = regexp.MustCompile(`"parents":\[[^\]]*\]`)

// TestSaveEqualsXGBoost writes models of real releases for those releases: the bytes must be those that XGBoost wrote.
func TestSaveEqualsXGBoost(t *testing.T) {
	equal := 0
	goldenModels(t, func(name string, data []byte) {
		b, err := Load(bytes.NewReader(data), nil)
		require.NoError(t, err, name)
		if b.Format == FormatLegacy || b.Version.Before(1, 4) { // 1.3 writes no feature names
			return
		}
		var out bytes.Buffer
		require.NoError(t, Save(&out, b, &SaveOptions{Format: b.Format, Target: b.Version}), name)
		got, want := out.Bytes(), data
		if b.Format == FormatUBJSON {
			for i := range b.Trees {
				if b.Trees[i].NumDeleted > 0 {
					require.Len(t, got, len(want), name)
					return
				}
			}
			key := []byte("boost_from_averageSL\x00\x00\x00\x00\x00\x00\x00\x01")
			if i := bytes.Index(want, key); i >= 0 {
				want[i+len(key)] = '0'
			}
		} else {
			want = bytes.Replace(want, []byte(`"boost_from_average":"1"`), []byte(`"boost_from_average":"0"`), 1)
			for i := range b.Trees {
				if b.Trees[i].NumDeleted > 0 {
					got, want = parents.ReplaceAll(got, nil), parents.ReplaceAll(want, nil)
					break
				}
			}
		}
		i := 0
		for i < min(len(got), len(want)) && got[i] == want[i] {
			i++
		}
		if i < max(len(got), len(want)) {
			t.Errorf("%s: differs at byte %d: %.80q, XGBoost has %.80q", name, i, got[max(0, i-40):], want[max(0, i-40):])
			return
		}
		equal++
	})
	require.Greater(t, equal, 120)
}

// TestSaveRoundTrip writes every model of real releases for all releases and reads it back.
func TestSaveRoundTrip(t *testing.T) {
	refused := 0
	goldenModels(t, func(name string, data []byte) {
		b, err := Load(bytes.NewReader(data), nil)
		require.NoError(t, err, name)
		for _, format := range []Format{FormatJSON, FormatUBJSON} {
			var first, second bytes.Buffer
			err := Save(&first, b, &SaveOptions{Format: format})
			if err != nil {
				require.ErrorIs(t, err, ErrUnsupported, name)
				require.True(t, b.Version.Before(1, 6), "%s: %v", name, err)
				require.Zero(t, first.Len())
				refused++
				continue
			}
			again, err := Load(bytes.NewReader(first.Bytes()), nil)
			require.NoError(t, err, name)
			require.NoError(t, Save(&second, again, &SaveOptions{Format: format}), name)
			require.Equal(t, first.Bytes(), second.Bytes(), name)
			require.Equal(t, comparable(t, b), comparable(t, again), name)
		}
	})
	require.Positive(t, refused, "models of 1.0 with a base margin that is not 0")
}

// comparable writes what a round trip has to keep: all but where the booster came from and how the base score is spelt.
func comparable(t testing.TB, b *Booster) string {
	other := *b
	other.Format, other.Digest, other.Version = "", "", Version{}
	other.BaseIsMargin, other.BaseScore = false, nil
	other.Params = maps.Clone(b.Params)
	delete(other.Params, "num_class") // NumClass again, which files from before 1.0 do not have
	other.Trees = slices.Clone(b.Trees)
	for i := range other.Trees {
		t := &other.Trees[i]
		if t.LossChange == nil {
			t.LossChange, t.SumHessian = make([]float32, t.NumNode()), make([]float32, t.NumNode())
		}
	}
	return fmt.Sprintf("%+v %v", other, b.baseMargins()[0])
}

// FuzzSaveRoundTrip writes whatever can be read, and reads it back.
func FuzzSaveRoundTrip(f *testing.F) {
	for _, b := range seeds() {
		f.Add(toJSON(documentOf(b)), uint8(7))
		f.Add(toUBJSON(documentOf(b), true), uint8(0))
	}
	targets := []Version{{}, {}, {1, 5, 0}, {1, 7, 0}, {2, 1, 0}, {3, 2, 0}, {3, 3, 0}, {3, 4, 0}}
	f.Fuzz(func(t *testing.T, file []byte, choice uint8) {
		b, err := Load(bytes.NewReader(file), &LoadOptions{MaxNodes: 1 << 12, AllowNonAdjacent: true, AllowNonFinite: true})
		if err != nil {
			return
		}
		opts := &SaveOptions{Format: FormatJSON, Target: targets[choice&7], AllowOtherBits: choice&8 != 0, BaseAsTree: choice&16 != 0}
		if choice&32 != 0 {
			opts.Format = FormatUBJSON
		}
		var out, twice bytes.Buffer
		if err := Save(&out, b, opts); err != nil {
			require.ErrorIs(t, err, ErrUnsupported)
			return
		}
		again, err := Load(bytes.NewReader(out.Bytes()), &LoadOptions{AllowNonAdjacent: true, AllowNonFinite: true})
		require.NoError(t, err)
		require.NoError(t, Save(&twice, again, opts))
		require.Equal(t, out.Bytes(), twice.Bytes())
	})
}

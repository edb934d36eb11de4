package model

import (
	"archive/tar"
	"compress/gzip"
	"io"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// releaseFiles returns the files that one release wrote, by case and extension. testdata/make.py made them.
func releaseFiles(t testing.TB, archive string) map[string]map[string][]byte {
	t.Helper()
	f, err := os.Open(archive)
	require.NoError(t, err)
	defer f.Close()
	z, err := gzip.NewReader(f)
	require.NoError(t, err)
	cases := map[string]map[string][]byte{}
	for r := tar.NewReader(z); ; {
		h, err := r.Next()
		if err == io.EOF {
			return cases
		}
		require.NoError(t, err)
		data, err := io.ReadAll(r)
		require.NoError(t, err)
		ext := path.Ext(h.Name)
		name := strings.TrimSuffix(h.Name, ext)
		if cases[name] == nil {
			cases[name] = map[string][]byte{}
		}
		cases[name][ext] = data
	}
}

func releaseArchives(t testing.TB) []string {
	t.Helper()
	archives, err := filepath.Glob("testdata/releases/*.tar.gz")
	require.NoError(t, err)
	require.NotEmpty(t, archives)
	return archives
}

func TestReleasesAreEqualInAllFormats(t *testing.T) {
	for _, archive := range releaseArchives(t) {
		release := strings.TrimSuffix(filepath.Base(archive), ".tar.gz")
		for name, files := range releaseFiles(t, archive) {
			t.Run(release+"/"+name, func(t *testing.T) {
				var firstExt string
				var want Booster
				for _, ext := range []string{".bin", ".json", ".ubj"} {
					file, ok := files[ext]
					if !ok {
						continue
					}
					b := load(t, file, nil)
					require.Equal(t, Format(map[string]string{".bin": "legacy-binary", ".json": "json", ".ubj": "ubjson"}[ext]), b.Format)
					require.Equal(t, strings.HasPrefix(release, "0."), !b.Version.Known())
					if _, minor, _ := strings.Cut(release, "."); b.Version.Known() {
						require.Equal(t, int(minor[0]-'0'), b.Version[1])
					}
					checkCase(t, name, b)
					b.LinearRounds = 0 // not in the legacy form
					if firstExt == "" {
						firstExt, want = ext, data(b)
						continue
					}
					got := data(b)
					sameNaN(want.Trees, got.Trees)
					require.Equal(t, want, got, "%s and %s", firstExt, ext)
				}
			})
		}
	}
}

// sameNaN makes NaN thresholds, which categorical splits have up to 2.1, equal in both.
func sameNaN(a, b []Tree) {
	for i := range min(len(a), len(b)) {
		for n := range min(len(a[i].Value), len(b[i].Value)) {
			if v, w := a[i].Value[n], b[i].Value[n]; v != v && w != w {
				a[i].Value[n], b[i].Value[n] = 0, 0
			}
		}
	}
}

// checkCase checks what the name of a case promises.
func checkCase(t *testing.T, name string, b *Booster) {
	t.Helper()
	kind := "gbtree"
	switch {
	case strings.Contains(name, "dart"):
		kind = "dart"
	case strings.Contains(name, "gblinear"):
		kind = "gblinear"
	}
	if name == "dart-untrained" && !b.Version.Before(3, 3) {
		kind = "gbtree" // nothing in the file tells
	}
	require.Equal(t, kind, b.Kind)
	rounds := 3
	switch {
	case strings.Contains(name, "untrained"):
		rounds = 0
	case name == "names":
		rounds = 2
	}
	if kind != "gblinear" || b.Format != FormatLegacy && !b.Version.Before(1, 5) {
		if name != "forest" || !b.Version.Before(1, 6) {
			require.Equal(t, rounds, b.NumRound())
		}
	}
	require.Equal(t, kind == "dart" && rounds > 0, b.TreeWeight != nil)
	require.Equal(t, kind == "gblinear" && rounds > 0, len(b.Linear) > 0)
	if strings.HasPrefix(name, "vector") || name == "dart-vector" {
		for _, tree := range b.Trees {
			require.Equal(t, 3, tree.LeafSize)
			require.Equal(t, b.Version.Before(3, 2), tree.SumHessian == nil)
		}
	}
	if strings.Contains(name, "categories") && name != "vector-categories" { // which 2.0 and 2.1 split like numbers
		require.True(t, slices.ContainsFunc(b.Trees, func(t Tree) bool { return len(t.CategoryNodes) > 0 }))
		require.Equal(t, name == "categories-named" && !b.Version.Before(3, 1), b.Categories != nil)
	}
	switch name {
	case "names":
		for key, value := range map[string]string{"best_iteration": "1", "note": "café \"quoted\"\n", "empty": ""} {
			require.Equal(t, value, b.Attributes[key])
		}
		if b.Format != FormatLegacy && !b.Version.Before(1, 4) {
			require.Equal(t, []string{"a", "b c", "d\"e", "é"}, b.FeatureNames)
			require.Equal(t, []string{"q", "int", "float", "q"}, b.FeatureTypes)
		}
	case "categories-named":
		if b.Categories != nil {
			require.Len(t, b.Categories, 3)
			names := []string{"blå", "green", "red"}
			if b.Version.Before(3, 4) { // characters are taken for bytes
				names = []string{"bl\xc3", "\xa5gree", "nre"}
			}
			require.Equal(t, names, b.Categories[0].Names)
			require.Equal(t, 15, b.Categories[1].Kind)
			require.EqualValues(t, -7, b.Categories[1].Ints[0])
			require.Equal(t, CategoryList{}, b.Categories[2])
		}
	case "forest", "forest-softprob":
		if name != "forest" || !b.Version.Before(1, 6) {
			require.Equal(t, 4, b.NumParallelTree)
		}
	case "quantiles":
		require.Equal(t, 3, b.NumGroup())
		require.Contains(t, b.Params, "quantile_alpha")
	case "expectiles":
		require.Contains(t, b.Params, "expectile_alpha")
	case "poisson", "poisson-step":
		require.Contains(t, b.Params, "max_delta_step")
	case "tweedie":
		if !b.Version.Known() {
			return // the file does not have it
		}
		require.Contains(t, b.Params["tweedie_variance_power"], "1.2")
	}
}

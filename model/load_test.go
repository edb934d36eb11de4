package model

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"
)

const shared = "../../shared/data/"

// sharedFile returns the path of one of the project's real models, which are not part of the module.
func sharedFile(t testing.TB, name string) string {
	t.Helper()
	path := filepath.Join(shared, name)
	if _, err := os.Stat(path); err != nil {
		t.Skipf("the real models are not there: %v", err)
	}
	return path
}

// data returns what all formats of a model have in common.
func data(b *Booster) Booster {
	c := *b
	c.Format, c.Digest, c.FeatureNames, c.FeatureTypes = "", "", nil, nil
	c.Version[2] = 0 // the legacy form has no patch level
	return c
}

func load(t testing.TB, file []byte, opts *LoadOptions) *Booster {
	t.Helper()
	b, err := Load(bytes.NewReader(file), opts)
	require.NoError(t, err)
	require.NoError(t, b.Validate())
	return b
}

func TestRealModelsAreEqualInAllFormats(t *testing.T) {
	for _, name := range []string{"binary-logistic", "multi-softprob"} {
		t.Run(name, func(t *testing.T) {
			legacy, err := Open(sharedFile(t, "models/"+name+".xgboost-model.bin.gz"), nil)
			require.NoError(t, err)
			require.Equal(t, FormatLegacy, legacy.Format)
			require.Equal(t, Version{1, 7, 0}, legacy.Version)
			for _, c := range []struct {
				ext    string
				format Format
			}{{".json.gz", FormatJSON}, {".ubj.gz", FormatUBJSON}} {
				b, err := Open(sharedFile(t, "models/"+name+c.ext), nil)
				require.NoError(t, err)
				require.Equal(t, c.format, b.Format)
				require.Equal(t, Version{1, 7, 4}, b.Version)
				require.Len(t, b.FeatureNames, b.NumFeature)
				require.Equal(t, data(legacy), data(b))
			}
		})
	}
}

func TestContainerArtifacts(t *testing.T) {
	files, _ := filepath.Glob(filepath.Join(sharedFile(t, "container-replies/models/1.7-1"), "*.tar.gz"))
	require.NotEmpty(t, files)
	for _, path := range files {
		name := strings.TrimSuffix(filepath.Base(path), ".tar.gz")
		bundle, err := OpenBundle(path, nil)
		if strings.HasPrefix(name, "ens-") {
			var ensemble *EnsembleError
			require.ErrorAs(t, err, &ensemble)
			require.Equal(t, []string{"xgboost-model-0", "xgboost-model-1", "xgboost-model-2"}, ensemble.Members)
			all, err := OpenAll(path, nil)
			require.NoError(t, err)
			require.Len(t, all, 3)
			require.NotEqual(t, data(all[0]), data(all[1]))
			continue
		}
		if name == "broken" {
			require.ErrorIs(t, err, ErrFormat)
			continue
		}
		require.NoError(t, err, name)
		member, ok := map[string]string{"json": "model.json", "ubj": "model.ubj"}[name]
		if !ok {
			member = "xgboost-model"
		}
		require.Equal(t, member, bundle.ArtifactName)
		file, err := os.ReadFile(path)
		require.NoError(t, err)
		sum := sha256.Sum256(file)
		require.Equal(t, hex.EncodeToString(sum[:]), bundle.Booster.Digest, name)
		require.Equal(t, name == "beside", bundle.Contract != nil, name)
		require.Equal(t, strings.HasPrefix(name, "pickle"), bundle.Booster.Format == FormatPickle, name)
		if bundle.Booster.Format == FormatPickle {
			require.Equal(t, 6, bundle.Booster.BestNtreeLimit, name)
			require.Equal(t, 6, bundle.Booster.BestRounds, name)
		}
	}
}

// forms are the encodings that there are of a booster.
func forms(b *Booster) map[string][]byte {
	out := map[string][]byte{}
	if b.Version.Known() || !b.BaseIsMargin {
		doc := documentOf(b)
		out["json"], out["ubjson"], out["ubjson untyped"] = toJSON(doc), toUBJSON(doc, true), toUBJSON(doc, false)
	}
	if b.Version.Before(3, 1) && len(b.BaseScore) == 1 && !slices.ContainsFunc(b.Trees, func(t Tree) bool {
		return t.LeafSize > 1 || len(t.CategoryNodes) > 0
	}) && !slices.Contains(b.IterationStart[1:], b.IterationStart[0]) {
		out["legacy"] = toLegacy(b)
	}
	return out
}

func TestVariantsInAllFormats(t *testing.T) {
	for name, want := range variants() {
		for form, file := range forms(want) {
			t.Run(name+"/"+form, func(t *testing.T) {
				b := load(t, file, nil)
				require.Equal(t, data(want), data(b))
			})
		}
	}
}

func TestTinyModelInAllFormats(t *testing.T) {
	want := tiny()
	for name, file := range forms(want) {
		t.Run(name, func(t *testing.T) {
			b := load(t, file, nil)
			require.Equal(t, data(want), data(b))
			require.Equal(t, 8, b.NumNode())
			require.Equal(t, 2, b.MaxDepth())
			require.Equal(t, 2, b.NumRound())
			sum := sha256.Sum256(file)
			require.Equal(t, hex.EncodeToString(sum[:]), b.Digest)

			// a reader that gives one byte at a time, and gzip around it
			slow, err := Load(iotest.OneByteReader(bytes.NewReader(zip(file))), nil)
			require.NoError(t, err)
			require.Equal(t, data(want), data(slow))
		})
	}
}

func zip(file []byte) []byte {
	var out bytes.Buffer
	z := gzip.NewWriter(&out)
	z.Write(file)
	z.Close()
	return out.Bytes()
}

func TestReleases(t *testing.T) {
	for _, v := range []Version{{}, {1, 0, 0}, {1, 2, 0}, {1, 5, 0}, {1, 6, 0}, {3, 0, 0}} {
		b := tiny()
		b.Version = v
		file := toLegacy(b)
		require.Equal(t, !v.Before(1, 1), bytes.HasPrefix(file, []byte("binf")))
		got := load(t, file, nil)
		if b.BaseIsMargin = v == (Version{}); b.BaseIsMargin {
			b.Params = map[string]string{}
		}
		require.Equal(t, data(b), data(got), v)
	}
}

func TestForestSizeIsInferred(t *testing.T) {
	b := tiny()
	b.Version, b.Objective, b.NumClass, b.BaseScore = Version{1, 5, 0}, "multi:softprob", 2, []float32{0.5}
	b.Trees = nil
	for range 8 {
		b.Trees = append(b.Trees, tiny().Trees[1])
	}
	b.TreeGroup = []int32{0, 0, 1, 1, 0, 0, 1, 1}
	got := load(t, toLegacy(b), nil)
	require.Equal(t, 2, got.NumParallelTree)
	require.Equal(t, []int32{0, 4, 8}, got.IterationStart)

	b.Version = Version{} // before 1.0 the outputs are counted elsewhere
	got = load(t, toLegacy(b), nil)
	require.Equal(t, []int32{0, 4, 8}, got.IterationStart)

	// a last round that is not complete keeps its trees
	b.Version, b.Trees, b.TreeGroup = Version{1, 5, 0}, b.Trees[:7], b.TreeGroup[:7]
	require.Equal(t, []int32{0, 4, 7}, load(t, toLegacy(b), nil).IterationStart)
}

func TestAliases(t *testing.T) {
	for alias, name := range map[string]string{
		"reg:linear": "reg:squarederror", "gpu:reg:linear": "reg:squarederror", "gpu:binary:logistic": "binary:logistic",
		"gpu:reg:logistic": "reg:logistic", "gpu:binary:logitraw": "binary:logitraw",
	} {
		b := tiny()
		b.Objective = alias
		for form, file := range forms(b) {
			require.Equal(t, name, load(t, file, nil).Objective, form)
		}
	}
	// the header may have the old name and the attribute the new one
	b := tiny()
	b.Objective = "reg:squarederror"
	file := toLegacy(b)
	name := binary64("reg:squarederror")
	file = bytes.Replace(file, name, binary64("reg:linear"), 1)
	require.Equal(t, "reg:squarederror", load(t, file, nil).Objective)
}

// binary64 is a string of the legacy form.
func binary64(s string) []byte { return append([]byte{byte(len(s)), 0, 0, 0, 0, 0, 0, 0}, s...) }

// A file without a mark begins with its base score, which may look like the mark of another format.
func TestUnmarkedLegacyThatLooksLikeAnotherFormat(t *testing.T) {
	for _, start := range []string{"\x1f\x8b\x19\x3f", "{\"\x00\x3f", "{L\x00\x3f", "binf", "bs64", "\x80\x02\x00\x3f", "c\n\x00\x3f", "[0,1"} {
		b := tiny()
		b.Version, b.Objective, b.Params = Version{1, 0, 0}, "reg:squarederror", map[string]string{}
		file := toLegacy(b)
		copy(file, start)
		require.Equal(t, FormatLegacy, load(t, file, nil).Format, "%q", start)
		require.Equal(t, FormatLegacy, load(t, zip(file), nil).Format, "%q", start)
	}
}

func TestOpenDirectory(t *testing.T) {
	dir := t.TempDir()
	_, err := Open(dir, nil)
	require.ErrorIs(t, err, ErrFormat)
	write := func(name string, data []byte) {
		path := filepath.Join(dir, name)
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o700))
		require.NoError(t, os.WriteFile(path, data, 0o600))
	}
	write(".hidden", []byte("x"))
	write("code/inference.py", []byte("x"))
	write("threatdetect/contract.json", []byte("{}"))
	write("model.json", toJSON(documentOf(tiny())))
	b, err := OpenBundle(dir, nil)
	require.NoError(t, err)
	require.Equal(t, FormatJSON, b.Booster.Format)
	require.Equal(t, []byte("{}"), b.Contract)
	require.Nil(t, b.Card)

	write("threatdetect/card.md", make([]byte, maxBundleFile+1))
	_, err = Open(dir, nil)
	require.ErrorIs(t, err, ErrTooLarge)
	write("threatdetect/card.md", []byte("# card"))

	write("notes.txt", []byte("x"))
	_, err = Open(dir, nil)
	require.ErrorIs(t, err, ErrFormat)
	require.ErrorContains(t, err, `"model.json", "notes.txt"`)

	write("xgboost-model", toLegacy(tiny()))
	b, err = OpenBundle(dir, nil)
	require.NoError(t, err)
	require.Equal(t, FormatLegacy, b.Booster.Format)

	// an unpacked bundle has a manifest; a gzip-compressed model counts as it lies there
	manifest := func(model []byte) []byte {
		return fmt.Appendf(nil, `{"files":{"xgboost-model":{"sha256":%q,"size":%d},"threatdetect/contract.json":{"sha256":%q,"size":2},
			"threatdetect/card.md":{"sha256":%q,"size":6}},"version":1}`,
			digestOf(model).SHA256, len(model), digestOf([]byte("{}")).SHA256, digestOf([]byte("# card")).SHA256)
	}
	for _, model := range [][]byte{toLegacy(tiny()), zip(toLegacy(tiny()))} {
		write("xgboost-model", model)
		write("threatdetect/manifest.json", manifest(model))
		_, err = Open(dir, nil)
		require.NoError(t, err)
		write("threatdetect/manifest.json", manifest(model[1:]))
		_, err = Open(dir, nil)
		require.ErrorIs(t, err, ErrFormat)
	}
	require.NoError(t, os.Remove(filepath.Join(dir, "threatdetect/manifest.json")))

	write("xgboost-model-1", toLegacy(tiny()))
	_, err = Open(dir, nil)
	require.ErrorIs(t, err, ErrUnsupported)

	_, err = Open(filepath.Join(dir, "absent"), nil)
	require.ErrorIs(t, err, os.ErrNotExist)
}

func TestLimits(t *testing.T) {
	b := tiny()
	b.NumClass, b.Objective = 4, "multi:softmax"
	for name, opts := range map[string]LoadOptions{
		"trees": {MaxTrees: 1}, "nodes": {MaxNodes: 7}, "nodes in a tree": {MaxNodesPerTree: 6}, "depth of a tree": {MaxDepth: 1},
		"features": {MaxFeatures: 2}, "output groups": {MaxGroups: 3}, "bytes of a model": {MaxBytes: 100},
	} {
		for form, file := range forms(b) {
			_, err := Load(bytes.NewReader(file), &opts)
			var limit *LimitError
			require.ErrorAs(t, err, &limit, "%s in %s", name, form)
			require.ErrorIs(t, err, ErrTooLarge)
			require.Equal(t, name, limit.Name, form)
			require.Greater(t, limit.Got, limit.Limit)
		}
	}
}

func TestBrokenSourceIsNotABrokenModel(t *testing.T) {
	broken := errors.New("the disk is on fire")
	for name, file := range forms(tiny()) {
		for _, data := range [][]byte{file, zip(file)} {
			_, err := Load(io.MultiReader(bytes.NewReader(data[:len(data)/2]), iotest.ErrReader(broken)), nil)
			require.ErrorIs(t, err, broken, name)
			require.NotErrorIs(t, err, ErrFormat, name)
		}
	}
}

func TestPolicies(t *testing.T) {
	swapped := tiny()
	swapped.Trees[0].Left[0], swapped.Trees[0].Right[0] = 2, 1
	notFinite := tiny()
	notFinite.Trees[1].Value[0] = float32(inf)
	for _, c := range []struct {
		b       *Booster
		opts    LoadOptions
		version Version // that accepts it anyway
	}{
		{swapped, LoadOptions{AllowNonAdjacent: true}, Version{1, 2, 0}},
		{notFinite, LoadOptions{AllowNonFinite: true}, Version{}},
	} {
		for name, file := range forms(c.b) {
			_, err := Load(bytes.NewReader(file), nil)
			require.ErrorIs(t, err, ErrFormat, name)
			load(t, file, &c.opts)
		}
		if c.version.Known() {
			c.b.Version = c.version
			load(t, toLegacy(c.b), nil)
		}
	}
	for name, file := range forms(tiny()) {
		file = append(file, "garbage"...)
		_, err := Load(bytes.NewReader(file), nil)
		var p *ParseError
		require.ErrorAs(t, err, &p, name)
		require.EqualValues(t, len(file)-len("garbage"), p.Offset, name)
		load(t, file, &LoadOptions{AllowTrailing: true})
	}
}

// TestAnyObjective asks for models whose objective nobody knows.
func TestAnyObjective(t *testing.T) {
	m := tiny()
	m.Objective = "binary:probable"
	for _, file := range [][]byte{toLegacy(m), toJSON(documentOf(m)), toUBJSON(documentOf(m), true)} {
		_, err := Load(bytes.NewReader(file), nil)
		require.ErrorIs(t, err, ErrUnsupported)
		b, err := Load(bytes.NewReader(file), &LoadOptions{AnyObjective: true})
		require.NoError(t, err)
		require.Equal(t, "binary:probable", b.Objective)
		require.False(t, b.KnowsObjective())
		require.ErrorIs(t, b.Validate(), ErrUnsupported)
		require.ErrorIs(t, Save(io.Discard, b, nil), ErrUnsupported)
	}
	require.True(t, tiny().KnowsObjective())
}

package serve

import (
	"bytes"
	"crypto/ed25519"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"threatdetect/features"
	"threatdetect/internal/testkit"
	"threatdetect/model"
)

// TestRefused puts models in the place of the one in use that are no good, each in one way: that stays, what is wrong is told and counted, and what was
// refused is not tried again unless somebody asks for it (HOT-2).
func TestRefused(t *testing.T) {
	key := ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize))
	stranger := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{1}, ed25519.SeedSize))
	packed := func(b *model.Bundle, keys ...ed25519.PrivateKey) []byte {
		t.Helper()
		var w bytes.Buffer
		require.NoError(t, model.WriteSignedBundle(&w, b, keys...))
		return w.Bytes()
	}
	open := func(path string) *model.Bundle {
		b, err := model.OpenBundle(path, nil)
		require.NoError(t, err)
		b.Version = 2
		return b
	}
	first := open(demo(t, "model.tar.gz"))
	second := func(change func(b *model.Bundle)) *model.Bundle {
		b := open(filepath.Join(testkit.Root(t), "testdata", "bundles", "iot23-ctu.tar.gz"))
		change(b)
		return b
	}
	contract := func(change func(c *features.Contract)) func(*model.Bundle) {
		return func(b *model.Bundle) {
			c, err := features.ParseContract(b.Contract)
			require.NoError(t, err)
			change(c)
			b.Contract, err = c.Canonical()
			require.NoError(t, err)
		}
	}
	same := func(*model.Bundle) {}
	costly := open(demo(t, "model.tar.gz")).Booster.Cost()

	path := filepath.Join(t.TempDir(), "model.tar.gz")
	put(t, path, packed(first, key))
	live, metrics := &Live{}, NewMetrics()
	var log bytes.Buffer
	r := &Reloader{Live: live, Path: path, Settle: 1, Metrics: metrics, Log: slog.New(slog.NewTextHandler(&log, nil)), Cache: t.TempDir(),
		Load: &model.LoadOptions{Keys: []ed25519.PublicKey{key.Public().(ed25519.PublicKey)}, RequireSignature: true, NotBefore: 1, MaxCost: costly}}
	require.NoError(t, r.Start())
	stays := live.Model()

	for i, bad := range []struct {
		name, problem string
		data          []byte
	}{
		{"no model", "", []byte("no model")},
		{"cut short", "cut short", packed(second(same), key)[:9000]},
		{"no signature", "it is not signed", packed(second(same))},
		{"signed by a stranger", "signature", packed(second(same), stranger)},
		{"an old version", "version", packed(second(func(b *model.Bundle) { b.Version = 0 }), key)},
		{"too costly", "splits that a row meets", packed(second(func(b *model.Bundle) {
			b.Artifact = fileOf(t, testkit.WideBooster(800, 5, b.Booster.NumFeature, 800), model.FormatUBJSON)
		}), key)},
		{"other columns", "columns", packed(open(filepath.Join(testkit.Root(t), "testdata", "container", "1.7-1-logistic.tar.gz")), key)},
		{"no contract", "no contract", packed(second(func(b *model.Bundle) { b.Contract = nil }), key)},
		{"a golden score", "golden[0]", packed(second(contract(func(c *features.Contract) { c.Golden[0].Score += 1e-3 })), key)},
		{"a contract of another model", "made for the model", packed(second(contract(func(c *features.Contract) { c.Training.Model = strings.Repeat("0", 64) })), key)},
		{"columns in another order", "", packed(second(contract(func(c *features.Contract) { c.Columns[0], c.Columns[1] = c.Columns[1], c.Columns[0] })), key)},
	} {
		log.Reset()
		put(t, path, bad.data)
		swapped, err := r.Check(t.Context())
		require.Error(t, err, bad.name)
		require.ErrorContains(t, err, bad.problem, bad.name)
		require.False(t, swapped, bad.name)
		require.Same(t, stays, live.Model(), bad.name)
		require.Equal(t, float64(i+1), count(t, metrics, "refused"), bad.name)
		require.Contains(t, log.String(), "level=WARN msg=\"a model was refused; the one before it stays\"", bad.name)
		require.Equal(t, 1, strings.Count(log.String(), "\n"), bad.name)

		require.NoError(t, os.Chtimes(path, stays.Loaded, stays.Loaded)) // touched, but the same
		swapped, err = r.Check(t.Context())
		require.NoError(t, err, "%s: the same digest is not tried again", bad.name)
		require.False(t, swapped, bad.name)
		require.Equal(t, float64(i+1), count(t, metrics, "refused"), bad.name)
		require.Equal(t, 1, strings.Count(log.String(), "\n"), bad.name)
	}
	put(t, path, packed(second(same), key))
	swapped, err := r.Check(t.Context())
	require.NoError(t, err, "what is good is used after all that")
	require.True(t, swapped)
	require.Equal(t, 1., count(t, metrics, "used"))

	require.NoError(t, os.Remove(path))
	again := &Reloader{Live: &Live{}, Path: path, Load: r.Load, Cache: r.Cache}
	require.NoError(t, again.Start(), "the copy has the signature (HOT-5)")
	require.Equal(t, live.Model().Digest(), again.Live.Model().Digest())
}

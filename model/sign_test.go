package model

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// testKey is a key that is the same in every run.
func testKey(seed byte) (ed25519.PublicKey, ed25519.PrivateKey) {
	private := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{seed}, ed25519.SeedSize))
	return private.Public().(ed25519.PublicKey), private
}

func signedBundle(t testing.TB, b *Bundle, keys ...ed25519.PrivateKey) []byte {
	t.Helper()
	var out bytes.Buffer
	require.NoError(t, WriteSignedBundle(&out, b, keys...))
	return out.Bytes()
}

// plainTar takes gzip off.
func plainTar(t testing.TB, file []byte) []byte {
	t.Helper()
	z, err := gzip.NewReader(bytes.NewReader(file))
	require.NoError(t, err)
	data, err := io.ReadAll(z)
	require.NoError(t, err)
	return data
}

func TestSignedBundles(t *testing.T) {
	public, private := testKey(1)
	other, another := testKey(2)
	b := &Bundle{Artifact: toLegacy(tiny()), Contract: []byte(`{}`), Card: []byte("card"), Version: 7, NotBefore: 5}
	file := signedBundle(t, b, private)
	require.Equal(t, file, signedBundle(t, b, private), "equal bundles give equal bytes")

	got, err := LoadBundle(bytes.NewReader(file), &LoadOptions{Keys: []ed25519.PublicKey{other, public}, RequireSignature: true, NotBefore: 7})
	require.NoError(t, err)
	require.Equal(t, public, got.SignedBy)
	require.Equal(t, []int64{7, 5}, []int64{got.Version, got.NotBefore})
	require.Equal(t, file, signedBundle(t, got, private), "signing again changes nothing")

	got, err = LoadBundle(bytes.NewReader(file), nil)
	require.NoError(t, err)
	require.Nil(t, got.SignedBy, "nobody looked")

	both := signedBundle(t, b, another, private)
	for _, key := range []ed25519.PublicKey{public, other} {
		_, err = LoadBundle(bytes.NewReader(both), &LoadOptions{Keys: []ed25519.PublicKey{key}, RequireSignature: true})
		require.NoError(t, err)
	}

	plain := writeBundle(t, b)
	for name, c := range map[string]struct {
		file []byte
		opts LoadOptions
		want string
	}{
		"unknown key":       {file, LoadOptions{Keys: []ed25519.PublicKey{other}, RequireSignature: true}, "no signature is that of a known key"},
		"unknown, optional": {file, LoadOptions{Keys: []ed25519.PublicKey{other}}, "no signature is that of a known key"},
		"no key":            {file, LoadOptions{RequireSignature: true}, "no key is known"},
		"unsigned":          {plain, LoadOptions{Keys: []ed25519.PublicKey{public}, RequireSignature: true}, "it is not signed"},
		"bare model":        {b.Artifact, LoadOptions{Keys: []ed25519.PublicKey{public}, RequireSignature: true}, "it is not signed"},
		"packed model":      {gzipped(t, b.Artifact), LoadOptions{Keys: []ed25519.PublicKey{public}, RequireSignature: true}, "it is not signed"},
		"older":             {file, LoadOptions{NotBefore: 8}, "version 7, older than version 8"},
		"without version":   {b.Artifact, LoadOptions{NotBefore: 1}, "version 0, older"},
		"digest":            {b.Artifact, LoadOptions{SHA256: digestOf(plain).SHA256}, "its SHA-256 is " + digestOf(b.Artifact).SHA256},
		"digest of archive": {plain, LoadOptions{SHA256: digestOf(b.Artifact).SHA256}, "its SHA-256 is " + digestOf(plain).SHA256},
		"digest cut":        {plain, LoadOptions{SHA256: digestOf(plain).SHA256[:63]}, "its SHA-256 is"},
		"digest of junk":    {[]byte("junk"), LoadOptions{SHA256: digestOf(plain).SHA256}, "its SHA-256 is"},
	} {
		_, err := LoadBundle(bytes.NewReader(c.file), &c.opts)
		require.ErrorIs(t, err, ErrUntrusted, name)
		require.ErrorContains(t, err, c.want, name)
	}
	for _, file := range [][]byte{plain, b.Artifact} {
		_, err := LoadBundle(bytes.NewReader(file), &LoadOptions{Keys: []ed25519.PublicKey{public}, SHA256: strings.ToUpper(digestOf(file).SHA256)})
		require.NoError(t, err)
	}
}

func gzipped(t testing.TB, data []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	z := gzip.NewWriter(&out)
	_, err := z.Write(data)
	require.NoError(t, err)
	require.NoError(t, z.Close())
	return out.Bytes()
}

// Every bit of the members counts: none can be turned over without being found out.
func TestSignedBundleWithOneBitTurned(t *testing.T) {
	public, private := testKey(1)
	opts := &LoadOptions{Keys: []ed25519.PublicKey{public}, RequireSignature: true}
	want := &Bundle{Artifact: toLegacy(tiny()), Contract: []byte(`{"set":"x"}`), Card: []byte("card"), Version: 3}
	file := plainTar(t, signedBundle(t, want, private))
	_, err := LoadBundle(bytes.NewReader(file), opts)
	require.NoError(t, err)
	tried := 0
	for at := 0; at < len(file); at += blockSize {
		h, err := tar.NewReader(bytes.NewReader(file[at:])).Next()
		if err != nil {
			break
		}
		body := file[at+blockSize:][:h.Size]
		for i := range body {
			for bit := range 8 {
				body[i] ^= 1 << bit
				got, err := LoadBundle(bytes.NewReader(file), opts)
				body[i] ^= 1 << bit
				tried++
				if err == nil { // spaces and case of the JSON round a signature
					require.Equal(t, signatureName, h.Name)
					require.Equal(t, want.Artifact, got.Artifact)
				}
			}
		}
		at += int(h.Size+blockSize-1) / blockSize * blockSize
	}
	require.Greater(t, tried, 8*len(want.Artifact))
	for i := range file { // the headers: either refused, or nothing has changed
		file[i] ^= 1 << (i % 8)
		if got, err := LoadBundle(bytes.NewReader(file), opts); err == nil {
			require.Equal(t, want.Artifact, got.Artifact)
			require.Equal(t, want.Contract, got.Contract)
		}
		file[i] ^= 1 << (i % 8)
	}
}

// What a signed archive is added to, robbed of or exchanged in.
func TestSignedBundleWithOtherMembers(t *testing.T) {
	public, private := testKey(1)
	opts := &LoadOptions{Keys: []ed25519.PublicKey{public}, RequireSignature: true}
	b := &Bundle{Artifact: toLegacy(tiny()), Contract: []byte(`{}`), Card: []byte("card")}
	files := members(t, signedBundle(t, b, private))
	foreign := members(t, signedBundle(t, &Bundle{Artifact: foreignArtifact(), Contract: []byte(`{"set":"y"}`)}, private))
	for name, change := range map[string]func(map[string][]byte){
		"second model":    func(m map[string][]byte) { m["xgboost-model-1"] = m[modelName] },
		"other file":      func(m map[string][]byte) { m["model.json"] = foreign[modelName] },
		"no contract":     func(m map[string][]byte) { delete(m, contractName) },
		"no card":         func(m map[string][]byte) { delete(m, cardName) },
		"no manifest":     func(m map[string][]byte) { delete(m, manifestName) },
		"no signature":    func(m map[string][]byte) { delete(m, signatureName) },
		"empty signature": func(m map[string][]byte) { m[signatureName] = []byte("{}") },
		"text signature":  func(m map[string][]byte) { m[signatureName] = []byte("x") },
		"other signature": func(m map[string][]byte) { m[signatureName] = foreign[signatureName] },
		"other manifest":  func(m map[string][]byte) { m[manifestName] = foreign[manifestName] },
		"other model":     func(m map[string][]byte) { m[modelName] = foreign[modelName] },
		"other contract":  func(m map[string][]byte) { m[contractName] = foreign[contractName] },
		"longer manifest": func(m map[string][]byte) {
			m[manifestName] = append(m[manifestName][:len(m[manifestName]):len(m[manifestName])], ' ')
		},
		"other, unsigned": func(m map[string][]byte) { m[modelName], m[manifestName] = foreign[modelName], foreign[manifestName] },
		"many signatures": func(m map[string][]byte) {
			m[signatureName] = []byte(`{"signatures":[` + strings.Repeat("{},", 20) + `{}]}`)
		},
		"other algorithm": func(m map[string][]byte) {
			m[signatureName] = bytes.Replace(m[signatureName], []byte("ed25519"), []byte("ed448"), 1)
		},
		"no signature kind": func(m map[string][]byte) {
			m[signatureName] = bytes.Replace(m[signatureName], []byte("ed25519"), nil, 1)
		},
	} {
		changed := map[string][]byte{}
		for name, data := range files {
			changed[name] = data
		}
		change(changed)
		_, err := LoadBundle(bytes.NewReader(packed(t, changed)), opts)
		require.Error(t, err, name)
		_, err = OpenBundle(unpacked(t, changed), opts)
		if name != "other file" { // which a directory does not look at
			require.Error(t, err, name)
		}
	}
	got, err := OpenBundle(unpacked(t, files), opts)
	require.NoError(t, err)
	require.Equal(t, public, got.SignedBy)
}

func members(t testing.TB, file []byte) map[string][]byte {
	t.Helper()
	list := map[string][]byte{}
	for r := tar.NewReader(bytes.NewReader(plainTar(t, file))); ; {
		h, err := r.Next()
		if err == io.EOF {
			return list
		}
		require.NoError(t, err)
		list[h.Name], err = io.ReadAll(r)
		require.NoError(t, err)
	}
}

func packed(t testing.TB, files map[string][]byte) []byte {
	t.Helper()
	var list []bundleFile
	for name, data := range files {
		list = append(list, bundleFile{name, data})
	}
	var out bytes.Buffer
	require.NoError(t, writeArchive(&out, list))
	return out.Bytes()
}

func unpacked(t testing.TB, files map[string][]byte) string {
	t.Helper()
	dir := t.TempDir()
	require.NoError(t, os.Mkdir(filepath.Join(dir, "threatdetect"), 0o700))
	for name, data := range files {
		require.NoError(t, os.WriteFile(filepath.Join(dir, filepath.FromSlash(name)), data, 0o600))
	}
	return dir
}

func TestBundleVersionsThatCannotBe(t *testing.T) {
	for _, b := range []*Bundle{{Version: -1}, {NotBefore: -1}, {Version: 1, NotBefore: 2}} {
		b.Artifact = toLegacy(tiny())
		require.ErrorIs(t, WriteBundle(io.Discard, b), ErrFormat)
	}
}

func TestKeysAsText(t *testing.T) {
	public, private := testKey(1)
	text, err := FormatPrivateKey(private)
	require.NoError(t, err)
	gotPrivate, err := ParsePrivateKey(text)
	require.NoError(t, err)
	require.Equal(t, private, gotPrivate)
	publicText, err := FormatPublicKey(public)
	require.NoError(t, err)
	gotPublic, err := ParsePublicKey(publicText)
	require.NoError(t, err)
	require.Equal(t, public, gotPublic)
	require.Len(t, KeyID(public), 32)
	der, err := x509.MarshalPKCS8PrivateKey(private)
	require.NoError(t, err)
	require.Equal(t, string(pem.EncodeToMemory(&pem.Block{Type: privateBlock, Bytes: der})), string(text))
	der, err = x509.MarshalPKIXPublicKey(public)
	require.NoError(t, err)
	require.Equal(t, string(pem.EncodeToMemory(&pem.Block{Type: publicBlock, Bytes: der})), string(publicText))

	for _, bad := range [][]byte{nil, []byte("x"), text, publicText[:40], append(publicText, 'x'), pem.EncodeToMemory(&pem.Block{Type: publicBlock, Bytes: []byte("x")})} {
		_, err := ParsePublicKey(bad)
		require.Error(t, err)
	}
	for _, bad := range [][]byte{nil, publicText, pem.EncodeToMemory(&pem.Block{Type: privateBlock, Bytes: []byte("x")})} {
		_, err := ParsePrivateKey(bad)
		require.Error(t, err)
	}
	curve, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	der, err = x509.MarshalPKCS8PrivateKey(curve)
	require.NoError(t, err)
	_, err = ParsePrivateKey(pem.EncodeToMemory(&pem.Block{Type: privateBlock, Bytes: der}))
	require.ErrorContains(t, err, "want Ed25519")
	der, err = x509.MarshalPKIXPublicKey(curve.Public())
	require.NoError(t, err)
	_, err = ParsePublicKey(pem.EncodeToMemory(&pem.Block{Type: publicBlock, Bytes: der}))
	require.ErrorContains(t, err, "want Ed25519")
	require.Error(t, WriteSignedBundle(io.Discard, &Bundle{Artifact: toLegacy(tiny())}, ed25519.PrivateKey("short")))
}

// foreignArtifact is another model than tiny.
func foreignArtifact() []byte {
	b := tiny()
	b.Trees[0].Value[0]++
	return toLegacy(b)
}

// FuzzSigned changes a signed bundle: either it is refused, or its model is the one that was signed.
func FuzzSigned(f *testing.F) {
	public, private := testKey(1)
	artifact := toLegacy(tiny())
	tar := plainTar(f, signedBundle(f, &Bundle{Artifact: artifact, Contract: []byte(`{}`), Version: 3}, private))
	f.Add(tar, 700, byte(1))
	f.Fuzz(func(t *testing.T, file []byte, at int, flip byte) {
		if at >= 0 && at < len(file) {
			file = bytes.Clone(file)
			file[at] ^= flip
		}
		b, err := LoadBundle(bytes.NewReader(file), &LoadOptions{Keys: []ed25519.PublicKey{public}, RequireSignature: true})
		if err == nil {
			require.Equal(t, artifact, b.Artifact)
			require.Equal(t, `{}`, string(b.Contract))
			require.EqualValues(t, 3, b.Version)
		}
	})
}

package model

import (
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
)

// ErrUntrusted says that a model may be sound, but is not one that [LoadOptions] trust: its digest is another one, it is not
// signed by a known key, or it is too old.
var ErrUntrusted = errors.New("not a trusted model")

// TrustError is why a model is not trusted. It answers errors.Is for [ErrUntrusted].
type TrustError struct{ Why string }

func (e *TrustError) Error() string { return "not trusted: " + e.Why }

// Unwrap returns ErrUntrusted.
func (e *TrustError) Unwrap() error { return ErrUntrusted }

func untrustedf(format string, args ...any) error {
	return at(-1, &TrustError{Why: fmt.Sprintf(format, args...)})
}

// signatureName is the member of a bundle that holds signatures of its manifest. What is signed is signedPrefix and the
// bytes of manifest.json; the manifest holds the digests of everything else that counts.
const (
	signatureName = bundleDir + "manifest.sig"
	signedPrefix  = "threatdetect bundle manifest\x00"
	signatureKind = "ed25519"
	maxSignatures = 16
)

// signatures is what manifest.sig holds.
type signatures struct {
	Signatures []signature `json:"signatures"`
}

type signature struct {
	Algorithm string `json:"algorithm"`
	Key       string `json:"key"` // KeyID of the public key: a hint for people
	Signature []byte `json:"signature"`
}

// sign makes the contents of manifest.sig.
func sign(manifest []byte, keys []ed25519.PrivateKey) ([]byte, error) {
	if len(keys) > maxSignatures {
		return nil, fmt.Errorf("%d keys to sign with, want at most %d", len(keys), maxSignatures)
	}
	var s signatures
	for _, key := range keys {
		if len(key) != ed25519.PrivateKeySize {
			return nil, fmt.Errorf("a private key of %d bytes, want %d", len(key), ed25519.PrivateKeySize)
		}
		public, ok := key.Public().(ed25519.PublicKey)
		if !ok {
			return nil, errors.New("a private key without a public one")
		}
		s.Signatures = append(s.Signatures, signature{signatureKind, KeyID(public), ed25519.Sign(key, signed(manifest))})
	}
	text, err := json.Marshal(s)
	return append(text, '\n'), err
}

func signed(manifest []byte) []byte { return append([]byte(signedPrefix), manifest...) }

// verifySignature returns the key of keys whose signature of manifest is in text.
func verifySignature(manifest, text []byte, keys []ed25519.PublicKey) (ed25519.PublicKey, error) {
	var s signatures
	if err := json.Unmarshal(text, &s); err != nil {
		return nil, untrustedf("the signature cannot be read: %v", err)
	}
	if len(s.Signatures) > maxSignatures {
		return nil, untrustedf("%d signatures, want at most %d", len(s.Signatures), maxSignatures)
	}
	var others []string
	for _, sig := range s.Signatures {
		for _, key := range keys {
			if sig.Algorithm == signatureKind && len(key) == ed25519.PublicKeySize && ed25519.Verify(key, signed(manifest), sig.Signature) {
				return key, nil
			}
		}
		others = append(others, fmt.Sprintf("%.64q", sig.Key))
	}
	if len(others) == 0 {
		return nil, untrustedf("it is not signed")
	}
	return nil, untrustedf("no signature is that of a known key for this manifest; it names the keys %s", strings.Join(others, ", "))
}

// trust compares an input with what opts want, before any model in it is parsed. It returns the key that signed it, if one
// was looked for.
func (s *source) trust(opts *LoadOptions) (ed25519.PublicKey, error) {
	if opts.SHA256 != "" {
		if digest := s.wait(); !strings.EqualFold(digest, opts.SHA256) {
			return nil, untrustedf("its SHA-256 is %s, not %.64q", digest, opts.SHA256)
		}
	}
	if opts.NotBefore > s.version {
		return nil, untrustedf("it is version %d, older than version %d", s.version, opts.NotBefore)
	}
	switch {
	case opts.RequireSignature && len(opts.Keys) == 0:
		return nil, untrustedf("a signature is required, but no key is known")
	case opts.RequireSignature && (s.manifest == nil || s.signature == nil):
		return nil, untrustedf("it is not signed")
	case len(opts.Keys) == 0 || s.signature == nil:
		return nil, nil
	}
	return verifySignature(s.manifest, s.signature, opts.Keys)
}

// WriteSignedBundle is [WriteBundle] with a signature of the manifest by each key.
func WriteSignedBundle(w io.Writer, b *Bundle, keys ...ed25519.PrivateKey) error {
	files, err := b.files()
	if err != nil {
		return fmt.Errorf("model: bundle: %w", err)
	}
	text, err := sign(files[len(files)-1].data, keys)
	if err != nil {
		return fmt.Errorf("model: bundle: %w", err)
	}
	return writeArchive(w, append(files, bundleFile{signatureName, text}))
}

// The types of PEM blocks that hold keys.

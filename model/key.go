package model

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
)

const (
	privateBlock = "PRIVATE KEY"
	publicBlock  = "PUBLIC KEY"
)

// What stands ahead of the 32 bytes of an Ed25519 key in the DER of RFC 8410, which has one form for each kind of key. Package
// crypto/x509 reads any key, but brings package net into every program that loads a model.
var (
	privatePrefix = []byte("\x30\x2e\x02\x01\x00\x30\x05\x06\x03\x2b\x65\x70\x04\x22\x04\x20") // PKCS #8
	publicPrefix  = []byte("\x30\x2a\x30\x05\x06\x03\x2b\x65\x70\x03\x21\x00")                 // PKIX
)

// KeyID names a public key: the first half of the SHA-256 of its PKIX form, in hexadecimal.
func KeyID(key ed25519.PublicKey) string {
	sum := sha256.Sum256(append(bytes.Clone(publicPrefix), key...))
	return hex.EncodeToString(sum[:len(sum)/2])
}

// ParsePrivateKey reads an Ed25519 key in PKCS #8 form from PEM text, as openssl genpkey -algorithm ed25519 writes it.
func ParsePrivateKey(text []byte) (ed25519.PrivateKey, error) {
	seed, err := keyBytes(text, privateBlock, privatePrefix)
	if err != nil {
		return nil, err
	}
	return ed25519.NewKeyFromSeed(seed), nil
}

// ParsePublicKey reads an Ed25519 key in PKIX form from PEM text, as openssl pkey -pubout writes it.
func ParsePublicKey(text []byte) (ed25519.PublicKey, error) {
	return keyBytes(text, publicBlock, publicPrefix)
}

// keyBytes returns the bytes of the key in a PEM text of one block.
func keyBytes(text []byte, kind string, prefix []byte) ([]byte, error) {
	block, rest := pem.Decode(text)
	switch {
	case block == nil:
		return nil, fmt.Errorf("model: no PEM block of type %q", kind)
	case block.Type != kind:
		return nil, fmt.Errorf("model: a PEM block of type %.64q, want %q", block.Type, kind)
	case len(bytes.TrimSpace(rest)) > 0:
		return nil, errors.New("model: text follows the key")
	}
	key, ok := bytes.CutPrefix(block.Bytes, prefix)
	if !ok || len(key) != ed25519.SeedSize {
		return nil, fmt.Errorf("model: the block %q holds another kind of key, want Ed25519", kind)
	}
	return key, nil
}

// FormatPrivateKey and [FormatPublicKey] are the inverse of [ParsePrivateKey] and [ParsePublicKey].
func FormatPrivateKey(key ed25519.PrivateKey) ([]byte, error) {
	if len(key) != ed25519.PrivateKeySize {
		return nil, fmt.Errorf("model: a private key of %d bytes, want %d", len(key), ed25519.PrivateKeySize)
	}
	return pem.EncodeToMemory(&pem.Block{Type: privateBlock, Bytes: append(bytes.Clone(privatePrefix), key.Seed()...)}), nil
}

// FormatPublicKey writes a key as PEM text.
func FormatPublicKey(key ed25519.PublicKey) ([]byte, error) {
	if len(key) != ed25519.PublicKeySize {
		return nil, fmt.Errorf("model: a public key of %d bytes, want %d", len(key), ed25519.PublicKeySize)
	}
	return pem.EncodeToMemory(&pem.Block{Type: publicBlock, Bytes: append(bytes.Clone(publicPrefix), key...)}), nil
}

package model

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestZstdHook has a decoder that takes the mark off and leaves the rest as it is. A real one is tried by cmd/threatdetect.
func TestZstdHook(t *testing.T) {
	const mark = "\x28\xb5\x2f\xfd"
	plain := toLegacy(tiny())
	file := append([]byte(mark), plain...)
	opts := &LoadOptions{Zstd: func(r io.Reader) (io.Reader, error) {
		_, err := io.CopyN(io.Discard, r, int64(len(mark)))
		return r, err
	}}

	b, err := Load(bytes.NewReader(file), opts)
	require.NoError(t, err)
	sum := sha256.Sum256(file)
	require.Equal(t, hex.EncodeToString(sum[:]), b.Digest, "the digest is that of the file as it lies on disk")

	_, err = Load(bytes.NewReader(file), nil)
	require.ErrorIs(t, err, ErrUnsupported)
	require.ErrorContains(t, err, "zstd")

	_, err = Load(bytes.NewReader(append([]byte(mark), file...)), opts)
	require.ErrorIs(t, err, ErrFormat)
	require.ErrorContains(t, err, "inside a compressed file")

	broken := errors.New("broken")
	_, err = Load(bytes.NewReader(file), &LoadOptions{Zstd: func(io.Reader) (io.Reader, error) { return nil, broken }})
	require.ErrorIs(t, err, ErrFormat)
	require.ErrorContains(t, err, "broken")

	_, err = Load(bytes.NewReader(file), &LoadOptions{Zstd: func(io.Reader) (io.Reader, error) { return endlessZeros{}, nil }})
	require.ErrorIs(t, err, ErrTooLarge, "what a decoder makes of a few bytes is bounded")
}

type endlessZeros struct{}

func (endlessZeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

package logio_test

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"math/rand/v2"
	"testing"

	"github.com/klauspost/compress/zstd"
	"github.com/stretchr/testify/require"

	"threatdetect/internal/logio"
)

// text is n lines that do not pack too well.
func text(n int) []byte {
	rnd := rand.New(rand.NewPCG(3, 4))
	var b []byte
	for i := range n {
		b = fmt.Appendf(b, "%d line %x\n", i, rnd.Uint64())
	}
	return b
}

func pack(t testing.TB, plain []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, err := w.Write(plain)
	require.NoError(t, err)
	require.NoError(t, w.Close())
	return b.Bytes()
}

func packZstd(t testing.TB, plain []byte, opts ...zstd.EOption) []byte {
	t.Helper()
	w, err := zstd.NewWriter(nil, opts...)
	require.NoError(t, err)
	return w.EncodeAll(plain, nil)
}

// unpack returns the bytes that come out, and the error at the end.
func unpack(packed []byte) ([]byte, error) {
	l := logio.From(bytes.NewReader(packed), 0)
	defer l.Close()
	return io.ReadAll(l)
}

func TestUnpack(t *testing.T) {
	plain := text(3000)
	half := len(plain) / 2
	join := func(parts ...[]byte) []byte { return bytes.Join(parts, nil) }
	skippable := []byte{0x50, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 1, 2, 3}
	for name, packed := range map[string][]byte{
		"plain":           plain,
		"gzip":            pack(t, plain),
		"gzip members":    join(pack(t, plain[:half]), pack(t, nil), pack(t, plain[half:])),
		"zstd":            packZstd(t, plain),
		"zstd frames":     join(packZstd(t, plain[:half]), skippable, packZstd(t, plain[half:])),
		"pzstd":           join(skippable, packZstd(t, plain)),
		"byte order mark": pack(t, join([]byte("\xef\xbb\xbf"), plain)),
	} {
		got, err := unpack(packed)
		require.NoError(t, err, name)
		require.Equal(t, plain, got, name)
	}
	for name, packed := range map[string][]byte{
		"gzip, zeros behind":   join(pack(t, plain), make([]byte, 512)),
		"gzip, text behind":    join(pack(t, plain), []byte("hello, world")),
		"gzip, newline behind": join(pack(t, plain), []byte("\n")),
		"gzip, zstd behind":    join(pack(t, plain), packZstd(t, plain)),
		"zstd, text behind":    join(packZstd(t, plain), []byte("hello, world")),
		"zstd, newline behind": join(packZstd(t, plain), []byte("\n")),
		"zstd, gzip behind":    join(packZstd(t, plain), pack(t, plain)),
	} {
		got, err := unpack(packed)
		require.Error(t, err, name)
		require.Equal(t, plain, got, name)
	}
}

// A stream cut anywhere yields at least what the standard library can make of it, and an error. For zstd that is whole
// blocks.
func TestCutEverywhere(t *testing.T) {
	plain := text(300)
	packed := pack(t, plain)
	for n := 2; n < len(packed); n++ {
		want := []byte{}
		if r, err := gzip.NewReader(bytes.NewReader(packed[:n])); err == nil {
			want, _ = io.ReadAll(r)
		}
		got, err := unpack(packed[:n])
		require.ErrorIs(t, err, io.ErrUnexpectedEOF, n)
		require.GreaterOrEqual(t, len(got), len(want), n)
		require.True(t, bytes.HasPrefix(plain, got), n)
	}
	plain = text(20_000) // several blocks
	packed = packZstd(t, plain)
	longest := 0
	for n := 4; n < len(packed); n += 1 + len(packed)/500 {
		got, err := unpack(packed[:n])
		require.ErrorIs(t, err, io.ErrUnexpectedEOF, n)
		require.True(t, bytes.HasPrefix(plain, got), n)
		longest = max(longest, len(got))
	}
	require.Greater(t, longest, len(plain)/2)
}

func TestCorrupt(t *testing.T) {
	plain := text(300)
	packed := pack(t, plain)
	for n := 10; n < len(packed); n += 7 {
		damaged := bytes.Clone(packed)
		damaged[n] ^= 0x55
		r, err := gzip.NewReader(bytes.NewReader(damaged))
		require.NoError(t, err)
		want, wantErr := io.ReadAll(r)
		got, err := unpack(damaged)
		require.Equal(t, wantErr == nil, err == nil, n)
		require.True(t, bytes.HasPrefix(got, want), n)
	}
	// A wrong checksum is found when all is read, so nothing is lost.
	for _, packed := range [][]byte{packed, packZstd(t, plain)} {
		end := len(packed) - 1
		if packed[0] == 0x1f {
			end = len(packed) - 6
		}
		packed[end] ^= 1
		got, err := unpack(packed)
		require.Error(t, err)
		require.Equal(t, plain, got)
	}
}

func TestBounds(t *testing.T) {
	// 100 MiB of zeros pack to less than a thousandth with zstd, and never with gzip.
	zeros := make([]byte, 100<<20)
	got, err := unpack(packZstd(t, zeros))
	require.ErrorIs(t, err, logio.ErrRatio)
	require.GreaterOrEqual(t, len(got), 64<<20)
	require.Less(t, len(got), 66<<20)
	got, err = unpack(packZstd(t, zeros[:60<<20]))
	require.NoError(t, err)
	require.Len(t, got, 60<<20)

	wide := text(1 << 19)
	_, err = unpack(packZstd(t, wide, zstd.WithWindowSize(16<<20), zstd.WithSingleSegment(false)))
	require.ErrorIs(t, err, zstd.ErrWindowSizeExceeded)
	got, err = unpack(packZstd(t, wide, zstd.WithWindowSize(8<<20)))
	require.NoError(t, err)
	require.Equal(t, len(wide), len(got))
}

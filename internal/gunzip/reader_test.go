package gunzip_test

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"

	"threatdetect/internal/gunzip"
)

func pack(t testing.TB, plain []byte, level int) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := gzip.NewWriterLevel(&b, level)
	require.NoError(t, err)
	w.Name, w.Comment, w.Extra = "name", "comment", []byte("extra")
	_, err = w.Write(plain)
	require.NoError(t, err)
	require.NoError(t, w.Close())
	return b.Bytes()
}

func unpack(r io.Reader) ([]byte, error) {
	return io.ReadAll(gunzip.NewReader(bufio.NewReader(r)))
}

// texts are inputs of several kinds: with long and short matches, far and near, and none.
func texts() map[string][]byte {
	rnd := rand.New(rand.NewPCG(5, 6))
	noise, letters := make([]byte, 200_000), make([]byte, 300_000)
	for i := range noise {
		noise[i] = byte(rnd.Uint32())
	}
	for i := range letters {
		letters[i] = "aaaaaaaaaaaabcdefghijklmnopqrstuvwxyz0123456789"[rnd.IntN(12+rnd.IntN(36))]
	}
	var lines []byte
	for i := range 20_000 {
		lines = fmt.Appendf(lines, "%d\tC%x\t10.0.%d.%d\ttcp\t-\tSF\n", i, rnd.Uint32(), rnd.IntN(3), rnd.IntN(200))
	}
	return map[string][]byte{
		"empty": nil, "one": {7}, "noise": noise, "letters": letters, "lines": lines, "zeros": make([]byte, 500_000),
		"far": bytes.Repeat(noise[:32768], 4), "short": []byte(strings.Repeat("ab", 40)),
	}
}

func TestUnpack(t *testing.T) {
	for name, plain := range texts() {
		for level := gzip.HuffmanOnly; level <= gzip.BestCompression; level++ {
			packed := pack(t, plain, level)
			for shape, r := range map[string]io.Reader{
				"whole": bytes.NewReader(packed), "halves": iotest.HalfReader(bytes.NewReader(packed)),
				"members": io.MultiReader(bytes.NewReader(packed), bytes.NewReader(pack(t, nil, 1)), bytes.NewReader(packed)),
			} {
				want := plain
				if shape == "members" {
					want = append(bytes.Clone(plain), plain...)
				}
				got, err := unpack(r)
				require.NoError(t, err, "%s %d %s", name, level, shape)
				require.True(t, bytes.Equal(want, got), "%s %d %s", name, level, shape)
			}
		}
	}
}

// TestCutInBits cuts a stream at every byte. All that the standard library decodes is there, and the next symbols too if
// their bits are.
func TestCutInBits(t *testing.T) {
	better := 0
	for name, plain := range texts() {
		plain = plain[:min(len(plain), 4000)]
		for _, level := range []int{gzip.HuffmanOnly, gzip.NoCompression, gzip.BestCompression} {
			packed := pack(t, plain, level)
			before := 0
			for n := range packed {
				var want []byte
				if r, err := gzip.NewReader(bytes.NewReader(packed[:n])); err == nil {
					want, _ = io.ReadAll(r)
				}
				got, err := unpack(bytes.NewReader(packed[:n]))
				require.ErrorIs(t, err, io.ErrUnexpectedEOF)
				require.True(t, bytes.HasPrefix(plain, got), "%s %d %d", name, level, n)
				require.GreaterOrEqual(t, len(got), len(want), "%s %d %d", name, level, n)
				require.GreaterOrEqual(t, len(got), before)
				before = len(got)
				better += len(got) - len(want)
			}
			require.Equal(t, len(plain), before, "all but the checksum is all of the text")
		}
	}
	require.NotZero(t, better)
}

// A fixed block of the literals "ab" and a match of four: 8 bits each for the literals after the 3 of the header, then
// 7 + 5 for the match. What a cut leaves can be told by counting.
func TestCutByHand(t *testing.T) {
	header := []byte{0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3}
	var stream uint64
	bits := 0
	code := func(v uint64, n int) { // Huffman codes go in highest bit first
		for i := n - 1; i >= 0; i-- {
			stream |= v >> i & 1 << bits
			bits++
		}
	}
	stream, bits = 0b011, 3 // last, fixed
	code(0x30+'a', 8)
	code(0x30+'b', 8)
	code(2, 7) // length 4
	code(1, 5) // distance 2
	code(0, 7) // end
	deflate := []byte{byte(stream), byte(stream >> 8), byte(stream >> 16), byte(stream >> 24), byte(stream >> 32)}
	for n, want := range []string{"", "", "a", "ab", "ababab", "ababab"} {
		got, err := unpack(bytes.NewReader(append(bytes.Clone(header), deflate[:n]...)))
		require.ErrorIs(t, err, io.ErrUnexpectedEOF)
		require.Equal(t, want, string(got), n)
	}
	sum := crc32.ChecksumIEEE([]byte("ababab"))
	whole := append(append(header, deflate...), byte(sum), byte(sum>>8), byte(sum>>16), byte(sum>>24), 6, 0, 0, 0)
	got, err := unpack(bytes.NewReader(whole))
	require.NoError(t, err)
	require.Equal(t, "ababab", string(got))
}

func TestErrors(t *testing.T) {
	packed := pack(t, []byte("hello, hello, hello"), 9)
	damaged := func(at int) []byte {
		b := bytes.Clone(packed)
		b[len(b)-at] ^= 1
		return b
	}
	fire := errors.New("fire")
	for name, c := range map[string]struct {
		r    io.Reader
		want error
		text bool
	}{
		"nothing":       {strings.NewReader(""), io.ErrUnexpectedEOF, false},
		"no gzip":       {strings.NewReader("hello, world"), gunzip.ErrHeader, false},
		"checksum":      {bytes.NewReader(damaged(8)), gunzip.ErrChecksum, true},
		"size":          {bytes.NewReader(damaged(1)), gunzip.ErrChecksum, true},
		"text behind":   {io.MultiReader(bytes.NewReader(packed), strings.NewReader("hello")), gunzip.ErrHeader, true},
		"byte behind":   {io.MultiReader(bytes.NewReader(packed), strings.NewReader("\n")), io.ErrUnexpectedEOF, true},
		"broken":        {io.MultiReader(bytes.NewReader(packed[:len(packed)-1]), iotest.ErrReader(fire)), fire, true},
		"broken behind": {io.MultiReader(bytes.NewReader(packed), iotest.ErrReader(fire)), fire, true},
	} {
		got, err := unpack(c.r)
		require.ErrorIs(t, err, c.want, name)
		require.Equal(t, c.text, string(got) == "hello, hello, hello", name)
	}
}

// FuzzReader compares with the standard library: the same verdict, and the same bytes where the stream is well.
func FuzzReader(f *testing.F) {
	for _, level := range []int{gzip.HuffmanOnly, 0, 1, 9} {
		f.Add(pack(f, []byte("hello, hello, hello, 0123456789 hello"), level)[10:], true)
		f.Add(pack(f, []byte("hello, hello, hello, 0123456789 hello"), level), false)
	}
	f.Fuzz(func(t *testing.T, packed []byte, bare bool) {
		if bare { // let the fuzzer play with the deflate stream alone
			packed = append([]byte{0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3}, packed...)
		}
		var want []byte
		r, wantErr := gzip.NewReader(bytes.NewReader(packed))
		if wantErr == nil {
			want, wantErr = io.ReadAll(io.LimitReader(r, 1<<20))
		}
		if len(want) == 1<<20 {
			t.Skip()
		}
		got, err := unpack(bytes.NewReader(packed))
		require.Equal(t, wantErr == nil, err == nil, "%v %v", wantErr, err)
		require.True(t, bytes.HasPrefix(got, want), "%x %x", want, got)
		if err == nil {
			require.Equal(t, len(want), len(got))
		}
	})
}

func BenchmarkRead(b *testing.B) {
	plain := texts()["lines"]
	packed := pack(b, plain, 6)
	for name, open := range map[string]func(*bufio.Reader) io.Reader{
		"gunzip": func(r *bufio.Reader) io.Reader { return gunzip.NewReader(r) },
		"standard": func(r *bufio.Reader) io.Reader {
			z, _ := gzip.NewReader(r)
			return z
		},
	} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(plain)))
			buf := make([]byte, 64<<10)
			for b.Loop() {
				_, err := io.CopyBuffer(struct{ io.Writer }{io.Discard}, struct{ io.Reader }{open(bufio.NewReader(bytes.NewReader(packed)))}, buf)
				require.NoError(b, err)
			}
		})
	}
}

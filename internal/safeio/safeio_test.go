package safeio

import (
	"bytes"
	"errors"
	"io"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"
)

func TestReadAll(t *testing.T) {
	for _, n := range []int{0, 1, firstChunk - 1, firstChunk, firstChunk + 1, 3 * firstChunk, 10 << 20} {
		data := make([]byte, n)
		for i := range data {
			data[i] = byte(i * 0x9e3779b1 >> 16)
		}
		for _, hint := range []int64{0, int64(n), int64(n) + 10, int64(n) / 2} {
			got, err := ReadAll(bytes.NewReader(data), "bytes", int64(n), min(hint, int64(n)))
			require.NoError(t, err)
			require.True(t, bytes.Equal(data, got))
			got, err = ReadAll(iotest.HalfReader(bytes.NewReader(data)), "bytes", int64(n)+100, hint)
			require.NoError(t, err)
			require.True(t, bytes.Equal(data, got))
			pauses := 0
			got, err = ReadAllPausing(bytes.NewReader(data), "bytes", int64(n), hint/2, func() { pauses++ })
			require.NoError(t, err)
			require.True(t, bytes.Equal(data, got))
			require.GreaterOrEqual(t, pauses, (n-int(hint/2)-firstChunk)/copied, "of what is copied")
			if n > 0 {
				_, err = ReadAll(bytes.NewReader(data), "bytes", int64(n)-1, hint)
				var limit *LimitError
				require.ErrorAs(t, err, &limit)
				require.Equal(t, "bytes", limit.Name)
			}
		}
	}
}

// A decompressor says ErrUnexpectedEOF if its input is cut: that is no end.
func TestReadAllTellsACutFromAnEnd(t *testing.T) {
	for _, hint := range []int64{0, 4, 5, 100} {
		_, err := ReadAll(io.MultiReader(bytes.NewReader([]byte("1234")), iotest.ErrReader(io.ErrUnexpectedEOF)), "bytes", 1000, hint)
		require.ErrorIs(t, err, io.ErrUnexpectedEOF)
	}
}

type endless struct{ read int64 }

func (e *endless) Read(p []byte) (int, error) { e.read += int64(len(p)); return len(p), nil }

func TestReadAllStopsAtTheLimit(t *testing.T) {
	source := &endless{}
	_, err := ReadAll(source, "bytes", 1<<20, 0)
	require.ErrorAs(t, err, new(*LimitError))
	require.Less(t, source.read, int64(4<<20))
	_, err = ReadAll(source, "bytes", 1<<20, 1<<40) // a hint beyond the limit is not believed
	require.ErrorAs(t, err, new(*LimitError))
	broken := errors.New("broken")
	for _, hint := range []int64{0, 10} {
		_, err = ReadAll(io.MultiReader(bytes.NewReader([]byte("abc")), iotest.ErrReader(broken)), "bytes", 100, hint)
		require.ErrorIs(t, err, broken)
	}
}

func TestCounter(t *testing.T) {
	c := &Counter{R: bytes.NewReader(make([]byte, 100)), Name: "x", Limit: 100}
	_, err := io.Copy(io.Discard, c)
	require.NoError(t, err)
	require.EqualValues(t, 100, c.N)
	require.NoError(t, c.Err)
	c = &Counter{R: bytes.NewReader(make([]byte, 101)), Name: "x", Limit: 100}
	_, err = io.Copy(io.Discard, c)
	require.ErrorAs(t, err, new(*LimitError))
	require.NoError(t, c.Err)
	c = &Counter{R: iotest.ErrReader(io.ErrUnexpectedEOF), Limit: 100}
	_, err = io.Copy(io.Discard, c)
	require.Error(t, err)
	require.Equal(t, io.ErrUnexpectedEOF, c.Err)
}

func TestExpansion(t *testing.T) {
	in := &Counter{N: 10}
	read := func(n int64) error {
		_, err := io.Copy(io.Discard, &Expansion{R: io.LimitReader(&endless{}, n), In: in, Free: 1000, Ratio: 200})
		return err
	}
	require.NoError(t, read(1000))
	require.NoError(t, read(2000))
	var limit *LimitError
	require.ErrorAs(t, read(1<<20), &limit)
	require.Equal(t, "expansion ratio", limit.Name)
	require.Greater(t, limit.Got, int64(200))
}

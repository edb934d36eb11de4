package logio_test

import (
	"bytes"
	"errors"
	"io"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"

	"threatdetect/internal/logio"
)

// all reads the lines of r; each is described by its text and what is special about it.
func all(r io.Reader, limit int) (lines []string, err error) {
	l := logio.From(r, limit)
	defer l.Close()
	for l.Next() {
		s := string(l.Bytes())
		if l.TooLong() {
			s = s[:8] + " too long"
		}
		s += [...]string{"", " at the end", " where it broke"}[l.End()]
		lines = append(lines, s)
		if l.Number() < int64(len(lines)) {
			panic("wrong number")
		}
	}
	return lines, l.Err()
}

func TestLines(t *testing.T) {
	for log, want := range map[string][]string{
		"":                        nil,
		"\n":                      nil,
		"a":                       {"a at the end"},
		"a\n":                     {"a"},
		"a\r\nb\r\r\n\r\n":        {"a", "b\r"},
		"a\r":                     {"a at the end"},
		"\xef\xbb\xbfa\n":         {"a"},
		"\xef\xbb\xbf":            nil,
		"\xef\xbb":                {"\xef\xbb at the end"},
		"a\n\xef\xbb\xbfb\n":      {"a", "\xef\xbb\xbfb"},
		"0123456789\nb\n":         {"0123456789", "b"},
		"0123456789\r\nb\n":       {"0123456789", "b"},
		"0123456789a\nb\n":        {"01234567 too long", "b"},
		"0123456789a\r\nb\n":      {"01234567 too long", "b"},
		"0123456789\ra":           {"01234567 too long at the end"},
		"0123456789\r":            {"0123456789 at the end"},
		"x0123456789abcdefgh\nb":  {"x0123456 too long", "b at the end"},
		"x0123456789abcdefghijk":  {"x0123456 too long at the end"},
		"                     \n": nil,
		"\x00\x00\na":             {"\x00\x00", "a at the end"},
	} {
		for name, r := range map[string]io.Reader{
			"at once": strings.NewReader(log), "by bytes": iotest.OneByteReader(strings.NewReader(log)),
			"with EOF": iotest.DataErrReader(strings.NewReader(log)),
		} {
			got, err := all(r, 10)
			require.NoError(t, err)
			require.Equal(t, want, got, "%q %s", log, name)
		}
	}
}

func TestBroken(t *testing.T) {
	fire := errors.New("fire")
	got, err := all(io.MultiReader(strings.NewReader("a\nb"), iotest.ErrReader(fire)), 0)
	require.ErrorIs(t, err, fire)
	require.Equal(t, []string{"a", "b where it broke"}, got)
	got, err = all(io.MultiReader(strings.NewReader("a\n"), iotest.ErrReader(fire)), 0)
	require.ErrorIs(t, err, fire)
	require.Equal(t, []string{"a"}, got)
	_, err = all(stuck{}, 0)
	require.ErrorIs(t, err, io.ErrNoProgress)
}

type stuck struct{}

func (stuck) Read([]byte) (int, error) { return 0, nil }

// letters is a line without end.
type letters struct{ n int }

func (r *letters) Read(p []byte) (int, error) {
	if r.n == 0 {
		return copy(p, "\nz\n"), io.EOF
	}
	n := min(len(p), r.n)
	for i := range p[:n] {
		p[i] = 'x'
	}
	r.n -= n
	return n, nil
}

func TestLongLineInConstantMemory(t *testing.T) {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	got, err := all(&letters{n: 64 << 20}, 0)
	runtime.ReadMemStats(&after)
	require.NoError(t, err)
	require.Equal(t, []string{"xxxxxxxx too long", "z"}, got)
	require.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(4<<20))
}

func TestPeek(t *testing.T) {
	l := logio.From(iotest.OneByteReader(strings.NewReader("\n \r\nab\ncd\nef")), 0)
	head, more := l.Peek(0)
	require.Equal(t, "ab\n", string(head))
	require.True(t, more)
	head, more = l.Peek(len(head))
	require.Equal(t, "ab\nc", string(head))
	require.True(t, more)
	head, more = l.Peek(100)
	require.Equal(t, "ab\ncd\nef", string(head))
	require.False(t, more)
	require.True(t, l.Next())
	require.Equal(t, "ab", string(l.Bytes()))
	require.Equal(t, int64(3), l.Number(), "lines that were dropped count")
	require.Same(t, l, logio.From(l, 5))
	rest, err := io.ReadAll(l)
	require.NoError(t, err)
	require.Equal(t, "cd\nef", string(rest))

	l = logio.From(bytes.NewReader(bytes.Repeat([]byte("x"), 1<<20)), 0)
	head, more = l.Peek(0)
	require.False(t, more)
	require.Len(t, head, 64<<10)
}

func TestNumbersAndLengths(t *testing.T) {
	l := logio.From(strings.NewReader("\n\n\na\n\r\n\n"+strings.Repeat("x", 200_000)+"\r\n\n"+strings.Repeat("y", 11)+"\nb"), 10)
	defer l.Close()
	for _, want := range []struct{ number, length int64 }{{4, 0}, {7, 200_000}, {9, 11}, {10, 0}} {
		require.True(t, l.Next())
		require.Equal(t, want.number, l.Number())
		require.Equal(t, want.length > 0, l.TooLong())
		if l.TooLong() {
			require.Equal(t, want.length, l.Length())
		}
	}
	require.False(t, l.Next())

	l = logio.From(strings.NewReader("\na\n\r\n"), 0)
	l.KeepEmpty()
	var got []string
	for l.Next() {
		got = append(got, string(l.Bytes()))
	}
	require.Equal(t, []string{"", "a", ""}, got)
}

// READ-2: many logs of long lines at once take turns for the memory of long lines.
func TestManyLongLines(t *testing.T) {
	var group sync.WaitGroup
	line := bytes.Repeat([]byte("x"), 900_000)
	for range 256 {
		group.Add(1)
		go func() {
			defer group.Done()
			n := 0
			log := io.MultiReader(strings.NewReader("short\n"), bytes.NewReader(line), strings.NewReader("\nshort\n"), bytes.NewReader(line), strings.NewReader("\nshort"))
			l := logio.From(log, 0)
			defer l.Close()
			for l.Next() {
				n += len(l.Bytes())
			}
			if n != 3*5+2*len(line) {
				panic("lost something")
			}
		}()
	}
	group.Wait()
	require.LessOrEqual(t, logio.SharedTotal(), 64<<20)
	require.Equal(t, logio.SharedTotal(), logio.SharedFree(), "all is given back")
}

func FuzzLines(f *testing.F) {
	f.Add([]byte("a\r\n0123456789ab\n\nb"), 3)
	f.Fuzz(func(t *testing.T, log []byte, chunk int) {
		if len(log) > 1 && (log[0] == 0x1f || log[0] == 0x28) || bytes.HasPrefix(log, []byte("\xef\xbb\xbf")) {
			t.Skip()
		}
		var want []string
		lines := bytes.SplitAfter(log, []byte("\n"))
		for i, line := range lines {
			if i == len(lines)-1 && len(line) == 0 {
				break
			}
			body, ended := bytes.CutSuffix(line, []byte("\n"))
			s := string(bytes.TrimSuffix(body, []byte("\r")))
			if logio.Blank([]byte(s)) && len(s) <= 10 {
				continue
			}
			switch {
			case len(s) > 10 && logio.Blank([]byte(s[:8])):
				continue // whether it is seen as blank or as too long does not matter
			case len(s) > 10:
				s = s[:8] + " too long"
			}
			if !ended {
				s += " at the end"
			}
			want = append(want, s)
		}
		got, err := all(iotest.HalfReader(bytes.NewReader(log)), 10)
		require.NoError(t, err)
		var rest []string
		for _, s := range got {
			text := strings.TrimSuffix(strings.TrimSuffix(s, " at the end"), " too long")
			if len(text) == len(strings.TrimSuffix(s, " at the end")) && len(text) <= 10 || !logio.Blank([]byte(text)) {
				rest = append(rest, s)
			}
		}
		require.Equal(t, want, rest)
	})
}

// BenchmarkLines shows that lines of nothing, which cost a byte each, are no way to slow a reader down (READ-11).
func BenchmarkLines(b *testing.B) {
	for name, line := range map[string]string{"130 bytes": strings.Repeat("x", 129) + "\n", "empty": "\n", "empty CRLF": "\r\n", "blank": " \n"} {
		b.Run(name, func(b *testing.B) {
			log := strings.Repeat(line, 1<<20/len(line))
			b.SetBytes(int64(len(log)))
			for b.Loop() {
				l := logio.From(strings.NewReader(log), 0)
				for l.Next() {
				}
				l.Close()
			}
		})
	}
}

// TestLinesAhead takes lines by Pass where Ahead has them, in turn with Next, and compares with Next alone.
func TestLinesAhead(t *testing.T) {
	var text strings.Builder
	for i := range 5_000 {
		text.WriteString(strings.Repeat("x", 1+i%200))
		text.WriteString([...]string{"\n", "\n", "\r\n", "\n\n \n"}[i%4])
		if i%1000 == 500 {
			text.WriteString(strings.Repeat("y", 70_000) + "\n")
		}
	}
	for _, in := range []io.Reader{strings.NewReader(text.String() + "z"), iotest.HalfReader(strings.NewReader(text.String() + "z"))} {
		want, got := logio.From(strings.NewReader(text.String()+"z"), 0), logio.From(in, 0)
		passed := 0
		for n := 0; want.Next(); n++ {
			ahead := got.Ahead(1 << 13)
			require.LessOrEqual(t, len(ahead), 1<<13)
			if i := bytes.IndexByte(ahead, '\n'); n%7 > 0 && i > 0 && ahead[0] > ' ' && ahead[i-1] != '\r' {
				got.Pass(i)
				passed++
			} else {
				require.True(t, got.Next())
			}
			require.Equal(t, string(want.Bytes()), string(got.Bytes()))
			require.Equal(t, want.Number(), got.Number())
			require.Equal(t, want.Offset(), got.Offset())
			require.Equal(t, want.End(), got.End())
		}
		require.False(t, got.Next())
		require.Greater(t, passed, 1_500)
		want.Close()
		got.Close()
	}
	l := logio.From(strings.NewReader("a\nb\n"), 10)
	defer l.Close()
	require.Empty(t, l.Ahead(11), "a line of so many bytes would be too long")
	require.Equal(t, "a\nb\n", string(l.Ahead(10)))
	require.Equal(t, "a\n", string(l.Ahead(3)))
	require.Empty(t, l.Ahead(1))
}

package rows

import (
	"compress/gzip"
	"encoding/csv"
	"errors"
	"io"
	"math"
	"os"
	"strconv"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"
)

var (
	na  = nan
	inf = float32(math.Inf(1))
)

// readAll copies the rows before the first error.
func readAll(r io.Reader, format Format, opts *Options) (rows [][]float32, err error) {
	for row, e := range Read(r, format, opts) {
		if e != nil {
			if row != nil || err != nil {
				panic("a row beside an error, or something after one")
			}
			err = e
			continue
		}
		rows = append(rows, append([]float32(nil), row...))
	}
	return rows, err
}

func readText(text string, format Format, opts *Options) ([][]float32, error) {
	return readAll(strings.NewReader(text), format, opts)
}

// requireRows compares bits, so that -0 is not 0 and NaN is NaN.
func requireRows(t *testing.T, want, got [][]float32) {
	t.Helper()
	require.Len(t, got, len(want))
	for i := range want {
		require.Len(t, got[i], len(want[i]))
		for j := range want[i] {
			if !same(want[i][j], got[i][j]) {
				t.Fatalf("row %d column %d: want %v, got %v", i, j, want[i][j], got[i][j])
			}
		}
	}
}

func same(a, b float32) bool {
	return math.Float32bits(a) == math.Float32bits(b) || a != a && b != b
}

// good is an input that is read to its end.
type good struct {
	name string
	opts Options
	in   string
	want [][]float32
}

func testGood(t *testing.T, format Format, cases []good) {
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			got, err := readText(c.in, format, &c.opts)
			require.NoError(t, err)
			requireRows(t, c.want, got)
			// However the input arrives, and with a line end behind the last line or none.
			got, err = readAll(iotest.OneByteReader(strings.NewReader(c.in)), format, &c.opts)
			require.NoError(t, err)
			requireRows(t, c.want, got)
			got, err = readText(strings.ReplaceAll(c.in, "\n", "\r\n")+"\r\n", format, &c.opts)
			require.NoError(t, err)
			requireRows(t, c.want, got)
		})
	}
}

// bad is an input with a fault after some rows.
type bad struct {
	name   string
	opts   Options
	in     string
	rows   int
	kind   error
	line   int64
	column int
	field  string
	text   string
}

func testBad(t *testing.T, format Format, cases []bad) {
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			got, err := readText(c.in, format, &c.opts)
			var e *Error
			require.ErrorAs(t, err, &e)
			require.ErrorIs(t, err, c.kind)
			require.NotEqual(t, errors.Is(err, ErrSyntax), errors.Is(err, ErrShape))
			require.Equal(t, c.line, e.Line, err)
			require.Equal(t, c.column, e.Column, err)
			require.Equal(t, c.field, e.Field, err)
			require.Contains(t, err.Error(), c.text)
			require.Len(t, got, c.rows)
		})
	}
}

func float(v float32) *float32 { return &v }

func TestOptions(t *testing.T) {
	for name, opts := range map[string]*Options{
		"nil":         nil,
		"no features": {},
		"few names":   {NumFeature: 2, Names: []string{"a"}},
		"same names":  {NumFeature: 2, Names: []string{"a", "a"}},
		"base":        {NumFeature: 1, IndexBase: 2},
		"line":        {NumFeature: 1, MaxLine: HardMaxLine + 1},
		"header":      {NumFeature: 1, Header: "maybe"},
		"quote":       {NumFeature: 1, Comma: '"'},
		"letter":      {NumFeature: 1, Comma: 'E'},
		"point":       {NumFeature: 1, Comma: '.'},
		"newline":     {NumFeature: 1, Comma: '\n'},
	} {
		t.Run(name, func(t *testing.T) {
			rows, err := readText("1\n", CSV, opts)
			require.Error(t, err)
			require.Empty(t, rows)
			var e *Error
			require.False(t, errors.As(err, &e), "the input is not at fault")
		})
	}
	_, err := readText("1\n", "tsv", &Options{NumFeature: 1})
	require.ErrorContains(t, err, `"tsv"`)
}

func TestMissingValue(t *testing.T) {
	for _, c := range []struct {
		format Format
		in     string
	}{
		{CSV, "0,-0,nan\n1e-60,0.5,"},
		{Libsvm, "0 0:0 1:-0\n1 0:1e-60 1:0.5"},
		{NDJSON, "[0,-0,null]\n[1e-60,0.5,null]"},
	} {
		got, err := readText(c.in, c.format, &Options{NumFeature: 3, Missing: float(0)})
		require.NoError(t, err)
		requireRows(t, [][]float32{{na, na, na}, {na, 0.5, na}}, got)
		got, err = readText(c.in, c.format, &Options{NumFeature: 3, Missing: float(nan)})
		require.NoError(t, err)
		requireRows(t, [][]float32{{0, float32(math.Copysign(0, -1)), na}, {0, 0.5, na}}, got)
	}
	got, err := readText("0.1,-999,1\n", CSV, &Options{NumFeature: 3, Missing: float(0.1)})
	require.NoError(t, err)
	requireRows(t, [][]float32{{na, -999, 1}}, got)
}

// A caller may write into a row without spoiling the next.
func TestRowMayBeChanged(t *testing.T) {
	for format, in := range map[Format]string{CSV: "1\n1\n", Libsvm: "0:1\n0:1\n", NDJSON: "[1]\n[1]\n"} {
		n := 0
		for row, err := range Read(strings.NewReader(in), format, &Options{NumFeature: 2}) {
			require.NoError(t, err)
			requireRows(t, [][]float32{{1, na}}, [][]float32{row})
			row[0], row[1] = 7, 7
			n++
		}
		require.Equal(t, 2, n)
	}
}

func TestStop(t *testing.T) {
	for range Read(strings.NewReader("1\n2\n"), CSV, &Options{NumFeature: 1}) {
		break
	}
}

func TestLineLimit(t *testing.T) {
	opts := &Options{NumFeature: 1, MaxLine: 10}
	got, err := readText("1.00000000\n1.000000000\n", CSV, opts)
	require.Len(t, got, 1)
	var limit *LimitError
	require.ErrorAs(t, err, &limit)
	require.Equal(t, int64(10), limit.Limit)
	require.ErrorIs(t, err, ErrSyntax)
	var e *Error
	require.ErrorAs(t, err, &e)
	require.Equal(t, int64(2), e.Line)

	// No newline ever: memory stays near the limit.
	opts.MaxLine = 1 << 20
	zeros := &counter{}
	_, err = readAll(zeros, CSV, opts)
	require.ErrorAs(t, err, &limit)
	require.LessOrEqual(t, zeros.n, int64(2<<20))

	// Longer than the first buffer, within the limit, beginning in the middle of one.
	text := strings.Repeat("1,2\n", 10_000) + "1," + strings.Repeat("0", 300_000) + "2\n3,4"
	got, err = readText(text, CSV, &Options{NumFeature: 2})
	require.NoError(t, err)
	require.Len(t, got, 10_002)
	requireRows(t, [][]float32{{1, 2}, {3, 4}}, got[10_000:])
}

type counter struct{ n int64 }

func (c *counter) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = '0'
	}
	c.n += int64(len(p))
	return len(p), nil
}

func TestReaderFailure(t *testing.T) {
	broken := errors.New("disk on fire")
	r := io.MultiReader(strings.NewReader("1\n2\n3"), iotest.ErrReader(broken))
	got, err := readAll(r, CSV, &Options{NumFeature: 1})
	require.ErrorIs(t, err, broken)
	require.ErrorContains(t, err, "line 2")
	require.False(t, errors.Is(err, ErrSyntax) || errors.Is(err, ErrShape))
	requireRows(t, [][]float32{{1}, {2}}, got) // the 3 may have been the start of 31

	_, err = readAll(stuck{}, CSV, &Options{NumFeature: 1})
	require.ErrorIs(t, err, io.ErrNoProgress)

	got, err = readAll(iotest.DataErrReader(strings.NewReader("1\n2")), CSV, &Options{NumFeature: 1})
	require.NoError(t, err)
	requireRows(t, [][]float32{{1}, {2}}, got)
}

type stuck struct{}

func (stuck) Read([]byte) (int, error) { return 0, nil }

func TestMarks(t *testing.T) {
	for format, in := range map[Format]string{CSV: "1,2", Libsvm: "0:1 1:2", NDJSON: "[1,2]"} {
		got, err := readText("\xef\xbb\xbf"+in, format, &Options{NumFeature: 2})
		require.NoError(t, err)
		requireRows(t, [][]float32{{1, 2}}, got)
		_, err = readText("\xff\xfe1\x00,\x00", format, &Options{NumFeature: 2})
		require.ErrorIs(t, err, ErrSyntax)
		require.ErrorContains(t, err, "UTF-16")
		_, err = readText(in+"\n\xef\xbb\xbf"+in, format, &Options{NumFeature: 2})
		require.ErrorIs(t, err, ErrSyntax, "the mark is only one at the start")
	}
}

func TestErrorText(t *testing.T) {
	_, err := readText("1,2,3\n1,2,x\n", CSV, &Options{NumFeature: 3, Names: []string{"a", "b", "rate"}})
	require.EqualError(t, err, `line 2: column 3 (rate): not a number: "x"`)
	_, err = readText("1,2\n", CSV, &Options{NumFeature: 1})
	require.EqualError(t, err, `line 1: record has 2 fields, the model has 1 feature`)

	// Never more than 128 escaped bytes of the input, and none of them raw.
	for _, junk := range []string{strings.Repeat("\x1b", 1000), strings.Repeat("é", 1000), strings.Repeat("\u202e", 1000), strings.Repeat("a", 129)} {
		for _, in := range []string{junk, "1\n" + junk, "0:" + junk, junk + ":1", "0 " + junk, "[" + junk, `{"` + junk + `":1}`, "{" + junk, `["` + junk} {
			for _, format := range []Format{CSV, Libsvm, NDJSON} {
				_, err := readText(in+"\n", format, &Options{NumFeature: 1, Names: []string{"a"}})
				require.Error(t, err, "%s %q", format, in)
				require.Less(t, len(err.Error()), 300, err)
				require.NotContains(t, err.Error(), "\x1b")
				require.NotContains(t, err.Error(), "\u202e")
			}
		}
	}
	require.Equal(t, `"`+strings.Repeat("a", 128)+`"`, quote([]byte(strings.Repeat("a", 128))))
	require.Equal(t, `"`+strings.Repeat("a", 127)+`"…`, quote([]byte(strings.Repeat("a", 127)+"é")))
}

// TestGoldenRows reads the rows of the golden models and compares each field with encoding/csv and strconv.
func TestGoldenRows(t *testing.T) {
	const path = "../../../shared/data/models/rows.csv.gz"
	f, err := os.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		t.Skip("no golden rows at " + path)
	}
	require.NoError(t, err)
	defer f.Close()
	z, err := gzip.NewReader(f)
	require.NoError(t, err)
	text, err := io.ReadAll(z)
	require.NoError(t, err)

	records, err := csv.NewReader(strings.NewReader(string(text))).ReadAll()
	require.NoError(t, err)
	names := records[0]
	var want [][]float32
	for _, record := range records[1:] {
		row := make([]float32, len(record))
		for i, field := range record {
			if field == "" {
				row[i] = nan
				continue
			}
			v, err := strconv.ParseFloat(field, 64)
			require.NoError(t, err)
			row[i] = float32(v)
		}
		want = append(want, row)
	}
	require.Len(t, want, 200)

	for _, opts := range []Options{{NumFeature: len(names)}, {NumFeature: len(names), Names: names}} {
		got, err := readText(string(text), CSV, &opts)
		require.NoError(t, err)
		requireRows(t, want, got)
	}
}

package celllog_test

import (
	"encoding/csv"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"threatdetect/internal/celllog"
)

func cells(s *celllog.Splitter) (out []string) {
	for _, c := range s.Cells {
		out = append(out, string(c))
	}
	return out
}

func TestSplit(t *testing.T) {
	var s celllog.Splitter
	for line, want := range map[string][]string{
		"":                     {""},
		"a,b,":                 {"a", "b", ""},
		` a	, "b",c `:          {"a", `"b"`, "c"},
		`"a,b","c""d"," e "`:   {"a,b", `c"d`, "e"},
		`a"b,"","""","x""""y"`: {`a"b`, "", `"`, `x""y`},
	} {
		require.True(t, s.Split([]byte(line), ','), line)
		require.Equal(t, want, cells(&s), line)
	}
	for _, line := range []string{`"a`, `"a"b`, `a,"b" ,c`, `"a""`} {
		require.False(t, s.Split([]byte(line), ','), line)
	}
	require.True(t, s.Split([]byte("a\t b,c\t\t"), '\t'))
	require.Equal(t, []string{"a", "b,c", "", ""}, cells(&s))
	require.True(t, s.Split([]byte(strings.Repeat(",", 5000)), ','))
	require.Len(t, s.Cells, celllog.MaxCells+1)
	s.SplitBlanks([]byte("  a b\t c "))
	require.Equal(t, []string{"a", "b", "c"}, cells(&s))
	s.SplitBlanks([]byte(strings.Repeat("x ", 5000)))
	require.Len(t, s.Cells, celllog.MaxCells+1)
	line := []byte(`"a,b","c""d",e,1.5`)
	long := strings.Repeat("x", celllog.MaxCell)
	require.True(t, s.Split([]byte(`1,"`+long+`",`+long), ','))
	require.False(t, s.Split([]byte(`1,"`+long+`",y`+long), ','))
	require.False(t, s.Split([]byte(`1,"""`+long+`",`), ','))
	require.False(t, s.Split([]byte(strings.Repeat(",", 5000)+long+"x"), ','), "one that is dropped")
	require.Zero(t, testing.AllocsPerRun(10, func() { s.Split(line, ',') }))
}

// FuzzSplit compares with encoding/csv, which takes apart the same lines as far as both take them.
func FuzzSplit(f *testing.F) {
	for _, s := range []string{`a,b,c`, `"a,b","c""d", e `, `a"b,"",`, `"a`, `"a"b,c,d`, ` "a",b,c`, `"a" ,b,c`, `"""",x,"b"""`, "a\tb\t\"c\td\""} {
		f.Add(s, byte(','))
		f.Add(s, byte('\t'))
	}
	f.Fuzz(func(t *testing.T, line string, separator byte) {
		if strings.ContainsAny(line, "\r\n") || line == "" || separator != '\t' {
			separator = ','
		}
		if strings.ContainsAny(line, "\r\n") || line == "" {
			t.Skip()
		}
		var s celllog.Splitter
		ok := s.Split([]byte(line), separator)
		r := csv.NewReader(strings.NewReader(line + "\n"))
		r.Comma, r.LazyQuotes = rune(separator), false
		want, err := r.Read()
		if len(line) > celllog.MaxCell && !ok {
			return // because of a long cell, or of quotes
		}
		if err == nil {
			require.True(t, ok)
			require.False(t, slices.ContainsFunc(want, func(s string) bool { return len(s) > celllog.MaxCell }))
		} else if !strings.HasPrefix(line, `"`) && !strings.Contains(line, string(separator)+`"`) {
			// A quote within a cell is literal here, and with LazyQuotes there.
			r = csv.NewReader(strings.NewReader(line + "\n"))
			r.Comma, r.LazyQuotes = rune(separator), true
			want, err = r.Read()
			require.NoError(t, err)
			require.True(t, ok)
		} else {
			return // quotes that only one of the two accepts; TestSplit says which
		}
		for i := range want {
			want[i] = strings.Trim(want[i], " \t")
		}
		if len(want) > celllog.MaxCells {
			require.Len(t, s.Cells, celllog.MaxCells+1)
			return
		}
		require.Equal(t, want, cells(&s))
	})
}

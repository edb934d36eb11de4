package badlines_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"threatdetect/features"
	"threatdetect/internal/badlines"
	"threatdetect/internal/logio"
)

// plain is of a log of JSON objects.
func plain(line []byte) logio.Class {
	switch {
	case line[0] == '#':
		return logio.NoRecord
	case line[0] != '{':
		return badlines.Malformed
	case string(line) == "{}":
		return badlines.Other
	}
	return logio.Unclear
}

// skip reads a log in which every line is bad, and shows the errors; reason is why the unclear lines are.
func skip(lines *logio.Lines, reason features.Reason, show func(*features.RecordError)) {
	s := badlines.Skipper{Plain: plain}
	yield := func(_ *features.Flow, err error) bool {
		show(err.(*features.RecordError))
		return true
	}
	for lines.Next() {
		switch line := lines.Bytes(); plain(line) {
		case logio.NoRecord:
			s.Pass(lines)
			continue
		case badlines.Malformed:
			s.Fault(lines, features.ReasonMalformed, "", line)
		case badlines.Other:
			s.Fault(lines, features.ReasonOther, "", nil)
		default:
			s.Fault(lines, reason, "ts", line[1:])
		}
		s.Skip(lines, yield)
	}
}

func Example() {
	lines := logio.From(strings.NewReader("x\n#\ny\n\n{}\r\nz\n{1}\n{1}\n#\n{2}\n{1}\nthis is longer\nx"), 0)
	lines.Together()
	skip(lines, features.ReasonNumber, func(e *features.RecordError) { fmt.Printf("%v, and %d more\n", e, e.More) })
	// Output:
	// line 1: not in the format's syntax: "x", and 1 more
	// line 5: no flow record, and 0 more
	// line 6: not in the format's syntax: "z", and 0 more
	// line 7: field ts: not a number of the expected kind: "1}", and 1 more
	// line 10: field ts: not a number of the expected kind: "2}", and 0 more
	// line 11: field ts: not a number of the expected kind: "1}", and 0 more
	// line 12: not in the format's syntax: "this is longer", and 0 more
	// line 13: the last line is cut off: "x", and 0 more
}

// TestManyRuns has more runs in a row than are looked for at a time, and more lines than there are in memory, and compares with one error a line.
func TestManyRuns(t *testing.T) {
	for _, few := range []string{"x {}", "{1} x", "{1} {2}", "x {} {1}", "# {} x", "x x {} #"} {
		log := strings.ReplaceAll(strings.Repeat(few+" ", 300), " ", "\n") + strings.Repeat("x\n", 35_000)
		read := func(together bool) (reasons []features.Reason, errors int, last int64) {
			lines := logio.From(strings.NewReader(log), 0)
			if together {
				lines.Together()
			}
			skip(lines, features.ReasonNumber, func(e *features.RecordError) {
				errors++
				for range 1 + e.More {
					reasons = append(reasons, e.Reason)
				}
			})
			return reasons, errors, lines.Number()
		}
		want, one, last := read(false)
		require.Len(t, want, one, few)
		got, together, gotLast := read(true)
		require.True(t, slices.Equal(want, got), few)
		require.Equal(t, last, gotLast, few)
		require.Less(t, together, one/10, few)
	}
}

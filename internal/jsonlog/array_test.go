package jsonlog_test

import (
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"

	"threatdetect/features"
	"threatdetect/internal/jsonlog"
	"threatdetect/internal/logio"
)

// run returns the records of a log, and what was wrong with the others.
func run(r io.Reader, limit int) (records []string, faults []features.RecordError, err error) {
	lines := logio.From(r, limit)
	defer lines.Close()
	yield := func(_ *features.Flow, e error) bool {
		if bad, ok := e.(*features.RecordError); ok {
			faults = append(faults, *bad)
		} else {
			err = e
		}
		return true
	}
	jsonlog.Run(lines, limit, func(object []byte) (jsonlog.Fault, bool) {
		switch {
		case !json.Valid(object):
			return jsonlog.Fault{Reason: features.ReasonMalformed, Text: object}, true
		case strings.Contains(string(object), "bad") || !strings.HasPrefix(string(object), `{"n":`):
			return jsonlog.Fault{Reason: features.ReasonNumber, Text: object}, true
		}
		records = append(records, string(object))
		return jsonlog.Fault{}, true
	}, yield)
	return records, faults, err
}

// elements are so many objects, with all that can be taken for their end in them.
func elements(n int) []string {
	list := make([]string, n)
	for i := range list {
		list[i] = fmt.Sprintf(`{"n":%d,"of":{"a":[1,{"b":"}],{"}]},"text":"\"},{\\","list":[{"x":"\u007b"},{"y":2}],"doubt":"},{" ,"e":""}`, i)
	}
	return list
}

func reasons(faults []features.RecordError) (list []features.Reason) {
	for _, f := range faults {
		list = append(list, f.Reason)
	}
	return list
}

// One line that is longer than a line may be is as many records as there are, however it arrives.
func TestArrayOnOneLine(t *testing.T) {
	want := elements(18_000)
	log := "[" + strings.Join(want, ",") + "]\n"
	require.Greater(t, len(log), logio.MaxLine)
	for name, r := range map[string]io.Reader{"whole": strings.NewReader(log), "halves": iotest.HalfReader(strings.NewReader(log)), "without an end": strings.NewReader(strings.TrimRight(log, "]\n"))} {
		records, faults, err := run(r, 0)
		require.NoError(t, err)
		require.Empty(t, faults, name)
		require.Equal(t, want, records, name)
	}
	want = want[:3000]
	records, faults, err := run(iotest.OneByteReader(strings.NewReader("\ufeff [ "+strings.Join(want, " , ")+" ]")), 0)
	require.NoError(t, err)
	require.Empty(t, faults)
	require.Equal(t, want, records)
}

// Damage costs the record it is in.
func TestArrayWithDamage(t *testing.T) {
	want := elements(2000)
	for name, c := range map[string]struct {
		damage func(s string) string
		lost   int
		faults []features.Reason
	}{
		"a quote too many":  {func(s string) string { return strings.Replace(s, `"e":""`, `"e":"""`, 1) }, 1, []features.Reason{features.ReasonMalformed}},
		"a quote missing":   {func(s string) string { return strings.Replace(s, `"of":{`, `"of:{`, 1) }, 1, []features.Reason{features.ReasonMalformed, features.ReasonMalformed}},
		"no closing brace":  {func(s string) string { return strings.TrimSuffix(s, "}") }, 1, []features.Reason{features.ReasonMalformed}},
		"a brace too many":  {func(s string) string { return s + "}" }, 0, []features.Reason{features.ReasonMalformed}},
		"no object":         {func(string) string { return "null" }, 1, []features.Reason{features.ReasonMalformed}},
		"a bad value":       {func(s string) string { return strings.Replace(s, `"e":""`, `"e":"bad"`, 1) }, 1, []features.Reason{features.ReasonNumber}},
		"a very long value": {func(s string) string { return strings.Replace(s, `"e":""`, `"e":"`+strings.Repeat("x", 1<<20)+`"`, 1) }, 1, []features.Reason{features.ReasonTooLong}},
		"a line break":      {func(s string) string { return "\n" + strings.Replace(s, `"e":""`, "\"e\":\n\"bad\"", 1) }, 1, []features.Reason{features.ReasonNumber}},
	} {
		damaged := append([]string(nil), want...)
		damaged[1500] = c.damage(want[1500])
		records, faults, err := run(strings.NewReader("["+strings.Join(damaged, ",")+"]"), 0)
		require.NoError(t, err, name)
		require.Equal(t, c.faults, reasons(faults), name)
		require.Equal(t, len(want)-c.lost, len(records), name)
		require.True(t, slices.Equal(want[1600:], records[len(records)-400:]), name)
		if name == "a line break" {
			require.EqualValues(t, 2, faults[0].Line)
		}
	}

	whole := "[" + strings.Join(want, ",")
	records, faults, err := run(io.MultiReader(strings.NewReader(whole[:len(whole)-5]), iotest.ErrReader(io.ErrUnexpectedEOF)), 0)
	require.ErrorIs(t, err, io.ErrUnexpectedEOF)
	require.Equal(t, []features.Reason{features.ReasonTruncated}, reasons(faults))
	require.Len(t, records, len(want)-1)
}

// Every record is whole or counted, whatever is struck out or put in; all but a few are whole.
func TestArrayLosesLittle(t *testing.T) {
	want := elements(1500)
	log := "[" + strings.Join(want, ",") + "]"
	r := rand.New(rand.NewPCG(1, 4))
	for range 60 {
		b := []byte(log)
		at := 70_000 + r.IntN(len(b)-80_000)
		b[at] = "{}[]\",:\\x0"[r.IntN(10)]
		records, faults, err := run(strings.NewReader(string(b)), 0)
		require.NoError(t, err)
		require.GreaterOrEqual(t, len(records), len(want)-3, "%q", b[at-50:at+50])
		require.LessOrEqual(t, len(faults), 12, "%q", b[at-50:at+50])
		require.True(t, slices.Equal(want[len(want)-50:], records[len(records)-50:]), "%q", b[at-50:at+50])
	}
}

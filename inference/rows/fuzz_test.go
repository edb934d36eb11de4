package rows

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"io"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// slowValue is a field by strconv, or false if it is no number.
func slowValue(text string, missing bool) (float32, bool) {
	text = strings.Trim(text, " \t")
	if missing && (text == "" || strings.EqualFold(text, "nan")) {
		return nan, true
	}
	v, err := strconv.ParseFloat(text, 64)
	if err != nil && !errors.Is(err, strconv.ErrRange) || v != v || strings.ContainsAny(text, "xXpP_") {
		return 0, false
	}
	return float32(v), true
}

// requireSame compares a reading with that of a slow reader, in which a fault is false.
func requireSame(t *testing.T, want [][]float32, ok bool, got [][]float32, err error) {
	t.Helper()
	require.Equal(t, ok, err == nil, "%v", err)
	requireRows(t, want, got)
	if err != nil {
		var e *Error
		require.ErrorAs(t, err, &e)
		require.NotEqual(t, errors.Is(err, ErrSyntax), errors.Is(err, ErrShape))
		require.Positive(t, e.Line)
		require.Less(t, len(err.Error()), 700)
	}
}

// slowCSV reads four-column data without a header by encoding/csv, and reports whether that follows the same rules here.
func slowCSV(text string) (rows [][]float32, ok, comparable bool) {
	// Bare carriage returns, quotes across lines, blanks round quotes and lines of blanks are other rules.
	if strings.ContainsAny(text, "\r") {
		return nil, false, false
	}
	var lines []string
	for line := range strings.SplitSeq(text, "\n") {
		if strings.Trim(line, " \t") == "" {
			continue
		}
		if strings.Count(line, `"`)%2 != 0 || strings.Contains(line, ` "`) || strings.Contains(line, `" `) ||
			strings.Contains(line, "\t\"") || strings.Contains(line, "\"\t") {
			return nil, false, false
		}
		lines = append(lines, line)
	}
	r := csv.NewReader(strings.NewReader(strings.Join(lines, "\n")))
	r.FieldsPerRecord = -1
	width := 0
	for {
		record, err := r.Read()
		if err == io.EOF {
			return rows, true, true
		}
		if err != nil {
			return rows, false, true
		}
		if width == 0 {
			width = len(record)
		}
		if width > 4 || len(record) != width {
			return rows, false, true
		}
		row := []float32{nan, nan, nan, nan}
		for i, field := range record {
			v, ok := slowValue(field, true)
			if !ok {
				return rows, false, true
			}
			row[i] = v
		}
		rows = append(rows, row)
	}
}

func FuzzCSV(f *testing.F) {
	for _, text := range []string{
		"1,2,3,4\n5,,nan,-1e5\n", "\xef\xbb\xbfa,b,c,d\r\n1,2,3,4\r\n", "\"1\",\" 2\",\"\",3\n", "1;2;3;4\n", "d,c,b,a\n1,2,3,x\n",
		"1 2 3 4", "\"a\"\"b\",c", "1,2\n1,2,3", ",,,\n\n , , , \n", "\t\t\t\n", "0.30000000000000004,16777217,1e39,inf",
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		for _, opts := range []Options{
			{NumFeature: 4}, {NumFeature: 4, Names: []string{"a", "b", "c", "d"}, Missing: float(0)}, {NumFeature: 1, Header: HeaderYes},
		} {
			got, err := readAll(bytes.NewReader(text), CSV, &opts)
			again, err2 := readAll(&trickle{text}, CSV, &opts)
			requireRows(t, got, again)
			require.Equal(t, err, err2)
		}
		if bytes.HasPrefix(text, []byte(byteOrderMark)) || bytes.HasPrefix(text, []byte(utf16BigEnd)) || bytes.HasPrefix(text, []byte(utf16LittleEnd)) {
			return
		}
		if want, ok, comparable := slowCSV(string(text)); comparable {
			got, err := readAll(bytes.NewReader(text), CSV, &Options{NumFeature: 4, Comma: ',', Header: HeaderNo})
			requireSame(t, want, ok, got, err)
		}
	})
}

// trickle hands out a few bytes at a time.
type trickle struct{ rest []byte }

func (r *trickle) Read(p []byte) (int, error) {
	if len(r.rest) == 0 {
		return 0, io.EOF
	}
	n := copy(p[:min(len(p), 3)], r.rest)
	r.rest = r.rest[n:]
	return n, nil
}

// slowLibsvm reads text for a model of five features, indices from 1.
func slowLibsvm(text string) (rows [][]float32, ok bool) {
	for line := range strings.SplitSeq(text, "\n") {
		line = strings.TrimRight(line, "\r")
		line, _, _ = strings.Cut(line, "#")
		items := strings.FieldsFunc(line, func(r rune) bool { return r == ' ' || r == '\t' })
		if len(items) == 0 {
			continue
		}
		if !strings.Contains(items[0], ":") {
			if _, ok := slowValue(items[0], true); !ok {
				return rows, false
			}
			items = items[1:]
		}
		if len(items) > 0 && strings.HasPrefix(items[0], "qid:") {
			if strings.Trim(items[0][4:], "0123456789") != "" || items[0] == "qid:" {
				return rows, false
			}
			items = items[1:]
		}
		values := map[string]float32{}
		for _, item := range items {
			key, text, colon := strings.Cut(item, ":")
			v, ok := slowValue(text, false)
			if key = strings.TrimLeft(key, "0"); !colon || !ok {
				return rows, false
			}
			if _, twice := values[key]; twice {
				return rows, false
			}
			values[key] = v
		}
		row := make([]float32, 5)
		for i := range row {
			key := strconv.Itoa(i + 1)
			v, ok := values[key]
			if delete(values, key); !ok {
				v = nan
			}
			row[i] = v
		}
		if len(values) > 0 {
			return rows, false
		}
		rows = append(rows, row)
	}
	return rows, true
}

func FuzzLibsvm(f *testing.F) {
	for _, text := range []string{
		"1 1:0.5 2:-1e5 # x\n0 qid:3 5:1\n", "1:1 1:2\n", "1 0:1", "1 6:1", "-1\n\n\r\n1:nan", "1:0x10", "qid: 1:1", "1 -1:2", "1 :2", "1 01:2 1:3",
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		text = bytes.TrimPrefix(text, []byte(byteOrderMark))
		if bytes.HasPrefix(text, []byte(byteOrderMark)) {
			return
		}
		want, ok := slowLibsvm(string(text))
		got, err := readAll(bytes.NewReader(text), Libsvm, &Options{NumFeature: 5, IndexBase: 1})
		requireSame(t, want, ok, got, err)
	})
}

// slowNDJSON reads text by encoding/json for a model with the features a, b and é.
func slowNDJSON(text string) (rows [][]float32, ok bool) {
	width := -1
	for line := range strings.SplitSeq(text, "\n") {
		line = strings.TrimRight(line, "\r")
		if strings.Trim(line, " \t\r") == "" {
			continue
		}
		if !json.Valid([]byte(line)) {
			return rows, false
		}
		d := json.NewDecoder(strings.NewReader(line))
		d.UseNumber()
		row := []float32{nan, nan, nan}
		names := map[string]int{"a": 0, "b": 1, "é": 2}
		start, _ := d.Token()
		n := 0
		for ; d.More(); n++ {
			token, _ := d.Token()
			slot := n
			switch start {
			case json.Delim('{'):
				var ok bool
				if slot, ok = names[token.(string)]; !ok {
					return rows, false
				}
				delete(names, token.(string))
				token, _ = d.Token()
			case json.Delim('['):
			default:
				return rows, false
			}
			switch token := token.(type) {
			case nil:
			case json.Number:
				if v, ok := slowValue(string(token), false); ok && slot < 3 {
					row[slot] = v
				}
			default:
				return rows, false
			}
		}
		switch start {
		case json.Delim('['):
			if width < 0 && n <= 3 {
				width = n
			}
			if n != width {
				return rows, false
			}
		case json.Delim('{'):
		default:
			return rows, false
		}
		rows = append(rows, row)
	}
	return rows, true
}

func FuzzNDJSON(f *testing.F) {
	for _, text := range []string{
		"[1,2.5e3,null]\n[0,-0,1e400]\n", `{"a":1,"\u00e9":null}` + "\r\n\r\n{}", "[[1]]", "[1", `{"a":1,"a":2}`, `{"x":1}`, "[1,2,3,4]", "[01]", "[1]\n[1,2]", "[true]",
		`{"a" :1, "b": 2 }`, "[1] 2", "3", `"a"`, "{\"a\x01\":1}", "[NaN]", `{"\ud800":1}`,
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		if bytes.HasPrefix(text, []byte(byteOrderMark)) {
			return
		}
		want, ok := slowNDJSON(string(text))
		got, err := readAll(bytes.NewReader(text), NDJSON, &Options{NumFeature: 3, Names: []string{"a", "b", "é"}})
		requireSame(t, want, ok, got, err)
	})
}

package rows_test

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"io"
	"math"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"threatdetect/inference/rows"
)

// recorded is a request to a real container and its reply.
type recorded struct {
	Name, Model string
	From        rows.Format
	Status      int
	Body        []byte
	Reply       string
}

func recordings(t *testing.T) []recorded {
	t.Helper()
	f, err := os.Open("../../testdata/container/1.7-1.ndjson.gz")
	require.NoError(t, err)
	defer f.Close()
	z, err := gzip.NewReader(f)
	require.NoError(t, err)
	var list []recorded
	for d := json.NewDecoder(bufio.NewReader(z)); ; {
		var r recorded
		if err := d.Decode(&r); err == io.EOF {
			break
		} else {
			require.NoError(t, err)
		}
		list = append(list, r)
	}
	require.Greater(t, len(list), 500)
	return list
}

func TestImageAcceptsWhatTheContainerAccepts(t *testing.T) {
	for _, r := range recordings(t) {
		t.Run(r.Model+" "+r.Name, func(t *testing.T) {
			image, err := rows.LookupImage("1.7-1")
			require.NoError(t, err)
			image.Pickled = strings.HasPrefix(r.Model, "pickle")
			opts := &rows.Options{NumFeature: 6, Image: image}
			if r.Model == "column" {
				opts.NumFeature = 1
			}
			n, status := 0, 200
			for _, err := range rows.Read(bytes.NewReader(r.Body), r.From, opts) {
				switch {
				case errors.Is(err, rows.ErrSyntax):
					status = 415
				case errors.Is(err, rows.ErrShape):
					status = 400
				case err == nil:
					n++
				default:
					require.NoError(t, err)
				}
			}
			require.Equal(t, r.Status, status)
			if status != 200 {
				require.Zero(t, n, "a fault anywhere means that there are no rows")
				return
			}
			require.Equal(t, strings.Count(r.Reply, "\n"), n)
		})
	}
}

func TestImagesDiffer(t *testing.T) {
	read := func(tag string, from rows.Format, body string) ([]string, error) {
		image, err := rows.LookupImage(tag)
		require.NoError(t, err)
		return collect(rows.Read(strings.NewReader(body), from, &rows.Options{NumFeature: 3, Image: image}))
	}
	for _, c := range []struct {
		tag, body string
		from      rows.Format
		want      []string
		fault     error
	}{
		{"1.3-1", "inf,1,2", rows.CSV, []string{"+Inf 1 2"}, nil},
		{"1.5-1", "inf,1,2", rows.CSV, nil, rows.ErrSyntax},
		{"1.3-1-arm64", "1e39,1,2", rows.CSV, []string{"+Inf 1 2"}, nil},
		{"3.0-5", "1:5 2:6\n2:7", rows.Libsvm, []string{"NaN 5 6", "NaN NaN 7"}, nil},
		{"3.2-0", "1:5 2:6\n2:7", rows.Libsvm, []string{"5 6 NaN", "NaN 7 NaN"}, nil},
		{"3.2-0", "0:5 2:6\n2:7", rows.Libsvm, []string{"5 NaN 6", "NaN NaN 7"}, nil},
		{"3.0-5", "3:1", rows.Libsvm, nil, rows.ErrShape},
		{"1.0-1", "3:1 1:2", rows.Libsvm, []string{"NaN 2 NaN"}, nil},
		{"0.90-2", "1,2,3,4\n5,6,7,8", rows.CSV, []string{"1 2 3", "5 6 7"}, nil},
		{"1.2-1", "1,2,3,4", rows.CSV, nil, rows.ErrShape},
		{"3.2-0", "3:1", rows.Libsvm, []string{"NaN NaN 1"}, nil},
		{"0.90-2-cpu-py3", "1:3 0:0.5 1:2 7\n\n0:1\n ", rows.Libsvm, []string{"0.5 5 NaN", "NaN NaN NaN", "1 NaN NaN"}, nil},
		{"3.0-5", sparseWithoutShape, rows.RecordIO, nil, rows.ErrSyntax},
		{"3.2-0", sparseWithoutShape, rows.RecordIO, []string{"NaN 1.5 NaN"}, nil},
		{"3.2-0", sparseWithoutShape + "\n#\xd7", rows.RecordIO, []string{"NaN 1.5 NaN"}, nil},
		// What follows was asked of the container's own code, of all images from 1.3-1 on.
		{"1.7-1", "1,2,\x1c", rows.CSV, nil, rows.ErrSyntax},
		{"3.0-5", "\u3000,1,2", rows.CSV, nil, rows.ErrSyntax},
		{"1.7-1", "1,2,3\x1f", rows.CSV, nil, rows.ErrSyntax},
		{"1.7-1", "\x1c0:1", rows.Libsvm, nil, rows.ErrSyntax},
		{"1.3-1", "\v1,2,\u30003\f", rows.CSV, []string{"1 2 3"}, nil},
		{"1.5-1", "\u00a0\n0:1", rows.Libsvm, []string{"NaN NaN NaN", "1 NaN NaN"}, nil},
		{"1.7-1", "9223372036854775807:1", rows.Libsvm, nil, rows.ErrSyntax},
		{"3.2-0", "9223372036854775807:1", rows.Libsvm, nil, rows.ErrShape},
		{"1.7-1", "9:inf", rows.Libsvm, nil, rows.ErrSyntax},
	} {
		got, err := read(c.tag, c.from, c.body)
		require.ErrorIs(t, err, c.fault, "%s %q", c.tag, c.body)
		require.Equal(t, c.want, got, "%s %q", c.tag, c.body)
	}
	_, err := read("1.7-1", rows.NDJSON, "[1]")
	require.ErrorContains(t, err, "does not accept")
	_, err = rows.LookupImage("latest")
	require.ErrorContains(t, err, "unknown image")
}

// TestOwnRecords pins how the own code of image 3.2-0 reads records: it was asked the same.
func TestOwnRecords(t *testing.T) {
	image, err := rows.LookupImage("3.2-0")
	require.NoError(t, err)
	array := func(v ...float32) string { return record(2, packed(1, v...)) }
	keyed := func(keys string, v ...float32) string { return record(2, packed(1, v...)+field(2, keys)) }
	label := func(v ...float32) string { return field(2, field(1, "values")+field(2, field(2, packed(1, v...)))) }
	shape := record(2, "\x18\x02") // an array without values
	one := keyed("\x01", 1.5)
	for name, c := range map[string]struct {
		records []string
		want    []string
		fault   error
	}{
		"nothing is a row of nothing":       {[]string{shape}, []string{"NaN NaN NaN"}, nil},
		"empty before keys":                 {[]string{shape, one}, []string{"NaN NaN NaN", "NaN 1.5 NaN"}, nil},
		"empty after keys":                  {[]string{one, shape}, nil, rows.ErrSyntax},
		"empty before an array":             {[]string{shape, array(1, 2)}, nil, rows.ErrSyntax},
		"zeros of arrays":                   {[]string{array(0, 2)}, []string{"0 2 NaN"}, nil},
		"zeros of arrays among keys":        {[]string{array(0, 2), one}, []string{"NaN 2 NaN", "NaN 1.5 NaN"}, nil},
		"a key twice":                       {[]string{keyed("\x01\x01", 1, 2)}, []string{"NaN 2 NaN"}, nil},
		"a key twice, once missing":         {[]string{keyed("\x01\x01", 1, float32(math.NaN()))}, []string{"NaN 1 NaN"}, nil},
		"a key twice among arrays":          {[]string{keyed("\x01\x01", 1, 2), array(3, 4)}, []string{"NaN 3 NaN", "3 4 NaN"}, nil},
		"more values than cells":            {[]string{keyed("\x00\x00", 1, 2)}, nil, rows.ErrShape},
		"other widths":                      {[]string{array(1, 2), array(1, 2, 3)}, nil, rows.ErrSyntax},
		"a record without features":         {[]string{"", one, field(1, field(1, "other")+field(2, field(2, packed(1, float32(7)))))}, []string{"NaN 1.5 NaN"}, nil},
		"no record with features":           {[]string{"", ""}, nil, rows.ErrSyntax},
		"bytes":                             {[]string{record(9, field(1, "x")), one}, []string{"NaN 1.5 NaN"}, nil},
		"a label":                           {[]string{array(1, 2, 3) + label(1)}, []string{"1 2 3"}, nil},
		"two labels of a row":               {[]string{array(1, 2, 3) + label(1, 0)}, []string{"1 2 3"}, nil},
		"a label for two rows":              {[]string{array(1, 2, 3) + label(1), array(1, 2, 3)}, nil, rows.ErrSyntax},
		"a label that is missing":           {[]string{array(1, 2, 3) + label(float32(math.NaN()))}, nil, rows.ErrSyntax},
		"the label of a row that is no row": {[]string{label(1), array(1, 2, 3)}, []string{"1 2 3"}, nil},
	} {
		body := ""
		for _, r := range c.records {
			body += frame(r)
		}
		got, err := collect(rows.Read(strings.NewReader(body), rows.RecordIO, &rows.Options{NumFeature: 3, Image: image}))
		require.ErrorIs(t, err, c.fault, name)
		require.Equal(t, c.want, got, name)
	}
	_, err = collect(rows.Read(strings.NewReader(strings.TrimRight(frame(array(1, 2, 3)+"x"), "\x00")), rows.RecordIO, &rows.Options{NumFeature: 3, Image: image}))
	require.ErrorIs(t, err, rows.ErrSyntax, "no padding")
}

// sparseWithoutShape is a record with the value 1.5 at key 1.
var sparseWithoutShape = frame(record(2, packed(1, float32(1.5))+"\x10\x01"))

func collect(in func(func([]float32, error) bool)) (list []string, failed error) {
	for row, err := range in {
		if err != nil {
			return list, err
		}
		list = append(list, text(row))
	}
	return list, nil
}

func text(row []float32) string {
	var b strings.Builder
	for i, v := range row {
		if i > 0 {
			b.WriteByte(' ')
		}
		n, _ := json.Marshal(v)
		switch {
		case v != v:
			n = []byte("NaN")
		case math.IsInf(float64(v), 1):
			n = []byte("+Inf")
		case math.IsInf(float64(v), -1):
			n = []byte("-Inf")
		}
		b.Write(n)
	}
	return b.String()
}

// FuzzImage wants, for whatever bytes, a fault before the first row or rows to the end.
func FuzzImage(f *testing.F) {
	for _, seed := range []string{"1,2,3\n4,,nan", "1:0.5 2:1_0\n\n0:1:2", "\u0661;2;\u00a03\r\n", "0|0|0", "9999999999999999999:1", sparseWithoutShape} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, body string) {
		for _, tag := range []string{"1.3-1", "3.0-5", "3.2-0"} {
			for _, from := range []rows.Format{rows.CSV, rows.Libsvm, rows.RecordIO} {
				image, err := rows.LookupImage(tag)
				require.NoError(t, err)
				got, err := collect(rows.Read(strings.NewReader(body), from, &rows.Options{NumFeature: 3, Image: image}))
				if err != nil {
					require.Empty(t, got)
					require.True(t, errors.Is(err, rows.ErrSyntax) || errors.Is(err, rows.ErrShape), err)
				}
			}
		}
	})
}

// A request of more rows than are wanted has none, whatever is behind them; of what is wrong before that the error tells.
func TestMaxRows(t *testing.T) {
	record := func(values string) string { return frame(record(2, field(1, values))) }
	one := "\x00\x00\x80\x3f"
	for _, tag := range []string{"1.7-1", "3.2-0"} {
		image, err := rows.LookupImage(tag)
		require.NoError(t, err)
		for format, row := range map[rows.Format]string{rows.CSV: "1,2\n", rows.Libsvm: "0:1 1:2\n", rows.RecordIO: record(one + one)} {
			read := func(body string, most int) (n int, err error) {
				for _, err := range rows.Read(strings.NewReader(body), format, &rows.Options{NumFeature: 2, MaxRows: most, Image: image}) {
					if err != nil {
						return n, err
					}
					n++
				}
				return n, nil
			}
			for most, want := range map[int]error{0: nil, 11: nil, 10: nil, 9: rows.ErrTooMany, 1: rows.ErrTooMany} {
				n, err := read(strings.Repeat(row, 10), most)
				require.ErrorIs(t, err, want, "%s %s %d", tag, format, most)
				if want == nil {
					require.Equal(t, 10, n)
				} else {
					require.Zero(t, n)
				}
			}
			_, err = read(strings.Repeat(row, 2)+"x", 3)
			require.NotErrorIs(t, err, rows.ErrTooMany)
		}
	}
}

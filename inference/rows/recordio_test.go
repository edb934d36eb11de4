package rows_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"math"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"

	"threatdetect/inference/rows"
)

// frame is a record, or with a kind a part of one, in its frame.
func frame(body string, kind ...uint32) string {
	head := binary.LittleEndian.AppendUint32(nil, 0xCED7230A)
	length := uint32(len(body))
	for _, k := range kind {
		length |= k << 29
	}
	head = binary.LittleEndian.AppendUint32(head, length)
	return string(head) + body + strings.Repeat("\x00", -len(body)&3)
}

// field is a field of bytes in protobuf's encoding.
func field(n byte, body string) string {
	return string(binary.AppendUvarint([]byte{n<<3 | 2}, uint64(len(body)))) + body
}

// record is a record with one feature, whose tensor is of a kind (2: float32, 3: float64, 7: int32).
func record(kind byte, tensor string) string {
	return field(1, field(1, "values")+field(2, field(kind, tensor)))
}

func packed[T any](n byte, v ...T) string {
	body, _ := binary.Append(nil, binary.LittleEndian, v)
	return field(n, string(body))
}

func TestRecordIO(t *testing.T) {
	minus := string(binary.AppendUvarint(nil, math.MaxUint64)) // -1 as protobuf writes it
	for name, c := range map[string]struct {
		body string
		want string
	}{
		"float32":          {record(2, packed(1, float32(1), float32(2.5), float32(-3))), "1 2.5 -3"},
		"float64":          {record(3, packed(1, 1.0, 0.1, -3.0)), "1 0.1 -3"},
		"int32":            {record(7, field(1, "\x01\x02"+minus)), "1 2 -1"},
		"one by one":       {record(7, "\x08\x01\x08\x02\x08"+minus), "1 2 -1"},
		"float32 unpacked": {record(2, "\x0d\x00\x00\x80\x3f\x0d\x00\x00\x00\x40\x0d\x00\x00\xc0\x7f"), "1 2 NaN"},
		"float64 unpacked": {record(3, "\x09\x00\x00\x00\x00\x00\x00\xf0\x3f"), "1 NaN NaN"},
		"with shape":       {record(2, packed(1, float32(1), float32(2), float32(3))+"\x18\x03"), "1 2 3"},
		"fewer columns":    {record(2, packed(1, float32(1), float32(2))), "1 2 NaN"},
		"sparse":           {record(2, packed(1, float32(1), float32(2))+field(2, "\x02\x00")+"\x18\x03"), "2 NaN 1"},
		"sparse, no shape": {record(2, packed(1, float32(1))+"\x10\x01"), "NaN 1 NaN"},
		"sparse, empty":    {record(2, "\x18\x03"), "NaN NaN NaN"},
		"other parts": {field(2, field(1, "values")+field(2, field(2, packed(1, float32(9))))) + field(3, "uid") + field(4, "meta") +
			"\x30\x05" + record(2, packed(1, float32(1), float32(2), float32(3))), "1 2 3"},
		"last of a name": {record(2, packed(1, float32(9))) + record(2, packed(1, float32(1), float32(2), float32(3))), "1 2 3"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := collect(rows.Read(iotest.OneByteReader(strings.NewReader(frame(c.body))), rows.RecordIO, &rows.Options{NumFeature: 3}))
			require.NoError(t, err)
			require.Equal(t, []string{c.want}, got)
		})
	}
}

func TestRecordIOInParts(t *testing.T) {
	body := record(2, packed(1, float32(1), float32(2), float32(3)))
	file := frame(body) + frame(body[:5], 1) + frame(body[5:9], 2) + frame(body[9:], 3) + frame(body)
	got, err := collect(rows.Read(strings.NewReader(file), rows.RecordIO, &rows.Options{NumFeature: 3}))
	require.NoError(t, err)
	require.Equal(t, []string{"1 2 3", "1 2 3", "1 2 3"}, got)

	for _, bad := range []string{frame(body, 2), frame(body, 3), frame(body[:5], 1), frame(body[:5], 1) + frame(body), frame(body, 5)} {
		_, err := collect(rows.Read(strings.NewReader(bad), rows.RecordIO, &rows.Options{NumFeature: 3}))
		require.ErrorIs(t, err, rows.ErrSyntax)
	}
}

func TestRecordIOFaults(t *testing.T) {
	good := record(2, packed(1, float32(1), float32(2), float32(3)))
	for name, c := range map[string]struct {
		file string
		kind error
	}{
		"magic":            {"\x0a\x23\xd7\xcf" + frame(good)[4:], rows.ErrSyntax},
		"short header":     {frame(good)[:7], rows.ErrSyntax},
		"short body":       {frame(good)[:20], rows.ErrSyntax},
		"no padding":       {strings.TrimRight(frame(good+"\x30\x05"), "\x00")[:len(good)+10], rows.ErrSyntax},
		"length lies":      {"\x0a\x23\xd7\xce\xff\xff\xff\x00abc", rows.ErrSyntax},
		"over the limit":   {"\x0a\x23\xd7\xce\xff\xff\xff\x1fabc", rows.ErrSyntax},
		"text":             {"1,2,3\n4,5,6\n", rows.ErrSyntax},
		"not protobuf":     {frame("\xff\xff\xff\xff"), rows.ErrSyntax},
		"group":            {frame("\x0b\x0c"), rows.ErrSyntax},
		"field 0":          {frame("\x00\x00"), rows.ErrSyntax},
		"cut value":        {frame(good[:len(good)-1]), rows.ErrSyntax},
		"half a float":     {frame(record(2, field(1, "\x00\x00\x80"))), rows.ErrSyntax},
		"bytes":            {frame(record(9, field(1, "abc"))), rows.ErrSyntax},
		"no tensor":        {frame(field(1, field(1, "values")+field(2, ""))), rows.ErrSyntax},
		"no features":      {frame(""), rows.ErrShape},
		"other name":       {frame(field(1, field(1, "x")+field(2, field(2, packed(1, float32(1)))))), rows.ErrShape},
		"too many columns": {frame(record(2, packed(1, float32(1), float32(2), float32(3), float32(4)))), rows.ErrShape},
		"wide shape":       {frame(record(2, packed(1, float32(1))+"\x10\x00\x18\x04")), rows.ErrShape},
		"two dimensions":   {frame(record(2, packed(1, float32(1), float32(2))+"\x18\x01\x18\x02")), rows.ErrShape},
		"shape lies":       {frame(record(2, packed(1, float32(1), float32(2))+"\x18\x03")), rows.ErrSyntax},
		"key beyond":       {frame(record(2, packed(1, float32(1))+"\x10\x03")), rows.ErrShape},
		"key beyond shape": {frame(record(2, packed(1, float32(1))+"\x10\x02\x18\x02")), rows.ErrShape},
		"key twice":        {frame(record(2, packed(1, float32(1), float32(2))+"\x10\x01\x10\x01")), rows.ErrSyntax},
		"keys alone":       {frame(record(2, "\x10\x01")), rows.ErrSyntax},
		"ragged":           {frame(record(2, packed(1, float32(1)))) + frame(good), rows.ErrShape},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := collect(rows.Read(strings.NewReader(c.file), rows.RecordIO, &rows.Options{NumFeature: 3}))
			require.ErrorIs(t, err, c.kind)
			fault, ok := errors.AsType[*rows.Error](err)
			require.True(t, ok)
			require.Positive(t, fault.Record)
			require.Zero(t, fault.Line)
		})
	}
	_, err := collect(rows.Read(io.MultiReader(strings.NewReader(frame(good)[:9]), iotest.ErrReader(io.ErrClosedPipe)), rows.RecordIO, &rows.Options{NumFeature: 3}))
	require.ErrorIs(t, err, io.ErrClosedPipe)
}

// FuzzRecordIO wants an error or rows for whatever bytes, and the same rows from all forms of reading that accept them.
func FuzzRecordIO(f *testing.F) {
	f.Add([]byte(frame(record(2, packed(1, float32(1), float32(2), float32(3))))))
	f.Add([]byte(frame(record(3, packed(1, 0.1)+"\x10\x01\x18\x03"))))
	f.Add([]byte(sparseWithoutShape))
	f.Fuzz(func(t *testing.T, file []byte) {
		var all [][]string
		for _, tag := range []string{"", "3.0-5", "3.2-0"} {
			opts := &rows.Options{NumFeature: 3}
			if tag != "" {
				opts.Image, _ = rows.LookupImage(tag)
			}
			if got, err := collect(rows.Read(bytes.NewReader(file), rows.RecordIO, opts)); err == nil {
				all = append(all, got)
			}
		}
		for _, got := range all {
			if len(all[0]) == len(got) {
				require.Equal(t, all[0], got)
			}
		}
	})
}

package jsonlog_test

import (
	"bytes"
	"encoding/json"
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"threatdetect/features"
	"threatdetect/internal/jsonlog"
	"threatdetect/internal/logio"
)

// plainObjects are the objects of a log as encoding/json finds them: values one after the other, or elements of arrays. ok is false if it is no such log.
func plainObjects(log string) (objects []string, ok bool) {
	d := json.NewDecoder(strings.NewReader(log))
	for {
		var value json.RawMessage
		if err := d.Decode(&value); err != nil {
			return objects, err == io.EOF
		}
		list := []json.RawMessage{value}
		if value[0] == '[' {
			if json.Unmarshal(value, &list) != nil {
				return nil, false
			}
		}
		for _, v := range list {
			if v[0] != '{' {
				return nil, false
			}
			objects = append(objects, string(v))
		}
	}
}

// FuzzObjects writes the objects that encoding/json finds in a text in all ways in which logs have them, and compares what is read of each.
func FuzzObjects(f *testing.F) {
	f.Add(`{"n":1}` + "\n" + `{"n":"},{\""}` + "\n")
	f.Add("[{ \"n\": [1, {\"a\": \"]}\"}], \"m\":{}}, {\"n\":\"[{\\\\\"}]")
	f.Add(`[{"n":1},{"n":{}},{"":"},{"}]`)
	f.Fuzz(func(t *testing.T, text string) {
		objects, ok := plainObjects(text)
		if !ok || len(objects) == 0 || len(text) > 4096 {
			return
		}
		var indented []string
		for i, o := range objects {
			var short, long bytes.Buffer
			require.NoError(t, json.Compact(&short, []byte(o)))
			require.NoError(t, json.Indent(&long, short.Bytes(), "  ", "  "))
			objects[i] = short.String()
			indented = append(indented, long.String())
		}
		long := `{"long":"` + strings.Repeat("x", 70_000) + `"}` // more than can be looked at before anything is taken
		logs := map[string][]string{
			strings.Join(objects, "\n"):                            objects,
			"[\r\n" + strings.Join(objects, ",\r\n") + "\r\n]\r\n": objects,
			"[" + long + "," + strings.Join(objects, " , ") + "]":  append([]string{long}, objects...),
		}
		if indented[0] != "{}" { // the first one shows how they lie
			logs["[\n  "+strings.Join(indented, ",\n  ")+"\n]\n"] = indented
		}
		for log, want := range logs {
			var got []string
			lines := logio.From(strings.NewReader(log), 0)
			jsonlog.Run(lines, 0, func(object []byte) (jsonlog.Fault, bool) {
				got = append(got, string(object))
				return jsonlog.Fault{}, true
			}, func(_ *features.Flow, err error) bool {
				require.NoError(t, err, "%q", log)
				return true
			})
			lines.Close()
			require.Equal(t, want, got, "%.300q", log)
		}
	})
}

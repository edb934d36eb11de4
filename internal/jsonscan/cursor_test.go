package jsonscan_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"threatdetect/internal/jsonscan"
)

const unwanted = 0x60

// idOf numbers keys: most as wanted, some as unwanted, and different ones alike.
func idOf(key []byte) jsonscan.ID {
	sum := len(key)
	for _, c := range key {
		sum = sum*31 + int(c)
	}
	if id := jsonscan.ID(sum & 63); id < jsonscan.MaxSpans {
		return id
	}
	return unwanted
}

// teach lets a layout learn the keys of a record, and says what its values are; ok is false if it is no record.
func teach(b []byte, l *jsonscan.Layout) (values map[jsonscan.ID]string, ok bool) {
	values = map[jsonscan.ID]string{}
	var m jsonscan.Members
	for m.OpenWith(b, l); m.Next(); {
		id := m.ID
		if id == jsonscan.Unknown {
			id = idOf(m.Key)
			m.Learn(id)
		}
		kind := m.Kind
		value, ok := m.Raw()
		if !ok {
			return nil, false
		}
		if id != unwanted {
			values[id] = string(rune('0'+kind)) + string(value)
		}
	}
	return values, m.Closed
}

// run reads a record with a cursor; usual is whether it could.
func run(b []byte, l *jsonscan.Layout) (values map[jsonscan.ID]string, usual bool) {
	var c jsonscan.Cursor
	var spans jsonscan.Spans
	c.Open(b, l)
	for stop := jsonscan.Before; stop != jsonscan.Behind; {
		if stop = c.Run(&spans, unwanted); stop == jsonscan.Unusual || stop == jsonscan.Before && !c.Pass(&spans) {
			return nil, false
		}
	}
	values = map[jsonscan.ID]string{}
	for id, s := range spans.Values {
		if spans.Seen>>id&1 != 0 {
			values[jsonscan.ID(id)] = string(rune('0'+s.Kind)) + string(b[s.Start:s.End])
		}
	}
	return values, c.Whole()
}

func TestCursor(t *testing.T) {
	var l jsonscan.Layout
	for record, usual := range map[string]bool{
		`{"ts":1425565514.419939,"uid":"CdJ8ta1ArkgQcQpvnf","id.orig_h":"192.168.2.76","id.orig_p":52026,"proto":"tcp","tags":[1,{"a":"]"}],"conn_state":"SF","x":null}`: true,
		`{"a":1,"b":-1.5e3,"c":"x","d":true,"e":{},"f":"0123456789abcdef","g":0.25,"h":false}`:                                                                           true,
		`{"a" : 1}`:                true,
		`{"a":1 ,"b":2}`:           true, // the end of a record is read as by Members,
		`{"a":"x\ny","b":2}`:       false,
		`{"a":"x\ny","b":2}` + " ": false,
		`{"a":1 ,"b":"0123456789abcdef0123456789abcdef"}`: false,
		`{}`: false,
	} {
		want, ok := teach([]byte(record), &l)
		require.True(t, ok, record)
		got, is := run([]byte(record), &l)
		require.Equal(t, usual, is, record)
		if usual {
			require.Equal(t, want, got, record)
		}
	}
}

// FuzzCursor compares with Members, for a record whose keys a layout knows, and for others.
func FuzzCursor(f *testing.F) {
	long := `{"ts":1425565514.419939,"uid":"CdJ8ta1ArkgQcQpvnf","id.orig_h":"192.168.2.76","id.orig_p":52026,"conn_state":"SF","tags":[1,{"a":"]"}],"x":null,"y":-1.5E+3}`
	for _, other := range []string{long, `{}`, `{"a":1}`, `{"ts":01}`, `{"ts":1.}`, `{"ts":1e5,"ts":2,"ts":"x"}`, `{"ts":"` + strings.Repeat("x", 100) + `"}`, long[:len(long)-1] + `,"z":"é"} `, `{"ts":{"ts":1}}`} {
		f.Add([]byte(long), []byte(other))
		f.Add([]byte(other), []byte(long))
	}
	f.Fuzz(func(t *testing.T, known, other []byte) {
		var l jsonscan.Layout
		teach(known, &l)
		for _, b := range [][]byte{known, other} {
			got, usual := run(b, &l)
			if !usual {
				continue
			}
			want, ok := teach(b, new(jsonscan.Layout))
			require.True(t, ok, "%q", b)
			require.Equal(t, want, got, "%q", b)
		}
	})
}

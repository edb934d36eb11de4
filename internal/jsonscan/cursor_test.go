package jsonscan_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"threatdetect/internal/fieldscan"
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

// roomy is b with memory behind it, in which is what could well go on.
func roomy(b []byte) []byte {
	return append(slices.Clone(b), strings.Repeat(`"}],"a":10{"`, 5)...)[: len(b) : len(b)+60]
}

// run reads a record with a cursor; usual is whether it could.
func run(b []byte, l *jsonscan.Layout) (values map[jsonscan.ID]string, usual bool) {
	var c jsonscan.Cursor
	var spans jsonscan.Spans
	if !c.Read(roomy(b), l, &spans, unwanted) {
		return nil, false
	}
	values = map[jsonscan.ID]string{}
	for id, s := range spans.Values {
		if (spans.Seen|spans.Null)>>id&1 != 0 {
			values[jsonscan.ID(id)] = string(rune('0'+s.Kind)) + string(b[s.Start:s.End])
		}
	}
	return values, true
}

func TestCursor(t *testing.T) {
	var l jsonscan.Layout
	for record, usual := range map[string]bool{
		`{"ts":1425565514.419939,"uid":"CdJ8ta1ArkgQcQpvnf","id.orig_h":"192.168.2.76","id.orig_p":52026,"proto":"tcp","tags":[1,{"a":"]"}],"conn_state":"SF","x":null}`: true,
		`{"a":1,"b":-1.5e3,"c":"x","d":true,"e":{},"f":"0123456789abcdef","g":0.25,"h":false}`:                                                                           true,
		`{"a" : 1}`:                   true,
		`{ "a": [ 1 , { } ] , "c":2}`: false,
		`{ "a": [ 1 , { } ], "b": { "x" : [ ] , "y":[[]]}}`: true,
		`{"a":1 ,"b":2}`:           false,
		`{"a":{"b":tru}}`:          false,
		`{"a":"x\ny","b":2}`:       false,
		`{"a":"x\ny","b":2}` + " ": false,
		`{"a":1 ,"b":"0123456789abcdef0123456789abcdef"}`: false,
		`{}`: false,
		`{"a":"` + strings.Repeat("x", fieldscan.MaxLine) + `"}`: false,
	} {
		want, ok := teach([]byte(record), &l)
		require.Equal(t, !strings.Contains(record, "tru}"), ok, record)
		got, is := run([]byte(record), &l)
		require.Equal(t, usual, is, record)
		if usual {
			require.Equal(t, want, got, record)
		}
	}
}

// TestInner reads objects with a layout of their own.
func TestInner(t *testing.T) {
	const flow, packets, bytes, other = 1, 2, 3, 4
	ids := map[string]jsonscan.ID{"flow": flow, "packets": packets, "bytes": bytes, "other": other}
	var outer, inner jsonscan.Layout
	outer.Inner(flow, &inner, 1<<packets|1<<bytes)
	for _, record := range []string{`{"flow":{"packets":1,"bytes":[2]},"other":{"packets":3}}`, `{"other":1,"flow":[1],"flow":{"bytes":1}}`} {
		var m, sub jsonscan.Members
		for m.OpenWith([]byte(record), &outer); m.Next(); {
			if m.ID == jsonscan.Unknown {
				m.Learn(ids[string(m.Key)])
			}
			if m.ID == jsonscan.Unknown && string(m.Key) == "flow" || m.ID == flow {
				if sub.Enter(&m, &inner) {
					for sub.Next() {
						if sub.ID == jsonscan.Unknown {
							sub.Learn(ids[string(sub.Key)])
						}
					}
					m.Leave(&sub)
				}
			}
		}
		require.True(t, m.Closed)
	}
	var c jsonscan.Cursor
	for record, want := range map[string]string{
		`{"flow":{"packets":1,"bytes":[2]},"other":{"packets":3}}`:                                                 `{ 1 [2] {"packets":3}`,
		`{"other":1,"flow":[1],"flow":{"bytes":1}}`:                                                                `{ - 1 1`,
		`{"flow":{"packets":1,"bytes":[2]},"flow":[1]}`:                                                            "no", // in an order that was not met
		`{"other":1,"flow":{"packets":1,"bytes":[2]},"flow":[1],"flow":{"bytes":1},"flow":[1],"flow":{"bytes":1}}`: `{ - 1 1`,
		`{"flow":{"packets":1,"bytes":[2]},"other":{"packets":3}}}`:                                                "no",
		`{"flow":{"packets":1,"bytes":[2]}`:                                                                        "no",
		`{"flow":{"packets":1,"bytes":[2}},"other":{"packets":3}}`:                                                 "no",
	} {
		got := "no"
		var spans jsonscan.Spans
		if c.Read(roomy([]byte(record)), &outer, &spans, 9) {
			var texts []string
			for id := flow; id <= other; id++ {
				text := "-"
				if s := spans.Values[id]; spans.Seen>>id&1 != 0 {
					text = record[s.Start:s.End]
				}
				texts = append(texts, text)
			}
			got = strings.Join(texts, " ")
		}
		require.Equal(t, want, got, record)
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

package jsonscan_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"threatdetect/internal/jsonscan"
)

func Example() {
	var m jsonscan.Members
	m.Open([]byte(`{"ts": 1.5, "id": {"a": [1, 2]}, "proto": "tcp"}`))
	for m.Next() {
		fmt.Printf("%s %s\n", m.Key, m.Value)
	}
	fmt.Println(m.Closed)
	// Output:
	// ts 1.5
	// id {"a": [1, 2]}
	// proto tcp
	// true
}

func TestUnescape(t *testing.T) {
	for in, want := range map[string]string{
		`plain`: "plain", `a\"b\\c\/d`: `a"b\c/d`, `\b\f\n\r\t`: "\b\f\n\r\t", `\u00e9\u20AC`: "é€", `\ud83d\ude00`: "😀",
		`\ud83d`: "\ufffd", `\ud83dx`: "\ufffdx", `\ud83d\u0041`: "\ufffdA", "\xff": "\xff",
	} {
		require.Equal(t, want, string(jsonscan.Unescape(nil, []byte(in))), in)
	}
}

// FuzzMembers compares with encoding/json: what is an object, and which values it has.
func FuzzMembers(f *testing.F) {
	for _, s := range []string{
		`{}`, ` { } `, `{"a":1,"b":"x","c":null,"d":true,"e":false,"f":{"g":[1,{},[],"]"]}}`, `{"a":1,}`, `{"a":01}`, `{"a":-}`, `{"a":1.5e+3}`,
		`{"a":"\ud83d\ude00"}`, `{"a":"\x"}`, "{\"a\":\"\x01\"}", `{"a" : [ 1 , 2 ] }`, `{"a":tru}`, `[]`, `{"a":1}x`, `{"a":1 "b":2}`, `{"a"`, `{"a":[}`,
		`{"a":[1,]}`, `{"a":{"b"}}`, `{"a":{"b":1,}}`, `{"":""}`, "{\"\xff\":\"\xff\"}", `{"a":1e}`, `{"a":1.}`, `{"a":` + strings.Repeat("[", 63) + strings.Repeat("]", 63) + `}`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var want map[string]json.RawMessage
		whole := json.Unmarshal(b, &want) == nil && want != nil
		deep, members := nesting(b)
		if deep > jsonscan.MaxDepth || members {
			whole = false
		}
		got := map[string]string{}
		var m jsonscan.Members
		m.Open(b)
		n := 0
		for m.Next() {
			n++
			key := m.Key
			if m.KeyEscaped {
				key = jsonscan.Unescape(nil, key)
			}
			text := string(m.Value)
			if m.Kind == jsonscan.String {
				text = `"` + text + `"`
			}
			got[strings.ToValidUTF8(string(key), "\ufffd")] = text
		}
		if n > 0 && !m.Closed && n >= jsonscan.MaxMember {
			return
		}
		require.Equal(t, whole, m.Closed, "%q", b)
		if !whole {
			return
		}
		for key, text := range got {
			if raw, ok := want[key]; ok {
				require.Equal(t, string(raw), text)
			}
		}
	})
}

// nesting returns the greatest depth of brackets outside strings, and whether there may be more members than are allowed.
func nesting(b []byte) (deepest int, members bool) {
	depth, in := 0, false
	for i := 0; i < len(b); i++ {
		switch c := b[i]; {
		case in && c == '\\':
			i++
		case c == '"':
			in = !in
		case in:
		case c == '{' || c == '[':
			depth++
			deepest = max(deepest, depth)
		case c == '}' || c == ']':
			depth--
		}
	}
	return deepest, strings.Count(string(b), ",") >= jsonscan.MaxMember
}

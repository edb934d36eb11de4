package jsonscan_test

import (
	"bytes"
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

func TestElements(t *testing.T) {
	for array, want := range map[string][]string{
		`[]`: nil, `[ ]`: nil, `[1]`: {"1"}, `["a,]\"", [1,2] ,{"b":[3]}, null,-1e5]`: {`"a,]\""`, "[1,2]", `{"b":[3]}`, "null", "-1e5"}, `{}`: nil, ``: nil,
	} {
		var got []string
		for e := range jsonscan.Elements([]byte(array)) {
			got = append(got, string(e))
		}
		require.Equal(t, want, got, array)
		n, ok := jsonscan.Len([]byte(array))
		require.Equal(t, len(want), n)
		require.Equal(t, strings.HasPrefix(array, "["), ok)
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
		require.Equal(t, whole, walk(t, b, nil, nil, want), "%q", b)
		// Again with a layout that has learned this object, another one, and this one with blanks in it.
		var layout, inner jsonscan.Layout
		walk(t, b, &layout, &inner, want)
		walk(t, bytes.ReplaceAll(b, []byte(":"), []byte(": ")), &layout, &inner, nil)
		walk(t, []byte(`{"a":1,"b":{"a":2},"c":3}`), &layout, &inner, nil)
		require.Equal(t, whole, walk(t, b, &layout, &inner, want), "%q, learned", b)
		require.Equal(t, whole, walk(t, b, &layout, &inner, want), "%q, learned", b)
	})
}

// walk walks over an object and the objects in it, and compares their values with those wanted unless there are none. It
// reports whether the object is well-formed. IDs are given to keys by their length, as far as they are remembered.
func walk(t *testing.T, b []byte, layout, inner *jsonscan.Layout, want map[string]json.RawMessage) bool {
	var m, sub jsonscan.Members
	type pair struct {
		id   jsonscan.ID
		text string
	}
	var got []pair
	keys := map[string]string{}
	n := 0
	for m.OpenWith(b, layout); m.Next(); n++ {
		key := ""
		id := m.ID
		if id == jsonscan.Unknown {
			key = string(m.Key)
			if m.KeyEscaped {
				key = string(jsonscan.Unescape(nil, m.Key))
			}
			id = jsonscan.ID(len(key) % 200)
			m.Learn(id)
		}
		text := string(m.Value)
		switch {
		case m.Kind == jsonscan.String:
			text = `"` + text + `"`
		case m.Kind == jsonscan.Nested && sub.Enter(&m, inner):
			for sub.Next() {
				sub.Learn(1)
			}
			if !sub.Closed {
				return false
			}
			m.Leave(&sub)
			continue
		case m.Kind == jsonscan.Nested:
			raw, ok := m.Raw()
			if !ok {
				return false
			}
			text = string(raw)
		}
		got = append(got, pair{id, text})
		if layout == nil {
			keys[strings.ToValidUTF8(key, "\ufffd")] = text
		}
	}
	if !m.Closed || want == nil {
		return m.Closed
	}
	for key, text := range keys {
		if raw, ok := want[key]; ok {
			require.Equal(t, string(raw), text)
		}
	}
	if layout != nil { // the same values as without
		var plain jsonscan.Members
		i := 0
		for plain.Open(b); plain.Next(); {
			if plain.Kind == jsonscan.Nested && plain.Value[0] == '{' {
				continue
			}
			text := string(plain.Value)
			if plain.Kind == jsonscan.String {
				text = `"` + text + `"`
			}
			key := plain.Key
			if plain.KeyEscaped {
				key = jsonscan.Unescape(nil, key)
			}
			require.Equal(t, pair{jsonscan.ID(len(key) % 200), text}, got[i])
			i++
		}
		require.Len(t, got, i)
	}
	return true
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

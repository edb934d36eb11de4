package awsfake

import (
	"encoding/json"
	"time"
)

// A request or answer is a map of members. After decoding, a member is a string, bool, int64, float64, []byte, time.Time,
// []any or map[string]any, as its shape says.
type doc = map[string]any

// get follows members into a document; nil is where the path ends early.
func get(d doc, path ...string) any {
	var at any = d
	for _, p := range path {
		m, ok := at.(doc)
		if !ok {
			return nil
		}
		at = m[p]
	}
	return at
}

func str(d doc, path ...string) string {
	s, _ := get(d, path...).(string)
	return s
}

func num(d doc, path ...string) int64 {
	switch n := get(d, path...).(type) {
	case int64:
		return n
	case float64:
		return int64(n)
	}
	return 0
}

func float(d doc, path ...string) float64 {
	switch n := get(d, path...).(type) {
	case int64:
		return float64(n)
	case float64:
		return n
	}
	return 0
}

func flag(d doc, path ...string) bool {
	b, _ := get(d, path...).(bool)
	return b
}

func sub(d doc, path ...string) doc {
	m, _ := get(d, path...).(doc)
	return m
}

func list(d doc, path ...string) []any {
	l, _ := get(d, path...).([]any)
	return l
}

func docs(d doc, path ...string) []doc {
	var out []doc
	for _, e := range list(d, path...) {
		if m, ok := e.(doc); ok {
			out = append(out, m)
		}
	}
	return out
}

func strs(d doc, path ...string) []string {
	var out []string
	for _, e := range list(d, path...) {
		if s, ok := e.(string); ok {
			out = append(out, s)
		}
	}
	return out
}

// pick copies the members of a request that its description repeats; absent ones stay absent.
func pick(in doc, names ...string) doc {
	out := doc{}
	for _, n := range names {
		if v := in[n]; v != nil {
			out[n] = v
		}
	}
	return out
}

// without copies a document but for some members.
func without(in doc, names ...string) doc {
	out := doc{}
	for k, v := range in {
		out[k] = v
	}
	for _, n := range names {
		delete(out, n)
	}
	return out
}

// with adds members that are not empty, two arguments each, and gives the document back.
func with(d doc, pairs ...any) doc {
	for i := 0; i < len(pairs); i += 2 {
		v := pairs[i+1]
		switch x := v.(type) {
		case nil:
			continue
		case string:
			if x == "" {
				continue
			}
		case time.Time:
			if x.IsZero() {
				continue
			}
		}
		d[pairs[i].(string)] = v
	}
	return d
}

func anys[T any](in []T) []any {
	out := make([]any, len(in))
	for i, v := range in {
		out[i] = v
	}
	return out
}

// deepCopy is so that what a caller changes is not the server's.
func deepCopy(v any) any {
	switch x := v.(type) {
	case doc:
		out := make(doc, len(x))
		for k, e := range x {
			out[k] = deepCopy(e)
		}
		return out
	case []any:
		out := make([]any, len(x))
		for i, e := range x {
			out[i] = deepCopy(e)
		}
		return out
	}
	return v
}

func toJSON(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		return "null"
	}
	return string(b)
}

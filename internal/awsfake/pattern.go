package awsfake

import (
	"encoding/json"
	"fmt"
	"strings"
)

// checkPattern tells whether an event pattern is one that EventBridge accepts: objects down to lists of values.
func checkPattern(text string) (doc, *apiError) {
	bad := func(format string, args ...any) *apiError {
		return errorf("InvalidEventPatternException", "Event pattern is not valid. Reason: "+format, args...)
	}
	var p doc
	if err := json.Unmarshal([]byte(text), &p); err != nil {
		return nil, bad("%v", err)
	}
	if len(p) == 0 {
		return nil, bad("Empty pattern")
	}
	var walk func(d doc, path string) *apiError
	walk = func(d doc, path string) *apiError {
		for k, v := range d {
			at := strings.TrimPrefix(path+"."+k, ".")
			switch x := v.(type) {
			case doc:
				if err := walk(x, at); err != nil {
					return err
				}
			case []any:
				if len(x) == 0 {
					return bad("%q must have at least one value", at)
				}
				for _, e := range x {
					m, ok := e.(doc)
					if !ok || k == "$or" {
						continue
					}
					for op := range m {
						if !strings.Contains(" prefix suffix wildcard anything-but exists equals-ignore-case numeric cidr ", " "+op+" ") {
							return bad("Unrecognized match type %s at %q", op, at)
						}
					}
				}
			default:
				return bad("%q must be an object or an array", at)
			}
		}
		return nil
	}
	return p, walk(p, "")
}

// matchPattern tells whether an event matches a pattern.
func matchPattern(p doc, event any) bool {
	m, _ := event.(doc)
	for k, want := range p {
		if k == "$or" {
			ok := false
			for _, alternative := range want.([]any) {
				if a, is := alternative.(doc); is {
					ok = ok || matchPattern(a, event)
				}
			}
			if !ok {
				return false
			}
			continue
		}
		got, present := m[k]
		switch w := want.(type) {
		case doc:
			if !matchPattern(w, got) {
				return false
			}
		case []any:
			values := []any{got}
			if l, ok := got.([]any); ok {
				values = l
			}
			ok := false
			for _, e := range w {
				for _, v := range values {
					ok = ok || matchValue(e, v, present)
				}
			}
			if !ok {
				return false
			}
		}
	}
	return true
}

func matchValue(want, got any, present bool) bool {
	m, ok := want.(doc)
	if !ok {
		return present && fmt.Sprint(want) == fmt.Sprint(got) && (want == nil) == (got == nil)
	}
	text, isText := got.(string)
	for op, arg := range m {
		a, _ := arg.(string)
		switch op {
		case "exists":
			return present == (arg == true)
		case "prefix":
			return isText && strings.HasPrefix(text, a)
		case "suffix":
			return isText && strings.HasSuffix(text, a)
		case "equals-ignore-case":
			return isText && strings.EqualFold(text, a)
		case "wildcard":
			return isText && matchAny([]string{strings.ReplaceAll(a, "?", "\x00")}, strings.ReplaceAll(text, "?", "\x00"), false)
		case "anything-but":
			switch x := arg.(type) {
			case []any:
				for _, e := range x {
					if matchValue(e, got, present) {
						return false
					}
				}
				return present
			case doc:
				return present && !matchValue(x, got, present)
			}
			return present && !matchValue(arg, got, present)
		case "numeric":
			return present && matchNumeric(arg, got)
		}
	}
	return false
}

func matchNumeric(arg, got any) bool {
	l, _ := arg.([]any)
	n, ok := got.(float64)
	if !ok {
		return false
	}
	for i := 0; i+1 < len(l); i += 2 {
		v, _ := l[i+1].(float64)
		switch l[i] {
		case "=":
			ok = ok && n == v
		case "<":
			ok = ok && n < v
		case "<=":
			ok = ok && n <= v
		case ">":
			ok = ok && n > v
		case ">=":
			ok = ok && n >= v
		}
	}
	return ok
}

// jsonPath follows $.detail.object.key into an event; absent is "".
func jsonPath(path string, event any) (any, bool) {
	at := event
	if path == "$" {
		return at, true
	}
	for _, name := range strings.Split(strings.TrimPrefix(path, "$."), ".") {
		m, ok := at.(doc)
		if !ok {
			return nil, false
		}
		if at, ok = m[name]; !ok {
			return nil, false
		}
	}
	return at, true
}

package jsonscan

import "strings"

// Pointer is the place of a value in a JSON object: the reference tokens of a JSON pointer (RFC 6901).
type Pointer []string

// ParsePointer splits a pointer such as /event/original. The empty one is the object itself.
func ParsePointer(p string) Pointer {
	if p == "" {
		return nil
	}
	tokens := strings.Split(strings.TrimPrefix(p, "/"), "/")
	for i, t := range tokens {
		tokens[i] = strings.ReplaceAll(strings.ReplaceAll(t, "~1", "/"), "~0", "~")
	}
	return tokens
}

// Find returns the object that p points to in the object that is all of b; an object may also be held as a string. Of equal
// keys the last counts. scratch is appended to where strings have escapes, and returned. value is nil if something on
// the way is absent or null, and ok false if it is not well-formed.
func (p Pointer) Find(scratch, b []byte) (value, newScratch []byte, ok bool) {
	for _, token := range p {
		var m, found Members
		for m.Open(b); m.Next(); {
			key := m.Key
			if m.KeyEscaped {
				start := len(scratch)
				scratch = Unescape(scratch, key)
				key = scratch[start:]
			}
			if string(key) != token {
				continue
			}
			found = m
		}
		switch {
		case !m.Closed:
			return nil, scratch, false
		case found.Kind == Null:
			return nil, scratch, true
		}
		b = found.Value
		if found.Kind == String && found.ValueEscaped {
			start := len(scratch)
			scratch = Unescape(scratch, b)
			b = scratch[start:]
		}
	}
	return b, scratch, true
}

package model

import (
	"bytes"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"

	"threatdetect/internal/ubjson"
)

// jsonReader is a [document] over JSON text as XGBoost writes and reads it: NaN, Infinity and -Infinity are numbers, and control
// characters may stand in strings as they are. Like in UBJSON, nesting, keys and strings are limited.
type jsonReader struct {
	data  []byte
	pos   int
	depth int
	begun [ubjson.MaxDepth]bool // whether an element of the open container has been read, so that a comma is due
	text  []byte                // scratch of Text and Key for strings with escapes
}

func newJSONReader(data []byte) *jsonReader { return &jsonReader{data: data} }

func (r *jsonReader) Offset() int64 { return int64(r.pos) }

func (r *jsonReader) fail(offset int, err error) error {
	return &ParseError{Offset: int64(offset), Err: err}
}

func (r *jsonReader) failf(offset int, format string, args ...any) error {
	return r.fail(offset, formatErrorf(format, args...))
}

// unexpected fails at the cursor, saying what was expected there.
func (r *jsonReader) unexpected(want string) error {
	if r.pos >= len(r.data) {
		return r.failf(r.pos, "expected %s, found the end of the data", want)
	}
	return r.failf(r.pos, "expected %s, found %q", want, r.data[r.pos])
}

// peek skips white space and returns the next byte, or 0 at the end.
func (r *jsonReader) peek() byte {
	for ; r.pos < len(r.data); r.pos++ {
		switch c := r.data[r.pos]; c {
		case ' ', '\n', '\t', '\r':
		default:
			return c
		}
	}
	return 0
}

func (r *jsonReader) open(mark byte, what string) error {
	if r.peek() != mark {
		return r.unexpected(what)
	}
	if r.depth == len(r.begun) {
		return r.fail(r.pos, &LimitError{Name: "nesting", Limit: ubjson.MaxDepth, Got: ubjson.MaxDepth + 1})
	}
	r.pos++
	r.begun[r.depth] = false
	r.depth++
	return nil
}

// next steps over the comma in front of an element, or over the end mark, for which it returns false.
func (r *jsonReader) next(end byte) (bool, error) {
	begun := &r.begun[r.depth-1]
	switch c := r.peek(); {
	case c == end:
		r.pos++
		r.depth--
		return false, nil
	case !*begun:
		*begun = true
		return true, nil
	case c == ',':
		r.pos++
		if r.peek() == end {
			return false, r.unexpected("an element after the comma")
		}
		return true, nil
	}
	return false, r.unexpected("',' or '" + string(end) + "'")
}

func (r *jsonReader) Object() error { return r.open('{', "an object") }
func (r *jsonReader) Array() error  { return r.open('[', "an array") }

func (r *jsonReader) Key() ([]byte, bool, error) {
	ok, err := r.next('}')
	if !ok {
		return nil, false, err
	}
	r.peek()
	at := r.pos
	key, err := r.Text()
	if err != nil {
		return nil, false, err
	}
	if len(key) > ubjson.MaxKey {
		return nil, false, r.fail(at, &LimitError{Name: "key length", Limit: ubjson.MaxKey, Got: int64(len(key))})
	}
	if r.peek() != ':' {
		return nil, false, r.unexpected("':'")
	}
	r.pos++
	r.peek()
	return key, true, nil
}

func (r *jsonReader) More() (bool, error) {
	ok, err := r.next(']')
	r.peek()
	return ok, err
}

func (r *jsonReader) IsObject() bool { return r.peek() == '{' }
func (r *jsonReader) IsText() bool   { return r.peek() == '"' }

func (r *jsonReader) Text() ([]byte, error) {
	if r.peek() != '"' {
		return nil, r.unexpected("a string")
	}
	start := r.pos + 1
	n := bytes.IndexByte(r.data[start:], '"')
	if n < 0 {
		return nil, r.failf(len(r.data), "the string that starts at byte %d has no end", r.pos)
	}
	text := r.data[start : start+n]
	if bytes.IndexByte(text, '\\') >= 0 {
		return r.unescape(start)
	}
	if n > ubjson.MaxString {
		return nil, r.fail(r.pos, &LimitError{Name: "string length", Limit: ubjson.MaxString, Got: int64(n)})
	}
	r.pos = start + n + 1
	return text, nil
}

// unescape decodes the string whose text begins at start.
func (r *jsonReader) unescape(start int) ([]byte, error) {
	text := r.text[:0]
	for i := start; i < len(r.data); {
		switch c := r.data[i]; c {
		case '"':
			r.text, r.pos = text, i+1
			return text, nil
		case '\\':
			var n int
			if text, n = appendEscape(text, r.data[i:]); n == 0 {
				return nil, r.failf(i, "bad escape in a string")
			}
			i += n
		default:
			text = append(text, c)
			i++
		}
		if len(text) > ubjson.MaxString {
			return nil, r.fail(start, &LimitError{Name: "string length", Limit: ubjson.MaxString, Got: int64(len(text))})
		}
	}
	return nil, r.failf(len(r.data), "the string that starts at byte %d has no end", start-1)
}

// appendEscape appends what the escape at the start of s means and returns its length, or 0 if it is none.
func appendEscape(dst, s []byte) ([]byte, int) {
	if len(s) < 2 {
		return dst, 0
	}
	switch c := s[1]; c {
	case '"', '\\', '/':
		return append(dst, c), 2
	case 'b':
		return append(dst, '\b'), 2
	case 'f':
		return append(dst, '\f'), 2
	case 'n':
		return append(dst, '\n'), 2
	case 'r':
		return append(dst, '\r'), 2
	case 't':
		return append(dst, '\t'), 2
	}
	c, ok := hex4(s)
	if !ok {
		return dst, 0
	}
	if !utf16.IsSurrogate(c) {
		return utf8.AppendRune(dst, c), 6
	}
	if low, ok := hex4(s[6:]); ok {
		if pair := utf16.DecodeRune(c, low); pair != utf8.RuneError {
			return utf8.AppendRune(dst, pair), 12
		}
	}
	return utf8.AppendRune(dst, utf8.RuneError), 6
}

// hex4 reads \uXXXX.
func hex4(s []byte) (rune, bool) {
	if len(s) < 6 || s[0] != '\\' || s[1] != 'u' {
		return 0, false
	}
	v, err := strconv.ParseUint(string(s[2:6]), 16, 16)
	return rune(v), err == nil
}

// Skip steps over the next value and checks its syntax. Its recursion is bounded by the limit on nesting.
func (r *jsonReader) Skip() error {
	switch r.peek() {
	case '{':
		return eachKey(r, func([]byte) error { return r.Skip() })
	case '[':
		return eachElement(r, func(int) error { return r.Skip() })
	case '"':
		_, err := r.Text()
		return err
	case 't', 'f', 'n':
		for _, word := range []string{"true", "false", "null"} {
			if r.word(word) {
				return nil
			}
		}
		return r.unexpected("a value")
	}
	_, err := r.float32()
	return err
}

// word steps over w if it is next.
func (r *jsonReader) word(w string) bool {
	if len(r.data)-r.pos < len(w) || string(r.data[r.pos:r.pos+len(w)]) != w {
		return false
	}
	r.pos += len(w)
	return true
}

func (r *jsonReader) End() error {
	if r.peek(); r.pos != len(r.data) {
		return r.failf(r.pos, "%d bytes follow the document", len(r.data)-r.pos)
	}
	return nil
}

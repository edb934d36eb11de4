package corrupt

import (
	"bytes"
	"encoding/json"
	"io"
)

// member is a key and its value in a JSON text.
type member struct{ key, value, end int }

// keys damages every member of every object of a JSON file: it is left out, doubled, or given a value of another type. A
// file of another format has none.
func (s *sweep) keys() bool {
	s.seen = 0
	for _, m := range members(s.data) {
		for _, d := range []struct {
			what string
			text func() []byte
		}{
			{"key left out", func() []byte { return s.replace(m.key, m.end, `"_":0`) }},
			{"key doubled", func() []byte { return s.replace(m.key, m.key, string(s.data[m.key:m.end])+",") }},
			{"value null", func() []byte { return s.replace(m.value, m.end, "null") }},
			{"value a number", func() []byte { return s.replace(m.value, m.end, "-1") }},
			{"value a text", func() []byte { return s.replace(m.value, m.end, `"x"`) }},
			{"value an array", func() []byte { return s.replace(m.value, m.end, "[1e99]") }},
			{"value an object", func() []byte { return s.replace(m.value, m.end, `{"a":[]}`) }},
		} {
			if s.wanted() && !s.emit(d.what, m.key, d.text()) {
				return false
			}
		}
	}
	return true
}

func (s *sweep) replace(from, to int, text string) []byte {
	s.buf = append(append(append(s.buf[:0], s.data[:from]...), text...), s.data[to:]...)
	return s.buf
}

// members returns the members of the objects of a JSON text, as far as it is one.
func members(data []byte) []member {
	var found []member
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	first, err := dec.Token()
	if err != nil || first != json.Delim('{') {
		return nil
	}
	var value func() error
	object := func() error {
		for dec.More() {
			key := start(data, int(dec.InputOffset()))
			if _, err := dec.Token(); err != nil {
				return err
			}
			at := start(data, int(dec.InputOffset()))
			if err := value(); err != nil {
				return err
			}
			found = append(found, member{key, at, int(dec.InputOffset())})
		}
		_, err := dec.Token()
		return err
	}
	value = func() error {
		token, err := dec.Token()
		switch {
		case err != nil:
			return err
		case token == json.Delim('{'):
			return object()
		case token == json.Delim('['):
			for dec.More() {
				if err := value(); err != nil {
					return err
				}
			}
			_, err = dec.Token()
		}
		return err
	}
	if err := object(); err != nil && err != io.EOF {
		return found
	}
	return found
}

// start skips what may stand ahead of a token.
func start(data []byte, at int) int {
	for at < len(data) && bytes.IndexByte([]byte(" \t\r\n:,"), data[at]) >= 0 {
		at++
	}
	return at
}

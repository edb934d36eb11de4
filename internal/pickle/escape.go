package pickle

import (
	"errors"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// escaped reads UNICODE: a line of Latin-1 in which \uXXXX and \UXXXXXXXX are code points, and any other backslash is itself.
func (m *machine) escaped() (Value, error) {
	line, err := m.line()
	if err != nil {
		return nil, err
	}
	if err := m.payload(2 * len(line)); err != nil { // no byte becomes more than two
		return nil, err
	}
	text := make([]byte, 0, 2*len(line))
	for i := 0; i < len(line); {
		r, n := rune(line[i]), 1
		if r == '\\' {
			if r, n, err = codePoint(line[i:]); err != nil {
				return nil, err
			}
			if n == 0 { // a backslash guards the next byte, whatever it is
				text = append(text, '\\')
				if i++; i == len(line) {
					break
				}
				r, n = rune(line[i]), 1
			}
		}
		text = utf8.AppendRune(text, r)
		i += n
	}
	return String(text), nil
}

// codePoint reads the escape that p begins with and returns its length, or 0 if it is none.
func codePoint(p []byte) (rune, int, error) {
	r, n, err := unit(p)
	if err != nil || !utf16.IsSurrogate(r) {
		return r, n, err
	}
	// Python 2 wrote what is beyond 16 bits in two halves.
	low, more, err := unit(p[n:])
	if pair := utf16.DecodeRune(r, low); err == nil && pair != utf8.RuneError {
		return pair, n + more, nil
	}
	return 0, 0, errors.New("half a surrogate pair in a text")
}

func unit(p []byte) (rune, int, error) {
	if len(p) < 2 || p[0] != '\\' || p[1] != 'u' && p[1] != 'U' {
		return 0, 0, nil
	}
	n := 6
	if p[1] == 'U' {
		n = 10
	}
	if len(p) < n {
		return 0, 0, errors.New("an escape in a text is cut short")
	}
	v, err := strconv.ParseUint(string(p[2:n]), 16, 32)
	if err != nil || v > utf8.MaxRune {
		return 0, 0, errors.New("bad escape in a text: " + quote(string(p[:n])))
	}
	return rune(v), n, nil
}

// quoted reads STRING: a string of Python 2 as its repr.
func (m *machine) quoted() (Value, error) {
	line, err := m.line()
	if err != nil {
		return nil, err
	}
	n := len(line)
	if n < 2 || line[0] != line[n-1] || line[0] != '\'' && line[0] != '"' {
		return nil, errors.New("a string without quotes around it")
	}
	line = line[1 : n-1]
	if err := m.memory.spend(len(line)); err != nil {
		return nil, err
	}
	text := make([]byte, 0, len(line))
	for i := 0; i < len(line); {
		if line[i] != '\\' {
			text = append(text, line[i])
			i++
			continue
		}
		c, n, err := byteEscape(line[i+1:])
		if err != nil {
			return nil, err
		}
		text = append(text, c)
		i += 1 + n
	}
	return m.oldString(text, nil)
}

// byteEscape reads what follows a backslash in a string of bytes. Python's repr writes no others.
func byteEscape(p []byte) (c byte, n int, err error) {
	if len(p) > 0 {
		switch p[0] {
		case '\\', '\'', '"':
			return p[0], 1, nil
		case 'n':
			return '\n', 1, nil
		case 'r':
			return '\r', 1, nil
		case 't':
			return '\t', 1, nil
		case 'x':
			if len(p) >= 3 {
				if v, err := strconv.ParseUint(string(p[1:3]), 16, 8); err == nil {
					return byte(v), 3, nil
				}
			}
		}
	}
	return 0, 0, errors.New("bad escape in a string")
}

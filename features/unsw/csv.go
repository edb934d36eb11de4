package unsw

import "bytes"

// maxFields is the limit of fields of a record.
const maxFields = 1024

// splitter takes CSV lines apart. A quoted field has no line breaks.
type splitter struct {
	fields  [][]byte // trimmed of blanks
	scratch []byte   // quoted fields with a quote in them
}

// split fills s.fields with the fields of a line and reports whether it is well-formed: a field that begins with a
// quote must have another one at its end. Fields over the limit of their number are dropped.
func (s *splitter) split(line []byte) bool {
	s.fields, s.scratch = s.fields[:0], s.scratch[:0]
	for {
		var field []byte
		more := false
		if len(line) > 0 && line[0] == '"' {
			n := -1
			if field, n = s.quoted(line); n < 0 {
				return false
			}
			if more = n < len(line); more && line[n] != ',' {
				return false
			}
			line = line[n:]
			if more {
				line = line[1:]
			}
		} else {
			n := bytes.IndexByte(line, ',')
			if more = n >= 0; more {
				field, line = line[:n], line[n+1:]
			} else {
				field = line
			}
		}
		if len(s.fields) <= maxFields {
			s.fields = append(s.fields, trim(field))
		}
		if !more {
			return true
		}
	}
}

// quoted returns the text of the quoted field at the beginning of b and where it ends, behind its quote; -1 if it does
// not. A quote in it is doubled.
func (s *splitter) quoted(b []byte) (field []byte, end int) {
	start := len(s.scratch)
	copied := 1
	for i := 1; ; {
		n := bytes.IndexByte(b[i:], '"')
		if n < 0 {
			return nil, -1
		}
		if i += n + 1; i < len(b) && b[i] == '"' {
			s.scratch = append(s.scratch, b[copied:i]...)
			i++
			copied = i
			continue
		}
		if copied == 1 {
			return b[1 : i-1], i
		}
		s.scratch = append(s.scratch, b[copied:i-1]...)
		return s.scratch[start:], i
	}
}

func trim(b []byte) []byte {
	for len(b) > 0 && (b[0] == ' ' || b[0] == '\t') {
		b = b[1:]
	}
	for len(b) > 0 && (b[len(b)-1] == ' ' || b[len(b)-1] == '\t') {
		b = b[:len(b)-1]
	}
	return b
}

// empty reports whether all fields are.
func (s *splitter) empty() bool {
	for _, f := range s.fields {
		if len(f) > 0 {
			return false
		}
	}
	return true
}

// missing reports whether a field is one of the ways to write that there is no value.
func missing(b []byte) bool {
	switch len(b) {
	case 0:
		return true
	case 1:
		return b[0] == '-'
	case 4:
		if b[0] != '-' && b[0] != '+' {
			return false
		}
		b = b[1:]
		fallthrough
	case 3:
		return b[0]|0x20 == 'n' && b[1]|0x20 == 'a' && b[2]|0x20 == 'n'
	}
	return false
}

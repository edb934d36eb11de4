package celllog

import (
	"bytes"

	"threatdetect/internal/logio"
)

// Limits of a record.
const (
	MaxCells = 1024
	MaxCell  = 64 << 10 // bytes of a cell that [Splitter.Split] takes, without the quotes around it, and with the blanks
)

// Splitter takes lines apart. A quoted cell has no line breaks. It has one owner, and the cells are valid until the next
// line.
type Splitter struct {
	Cells   [][]byte // trimmed of blanks; at most MaxCells+1, more are dropped
	scratch []byte   // quoted cells with a quote in them

	separator byte // of the last line, 0 for blanks
}

// Split fills Cells with the cells of a line and reports whether it is well-formed: a cell that begins with a quote must
// have another one at its end, and none is longer than [MaxCell].
func (s *Splitter) Split(line []byte, separator byte) bool {
	had := cap(s.scratch)
	if s.scratch = logio.Reset(s.scratch, len(line)); cap(s.scratch) != had {
		clear(s.Cells[:cap(s.Cells)]) // which would keep what is dropped
	}
	s.Cells, s.separator = s.Cells[:0], separator
	long := len(line) > MaxCell
	for {
		var cell []byte
		more := false
		if len(line) > 0 && line[0] == '"' {
			n := -1
			if cell, n = s.quoted(line); n < 0 {
				return false
			}
			if more = n < len(line); more && line[n] != separator {
				return false
			}
			line = line[n:]
			if more {
				line = line[1:]
			}
		} else {
			n := bytes.IndexByte(line, separator)
			if more = n >= 0; more {
				cell, line = line[:n], line[n+1:]
			} else {
				cell = line
			}
		}
		if long && len(cell) > MaxCell {
			return false
		}
		if len(s.Cells) <= MaxCells {
			s.Cells = append(s.Cells, Trim(cell))
		}
		if !more {
			return true
		}
	}
}

// SplitBlanks fills Cells with the words of a line.
func (s *Splitter) SplitBlanks(line []byte) {
	s.Cells, s.separator = s.Cells[:0], 0
	for i := 0; ; {
		for i < len(line) && (line[i] == ' ' || line[i] == '\t') {
			i++
		}
		if i == len(line) || len(s.Cells) > MaxCells {
			return
		}
		start := i
		for i < len(line) && line[i] != ' ' && line[i] != '\t' {
			i++
		}
		s.Cells = append(s.Cells, line[start:i])
	}
}

// quoted returns the text of the quoted cell at the beginning of b and where it ends, behind its quote; -1 if it does
// not. A quote in it is doubled.
func (s *Splitter) quoted(b []byte) (cell []byte, end int) {
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

// Empty reports whether all cells are.
func (s *Splitter) Empty() bool {
	for _, c := range s.Cells {
		if len(c) > 0 {
			return false
		}
	}
	return true
}

// Trim returns b without the blanks around it.
func Trim(b []byte) []byte {
	for len(b) > 0 && (b[0] == ' ' || b[0] == '\t') {
		b = b[1:]
	}
	for len(b) > 0 && (b[len(b)-1] == ' ' || b[len(b)-1] == '\t') {
		b = b[:len(b)-1]
	}
	return b
}

// Missing reports whether a cell of a CSV log is one of the ways to write that there is no value: nothing, '-', or
// not-a-number with or without a sign.
func Missing(b []byte) bool {
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

// AppendLower appends b in lower case (ASCII) to dst.
func AppendLower(dst, b []byte) []byte {
	for _, c := range b {
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		dst = append(dst, c)
	}
	return dst
}

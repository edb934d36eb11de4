package celllog

import (
	"bytes"
	"strings"
)

// Schema is where the columns of a log are among the cells of its records.
type Schema struct {
	Cells int
	Names []string // of all cells, as the header spells them
	Asked int      // place of the column that was asked for by name, -1 if none was

	at []int
}

// NewSchema finds columns by the names of a header: column returns the number of the column that a name stands for, -1 for
// none, and n is how many there are. Of several cells of one column the first counts. asked is the name of a column whose
// text is wanted, matched as it is and then in any case; it may be none of the known ones, or "".
func NewSchema(cells [][]byte, n int, column func(name string) int, asked string) *Schema {
	s := &Schema{Cells: len(cells), Names: make([]string, len(cells)), Asked: -1, at: make([]int, n)}
	for c := range s.at {
		s.at[c] = -1
	}
	text := string(bytes.Join(cells, nil)) // of all, which is made once
	for i, cell := range cells {
		s.Names[i], text = text[:len(cell)], text[len(cell):]
		if c := column(s.Names[i]); c >= 0 && s.at[c] < 0 {
			s.at[c] = i
		}
		if asked != "" && s.Asked < 0 && s.Names[i] == asked {
			s.Asked = i
		}
	}
	for i, name := range s.Names {
		if asked != "" && s.Asked < 0 && strings.EqualFold(name, asked) {
			s.Asked = i
		}
	}
	return s
}

// At is the place of a column, -1 if the log does not have it.
func (s *Schema) At(column int) int { return s.at[column] }

// Has reports whether the log has a column.
func (s *Schema) Has(column int) bool { return s.at[column] >= 0 }

// Name is the log's own name of a column, "" if it does not have it.
func (s *Schema) Name(column int) string {
	if at := s.at[column]; at >= 0 {
		return s.Names[at]
	}
	return ""
}

// Get returns the cell of a column, nil if the log does not have it.
func (s *Schema) Get(cells [][]byte, column int) []byte {
	if at := s.at[column]; at >= 0 {
		return cells[at]
	}
	return nil
}

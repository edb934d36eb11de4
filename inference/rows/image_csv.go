package rows

import (
	"fmt"
	"math"
	"strings"
	"unicode/utf8"
)

// sniffed is how many characters of the first line the separator is guessed from.
const sniffed = 512

// text decodes and strips a payload.
func (m *Image) text(payload []byte) (string, *Error) {
	if !utf8.Valid(payload) {
		return "", syntaxFault(0, "", "the text is not UTF-8")
	}
	return strings.TrimFunc(string(payload), isPythonSpace), nil
}

// sniff guesses the separator from the first line. Python's csv.Sniffer prefers some characters; of the others it takes the
// most frequent one, and of several such the last in the alphabet. The container does not take a letter or a digit.
func sniff(line string) (rune, bool) {
	var counts [127]int
	n := 0
	for _, r := range line {
		if n++; n > sniffed {
			break
		}
		if r < rune(len(counts)) {
			counts[r]++
		}
	}
	for _, c := range ",\t; :" {
		if counts[c] > 0 {
			return c, true
		}
	}
	best := 0
	for c, count := range counts {
		if count >= counts[best] {
			best = c
		}
	}
	switch c := byte(best); {
	case counts[best] == 0:
		return 0, false
	case '0' <= c && c <= '9', 'a' <= c|0x20 && c|0x20 <= 'z':
		return ',', true
	}
	return rune(best), true
}

func (m *Image) scanCSV(payload []byte, row []float32, emit func() bool) (columns uint64, fault *Error) {
	text, fault := m.text(payload)
	if fault != nil {
		return 0, fault
	}
	first, _, _ := strings.Cut(text, "\n")
	comma, ok := sniff(first)
	if !ok {
		return 0, syntaxFault(0, "", "no separator can be guessed from the first line")
	}
	separator := string(comma)
	line := int64(0)
	for record := range strings.SplitSeq(text, "\n") {
		line++
		fill(row)
		n := 0
		for field := range strings.SplitSeq(record, separator) {
			v, fault := m.number(field, n+1)
			if fault != nil {
				fault.Line = line
				return 0, fault
			}
			if n < len(row) {
				row[n] = v
			}
			n++
		}
		if columns == 0 {
			columns = uint64(n)
		}
		if uint64(n) != columns {
			fault := syntaxFault(0, "", fmt.Sprintf("record has %s, the first has %d", counted(n, "field"), columns))
			fault.Line = line
			return 0, fault
		}
		if emit != nil && !emit() {
			break
		}
	}
	return columns, nil
}

// number reads a field; an empty one is missing.
func (m *Image) number(field string, column int) (float32, *Error) {
	if field == "" {
		return nan, nil
	}
	if f, n := decimal([]byte(field)); n == len(field) { // nearly always; Python reads it so, too
		return m.finite(f, column)
	}
	v, ok := pythonFloat(field)
	if !ok {
		return 0, syntaxFault(column, "", "not a number: "+quote([]byte(field)))
	}
	return m.narrow(v, column)
}

// narrow makes a value a float32, which XGBoost from 1.4 on wants to be finite.
func (m *Image) narrow(v float64, column int) (float32, *Error) {
	return m.finite(float32(v), column)
}

func (m *Image) finite(f float32, column int) (float32, *Error) {
	if math.IsInf(float64(f), 0) && !m.Infinite {
		return 0, syntaxFault(column, "", "the value is infinite as a float32")
	}
	return f, nil
}

package rows

import (
	"bytes"
	"fmt"
	"math"
	"strings"
	"unicode/utf8"
)

// sniffed is how many characters of the first line the separator is guessed from.
const sniffed = 512

// stripped is what the container takes off both ends of a payload: of its bytes, before they are decoded.
const stripped = " \t\n\r\v\f"

// text strips and decodes a payload.
func (m *Image) text(payload []byte) (string, *Error) {
	if !utf8.Valid(payload) {
		return "", notUTF8()
	}
	return strings.Trim(string(payload), stripped), nil
}

// sniff guesses the separator from the first line. Python's csv.Sniffer prefers some characters; of the others it takes the
// most frequent one, and of several such the last in the alphabet. The container does not take a letter or a digit.
func sniff(line []byte) (comma byte, ok bool) {
	if bytes.IndexByte(line[:min(len(line), sniffed)], ',') >= 0 {
		return ',', true
	}
	var counts [127]int
	n := 0
	for _, r := range string(line[:min(len(line), utf8.UTFMax*sniffed)]) {
		if n++; n > sniffed {
			break
		}
		if r < rune(len(counts)) {
			counts[r]++
		}
	}
	for _, c := range []byte(",\t; :") {
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
	return byte(best), true
}

func notUTF8() *Error { return syntaxFault(0, "", "the text is not UTF-8") }

func (m *Image) scanCSV(payload []byte, row []float32, emit func() bool) (columns uint64, fault *Error) {
	if !utf8.Valid(payload) {
		return 0, notUTF8()
	}
	text := bytes.Trim(payload, stripped)
	first, _, _ := bytes.Cut(text, []byte("\n"))
	comma, ok := sniff(first)
	if !ok {
		return 0, syntaxFault(0, "", "no separator can be guessed from the first line")
	}
	var r fieldReader
	defer r.giveBack()
	plain := comma != '+' && comma != '-' && comma != '.' // which are parts of numbers as well
	for line := int64(1); ; line++ {
		end := bytes.IndexByte(text, '\n')
		record, last := text, end < 0
		if !last {
			record, text = text[:end], text[end+1:]
		}
		n := 0
		for r.begin(record, comma); !r.done; n++ {
			if plain && n < len(row) { // nearly always; Python reads it so, too
				if n += r.read(row[n:]); r.done {
					break
				}
			}
			v, size, field := float32(0), 0, r.skip()
			if plain {
				v, size = decimal(field)
			}
			if size > 0 && size == len(field) {
				v, fault = m.finite(v, n+1)
			} else {
				v, fault = m.number(string(field), n+1)
			}
			if fault != nil {
				fault.Line = line
				return 0, fault
			}
			if n < len(row) {
				row[n] = v
			}
		}
		if n < len(row) {
			fill(row[n:])
		}
		if columns == 0 {
			columns = uint64(n)
		}
		if uint64(n) != columns {
			fault := syntaxFault(0, "", fmt.Sprintf("record has %s, the first has %d", counted(n, "field"), columns))
			fault.Line = line
			return 0, fault
		}
		if emit != nil && !emit() || last {
			return columns, nil
		}
	}
}

// number reads a field; an empty one is missing.
func (m *Image) number(field string, column int) (float32, *Error) {
	if field == "" {
		return nan, nil
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

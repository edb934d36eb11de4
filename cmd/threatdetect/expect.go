package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"

	"threatdetect/internal/logio"
)

// expectation is a file of predictions that somebody else made.
type expectation struct {
	values []float32
	width  int // values of a row
}

func (e *expectation) rows() int { return len(e.values) / e.width }

// maxExpect bounds a file of expected values, bytes.
const maxExpect = 1 << 30

// readExpectation reads numbers, one row a line: separated by commas, semicolons, tabs or blanks, or a JSON array, or a JSON
// number. A first line that is not of numbers is a header; a line without any text is none.
func (a *app) readExpectation(name string) (*expectation, error) {
	raw, err := a.open(name, nil, nil)
	if err != nil {
		return nil, err
	}
	defer raw.Close()
	in := logio.NewReader(raw)
	defer in.Close()
	text, err := io.ReadAll(io.LimitReader(in, maxExpect+1))
	if err != nil {
		return nil, inputError(name, err)
	}
	if len(text) > maxExpect {
		return nil, misfit(name, "more than the limit of %d bytes of expected values", maxExpect)
	}
	e := &expectation{}
	headerSeen := false
	for line := 1; len(text) > 0; line++ {
		var row []byte
		row, text, _ = bytes.Cut(text, []byte("\n"))
		fields := strings.FieldsFunc(string(row), isExpectComma)
		if len(fields) == 0 {
			continue
		}
		start := len(e.values)
		for _, field := range fields {
			v, ok := expectedValue(field)
			if !ok {
				if start == 0 && !headerSeen {
					headerSeen, fields = true, nil
					e.values = e.values[:0]
					break
				}
				return nil, misfit(fmt.Sprintf("%s:%d", name, line), "not a number: %.64q", field)
			}
			e.values = append(e.values, v)
		}
		switch {
		case fields == nil:
		case e.width == 0:
			e.width = len(fields)
		case e.width != len(fields):
			return nil, misfit(fmt.Sprintf("%s:%d", name, line), "%d values, the first row has %d", len(fields), e.width)
		}
	}
	if e.width == 0 {
		return nil, misfit(name, "no expected values in it; want one row of numbers a line")
	}
	return e, nil
}

func isExpectComma(r rune) bool { return strings.ContainsRune(", ;\t\r[]\ufeff", r) }

func expectedValue(s string) (float32, bool) {
	if s == "null" {
		return float32(math.NaN()), true
	}
	v, err := strconv.ParseFloat(s, 32)
	return float32(v), err == nil || errors.Is(err, strconv.ErrRange)
}

package model

import (
	"bufio"
	"math"
	"strconv"
)

// jsonSink writes JSON as XGBoost does: without white space, floats in the shortest form that reads back, NaN and Infinity by name.
type jsonSink struct {
	w       *bufio.Writer
	follows bool // a value has been written at this level, so that a comma comes first
	scratch []byte
}

func (s *jsonSink) comma() {
	if s.follows {
		s.w.WriteByte(',')
	}
	s.follows = true
}

func (s *jsonSink) open(mark byte) {
	s.comma()
	s.w.WriteByte(mark)
	s.follows = false
}

func (s *jsonSink) close(mark byte) {
	s.w.WriteByte(mark)
	s.follows = true
}

func (s *jsonSink) object()    { s.open('{') }
func (s *jsonSink) endObject() { s.close('}') }
func (s *jsonSink) array(int)  { s.open('[') }
func (s *jsonSink) endArray()  { s.close(']') }

func (s *jsonSink) key(name string) {
	s.text(name)
	s.w.WriteByte(':')
	s.follows = false
}

func (s *jsonSink) text(text string) {
	s.comma()
	s.scratch = appendQuoted(s.scratch[:0], text)
	s.w.Write(s.scratch)
}

// appendQuoted appends a string. XGBoost reads the five short escapes and takes any other byte as it is; other control characters get the
// form that JSON asks for, which XGBoost itself writes and does not read back.
func appendQuoted(dst []byte, text string) []byte {
	const digits = "0123456789abcdef"
	dst = append(dst, '"')
	for i := range len(text) {
		switch c := text[i]; {
		case c == '"' || c == '\\':
			dst = append(dst, '\\', c)
		case c == '\n':
			dst = append(dst, `\n`...)
		case c == '\r':
			dst = append(dst, `\r`...)
		case c == '\t':
			dst = append(dst, `\t`...)
		case c < ' ':
			dst = append(dst, `\u00`...)
			dst = append(dst, digits[c>>4], digits[c&15])
		default:
			dst = append(dst, c)
		}
	}
	return append(dst, '"')
}

func (s *jsonSink) int(v int64) {
	s.comma()
	s.scratch = strconv.AppendInt(s.scratch[:0], v, 10)
	s.w.Write(s.scratch)
}

func (s *jsonSink) float(v float32) {
	s.comma()
	s.scratch = appendFloat(s.scratch[:0], v)
	s.w.Write(s.scratch)
}

// appendFloat appends the shortest decimal that reads back to v, with an exponent: 1.9066457E-2, 5E-1, 0E0.
func appendFloat(dst []byte, v float32) []byte { return appendNumber(dst, float64(v), 32) }

func appendNumber(dst []byte, v float64, bits int) []byte {
	switch {
	case v != v:
		return append(dst, "NaN"...)
	case v > math.MaxFloat64:
		return append(dst, "Infinity"...)
	case v < -math.MaxFloat64:
		return append(dst, "-Infinity"...)
	}
	dst = strconv.AppendFloat(dst, v, 'E', -1, bits)
	// Go writes a sign and at least two digits of the exponent.
	end := len(dst)
	digits := end
	for dst[digits-1] != '+' && dst[digits-1] != '-' {
		digits--
	}
	sign := digits - 1
	for digits < end-1 && dst[digits] == '0' {
		digits++
	}
	keep := sign
	if dst[sign] == '-' {
		keep++
	}
	return append(dst[:keep], dst[digits:]...)
}

// writeArray writes an array whose elements append appends.
func writeArray[T any](s *jsonSink, values []T, appendOne func(dst []byte, v T) []byte) {
	s.open('[')
	for i, v := range values {
		s.scratch = s.scratch[:0]
		if i > 0 {
			s.scratch = append(s.scratch, ',')
		}
		s.scratch = appendOne(s.scratch, v)
		s.w.Write(s.scratch)
	}
	s.close(']')
}

func appendInt[T int8 | uint8 | int32 | int64](dst []byte, v T) []byte {
	return strconv.AppendInt(dst, int64(v), 10)
}

func (s *jsonSink) float32s(v []float32) { writeArray(s, v, appendFloat) }
func (s *jsonSink) float64s(v []float64) {
	writeArray(s, v, func(dst []byte, v float64) []byte { return appendNumber(dst, v, 64) })
}
func (s *jsonSink) int8s(v []byte) {
	writeArray(s, v, func(dst []byte, v byte) []byte { return appendInt(dst, int8(v)) })
}
func (s *jsonSink) uint8s(v []byte)  { writeArray(s, v, appendInt) }
func (s *jsonSink) int16s(v []int64) { writeArray(s, v, appendInt) }
func (s *jsonSink) int32s(v []int32) { writeArray(s, v, appendInt) }
func (s *jsonSink) int64s(v []int64) { writeArray(s, v, appendInt) }
func (s *jsonSink) flags(v []bool)   { writeArray(s, v, strconv.AppendBool) }

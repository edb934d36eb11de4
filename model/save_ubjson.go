package model

import (
	"bufio"
	"encoding/binary"
	"math"
)

// ubjsonSink writes the subset of UBJSON that XGBoost writes and reads: lengths are always 64 bits long, and every array is counted.
type ubjsonSink struct {
	w       *bufio.Writer
	scratch []byte
}

func (s *ubjsonSink) length(n int) {
	s.scratch = append(s.scratch[:0], 'L')
	s.scratch = binary.BigEndian.AppendUint64(s.scratch, uint64(n))
	s.w.Write(s.scratch)
}

func (s *ubjsonSink) object()    { s.w.WriteByte('{') }
func (s *ubjsonSink) endObject() { s.w.WriteByte('}') }
func (s *ubjsonSink) endArray()  {}

func (s *ubjsonSink) array(n int) {
	s.w.WriteString("[#")
	s.length(n)
}

func (s *ubjsonSink) key(name string) {
	s.length(len(name))
	s.w.WriteString(name)
}

func (s *ubjsonSink) text(text string) {
	s.w.WriteByte('S')
	s.key(text)
}

// int writes a number in the smallest type, the extremes of which XGBoost leaves to the next one.
func (s *ubjsonSink) int(v int64) {
	switch {
	case v > math.MinInt8 && v < math.MaxInt8:
		s.scratch = append(s.scratch[:0], 'i', byte(v))
	case v > math.MinInt16 && v < math.MaxInt16:
		s.scratch = binary.BigEndian.AppendUint16(append(s.scratch[:0], 'I'), uint16(v))
	case v > math.MinInt32 && v < math.MaxInt32:
		s.scratch = binary.BigEndian.AppendUint32(append(s.scratch[:0], 'l'), uint32(v))
	default:
		s.scratch = binary.BigEndian.AppendUint64(append(s.scratch[:0], 'L'), uint64(v))
	}
	s.w.Write(s.scratch)
}

func (s *ubjsonSink) float(v float32) {
	s.scratch = binary.BigEndian.AppendUint32(append(s.scratch[:0], 'd'), math.Float32bits(v))
	s.w.Write(s.scratch)
}

// typed writes an array of elements that have one type, each of which appendOne appends.
func typed[T any](s *ubjsonSink, mark byte, values []T, appendOne func(dst []byte, v T) []byte) {
	s.w.WriteString("[$")
	s.w.WriteByte(mark)
	s.w.WriteByte('#')
	s.length(len(values))
	const chunk = 1 << 10 // elements
	for len(values) > 0 {
		n := min(len(values), chunk)
		s.scratch = s.scratch[:0]
		for _, v := range values[:n] {
			s.scratch = appendOne(s.scratch, v)
		}
		s.w.Write(s.scratch)
		values = values[n:]
	}
}

func oneByte(dst []byte, v byte) []byte { return append(dst, v) }

func (s *ubjsonSink) int8s(v []byte)  { typed(s, 'i', v, oneByte) }
func (s *ubjsonSink) uint8s(v []byte) { typed(s, 'U', v, oneByte) }

func (s *ubjsonSink) float32s(v []float32) {
	typed(s, 'd', v, func(dst []byte, v float32) []byte {
		return binary.BigEndian.AppendUint32(dst, math.Float32bits(v))
	})
}

func (s *ubjsonSink) float64s(v []float64) {
	typed(s, 'D', v, func(dst []byte, v float64) []byte {
		return binary.BigEndian.AppendUint64(dst, math.Float64bits(v))
	})
}

func (s *ubjsonSink) int16s(v []int64) {
	typed(s, 'I', v, func(dst []byte, v int64) []byte { return binary.BigEndian.AppendUint16(dst, uint16(v)) })
}

func (s *ubjsonSink) int32s(v []int32) {
	typed(s, 'l', v, func(dst []byte, v int32) []byte { return binary.BigEndian.AppendUint32(dst, uint32(v)) })
}

func (s *ubjsonSink) int64s(v []int64) {
	typed(s, 'L', v, func(dst []byte, v int64) []byte { return binary.BigEndian.AppendUint64(dst, uint64(v)) })
}

func (s *ubjsonSink) flags(v []bool) {
	typed(s, 'U', v, func(dst []byte, v bool) []byte {
		if v {
			return append(dst, 1)
		}
		return append(dst, 0)
	})
}

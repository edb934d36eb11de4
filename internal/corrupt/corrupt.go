// Package corrupt makes damaged copies of a file, one defect each, in an order that is the same on every run.
//
// Tests of loaders sweep over all of them: every truncation, every flipped bit, telling bytes and words at every place,
// and for JSON every key dropped, doubled and given a value of another type.
package corrupt

import (
	"encoding/binary"
	"iter"
)

// Case is one damaged copy. Data is valid until the next one.
type Case struct {
	Number int64  // position in the sweep of its file, from 0
	What   string // kind of damage
	At     int    // place in the file, in bytes
	Data   []byte
}

// Sweep yields every damaged copy of data. Bits are flipped one by one in files of up to 64 KiB, and every seventh in
// larger ones; stride, which is at least 1, leaves out all but every stride-th case of each kind, for quick tests.
func Sweep(data []byte, stride int) iter.Seq[Case] {
	return func(yield func(Case) bool) {
		s := sweep{data: data, stride: max(stride, 1), yield: yield}
		_ = s.truncations() && s.bits() && s.bytes() && s.words(4, words32) && s.words(8, words64) && s.keys()
	}
}

type sweep struct {
	data   []byte
	buf    []byte
	stride int
	number int64
	seen   int // cases of the kind at hand
	yield  func(Case) bool
}

// wanted counts a case of the kind at hand and reports whether it is tried.
func (s *sweep) wanted() bool {
	s.seen++
	return (s.seen-1)%s.stride == 0
}

func (s *sweep) emit(what string, at int, data []byte) bool {
	s.number++
	return s.yield(Case{s.number - 1, what, at, data})
}

// copyOf returns a copy of the file that may be damaged.
func (s *sweep) copyOf() []byte {
	s.buf = append(s.buf[:0], s.data...)
	return s.buf
}

func (s *sweep) truncations() bool {
	s.seen = 0
	for n := range s.data {
		if s.wanted() && !s.emit("truncated", n, s.data[:n:n]) {
			return false
		}
	}
	return true
}

// bitLimit is up to which size every bit is flipped, in bytes.
const bitLimit = 64 << 10

func (s *sweep) bits() bool {
	step := 1
	if len(s.data) > bitLimit {
		step = 7
	}
	s.seen = 0
	for bit := 0; bit < 8*len(s.data); bit += step {
		if !s.wanted() {
			continue
		}
		c := s.copyOf()
		c[bit/8] ^= 1 << (bit % 8)
		if !s.emit("bit flipped", bit/8, c) {
			return false
		}
	}
	return true
}

func (s *sweep) bytes() bool {
	s.seen = 0
	for at := range s.data {
		for _, b := range []byte{0x00, 0x7f, 0x80, 0xff} {
			if s.data[at] == b || !s.wanted() {
				continue
			}
			c := s.copyOf()
			c[at] = b
			if !s.emit("byte set", at, c) {
				return false
			}
		}
	}
	return true
}

var (
	words32 = []uint64{0, 1, 1<<32 - 1, 1<<31 - 1, 1 << 31, 1<<32 - 2}
	words64 = []uint64{0, 1, 1<<64 - 1, 1<<63 - 1, 1 << 63, 1<<32 - 1, 1 << 31}
)

// words sets every aligned word of a size to telling values, in both byte orders.
func (s *sweep) words(size int, values []uint64) bool {
	s.seen = 0
	for at := 0; at+size <= len(s.data); at += size {
		for _, v := range values {
			for _, big := range []bool{false, true} {
				if !s.wanted() {
					continue
				}
				c := s.copyOf()
				switch {
				case size == 4 && big:
					binary.BigEndian.PutUint32(c[at:], uint32(v))
				case size == 4:
					binary.LittleEndian.PutUint32(c[at:], uint32(v))
				case big:
					binary.BigEndian.PutUint64(c[at:], v)
				default:
					binary.LittleEndian.PutUint64(c[at:], v)
				}
				if !s.emit("word set", at, c) {
					return false
				}
			}
		}
	}
	return true
}

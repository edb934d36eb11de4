package rows

import (
	"bytes"
	"encoding/binary"
	"math"
	"math/bits"
	"sync"

	"threatdetect/internal/rowscan"
)

// ahead is how many bytes are looked at from the beginning of a number on.
const ahead = 16

// tens holds 10^i for as many digits as there may be behind the point.
var tens = [8]uint64{1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7}

// fieldReader reads the fields of lines that are mostly numbers.
type fieldReader struct {
	block *rowscan.Block // nil until a line needs it
	line  []byte
	comma byte
	count int  // fields of the line, if the block has it; else 0
	next  int  // field, or where it begins if the block has not the line
	done  bool // there is no next one
}

var blocks = sync.Pool{New: func() any { return new(rowscan.Block) }}

// giveBack ends the use of r.
func (r *fieldReader) giveBack() {
	if r.block != nil {
		r.block.Scan(nil, ',', ',') // or it would hold what was read
		blocks.Put(r.block)
	}
}

// minScanned is how long a line is at least for a block to read it.
const minScanned = 64

// begin begins with a line, in which there is no newline. Bytes behind it may be looked at, as far as its capacity goes, but what they are does not matter.
func (r *fieldReader) begin(line []byte, comma byte) {
	r.line, r.comma, r.count, r.next, r.done = line, comma, 0, 0, false
	size := len(line)
	if minScanned <= size && size < rowscan.MaxText && size < cap(line) && line[:size+1][size] == '\n' && rowscan.HasFloats() {
		if r.block == nil {
			r.block = blocks.Get().(*rowscan.Block)
		}
		r.block.Scan(line[:size+1], comma, comma)
		r.count = r.block.Fields(0)
	}
}

// read reads fields into dst as long as each is empty, which is missing, or, behind spaces, what decimal reads, and finite. It returns how many it read.
func (r *fieldReader) read(dst []float32) (n int) {
	if r.count == 0 {
		n, r.next, r.done = decimals(dst, r.line, r.next, r.comma)
		return n
	}
	for {
		k := r.block.Floats(dst[n:], 0, r.next)
		n += k
		if r.next += k; r.next == r.count {
			r.done = true
			return n
		}
		if n == len(dst) {
			return n
		}
		start, end := r.block.Field(0, r.next)
		if k, _, _ = decimals(dst[n:][:1], r.line[:end:end], start, r.comma); k == 0 {
			return n
		}
		n++
		if r.next++; r.next == r.count {
			r.done = true
			return n
		}
	}
}

// skip returns the next field.
func (r *fieldReader) skip() []byte {
	if r.count > 0 {
		start, end := r.block.Field(0, r.next)
		r.next++
		r.done = r.next == r.count
		return r.line[start:end]
	}
	rest := r.line[r.next:]
	end := bytes.IndexByte(rest, r.comma)
	if end < 0 {
		r.done = true
		return rest
	}
	r.next += end + 1
	return rest[:end]
}

// left is how many fields there are from the next one on.
func (r *fieldReader) left() int {
	if r.count > 0 {
		return r.count - r.next
	}
	return bytes.Count(r.line[r.next:], []byte{r.comma}) + 1
}

// decimals is read for the fields of a line that begin at from. It returns how many it read and where the one behind them begins, or that there is none.
//
// Digits are looked at eight at a time: a branch that depends on how many of them a number has is guessed wrong for most numbers, which takes longer than all
// else about them.
func decimals(dst []float32, line []byte, from int, comma byte) (n, next int, all bool) {
	next = from
	window := line[:cap(line)]
	for n < len(dst) {
		v, end := nan, next
		if next <= len(window)-ahead {
			x, y := binary.LittleEndian.Uint64(window[next:]), binary.LittleEndian.Uint64(window[next+8:])
			first, sign := next, uint32(0)
			if byte(x) == '-' && next < len(window)-ahead {
				first, sign = next+1, 1<<31
				x, y = x>>8|y<<56, y>>8|uint64(window[next+ahead])<<56
			}
			// whole and places are how many digits there are before and behind the point, times eight, as bytes are bits here.
			c := x
			x, y = x^zeros, y^zeros
			if other := noDigits(x); other != 0 {
				whole := uint(bits.TrailingZeros64(other)) & 56
				point := (uint64(byte(c>>whole)^'.') - 1) >> 63
				fraction := x>>whole>>8 | y<<(56-whole)
				if other = other>>whole>>8 | noDigits(y)<<(56-whole) | (point^1)<<7; other != 0 {
					places := uint(bits.TrailingZeros64(other)) & 56
					if end = first + int(whole/8+uint(point)+places/8); whole+places > 0 && (end == len(line) || end < len(line) && window[end] == comma) {
						m := value8(x<<(56-whole)<<8)*tens[places/8] + value8(fraction<<(56-places)<<8)
						f := float32(float64(int64(m)) / powers[places/8])
						dst[n] = math.Float32frombits(math.Float32bits(f) | sign)
						n++
						if end == len(line) {
							return n, end, true
						}
						next = end + 1
						continue
					}
				}
			}
		}
		end = next
		for end < len(line) && line[end] == ' ' && comma != ' ' {
			end++
		}
		if end > next || end < len(line) && line[end] != comma {
			var size int
			if v, size = decimal(line[end:]); size == 0 || v-v != 0 {
				return n, next, false
			}
			if end += size; end < len(line) && line[end] != comma {
				return n, next, false
			}
		}
		dst[n] = v
		n++
		if end == len(line) {
			return n, end, true
		}
		next = end + 1
	}
	return n, next, false
}

const zeros = 0x3030303030303030

// noDigits has the highest bit of each byte set that is no digit, after the bytes '0' were made 0.
func noDigits(x uint64) uint64 {
	const high = 0x8080808080808080
	return (x&^high + 0x7676767676767676 | x) & high
}

// value8 is the value of eight digits, the first in the lowest byte, after the bytes '0' were made 0.
func value8(x uint64) uint64 {
	x = x*10 + x>>8
	return (x&0x000000ff000000ff*(100+1000000<<32) + x>>16&0x000000ff000000ff*(1+10000<<32)) >> 32
}

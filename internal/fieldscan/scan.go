package fieldscan

import (
	"encoding/binary"
	"math"
	"math/bits"
)

// MaxLine is the length of the longest line that a [Table] takes.
const MaxLine = 1 << 13

// slack is how many entries behind the last one may be written to: they are written several at once.
const slack = 24

// Table says where the fields of a line are. The zero value is ready. Its owner is who scans.
type Table struct {
	// ends[i+1] is where field i ends, and ends[0] is one before the line; other entries mean nothing.
	ends [MaxLine + 2 + slack]uint16
}

// Field returns where field i of the last line is. It means nothing if there is none. Of i only the lower 13 bits count.
func (t *Table) Field(i int) (start, end int) {
	i &= MaxLine - 1
	return int(t.ends[i] + 1), int(t.ends[i+1])
}

// Scan takes a line apart and returns the number of its fields, at least one, and whether it holds the byte escape. It panics if the line is longer
// than [MaxLine].
func (t *Table) Scan(line []byte, sep, escape byte) (fields int, escaped bool) {
	return t.scan(line, sep, escape, 0)
}

// Quoted takes a line apart at its quotes, so that the fields of odd number are what is between two of them, and returns how many quotes there are.
// odd says that the line holds a backslash or a control character: what a field is then is for others to say. It panics if the line is
// longer than [MaxLine].
func (t *Table) Quoted(line []byte) (quotes int, odd bool) {
	fields, odd := t.scan(line, '"', '\\', ' ')
	return fields - 1, odd
}

// scan is Scan that also finds bytes which are less than low, at most 128.
func (t *Table) scan(line []byte, sep, escape, low byte) (fields int, found bool) {
	if len(line) > MaxLine {
		panic("fieldscan: line too long")
	}
	t.ends[0] = math.MaxUint16
	var n int
	if len(line) >= 64 && hasAVX2 {
		count, any := scanAVX2(&t.ends[1], &line[0], uintptr(len(line)), sep, escape, low)
		n, found = int(count), any != 0
	} else {
		n, found = t.scanGeneric(line, sep, escape, low)
	}
	t.ends[n+1] = uint16(len(line))
	return n + 1, found
}

const (
	low7 = 0x7f7f7f7f7f7f7f7f
	ones = 0x0101010101010101
)

// zeros has the highest bit of each byte set that is zero in x, and no others.
func zeros(x uint64) uint64 { return ^((x&low7 + low7) | x | low7) }

// gather makes the highest bits of eight bytes into the bits of one.
func gather(high uint64) uint64 { return (high >> 7) * 0x0102040810204080 >> 56 }

// scanGeneric returns the number of separators and writes where they are.
func (t *Table) scanGeneric(line []byte, sep, escape, low byte) (n int, any bool) {
	seps, escapes, lows := ones*uint64(sep), ones*uint64(escape), ones*uint64(low)
	var found uint64
	for start := 0; start < len(line); start += 64 {
		block := line[start:min(start+64, len(line))]
		var m uint64
		i := 0
		for ; i+8 <= len(block); i += 8 {
			x := binary.LittleEndian.Uint64(block[i:])
			m |= gather(zeros(x^seps)) << (i & 63)
			found |= zeros(x^escapes) | (x-lows)&^x&^low7 // the highest bit of the first byte that is less is set, if there is one
		}
		for ; i < len(block); i++ {
			if block[i] == sep {
				m |= 1 << (i & 63)
			}
			if block[i] == escape || block[i] < low {
				found = 1
			}
		}
		count := bits.OnesCount64(m)
		for k := 0; k < count; k += 4 {
			to := t.ends[n+k+1:][:4]
			for j := range to {
				to[j] = uint16(start + bits.TrailingZeros64(m))
				m &= m - 1
			}
		}
		n += count
	}
	return n, found != 0
}

package rowscan

import (
	"encoding/binary"
	"math"
	"math/bits"
)

const (
	// MaxText is the length of the longest text that a [Block] takes.
	MaxText = 1 << 13
	// MaxFields is how many fields of a row can be told apart.
	MaxFields = 63
)

// slack is how many entries behind the last one may be written to: they are written several at once.
const slack = 24

// Row is where the fields of a line are: field i ends at entry i+1, and begins one behind entry i, as an offset in the text. Entries of fields that the line has not
// mean nothing.
type Row [MaxFields + 1]uint16

// Field returns where field i is in the text. Of i only the lower 6 bits count.
func (r *Row) Field(i int) (start, end int) {
	return int(r[i&MaxFields] + 1), int(r[(i+1)&MaxFields])
}

// Block is the lines of a text, taken apart. The zero value is ready. Its owner is who scans.
type Block struct {
	text []byte
	// ends[i+1] is where separator or newline i is, and ends[0] is one before the text; other entries mean nothing.
	ends [1 + MaxText + slack + MaxFields + 1]uint16
	// lines[i+1] is how many separators and newlines there are ahead of that at the end of line i; lines[0] is one less than none.
	lines [1 + MaxText + slack]uint16
}

// Scan takes a text apart that ends with a newline, or is empty, and returns how many lines it has and whether the byte escape is in it. The block refers to the text
// until the next Scan. It panics if the text is longer than [MaxText].
func (b *Block) Scan(text []byte, sep, escape byte) (lines int, escaped bool) {
	if len(text) > MaxText {
		panic("rowscan: text too long")
	}
	b.text = text
	b.ends[0], b.lines[0] = math.MaxUint16, math.MaxUint16
	if len(text) >= 64 && hasAVX2 {
		_, n, found := blockAVX2(&b.ends[1], &b.lines[1], &text[0], uintptr(len(text)), sep, escape)
		return int(n), found != 0
	}
	return b.scanGeneric(text, sep, escape)
}

// Text is what was scanned.
func (b *Block) Text() []byte { return b.text }

// Line returns where line i is in the text, and how many fields it has, at least one.
func (b *Block) Line(i int) (start, end, fields int) {
	first, last := b.first(i), int(b.lines[i+1])
	return int(b.ends[first] + 1), int(b.ends[last+1]), last - first + 1
}

// first is how many separators and newlines there are ahead of line i.
func (b *Block) first(i int) int { return int(b.lines[i] + 1) }

// Row returns where the fields of line i are.
func (b *Block) Row(i int) *Row { return (*Row)(b.ends[b.first(i):]) }

const (
	low7 = 0x7f7f7f7f7f7f7f7f
	ones = 0x0101010101010101
)

// zeros has the highest bit of each byte set that is zero in x, and no others.
func zeros(x uint64) uint64 { return ^((x&low7 + low7) | x | low7) }

// gather makes the highest bits of eight bytes into the bits of one.
func gather(high uint64) uint64 { return (high >> 7) * 0x0102040810204080 >> 56 }

// scanGeneric is Scan.
func (b *Block) scanGeneric(text []byte, sep, escape byte) (lines int, escaped bool) {
	seps, escapes := ones*uint64(sep), ones*uint64(escape)
	var found uint64
	n := 0
	for start := 0; start < len(text); start += 64 {
		part := text[start:min(start+64, len(text))]
		var any, breaks uint64 // bits of separators and newlines, and of newlines
		i := 0
		for ; i+8 <= len(part); i += 8 {
			x := binary.LittleEndian.Uint64(part[i:])
			found |= zeros(x ^ escapes)
			newline := zeros(x ^ ones*'\n')
			breaks |= gather(newline) << (i & 63)
			any |= gather(zeros(x^seps)|newline) << (i & 63)
		}
		for ; i < len(part); i++ {
			switch part[i] {
			case '\n':
				breaks |= 1 << (i & 63)
				any |= 1 << (i & 63)
			case sep:
				any |= 1 << (i & 63)
			}
			if part[i] == escape {
				found = 1
			}
		}
		for ; breaks != 0; breaks &= breaks - 1 {
			lines++
			b.lines[lines] = uint16(n + bits.OnesCount64(any&(breaks&-breaks-1)))
		}
		count := bits.OnesCount64(any)
		for k := 0; k < count; k += 4 {
			to := b.ends[n+k+1:][:4]
			for j := range to {
				to[j] = uint16(start + bits.TrailingZeros64(any))
				any &= any - 1
			}
		}
		n += count
	}
	return lines, found != 0
}

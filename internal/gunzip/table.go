package gunzip

import "math/bits"

// An entry of a table says what a code means:
//
//	 31      16 15      14       12   8 7     0
//	[ value    | literal | special|extra| length ]
//
// length is that of the code in bits, 0 for a code that does not exist; extra is how many bits are added to value.
// A special entry is the end of the block, a code that must not occur or, with the flag link, where a second table
// begins and how many bits choose in it (in length).
const (
	lengthMask = 0xff
	extraShift = 8
	extraMask  = 0xf
	link       = 1 << 13
	special    = 1 << 14
	literal    = 1 << 15
	valueShift = 16

	endOfBlock = special
	forbidden  = special | 1<<valueShift

	primary = 10 // bits that choose in the first table
	maxCode = 15
)

// table decodes a Huffman code.
type table struct {
	entries [1 << primary]uint32
	second  []uint32 // for longer codes
}

// lookup returns the entry of the code at the low end of b.
func (t *table) lookup(b uint64) uint32 {
	e := t.entries[b&(1<<primary-1)]
	if e&link != 0 {
		e = t.second[uint64(e>>valueShift)+b>>primary&(1<<(e&lengthMask)-1)]
	}
	return e
}

// build makes the table of the code in which symbol i has length lengths[i]; symbols are their meanings. It reports
// whether that is a code: complete, unless it is a single symbol of one bit, or none at all. As zlib does, a code for
// lengths must be complete in any case.
func (t *table) build(lengths []uint8, symbols []uint32) bool {
	var count, next [maxCode + 1]int
	longestCode := 0
	for _, n := range lengths {
		count[n]++
		longestCode = max(longestCode, int(n))
	}
	for i := range t.entries {
		t.entries[i] = forbidden
	}
	t.second = t.second[:0]
	if longestCode == 0 {
		return true
	}
	count[0] = 0
	for n := 1; n <= longestCode; n++ {
		next[n] = (next[n-1] + count[n-1]) << 1
	}
	left := 1<<longestCode - (next[longestCode] + count[longestCode])
	if left < 0 || left > 0 && (longestCode > 1 || len(symbols) == len(codeSymbols)) {
		return false
	}
	for symbol, length := range lengths {
		if length == 0 {
			continue
		}
		n := uint(length)
		reversed := int(bits.Reverse16(uint16(next[n])) >> (16 - n))
		next[n]++
		e := symbols[symbol] | uint32(n)
		if n <= primary {
			for i := reversed; i < len(t.entries); i += 1 << n {
				t.entries[i] = e
			}
			continue
		}
		first := &t.entries[reversed&(1<<primary-1)]
		width := uint(longestCode) - primary
		if *first&link == 0 {
			*first = uint32(len(t.second))<<valueShift | special | link | uint32(width)
			for range 1 << width {
				t.second = append(t.second, forbidden)
			}
		}
		for i := reversed >> primary; i < 1<<width; i += 1 << (n - primary) {
			t.second[int(*first>>valueShift)+i] = e
		}
	}
	return true
}

// The meanings of symbols: of codes for lengths, of literals and lengths, of distances.
var codeSymbols, litlenSymbols, distSymbols = func() (code, litlen, dist []uint32) {
	for i := range uint32(19) {
		code = append(code, i<<valueShift)
	}
	for i := range uint32(256) {
		litlen = append(litlen, i<<valueShift|literal)
	}
	litlen = append(litlen, endOfBlock)
	length := uint32(3)
	for i := range uint32(28) {
		extra := uint32(0)
		if i >= 8 {
			extra = i/4 - 1
		}
		litlen = append(litlen, length<<valueShift|extra<<extraShift)
		length += 1 << extra
	}
	litlen = append(litlen, longest<<valueShift, forbidden, forbidden)
	distance := uint32(1)
	for i := range uint32(30) {
		extra := uint32(0)
		if i >= 2 {
			extra = i/2 - 1
		}
		dist = append(dist, distance<<valueShift|extra<<extraShift)
		distance += 1 << extra
	}
	return code, litlen, append(dist, forbidden, forbidden)
}()

// The codes of blocks that bring none.
var fixedLitlen, fixedDist = func() (litlen, dist table) {
	var lengths [288]uint8
	for i := range lengths {
		switch {
		case i < 144:
			lengths[i] = 8
		case i < 256:
			lengths[i] = 9
		case i < 280:
			lengths[i] = 7
		default:
			lengths[i] = 8
		}
	}
	litlen.build(lengths[:], litlenSymbols)
	for i := range 32 {
		lengths[i] = 5
	}
	dist.build(lengths[:32], distSymbols)
	return litlen, dist
}()

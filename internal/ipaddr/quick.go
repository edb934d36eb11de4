package ipaddr

import (
	"encoding/binary"
	"math/bits"
)

const (
	low7 = 0x7f7f7f7f7f7f7f7f
	dots = 0x2e2e2e2e2e2e2e2e
)

// dotsOf has bit i set where byte i of x is a dot.
func dotsOf(x uint64) uint64 {
	x ^= dots
	return ^((x&low7 + low7) | x | low7) >> 7 * 0x0102040810204080 >> 56
}

// quad reads the dotted quad that is the last n bytes of b, all parts at once: where the dots are is only data.
func quad(b *[20]byte, n uint) (a [4]byte, ok bool) {
	at := dotsOf(binary.LittleEndian.Uint64(b[4:12])) | dotsOf(binary.LittleEndian.Uint64(b[12:]))<<8
	at &= 0xffff << (16 - n)
	first := uint(bits.TrailingZeros64(at))
	at &= at - 1
	second := uint(bits.TrailingZeros64(at))
	at &= at - 1
	third := uint(bits.TrailingZeros64(at))
	if at == 0 || at&(at-1) != 0 {
		return a, false
	}
	v0, bad0 := part(b, first, first-(16-n))
	v1, bad1 := part(b, second, second-first-1)
	v2, bad2 := part(b, third, third-second-1)
	v3, bad3 := part(b, 16, 16-third-1)
	return [4]byte{byte(v0), byte(v1), byte(v2), byte(v3)}, bad0|bad1|bad2|bad3 == 0
}

// least is the least number that is written with so many digits; no other has a zero in front.
var least = [4]uint32{0, 0, 10, 100}

// part is the number of n digits before b[4+end], and bad is not 0 if it is none from 0 to 255 without zeros in front.
func part(b *[20]byte, end, n uint) (v, bad uint32) {
	if n-1 > 2 {
		return 0, 1
	}
	x := binary.LittleEndian.Uint32(b[end&31 : end&31+4])
	shift := (32 - 8*n) & 31
	x = x>>shift<<shift ^ 0x30303030<<shift
	bad = (x | (x + 0x06060606)) & 0xf0f0f0f0
	v = x>>8&15*100 + x>>16&15*10 + x>>24
	// The subtractions wrap, and set the highest bit, where v is too large or too small.
	return v, bad | (255-v)>>31 | (v-least[n&3])>>31
}

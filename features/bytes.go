package features

import (
	"math"
	"math/bits"
)

// IPBytes estimates the bytes of IP packets from bytes that include the Ethernet header and so many VLAN tags: 14 bytes a
// packet less, and 4 for each tag, but no less than the packets' IP headers need, 20 bytes each or 40 for IPv6. It is no
// more than that because short frames are padded.
func IPBytes(link, packets uint64, tags int, v6 bool) uint64 {
	header := uint64(20)
	if v6 {
		header = 40
	}
	return max(sub(link, mul(14+4*uint64(tags), packets)), mul(header, packets))
}

// mul is a * b, or as large as can be.
func mul(a, b uint64) uint64 {
	if hi, lo := bits.Mul64(a, b); hi == 0 {
		return lo
	}
	return math.MaxUint64
}

// sub is a - b, or 0.
func sub(a, b uint64) uint64 {
	if a < b {
		return 0
	}
	return a - b
}

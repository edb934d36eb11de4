package ipaddr

import (
	"encoding/binary"
	"net/netip"
)

// Cache remembers which IPv4 addresses texts of 7 to 16 bytes meant, which is most of them: hosts in a log come again soon. The zero value is ready; it takes
// 24 KiB, and has one owner.
type Cache struct {
	entries [1 << cacheBits]cached
}

const cacheBits = 10

// cached is a text, as its first and last bytes and its length, and its meaning.
type cached struct {
	first, last uint64
	size        uint32
	addr        [4]byte
}

// Parse is [Parse].
func (c *Cache) Parse(b []byte) (addr netip.Addr, ok bool) {
	var first, last uint64
	switch n := len(b); {
	case n > 16 || n < 7:
		return Parse(b)
	case n >= 8:
		first, last = binary.LittleEndian.Uint64(b), binary.LittleEndian.Uint64(b[n-8:])
	default:
		first, last = uint64(binary.LittleEndian.Uint32(b)), uint64(binary.LittleEndian.Uint32(b[3:]))
	}
	e := &c.entries[(last*0x9e3779b97f4a7c15^first*0xbf58476d1ce4e5b9)>>(64-cacheBits)]
	if e.first == first && e.last == last && e.size == uint32(len(b)) {
		return netip.AddrFrom4(e.addr), true
	}
	if addr, ok = Parse(b); ok && addr.Is4() {
		*e = cached{first, last, uint32(len(b)), addr.As4()}
	}
	return addr, ok
}

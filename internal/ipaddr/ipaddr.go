// Package ipaddr reads IP addresses from the bytes of a log, without allocating. [netip.ParseAddr], which every answer is held to by tests and by
// fuzzing, takes a string and makes an error of what is no address.
package ipaddr

import (
	"bytes"
	"net/netip"
)

// Parse returns the address that b spells: what [netip.ParseAddr] accepts, with an IPv4-mapped IPv6 address
// unmapped and a zone dropped.
func Parse(b []byte) (addr netip.Addr, ok bool) {
	if n := len(b); 7 <= n && n <= 15 {
		var text [20]byte
		copy(text[20-n:], b)
		if a, ok := quad(&text, uint(n)); ok {
			return netip.AddrFrom4(a), true
		}
	}
	if i := bytes.IndexByte(b, '%'); i >= 0 {
		if i == len(b)-1 {
			return netip.Addr{}, false
		}
		b = b[:i]
	}
	return parse6(b)
}

// parse4 reads a dotted quad at the start of b, which may be followed by nothing else, and returns its length or -1.
func parse4(b []byte, a *[4]byte) int {
	i := 0
	for part := range 4 {
		if part > 0 {
			if i >= len(b) || b[i] != '.' {
				return -1
			}
			i++
		}
		start, v := i, uint(0)
		for i < len(b) && i < start+3 && b[i]-'0' <= 9 {
			v = v*10 + uint(b[i]-'0')
			i++
		}
		// Leading zeros are refused: some programs read them as octal.
		if i == start || v > 255 || b[start] == '0' && i > start+1 {
			return -1
		}
		a[part] = byte(v)
	}
	if i != len(b) {
		return -1
	}
	return i
}

func parse6(b []byte) (netip.Addr, bool) {
	var ip [16]byte
	gap := -1 // where "::" stands
	if len(b) >= 2 && b[0] == ':' && b[1] == ':' {
		gap = 0
		b = b[2:]
	}
	n := 0 // bytes of ip
	for len(b) > 0 && n < 16 {
		v, digits := uint(0), 0
		for digits < len(b) && hexValue[b[digits]] != 0xff {
			v = v<<4 | uint(hexValue[b[digits]])
			digits++
			if digits > 4 {
				return netip.Addr{}, false
			}
		}
		if digits == 0 {
			return netip.Addr{}, false
		}
		if digits < len(b) && b[digits] == '.' {
			return tail4(ip, n, gap, b)
		}
		ip[n], ip[n+1] = byte(v>>8), byte(v)
		n += 2
		b = b[digits:]
		if len(b) == 0 {
			break
		}
		if b[0] != ':' || len(b) == 1 {
			return netip.Addr{}, false
		}
		b = b[1:]
		if b[0] == ':' {
			if gap >= 0 {
				return netip.Addr{}, false
			}
			gap = n
			b = b[1:]
		}
	}
	if len(b) > 0 {
		return netip.Addr{}, false
	}
	return widen(ip, n, gap)
}

// tail4 ends an address whose last four bytes are written as a dotted quad.
func tail4(ip [16]byte, n, gap int, b []byte) (netip.Addr, bool) {
	if gap < 0 && n != 12 || n+4 > 16 {
		return netip.Addr{}, false
	}
	var a [4]byte
	if parse4(b, &a) < 0 {
		return netip.Addr{}, false
	}
	copy(ip[n:], a[:])
	return widen(ip, n+4, gap)
}

// widen opens the gap so that n bytes become 16.
func widen(ip [16]byte, n, gap int) (netip.Addr, bool) {
	switch {
	case n < 16 && gap < 0, n == 16 && gap >= 0:
		return netip.Addr{}, false // too short, or "::" that stands for nothing
	case n < 16:
		tail := n - gap
		copy(ip[16-tail:], ip[gap:n])
		clear(ip[gap : 16-tail])
	}
	return netip.AddrFrom16(ip).Unmap(), true
}

var hexValue = func() (t [256]byte) {
	for i := range t {
		t[i] = 0xff
	}
	for i, c := range []byte("0123456789abcdef") {
		t[c] = byte(i)
	}
	for i, c := range []byte("ABCDEF") {
		t[c] = byte(10 + i)
	}
	return t
}()

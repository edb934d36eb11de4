package celllog

import (
	"bytes"
	"math"
	"net/netip"

	"threatdetect/features"
	"threatdetect/internal/decimal"
	"threatdetect/internal/ipaddr"
)

// Protocol sets the protocol of f from its name, in any case, or its IANA number, and says whether it has ports. ok is
// false for a number that no protocol has.
func Protocol(f *features.Flow, text []byte, names *features.Interner) (ports, ok bool) {
	var buf [32]byte
	lower := AppendLower(buf[:0], text)
	n, numeric := decimal.Count(text)
	switch {
	case !numeric && len(text) > 0 && len(bytes.Trim(text, "0123456789")) == 0: // digits, but more than a number holds
		return false, false
	case !numeric:
		f.ProtoName = names.String(lower)
		f.Proto, ports = features.ProtoByName(f.ProtoName)
	case n > math.MaxUint8:
		return false, false
	default:
		if f.ProtoName = protoNames[n]; f.ProtoName == "" {
			f.ProtoName = names.String(lower)
		}
		f.Proto, ports = features.ProtoByNumber(uint8(n))
	}
	f.Known |= features.FieldProto
	return ports, true
}

// protoNames are the names of the numbers that are met in practice.
var protoNames = [256]string{1: "icmp", 2: "igmp", 4: "ipip", 6: "tcp", 17: "udp", 33: "dccp", 41: "ipv6", 47: "gre", 50: "esp", 51: "ah",
	58: "ipv6-icmp", 89: "ospf", 103: "pim", 112: "vrrp", 132: "sctp", 136: "udplite"}

// Port returns the port that the text spells.
func Port(text []byte) (port uint16, ok bool) {
	n, ok := decimal.Count(text)
	return uint16(n), ok && n <= math.MaxUint16
}

// PortOrHex is Port for logs that write some ports in hexadecimal: 0x0050.
func PortOrHex(text []byte) (port uint16, ok bool) {
	if len(text) <= 2 || text[0] != '0' || text[1] != 'x' {
		return Port(text)
	}
	v := uint32(0)
	for _, c := range text[2:] {
		switch {
		case c-'0' <= 9:
			c -= '0'
		case (c|0x20)-'a' <= 5:
			c = (c | 0x20) - 'a' + 10
		default:
			return 0, false
		}
		v = min(v<<4|uint32(c), 1<<20) // large, whatever it is
	}
	return uint16(v), v <= math.MaxUint16
}

// Addr returns the address that the text spells.
func Addr(text []byte) (netip.Addr, bool) { return ipaddr.Parse(text) }

package trafficgen

import (
	"math/bits"
	"net/netip"
	"time"
)

// A Record is one connection as conn.log tells it. The fields agree with each
// other; Zeek's unset values are described at the fields.
type Record struct {
	TS  int64 // time of the first packet, microseconds since the Unix epoch
	UID UID

	OrigH, RespH netip.Addr
	OrigP, RespP uint16 // ports; for ICMP the type and the code (or the reply's type)
	Proto        Proto

	Service string // analyzers joined by ","; empty means unset

	// Timed tells whether Duration, OrigBytes and RespBytes are set. Zeek leaves
	// the three unset for a connection of a single packet.
	Timed     bool
	Duration  int64  // last packet minus first packet, microseconds
	OrigBytes uint64 // payload bytes sent by the originator
	RespBytes uint64 // payload bytes sent by the responder

	ConnState             string
	LocalOrig, LocalResp  bool
	MissedBytes           uint64 // payload bytes that the sensor did not see
	History               string // empty means unset (ICMP)
	OrigPkts, OrigIPBytes uint64 // IP bytes count the total length of IP packets
	RespPkts, RespIPBytes uint64

	TunnelParents []UID // enclosing tunnels; nil means unset. Shared, read-only.

	Kind Kind // the truth about the record, for labels
}

// End returns the time of the last packet, microseconds since the Unix epoch.
func (r *Record) End() int64 {
	if r.Timed {
		return r.TS + r.Duration
	}
	return r.TS
}

// Time returns TS as a time in UTC.
func (r *Record) Time() time.Time { return time.UnixMicro(r.TS).UTC() }

// Proto is an IANA protocol number.
type Proto uint8

// The protocols of generated records.
const (
	ICMP   Proto = 1
	TCP    Proto = 6
	UDP    Proto = 17
	ICMPv6 Proto = 58
)

// String returns Zeek's name: icmp stands for both ICMP versions.
func (p Proto) String() string {
	switch p {
	case TCP:
		return "tcp"
	case UDP:
		return "udp"
	case ICMP, ICMPv6:
		return "icmp"
	}
	return "unknown_transport"
}

// UID is a connection key: "C" and base-62 digits, filled up with zero bytes.
type UID [18]byte

// String returns the key as Zeek writes it.
func (u UID) String() string { return string(u.AppendTo(nil)) }

// AppendTo appends the key to b.
func (u UID) AppendTo(b []byte) []byte {
	n := len(u)
	for n > 0 && u[n-1] == 0 {
		n--
	}
	return append(b, u[:n]...)
}

const base62 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"

// makeUID spreads n over the keys. Eleven digits hold a permutation of n, so two
// keys of one seed never meet; the other digits only vary the length as Zeek does.
func makeUID(seed, n uint64) UID {
	var u UID
	u[0] = 'C'
	hi := mix(n ^ seed)
	for i := 1; i <= 11; i++ {
		u[i] = base62[hi%62]
		hi /= 62
	}
	lo := uint32(mix(n + bits.RotateLeft64(seed, 32)))
	for i := 12; i < len(u) && lo > 0; i++ {
		u[i] = base62[lo%62]
		lo /= 62
	}
	return u
}

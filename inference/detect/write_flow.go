package detect

import (
	"net/netip"

	"threatdetect/features"
)

// severity grades verdicts for the formats that want one.
type severity uint8

const (
	severityNone severity = iota // no threat
	severityLow
	severityMedium
	severityHigh
)

// severityOf grades a threat by its score alone: high from 0.9 on, medium from 0.7 on.
func severityOf(v *Verdict) severity {
	switch {
	case !v.Threat:
		return severityNone
	case v.Score >= 0.9:
		return severityHigh
	case v.Score >= 0.7:
		return severityMedium
	}
	return severityLow
}

// side is one end of a flow: where it is, and what it sent.
type side struct {
	addr           netip.Addr
	port           uint16
	packets, bytes uint64

	hasAddr, hasPort, hasPackets, hasBytes bool
}

func source(f *features.Flow) side {
	return side{
		addr: f.Src, hasAddr: f.Has(features.FieldAddrs) && f.Src.IsValid(),
		port: f.SrcPort, hasPort: f.Has(features.FieldSrcPort),
		packets: f.FwdPkts, hasPackets: f.Has(features.FieldFwdPkts),
		bytes: f.FwdBytes, hasBytes: f.Has(features.FieldFwdBytes),
	}
}

func destination(f *features.Flow) side {
	return side{
		addr: f.Dst, hasAddr: f.Has(features.FieldAddrs) && f.Dst.IsValid(),
		port: f.DstPort, hasPort: f.Has(features.FieldDstPort),
		packets: f.RevPkts, hasPackets: f.Has(features.FieldRevPkts),
		bytes: f.RevBytes, hasBytes: f.Has(features.FieldRevBytes),
	}
}

// appendAddr appends an address without its zone, which is a free text.
func appendAddr(dst []byte, a netip.Addr) []byte {
	if !a.Is4() {
		return a.WithZone("").AppendTo(dst)
	}
	for i, n := range a.As4() {
		if i > 0 {
			dst = append(dst, '.')
		}
		switch {
		case n >= 100:
			dst = append(dst, '0'+n/100, pairs[n%100*2], pairs[n%100*2+1])
		case n >= 10:
			dst = append(dst, pairs[n*2], pairs[n*2+1])
		default:
			dst = append(dst, '0'+n)
		}
	}
	return dst
}

// ProtoName is the name of f's transport protocol as outputs have it: of its class, or the source's own name where the class is
// other. It is empty if the protocol is not known.
func ProtoName(f *features.Flow) string { return protoName(f) }

// protoName returns the name of f's transport protocol: of its class, or the source's own name where the class is
// other. It is empty if the protocol is not known.
func protoName(f *features.Flow) string {
	switch {
	case !f.Has(features.FieldProto):
		return ""
	case f.Proto == features.ProtoOther && f.ProtoName != "":
		return f.ProtoName
	}
	return f.Proto.String()
}

// transportName is protoName with IANA's name for the ICMP of IPv6.
func transportName(f *features.Flow) string {
	if isICMPv6(f) {
		return "ipv6-icmp"
	}
	return protoName(f)
}

func isICMPv6(f *features.Flow) bool {
	return f.Has(features.FieldProto) && f.Proto == features.ProtoICMP && ipVersion(f) == 6
}

// ipVersion returns the version of the addresses, or 0 if they are not known.
func ipVersion(f *features.Flow) int64 {
	switch src := source(f); {
	case !src.hasAddr:
		return 0
	case src.addr.Unmap().Is4():
		return 4
	}
	return 6
}

// flowEnd returns the time of f's last packet, and whether that is known.
func flowEnd(f *features.Flow) (int64, bool) {
	end := f.End()
	return end, f.Has(features.FieldStart|features.FieldDuration) && f.Duration >= 0 && end >= f.Start
}

const (
	messageThreat = "threatdetect: flow judged a threat"
	messageOther  = "threatdetect: flow judged no threat"
)

func message(v *Verdict) string {
	if v.Threat {
		return messageThreat
	}
	return messageOther
}

// percent returns a score on a scale of 0 to 100, and whether it has a place there.
func percent(score float32) (float64, bool) {
	return max(0, min(100, float64(score)*100)), score == score
}

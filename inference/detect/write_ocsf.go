package detect

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"math"
	"strings"
	"time"

	"threatdetect/features"
)

// ocsfVersion is the version of the Open Cybersecurity Schema Framework whose attributes are written.
const ocsfVersion = "1.5.0"

// ocsfForm writes Detection Findings (class 2004): created ones, alerts if the flow was judged a threat and else of
// informational severity. The required time is the flow's start, or 0 where that is not known.
type ocsfForm struct {
	*about
	metadata []byte // the members that are the same for every verdict
	analytic []byte
	identity []byte // scratch of findingID
}

func newOCSFForm(a *about) *ocsfForm {
	product, version, _ := strings.Cut(features.Library, " ")
	o := &ocsfForm{about: a}
	o.metadata = append(o.metadata, `,"metadata":{`...)
	o.metadata = appendMember(o.metadata, "version", ocsfVersion)
	o.metadata = appendMember(appendOpen(o.metadata, "product"), "name", product)
	o.metadata = appendMember(o.metadata, "vendor_name", product)
	o.metadata = append(appendMember(o.metadata, "version", version), "}}"...)

	o.analytic = append(o.analytic, `,"analytic":{"type_id":4,"type":"Learning (ML/DL)"`...)
	o.analytic = appendMember(o.analytic, "name", a.set)
	if a.model != "" {
		o.analytic = appendMember(o.analytic, "uid", a.model)
	}
	o.analytic = append(o.analytic, '}')
	return o
}

func (*ocsfForm) appendHeader(dst []byte) []byte { return dst }

func (o *ocsfForm) appendVerdict(dst []byte, v *Verdict) []byte {
	f := v.Flow
	dst = append(dst, `{"activity_id":1,"activity_name":"Create","category_uid":2,"category_name":"Findings","class_uid":2004,`+
		`"class_name":"Detection Finding","type_uid":200401,"type_name":"Detection Finding: Create"`...)
	start := int64(0)
	if f.Has(features.FieldStart) {
		start = f.Start
	}
	dst = appendInt(dst, "time", time.Unix(0, start).UnixMilli())
	dst = appendOCSFSeverity(dst, v)
	dst = appendMember(dst, "message", message(v))
	dst = append(dst, o.metadata...)
	dst = o.appendFindingInfo(dst, v)
	dst = o.appendEvidence(dst, f)
	dst = appendOpen(dst, "unmapped")
	dst = o.appendVerdictObject(dst, v)
	return append(dst, "}}\n"...)
}

func appendOCSFSeverity(dst []byte, v *Verdict) []byte {
	severity := severityOf(v)
	dst = appendInt(dst, "severity_id", int64(severity)+1)
	dst = appendMember(dst, "severity", [...]string{"Informational", "Low", "Medium", "High"}[severity])
	if v.Threat {
		dst = append(dst, `,"is_alert":true,"status_id":1,"status":"New"`...)
	} else {
		dst = append(dst, `,"is_alert":false`...)
	}
	if risk, ok := percent(v.Score); ok {
		dst = appendInt(dst, "risk_score", int64(math.Round(risk)))
	}
	return dst
}

func (o *ocsfForm) appendFindingInfo(dst []byte, v *Verdict) []byte {
	f := v.Flow
	dst = append(appendKey(appendOpen(dst, "finding_info"), "uid"), '"')
	id := o.findingID(f)
	dst = append(hex.AppendEncode(dst, id[:]), '"')
	dst = appendMember(dst, "title", message(v))
	if class, ok := o.class(v); ok {
		dst = append(appendString(append(appendKey(dst, "types"), '['), class), ']')
	}
	if f.Has(features.FieldStart) {
		dst = appendInt(dst, "first_seen_time", time.Unix(0, f.Start).UnixMilli())
	}
	if end, ok := flowEnd(f); ok {
		dst = appendInt(dst, "last_seen_time", time.Unix(0, end).UnixMilli())
	}
	return append(append(dst, o.analytic...), '}')
}

// findingID derives the required identifier of the finding from the flow, the same in every run and for every model.
// It is a hash that cannot be steered: whoever shapes the traffic must not be able to give two findings one name.
func (o *ocsfForm) findingID(f *features.Flow) [16]byte {
	b := binary.BigEndian.AppendUint32(append(o.identity[:0], "threatdetect/1"...), uint32(f.Known))
	for _, n := range [...]uint64{uint64(f.Start), uint64(f.Duration), uint64(f.SrcPort), uint64(f.DstPort), uint64(f.ICMPType),
		uint64(f.ICMPCode), f.FwdPkts, f.RevPkts, f.FwdBytes, f.RevBytes, f.FwdPayload, f.RevPayload} {
		b = binary.BigEndian.AppendUint64(b, n)
	}
	src, dst := f.Src.As16(), f.Dst.As16()
	b = append(append(b, src[:]...), dst[:]...)
	b = binary.BigEndian.AppendUint32(append(b, byte(f.Proto)), uint32(len(f.ProtoName)))
	b = append(append(b, f.ProtoName...), f.UID...)
	o.identity = b
	sum := sha256.Sum256(b)
	return [16]byte(sum[:])
}

// appendEvidence appends the flow: its ends, the connection, and as data what the sides sent.
func (o *ocsfForm) appendEvidence(dst []byte, f *features.Flow) []byte {
	src, dest := source(f), destination(f)
	dst = append(appendKey(dst, "evidences"), '[', '{')
	dst = appendOCSFSide(dst, "src_endpoint", &src)
	dst = appendOCSFSide(dst, "dst_endpoint", &dest)
	dst = appendOpen(dst, "connection_info")
	dst = appendInt(dst, "direction_id", ocsfDirection(o.ends(f)))
	if len(f.UID) > 0 {
		dst = appendMember(dst, "uid", f.UID)
	}
	if name := transportName(f); name != "" {
		dst = appendMember(dst, "protocol_name", name)
		if n := protoNumber(f); n != 0 {
			dst = appendInt(dst, "protocol_num", n)
		}
	}
	if version := ipVersion(f); version != 0 {
		dst = appendInt(dst, "protocol_ver_id", version)
	}
	if f.Has(features.FieldHistory) && len(f.History) > 0 {
		dst = appendMember(dst, "flag_history", f.History)
	}
	dst = append(dst, '}')
	start := len(dst)
	dst = appendOpen(dst, "data")
	dst = appendCount(dst, "packets_out", src.packets, src.hasPackets)
	dst = appendCount(dst, "packets_in", dest.packets, dest.hasPackets)
	dst = appendCount(dst, "bytes_out", src.bytes, src.hasBytes)
	dst = appendCount(dst, "bytes_in", dest.bytes, dest.hasBytes)
	return append(appendClose(dst, start), '}', ']')
}

// appendOCSFSide appends an endpoint, which must have an address.
func appendOCSFSide(dst []byte, key string, s *side) []byte {
	if !s.hasAddr {
		return dst
	}
	dst = appendAddrMember(appendOpen(dst, key), "ip", s)
	return append(appendCount(dst, "port", uint64(s.port), s.hasPort), '}')
}

// ocsfDirection is the direction as seen from the site, of which src and dst are hosts or not: 1 inbound, 2 outbound, 3 within it, 0 not
// known.
func ocsfDirection(src, dst, known bool) int64 {
	switch {
	case !known:
		return 0
	case src && dst:
		return 3
	case src:
		return 2
	case dst:
		return 1
	}
	return 0
}

// protoNumber is IANA's number of f's protocol, or 0 where the class does not tell it.
func protoNumber(f *features.Flow) int64 {
	switch {
	case isICMPv6(f):
		return 58
	case f.Proto == features.ProtoTCP:
		return 6
	case f.Proto == features.ProtoUDP:
		return 17
	case f.Proto == features.ProtoICMP && ipVersion(f) == 4:
		return 1
	}
	return 0
}

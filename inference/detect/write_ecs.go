package detect

import (
	"threatdetect/features"
	"threatdetect/internal/decimal"
)

// ecsVersion is the version of the Elastic Common Schema whose fields are written.
const ecsVersion = "8.11.0"

// ecsForm writes documents of the Elastic Common Schema with nested objects. What is not known is left out, @timestamp,
// the flow's start, included: the time of arrival is then the index's to add.
type ecsForm struct {
	*about
}

func newECSForm(a *about) *ecsForm { return &ecsForm{about: a} }

func (*ecsForm) appendHeader(dst []byte) []byte { return dst }

func (e *ecsForm) appendVerdict(dst []byte, v *Verdict) []byte {
	f := v.Flow
	dst = append(dst, '{')
	if f.Has(features.FieldStart) {
		dst = appendTimeMember(dst, "@timestamp", f.Start)
	}
	dst = append(appendMember(appendOpen(dst, "ecs"), "version", ecsVersion), '}')
	dst = appendMember(dst, "message", message(v))
	dst = appendECSEvent(dst, v)
	src, dest := source(f), destination(f)
	dst = appendECSSide(dst, "source", &src)
	dst = appendECSSide(dst, "destination", &dest)
	dst = e.appendNetwork(dst, f, &src, &dest)
	if src.hasAddr && dest.hasAddr {
		dst = append(appendKey(appendOpen(dst, "related"), "ip"), '[', '"')
		dst = append(appendAddr(dst, src.addr), `","`...)
		dst = append(appendAddr(dst, dest.addr), `"]}`...)
	}
	dst = appendMember(appendOpen(dst, "rule"), "name", "threatdetect flow verdict")
	dst = appendMember(dst, "ruleset", e.set)
	if e.model != "" {
		dst = appendMember(dst, "version", e.model)
	}
	dst = append(dst, '}')
	dst = e.appendVerdictObject(dst, v)
	return append(dst, "}\n"...)
}

func appendTimeMember(dst []byte, key string, ns int64) []byte {
	return append(appendTime(append(appendKey(dst, key), '"'), ns), '"')
}

func appendECSEvent(dst []byte, v *Verdict) []byte {
	f := v.Flow
	dst = appendOpen(dst, "event")
	if v.Threat {
		dst = append(dst, `"kind":"alert","category":["network","intrusion_detection"]`...)
	} else {
		dst = append(dst, `"kind":"event","category":["network"]`...)
	}
	dst = append(dst, `,"type":["connection","info"],"module":"threatdetect","dataset":"threatdetect.verdict"`...)
	if len(f.UID) > 0 {
		dst = appendMember(dst, "id", f.UID)
	}
	if f.Has(features.FieldStart) {
		dst = appendTimeMember(dst, "start", f.Start)
	}
	if end, ok := flowEnd(f); ok {
		dst = appendTimeMember(dst, "end", end)
	}
	if f.Has(features.FieldDuration) && f.Duration >= 0 {
		dst = appendInt(dst, "duration", f.Duration) // nanoseconds here as there
	}
	dst = appendNumber(appendKey(dst, "risk_score"), v.Score)
	if risk, ok := percent(v.Score); ok {
		dst = decimal.AppendFloat32(appendKey(dst, "risk_score_norm"), float32(risk))
	}
	return append(dst, '}')
}

// appendECSSide appends one side of the flow. Bytes and packets are those that the side sent.
func appendECSSide(dst []byte, key string, s *side) []byte {
	start := len(dst)
	dst = appendAddrMember(appendOpen(dst, key), "ip", s)
	dst = appendCount(dst, "port", uint64(s.port), s.hasPort)
	dst = appendCount(dst, "bytes", s.bytes, s.hasBytes)
	dst = appendCount(dst, "packets", s.packets, s.hasPackets)
	return appendClose(dst, start)
}

func (e *ecsForm) appendNetwork(dst []byte, f *features.Flow, src, dest *side) []byte {
	start := len(dst)
	dst = appendOpen(dst, "network")
	switch ipVersion(f) {
	case 4:
		dst = appendMember(dst, "type", "ipv4")
	case 6:
		dst = appendMember(dst, "type", "ipv6")
	}
	if name := transportName(f); name != "" {
		dst = appendMember(dst, "transport", name)
	}
	if f.AppName != "" {
		dst = appendMember(dst, "protocol", f.AppName)
	}
	if local, localDest, known := e.ends(f); known {
		dst = appendMember(dst, "direction", ecsDirection(local, localDest))
	}
	bytes, packets := src.bytes+dest.bytes, src.packets+dest.packets
	dst = appendCount(dst, "bytes", bytes, src.hasBytes && dest.hasBytes && bytes >= src.bytes)
	dst = appendCount(dst, "packets", packets, src.hasPackets && dest.hasPackets && packets >= src.packets)
	return appendClose(dst, start)
}

// ecsDirection names the direction as seen from the perimeter of the site, of which src and dst are hosts or not.
func ecsDirection(src, dst bool) string {
	switch {
	case src && dst:
		return "internal"
	case src:
		return "outbound"
	case dst:
		return "inbound"
	}
	return "external"
}

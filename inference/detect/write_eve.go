package detect

import (
	"strconv"
	"time"

	"threatdetect/features"
)

// The identity of the alerts in Suricata's terms. The generator is this program's own, so that the number of the
// signature meets no rule's.
const (
	eveGenerator = 7800
	eveSignature = 1
	eveRevision  = 1
	eveCategory  = "Potentially Bad Traffic"
)

// eveForm writes events as Suricata does. A threat is an event of type alert; any other flow is one of type
// threatdetect, which readers of alerts pass over. Both carry the verdict in the object threatdetect. The timestamp is the
// flow's start, since the time of judging would make every run different. Bytes are those of IP packets, where
// Suricata's include the link layer.
type eveForm struct {
	*about
}

func newEVEForm(a *about) *eveForm { return &eveForm{about: a} }

func (*eveForm) appendHeader(dst []byte) []byte { return dst }

func (e *eveForm) appendVerdict(dst []byte, v *Verdict) []byte {
	f := v.Flow
	dst = append(dst, '{')
	if f.Has(features.FieldStart) {
		dst = appendEVETime(appendKey(dst, "timestamp"), f.Start)
	}
	if id, ok := eveFlowID(f.UID); ok {
		dst = strconv.AppendUint(appendKey(dst, "flow_id"), id, 10)
	}
	if v.Threat {
		dst = appendMember(dst, "event_type", "alert")
	} else {
		dst = appendMember(dst, "event_type", "threatdetect")
	}
	src, dest := source(f), destination(f)
	dst = appendAddrMember(dst, "src_ip", &src)
	dst = appendCount(dst, "src_port", uint64(src.port), src.hasPort)
	dst = appendAddrMember(dst, "dest_ip", &dest)
	dst = appendCount(dst, "dest_port", uint64(dest.port), dest.hasPort)
	dst = appendEVEProto(dst, f)
	dst = appendCount(dst, "icmp_type", uint64(f.ICMPType), f.Has(features.FieldICMP))
	dst = appendCount(dst, "icmp_code", uint64(f.ICMPCode), f.Has(features.FieldICMP))
	if f.AppName != "" {
		dst = appendMember(dst, "app_proto", f.AppName)
	}
	if v.Threat {
		dst = appendMember(appendOpen(dst, "alert"), "action", "allowed")
		dst = appendInt(dst, "gid", eveGenerator)
		dst = appendInt(dst, "signature_id", eveSignature)
		dst = appendInt(dst, "rev", eveRevision)
		dst = appendMember(dst, "signature", messageThreat)
		dst = appendMember(dst, "category", eveCategory)
		dst = appendInt(dst, "severity", int64(severityHigh-severityOf(v))+1) // 1 is the worst
		dst = append(dst, '}')
	}
	start := len(dst)
	dst = appendOpen(dst, "flow")
	dst = appendCount(dst, "pkts_toserver", src.packets, src.hasPackets)
	dst = appendCount(dst, "pkts_toclient", dest.packets, dest.hasPackets)
	dst = appendCount(dst, "bytes_toserver", src.bytes, src.hasBytes)
	dst = appendCount(dst, "bytes_toclient", dest.bytes, dest.hasBytes)
	if f.Has(features.FieldStart) {
		dst = appendEVETime(appendKey(dst, "start"), f.Start)
	}
	if end, ok := flowEnd(f); ok {
		dst = appendEVETime(appendKey(dst, "end"), end)
	}
	dst = appendClose(dst, start)
	dst = e.appendVerdictObject(dst, v)
	return append(dst, "}\n"...)
}

// appendEVETime appends a time in Suricata's form: six decimals and a zone without a colon.
func appendEVETime(dst []byte, ns int64) []byte {
	return append(time.Unix(0, ns).UTC().AppendFormat(append(dst, '"'), "2006-01-02T15:04:05.000000-0700"), '"')
}

// appendEVEProto appends Suricata's name of the protocol, which is in upper case.
func appendEVEProto(dst []byte, f *features.Flow) []byte {
	if isICMPv6(f) {
		return appendMember(dst, "proto", "IPv6-ICMP")
	}
	name := protoName(f)
	if name == "" {
		return dst
	}
	dst = appendKey(dst, "proto")
	start := len(dst)
	dst = appendString(dst, name)
	for i := start; i < len(dst); i++ {
		switch c := dst[i]; {
		case c == '\\': // the letters of an escape keep their case
			if i++; dst[i] == 'u' {
				i += 4
			}
		case 'a' <= c && c <= 'z':
			dst[i] = c - ('a' - 'A')
		}
	}
	return dst
}

// eveFlowID returns the number that Suricata gave the flow, if that is what the UID is.
func eveFlowID(uid []byte) (uint64, bool) {
	if len(uid) == 0 || len(uid) > 20 || uid[0] == '0' {
		return 0, false
	}
	var id uint64
	for _, c := range uid {
		digit := uint64(c - '0')
		if c < '0' || c > '9' || id > (1<<64-1-digit)/10 {
			return 0, false
		}
		id = id*10 + digit
	}
	return id, true
}

// appendVerdictObject appends the member threatdetect: the verdict, as the formats that have no place of their own for
// it carry it. The scores of classes are a list, since an index takes the keys of an object for fields of its own.
func (a *about) appendVerdictObject(dst []byte, v *Verdict) []byte {
	dst = appendOpen(dst, "threatdetect")
	dst = appendNumber(appendKey(dst, "score"), v.Score)
	if a.calibrated {
		dst = appendNumber(appendKey(dst, "probability"), v.Probability)
	}
	dst = appendNumber(appendKey(dst, "threshold"), a.threshold)
	dst = strconv.AppendBool(appendKey(dst, "threat"), v.Threat)
	if a.model != "" {
		dst = appendMember(dst, "model", a.model)
	}
	dst = appendMember(dst, "set", a.set)
	if len(v.Flow.UID) > 0 {
		dst = appendMember(dst, "uid", v.Flow.UID)
	}
	if class, ok := a.class(v); ok {
		dst = appendMember(dst, "class", class)
	}
	if n := a.numScore(v); n > 0 {
		dst = append(appendKey(dst, "classes"), '[')
		for i, score := range v.Classes[:n] {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = appendMember(append(dst, '{'), "name", a.classes[i])
			dst = append(appendNumber(appendKey(dst, "score"), score), '}')
		}
		dst = append(dst, ']')
	}
	dst = a.appendTop(dst, v)
	return append(dst, '}')
}

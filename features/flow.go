package features

import (
	"net/netip"
	"time"
)

// Flow is one connection as a log describes it. Forward is the direction from the initiator, Src, to Dst; reverse
// is the other one. A field holds a value only if Has says so; without it the field is zero and means nothing.
//
// Readers yield the same Flow again and again: it, and the byte slices in it, are valid until the next step. Use
// [Flow.Clone] to keep one.
type Flow struct {
	Start    int64 // first packet, nanoseconds since the Unix epoch
	Duration int64 // last packet minus first, nanoseconds

	Src, Dst         netip.Addr
	SrcPort, DstPort uint16
	ICMPType         uint8
	ICMPCode         uint8

	Proto Proto

	FwdPkts, RevPkts       uint64 // packets
	FwdBytes, RevBytes     uint64 // bytes of IP packets, headers included, link layer excluded
	FwdPayload, RevPayload uint64 // bytes of transport payload
	MissedBytes            uint64 // payload bytes that the sensor did not see

	FwdFlags, RevFlags TCPFlags // flags seen at least once, where FwdFlagsKnown and RevFlagsKnown say so
	FwdFlagsKnown      TCPFlags
	RevFlagsKnown      TCPFlags

	State State
	App   App

	VLANTags           uint8 // 802.1Q tags of the packets
	LocalSrc, LocalDst bool  // whether the address is one of the site's own
	Fragmented         bool  // whether a packet was a fragment
	Estimated          bool  // FwdBytes and RevBytes were derived from bytes of the link layer

	Known Field // which of the optional fields above hold a value

	// AppName is the detected application protocol in lower case, of several the first in the order of the classes;
	// empty if none was detected. App is its class.
	AppName string
	// ProtoName is the transport protocol as the source names it, in lower case.
	ProtoName string
	// UID is the source's own name of the connection; History is Zeek's record of what happened in it.
	UID     []byte
	History []byte

	// Label is the verdict of whoever labelled the log, and LabelText the text of the label column that the reader
	// was asked for. They are never part of a row.
	Label     Label
	LabelText []byte
	// Kind is the kind of attack as the log's own column for it names it (attack_cat of UNSW-NB15, detailed-label of
	// IoT-23); empty if there is none. It is never part of a row either.
	Kind []byte

	// UNSW holds the columns of a UNSW-NB15 record that no other log has, NSL those of an NSL-KDD record; nil for other
	// sources.
	UNSW *UNSW
	NSL  *NSL

	// Joined is what the other logs of the sensor say about the connection; nil if they say nothing, or were not asked.
	Joined *Joined

	// MoreRecords is how many records of the log the flow was made of beyond one; see [Account.Add]. It is -1 for a flow
	// made of half a record, if the other half became part of another flow.
	MoreRecords int
	// SamplingRate is one out of how many packets the source looked at, if FwdPkts and the like are what it saw times
	// this; 0 if it saw all.
	SamplingRate uint32
}

// Field is a set of optional fields of a Flow.
type Field uint32

// The optional fields. A pair such as FieldAddrs is known or unknown together.
const (
	FieldStart Field = 1 << iota
	FieldDuration
	FieldAddrs
	FieldSrcPort
	FieldDstPort
	FieldICMP
	FieldProto
	FieldFwdPkts
	FieldRevPkts
	FieldFwdBytes
	FieldRevBytes
	FieldFwdPayload
	FieldRevPayload
	FieldMissedBytes
	FieldLocalSrc
	FieldLocalDst
	FieldHistory
	FieldVLAN
	FieldFragmented
)

// Has reports whether all of the given fields hold a value.
func (f *Flow) Has(fields Field) bool { return f.Known&fields == fields }

// End is the time of the last packet, in nanoseconds since the Unix epoch; Start where the duration is not known.
func (f *Flow) End() int64 { return f.Start + f.Duration }

// bytes are those of both directions, as far as they are known.
func (f *Flow) bytes() float64 {
	sum := 0.0
	if f.Has(FieldFwdBytes) {
		sum = float64(f.FwdBytes)
	}
	if f.Has(FieldRevBytes) {
		sum += float64(f.RevBytes)
	}
	return sum
}

// StartTime is Start as a time in UTC.
func (f *Flow) StartTime() time.Time { return time.Unix(0, f.Start).UTC() }

// Reset clears f for the next record.
func (f *Flow) Reset() { *f = Flow{} }

// Clone returns a copy of f that shares no memory with it.
func (f *Flow) Clone() *Flow {
	c := new(Flow)
	f.CopyTo(c)
	return c
}

// CopyTo makes c a copy of f that shares no memory with it, in the memory that c has where that suffices: whoever keeps
// many flows uses the same ones again.
func (f *Flow) CopyTo(c *Flow) {
	uid, history, label, kind, unsw := c.UID, c.History, c.LabelText, c.Kind, c.UNSW
	*c = *f
	c.UID = append(uid[:0], f.UID...)
	c.History = append(history[:0], f.History...)
	c.LabelText = append(label[:0], f.LabelText...)
	c.Kind = append(kind[:0], f.Kind...)
	c.copyRecords(f, unsw)
}

// CopyWith is CopyTo that appends the texts of f to texts, which it returns, and lets c refer to them there: whoever keeps many flows until all of them are done with
// keeps their texts in one piece of memory, and uses it again then. What texts held, and who refers to it, stays as it is.
func (f *Flow) CopyWith(c *Flow, texts []byte) []byte {
	unsw := c.UNSW
	*c = *f
	for _, text := range [...]*[]byte{&c.UID, &c.History, &c.LabelText, &c.Kind} {
		if len(*text) > 0 {
			start := len(texts)
			texts = append(texts, *text...)
			*text = texts[start:len(texts):len(texts)]
		} else if *text != nil {
			*text = texts[len(texts):len(texts):len(texts)]
		}
	}
	c.copyRecords(f, unsw)
	return texts
}

// copyRecords makes copies of the records of f, if there are any, for c; unsw is memory for one.
func (c *Flow) copyRecords(f *Flow, unsw *UNSW) {
	if f.UNSW != nil {
		if unsw == nil {
			unsw = new(UNSW)
		}
		*unsw = *f.UNSW
		c.UNSW = unsw
	}
	if f.NSL != nil {
		n := *f.NSL
		c.NSL = &n
	}
}

// TCPFlags is a set of TCP header flags.
type TCPFlags uint8

// The flags in the order of the TCP header's byte.
const (
	FIN TCPFlags = 1 << iota
	SYN
	RST
	PSH
	ACK
	URG
	ECE
	CWR
)

// AllFlags are the six flags that every source of full TCP flags knows.
const AllFlags = FIN | SYN | RST | PSH | ACK | URG

// Label is what is known about a flow's nature.
type Label uint8

// A flow that nobody judged, for example background traffic, is Unlabelled, which is not the same as Benign.
const (
	Unlabelled Label = iota
	Benign
	Attack
)

// UNSWColumns are the 39 numeric columns of UNSW-NB15 in the order of the partition files.
var UNSWColumns = [39]string{
	"dur", "spkts", "dpkts", "sbytes", "dbytes", "rate", "sttl", "dttl", "sload", "dload", "sloss", "dloss", "sinpkt", "dinpkt",
	"sjit", "djit", "swin", "stcpb", "dtcpb", "dwin", "tcprtt", "synack", "ackdat", "smean", "dmean", "trans_depth",
	"response_body_len", "ct_srv_src", "ct_state_ttl", "ct_dst_ltm", "ct_src_dport_ltm", "ct_dst_sport_ltm", "ct_dst_src_ltm",
	"is_ftp_login", "ct_ftp_cmd", "ct_flw_http_mthd", "ct_src_ltm", "ct_srv_dst", "is_sm_ips_ports",
}

// UNSW holds what a UNSW-NB15 record has beyond a flow.
type UNSW struct {
	Values                [len(UNSWColumns)]float64 // in the order of UNSWColumns; NaN is missing
	Proto, Service, State string                    // trimmed, otherwise as in the file
}

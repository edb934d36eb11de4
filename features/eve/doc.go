// Package eve reads the EVE logs of Suricata as a sequence of flow records.
//
// An EVE log has events of many kinds, one JSON object a line. Those whose event_type is flow become flows; the others are
// counted: they have ReasonOther. Those of kind dns, http, tls and alert are joined to their flow if Options.Join asks for it.
// Any version of Suricata will do.
//
//	line ── object.go: scan the object ──> cells, one a column ── derive.go ──> features.Flow
//	                                                                   └──────> features.RecordError
//
// # Bytes
//
// Suricata counts the bytes of the frames that it captured, link layer included. A Flow has bytes of IP packets, which are
// estimated from that: 14 bytes a packet less, and 4 for each VLAN tag, but no less than the IP headers need. Such a flow
// is [features.Flow.Estimated].
//
// # Times
//
// A time says its zone, or the record is skipped; the zone may be written without a colon, as Suricata does. Dates of
// certificates have none and are UTC. The duration is the end minus the start, to the nanosecond; the age that the log also
// has counts whole seconds and is not looked at. A flow that does not say its end has no duration.
package eve

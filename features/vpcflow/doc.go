// Package vpcflow reads AWS VPC Flow Logs, versions 2 to 8 and custom formats, as a sequence of flow records.
//
// A record of the log is one direction of a connection on one network interface in one interval of up to 600 seconds. The
// reader pairs and merges them: a flow comes out when the log has gone on for 20 minutes behind it, so it costs memory
// while it is open. Flow.MoreRecords says of how many records it was made.
//
// Text is separated by blanks, or by commas where its header is. A line with the words srcaddr and dstaddr (or
// pkt-srcaddr and pkt-dstaddr; '_' is as good as '-') is a header and holds until the next one. Without a header the
// fields are the fourteen of version 2, or those that Options.Fields names. Names that are not known are passed over.
// JSON objects with the same names, one a line or in an array, are read as well.
//
//	address     pkt-srcaddr and pkt-dstaddr, the packet's own, before srcaddr and dstaddr, the interface's, which are
//	            checked all the same
//	flags       the log knows SYN, FIN and RST; ACK is read where it comes with SYN, and PSH and URG are missing
//	no reply    a direction without a record had no packets, unless the log says SKIPDATA for the time
//	start, end  whole seconds since 1970, UTC in every region, so a duration of 0 may be most of one; a date is not read
//
// A record with the log-status NODATA or SKIPDATA is no flow and is counted as such. action (ACCEPT, REJECT) and
// flow-direction, which only says how packets crossed the interface, are not read.
package vpcflow

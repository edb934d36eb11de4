// Package netflow reads NetFlow, IPFIX and sFlow as text, the way collectors write it, as a sequence of flow records:
//
//	nfdump    CSV of 1.6 and 1.7 (48 columns, with trailer) and of later versions; JSON, as one array or as lines
//	pmacct    JSON lines of nfacctd and sfacctd
//	goflow2   JSON lines
//
// A record is one direction of a connection in one interval. The reader pairs and merges records of the same exporter: a
// flow comes out when the log has gone on for 10 minutes behind it, so it costs memory while it is open.
// Flow.MoreRecords says of how many records it was made. A direction without a record is not known.
//
// A record of nfdump with packets or bytes out is two records, the second the other way round and without flags. Times
// without a zone are UTC. A record of goflow2 that stands for sampled packets has its packets and bytes multiplied by
// the sampling rate, which Flow.SamplingRate says, and no duration. A record of pmacct without a time, which is how it
// writes aggregates, becomes a flow of its own.
package netflow

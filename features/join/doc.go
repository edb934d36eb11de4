// Package join holds what the other logs of a sensor say about a connection until the record of its flow comes.
//
//	dns, http, tls, ... ── Add ──> Buffer ── Take ──> features.Flow.Joined
//	                                 │        ^ the flow's own record
//	                                 └ a key nobody takes goes when there are too many
//
// Sensors write a flow when it ends, and what it carried before that. A flow is therefore never kept waiting: it takes
// what is there. Its key is remembered for a minute of the log's own time, so that what comes too late is known to be late;
// it is counted, and lost. Memory is bounded whatever the logs hold: so many keys, so many bytes, so long a text.
package join

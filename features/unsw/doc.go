// Package unsw reads UNSW-NB15 files as a sequence of flow records.
//
// Both forms are read: the partitions, whose header names 45 columns, and the raw files, 49 columns without a header.
// A header, also one over a raw file, is what columns are found by; without one the order of the raw files holds. The
// names of the two forms are made one: smeansz is smean, Sintpkt is sinpkt, res_bdy_len is response_body_len.
//
// Besides the flow, each record has its 39 numeric columns in Flow.UNSW. Raw files have no rate; it is computed.
//
// A time is Stime of the raw files, seconds since 1970, which are UTC wherever the capture was; a flow without it, as those of partitions, has no time.
package unsw

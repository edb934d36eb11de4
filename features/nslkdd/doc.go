// Package nslkdd reads NSL-KDD and KDD'99 files as a sequence of flow records.
//
// The files have no header: 41 columns, the name of the attack or "normal" (with a dot behind it in KDD'99) and, in
// NSL-KDD, a difficulty from 0 to 21. A first line of column names, which some copies have, is passed over.
//
// The columns are in Flow.NSL. Of a flow proper a record has little: duration, protocol, and the bytes of both
// directions without headers; no addresses, no packets, no time.
package nslkdd

// Package logio opens logs and reads their lines within bounds.
//
// A log is plain, gzip or zstd; its first bytes tell which. Whatever it is, memory is bounded: a line has a limit, a
// zstd window too, and a stream that unpacks to over a thousand times its size is given up.
//
//	bytes ── Lines ──> line 1, line 2, ...        r
//	          │        buf: [ done | line | read ahead | free ]
//	          │                      └ grows from 64 KiB to the limit
//	          └ gzip, zstd or plain, then one byte order mark is dropped
//
// A stream that breaks, because it was cut or is corrupt, still yields everything that could be read before the break.
package logio

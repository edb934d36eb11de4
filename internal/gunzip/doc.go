// Package gunzip unpacks gzip streams and loses nothing where one breaks.
//
// A sensor that dies leaves a log whose compression is cut off. Every symbol whose bits are still there is delivered
// before the error, as zlib does. The decoders of the standard library and of klauspost/compress ask for more bits than
// the next symbol may need, and so lose the last ones at a cut; each may stand for 258 bytes, or the end of a line.
//
//	bits   b [ .... 64 .... ]  nb of them are read; the lowest comes first
//	window   [ history, up to 32 KiB | delivered | not yet delivered | free ]
//	                                 r           w
package gunzip

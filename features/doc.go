// Package features turns network-flow records into fixed-order float32 rows described by a schema.
//
// A [Flow] is one connection, whatever log it came from; the packages below this one (zeek, unsw, ...) read a log
// format each and yield flows. A feature [Set] is a named, versioned list of columns with the formula of each; a
// formula never changes under its name. A [Contract] freezes a set for one model: its columns, vocabularies, scaling,
// what counts as missing, the decision threshold and golden records that prove it all. A [Pipeline] is an immutable
// recipe made from a set or a contract; an [Extractor] is one run of it.
//
//	log -> Flow -> (Pipeline, Extractor) -> []float32 -> package inference
//
// The same code makes the rows of a training file and the rows that are scored, which is the point of it: there is no
// second implementation that could drift.
//
// # Missing
//
// A value that the source does not know is missing, which is not the same as zero. A Flow says which of its fields are
// known ([Flow.Has]); in a row, missing is NaN and NaN is nothing else.
//
// # Arithmetic
//
// Counts become float64 first, each on its own; every operation after that is float64, in the order the formula is
// written, with no fused multiply-add; the result is rounded once to float32, and what is not finite as a float32 is
// missing. Two programs that follow this write the same bits.
//
// # Concurrency
//
// Sets, contracts (once built) and pipelines are immutable and safe for concurrent use. An Extractor has one owner. Its
// RowsParallel uses several goroutines and gives the same rows as one.
package features

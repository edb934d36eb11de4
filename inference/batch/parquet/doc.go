// Package parquet writes scored flows as Parquet: one row for each, with the columns of the NDJSON record.
//
// It is a package of its own so that whoever writes text only does not link a Parquet library; [Write] is made for batch.Options.Convert.
// What a log does not say is null. The scores of the classes of a model with several, and the reasons of an explanation, are lists
// of structures; pages are zstd, groups have 131,072 rows, and one of them is in memory at a time.
//
//	ts uid src src_port dst dst_port proto     of the flow; the time in nanoseconds, UTC
//	score threat threshold model set           of the verdict
//	class, classes: class score                the likeliest class and the score of each
//	top: feature value contribution            the reasons, strongest first
package parquet

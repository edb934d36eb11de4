//go:build noparquet

package main

import (
	"io"
	"iter"

	"threatdetect/features"
	"threatdetect/features/vpcflow"
)

// readParquet is left out: a build that only serves models does without the 5 MB of its library.
var readParquet func(io.Reader, *vpcflow.Options) iter.Seq2[*features.Flow, error]

// parquetRows is, too.
var parquetRows func(dst io.Writer, rows io.Reader) error

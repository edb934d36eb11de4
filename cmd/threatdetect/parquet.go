//go:build !noparquet

package main

import (
	"threatdetect/features/vpcflow/parquet"
	batchparquet "threatdetect/inference/batch/parquet"
)

// readParquet reads VPC flow logs in Parquet.
var readParquet = parquet.Read

// parquetRows writes the outputs of a batch as Parquet.
var parquetRows = batchparquet.Write

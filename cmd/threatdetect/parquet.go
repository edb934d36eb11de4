//go:build !noparquet

package main

import "threatdetect/features/vpcflow/parquet"

// readParquet reads VPC flow logs in Parquet.
var readParquet = parquet.Read

// Package parquet reads VPC Flow Logs in Parquet, as AWS delivers them to S3, as a sequence of flow records.
//
// It is a package of its own so that whoever reads text only does not link a Parquet library. Columns are found by name,
// '_' being as good as '-', and only those that a flow is made of are read: one page of each at a time, so memory does not
// grow with the file. Pages may be snappy, gzip, zstd or plain, of up to 64 MiB.
//
// What the records mean, and how they become flows, is package vpcflow's.
package parquet

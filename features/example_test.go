package features_test

import (
	"fmt"
	"log"

	"threatdetect/features"
)

// An agent that knows its connections fills a Flow itself, and says which fields it knows.
func Example() {
	set, err := features.LookupSet("flow-min/1")
	if err != nil {
		log.Fatal(err)
	}
	pipeline, err := features.NewPipeline(set)
	if err != nil {
		log.Fatal(err)
	}
	flow := &features.Flow{
		Duration: 2_000_000_000, Proto: features.ProtoTCP, FwdPkts: 6, RevPkts: 4, FwdBytes: 900, RevBytes: 300,
		Known: features.FieldDuration | features.FieldProto | features.FieldFwdPkts | features.FieldRevPkts | features.FieldFwdBytes | features.FieldRevBytes,
	}
	row, err := pipeline.Extractor().AppendRow(nil, flow)
	if err != nil {
		log.Fatal(err)
	}
	for i, column := range pipeline.Schema().Columns[:9] {
		fmt.Println(column.Name, row[i])
	}
	// Output:
	// duration_s 2
	// fwd_pkts 6
	// rev_pkts 4
	// fwd_bytes 900
	// rev_bytes 300
	// total_pkts 10
	// total_bytes 1200
	// byte_ratio 2.9900331
	// byte_balance 0.5
}

package features_test

import (
	"fmt"
	"log"
	"net/netip"
	"strings"

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

// Columns that tell the site's own hosts from others take its networks; a contract of the set has them, for training and scoring alike.
func ExampleSet_With() {
	set, err := features.LookupSet("flow-full/1")
	if err != nil {
		log.Fatal(err)
	}
	set, err = set.With(&features.SetOptions{LocalNets: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}})
	if err != nil {
		log.Fatal(err)
	}
	pipeline, err := features.NewPipeline(set)
	if err != nil {
		log.Fatal(err)
	}
	flow := &features.Flow{Known: features.FieldAddrs, Src: netip.MustParseAddr("10.1.2.3"), Dst: netip.MustParseAddr("198.51.100.9")}
	row, err := pipeline.Extractor().AppendRow(nil, flow)
	if err != nil {
		log.Fatal(err)
	}
	for i, column := range pipeline.Schema().Columns {
		if strings.HasPrefix(column.Name, "direction=") {
			fmt.Println(column.Name, row[i])
		}
	}
	// Output:
	// direction=out 1
	// direction=in 0
	// direction=internal 0
	// direction=external 0
}

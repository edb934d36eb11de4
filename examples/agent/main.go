// Command agent shows the ten lines that put a detector into a program which has flow records of its own, such as an
// IDS agent that watches a socket or an eBPF map. Run it in the root of the repository:
//
//	go run ./examples/agent
package main

import (
	"fmt"
	"log"
	"net/netip"
	"time"

	"threatdetect/features"
	"threatdetect/inference/detect"
)

func main() {
	detector, err := detect.Open("testdata/demo/model.tar.gz", nil) // once; safe for any number of goroutines
	if err != nil {
		log.Fatal(err)
	}
	stream := detector.Stream() // one for each goroutine
	for flow := range connections() {
		verdict, err := stream.Judge(flow)
		if err != nil {
			log.Fatal(err)
		}
		fmt.Printf("%s:%d -> %s:%d score %.3f threat %v\n", flow.Src, flow.SrcPort, flow.Dst, flow.DstPort, verdict.Score, verdict.Threat)
	}
}

// connections stands for the agent's own source. It says which fields it knows: what is not known is missing in the row,
// not zero.
func connections() func(func(*features.Flow) bool) {
	const known = features.FieldStart | features.FieldDuration | features.FieldAddrs | features.FieldSrcPort | features.FieldDstPort |
		features.FieldProto | features.FieldFwdPkts | features.FieldRevPkts | features.FieldFwdBytes | features.FieldRevBytes
	start := time.Date(2024, 3, 4, 9, 0, 0, 0, time.UTC).UnixNano()
	flows := []*features.Flow{
		{ // a page load over TLS
			Start: start, Duration: int64(1200 * time.Millisecond), Known: known,
			Src: netip.MustParseAddr("10.0.1.17"), SrcPort: 51514, Dst: netip.MustParseAddr("93.184.216.34"), DstPort: 443,
			Proto: features.ProtoTCP, App: features.AppTLS, AppName: "tls", State: features.StateClosed,
			FwdPkts: 14, RevPkts: 18, FwdBytes: 2300, RevBytes: 21400,
			FwdFlags: features.SYN | features.ACK | features.PSH | features.FIN, FwdFlagsKnown: features.AllFlags,
			RevFlags: features.SYN | features.ACK | features.PSH | features.FIN, RevFlagsKnown: features.AllFlags,
		},
		{ // a SYN to a telnet port that nobody answers
			Start: start, Known: known,
			Src: netip.MustParseAddr("10.0.3.9"), SrcPort: 40112, Dst: netip.MustParseAddr("198.51.100.77"), DstPort: 23,
			Proto: features.ProtoTCP, App: features.AppNone, State: features.StateAttempt, FwdPkts: 1, FwdBytes: 40,
			FwdFlags: features.SYN, FwdFlagsKnown: features.AllFlags, RevFlagsKnown: features.AllFlags,
		},
	}
	return func(yield func(*features.Flow) bool) {
		for _, f := range flows {
			if !yield(f) {
				return
			}
		}
	}
}

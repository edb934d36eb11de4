package trafficgen_test

import (
	"fmt"
	"log"
	"os"

	"threatdetect/internal/trafficgen"
)

func Example() {
	g, err := trafficgen.New(trafficgen.Config{Seed: 1, Records: 2_000})
	if err != nil {
		log.Fatal(err)
	}
	states := make(map[string]int)
	for r := range g.All() {
		if r.Kind == trafficgen.SSHBruteForce {
			states[r.ConnState]++
		}
	}
	records, attacks := g.Made()
	fmt.Println("records:", records)
	fmt.Println("about a fifth are attacks:", attacks > records/7 && attacks < records/4)
	fmt.Println("guessed passwords:", states["SF"] > 0)
	// Output:
	// records: 2000
	// about a fifth are attacks: true
	// guessed passwords: true
}

func ExampleWriter() {
	g, err := trafficgen.New(trafficgen.Config{Seed: 1, Records: 3})
	if err != nil {
		log.Fatal(err)
	}
	w, err := trafficgen.NewWriter(os.Stdout, &trafficgen.WriterOptions{
		Format: trafficgen.JSON,
		Quirks: trafficgen.QuirkOld | trafficgen.QuirkNoLocal,
	})
	if err != nil {
		log.Fatal(err)
	}
	for r := range g.All() {
		if err := w.Write(r); err != nil {
			log.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		log.Fatal(err)
	}
	// Output:
	// {"ts":1709535600.399331,"uid":"CiC8yqDMltzUOvxKcB","id.orig_h":"10.194.8.10","id.orig_p":40742,"id.resp_h":"198.19.123.239","id.resp_p":123,"proto":"udp","service":"ntp","duration":0.004649,"orig_bytes":48,"resp_bytes":48,"conn_state":"SF","missed_bytes":0,"history":"Dd","orig_pkts":1,"orig_ip_bytes":76,"resp_pkts":1,"resp_ip_bytes":76,"tunnel_parents":[]}
	// {"ts":1709535600.365241,"uid":"C3TcsbSdGpRVgPTAH","id.orig_h":"10.194.1.10","id.orig_p":46344,"id.resp_h":"198.19.78.105","id.resp_p":53,"proto":"udp","service":"dns","duration":0.063789,"orig_bytes":35,"resp_bytes":179,"conn_state":"SF","missed_bytes":0,"history":"Dd","orig_pkts":1,"orig_ip_bytes":63,"resp_pkts":1,"resp_ip_bytes":207,"tunnel_parents":[]}
	// {"ts":1709535600.42903,"uid":"CJTO128UMmdCVryDwB","id.orig_h":"10.194.1.10","id.orig_p":53431,"id.resp_h":"198.19.250.230","id.resp_p":53,"proto":"udp","service":"dns","duration":0.015232,"orig_bytes":35,"resp_bytes":109,"conn_state":"SF","missed_bytes":0,"history":"Dd","orig_pkts":1,"orig_ip_bytes":63,"resp_pkts":1,"resp_ip_bytes":137,"tunnel_parents":[]}
}

package zeek_test

import (
	"errors"
	"fmt"
	"log"
	"strings"

	"threatdetect/features"
	"threatdetect/features/zeek"
)

func ExampleRead() {
	conn := `#separator \x09
#unset_field	-
#path	conn
#fields	ts	uid	id.orig_h	id.orig_p	id.resp_h	id.resp_p	proto	service	duration	conn_state	orig_pkts	resp_pkts
1700000000.500000	CkX1	10.1.2.3	51000	192.0.2.7	443	tcp	ssl	2.250000	SF	10	12
1700000001.000000	CkX2	10.1.2.3	51001	192.0.2.300	443	tcp	-	-	S0	1	0
1700000002.000000	CkX3	10.1.2.3	51002	192.0.2.8	22	tcp	-	-	REJ	1	1
`
	for flow, err := range zeek.Read(strings.NewReader(conn), nil) {
		var bad *features.RecordError
		switch {
		case errors.As(err, &bad):
			fmt.Println("skipped:", bad.Reason, bad.Field)
		case err != nil:
			log.Fatal(err)
		default:
			fmt.Printf("%s to %s port %d: %v, %v\n", flow.Src, flow.Dst, flow.DstPort, flow.App, flow.State)
		}
	}
	// Output:
	// 10.1.2.3 to 192.0.2.7 port 443: tls, closed
	// skipped: address id.resp_h
	// 10.1.2.3 to 192.0.2.8 port 22: none, rejected
}

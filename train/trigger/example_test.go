package trigger_test

import (
	"fmt"

	"threatdetect/train/trigger"
)

func ExampleRule() {
	r := trigger.Rule{Bucket: "td-bucket", Prefix: "raw/", Marker: "_SUCCESS"}
	fmt.Println(r.Matches("td-bucket", "raw/2026-01-02/conn.log"), r.Matches("td-bucket", "raw/2026-01-02/_SUCCESS"))
	fmt.Println(r.Pattern())
	// Output:
	// false true
	// {"source":["aws.s3"],"detail-type":["Object Created"],"detail":{"bucket":{"name":["td-bucket"]},"object":{"key":[{"wildcard":"raw/*/_SUCCESS"}]}}}
}

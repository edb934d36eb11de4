package trigger

import (
	"encoding/json"
	"strings"
)

// Rule says which new objects start the pipeline: those of a bucket whose key is Prefix, anything, and "/" with the name of the marker, which is
// written when everything before it is. Without Marker every object below Prefix does.
type Rule struct {
	Bucket string
	Prefix string // ends with "/", or is empty
	Marker string
}

// Pattern is the rule as EventBridge's event pattern.
func (r *Rule) Pattern() string {
	key := map[string]string{"prefix": r.Prefix}
	if r.Marker != "" {
		key = map[string]string{"wildcard": r.wildcard()}
	}
	type (
		bucket struct {
			Name []string `json:"name"`
		}
		object struct {
			Key []map[string]string `json:"key"`
		}
		detail struct {
			Bucket bucket `json:"bucket"`
			Object object `json:"object"`
		}
	)
	b, err := json.Marshal(struct {
		Source     []string `json:"source"`
		DetailType []string `json:"detail-type"`
		Detail     detail   `json:"detail"`
	}{[]string{"aws.s3"}, []string{"Object Created"}, detail{bucket{[]string{r.Bucket}}, object{[]map[string]string{key}}}})
	if err != nil {
		panic(err) // of text alone
	}
	return string(b)
}

// wildcard is the pattern of the keys: a star stands for any text, one that is meant has a backslash before it.
func (r *Rule) wildcard() string {
	escape := strings.NewReplacer(`\`, `\\`, `*`, `\*`)
	return escape.Replace(r.Prefix) + "*/" + escape.Replace(r.Marker)
}

// Matches tells whether the rule lets the event of a new object with this key through.
func (r *Rule) Matches(bucket, key string) bool {
	rest, ok := strings.CutPrefix(key, r.Prefix)
	return ok && bucket == r.Bucket && (r.Marker == "" || strings.HasSuffix(rest, "/"+r.Marker))
}

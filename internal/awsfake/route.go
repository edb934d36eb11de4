package awsfake

import (
	"net/url"
	"strings"
)

// route is the path of an operation of a REST protocol: POST /2015-03-31/functions/{FunctionName}/invocations.
type route struct {
	method   string
	segments []string
	query    string // what the query must have
	literals int
	op       *operation
}

func newRoute(op *operation) route {
	method, uri, _ := strings.Cut(op.HTTP, " ")
	path, query, _ := strings.Cut(uri, "?")
	r := route{method: method, query: query, op: op, segments: strings.Split(strings.Trim(path, "/"), "/")}
	for _, s := range r.segments {
		if !strings.HasPrefix(s, "{") {
			r.literals++
		}
	}
	return r
}

// match tells whether a request goes to the operation, and the labels of its path.
func (r route) match(method string, u *url.URL) (map[string]string, bool) {
	if method != r.method || r.query != "" && !u.Query().Has(r.query) {
		return nil, false
	}
	got := strings.Split(strings.Trim(u.EscapedPath(), "/"), "/")
	labels := map[string]string{}
	for i, s := range r.segments {
		if i >= len(got) {
			return nil, false
		}
		text, err := url.PathUnescape(got[i])
		if err != nil {
			return nil, false
		}
		switch {
		case strings.HasPrefix(s, "{") && strings.HasSuffix(s, "+}"):
			rest, err := url.PathUnescape(strings.Join(got[i:], "/"))
			if err != nil {
				return nil, false
			}
			labels[s[1:len(s)-2]] = rest
			return labels, true
		case strings.HasPrefix(s, "{"):
			labels[s[1:len(s)-1]] = text
		case s != text:
			return nil, false
		}
	}
	return labels, len(got) == len(r.segments)
}

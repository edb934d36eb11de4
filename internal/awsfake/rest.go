package awsfake

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
)

// decodeREST gathers the members of a request of a REST protocol from path, query, headers and body.
func (c *call) decodeREST(r *http.Request, body []byte) (doc, error) {
	sh := c.service.Shapes[c.op.Input]
	in := doc{}
	if sh.Payload != "" {
		m := sh.Members[sh.Payload]
		if c.service.Shapes[m.Shape].Type == "blob" {
			in[sh.Payload] = body
		} else if v, err := decodeJSON(c.service, m.Shape, body); err != nil {
			return nil, err
		} else {
			in[sh.Payload] = v
		}
	} else if len(body) > 0 {
		v, err := decodeJSON(c.service, c.op.Input, body)
		if err != nil {
			return nil, err
		}
		in = v
	}
	for name, m := range sh.Members {
		text, ok := "", false
		switch m.Loc {
		case "uri":
			text, ok = c.labels[m.wire(name)]
		case "querystring":
			q := r.URL.Query()
			ref := c.service.Shapes[m.Shape]
			if ref.Type == "list" {
				if vs := q[m.wire(name)]; len(vs) > 0 {
					in[name] = anys(vs)
				}
				continue
			}
			text, ok = q.Get(m.wire(name)), q.Has(m.wire(name))
		case "header":
			if vs := r.Header.Values(m.wire(name)); len(vs) > 0 {
				text, ok = vs[0], true
			}
		default:
			continue
		}
		if !ok {
			continue
		}
		v, err := scalar(c.service.Shapes[m.Shape].Type, text)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		in[name] = v
	}
	return in, nil
}

// writeREST puts an answer's members where the protocol wants them.
func (c *call) writeREST(w http.ResponseWriter, out doc) {
	status := c.op.Status
	if status == 0 {
		status = 200
	}
	sh := c.service.Shapes[c.op.Output]
	if sh == nil {
		w.WriteHeader(status)
		return
	}
	for name, m := range sh.Members {
		v := out[name]
		if v == nil {
			continue
		}
		switch m.Loc {
		case "header":
			w.Header().Set(m.wire(name), fmt.Sprint(v))
		case "statusCode":
			if n, err := strconv.Atoi(fmt.Sprint(v)); err == nil {
				status = n
			}
		}
	}
	if sh.Payload != "" {
		if b, ok := out[sh.Payload].([]byte); ok {
			w.WriteHeader(status)
			w.Write(b)
			return
		}
	}
	if status == http.StatusNoContent {
		w.WriteHeader(status)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	fmt.Fprint(w, strings.TrimSpace(toJSON(c.service.toJSON(c.op.Output, out))))
}

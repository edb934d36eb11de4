package awsfake

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// call is one decoded request.
type call struct {
	service  *service
	op       *operation
	protocol string // json, cbor, query, rest
	labels   map[string]string
	in       doc
	header   http.Header
	region   string
	account  string
}

// identify tells what a request asks for by what SDKs put into it, never by the host's name: the target header, the Smithy
// protocol header, the scope of the signature, the form's Action, the path. No call and no error is a request to S3.
func identify(r *http.Request, body []byte) (*call, *apiError) {
	all := services()
	c := &call{header: r.Header, region: "us-east-1"}
	region, signing := scope(r)
	if region != "" {
		c.region = region
	}
	find := func(target, op string) *apiError {
		for _, s := range all {
			if s.Meta.Target == target {
				c.service, c.op = s, s.Operations[op]
				if c.op == nil {
					return errorf("UnknownOperationException", "awsfake knows no %s of %s", op, s.Name)
				}
				return nil
			}
		}
		return errorf("UnknownOperationException", "awsfake knows no service %s", target)
	}
	if t := r.Header.Get("X-Amz-Target"); t != "" {
		c.protocol = "json"
		target, op, _ := strings.Cut(t, ".")
		return c, find(target, op)
	}
	if r.Header.Get("Smithy-Protocol") == "rpc-v2-cbor" {
		c.protocol = "cbor"
		parts := strings.Split(strings.Trim(r.URL.Path, "/"), "/")
		if len(parts) != 4 || parts[0] != "service" || parts[2] != "operation" {
			return c, errorf("UnknownOperationException", "path %s: want /service/NAME/operation/NAME", r.URL.Path)
		}
		return c, find(parts[1], parts[3])
	}
	if signing == "s3" || signing == "s3express" {
		return nil, nil
	}
	if strings.HasPrefix(r.Header.Get("Content-Type"), "application/x-www-form-urlencoded") && r.Method == "POST" && r.URL.Path == "/" {
		c.protocol = "query"
		form, err := url.ParseQuery(string(body))
		if err != nil {
			return c, errorf("MalformedQueryString", "%v", err)
		}
		for _, s := range all {
			if s.Meta.Query && (s.Meta.Signing == signing || signing == "" && s.Meta.Version == form.Get("Version")) {
				c.service, c.op = s, s.Operations[form.Get("Action")]
				if c.op == nil {
					return c, errorf("InvalidAction", "awsfake knows no %s of %s", form.Get("Action"), s.Name)
				}
				return c, nil
			}
		}
		return c, errorf("InvalidAction", "awsfake knows no service of %s", form.Get("Action"))
	}
	if signing == "" {
		return nil, nil
	}
	for _, s := range all {
		if !s.Meta.Rest || s.Meta.Signing != signing {
			continue
		}
		c.protocol, c.service = "rest", s
		for _, route := range s.routes {
			if labels, ok := route.match(r.Method, r.URL); ok {
				c.op, c.labels = route.op, labels
				return c, nil
			}
		}
	}
	if c.service == nil {
		c.protocol = "json"
		return c, errorf("UnknownOperationException", "awsfake knows no service that signs as %q", signing)
	}
	return c, notFound("UnknownOperationException", "awsfake knows no %s %s of %s", r.Method, r.URL.Path, c.service.Name)
}

// scope reads region and service of the signature: Credential=KEY/20260102/us-east-1/sagemaker/aws4_request.
func scope(r *http.Request) (region, service string) {
	text := r.URL.Query().Get("X-Amz-Credential")
	if _, after, ok := strings.Cut(r.Header.Get("Authorization"), "Credential="); ok {
		text, _, _ = strings.Cut(after, ",")
	}
	if parts := strings.Split(text, "/"); len(parts) == 5 {
		return parts[2], parts[3]
	}
	return "", ""
}

// decode reads the members of a request, in whatever protocol.
func (c *call) decode(r *http.Request, body []byte) error {
	if c.op.Input == "" {
		c.in = doc{}
		return nil
	}
	var err error
	switch c.protocol {
	case "cbor":
		c.in, err = decodeCBOR(c.service, c.op.Input, body)
	case "query":
		form, _ := url.ParseQuery(string(body))
		c.in, err = decodeQuery(c.service, c.op.Input, form)
	case "rest":
		c.in, err = c.decodeREST(r, body)
	default:
		c.in, err = decodeJSON(c.service, c.op.Input, body)
	}
	return err
}

func decodeJSON(s *service, shapeName string, body []byte) (doc, error) {
	if len(bytes.TrimSpace(body)) == 0 {
		return doc{}, nil
	}
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	var raw any
	if err := d.Decode(&raw); err != nil {
		return nil, err
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, fmt.Errorf("more than one JSON value")
	}
	v, err := s.fromJSON(shapeName, "", raw)
	if err != nil {
		return nil, err
	}
	out, ok := v.(doc)
	if !ok {
		return nil, fmt.Errorf("want a JSON object")
	}
	return out, nil
}

// fromJSON gives a JSON value the type of its shape. Members that the shape lacks stay as they are: validate names them.
func (s *service) fromJSON(shapeName, path string, raw any) (any, error) {
	sh := s.Shapes[shapeName]
	if sh == nil || raw == nil {
		return raw, nil
	}
	wrong := func() (any, error) {
		return nil, fmt.Errorf("%s: want %s, got %s", path, sh.Type, brief(raw))
	}
	switch sh.Type {
	case "structure":
		m, ok := raw.(map[string]any)
		if !ok {
			return wrong()
		}
		names := map[string]string{}
		for name, ref := range sh.Members {
			names[ref.wire(name)] = name
		}
		out := doc{}
		for k, v := range m {
			if v == nil {
				continue
			}
			name, ok := names[k]
			if !ok {
				out[k] = v
				continue
			}
			e, err := s.fromJSON(sh.Members[name].Shape, join(path, k), v)
			if err != nil {
				return nil, err
			}
			out[name] = e
		}
		return out, nil
	case "list":
		l, ok := raw.([]any)
		if !ok {
			return wrong()
		}
		out := make([]any, len(l))
		for i, v := range l {
			e, err := s.fromJSON(sh.Of.Shape, fmt.Sprintf("%s.%d", path, i+1), v)
			if err != nil {
				return nil, err
			}
			out[i] = e
		}
		return out, nil
	case "map":
		m, ok := raw.(map[string]any)
		if !ok {
			return wrong()
		}
		out := doc{}
		for k, v := range m {
			e, err := s.fromJSON(sh.Value.Shape, path+"."+k, v)
			if err != nil {
				return nil, err
			}
			out[k] = e
		}
		return out, nil
	case "boolean":
		if b, ok := raw.(bool); ok {
			return b, nil
		}
		return wrong()
	case "string":
		if t, ok := raw.(string); ok {
			return t, nil
		}
		return wrong()
	case "blob":
		t, ok := raw.(string)
		if !ok {
			return wrong()
		}
		return base64.StdEncoding.DecodeString(t)
	}
	// Numbers and times.
	text := ""
	switch x := raw.(type) {
	case json.Number:
		text = x.String()
	case float64:
		text = strconv.FormatFloat(x, 'g', -1, 64)
	case int64:
		text = strconv.FormatInt(x, 10)
	case string:
		text = x
		if sh.Type != "timestamp" && sh.Type != "float" && sh.Type != "double" {
			return wrong()
		}
	default:
		return wrong()
	}
	return scalar(sh.Type, text)
}

// scalar reads a number, time or truth from text.
func scalar(kind, text string) (any, error) {
	switch kind {
	case "integer", "long":
		return strconv.ParseInt(text, 10, 64)
	case "float", "double":
		return strconv.ParseFloat(text, 64)
	case "boolean":
		return strconv.ParseBool(text)
	case "timestamp":
		if f, err := strconv.ParseFloat(text, 64); err == nil {
			return time.UnixMicro(int64(f * 1e6)).UTC(), nil
		}
		return time.Parse(time.RFC3339Nano, text)
	case "blob":
		return base64.StdEncoding.DecodeString(text)
	}
	return text, nil
}

// toJSON gives an answer the form of the JSON protocols: times as seconds, blobs as base64, names as on the wire.
func (s *service) toJSON(shapeName string, v any) any {
	sh := s.Shapes[shapeName]
	if sh == nil {
		return v
	}
	switch x := v.(type) {
	case doc:
		out := doc{}
		for k, e := range x {
			if sh.Type == "map" {
				out[k] = s.toJSON(sh.Value.Shape, e)
				continue
			}
			m, ok := sh.Members[k]
			if !ok {
				panic(fmt.Sprintf("awsfake: %s has no member %s", shapeName, k))
			}
			if m.Loc == "" {
				out[m.wire(k)] = s.toJSON(m.Shape, e)
			}
		}
		return out
	case []any:
		out := make([]any, len(x))
		for i, e := range x {
			out[i] = s.toJSON(sh.Of.Shape, e)
		}
		return out
	case time.Time:
		if sh.Type == "long" { // CloudWatch Logs: milliseconds
			return x.UnixMilli()
		}
		return json.Number(strconv.FormatFloat(float64(x.UnixMilli())/1000, 'f', -1, 64))
	case []byte:
		return base64.StdEncoding.EncodeToString(x)
	}
	return v
}

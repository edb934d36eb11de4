package awsfake

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// decodeQuery reads the form of the query protocol: Tags.member.1.Key=stack.
func decodeQuery(s *service, shapeName string, form url.Values) (doc, error) {
	v, err := s.fromForm(shapeName, "", form)
	if err != nil {
		return nil, err
	}
	in, _ := v.(doc)
	if in == nil {
		in = doc{}
	}
	return in, nil
}

func (s *service) fromForm(shapeName, prefix string, form url.Values) (any, error) {
	sh := s.Shapes[shapeName]
	sub := func(name string) string {
		if prefix == "" {
			return name
		}
		return prefix + "." + name
	}
	present := func(at string) bool {
		if form.Has(at) {
			return true
		}
		for k := range form {
			if strings.HasPrefix(k, at+".") {
				return true
			}
		}
		return false
	}
	switch sh.Type {
	case "structure":
		out := doc{}
		for name, m := range sh.Members {
			at := sub(m.wire(name))
			if !present(at) {
				continue
			}
			v, err := s.fromForm(m.Shape, at, form)
			if err != nil {
				return nil, err
			}
			out[name] = v
		}
		return out, nil
	case "list":
		out := []any{}
		if form.Has(prefix) && form.Get(prefix) == "" {
			return out, nil
		}
		item := sub(sh.Of.wire("member"))
		if sh.Flattened {
			item = prefix
		}
		for i := 1; present(item + "." + strconv.Itoa(i)); i++ {
			v, err := s.fromForm(sh.Of.Shape, item+"."+strconv.Itoa(i), form)
			if err != nil {
				return nil, err
			}
			out = append(out, v)
		}
		return out, nil
	case "map":
		out := doc{}
		for i := 1; ; i++ {
			at := sub("entry." + strconv.Itoa(i))
			if !present(at) {
				return out, nil
			}
			v, err := s.fromForm(sh.Value.Shape, at+"."+sh.Value.wire("value"), form)
			if err != nil {
				return nil, err
			}
			out[form.Get(at+"."+sh.Key.wire("key"))] = v
		}
	}
	v, err := scalar(sh.Type, form.Get(prefix))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", prefix, err)
	}
	return v, nil
}

// xmlAnswer is the answer of the query protocol.
func (c *call) xmlAnswer(out doc, requestID string) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, `<%sResponse xmlns=%q>`, c.op.Name, c.service.Meta.XMLNS)
	if c.op.Wrapper != "" {
		b.WriteString("<" + c.op.Wrapper + ">")
	}
	if c.op.Output != "" {
		c.service.writeXML(&b, c.op.Output, out)
	}
	if c.op.Wrapper != "" {
		b.WriteString("</" + c.op.Wrapper + ">")
	}
	fmt.Fprintf(&b, "<ResponseMetadata><RequestId>%s</RequestId></ResponseMetadata></%sResponse>", requestID, c.op.Name)
	return b.Bytes()
}

func (s *service) writeXML(b *bytes.Buffer, shapeName string, v any) {
	sh := s.Shapes[shapeName]
	element := func(name, shape string, v any) {
		b.WriteString("<" + name + ">")
		s.writeXML(b, shape, v)
		b.WriteString("</" + name + ">")
	}
	switch x := v.(type) {
	case doc:
		for _, k := range sortedKeys(x) {
			if sh.Type == "map" {
				b.WriteString("<entry><" + sh.Key.wire("key") + ">")
				xml.EscapeText(b, []byte(k))
				b.WriteString("</" + sh.Key.wire("key") + ">")
				element(sh.Value.wire("value"), sh.Value.Shape, x[k])
				b.WriteString("</entry>")
				continue
			}
			m, ok := sh.Members[k]
			if !ok {
				panic(fmt.Sprintf("awsfake: %s has no member %s", shapeName, k))
			}
			element(m.wire(k), m.Shape, x[k])
		}
	case []any:
		for _, e := range x {
			element(sh.Of.wire("member"), sh.Of.Shape, e)
		}
	case time.Time:
		b.WriteString(x.UTC().Format("2006-01-02T15:04:05.000Z"))
	case nil:
	default:
		xml.EscapeText(b, []byte(fmt.Sprint(x)))
	}
}

func xmlError(e *apiError, xmlns, requestID string) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, `<ErrorResponse xmlns=%q><Error><Type>Sender</Type><Code>%s</Code><Message>`, xmlns, e.Code)
	xml.EscapeText(&b, []byte(e.Message))
	fmt.Fprintf(&b, "</Message></Error><RequestId>%s</RequestId></ErrorResponse>", requestID)
	return b.Bytes()
}

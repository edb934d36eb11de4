package awsfake

import (
	"fmt"
	"time"

	"github.com/aws/smithy-go/encoding/cbor"
)

// decodeCBOR reads the body of Smithy's RPC v2 protocol.
func decodeCBOR(s *service, shapeName string, body []byte) (doc, error) {
	if len(body) == 0 {
		return doc{}, nil
	}
	raw, err := cbor.Decode(body)
	if err != nil {
		return nil, err
	}
	v, err := s.fromCBOR(shapeName, raw)
	if err != nil {
		return nil, err
	}
	in, ok := v.(doc)
	if !ok {
		return nil, fmt.Errorf("want a map")
	}
	return in, nil
}

func (s *service) fromCBOR(shapeName string, raw cbor.Value) (any, error) {
	sh := s.Shapes[shapeName]
	switch x := raw.(type) {
	case nil, *cbor.Nil, *cbor.Undefined:
		return nil, nil
	case cbor.Map:
		out := doc{}
		for k, v := range x {
			of := ""
			if sh != nil && sh.Type == "map" {
				of = sh.Value.Shape
			} else if sh != nil {
				of = sh.Members[k].Shape
			}
			e, err := s.fromCBOR(of, v)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", k, err)
			}
			if e != nil {
				out[k] = e
			}
		}
		return out, nil
	case cbor.List:
		out := make([]any, len(x))
		for i, v := range x {
			of := ""
			if sh != nil {
				of = sh.Of.Shape
			}
			e, err := s.fromCBOR(of, v)
			if err != nil {
				return nil, err
			}
			out[i] = e
		}
		return out, nil
	case cbor.String:
		return string(x), nil
	case cbor.Slice:
		return []byte(x), nil
	case cbor.Bool:
		return bool(x), nil
	}
	if sh != nil && sh.Type == "timestamp" {
		return cbor.AsTime(raw)
	}
	if sh != nil && (sh.Type == "float" || sh.Type == "double") {
		if n, err := cbor.AsInt64(raw); err == nil {
			return float64(n), nil
		}
		return cbor.AsFloat64(raw)
	}
	if n, err := cbor.AsInt64(raw); err == nil {
		return n, nil
	}
	return cbor.AsFloat64(raw)
}

// toCBOR gives an answer the form of the protocol.
func (s *service) toCBOR(shapeName string, v any) cbor.Value {
	sh := s.Shapes[shapeName]
	switch x := v.(type) {
	case doc:
		out := cbor.Map{}
		for k, e := range x {
			switch {
			case sh == nil:
				out[k] = s.toCBOR("", e)
			case sh.Type == "map":
				out[k] = s.toCBOR(sh.Value.Shape, e)
			default:
				m, ok := sh.Members[k]
				if !ok {
					panic(fmt.Sprintf("awsfake: %s has no member %s", shapeName, k))
				}
				out[k] = s.toCBOR(m.Shape, e)
			}
		}
		return out
	case []any:
		out := make(cbor.List, len(x))
		for i, e := range x {
			of := ""
			if sh != nil {
				of = sh.Of.Shape
			}
			out[i] = s.toCBOR(of, e)
		}
		return out
	case string:
		return cbor.String(x)
	case []byte:
		return cbor.Slice(x)
	case bool:
		return cbor.Bool(x)
	case int64:
		return cborInt(x)
	case int:
		return cborInt(int64(x))
	case float64:
		return cbor.Float64(x)
	case time.Time:
		return &cbor.Tag{ID: 1, Value: cbor.Float64(float64(x.UnixMilli()) / 1000)}
	}
	return &cbor.Nil{}
}

func cborInt(n int64) cbor.Value {
	if n < 0 {
		return cbor.NegInt(uint64(-n))
	}
	return cbor.Uint(uint64(n))
}

package main

import (
	"bytes"
	"encoding/json"
	"errors"

	"github.com/bytedance/sonic"
	gojson "github.com/goccy/go-json"
	jsoniter "github.com/json-iterator/go"
	"github.com/minio/simdjson-go"
	segmentio "github.com/segmentio/encoding/json"
	"github.com/valyala/fastjson"

	"threatdetect/features/eve"
)

// event has the members of an EVE event that our reader looks at. The libraries leave times and addresses as text, which ours parses.
type event struct {
	EventType string `json:"event_type"`
	FlowID    uint64 `json:"flow_id"`
	SrcIP     string `json:"src_ip"`
	SrcPort   uint16 `json:"src_port"`
	DestIP    string `json:"dest_ip"`
	DestPort  uint16 `json:"dest_port"`
	Proto     string `json:"proto"`
	AppProto  string `json:"app_proto"`
	VLAN      []int  `json:"vlan"`
	ICMPType  uint8  `json:"icmp_type"`
	ICMPCode  uint8  `json:"icmp_code"`
	Flow      struct {
		PktsToServer  uint64 `json:"pkts_toserver"`
		PktsToClient  uint64 `json:"pkts_toclient"`
		BytesToServer uint64 `json:"bytes_toserver"`
		BytesToClient uint64 `json:"bytes_toclient"`
		Start         string `json:"start"`
		End           string `json:"end"`
	} `json:"flow"`
	TCP struct {
		FlagsToServer string `json:"tcp_flags_ts"`
		FlagsToClient string `json:"tcp_flags_tc"`
	} `json:"tcp"`
}

// sum adds up what every reader must find in a log, whatever it makes of it.
type sum struct{ Flows, Ports, Packets uint64 }

func (s *sum) add(ports, packets uint64) {
	s.Flows++
	s.Ports += ports
	s.Packets += packets
}

// lines calls f with each line of a log that is not empty.
func lines(log []byte, f func(line []byte) error) error {
	for len(log) > 0 {
		line, rest, _ := bytes.Cut(log, []byte{'\n'})
		log = rest
		if len(line) > 0 {
			if err := f(line); err != nil {
				return err
			}
		}
	}
	return nil
}

// intoStruct reads a log with a library that decodes into structs.
func intoStruct(unmarshal func([]byte, *event) error) reader {
	return func(log []byte) (s sum, err error) {
		var e event
		err = lines(log, func(line []byte) error {
			e = event{VLAN: e.VLAN[:0]}
			if err := unmarshal(line, &e); err != nil {
				return err
			}
			if e.EventType == "flow" {
				s.add(uint64(e.SrcPort)+uint64(e.DestPort), e.Flow.PktsToServer+e.Flow.PktsToClient)
			}
			return nil
		})
		return s, err
	}
}

// oursEVE reads flows, with their addresses, times and flags.
func oursEVE(log []byte) (s sum, err error) {
	for f, err := range eve.Read(bytes.NewReader(log), nil) {
		if err != nil {
			if !isRecord(err) {
				return s, err
			}
			continue
		}
		s.add(uint64(f.SrcPort)+uint64(f.DstPort), f.FwdPkts+f.RevPkts)
	}
	return s, nil
}

// sonicFastest decodes as the library's fastest configuration does: texts are not validated and point into the input.
var sonicFastest = sonic.ConfigFastest

// byFastjson looks the members up in the tree of values that the library makes of a line.
func byFastjson(log []byte) (s sum, err error) {
	var p fastjson.Parser
	err = lines(log, func(line []byte) error {
		v, err := p.ParseBytes(line)
		if err != nil {
			return err
		}
		if string(v.GetStringBytes("event_type")) != "flow" {
			return nil
		}
		f, tcp := v.Get("flow"), v.Get("tcp")
		keep(v.GetUint64("flow_id"), v.GetStringBytes("src_ip"), v.GetStringBytes("dest_ip"), v.GetStringBytes("proto"), v.GetStringBytes("app_proto"),
			f.GetUint64("bytes_toserver")+f.GetUint64("bytes_toclient"), f.GetStringBytes("start"), f.GetStringBytes("end"))
		if tcp != nil {
			keep(0, tcp.GetStringBytes("tcp_flags_ts"), tcp.GetStringBytes("tcp_flags_tc"), nil, nil, 0, nil, nil)
		}
		s.add(v.GetUint64("src_port")+v.GetUint64("dest_port"), f.GetUint64("pkts_toserver")+f.GetUint64("pkts_toclient"))
		return nil
	})
	return s, err
}

// kept makes sure that no compiler leaves out what a reader found.
var kept uint64

func keep(id uint64, a, b, c, d []byte, n uint64, e, f []byte) {
	kept += id + n + uint64(len(a)+len(b)+len(c)+len(d)+len(e)+len(f))
}

// bySimdjson parses pieces of about a megabyte at once, as the library is made for, and looks the members up on its tape.
func bySimdjson(log []byte) (s sum, err error) {
	if !simdjson.SupportedCPU() {
		return s, errors.New("needs AVX2 and CLMUL")
	}
	var (
		parsed *simdjson.ParsedJson
		found  *simdjson.Element
	)
	for len(log) > 0 {
		piece := log
		if len(piece) > 1<<20 {
			piece = piece[:bytes.LastIndexByte(piece[:1<<20], '\n')+1]
		}
		log = log[len(piece):]
		if parsed, err = simdjson.ParseND(piece, parsed, simdjson.WithCopyStrings(false)); err != nil {
			return s, err
		}
		err = parsed.ForEach(func(i simdjson.Iter) error {
			text := func(path ...string) uint64 {
				if e, err := i.FindElement(found, path...); err == nil {
					found = e
					if b, err := e.Iter.StringBytes(); err == nil {
						return uint64(len(b))
					}
				}
				return 0
			}
			number := func(path ...string) uint64 {
				if e, err := i.FindElement(found, path...); err == nil {
					found = e
					n, _ := e.Iter.Uint()
					return n
				}
				return 0
			}
			kind, err := i.FindElement(found, "event_type")
			if err != nil {
				return err
			}
			found = kind
			if b, err := kind.Iter.StringBytes(); err != nil || string(b) != "flow" {
				return err
			}
			kept += number("flow_id") + text("src_ip") + text("dest_ip") + text("proto") + text("app_proto") + number("flow", "bytes_toserver") +
				number("flow", "bytes_toclient") + text("flow", "start") + text("flow", "end") + text("tcp", "tcp_flags_ts") + text("tcp", "tcp_flags_tc")
			s.add(number("src_port")+number("dest_port"), number("flow", "pkts_toserver")+number("flow", "pkts_toclient"))
			return nil
		})
		if err != nil {
			return s, err
		}
	}
	return s, nil
}

var eveReaders = []contender{
	{"**threatdetect**, features/eve", "", oursEVE},
	{"encoding/json into a struct", "encoding/json", intoStruct(func(b []byte, e *event) error { return json.Unmarshal(b, e) })},
	{"json-iterator", "github.com/json-iterator/go", intoStruct(func(b []byte, e *event) error { return jsoniter.ConfigFastest.Unmarshal(b, e) })},
	{"goccy/go-json", "github.com/goccy/go-json", intoStruct(func(b []byte, e *event) error { return gojson.UnmarshalOf(b, e) })},
	{"bytedance/sonic, fastest", "github.com/bytedance/sonic", intoStruct(func(b []byte, e *event) error { return sonicFastest.Unmarshal(b, e) })},
	{"segmentio/encoding, no copies", "github.com/segmentio/encoding", intoStruct(func(b []byte, e *event) error {
		_, err := segmentio.Parse(b, e, segmentio.ZeroCopy)
		return err
	})},
	{"valyala/fastjson", "github.com/valyala/fastjson", byFastjson},
	{"minio/simdjson-go", "github.com/minio/simdjson-go", bySimdjson},
}

// repeat returns one log after the other until there are at least size bytes.
func repeat(log []byte, size int) []byte {
	var b bytes.Buffer
	for b.Len() < size {
		b.Write(log)
	}
	return b.Bytes()
}

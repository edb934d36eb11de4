package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"unsafe"

	"github.com/bytedance/sonic"
	gojson "github.com/goccy/go-json"
	jsoniter "github.com/json-iterator/go"
	"github.com/minio/simdjson-go"
	segmentio "github.com/segmentio/encoding/json"
	"github.com/valyala/fastjson"
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

// intoStruct gives the events of a log that a library decodes into a struct.
func intoStruct(unmarshal func([]byte, *event) error) source[event] {
	return func(log []byte, each func(*event) error) error {
		var e event
		return lines(log, func(line []byte) error {
			e = event{VLAN: e.VLAN[:0]}
			if err := unmarshal(line, &e); err != nil {
				return err
			}
			return each(&e)
		})
	}
}

// addEvent counts a flow.
func addEvent(s *sum, e *event) {
	if e.EventType == "flow" {
		s.add(uint64(e.SrcPort)+uint64(e.DestPort), e.Flow.PktsToServer+e.Flow.PktsToClient)
	}
}

// sonicFastest decodes as the library's fastest configuration does: texts are not validated and point into the input.
var sonicFastest = sonic.ConfigFastest

// text is b without a copy, for as long as the library keeps it.
func text(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }

// byFastjson looks the members of flows up in the tree of values that the library makes of a line.
func byFastjson(log []byte, each func(*event) error) error {
	var p fastjson.Parser
	var e event
	return lines(log, func(line []byte) error {
		v, err := p.ParseBytes(line)
		if err != nil {
			return err
		}
		e = event{EventType: text(v.GetStringBytes("event_type")), VLAN: e.VLAN[:0]}
		if e.EventType != "flow" {
			return each(&e)
		}
		e.FlowID, e.Proto, e.AppProto = v.GetUint64("flow_id"), text(v.GetStringBytes("proto")), text(v.GetStringBytes("app_proto"))
		e.SrcIP, e.SrcPort = text(v.GetStringBytes("src_ip")), uint16(v.GetUint("src_port"))
		e.DestIP, e.DestPort = text(v.GetStringBytes("dest_ip")), uint16(v.GetUint("dest_port"))
		e.ICMPType, e.ICMPCode = uint8(v.GetUint("icmp_type")), uint8(v.GetUint("icmp_code"))
		for _, tag := range v.GetArray("vlan") {
			e.VLAN = append(e.VLAN, tag.GetInt())
		}
		if f := v.Get("flow"); f != nil {
			e.Flow.PktsToServer, e.Flow.PktsToClient = f.GetUint64("pkts_toserver"), f.GetUint64("pkts_toclient")
			e.Flow.BytesToServer, e.Flow.BytesToClient = f.GetUint64("bytes_toserver"), f.GetUint64("bytes_toclient")
			e.Flow.Start, e.Flow.End = text(f.GetStringBytes("start")), text(f.GetStringBytes("end"))
		}
		if tcp := v.Get("tcp"); tcp != nil {
			e.TCP.FlagsToServer, e.TCP.FlagsToClient = text(tcp.GetStringBytes("tcp_flags_ts")), text(tcp.GetStringBytes("tcp_flags_tc"))
		}
		return each(&e)
	})
}

// bySimdjson parses pieces of about a megabyte at once, as the library is made for, and looks the members of flows up on its tape.
func bySimdjson(log []byte, each func(*event) error) (err error) {
	if !simdjson.SupportedCPU() {
		return errors.New("needs AVX2 and CLMUL")
	}
	var (
		parsed *simdjson.ParsedJson
		found  *simdjson.Element
		e      event
	)
	for len(log) > 0 {
		piece := log
		if len(piece) > 1<<20 {
			piece = piece[:bytes.LastIndexByte(piece[:1<<20], '\n')+1]
		}
		log = log[len(piece):]
		if parsed, err = simdjson.ParseND(piece, parsed, simdjson.WithCopyStrings(false)); err != nil {
			return err
		}
		err = parsed.ForEach(func(i simdjson.Iter) error {
			member := func(path ...string) *simdjson.Iter {
				at, err := i.FindElement(found, path...)
				if err != nil {
					return nil
				}
				found = at
				return &found.Iter
			}
			word := func(path ...string) string {
				if at := member(path...); at != nil {
					if b, err := at.StringBytes(); err == nil {
						return text(b)
					}
				}
				return ""
			}
			number := func(path ...string) (n uint64) {
				if at := member(path...); at != nil {
					n, _ = at.Uint()
				}
				return n
			}
			e = event{EventType: word("event_type"), VLAN: e.VLAN[:0]}
			if e.EventType != "flow" {
				return each(&e)
			}
			e.FlowID, e.Proto, e.AppProto = number("flow_id"), word("proto"), word("app_proto")
			e.SrcIP, e.SrcPort = word("src_ip"), uint16(number("src_port"))
			e.DestIP, e.DestPort = word("dest_ip"), uint16(number("dest_port"))
			e.Flow.PktsToServer, e.Flow.PktsToClient = number("flow", "pkts_toserver"), number("flow", "pkts_toclient")
			e.Flow.BytesToServer, e.Flow.BytesToClient = number("flow", "bytes_toserver"), number("flow", "bytes_toclient")
			e.Flow.Start, e.Flow.End = word("flow", "start"), word("flow", "end")
			if at := member("vlan"); at != nil {
				if tags, err := at.Array(nil); err == nil {
					tags.ForEach(func(simdjson.Iter) { e.VLAN = append(e.VLAN, 0) })
				}
			}
			e.TCP.FlagsToServer, e.TCP.FlagsToClient = word("tcp", "tcp_flags_ts"), word("tcp", "tcp_flags_tc")
			return each(&e)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// eveBy is a library that reads EVE.
func eveBy(title, module string, events source[event]) contender {
	return contender{title, module, summed(events, addEvent), rowed(events, newEventMaker)}
}

var eveReaders = []contender{
	{"**threatdetect**, features/eve", "", oursSum(readEVE), oursRows(readEVE)},
	eveBy("encoding/json into a struct", "encoding/json", intoStruct(func(b []byte, e *event) error { return json.Unmarshal(b, e) })),
	eveBy("json-iterator", "github.com/json-iterator/go", intoStruct(func(b []byte, e *event) error { return jsoniter.ConfigFastest.Unmarshal(b, e) })),
	eveBy("goccy/go-json", "github.com/goccy/go-json", intoStruct(func(b []byte, e *event) error { return gojson.UnmarshalOf(b, e) })),
	eveBy("bytedance/sonic, fastest", "github.com/bytedance/sonic", intoStruct(func(b []byte, e *event) error { return sonicFastest.Unmarshal(b, e) })),
	eveBy("segmentio/encoding, no copies", "github.com/segmentio/encoding", intoStruct(func(b []byte, e *event) error {
		_, err := segmentio.Parse(b, e, segmentio.ZeroCopy)
		return err
	})),
	eveBy("valyala/fastjson", "github.com/valyala/fastjson", byFastjson),
	eveBy("minio/simdjson-go", "github.com/minio/simdjson-go", bySimdjson),
}

// repeat returns one log after the other until there are at least size bytes.
func repeat(log []byte, size int) []byte {
	var b bytes.Buffer
	for b.Len() < size {
		b.Write(log)
	}
	return b.Bytes()
}

package main

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"io"
	"strconv"
	"strings"

	gojson "github.com/goccy/go-json"
	jsoniter "github.com/json-iterator/go"
	segmentio "github.com/segmentio/encoding/json"

	"threatdetect/features"
)

// isRecord reports whether an error concerns one record, after which reading goes on.
func isRecord(err error) bool {
	_, ok := errors.AsType[*features.RecordError](err)
	return ok
}

// byCSV splits the lines of a TSV log with encoding/csv and converts four of their fields.
func byCSV(log []byte) (s sum, err error) {
	r := csv.NewReader(bytes.NewReader(log))
	r.Comma, r.Comment, r.LazyQuotes, r.FieldsPerRecord, r.ReuseRecord = '\t', '#', true, -1, true
	names, _, ok := bytes.Cut(log[bytes.Index(log, []byte("#fields\t"))+len("#fields\t"):], []byte{'\n'})
	if !ok {
		return s, errors.New("no #fields")
	}
	at := map[string]int{}
	for i, name := range strings.Split(string(names), "\t") {
		at[name] = i
	}
	number := func(fields []string, name string) uint64 {
		n, _ := strconv.ParseUint(fields[at[name]], 10, 64)
		return n
	}
	for {
		fields, err := r.Read()
		if err == io.EOF {
			return s, nil
		}
		if err != nil {
			return s, err
		}
		if len(fields) != len(at) {
			return s, errors.New("another number of fields")
		}
		s.add(connPorts(number(fields, "id.orig_p"), number(fields, "id.resp_p"), fields[at["proto"]]), number(fields, "orig_pkts")+number(fields, "resp_pkts"))
	}
}

// conn has the members of a record of conn.log that our reader looks at.
type conn struct {
	TS            json.Number `json:"ts"`
	UID           string      `json:"uid"`
	OrigH         string      `json:"id.orig_h"`
	OrigP         uint16      `json:"id.orig_p"`
	RespH         string      `json:"id.resp_h"`
	RespP         uint16      `json:"id.resp_p"`
	Proto         string      `json:"proto"`
	Service       string      `json:"service"`
	Duration      float64     `json:"duration"`
	OrigBytes     uint64      `json:"orig_bytes"`
	RespBytes     uint64      `json:"resp_bytes"`
	ConnState     string      `json:"conn_state"`
	LocalOrig     bool        `json:"local_orig"`
	LocalResp     bool        `json:"local_resp"`
	MissedBytes   uint64      `json:"missed_bytes"`
	History       string      `json:"history"`
	OrigPkts      uint64      `json:"orig_pkts"`
	OrigIPBytes   uint64      `json:"orig_ip_bytes"`
	RespPkts      uint64      `json:"resp_pkts"`
	RespIPBytes   uint64      `json:"resp_ip_bytes"`
	TunnelParents []string    `json:"tunnel_parents"`
}

func connIntoStruct(unmarshal func([]byte, *conn) error) source[conn] {
	return func(log []byte, each func(*conn) error) error {
		var c conn
		return lines(log, func(line []byte) error {
			c = conn{}
			if err := unmarshal(line, &c); err != nil {
				return err
			}
			return each(&c)
		})
	}
}

func addConn(s *sum, c *conn) {
	s.add(connPorts(uint64(c.OrigP), uint64(c.RespP), c.Proto), c.OrigPkts+c.RespPkts)
}

// connPorts is the sum of the ports. Zeek writes type and code of ICMP in their place.
func connPorts(orig, resp uint64, proto string) uint64 {
	if strings.HasPrefix(proto, "icmp") {
		return 0
	}
	return orig + resp
}

var tsvReaders = []contender{
	{"**threatdetect**, features/zeek", "", oursSum(readZeek), oursRows(readZeek)},
	{"encoding/csv, four fields converted", "encoding/csv", byCSV, nil},
}

// zeekBy is a library that reads conn logs of JSON.
func zeekBy(title, module string, unmarshal func([]byte, *conn) error) contender {
	conns := connIntoStruct(unmarshal)
	return contender{title, module, summed(conns, addConn), rowed(conns, newConnMaker)}
}

var zeekJSONReaders = []contender{
	{"**threatdetect**, features/zeek", "", oursSum(readZeek), oursRows(readZeek)},
	zeekBy("encoding/json into a struct", "encoding/json", func(b []byte, c *conn) error { return json.Unmarshal(b, c) }),
	zeekBy("json-iterator", "github.com/json-iterator/go", func(b []byte, c *conn) error { return jsoniter.ConfigFastest.Unmarshal(b, c) }),
	zeekBy("goccy/go-json", "github.com/goccy/go-json", func(b []byte, c *conn) error { return gojson.UnmarshalOf(b, c) }),
	zeekBy("bytedance/sonic, fastest", "github.com/bytedance/sonic", func(b []byte, c *conn) error { return sonicFastest.Unmarshal(b, c) }),
	zeekBy("segmentio/encoding, no copies", "github.com/segmentio/encoding", func(b []byte, c *conn) error {
		_, err := segmentio.Parse(b, c, segmentio.ZeroCopy)
		return err
	}),
}

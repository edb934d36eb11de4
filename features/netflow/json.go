package netflow

import (
	"threatdetect/features"
	"threatdetect/internal/celllog"
	"threatdetect/internal/jsonlog"
	"threatdetect/internal/jsonscan"
	"threatdetect/internal/logio"
)

// jsonName is what a JSON key stands for.
type jsonName struct {
	column int
	places uint8 // of a number: so many decimal places make nanoseconds
}

// jsonNames are the keys of nfdump, pmacct and goflow2, which do not contradict one another.
var jsonNames = map[string]jsonName{
	// nfdump
	"first": {colStart, 9}, "last": {colEnd, 9}, "t_first": {colStart, 9}, "t_last": {colEnd, 9}, "duration": {colDuration, 9},
	"src4_addr": {colSrc, 0}, "dst4_addr": {colDst, 0}, "src6_addr": {colSrc, 0}, "dst6_addr": {colDst, 0},
	"src_port": {colSrcPort, 0}, "dst_port": {colDstPort, 0}, "proto": {colProto, 0}, "tcp_flags": {colFlags, 0},
	"in_packets": {colInPkts, 0}, "in_bytes": {colInBytes, 0}, "out_packets": {colOutPkts, 0}, "out_bytes": {colOutBytes, 0},
	"ip4_router": {colExporter, 0}, "ip6_router": {colExporter, 0}, "type": {colType, 0}, "src_vlan": {colSrcVLAN, 0},
	// pmacct
	"timestamp_start": {colStart, 9}, "timestamp_end": {colEnd, 9}, "ip_src": {colSrc, 0}, "ip_dst": {colDst, 0},
	"port_src": {colSrcPort, 0}, "port_dst": {colDstPort, 0}, "ip_proto": {colProto, 0},
	"packets": {colInPkts, 0}, "bytes": {colInBytes, 0}, "peer_ip_src": {colExporter, 0}, "vlan": {colVLAN, 0}, "vlan_in": {colVLAN, 0},
	// goflow2
	"time_flow_start_ns": {colStart, 0}, "time_flow_end_ns": {colEnd, 0}, "src_addr": {colSrc, 0}, "dst_addr": {colDst, 0},
	"sampler_address": {colExporter, 0}, "sampling_rate": {colSamplingRate, 0},
	"vlan_id": {colVLAN, 0}, "fragment_offset": {colFragmentOffset, 0}, "ip_flags": {colIPFlags, 0},
}

// object takes one JSON record.
func (r *reader) object(b []byte) (jsonlog.Fault, bool) {
	clear(r.values[:])
	for c := range r.values {
		r.values[c].kind = kindOther
	}
	r.scratch = logio.Reset(r.scratch, len(b))
	var m jsonscan.Members
	m.Open(b)
	for m.Next() {
		key := m.Key
		if m.KeyEscaped {
			key = r.unescape(key)
		}
		name, ok := jsonNames[string(key)]
		if !ok {
			continue
		}
		r.set(name, key, &m)
	}
	if !m.Closed {
		return jsonlog.Fault{Reason: features.ReasonMalformed, Text: b}, true
	}
	if v := r.values[colType]; v.kind == kindString && (string(v.text) == "EVENT" || string(v.text) == "STAT" || string(v.text) == "EXPORTER" || string(v.text) == "SAMPLER") {
		return jsonlog.Fault{Reason: features.ReasonOther}, true // nfdump: no traffic, but about the exporter
	}
	if v := &r.values[colStart]; v.kind == kindNumber && len(v.text) == 1 && v.text[0] == '0' {
		v.text = nil // goflow2: not known
	}
	fault, more := r.record()
	if fault == celllog.Sound {
		return jsonlog.Fault{}, more
	}
	f := jsonlog.Fault{Reason: fault.Reason}
	if fault.Column >= 0 {
		f.Field, f.Text = r.keys[fault.Column], r.values[fault.Column].text
		if f.Field == "" {
			f.Field = columnNames[fault.Column]
		}
	}
	return f, more
}

// columnNames are for columns that no record had yet.
var columnNames = [numColumns]string{colStart: "start", colDuration: "duration", colEnd: "end", colSrc: "source address", colDst: "destination address",
	colProto: "protocol"}

// set stores the value of a member. Of equal keys the last counts, even if it is null; of two names of one column the one
// that has a value.
func (r *reader) set(name jsonName, key []byte, m *jsonscan.Members) {
	v := &r.values[name.column]
	same := r.keys[name.column] == string(key)
	text, kind := m.Value, kindOther
	switch m.Kind {
	case jsonscan.Null:
		if same {
			*v = value{kind: kindOther}
		}
		return
	case jsonscan.String:
		kind = kindString
		if m.ValueEscaped {
			text = r.unescape(text)
		}
		if text = celllog.Trim(text); len(text) == 0 {
			if same {
				*v = value{kind: kindOther}
			}
			return
		}
	case jsonscan.Number:
		kind = kindNumber
	}
	*v = value{text, kind}
	r.units[name.column] = name.places
	if !same {
		r.keys[name.column] = r.names.String(key)
	}
}

func (r *reader) unescape(b []byte) []byte {
	start := len(r.scratch)
	r.scratch = jsonscan.Unescape(r.scratch, b)
	return r.scratch[start:]
}

// flagNames reads a list of names of flags, such as ["ACK","SYN"], as pmacct writes it.
func (r *reader) flagNames(list []byte) (set features.TCPFlags, ok bool) {
	if list[0] != '[' {
		return 0, false
	}
	list = list[1 : len(list)-1]
	for len(list) > 0 {
		for len(list) > 0 && (list[0] == ' ' || list[0] == ',' || list[0] == '\t' || list[0] == '\n' || list[0] == '\r') {
			list = list[1:]
		}
		if len(list) == 0 {
			break
		}
		end := 1
		escaped := false
		for list[0] == '"' && end < len(list) && list[end] != '"' {
			if list[end] == '\\' {
				escaped = true
				end++
			}
			end++
		}
		if list[0] != '"' || end >= len(list) {
			return 0, false
		}
		name := list[1:end]
		if escaped {
			name = r.unescape(name)
		}
		switch string(name) {
		case "FIN":
			set |= features.FIN
		case "SYN":
			set |= features.SYN
		case "RST":
			set |= features.RST
		case "PSH":
			set |= features.PSH
		case "ACK":
			set |= features.ACK
		case "URG":
			set |= features.URG
		case "ECE", "ECN":
			set |= features.ECE
		case "CWR":
			set |= features.CWR
		default:
			return 0, false
		}
		list = list[end+1:]
	}
	return set, true
}

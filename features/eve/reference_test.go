package eve_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"net/netip"
	"regexp"
	"strconv"
	"strings"
	"time"

	"threatdetect/features"
	"threatdetect/features/eve"
)

// The reference is a second reader, written for plainness: encoding/json, regular expressions and big numbers. It says of
// each line what became of it, in text; describe says the same of the real reader's flows.

func describe(f *features.Flow) string {
	return fmt.Sprintf("flow %d %d %v:%d %v:%d icmp %d/%d proto %v %q pkts %d %d bytes %d %d %v flags %x %x of %x %x state %v app %v %q tags %d known %x uid %q label %d",
		f.Start, f.Duration, f.Src, f.SrcPort, f.Dst, f.DstPort, f.ICMPType, f.ICMPCode, f.Proto, valid(f.ProtoName), f.FwdPkts, f.RevPkts,
		f.FwdBytes, f.RevBytes, f.Estimated, f.FwdFlags, f.RevFlags, f.FwdFlagsKnown, f.RevFlagsKnown, f.State, f.App, valid(f.AppName), f.VLANTags, f.Known,
		valid(string(f.UID)), f.Label)
}

// valid replaces each byte that is no UTF-8, as encoding/json does.
func valid(s string) string { return string([]rune(s)) }

// outcome reads a log and says what became of each record, and how the log ended.
func outcome(log []byte, opts *eve.Options) (records []string, err error) {
	for f, e := range eve.Read(bytes.NewReader(log), opts) {
		var bad *features.RecordError
		switch {
		case err != nil:
			panic("something after the last error")
		case e == nil:
			records = append(records, describe(f.Clone()))
		case errors.As(e, &bad):
			records = append(records, string(bad.Reason))
		default:
			err = e
		}
	}
	return records, err
}

// refLine says what becomes of a line that is not blank.
func refLine(line []byte) string {
	var event map[string]any
	d := json.NewDecoder(bytes.NewReader(line))
	d.UseNumber()
	if !json.Valid(line) || depth(line) > 64 || d.Decode(&event) != nil || event == nil {
		return "malformed"
	}
	if event["event_type"] != any("flow") {
		return "other"
	}
	flow, isObject := event["flow"].(map[string]any)
	for _, name := range []string{"src_ip", "dest_ip", "proto", "flow"} {
		if event[name] == nil {
			return "missing"
		}
	}
	if isObject && flow["start"] == nil {
		return "missing"
	}
	f, reason := refFlow(event, flow, isObject)
	if reason != "" {
		return reason
	}
	return describe(f)
}

func refFlow(event, flow map[string]any, isObject bool) (f *features.Flow, reason string) {
	f = &features.Flow{Known: features.FieldStart | features.FieldAddrs | features.FieldProto}
	proto, ok := event["proto"].(string)
	if !ok {
		return nil, "number"
	}
	f.ProtoName = lowerASCII(proto)
	ports := false
	switch n, numeric := refCount(json.Number(proto)); {
	case numeric && n.Cmp(big.NewInt(255)) > 0, !numeric && regexp.MustCompile(`^[0-9]+$`).MatchString(proto):
		return nil, "number"
	case numeric:
		f.Proto, ports = features.ProtoByNumber(uint8(n.Uint64()))
	default:
		f.Proto, ports = features.ProtoByName(f.ProtoName)
	}
	for i, side := range []string{"src", "dest"} {
		s, ok := event[side+"_ip"].(string)
		if !ok {
			return nil, "number"
		}
		a, err := netip.ParseAddr(s)
		if err != nil {
			return nil, "address"
		}
		a = a.WithZone("").Unmap()
		port, known := uint16(0), features.Field(0)
		if v := event[side+"_port"]; ports && v != nil {
			n, ok := refCount(v)
			if !ok || n.Cmp(big.NewInt(65535)) > 0 {
				return nil, "number"
			}
			port, known = uint16(n.Uint64()), features.FieldSrcPort<<i
		}
		f.Known |= known
		if i == 0 {
			f.Src, f.SrcPort = a, port
		} else {
			f.Dst, f.DstPort = a, port
		}
	}
	if v := event["app_proto"]; v != nil {
		s, ok := v.(string)
		if !ok {
			return nil, "number"
		}
		f.App, f.AppName = features.ParseApps([]byte(s), nil)
	}
	tags := 0
	switch v := event["vlan"].(type) {
	case nil:
	case json.Number:
		tags = 1
	case []any:
		tags = len(v)
	default:
		return nil, "number"
	}
	f.VLANTags, f.Known = uint8(min(tags, 255)), f.Known|features.FieldVLAN
	if !isObject {
		return nil, "number"
	}
	if reason := refCounts(f, flow, int64(tags)); reason != "" {
		return nil, reason
	}
	if reason := refTimes(f, flow); reason != "" {
		return nil, reason
	}
	if reason := refFlags(f, event["tcp"]); reason != "" {
		return nil, reason
	}
	f.State = refState(f)
	if f.Proto == features.ProtoICMP {
		t, ok := refCount(event["icmp_type"])
		c, ok2 := refCount(event["icmp_code"])
		if ok && ok2 && t.Cmp(big.NewInt(255)) <= 0 && c.Cmp(big.NewInt(255)) <= 0 {
			f.ICMPType, f.ICMPCode = uint8(t.Uint64()), uint8(c.Uint64())
			f.Known |= features.FieldICMP
		}
	}
	switch id := event["flow_id"].(type) {
	case json.Number:
		f.UID = []byte(id)
	case string:
		f.UID = []byte(id)
	}
	switch label := event["label"].(type) {
	case bool:
		f.Label = map[bool]features.Label{true: features.Attack, false: features.Benign}[label]
	case string:
		switch lowerASCII(label) {
		case "benign", "normal":
			f.Label = features.Benign
		case "malicious", "attack":
			f.Label = features.Attack
		}
	}
	return f, ""
}

var countForm = regexp.MustCompile(`^[0-9]+(\.[0-9]*)?([eE][-+]?[0-9]+)?$`)

func refCount(v any) (*big.Int, bool) {
	n, ok := v.(json.Number)
	if !ok || !countForm.MatchString(string(n)) {
		return nil, false
	}
	r, ok := new(big.Rat).SetString(string(n))
	if !ok || !r.IsInt() || !r.Num().IsUint64() {
		return nil, false
	}
	return r.Num(), true
}

func refCounts(f *features.Flow, flow map[string]any, tags int64) string {
	m := int64(20)
	if !f.Src.Is4() {
		m = 40
	}
	fields := []string{"pkts_toserver", "pkts_toclient", "bytes_toserver", "bytes_toclient"}
	var n [4]*big.Int
	for i, name := range fields {
		if v := flow[name]; v != nil {
			var ok bool
			if n[i], ok = refCount(v); !ok {
				return "number"
			}
		}
	}
	for i, to := range []struct {
		pkts, bytes *uint64
	}{{&f.FwdPkts, &f.FwdBytes}, {&f.RevPkts, &f.RevBytes}} {
		pkts, link := n[i], n[2+i]
		if pkts == nil {
			continue
		}
		*to.pkts = pkts.Uint64()
		f.Known |= features.FieldFwdPkts << i
		if link == nil {
			continue
		}
		ip := new(big.Int).Sub(link, new(big.Int).Mul(big.NewInt(14+4*tags), pkts))
		if least := new(big.Int).Mul(big.NewInt(m), pkts); ip.Cmp(least) < 0 {
			ip = least
		}
		if !ip.IsUint64() { // as many as can be
			ip.SetUint64(1<<64 - 1)
		}
		*to.bytes = ip.Uint64()
		f.Known |= features.FieldFwdBytes << i
		f.Estimated = true
	}
	return ""
}

var timeForm = regexp.MustCompile(`^([0-9]{4}-[0-9]{2}-[0-9]{2})[Tt]([0-9]{2}:[0-9]{2}:[0-9]{2})(\.[0-9]+)?([Zz]|[-+]([01][0-9]|2[0-3]):?[0-5][0-9])$`)

func refTime(v any) (ns *big.Int, reason string) {
	s, ok := v.(string)
	if !ok {
		return nil, "number"
	}
	m := timeForm.FindStringSubmatch(s)
	if m == nil {
		return nil, "time"
	}
	zone := strings.ReplaceAll(strings.ReplaceAll(strings.ToUpper(m[4]), ":", ""), "Z", "+0000")
	t, err := time.Parse("2006-01-02 15:04:05-0700", m[1]+" "+m[2]+zone)
	if err != nil {
		return nil, "time"
	}
	r := new(big.Rat).SetInt64(t.Unix())
	if m[3] != "" {
		fraction, _ := new(big.Rat).SetString("0" + m[3])
		r.Add(r, fraction)
	}
	r.Mul(r, big.NewRat(1e9, 1))
	ns = new(big.Int).Div(r.Num(), r.Denom())
	rest := new(big.Rat).Sub(r, new(big.Rat).SetInt(ns))
	if c := rest.Cmp(big.NewRat(1, 2)); c > 0 || c == 0 && ns.Bit(0) == 1 {
		ns.Add(ns, big.NewInt(1))
	}
	if !ns.IsInt64() {
		return nil, "time"
	}
	return ns, ""
}

func refTimes(f *features.Flow, flow map[string]any) string {
	start, reason := refTime(flow["start"])
	if reason != "" {
		return reason
	}
	f.Start = start.Int64()
	if flow["end"] == nil {
		return ""
	}
	end, reason := refTime(flow["end"])
	if reason != "" {
		return reason
	}
	d := new(big.Int).Sub(end, start)
	if d.Sign() < 0 || !d.IsInt64() {
		return "time"
	}
	f.Duration = d.Int64()
	f.Known |= features.FieldDuration
	return ""
}

func refFlags(f *features.Flow, v any) string {
	if f.Proto != features.ProtoTCP || v == nil {
		return ""
	}
	tcp, ok := v.(map[string]any)
	if !ok {
		return "number"
	}
	for name, to := range map[string][2]*features.TCPFlags{"tcp_flags_ts": {&f.FwdFlags, &f.FwdFlagsKnown}, "tcp_flags_tc": {&f.RevFlags, &f.RevFlagsKnown}} {
		if tcp[name] == nil {
			continue
		}
		s, ok := tcp[name].(string)
		if !ok || !regexp.MustCompile(`^[0-9a-fA-F]{1,2}$`).MatchString(s) {
			return "number"
		}
		n, _ := strconv.ParseUint(s, 16, 8)
		*to[0], *to[1] = features.TCPFlags(n), features.AllFlags
	}
	return ""
}

func refState(f *features.Flow) features.State {
	answered, known := f.RevPkts > 0, f.Has(features.FieldRevPkts)
	if f.Proto != features.ProtoTCP {
		switch {
		case !known:
			return features.StateUnknown
		case !answered:
			return features.StateRequestOnly
		}
		return features.StateRequestReply
	}
	fw, rv := f.FwdFlags, f.RevFlags
	has := func(set, flag features.TCPFlags) bool { return set&flag != 0 }
	switch {
	case !known && f.FwdFlagsKnown != 0 && has(fw, features.SYN) && !has(fw, features.ACK):
		return features.StateAttempt
	case !known, f.FwdFlagsKnown == 0, f.RevFlagsKnown == 0:
		return features.StateUnknown
	case !has(fw, features.SYN):
		return features.StateMidstream
	case !answered:
		return features.StateAttempt
	case !has(rv, features.SYN) && has(rv, features.RST):
		return features.StateRejected
	case !has(rv, features.SYN):
		return features.StateUnknown
	case has(fw, features.FIN) && has(rv, features.FIN):
		return features.StateClosed
	case has(fw, features.RST):
		return features.StateResetOrig
	case has(rv, features.RST):
		return features.StateResetResp
	case has(fw|rv, features.FIN):
		return features.StateHalfClosed
	}
	return features.StateEstablished
}

func lowerASCII(s string) string {
	return strings.Map(func(c rune) rune {
		if 'A' <= c && c <= 'Z' {
			return c + 'a' - 'A'
		}
		return c
	}, s)
}

// depth is the deepest nesting of valid JSON.
func depth(b []byte) (deepest int) {
	level, quoted := 0, false
	for i := 0; i < len(b); i++ {
		switch c := b[i]; {
		case c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '{' || c == '[':
			level++
			deepest = max(deepest, level)
		case c == '}' || c == ']':
			level--
		}
	}
	return deepest
}

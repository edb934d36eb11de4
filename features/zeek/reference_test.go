package zeek_test

import (
	"encoding/json"
	"fmt"
	"math/big"
	"net/netip"
	"regexp"
	"strings"
	"time"

	"threatdetect/features"
)

// The reference is a second reader, written for plainness: regular expressions, big rationals, maps and encoding/json.
// It says of each record what became of it, in a line of text; describe says the same of the real reader's flows.

// value is a cell: nil is unset, text a string that may be anything (TSV), string, json.Number, bool, or any for others.
type value any

type text string

const fieldNames = "ts uid id.orig_h id.orig_p id.resp_h id.resp_p proto service duration orig_bytes resp_bytes conn_state local_orig " +
	"local_resp missed_bytes history orig_pkts orig_ip_bytes resp_pkts resp_ip_bytes vlan inner_vlan label _path"

var otherNames = map[string][]string{
	"id.orig_h": {"id_orig_h", "src"}, "id.orig_p": {"id_orig_p", "src_port"},
	"id.resp_h": {"id_resp_h", "dst"}, "id.resp_p": {"id_resp_p", "dst_port"},
}

func describe(f *features.Flow) string {
	g := f.Clone()
	known := g.Known
	return fmt.Sprintf("flow %d %d %v:%d %v:%d icmp %d/%d proto %v %q pkts %d %d bytes %d %d payload %d %d missed %d flags %x %x of %x %x"+
		" state %v app %v %q local %v %v tags %d known %x uid %q history %q label %d", g.Start, g.Duration, g.Src, g.SrcPort, g.Dst, g.DstPort,
		g.ICMPType, g.ICMPCode, g.Proto, valid(g.ProtoName), g.FwdPkts, g.RevPkts, g.FwdBytes, g.RevBytes, g.FwdPayload, g.RevPayload, g.MissedBytes,
		g.FwdFlags, g.RevFlags, g.FwdFlagsKnown, g.RevFlagsKnown, g.State, g.App, valid(g.AppName), g.LocalSrc, g.LocalDst, g.VLANTags, known,
		valid(string(g.UID)), valid(string(g.History)), g.Label)
}

// valid replaces each byte that is no UTF-8, as encoding/json does.
func valid(s string) string { return string([]rune(s)) }

var (
	realForm  = regexp.MustCompile(`^[-+]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][-+]?[0-9]+)?$`)
	countForm = regexp.MustCompile(`^[0-9]+(\.[0-9]*)?([eE][-+]?[0-9]+)?$`)
	largeExp  = regexp.MustCompile(`[eE][-+]?0*[0-9]{4,}$`)
)

// rational returns the value of a real; what has an exponent of four digits is left to the fuzzer of package decimal.
func rational(form *regexp.Regexp, s string) (*big.Rat, bool) {
	if !form.MatchString(s) || largeExp.MatchString(s) {
		return nil, false
	}
	return new(big.Rat).SetString(s)
}

// micros rounds r seconds to microseconds, ties to even, and returns nanoseconds.
func micros(r *big.Rat) (int64, bool) {
	r = new(big.Rat).Mul(r, big.NewRat(1e6, 1))
	whole := new(big.Int).Div(r.Num(), r.Denom()) // floor, as the denominator is positive
	rest := new(big.Rat).Sub(r, new(big.Rat).SetInt(whole))
	if c := rest.Cmp(big.NewRat(1, 2)); c > 0 || c == 0 && whole.Bit(0) == 1 {
		whole.Add(whole, big.NewInt(1))
	}
	whole.Mul(whole, big.NewInt(1000))
	return whole.Int64(), whole.IsInt64()
}

func refCount(v value) (uint64, bool) {
	s, ok := digitsOf(v)
	if !ok {
		return 0, false
	}
	r, ok := rational(countForm, s)
	if !ok || !r.IsInt() || !r.Num().IsUint64() {
		return 0, false
	}
	return r.Num().Uint64(), true
}

func digitsOf(v value) (string, bool) {
	switch v := v.(type) {
	case text:
		return string(v), true
	case json.Number:
		return string(v), true
	}
	return "", false
}

func stringOf(v value) (string, bool) {
	switch v := v.(type) {
	case text:
		return string(v), true
	case string:
		return v, true
	}
	return "", false
}

func refTime(v value) (int64, bool) {
	if s, ok := v.(string); ok {
		t, err := time.Parse(time.RFC3339, strings.ToUpper(s))
		i := strings.IndexByte(s, '.')
		// time.Parse also takes a comma, hours of one digit, and zones of 24 hours or 60 minutes.
		if err != nil || strings.Contains(s, ",") || len(s) < 20 || s[13] != ':' || i >= 0 && i != 19 ||
			strings.HasSuffix(s, ":60") || strings.Contains(s[len(s)-6:], "24:") && strings.ContainsAny(s[len(s)-6:len(s)-5], "+-") {
			return 0, false
		}
		fraction := "0"
		if i >= 0 {
			fraction = "0." + strings.FieldsFunc(s[i+1:], func(c rune) bool { return c < '0' || c > '9' })[0]
		}
		r, _ := new(big.Rat).SetString(fraction)
		return micros(r.Add(r, new(big.Rat).SetInt64(t.Truncate(time.Second).Unix())))
	}
	s, ok := digitsOf(v)
	if !ok {
		return 0, false
	}
	r, ok := rational(realForm, s)
	if !ok {
		return 0, false
	}
	if _, ok := v.(json.Number); ok && r.Cmp(big.NewRat(1e11, 1)) >= 0 {
		r.Quo(r, big.NewRat(1000, 1))
	}
	return micros(r)
}

// refFlow makes a flow of the values by name, or says why not.
func refFlow(get func(name string) value, noDuration bool) string {
	for _, name := range []string{"ts", "id.orig_h", "id.resp_h", "proto"} {
		if get(name) == nil {
			return "missing"
		}
	}
	var f features.Flow
	proto, ok := stringOf(get("proto"))
	if !ok {
		return "number"
	}
	f.ProtoName = lowerASCII(proto)
	ports := false
	if n, ok := refCount(text(proto)); ok {
		if n > 255 {
			return "number"
		}
		f.Proto, ports = features.ProtoByNumber(uint8(n))
	} else if regexp.MustCompile(`^[0-9]+$`).MatchString(proto) {
		return "number"
	} else {
		f.Proto, ports = features.ProtoByName(f.ProtoName)
	}
	f.Known = features.FieldStart | features.FieldAddrs | features.FieldProto
	f.App = features.AppNone
	for _, name := range strings.Fields(fieldNames) {
		v := get(name)
		if v == nil && name != "duration" {
			continue
		}
		count, countOK := refCount(v)
		s, stringOK := stringOf(v)
		switch name {
		case "ts":
			if f.Start, ok = refTime(v); !ok {
				return "time"
			}
		case "id.orig_h", "id.resp_h":
			if !stringOK {
				return "number"
			}
			a, err := netip.ParseAddr(s)
			if err != nil {
				return "address"
			}
			a = a.WithZone("").Unmap()
			if name == "id.orig_h" {
				f.Src = a
			} else {
				f.Dst = a
			}
		case "id.orig_p", "id.resp_p":
			if !ports {
				continue
			}
			if !countOK || count > 65535 {
				return "number"
			}
			if name == "id.orig_p" {
				f.SrcPort = uint16(count)
				f.Known |= features.FieldSrcPort
			} else {
				f.DstPort = uint16(count)
				f.Known |= features.FieldDstPort
			}
		case "service":
			if !stringOK {
				return "number"
			}
			f.App, f.AppName = features.ParseApps([]byte(s), nil)
		case "duration":
			if v == nil {
				if !noDuration {
					f.Known |= features.FieldDuration
				}
				continue
			}
			s, ok := digitsOf(v)
			if !ok {
				return "number"
			}
			r, ok := rational(realForm, s)
			if !ok {
				return "number"
			}
			if f.Duration, ok = micros(r); !ok || f.Duration < 0 {
				return "number"
			}
			f.Known |= features.FieldDuration
			if end := f.Start + f.Duration; end < f.Start {
				return "time"
			}
		case "conn_state":
			if !stringOK {
				return "number"
			}
			f.State = refState(f.Proto == features.ProtoTCP, s)
		case "local_orig", "local_resp":
			b, ok := v.(bool)
			if t, isText := v.(text); isText {
				b, ok = t == "T", t == "T" || t == "F"
			}
			if !ok {
				return "number"
			}
			if name == "local_orig" {
				f.LocalSrc = b
				f.Known |= features.FieldLocalSrc
			} else {
				f.LocalDst = b
				f.Known |= features.FieldLocalDst
			}
		case "history":
			if !stringOK {
				return "number"
			}
			f.History = []byte(s)
			f.Known |= features.FieldHistory
			refFlags(&f, s)
		case "uid":
			f.UID = []byte(s)
		case "label":
			switch strings.ToLower(s) {
			case "benign", "normal":
				f.Label = features.Benign
			case "malicious", "attack":
				f.Label = features.Attack
			}
		case "vlan", "inner_vlan":
			if countOK {
				f.VLANTags++
				f.Known |= features.FieldVLAN
			}
		case "proto", "_path":
		default:
			if !countOK {
				return "number"
			}
			refCounter(&f, name, count)
		}
	}
	if f.Proto == features.ProtoICMP {
		typ, ok := refCount(get("id.orig_p"))
		code, ok2 := refCount(get("id.resp_p"))
		if ok && ok2 && typ < 256 && code < 256 {
			f.ICMPType, f.ICMPCode = uint8(typ), uint8(code)
			f.Known |= features.FieldICMP
		}
	}
	return describe(&f)
}

func lowerASCII(s string) string {
	b := []byte(s)
	for i, c := range b {
		if 'A' <= c && c <= 'Z' {
			b[i] = c + 'a' - 'A'
		}
	}
	return string(b)
}

func refCounter(f *features.Flow, name string, n uint64) {
	for _, c := range []struct {
		name  string
		to    *uint64
		field features.Field
	}{
		{"orig_bytes", &f.FwdPayload, features.FieldFwdPayload}, {"resp_bytes", &f.RevPayload, features.FieldRevPayload},
		{"missed_bytes", &f.MissedBytes, features.FieldMissedBytes},
		{"orig_pkts", &f.FwdPkts, features.FieldFwdPkts}, {"resp_pkts", &f.RevPkts, features.FieldRevPkts},
		{"orig_ip_bytes", &f.FwdBytes, features.FieldFwdBytes}, {"resp_ip_bytes", &f.RevBytes, features.FieldRevBytes},
	} {
		if c.name == name {
			*c.to = n
			f.Known |= c.field
		}
	}
}

func refState(tcp bool, s string) features.State {
	states := map[string]features.State{"S0": features.StateRequestOnly, "SF": features.StateRequestReply}
	if tcp {
		states = map[string]features.State{
			"S0": features.StateAttempt, "SH": features.StateAttempt, "REJ": features.StateRejected, "S1": features.StateEstablished,
			"SF": features.StateClosed, "S2": features.StateHalfClosed, "S3": features.StateHalfClosed, "RSTO": features.StateResetOrig,
			"RSTOS0": features.StateResetOrig, "RSTR": features.StateResetResp, "RSTRH": features.StateResetResp,
			"SHR": features.StateMidstream, "OTH": features.StateMidstream,
		}
	}
	return states[s]
}

func refFlags(f *features.Flow, history string) {
	if f.Proto != features.ProtoTCP {
		return
	}
	set := func(h string) (t features.TCPFlags) {
		if strings.ContainsAny(h, "SHQ") {
			t |= features.SYN
		}
		if strings.ContainsAny(h, "F") {
			t |= features.FIN
		}
		if strings.ContainsAny(h, "R") {
			t |= features.RST
		}
		if strings.ContainsAny(h, "AH") {
			t |= features.ACK
		}
		return t
	}
	swapCase := strings.Map(func(c rune) rune {
		switch {
		case 'a' <= c && c <= 'z':
			return c - 'a' + 'A'
		case 'A' <= c && c <= 'Z':
			return c - 'A' + 'a'
		}
		return c
	}, history)
	f.FwdFlags, f.RevFlags = set(history), set(swapCase)
	f.FwdFlagsKnown = features.SYN | features.FIN | features.RST | features.ACK
	f.RevFlagsKnown = f.FwdFlagsKnown
}

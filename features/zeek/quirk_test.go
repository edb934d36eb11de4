package zeek_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"threatdetect/features"
	"threatdetect/features/zeek"
)

// one reads a log that has one good record, and nothing else that counts.
func one(t *testing.T, log string, opts *zeek.Options) *features.Flow {
	t.Helper()
	flows, bad, err := read(t, log, opts)
	require.NoError(t, err)
	require.Empty(t, bad)
	require.Len(t, flows, 1)
	return flows[0]
}

func TestTSVQuirks(t *testing.T) {
	plain := one(t, header(names)+with()+"\n", nil)
	comma := strings.NewReplacer("\t", ",", "\\x09", "\\x2C", "set_separator,", "set_separator,;")
	for name, log := range map[string]string{
		"types":                 header(names) + "#types" + strings.Repeat("\tx", 20) + "\n" + with() + "\n#close\t2024\n",
		"CRLF":                  strings.ReplaceAll(header(names)+with()+"\n", "\n", "\r\n"),
		"byte order mark":       "\xef\xbb\xbf" + header(names) + with(),
		"comments":              "### made by hand\n" + header(names) + "# hm\n#\n#open 2024\n" + with() + "\n#close",
		"blank lines":           "\n \n" + header(names) + "\n\t\t\n" + with() + "\n\n",
		"blank before":          "\t" + header(names) + with(),
		"no separator":          strings.TrimPrefix(header(names), "#separator \\x09\n") + with(),
		"commas":                comma.Replace(header(names) + with() + "\n"),
		"underscores":           strings.ReplaceAll(header(names), "id.", "id_") + with(),
		"renamed":               strings.NewReplacer("id.orig_h", "src", "id.orig_p", "src_port", "id.resp_h", "dst", "id.resp_p", "dst_port").Replace(header(names)) + with(),
		"more columns":          header("vlan "+names+" ip_proto x.y") + "-\t" + with() + "\t6\t(empty)\n",
		"another name":          strings.Replace(header(names), "#path\tconn", "#path\tconn_long", 1) + with(),
		"no path":               "#fields\t" + tabs(names) + "\n" + with(),
		"escapes":               header(names) + with("uid", `\x43ab\x63`, "service", `s\x73l`),
		"own marks":             strings.NewReplacer("(empty)", "EMPTY", "unset_field\t-", "unset_field\tNULL").Replace(header(names)) + with(),
		"another log after it":  header(names) + with() + "\n" + strings.Replace(header("ts uid"), "conn", "dns", 1),
		"capital proto":         header(names) + with("proto", "TCP"),
		"aliases that lose":     header(names+" src dst_port") + with() + "\t1.1.1.1\tx\n",
		"aliases before names":  header("src dst_port "+names) + "1.1.1.1\tx\t" + with() + "\n",
		"column twice, 2nd one": header("ts "+names) + "x\t" + with() + "\n",
	} {
		t.Run(name, func(t *testing.T) {
			require.Equal(t, plain, one(t, log, nil))
		})
	}
}

func TestJSONQuirks(t *testing.T) {
	plain := one(t, header(names)+with()+"\n", nil)
	o := object()
	for name, log := range map[string]string{
		"plain":           o + "\n",
		"blanks":          " \n\t" + strings.NewReplacer(`":`, "\"\t: ", `,"`, " ,\r \"").Replace(o) + "  \r\n\n",
		"byte order mark": "\xef\xbb\xbf" + o,
		"shipper's keys":  `{"_path":"conn","_write_ts":"x","a":{"b":[1,-2.5e3,{"ts":null}],"c":{}},"d":[[],[{}]],` + o[1:],
		"twice":           `{"ts":"x","orig_pkts":"no","proto":5,` + o[1:],
		"twice, null":     strings.TrimSuffix(o, "}") + `,"src":null,"src":"1.1.1.1"}`,
		"underscores":     strings.ReplaceAll(o, `"id.`, `"id_`),
		"renamed":         strings.NewReplacer("id.orig_h", "src", "id.orig_p", "src_port", "id.resp_h", "dst", "id.resp_p", "dst_port").Replace(o),
		"alias loses":     `{"src":"1.1.1.1",` + o[1:len(o)-1] + `,"dst":"1.1.1.1"}`,
		"escaped keys":    strings.Replace(o, `"uid"`, `"u\u0069\u0064"`, 1),
		"invalid UTF-8":   `{"host":"` + "\xff\xfe" + `",` + o[1:],
		"64 levels":       `{"a":` + strings.Repeat("[", 63) + strings.Repeat("]", 63) + `,` + o[1:],
	} {
		t.Run(name, func(t *testing.T) {
			require.Equal(t, plain, one(t, log, nil))
		})
	}
}

// A tag is told in either writer, and none is not: what JSON leaves out, and TSV leaves unset, may be what the sensor was not asked for.
func TestVLAN(t *testing.T) {
	plain := one(t, header(names)+with()+"\n", nil)
	for cells, tags := range map[[2]string]uint8{{"-", "-"}: 0, {"7", "-"}: 1, {"7", "12"}: 2, {"0", "-"}: 1, {"1e1", "-"}: 1, {"x", "3"}: 1, {"-7", "lan"}: 0} {
		want := *plain
		if want.VLANTags = tags; tags > 0 {
			want.Known |= features.FieldVLAN
		}
		require.Equal(t, &want, one(t, header(names+" vlan inner_vlan")+with()+"\t"+cells[0]+"\t"+cells[1]+"\n", nil), cells)
		o := strings.TrimSuffix(object(), "}")
		for i, name := range []string{"vlan", "inner_vlan"} {
			switch c := cells[i]; c {
			case "-":
			case "x", "lan":
				o += `,"` + name + `":"` + c + `"`
			default:
				o += `,"` + name + `":` + c
			}
		}
		require.Equal(t, &want, one(t, o+"}\n", nil), o)
	}
	require.Equal(t, plain, one(t, strings.TrimSuffix(object(), "}")+`,"vlan":{"id":7},"inner_vlan":"7"}`+"\n", nil))
}

func TestHeaderChanges(t *testing.T) {
	log := header(names) + with() + "\n" +
		"#separator \\x7c\n#unset_field|?\n#path|conn\n#fields|proto|id.resp_h|id.orig_h|ts|orig_pkts\n#types|a|b|c|d|e\n" +
		"udp|192.0.2.1|10.0.0.1|5.25|?\n" +
		"#separator \\x09\n#unset_field\t-\n#path\tdns\n#fields\tts\tuid\tid.orig_h\tid.resp_h\tproto\n5\tC\t1.1.1.1\t1.1.1.2\tudp\n" +
		header(names) + with() + "\n"
	flows, bad, err := read(t, log, nil)
	require.NoError(t, err)
	require.Equal(t, []features.Reason{features.ReasonOther}, reasons(bad))
	require.Len(t, flows, 3)
	require.Equal(t, flows[0], flows[2])
	f := flows[1]
	require.Equal(t, features.FieldStart|features.FieldAddrs|features.FieldProto, f.Known, "without a column the duration is not known")
	require.Equal(t, int64(5_250000000), f.Start)
	require.Equal(t, features.StateUnknown, f.State)
	require.Equal(t, features.AppNone, f.App)
}

func TestOtherLogs(t *testing.T) {
	for name, c := range map[string]struct {
		log  string
		want features.Reason
	}{
		"dns":                    {strings.Replace(header("ts id.orig_h id.resp_h proto"), "conn", "dns", 1) + tabs("1 1.1.1.1 1.1.1.1 udp") + "\n", features.ReasonOther},
		"dns with damage":        {strings.Replace(header("ts id.orig_h id.resp_h proto"), "conn", "dns", 1) + tabs("x - 1.1.1.1 udp") + "\n", features.ReasonOther},
		"dns, fields":            {strings.Replace(header("ts uid"), "conn", "dns", 1) + tabs("x") + "\n", features.ReasonFields},
		"x509":                   {strings.Replace(header("ts id"), "conn", "x509", 1) + tabs("1 F") + "\n", features.ReasonOther},
		"json dns":               {`{"_path":"dns","ts":1,"id.orig_h":"1.1.1.1"}` + "\n", features.ReasonOther},
		"json dns with damage":   {`{"_path":"dns","ts":"x"}` + "\n", features.ReasonOther},
		"json without path":      {`{"ts":1,"id.orig_h":"1.1.1.1","id.resp_h":"1.1.1.1","proto":"udp"}` + "\n", features.ReasonOther},
		"json nothing":           {"{}\n", features.ReasonOther},
		"conn without the state": {`{"_path":"conn","ts":1,"id.orig_h":"1.1.1.1","id.resp_h":"1.1.1.1","proto":"udp"}` + "\n", ""},
		"dns with a state":       {`{"_path":"dns","ts":1,"id.orig_h":"1.1.1.1","id.resp_h":"1.1.1.1","proto":"udp","conn_state":null}` + "\n", ""},
		"tsv without the state":  {header("ts id.orig_h id.resp_h proto") + tabs("1 1.1.1.1 1.1.1.1 udp") + "\n", ""},
		"tsv with a state":       {strings.Replace(header("ts id.orig_h id.resp_h proto conn_state"), "conn", "dns", 1) + tabs("1 1.1.1.1 1.1.1.1 udp -") + "\n", ""},
	} {
		t.Run(name, func(t *testing.T) {
			flows, bad, err := read(t, c.log, nil)
			require.NoError(t, err)
			if c.want == "" {
				require.Len(t, flows, 1)
				return
			}
			require.Empty(t, flows)
			require.Equal(t, []features.Reason{c.want}, reasons(bad))
		})
	}
}

func TestEmptyLogs(t *testing.T) {
	for _, log := range []string{"", "\n", " \r\n\t", "\xef\xbb\xbf", "# a comment\n", header(names), header(names) + "#close\t2024\n"} {
		flows, bad, err := read(t, log, nil)
		require.NoError(t, err, "%q", log)
		require.Empty(t, flows)
		require.Empty(t, bad)
	}
}

func TestLabels(t *testing.T) {
	iotHeader := preamb + "#fields\t" + tabs(names) + "\ttunnel_parents   label   detailed-label\n#types" + strings.Repeat("\tx", 20) + "\tset[string]   string   string\n"
	for name, c := range map[string]struct {
		log, column, text string
		label             features.Label
	}{
		"IoT-23":           {iotHeader + with() + "\t-   Malicious   C&C-HeartBeat\n", "label", "Malicious", features.Attack},
		"IoT-23 detail":    {iotHeader + with() + "\t(empty)  benign     -\n", "detailed-label", "", features.Unlabelled},
		"IoT-23 default":   {iotHeader + with() + "\t(empty)  benign     -\n", "", "", features.Benign},
		"tabs":             {header(names+" label detailedlabel") + with() + "\tBENIGN\tx y\n", "label", "BENIGN", features.Benign},
		"escaped":          {header(names+" label") + with() + "\tAtt\\x61ck\n", "label", "Attack", features.Attack},
		"unknown":          {header(names+" label") + with() + "\tBackground\n", "label", "Background", features.Unlabelled},
		"unset":            {header(names+" label") + with() + "\t-\n", "label", "", features.Unlabelled},
		"a column of ours": {header(names) + with() + "\n", "service", "ssl", features.Unlabelled},
		"json":             {`{"label":"Normal",` + object()[1:], "label", "Normal", features.Benign},
		"json, absent":     {object(), "label", "", features.Unlabelled},
		"json, number":     {`{"label":1,` + object()[1:], "label", "1", features.Unlabelled},
		"json, default":    {`{"label":"malicious",` + object()[1:], "", "", features.Attack},
		"json, by state":   {object(), "conn_state", "SF", features.Unlabelled},
	} {
		t.Run(name, func(t *testing.T) {
			f := one(t, c.log, &zeek.Options{Label: c.column})
			require.Equal(t, c.text, string(f.LabelText))
			require.Equal(t, c.label, f.Label)
			require.Equal(t, features.StateClosed, f.State)
		})
	}

	_, bad, err := read(t, iotHeader+with()+"\t-   Malicious\n", nil)
	require.NoError(t, err)
	require.Equal(t, []features.Reason{features.ReasonFields}, reasons(bad))

	// A header without the label, where an earlier one had it, is a log of several parts.
	flows, _, err := read(t, header(names+" label")+with()+"\tBenign\n"+header(names)+with()+"\n", &zeek.Options{Label: "label"})
	require.NoError(t, err)
	require.Equal(t, features.Unlabelled, flows[1].Label)
}

func TestPointer(t *testing.T) {
	plain := one(t, object()+"\n", nil)
	quoted := fmt.Sprintf("%q", object())
	for name, c := range map[string]struct{ pointer, log string }{
		"object":  {"/zeek", `{"zeek":1,"a":2,"zeek":` + object() + `}`},
		"nested":  {"/event/original", `{"event":{"x":{},"original":` + object() + `}}`},
		"string":  {"/message", `{"message":` + quoted + `,"@timestamp":"x"}`},
		"escaped": {"/a~1b~0", `{"a/b~":` + object() + `}`},
	} {
		require.Equal(t, plain, one(t, c.log+"\n", &zeek.Options{Pointer: c.pointer}), name)
	}
	for log, reason := range map[string]features.Reason{
		`{"x":1}`:             features.ReasonMissing,
		`{"zeek":null}`:       features.ReasonMissing,
		`{"zeek":"{"}`:        features.ReasonMalformed,
		`{"zeek":5}`:          features.ReasonMalformed,
		`{"zeek":{}`:          features.ReasonMalformed,
		`{"zeek":{"ts":"x"}}`: features.ReasonOther,
	} {
		_, bad, err := read(t, log+"\n", &zeek.Options{Pointer: "/zeek"})
		require.NoError(t, err)
		require.Equal(t, []features.Reason{reason}, reasons(bad), log)
	}
}

// The kind of attack has a column of its own, under two names, in both writers.
func TestKind(t *testing.T) {
	for _, name := range []string{"detailed-label", "detailedlabel"} {
		tsv := "#separator \\x09\n#fields\tts\tuid\tid.orig_h\tid.resp_h\tproto\tconn_state\tlabel\t" + name + "\n" +
			"#types\ttime\tstring\taddr\taddr\tenum\tstring\tstring\tstring\n1.0\tC1\t10.0.0.1\t10.0.0.2\ttcp\tS0\tMalicious\tC&C\\x09x\n2.0\tC2\t10.0.0.1\t10.0.0.2\ttcp\tSF\tBenign\t-\n"
		json := `{"ts":1,"id.orig_h":"10.0.0.1","id.resp_h":"10.0.0.2","proto":"tcp","conn_state":"S0","label":"Malicious","` + name + `":"C&C\tx"}` + "\n" +
			`{"ts":2,"id.orig_h":"10.0.0.1","id.resp_h":"10.0.0.2","proto":"tcp","conn_state":"SF","label":"Benign"}` + "\n"
		for _, log := range []string{tsv, json} {
			var kinds []string
			for f, err := range zeek.Read(strings.NewReader(log), nil) {
				require.NoError(t, err)
				kinds = append(kinds, string(f.Kind))
			}
			require.Equal(t, []string{"C&C\tx", ""}, kinds)
		}
	}
}

// TestPartsOfAJSONLog reads a log in two parts, the second of which begins with a damaged line.
func TestPartsOfAJSONLog(t *testing.T) {
	var header zeek.Header
	part := func(log string) (records []string) {
		for f, err := range zeek.Read(strings.NewReader(log), &zeek.Options{Header: &header}) {
			var bad *features.RecordError
			switch {
			case errors.As(err, &bad):
				records = append(records, string(bad.Reason))
			case err != nil:
				records = append(records, err.Error())
			default:
				records = append(records, f.State.String())
			}
		}
		return records
	}
	line := `{"ts":1.5,"id.orig_h":"10.0.0.1","id.resp_h":"10.0.0.2","proto":"tcp","conn_state":"SF"}` + "\n"
	require.Equal(t, []string{"closed"}, part(line))
	require.Equal(t, []string{"malformed", "closed"}, part("null\n"+line))
	require.Equal(t, []string{"attempt"}, part("#separator \\x09\n#path\tconn\n#fields\tts\tsrc\tdst\tproto\tconn_state\n1\t1.1.1.1\t2.2.2.2\ttcp\tS0\n"))
	require.Equal(t, []string{"fields", "rejected"}, part("null\n1\t1.1.1.1\t2.2.2.2\ttcp\tREJ\n"))
}

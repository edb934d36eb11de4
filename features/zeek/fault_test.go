package zeek_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"threatdetect/features"
	"threatdetect/features/zeek"
)

func TestFaults(t *testing.T) {
	long := strings.Repeat("x", 1<<20)
	for name, c := range map[string]struct {
		tsv, json string
		reason    features.Reason
		field     string
	}{
		"too long":            {with("uid", long), object("uid", `"`+long+`"`), features.ReasonTooLong, ""},
		"too long, malformed": {long + "\t", "{" + long, features.ReasonTooLong, ""},
		"fields":              {with() + "\tx", "", features.ReasonFields, ""},
		"fewer fields":        {"1.5\tC", "", features.ReasonFields, ""},
		"zeros":               {strings.Repeat("\x00", 64), strings.Repeat("\x00", 64), "", ""},
		"no object":           {"", `["x"]`, features.ReasonMalformed, ""},
		"text behind":         {"", object() + "}", features.ReasonMalformed, ""},
		"malformed elsewhere": {"", object("local_orig", "tru"), features.ReasonMalformed, ""},
		"deep":                {"", object("uid", strings.Repeat("[", 64)+strings.Repeat("]", 64)), features.ReasonMalformed, ""},
		"missing ts":          {with("ts", "-"), object("ts", "null"), features.ReasonMissing, "ts"},
		"missing src":         {with("id.orig_h", "-"), object("id.orig_h", ""), features.ReasonMissing, "id.orig_h"},
		"missing dst":         {with("id.resp_h", "-"), object("id.resp_h", ""), features.ReasonMissing, "id.resp_h"},
		"missing proto":       {with("proto", "-"), object("proto", "null"), features.ReasonMissing, "proto"},
		"missing first":       {with("proto", "-", "ts", "x"), object("proto", "", "ts", `"x"`), features.ReasonMissing, "proto"},
		"protocol first":      {with("proto", "256", "ts", "x"), object("proto", "17", "ts", `"x"`), features.ReasonNumber, "proto"},
		"time":                {with("ts", "XXXXXXXXXX.XXXXXX"), object("ts", `"yesterday"`), features.ReasonTime, "ts"},
		"time out of range":   {with("ts", "9223372036.854776"), object("ts", "9223372036.854776"), features.ReasonTime, "ts"},
		"time before address": {with("ts", "nan", "id.orig_h", "x"), object("ts", "true", "id.orig_h", `"x"`), features.ReasonTime, "ts"},
		"address":             {with("id.resp_h", "10.0.0.256"), object("id.resp_h", `"10.0.0.256"`), features.ReasonAddress, "id.resp_h"},
		"address first":       {with("id.orig_h", "x", "id.orig_p", "x"), object("id.orig_h", `"x"`, "id.orig_p", "-1"), features.ReasonAddress, "id.orig_h"},
		"port":                {with("id.orig_p", "65536", "id.resp_h", "x"), object("id.orig_p", "65536", "id.resp_h", "5"), features.ReasonNumber, "id.orig_p"},
		"duration":            {with("duration", "-0.000001"), object("duration", "-1e-6"), features.ReasonNumber, "duration"},
		"start and duration":  {with("ts", "9223372036", "duration", "1"), object("ts", "9223372036", "duration", "1"), features.ReasonTime, "duration"},
		"payload":             {with("orig_bytes", "1_000"), object("orig_bytes", `"12"`), features.ReasonNumber, "orig_bytes"},
		"payload back":        {with("resp_bytes", "+1"), object("resp_bytes", "1.5"), features.ReasonNumber, "resp_bytes"},
		"local":               {with("local_orig", "t"), object("local_orig", `"T"`), features.ReasonNumber, "local_orig"},
		"missed":              {with("missed_bytes", "7\x00"), object("missed_bytes", "[]"), features.ReasonNumber, "missed_bytes"},
		"packets":             {with("orig_pkts", "18446744073709551616"), object("orig_pkts", "18446744073709551616"), features.ReasonNumber, "orig_pkts"},
		"bytes":               {with("resp_ip_bytes", "(empty)"), object("resp_ip_bytes", `"0"`), features.ReasonNumber, "resp_ip_bytes"},
		"service":             {"", object("service", "5"), features.ReasonNumber, "service"},
		"history":             {"", object("history", "{}"), features.ReasonNumber, "history"},
		"state":               {"", object("conn_state", "true"), features.ReasonNumber, "conn_state"},
	} {
		t.Run(name, func(t *testing.T) {
			if c.tsv != "" {
				flows, bad, err := read(t, header(names)+with()+"\n"+c.tsv+"\n"+with()+"\n", nil)
				check(t, flows, bad, err, 9, c.field, c.reason, features.ReasonFields)
			}
			if c.json != "" {
				flows, bad, err := read(t, object()+"\n"+c.json+"\n"+object()+"\n", nil)
				check(t, flows, bad, err, 2, c.field, c.reason, features.ReasonMalformed)
			}
		})
	}
}

func check(t *testing.T, flows []*features.Flow, bad []features.RecordError, err error, line int64, field string, reason, otherwise features.Reason) {
	t.Helper()
	if reason == "" {
		reason = otherwise
	}
	require.NoError(t, err)
	require.Len(t, flows, 2, "the lines around it are good")
	require.Len(t, bad, 1)
	require.Equal(t, reason, bad[0].Reason)
	require.Equal(t, line, bad[0].Line)
	require.Equal(t, field, bad[0].Field)
	if reason != features.ReasonMissing {
		require.NotEmpty(t, bad[0].Text)
	}
	require.LessOrEqual(t, len(bad[0].Text), 128)
}

// What is not read is not checked.
func TestNoFaults(t *testing.T) {
	for name, row := range map[string]string{
		"ports of icmp":        with("proto", "icmp", "id.orig_p", "x", "id.resp_p", "70000"),
		"ports of gre":         with("proto", "gre", "id.orig_p", "x"),
		"uid":                  with("uid", "\xff\x00"),
		"state":                with("conn_state", "what"),
		"duration of nearly 0": with("duration", "-0.0000005"),
		"line of 1 MiB":        with("uid", strings.Repeat("x", 1<<20-len(with())+len("Cabc"))),
	} {
		flows, bad, err := read(t, header(names)+row+"\r\n"+with()+"\n", nil)
		require.NoError(t, err, name)
		require.Empty(t, bad, name)
		require.Len(t, flows, 2, name)
	}
}

func TestLastLine(t *testing.T) {
	for name, c := range map[string]struct {
		log    string
		reason features.Reason
	}{
		"good":           {header(names) + with(), ""},
		"good with CR":   {header(names) + with() + "\r", ""},
		"good json":      {object(), ""},
		"cut":            {header(names) + with()[:50], features.ReasonTruncated},
		"bad address":    {header(names) + with("id.orig_h", "x"), features.ReasonTruncated},
		"missing":        {header(names) + with("ts", "-"), features.ReasonTruncated},
		"cut json":       {object() + "\n" + object()[:50], features.ReasonTruncated},
		"other":          {strings.Replace(header("ts uid id.orig_h"), "conn", "dns", 1) + "1\t2\t3", features.ReasonOther},
		"other but cut":  {strings.Replace(header("ts uid id.orig_h"), "conn", "dns", 1) + "1\t2", features.ReasonTruncated},
		"other json":     {`{"_path":"dns"}`, features.ReasonOther},
		"too long":       {object() + "\n" + strings.Repeat("x", 1<<20+1), features.ReasonTooLong},
		"blank":          {header(names) + " \t ", ""},
		"comment":        {header(names) + "#clo", ""},
		"only a comment": {"# nothing", ""},
	} {
		_, bad, err := read(t, c.log, nil)
		require.NoError(t, err, name)
		if c.reason == "" {
			require.Empty(t, bad, name)
			continue
		}
		require.Equal(t, []features.Reason{c.reason}, reasons(bad), name)
	}
}

func TestInputErrors(t *testing.T) {
	for name, c := range map[string]struct {
		log  string
		opts *zeek.Options
		line int64
		says string
	}{
		"data before fields":   {"#separator \\x09\n1\t2\t3\n", nil, 2, "data before #fields"},
		"separator with a tab": {"#separator\t\\x09\n", nil, 1, `"\t\\x09"`},
		"long separator":       {"#separator \\x09\\x09\n", nil, 1, "separator"},
		"separator no hex":     {"#separator \\x0g\n", nil, 1, "separator"},
		"types":                {header(names) + "#types\ttime\tstring\n", nil, 8, "2 #types for 20 #fields"},
		"required column":      {header("ts uid id.orig_h proto conn_state") + "1\n", nil, 8, "no column id.resp_h; there are ts, uid, id.orig_h, proto, conn_state"},
		"required, no rows":    {header("ts uid id.orig_h proto conn_state"), nil, 7, "no column id.resp_h"},
		"label":                {header(names) + with() + "\n", &zeek.Options{Label: "verdict"}, 8, "no column verdict; there are ts, uid,"},
		"columns":              {header(strings.Repeat("x ", 1025)) + "1\n", nil, 7, "1026 columns"},
		"long header":          {"#fields\t" + strings.Repeat("x\t", 1<<20) + "\n", nil, 1, "limit"},
	} {
		t.Run(name, func(t *testing.T) {
			flows, bad, err := read(t, c.log, c.opts)
			require.ErrorIs(t, err, features.ErrFormat)
			var input *features.InputError
			require.ErrorAs(t, err, &input)
			require.Equal(t, c.line, input.Line)
			require.ErrorContains(t, err, c.says)
			require.Empty(t, flows)
			require.Empty(t, bad)
		})
	}
}

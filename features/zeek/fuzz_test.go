package zeek_test

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"threatdetect/features"
	"threatdetect/features/zeek"
)

// outcome reads a log and says what became of each record, and how the log ended.
func outcome(log []byte, opts *zeek.Options) (records []string, err error) {
	for f, e := range zeek.Read(bytes.NewReader(log), opts) {
		var bad *features.RecordError
		switch {
		case err != nil:
			panic("something after the last error")
		case e == nil:
			records = append(records, describe(f))
		case errors.As(e, &bad):
			records = append(records, string(bad.Reason))
		default:
			err = e
		}
	}
	return records, err
}

// whole ends a log with a newline, so that its last line is not cut.
func whole(log []byte) []byte { return append(slices.Clip(log), '\n') }

func blank(line []byte) bool { return strings.Trim(string(line), " \t\v\f\r\n") == "" }

func FuzzJSON(f *testing.F) {
	seed := `{"ts":1.5,"uid":"C1","id.orig_h":"10.0.0.1","id.orig_p":1,"id.resp_h":"::1","id.resp_p":2,"proto":"tcp","conn_state":"SF"}`
	f.Add([]byte(seed))
	for _, s := range []string{
		`{"ts":1616161616161,"src":"::ffff:1.2.3.4","dst":"1.2.3.4","proto":"UDP","conn_state":null,"duration":1e-7,"a":{"b":[1,{},[]]}}`,
		`{"ts":"1969-12-31T23:59:59.0000005Z","id_orig_h":"fe80::1%eth0","id_resp_h":"1.2.3.4","proto":"icmp","_path":"conn","id_orig_p":8,"id_resp_p":0}`,
		`{"ts":"2024-02-29T24:00:00+01:00","conn_state":"S\u00300","ts":0,"proto":"17","src":"1.1.1.1","dst":"1.1.1.1"}`,
		`{"\ud83d\ude00":"\ud83d","service":"ssl,-http","local_orig":true,"history":"^ShAQrq","orig_pkts":12.0,"orig_bytes":1e3}`,
		`{"_path":"dns"}`, `{}`, `{"a":1,}`, "{\"a\":\"\x01\"}", "{\"conn_state\":\"\xff\"}", `{"conn_state":"S0"} `, `["x"]`, `{"a":-01}`,
		strings.Repeat("[", 70), `{"a":` + strings.Repeat("[", 63) + strings.Repeat("]", 63) + `}`,
	} {
		f.Add([]byte(s))
		f.Add([]byte(seed[:len(seed)-1] + "," + strings.TrimPrefix(s, "{")))
	}
	f.Fuzz(func(t *testing.T, log []byte) {
		lines := refLines(log)
		first := slices.IndexFunc(lines, func(l []byte) bool { return !blank(l) })
		if first < 0 || bytes.TrimLeft(lines[first], " \t\v\f\r")[0] != '{' || len(log) > 1<<15 {
			t.Skip()
		}
		var want []string
		for _, line := range lines[first:] {
			if hasLargeExp(line) {
				t.Skip()
			}
			if !blank(line) {
				want = append(want, refJSON(line))
			}
		}
		got, err := outcome(whole(log), nil)
		require.NoError(t, err)
		require.Equal(t, want, got)
	})
}

// hasLargeExp reports whether the reference would refuse, or work forever on, a number in the line.
func hasLargeExp(line []byte) bool {
	for _, word := range bytes.FieldsFunc(line, func(c rune) bool { return strings.ContainsRune("\t ,:}]\"", c) }) {
		if largeExp.Match(word) {
			return true
		}
	}
	return false
}

func FuzzTSV(f *testing.F) {
	all := strings.Fields(fieldNames)
	f.Add("conn", strings.Join(all, " "), []byte("1.5\tC1\t10.0.0.1\t1\t::1\t2\ttcp\tssl,http\t0.5\t1\t2\tSF\tT\tF\t0\tShADadfF\t3\t4\t5\t6\t12\t-\tBenign\tx"))
	f.Add("conn", "ts src dst proto duration", []byte("-1.0000005\t1.1.1.1\tfe80::1%e\t6\t1e-7"))
	f.Add("dns", "ts src dst proto", []byte("-1.0000005\t1.1.1.1\tfe80::1%e\t6"))
	f.Add("x", "ts src id.orig_h dst proto conn_state history uid service", []byte("1\t1.1.1.1\t-\t2.2.2.2\tTCP\t\\x53F\t(empty)\ta\\\\x\\x0g\t-"))
	f.Add("conn", "ts src dst proto id.orig_p id.resp_p", []byte("99999999999\t1.1.1.1\t2.2.2.2\ticmp\t8\t300\n1\t1.1.1.1\t2\tudp\t65536\t1\n\x00\x00"))
	f.Fuzz(func(t *testing.T, path, names string, rows []byte) {
		fields := strings.Fields(names)
		for _, name := range append(fields, path) {
			if strings.ContainsAny(name, "\\\r\n\t ") {
				t.Skip()
			}
		}
		if strings.TrimSpace(path) != path || len(fields) == 0 || len(fields) > 100 || hasLargeExp(rows) {
			t.Skip()
		}
		log := []byte("#separator \\x09\n#path\t" + path + "\n#fields\t" + strings.Join(fields, "\t") + "\n")
		log = append(log, rows...)
		var want []string
		for _, line := range refLines(rows) {
			if len(line) > 0 && line[0] == '#' {
				t.Skip()
			}
			if !blank(line) {
				want = append(want, refTSV(fields, path, line))
			}
		}
		if bytes.HasPrefix(rows, []byte("\xef\xbb\xbf")) {
			t.Skip()
		}
		got, err := outcome(whole(log), nil)
		if err != nil {
			require.ErrorIs(t, err, features.ErrFormat)
			for _, name := range []string{"ts", "id.orig_h", "id.resp_h", "proto"} {
				if !slices.ContainsFunc(append(otherNames[name], name), func(n string) bool { return slices.Contains(fields, n) }) {
					return
				}
			}
		}
		require.NoError(t, err)
		require.Equal(t, want, got)
	})
}

// FuzzAny reads anything at all, also as something it is not: nothing panics, and each line is at most one record.
func FuzzAny(f *testing.F) {
	f.Add([]byte("#separator \\x2c\n#unset_field,\n#fields,ts,src,dst,proto   label\n1,,,"), "label", "/a")
	f.Add([]byte("\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03"), "", "")
	f.Add([]byte(`{"a":"{\"ts\":1,\"conn_state\":\"\"}"}`), "x", "/a")
	f.Fuzz(func(t *testing.T, log []byte, label, pointer string) {
		records, _ := outcome(log, &zeek.Options{Label: label, Pointer: pointer, MaxLine: 256})
		if !bytes.HasPrefix(log, []byte{0x1f, 0x8b}) && !bytes.HasPrefix(log, []byte{0x28, 0xb5, 0x2f, 0xfd}) {
			require.LessOrEqual(t, len(records), bytes.Count(log, []byte("\n"))+1)
		}
	})
}

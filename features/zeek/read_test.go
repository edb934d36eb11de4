package zeek_test

import (
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/klauspost/compress/zstd"
	"github.com/stretchr/testify/require"

	"threatdetect/features"
	"threatdetect/features/zeek"
)

const (
	names  = "ts uid id.orig_h id.orig_p id.resp_h id.resp_p proto service duration orig_bytes resp_bytes conn_state local_orig local_resp missed_bytes history orig_pkts orig_ip_bytes resp_pkts resp_ip_bytes"
	preamb = "#separator \\x09\n#set_separator\t,\n#empty_field\t(empty)\n#unset_field\t-\n#path\tconn\n#open\t2024-01-02-03-04-05\n"
	good   = "1700000000.5 Cabc 10.1.2.3 51000 192.0.2.7 443 tcp ssl 2.25 100 2000 SF T F 7 ShADadFf 10 600 12 2600"
)

// header returns the directives of a conn log with the columns, given with blanks between them.
func header(columns string) string { return preamb + "#fields\t" + tabs(columns) + "\n" }

func tabs(s string) string { return strings.ReplaceAll(s, " ", "\t") }

// with returns the good row with cells replaced: pairs of a column and its new value.
func with(pairs ...string) string {
	row := strings.Fields(good)
	for i := 0; i < len(pairs); i += 2 {
		for c, name := range strings.Fields(names) {
			if name == pairs[i] {
				row[c] = pairs[i+1]
			}
		}
	}
	return strings.Join(row, "\t")
}

// object returns the good row as JSON with members replaced or, for an empty value, left out.
func object(pairs ...string) string {
	replaced := map[string]string{}
	for i := 0; i < len(pairs); i += 2 {
		replaced[pairs[i]] = pairs[i+1]
	}
	b := []byte("{")
	for c, name := range strings.Fields(names) {
		value := strings.Fields(good)[c]
		switch name {
		case "uid", "id.orig_h", "id.resp_h", "proto", "service", "conn_state", "history":
			value = `"` + value + `"`
		case "local_orig", "local_resp":
			value = map[string]string{"T": "true", "F": "false"}[value]
		}
		if v, ok := replaced[name]; ok {
			value = v
		}
		if value != "" {
			b = append(b, `"`+name+`":`+value+`,`...)
		}
	}
	return string(b[:len(b)-1]) + "}"
}

// read returns copies of all flows and record errors of a log, in order, and the error that ended it.
func read(t *testing.T, log string, opts *zeek.Options) (flows []*features.Flow, bad []features.RecordError, err error) {
	t.Helper()
	return readFrom(t, strings.NewReader(log), opts)
}

func readFrom(t *testing.T, r io.Reader, opts *zeek.Options) (flows []*features.Flow, bad []features.RecordError, err error) {
	t.Helper()
	for f, e := range zeek.Read(r, opts) {
		require.NoError(t, err, "something behind the last error")
		var re *features.RecordError
		switch {
		case e == nil:
			flows = append(flows, f.Clone())
		case errors.As(e, &re):
			c := *re
			c.Text = bytes.Clone(re.Text)
			bad = append(bad, c)
		default:
			var input *features.InputError
			require.ErrorAs(t, e, &input)
			err = e
		}
	}
	return flows, bad, err
}

func TestFlowIsTheSameInBothFormats(t *testing.T) {
	for name, pair := range map[string][2]string{
		"tcp":           {with(), object()},
		"single packet": {with("duration", "-", "orig_bytes", "-", "resp_bytes", "-"), object("duration", "", "orig_bytes", "null", "resp_bytes", "")},
		"udp":           {with("proto", "udp", "history", "Dd", "conn_state", "SF"), object("proto", `"UDP"`, "history", `"Dd"`, "conn_state", `"SF"`)},
		"icmp": {with("proto", "icmp", "id.orig_p", "8", "id.resp_p", "0", "history", "-", "service", "-"),
			object("proto", `"icmp"`, "id.orig_p", "8", "id.resp_p", "0", "history", "", "service", "")},
		"ipv6":       {with("id.orig_h", "2001:db8::1", "id.resp_h", "fe80::2%eth0"), object("id.orig_h", `"2001:db8::1"`, "id.resp_h", `"fe80::2%eth0"`)},
		"mapped":     {with("id.orig_h", "::ffff:10.1.2.3"), object("id.orig_h", `"\u0031\u0030.1.2.3"`)},
		"services":   {with("service", "http,ssl,-ftp"), object("service", `"ssl,-ftp,http"`)},
		"noise":      {with("ts", "1700000000.500000", "duration", "2.250000"), object("ts", "1700000000.50000001", "duration", "2.2500001000000000")},
		"millis":     {with("ts", "1700000000.5"), object("ts", "1700000000500")},
		"iso":        {with("ts", "1700000000.5"), object("ts", `"2023-11-14T22:13:20.5Z"`)},
		"before":     {with("ts", "-0.4"), object("ts", `"1969-12-31T23:59:59.600000Z"`)},
		"empty":      {with("history", "(empty)", "service", "(empty)"), object("history", `""`, "service", `""`)},
		"whole":      {with("orig_pkts", "12.0", "resp_pkts", "1e3"), object("orig_pkts", "12", "resp_pkts", "1000.0")},
		"unset many": {with("local_orig", "-", "missed_bytes", "-", "orig_pkts", "-"), object("local_orig", "null", "missed_bytes", "", "orig_pkts", "")},
	} {
		t.Run(name, func(t *testing.T) {
			tsv, bad, err := read(t, header(names)+pair[0]+"\n", nil)
			require.NoError(t, err)
			require.Empty(t, bad)
			js, bad, err := read(t, pair[1]+"\n", nil)
			require.NoError(t, err)
			require.Empty(t, bad)
			require.Equal(t, tsv, js)
			require.Len(t, js, 1)
		})
	}
}

func TestFlow(t *testing.T) {
	flows, _, err := read(t, header(names)+with()+"\n"+with("proto", "icmp", "id.orig_p", "3", "id.resp_p", "1", "duration", "-")+"\n", nil)
	require.NoError(t, err)
	f := flows[0]
	require.Equal(t, int64(1700000000_500000000), f.Start)
	require.Equal(t, int64(2_250000000), f.Duration)
	require.Equal(t, "10.1.2.3 192.0.2.7", f.Src.String()+" "+f.Dst.String())
	require.Equal(t, []uint16{51000, 443}, []uint16{f.SrcPort, f.DstPort})
	require.Equal(t, []uint64{10, 12, 600, 2600, 100, 2000, 7},
		[]uint64{f.FwdPkts, f.RevPkts, f.FwdBytes, f.RevBytes, f.FwdPayload, f.RevPayload, f.MissedBytes})
	require.Equal(t, features.SYN|features.ACK|features.FIN, f.FwdFlags)
	require.Equal(t, features.SYN|features.ACK|features.FIN, f.RevFlags)
	require.Equal(t, features.SYN|features.ACK|features.FIN|features.RST, f.FwdFlagsKnown)
	require.Equal(t, features.StateClosed, f.State)
	require.Equal(t, features.AppTLS, f.App)
	require.Equal(t, "tls", f.AppName)
	require.Equal(t, "Cabc ShADadFf", string(f.UID)+" "+string(f.History))
	require.True(t, f.LocalSrc && !f.LocalDst && f.Has(features.FieldLocalSrc|features.FieldLocalDst))
	require.Nil(t, f.UNSW)

	icmp := flows[1]
	require.Equal(t, features.ProtoICMP, icmp.Proto)
	require.False(t, icmp.Has(features.FieldSrcPort) || icmp.Has(features.FieldDstPort))
	require.True(t, icmp.Has(features.FieldICMP|features.FieldDuration))
	require.Equal(t, []uint8{3, 1}, []uint8{icmp.ICMPType, icmp.ICMPCode})
	require.Zero(t, icmp.FwdFlagsKnown, "flags are for tcp only")
}

func TestCompressed(t *testing.T) {
	log := header(names) + strings.Repeat(with()+"\n", 5000)
	var gz, zst bytes.Buffer
	for i := range 2 { // two members
		w := gzip.NewWriter(&gz)
		_, err := io.WriteString(w, log[len(log)/2*i:min(len(log), len(log)/2*(i+1)+len(log)%2*i)])
		require.NoError(t, err)
		require.NoError(t, w.Close())
	}
	w, err := zstd.NewWriter(&zst)
	require.NoError(t, err)
	_, err = io.WriteString(w, log)
	require.NoError(t, err)
	require.NoError(t, w.Close())
	for name, packed := range map[string][]byte{"plain": []byte(log), "gzip": gz.Bytes(), "zstd": zst.Bytes()} {
		flows, bad, err := readFrom(t, bytes.NewReader(packed), nil)
		require.NoError(t, err, name)
		require.Empty(t, bad, name)
		require.Len(t, flows, 5000, name)
	}

	// A stream that was cut delivers what came before, counts the line that was cut, and says so at the end.
	flows, bad, err := readFrom(t, bytes.NewReader(gz.Bytes()[:gz.Len()-200]), nil)
	require.ErrorIs(t, err, io.ErrUnexpectedEOF)
	require.NotErrorIs(t, err, features.ErrFormat)
	require.Greater(t, len(flows), 2500)
	require.LessOrEqual(t, len(bad), 1)
	for _, b := range bad {
		require.Equal(t, features.ReasonTruncated, b.Reason)
	}

	// So does a reader that fails.
	failed := errors.New("disk on fire")
	flows, bad, err = readFrom(t, io.MultiReader(strings.NewReader(header(names)+with()+"\n"+with()), iotest.ErrReader(failed)), nil)
	require.ErrorIs(t, err, failed)
	require.Len(t, flows, 1)
	require.Equal(t, []features.Reason{features.ReasonTruncated}, reasons(bad), "a whole row, but who knows")
}

func reasons(bad []features.RecordError) (list []features.Reason) {
	for _, b := range bad {
		list = append(list, b.Reason)
	}
	return list
}

func TestStop(t *testing.T) {
	n := 0
	for range zeek.Read(strings.NewReader(header(names)+strings.Repeat(with()+"\nx\n", 10)), nil) {
		if n++; n == 4 {
			break
		}
	}
	require.Equal(t, 4, n)
}

func TestSmallReads(t *testing.T) {
	log := "\xef\xbb\xbf" + header(names) + strings.Repeat(with()+"\r\n", 20)
	flows, bad, err := readFrom(t, iotest.OneByteReader(strings.NewReader(log)), nil)
	require.NoError(t, err)
	require.Empty(t, bad)
	require.Len(t, flows, 20)
}

func TestNoAllocationPerRecord(t *testing.T) {
	for name, log := range map[string]string{
		"tsv":  header(names) + strings.Repeat(with()+"\n"+with("service", "http,ssl")+"\n", 5000),
		"json": strings.Repeat(object()+"\n"+object("ts", `"2023-11-14T22:13:20.5Z"`, "duration", "0.0012309551239013672")+"\n", 5000),
		"bad":  header(names) + strings.Repeat(with("ts", "x")+"\n"+with("orig_pkts", "-1")+"\n", 5000),
	} {
		r := strings.NewReader(log)
		allocs := testing.AllocsPerRun(5, func() {
			r.Reset(log)
			for range zeek.Read(r, nil) {
			}
		})
		require.Less(t, allocs, 200.0, "%s: allocations for 10,000 records", name)
	}
}

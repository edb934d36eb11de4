package auto_test

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"

	pq "github.com/parquet-go/parquet-go"
	"github.com/stretchr/testify/require"

	"threatdetect/features"
	"threatdetect/features/auto"
	"threatdetect/features/vpcflow/parquet"
)

func TestDetect(t *testing.T) {
	vpc := "2 123456789010 eni-1235b8ca123456789 172.31.16.139 172.31.16.21 20641 22 6 20 4249 1418530010 1418530070 ACCEPT OK"
	raw := "59.166.0.0" + strings.Repeat(",0", 48)
	for head, want := range map[string]auto.Format{
		"#separator \\x09\n":                                           auto.Zeek,
		"\xef\xbb\xbf\n\t#separator \\x09\n":                           auto.Zeek,
		"### note\n#separator\t\\x09":                                  auto.Zeek,
		"#fields\tts\n":                                                auto.Zeek,
		`{"event_type":"flow","id.orig_h":1}`:                          auto.EVE,
		`{"ts":1,"id.orig_h":"1.1.1.1"}`:                               auto.Zeek,
		`{"id_orig_h" : "1.1.1.1"}`:                                    auto.Zeek,
		`{"_path":"x509"}`:                                             auto.Zeek,
		`{"src":"1.1.1.1","conn_state":"S0"}`:                          auto.Zeek,
		"{\"ts\":\n\n" + `{"conn_state":"S0"}`:                         auto.Zeek,
		`{"note":"conn_state"}`:                                        auto.Unknown,
		`{"type":"IPFIX","sampler_address":"1"}`:                       auto.NetFlow,
		`{"time_received_ns":1}`:                                       auto.NetFlow,
		`{"event_type":"purge","ip_src":"1.1.1.1","peer_ip_src":"::"}`: auto.NetFlow,
		"[\n{\n \"event_type\": \"purge\",\n \"ip_src\": \"1.1.1.1\"":  auto.NetFlow,
		"{\"event_type\":\"flow\",\"src_\n{\"src_ip\":1}":              auto.EVE,
		"[\n{\n\t\"type\" : \"FLOW\",\n\t\"export_sysid\" : 1":         auto.NetFlow,
		`{"src6_addr":"::1"}`:                                          auto.NetFlow,
		`[{"srcaddr":"1.1.1.1"}]`:                                      auto.VPCFlow,
		"[\n {\n  \"srcaddr\": \"1.1.1.1\"":                            auto.VPCFlow,
		"version account-id srcaddr dstaddr\n":                         auto.VPCFlow,
		"version,srcaddr,dstaddr\n":                                    auto.VPCFlow,
		"interface-id pkt-srcaddr pkt-dstaddr\n":                       auto.VPCFlow,
		vpc:                                                            auto.VPCFlow,
		"5 123456789010 eni-1 a b c":                                   auto.VPCFlow,
		"2 123456789010 - a b c":                                       auto.VPCFlow,
		"StartTime,Dur,Proto,SrcAddr,Sport\n":                          auto.Binetflow,
		"StartTime\tDur\tProto\tSrcAddr\n":                             auto.Binetflow,
		"ts,te,td,sa,da,sp,dp,pr\n":                                    auto.NetFlow,
		"cnt,af,firstSeen,lastSeen\n":                                  auto.NetFlow,
		"firstSeen,duration,proto\n":                                   auto.NetFlow,
		" Destination Port, Flow Duration\n":                           auto.CICFlow,
		"src_ip,dst_ip,flow_duration\n":                                auto.CICFlow,
		"id,dur,proto,service\n":                                       auto.UNSW,
		"\"id\",\"dur\",\"proto\"\n":                                   auto.UNSW,
		"srcip,sport,dstip\n":                                          auto.UNSW,
		raw:                                                            auto.UNSW,
		"x" + raw:                                                      auto.Unknown,
		"0,tcp" + strings.Repeat(",0", 41):                             auto.NSLKDD,
		"0,icmp" + strings.Repeat(",0", 40):                            auto.NSLKDD,
		"0,gre" + strings.Repeat(",0", 40):                             auto.Unknown,
		"":                                                             auto.Unknown,
		"hello\n":                                                      auto.Unknown,
		"hello\n#separator \\x09\n":                                    auto.Unknown,
	} {
		got, by := auto.Detect([]byte(head))
		require.Equal(t, want, got, "%q", head)
		require.Equal(t, want == auto.Unknown, by == "", "%q", by)
	}
	for _, f := range auto.Formats() {
		got, ok := auto.ParseFormat(string(f))
		require.True(t, ok)
		require.Equal(t, f, got)
	}
	f, ok := auto.ParseFormat("auto")
	require.True(t, ok)
	require.Equal(t, auto.Unknown, f)
	_, ok = auto.ParseFormat("pcap")
	require.False(t, ok)
}

// run counts the flows and the skipped records of a log.
func run(r io.Reader, opts *auto.Options) (flows, skipped int, err error) {
	for _, e := range auto.Read(r, opts) {
		var bad *features.RecordError
		switch {
		case e == nil:
			flows++
		case errors.As(e, &bad):
			skipped++
		default:
			err = e
		}
	}
	return flows, skipped, err
}

const conn = `{"ts":1,"id.orig_h":"1.1.1.1","id.resp_h":"1.1.1.2","proto":"gre","conn_state":"OTH"}` + "\n"

func TestRead(t *testing.T) {
	var told []string
	opts := &auto.Options{OnFormat: func(f auto.Format, by string) { told = append(told, string(f)+": "+by) }}
	flows, skipped, err := run(strings.NewReader("\n"+conn+"x\n"), opts)
	require.NoError(t, err)
	require.Equal(t, []int{1, 1}, []int{flows, skipped})
	flows, _, err = run(iotest.OneByteReader(strings.NewReader("id,dur,proto,service,state,spkts,dpkts,sbytes,dbytes\n1,1,tcp,-,FIN,1,1,1,1\n")), opts)
	require.NoError(t, err)
	require.Equal(t, 1, flows)
	flows, _, err = run(strings.NewReader(conn), &auto.Options{Format: auto.Zeek, OnFormat: opts.OnFormat})
	require.NoError(t, err)
	require.Equal(t, 1, flows)
	require.Equal(t, []string{"zeek: the key id.orig_h", "unsw: a header with dur and proto", "zeek: "}, told)
}

func TestLineNumbersCountWhatWasLookedAt(t *testing.T) {
	for _, err := range auto.Read(strings.NewReader("\n\n"+conn+"x\n"), nil) {
		var bad *features.RecordError
		if errors.As(err, &bad) {
			require.Equal(t, int64(4), bad.Line)
		}
	}
}

func TestEmpty(t *testing.T) {
	for _, log := range []string{"", "\n \t\r\n", "\xef\xbb\xbf"} {
		flows, skipped, err := run(strings.NewReader(log), nil)
		require.NoError(t, err)
		require.Zero(t, flows+skipped)
	}
}

func TestErrors(t *testing.T) {
	_, _, err := run(strings.NewReader("\n\x00hello\x1b\n"+strings.Repeat("x", 1000)), nil)
	require.ErrorIs(t, err, features.ErrFormat)
	require.ErrorContains(t, err, `line 2: format not recognised: want one of zeek, eve`)
	require.ErrorContains(t, err, `"\x00hello\x1b\nxxx`)
	require.Less(t, len(err.Error()), 400)

	_, _, err = run(strings.NewReader("hello, world\n"), &auto.Options{Format: auto.Binetflow})
	require.ErrorIs(t, err, features.ErrFormat)

	_, _, err = run(strings.NewReader("\x1f\x8b\x08\x00"), nil)
	require.ErrorIs(t, err, io.ErrUnexpectedEOF)
	require.NotErrorIs(t, err, features.ErrFormat)
	_, _, err = run(iotest.ErrReader(os.ErrPermission), nil)
	require.ErrorIs(t, err, os.ErrPermission)
}

// TestSamples tells the format of every sample log.
func TestSamples(t *testing.T) {
	const root = "../../../shared/data"
	if _, err := os.Stat(root); err != nil {
		t.Skip("no sample files: they are not part of the module, see their README for terms")
	}
	for pattern, want := range map[string]auto.Format{
		"zeek*/*/*conn.log*.gz": auto.Zeek, "suricata/*.gz": auto.EVE, "vpc-flow/*.gz": auto.VPCFlow, "netflow/*.csv.gz": auto.NetFlow, "netflow/*.json.gz": auto.NetFlow,
		"argus-binetflow/*.gz": auto.Binetflow, "cic-ids2017/*.gz": auto.CICFlow, "unsw-nb15/UNSW*.gz": auto.UNSW, "nsl-kdd/*.gz": auto.NSLKDD,
	} {
		names, err := filepath.Glob(filepath.Join(root, pattern))
		require.NoError(t, err)
		require.NotEmpty(t, names, pattern)
		for _, name := range names {
			f, err := os.Open(name)
			require.NoError(t, err)
			var got auto.Format
			for range auto.Read(f, &auto.Options{OnFormat: func(f auto.Format, _ string) { got = f }}) {
				break
			}
			require.NoError(t, f.Close())
			if filepath.Base(name) == "conn_date_issue.log.gz" {
				continue
			}
			require.Equal(t, want, got, name)
		}
	}
}

// TestPartsOfRecords joins the records of one flow from two parts of a log, which may be of several formats.
func TestPartsOfRecords(t *testing.T) {
	vpc := "2 1 eni-1 10.0.0.5 192.0.2.7 51000 443 6 20 4249 1418530010 1418530070 ACCEPT OK\n"
	var parts auto.Parts
	var acct features.Account
	for _, part := range []string{vpc, "", vpc, conn} {
		for f, err := range auto.Read(strings.NewReader(part), &auto.Options{Parts: &parts}) {
			require.NoError(t, acct.Add(f, err))
		}
	}
	require.EqualValues(t, 1, acct.Flows, "Zeek's; the other one is open")
	for f, err := range parts.Flush() {
		require.NoError(t, acct.Add(f, err))
		require.EqualValues(t, 40, f.FwdPkts)
	}
	require.EqualValues(t, 3, acct.Flows)
	_, _, err := run(strings.NewReader(vpc), &auto.Options{Label: "action"})
	require.ErrorIs(t, err, features.ErrFormat)
	require.ErrorContains(t, err, "no column action: a flow of a vpcflow log is made of several records")
	flows, _, err := run(strings.NewReader("1.1.1.1 ::1 1 2\n"), &auto.Options{Format: auto.VPCFlow, Fields: []string{"srcaddr", "dstaddr", "start", "end"}})
	require.NoError(t, err)
	require.Equal(t, 1, flows)
}

// TestParquet reads a Parquet file, gzip'ed too, if the program has the library for it.
func TestParquet(t *testing.T) {
	type record struct {
		SrcAddr string `parquet:"srcaddr"`
		DstAddr string `parquet:"dstaddr"`
		Start   int64  `parquet:"start"`
		End     int64  `parquet:"end"`
	}
	var file, zipped bytes.Buffer
	require.NoError(t, pq.Write(&file, []record{{"10.0.0.5", "192.0.2.7", 1418530010, 1418530070}, {"192.0.2.7", "10.0.0.5", 1418530010, 1418530070}}))
	z := gzip.NewWriter(&zipped)
	z.Write(file.Bytes())
	require.NoError(t, z.Close())
	for _, log := range [][]byte{file.Bytes(), zipped.Bytes()} {
		var told string
		opts := &auto.Options{Parquet: parquet.Read, OnFormat: func(f auto.Format, by string) { told = string(f) + ": " + by }}
		flows, skipped, err := run(bytes.NewReader(log), opts)
		require.NoError(t, err)
		require.Equal(t, []int{1, 0}, []int{flows, skipped})
		require.Equal(t, "vpcflow: the first bytes of a Parquet file", told)
		_, _, err = run(bytes.NewReader(log), nil)
		require.ErrorIs(t, err, features.ErrFormat)
		require.ErrorContains(t, err, "this is a Parquet file, which this program does not read")
	}
}

func FuzzRead(f *testing.F) {
	f.Add([]byte(conn))
	f.Add([]byte("\xef\xbb\xbf\n #separator \\x09\nx"))
	f.Add([]byte("59.166.0.0" + strings.Repeat(",0", 48)))
	f.Fuzz(func(t *testing.T, log []byte) {
		flows, skipped, _ := run(strings.NewReader(string(log)), nil)
		require.Equal(t, steps(strings.NewReader(string(log)), &auto.Options{}), steps(strings.NewReader(string(log)), &auto.Options{Together: true}))
		if len(log) > 0 && log[0] != 0x1f && log[0] != 0x28 {
			require.LessOrEqual(t, flows+skipped, strings.Count(string(log), "\n")+1+strings.Count(string(log), "{")) // JSON may have many a line
		}
	})
}

func ExampleRead() {
	log := `{"ts":1700000000.5,"uid":"C1","id.orig_h":"10.1.2.3","id.resp_h":"192.0.2.7","id.orig_p":51000,"id.resp_p":443,"proto":"tcp","conn_state":"SF"}`
	opts := &auto.Options{OnFormat: func(f auto.Format, by string) { fmt.Printf("%s, because of %s\n", f, by) }}
	for flow, err := range auto.Read(strings.NewReader(log), opts) {
		if err != nil {
			fmt.Println(err)
			continue
		}
		fmt.Println(flow.StartTime().Format("15:04:05.0"), flow.Dst, flow.DstPort, flow.State)
	}
	// Output:
	// zeek, because of the key id.orig_h
	// 22:13:20.5 192.0.2.7 443 closed
}

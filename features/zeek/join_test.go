package zeek_test

import (
	"io"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"threatdetect/features"
	"threatdetect/features/join"
	"threatdetect/features/zeek"
)

func tsvLog(path, fields string, rows ...string) string {
	return "#separator \\x09\n#set_separator\t,\n#empty_field\t(empty)\n#unset_field\t-\n#path\t" + path + "\n#fields\t" + strings.ReplaceAll(fields, " ", "\t") + "\n" +
		strings.ReplaceAll(strings.Join(rows, "\n"), " ", "\t") + "\n"
}

// sensor are the logs of one sensor, as TSV and as JSON.
var sensor = map[string]map[string]string{
	"tsv": {
		"conn":  tsvLog("conn", "ts uid id.orig_h id.resp_h proto duration conn_state", "100.000000 C1 10.0.0.1 192.0.2.7 tcp 5.000000 SF", "300.000000 C2 10.0.0.1 192.0.2.8 udp - S0"),
		"dns":   tsvLog("dns", "ts uid trans_id rtt query qtype_name rcode AA TC RD RA answers TTLs rejected", `101.5 C1 7 0.25 a\x2db AAAA 0 F F T T x\x2cy,192.0.2.9 30.000000,20.000000 F`, "50.0 C9 8 - - - - F F T F - - F"),
		"http":  tsvLog("http", "ts uid trans_depth method host uri referrer user_agent request_body_len response_body_len status_code resp_mime_types", "102.0 C1 1 GET h /x - (empty) 0 184 301 text/html,text/plain"),
		"ssl":   tsvLog("ssl", "ts uid version cipher curve server_name resumed established next_protocol validation_status cert_chain_fps ja3", "103.0 C1 TLSv12 c - s F T h2 ok f1,f2 abc"),
		"files": tsvLog("files", "ts fuid conn_uids source is_orig mime_type seen_bytes missing_bytes", "104.0 F1 C1,C2 HTTP F text/html 184 0"),
		"x509":  tsvLog("x509", "ts fingerprint certificate.subject certificate.issuer certificate.not_valid_before certificate.not_valid_after certificate.key_length san.dns", "103.0 f1 CN=s CN=i 1000.0 2000.0 2048 s,t"),
	},
	"json": {
		"conn": `{"ts":100.0,"uid":"C1","id.orig_h":"10.0.0.1","id.resp_h":"192.0.2.7","proto":"tcp","duration":5.0,"conn_state":"SF"}
{"ts":300.0,"uid":"C2","id.orig_h":"10.0.0.1","id.resp_h":"192.0.2.8","proto":"udp","conn_state":"S0"}
`,
		"dns": `{"ts":101.5,"uid":"C1","trans_id":7,"rtt":0.25,"query":"a-b","qtype":28,"rcode":0,"AA":false,"RD":true,"RA":true,"answers":["x\u002cy","192.0.2.9"],"TTLs":[30.0,20.0],"rejected":false}
{"ts":50.0,"uid":"C9","trans_id":8}
`,
		"http":  `{"ts":102.0,"uid":"C1","trans_depth":1,"method":"GET","host":"h","uri":"/x","request_body_len":0,"response_body_len":184,"status_code":301,"resp_mime_types":["text/html"]}`,
		"ssl":   `{"ts":103.0,"uid":"C1","version":"TLSv12","cipher":"c","server_name":"s","resumed":false,"established":true,"next_protocol":"h2","validation_status":"ok","cert_chain_fps":["f1","f2"],"ja3":"abc"}`,
		"files": `{"ts":104.0,"fuid":"F1","conn_uids":["C1","C2"],"source":"HTTP","is_orig":false,"mime_type":"text/html","seen_bytes":184,"missing_bytes":0}`,
		"x509":  `{"ts":103.0,"fingerprint":"f1","certificate.subject":"CN=s","certificate.issuer":"CN=i","certificate.not_valid_before":1000.0,"certificate.not_valid_after":2000.0,"certificate.key_length":2048,"san.dns":["s","t"]}`,
	},
}

func wantJoined() *features.Joined {
	return &features.Joined{
		DNS: []features.DNSInfo{{Time: 101.5e9, ID: 7, Query: "a-b", Type: 28, Answered: true, RD: true, RA: true, RTT: 0.25e9, Answers: []string{"x,y", "192.0.2.9"},
			Addrs: []netip.Addr{netip.MustParseAddr("192.0.2.9")}, HasTTL: true, MinTTL: 20}},
		HTTP: []features.HTTPInfo{{Time: 102e9, Depth: 1, Method: "GET", Host: "h", URI: "/x", Status: 301, Response: 184, MIMEType: "text/html"}},
		TLS: &features.TLSInfo{Time: 103e9, Version: "TLSv12", Cipher: "c", ServerName: "s", ALPN: "h2", Validation: "ok", JA3: "abc", ResumedKnown: true, Established: true,
			EstablishedKnown: true, Subject: "CN=s", Issuer: "CN=i", Chain: 2, NotBefore: 1000e9, NotAfter: 2000e9, Dated: true, KeyBits: 2048, AltNames: 2},
		Files: []features.FileInfo{{Time: 104e9, Source: "HTTP", MIMEType: "text/html", Bytes: 184, Directed: true}},
	}
}

var otherLogs = []string{"dns", "http", "ssl", "files", "x509"}

// readJoined reads a conn log beside others and returns what was joined to each flow, and how many records were no flows.
func readJoined(t *testing.T, conn io.Reader, j *zeek.Joiner) (joined []*features.Joined, others int) {
	t.Helper()
	defer j.Close()
	records := func(seq func(func(*features.Flow, error) bool)) {
		for f, err := range seq {
			switch e := err.(type) {
			case nil:
				joined = append(joined, f.Joined)
			case *features.RecordError:
				require.Equal(t, features.ReasonOther, e.Reason, "%v", e)
				others++
			default:
				require.NoError(t, err)
			}
		}
	}
	records(zeek.Read(conn, &zeek.Options{Join: j}))
	records(j.Rest())
	return joined, others
}

func TestJoin(t *testing.T) {
	for format, logs := range sensor {
		var others []zeek.Log
		for _, name := range otherLogs {
			others = append(others, zeek.Log{Name: name, Reader: strings.NewReader(logs[name])})
			require.Equal(t, name, zeek.Sniff([]byte(logs[name])), format)
		}
		require.Equal(t, "conn", zeek.Sniff([]byte(logs["conn"])), format)
		j := zeek.NewJoiner(others...)
		joined, n := readJoined(t, strings.NewReader(logs["conn"]), j)
		require.Equal(t, 6, n, format)
		require.Len(t, joined, 2)
		require.Equal(t, wantJoined(), joined[0], format)
		require.Equal(t, &features.Joined{Files: wantJoined().Files}, joined[1], format)
		require.Equal(t, join.Stats{Records: 6, Joined: 5, Flows: 2}, j.Buffer.Stats(), format)

		// All in one log, as a shipper of JSON or a concatenation has them; the conn rows come last.
		var mixed strings.Builder
		for _, name := range append(otherLogs, "conn") {
			mixed.WriteString(logs[name] + "\n")
		}
		joined, n = readJoined(t, strings.NewReader(mixed.String()), zeek.NewJoiner())
		require.Equal(t, 6, n, format)
		require.Equal(t, wantJoined(), joined[0], format)

		// Too late.
		j = zeek.NewJoiner()
		joined, n = readJoined(t, strings.NewReader(logs["conn"]+logs["http"]), j)
		require.Equal(t, 1, n)
		require.Equal(t, []*features.Joined{nil, nil}, joined)
	}
}

// TestFirstHandshake: of two handshakes of a connection the first one is kept, with its own certificate.
func TestFirstHandshake(t *testing.T) {
	logs := sensor["json"]
	for second, subject := range map[string]string{`["f2"]`: "CN=s", `[]`: "CN=s", `["f1"]`: ""} {
		first := logs["ssl"] + "\n"
		if subject == "" {
			first = strings.Replace(first, `["f1","f2"]`, `[]`, 1)
		}
		other := strings.Replace(logs["ssl"], `["f1","f2"]`, second, 1) + "\n"
		certs := logs["x509"] + "\n" + strings.NewReplacer(`"f1"`, `"f2"`, "CN=s", "CN=x").Replace(logs["x509"]) + "\n"
		joined, _ := readJoined(t, strings.NewReader(certs+first+other+logs["conn"]), zeek.NewJoiner())
		require.Equal(t, subject, joined[0].TLS.Subject, second)
	}
}

// TestJoinErrors: what goes wrong with another log says with which.
func TestJoinErrors(t *testing.T) {
	j := zeek.NewJoiner(zeek.Log{Name: "dns.log", Reader: strings.NewReader(sensor["json"]["dns"] + "{\n")})
	defer j.Close()
	var lines []string
	for _, err := range zeek.Read(strings.NewReader(sensor["json"]["conn"]), &zeek.Options{Join: j}) {
		if e, ok := err.(*features.RecordError); ok {
			lines = append(lines, e.Log+" "+e.Error())
		}
	}
	require.Len(t, lines, 3)
	require.Equal(t, `dns.log line 3: not in the format's syntax: "{"`, lines[2])

	j = zeek.NewJoiner(zeek.Log{Name: "dns.log.gz", Reader: strings.NewReader("\x1f\x8b\x08\x00")})
	defer j.Close()
	var last error
	for _, err := range zeek.Read(strings.NewReader(sensor["json"]["conn"]), &zeek.Options{Join: j}) {
		last = err
	}
	require.ErrorIs(t, last, io.ErrUnexpectedEOF)
	require.Equal(t, "dns.log.gz", last.(*features.InputError).Log)
}

// TestSamplesJoined joins the logs of whole captures: every record whose connection is in the conn log finds it.
func TestSamplesJoined(t *testing.T) {
	const root = "../../../shared/data/zeek"
	if _, err := os.Stat(root); err != nil {
		t.Skip("no sample files: they are not part of the module, see their README for terms")
	}
	for folder, want := range map[string]struct{ flows, others int }{
		"mixed-9":  {576, 239 + 516 + 205 + 936 + 154},
		"mixed-10": {141, 0},
	} {
		var logs []zeek.Log
		uids := map[string]bool{}
		open := func(name string) *os.File {
			f, err := os.Open(filepath.Join(root, folder, name+".log.gz"))
			if os.IsNotExist(err) {
				return nil
			}
			require.NoError(t, err)
			t.Cleanup(func() { f.Close() })
			return f
		}
		for f, err := range zeek.Read(open("conn"), nil) {
			if err == nil {
				uids[string(f.UID)] = true
			}
		}
		for _, name := range otherLogs {
			if f := open(name); f != nil {
				logs = append(logs, zeek.Log{Name: name, Reader: f})
			}
		}
		j := zeek.NewJoiner(logs...)
		joined, others := readJoined(t, open("conn"), j)
		require.Len(t, joined, want.flows)
		if want.others > 0 {
			require.Equal(t, want.others, others)
		}
		s := j.Buffer.Stats()
		t.Log(folder, s)
		require.Zero(t, s.Lost)
		require.Greater(t, float64(s.Joined), 0.95*float64(s.Records))
		var tls, dated, dns int
		for _, x := range joined {
			if x == nil {
				continue
			}
			dns += len(x.DNS)
			if x.TLS != nil {
				tls++
				if x.TLS.Dated {
					dated++
				}
			}
		}
		require.NotZero(t, dns)
		require.NotZero(t, tls)
		t.Log(folder, "dns", dns, "tls", tls, "with certificate", dated)
	}
}

package eve_test

import (
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"threatdetect/features"
	"threatdetect/features/eve"
	"threatdetect/features/join"
)

// joined reads a log of one flow and returns what was joined to it.
func joined(t *testing.T, log string) (*features.Joined, join.Stats) {
	t.Helper()
	b := join.New()
	var j *features.Joined
	for f, err := range eve.Read(strings.NewReader(log), &eve.Options{Join: b}) {
		if err == nil {
			j = f.Joined
		}
	}
	return j, b.Stats()
}

const flow7 = `{"timestamp":"2021-06-06T12:02:00Z","flow_id":7,"event_type":"flow","src_ip":"192.0.2.1","dest_ip":"198.51.100.9","proto":"UDP","flow":{"start":"2021-06-06T12:00:00Z","end":"2021-06-06T12:01:00Z"}}
`

func event(kind, body string) string {
	return `{"timestamp":"2021-06-06T14:00:01.5+0200","flow_id":7,"event_type":"` + kind + `","` + kind + `":` + body + "}\n"
}

const eventTime = 1622980801_500000000

func TestJoinDNS(t *testing.T) {
	addr := netip.MustParseAddr("192.0.2.80")
	answered := features.DNSInfo{Time: eventTime, ID: 2, Query: "www.example.com", Type: 1, Answered: true, RD: true, RA: true, HasTTL: true, MinTTL: 20,
		Answers: []string{"x.example.com", "192.0.2.80"}, Addrs: []netip.Addr{addr}}
	for name, log := range map[string]string{
		"version 2": event("dns", `{"version":2,"type":"query","id":2,"rrname":"www.example.com","rrtype":"A"}`) +
			event("dns", `{"version":2,"type":"answer","id":2,"qr":true,"rd":true,"ra":true,"rrname":"www.example.com","rrtype":"A","rcode":"NOERROR","answers":[`+
				`{"rrname":"www.example.com","rrtype":"CNAME","ttl":30,"rdata":"x.example.com"},{"rrtype":"A","ttl":20,"rdata":"192.0.2.80"}],"grouped":{"A":["192.0.2.80"]}}`),
		"version 1": event("dns", `{"type":"query","id":2,"rrname":"www.example.com","rrtype":"A"}`) +
			event("dns", `{"type":"answer","id":2,"rd":true,"ra":true,"rcode":"NOERROR","rrname":"www.example.com","rrtype":"CNAME","ttl":30,"rdata":"x.example.com"}`) +
			event("dns", `{"type":"answer","id":2,"rd":true,"ra":true,"rcode":"NOERROR","rrname":"www.example.com","rrtype":"A","ttl":20,"rdata":"192.0.2.80"}`),
		"version 3": event("dns", `{"version":3,"type":"request","id":2,"rd":true,"rcode":"NOERROR","queries":[{"rrname":"www.example.com","rrtype":"A"}]}`) +
			event("dns", `{"version":3,"type":"response","id":2,"rd":true,"ra":true,"rcode":"NOERROR","queries":[{"rrname":"www.example.com","rrtype":"A"}],"answers":[`+
				`{"rrname":"www.example.com","rrtype":"CNAME","ttl":30,"rdata":"x.example.com"},{"rrtype":"A","ttl":20,"rdata":"192.0.2.80"}]}`),
	} {
		j, _ := joined(t, log+flow7)
		require.Equal(t, []features.DNSInfo{answered}, j.DNS, name)
	}
	j, _ := joined(t, event("dns", `{"type":"query","id":2,"rrname":"a\u002eb","rrtype":"TYPE65","rcode":"NXDOMAIN"}`)+flow7)
	require.Equal(t, []features.DNSInfo{{Time: eventTime, ID: 2, Query: "a.b", Type: 65}}, j.DNS)
}

func TestJoinOthers(t *testing.T) {
	j, stats := joined(t, event("http", `{"hostname":"h","url":"/?q","http_user_agent":"u","http_refer":"r","http_method":"GET","status":404,"length":47,"http_content_type":"text/html"}`)+
		event("tls", `{"sni":"s","version":"TLS 1.2","subject":"CN=s","issuerdn":"CN=i","notbefore":"2020-03-19T09:44:08","notafter":"2022-03-20T09:44:08","session_resumed":true,"ja3":{},"ja3s":{"hash":"b","string":"c"},"ja4":"d","chain":["x","y"],"subjectaltname":["s"]}`)+
		event("alert", `{"action":"blocked","gid":1,"signature_id":2403388,"rev":66418,"signature":"text","category":"c","severity":2}`)+
		event("anomaly", `{}`)+event("http", `7`)+flow7+event("http", `{"hostname":"late"}`))
	require.Equal(t, &features.Joined{
		HTTP:   []features.HTTPInfo{{Time: eventTime, Host: "h", URI: "/?q", UserAgent: "u", Referrer: "r", Method: "GET", Status: 404, Response: 47, MIMEType: "text/html"}},
		Alerts: []features.AlertInfo{{Time: eventTime, Generator: 1, Signature: 2403388, Revision: 66418, Severity: 2, Blocked: true, Text: "text", Category: "c"}},
		TLS: &features.TLSInfo{Time: eventTime, ServerName: "s", Version: "TLS 1.2", Subject: "CN=s", Issuer: "CN=i", Resumed: true, ResumedKnown: true, JA3S: "b", JA4: "d",
			Chain: 2, AltNames: 1, NotBefore: 1584611048e9, NotAfter: 1647769448e9, Dated: true},
	}, j)
	require.Equal(t, join.Stats{Records: 4, Joined: 3, Flows: 1, Late: 1}, stats)
}

// TestSampleJoined joins the events of the sample and counts them all.
func TestSampleJoined(t *testing.T) {
	f, err := os.Open(filepath.Join("..", "..", "..", "shared", "data", "suricata", "eve-5952.json.gz"))
	if os.IsNotExist(err) {
		t.Skip("no sample files: they are not part of the module, see their README for terms")
	}
	require.NoError(t, err)
	defer f.Close()
	b := join.New()
	var n struct{ dns, http, tls, alerts, dropped int }
	alerted := 0
	for f, err := range eve.Read(f, &eve.Options{Join: b, Label: "flow.alerted"}) {
		if err != nil || f.Joined == nil {
			continue
		}
		n.dns += len(f.Joined.DNS)
		n.http += len(f.Joined.HTTP)
		n.alerts += len(f.Joined.Alerts)
		n.dropped += f.Joined.Dropped
		if f.Joined.TLS != nil {
			n.tls++
		}
		if len(f.Joined.Alerts) > 0 && f.Label == features.Attack {
			alerted++
		}
	}
	s := b.Stats()
	require.EqualValues(t, 680+56+1+745, s.Records)
	require.EqualValues(t, 404+56+423, s.Joined, "the others have no flow in the file")
	require.Zero(t, s.Late+s.Lost)
	require.Equal(t, 423, n.alerts)
	require.Equal(t, 56, n.http)
	require.Zero(t, n.tls, "its flow is not in the file")
	require.Zero(t, n.dropped)
	require.NotZero(t, n.dns)
	require.NotZero(t, alerted)
}

package detect

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"threatdetect/features"
)

// goldenRecords writes a threat with all fields by a model with classes, a flow of which nothing is known by a model that
// was not loaded from a file and gave no number, and a harmless ICMP flow that Suricata numbered.
func goldenRecords(t *testing.T, format OutputFormat) [3]string {
	return [3]string{
		record(t, format, classAbout(), &Verdict{Flow: fullFlow(), Score: 0.9973, Threat: true, Class: 1, Classes: []float32{0.0027, 0.9, 0.0973}}),
		record(t, format, &about{set: "flow-min/1", threshold: 0.5}, &Verdict{Flow: new(features.Flow), Score: float32(math.NaN())}),
		record(t, format, &about{model: "sha256:ab", set: "flow-min/1", threshold: 0.5}, &Verdict{Flow: icmpFlow(), Score: 0.25}),
	}
}

func TestWriteGolden(t *testing.T) {
	require.Len(t, golden, len(OutputFormats()))
	for _, g := range golden {
		require.Equal(t, [3]string{g.full, g.unknown, g.icmp}, goldenRecords(t, g.format), g.format)
	}
}

func TestWriteClassHeaders(t *testing.T) {
	require.Equal(t, "ts,uid,src,src_port,dst,dst_port,proto,score,threat,threshold,model,set,class,score_benign,\"score_DoS, fast\",score_=scan\n",
		written(t, CSV, classAbout()))
	soft := classAbout()
	soft.scores = false
	require.Equal(t, "ts,uid,src,src_port,dst,dst_port,proto,score,threat,threshold,model,set,class\n", written(t, CSV, soft))
	log := written(t, Zeek, soft)
	require.Contains(t, log, "\tset\tclass\n#types\ttime\tstring\taddr\tport\taddr\tport\tenum\tdouble\tbool\tdouble\tstring\tstring\tstring\n")
}

func TestWriteProtocols(t *testing.T) {
	flow := &features.Flow{Known: features.FieldProto, ProtoName: "sctp"}
	v := &Verdict{Flow: flow}
	require.Contains(t, record(t, NDJSON, binaryAbout(), v), `"proto":"sctp"`)
	require.Contains(t, record(t, EVE, binaryAbout(), v), `"proto":"SCTP"`)
	flow.ProtoName = ""
	require.Contains(t, record(t, NDJSON, binaryAbout(), v), `"proto":"other"`)
	flow.ProtoName = "a\u202eb\n"
	require.Contains(t, record(t, EVE, binaryAbout(), v), `"proto":"A\u202eB\n"`)
	flow.Proto, flow.ProtoName = features.ProtoICMP, "icmp"
	require.Contains(t, record(t, EVE, binaryAbout(), v), `"proto":"ICMP"`)
	require.NotContains(t, record(t, OCSF, binaryAbout(), v), "protocol_num") // which ICMP is not known
	flow.Known = 0
	require.Contains(t, record(t, NDJSON, binaryAbout(), v), `"proto":null`)
}

func TestWriteSeverity(t *testing.T) {
	for score, want := range map[float32][2]string{
		0.6: {`"severity":3}`, `"severity_id":2,"severity":"Low"`}, 0.7: {`"severity":2}`, `"severity_id":3,"severity":"Medium"`},
		0.9: {`"severity":1}`, `"severity_id":4,"severity":"High"`},
	} {
		v := &Verdict{Flow: fullFlow(), Score: score, Threat: true}
		require.Contains(t, record(t, EVE, binaryAbout(), v), want[0])
		require.Contains(t, record(t, OCSF, binaryAbout(), v), want[1])
	}
}

func TestWriteOddNumbers(t *testing.T) {
	flow := fullFlow()
	flow.FwdBytes, flow.FwdPkts = math.MaxUint64, math.MaxInt64 // one too large for an index, one that makes the sum so
	flow.Duration = math.MaxInt64                               // the end overflows
	v := &Verdict{Flow: flow, Score: float32(math.Inf(1)), Threat: true}
	line := record(t, ECS, binaryAbout(), v)
	require.Contains(t, line, `"source":{"ip":"192.168.1.195","port":36436,"packets":9223372036854775807}`)
	require.Contains(t, line, `"network":{"type":"ipv4","transport":"tcp","protocol":"irc","direction":"outbound"}`)
	require.Contains(t, line, `"risk_score":null,"risk_score_norm":100}`)
	require.NotContains(t, line, `"end":`)
	require.Contains(t, record(t, OCSF, binaryAbout(), v), `"risk_score":100`)
	require.Contains(t, record(t, CSV, binaryAbout(), v), ",inf,true,")

	v.Class = 7 // a model that gives a class the contract does not name
	require.Contains(t, record(t, NDJSON, classAbout(), v), `"class":null,"classes":{}}`)
	require.Contains(t, record(t, CSV, classAbout(), v), "flow-portable/1,,,,")
}

func TestFindingID(t *testing.T) {
	o, other := newOCSFForm(binaryAbout()), newOCSFForm(classAbout())
	id := o.findingID(fullFlow())
	require.Equal(t, id, o.findingID(fullFlow()))
	require.Equal(t, id, other.findingID(fullFlow()), "the model is not part of it")
	seen := map[[16]byte]bool{id: true}
	for _, change := range []func(f *features.Flow){
		func(f *features.Flow) { f.Start++ }, func(f *features.Flow) { f.SrcPort++ }, func(f *features.Flow) { f.Src = f.Dst },
		func(f *features.Flow) { f.UID = nil }, func(f *features.Flow) { f.FwdBytes++ },
		func(f *features.Flow) { f.ProtoName, f.UID = "tcpC", f.UID[1:] }, func(f *features.Flow) { f.Known = 0 },
	} {
		f := fullFlow()
		change(f)
		id := o.findingID(f)
		require.False(t, seen[id])
		seen[id] = true
	}
}

func BenchmarkWrite(b *testing.B) {
	v := &Verdict{Flow: fullFlow(), Score: 0.9973, Threat: true}
	for _, format := range OutputFormats() {
		b.Run(format, func(b *testing.B) {
			w, err := newWriter(nopWriter{}, format, binaryAbout())
			require.NoError(b, err)
			b.ReportAllocs()
			for b.Loop() {
				if err := w.Write(v); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

type nopWriter struct{}

func (nopWriter) Write(b []byte) (int, error) { return len(b), nil }

var golden = []struct {
	format              OutputFormat
	full, unknown, icmp string
}{
	{
		"ndjson",
		`{"ts":"2018-12-21T14:50:37.162213999Z","uid":"CDe43c1PtgynajGI6","src":"192.168.1.195","src_port":36436,` +
			`"dst":"185.244.25.235","dst_port":6667,"proto":"tcp","score":0.9973,"threat":true,"threshold":0.5,` +
			`"model":"sha256:abababababababababababababababababababababababababababababababab","set":"flow-portable/1","class":"DoS,` +
			` fast","classes":{"benign":0.0027,"DoS, fast":0.9,"=scan":0.0973}}`,
		`{"ts":null,"uid":null,"src":null,"src_port":null,"dst":null,"dst_port":null,"proto":null,"score":null,"threat":false,` +
			`"threshold":0.5,"model":null,"set":"flow-min/1"}`,
		`{"ts":null,"uid":"2121212121212121","src":"fe80::1","src_port":null,"dst":"ff02::1","dst_port":null,"proto":"icmp",` +
			`"score":0.25,"threat":false,"threshold":0.5,"model":"sha256:ab","set":"flow-min/1"}`,
	},
	{
		"csv",
		`2018-12-21T14:50:37.162213999Z,CDe43c1PtgynajGI6,192.168.1.195,36436,185.244.25.235,6667,tcp,0.9973,true,0.5,` +
			`sha256:abababababababababababababababababababababababababababababababab,flow-portable/1,"DoS, fast",0.0027,0.9,0.0973`,
		`,,,,,,,nan,false,0.5,,flow-min/1`,
		`,2121212121212121,fe80::1,,ff02::1,,icmp,0.25,false,0.5,sha256:ab,flow-min/1`,
	},
	{
		"eve",
		`{"timestamp":"2018-12-21T14:50:37.162213+0000","event_type":"alert","src_ip":"192.168.1.195","src_port":36436,` +
			`"dest_ip":"185.244.25.235","dest_port":6667,"proto":"TCP","app_proto":"irc","alert":{"action":"allowed","gid":7800,` +
			`"signature_id":1,"rev":1,"signature":"threatdetect: flow judged a threat","category":"Potentially Bad Traffic",` +
			`"severity":1},"flow":{"pkts_toserver":10,"pkts_toclient":8,"bytes_toserver":1200,"bytes_toclient":900,` +
			`"start":"2018-12-21T14:50:37.162213+0000","end":"2018-12-21T14:50:38.662213+0000"},"threatdetect":{"score":0.9973,` +
			`"threshold":0.5,"threat":true,"model":"sha256:abababababababababababababababababababababababababababababababab",` +
			`"set":"flow-portable/1","uid":"CDe43c1PtgynajGI6","class":"DoS, fast","classes":[{"name":"benign","score":0.0027},` +
			`{"name":"DoS, fast","score":0.9},{"name":"=scan","score":0.0973}]}}`,
		`{"event_type":"threatdetect","threatdetect":{"score":null,"threshold":0.5,"threat":false,"set":"flow-min/1"}}`,
		`{"flow_id":2121212121212121,"event_type":"threatdetect","src_ip":"fe80::1","dest_ip":"ff02::1","proto":"IPv6-ICMP",` +
			`"icmp_type":135,"icmp_code":7,"threatdetect":{"score":0.25,"threshold":0.5,"threat":false,"model":"sha256:ab",` +
			`"set":"flow-min/1","uid":"2121212121212121"}}`,
	},
	{
		"ecs",
		`{"@timestamp":"2018-12-21T14:50:37.162213999Z","ecs":{"version":"8.11.0"},` +
			`"message":"threatdetect: flow judged a threat","event":{"kind":"alert","category":["network","intrusion_detection"],` +
			`"type":["connection","info"],"module":"threatdetect","dataset":"threatdetect.verdict","id":"CDe43c1PtgynajGI6",` +
			`"start":"2018-12-21T14:50:37.162213999Z","end":"2018-12-21T14:50:38.662213999Z","duration":1500000000,` +
			`"risk_score":0.9973,"risk_score_norm":99.73},"source":{"ip":"192.168.1.195","port":36436,"bytes":1200,"packets":10},` +
			`"destination":{"ip":"185.244.25.235","port":6667,"bytes":900,"packets":8},"network":{"type":"ipv4","transport":"tcp",` +
			`"protocol":"irc","direction":"outbound","bytes":2100,"packets":18},"related":{"ip":["192.168.1.195","185.244.25.235"]},` +
			`"rule":{"name":"threatdetect flow verdict","ruleset":"flow-portable/1",` +
			`"version":"sha256:abababababababababababababababababababababababababababababababab"},"threatdetect":{"score":0.9973,` +
			`"threshold":0.5,"threat":true,"model":"sha256:abababababababababababababababababababababababababababababababab",` +
			`"set":"flow-portable/1","uid":"CDe43c1PtgynajGI6","class":"DoS, fast","classes":[{"name":"benign","score":0.0027},` +
			`{"name":"DoS, fast","score":0.9},{"name":"=scan","score":0.0973}]}}`,
		`{"ecs":{"version":"8.11.0"},"message":"threatdetect: flow judged no threat","event":{"kind":"event",` +
			`"category":["network"],"type":["connection","info"],"module":"threatdetect","dataset":"threatdetect.verdict",` +
			`"risk_score":null},"rule":{"name":"threatdetect flow verdict","ruleset":"flow-min/1"},"threatdetect":{"score":null,` +
			`"threshold":0.5,"threat":false,"set":"flow-min/1"}}`,
		`{"ecs":{"version":"8.11.0"},"message":"threatdetect: flow judged no threat","event":{"kind":"event",` +
			`"category":["network"],"type":["connection","info"],"module":"threatdetect","dataset":"threatdetect.verdict",` +
			`"id":"2121212121212121","risk_score":0.25,"risk_score_norm":25},"source":{"ip":"fe80::1"},` +
			`"destination":{"ip":"ff02::1"},"network":{"type":"ipv6","transport":"ipv6-icmp"},"related":{"ip":["fe80::1","ff02::1"]},` +
			`"rule":{"name":"threatdetect flow verdict","ruleset":"flow-min/1","version":"sha256:ab"},"threatdetect":{"score":0.25,` +
			`"threshold":0.5,"threat":false,"model":"sha256:ab","set":"flow-min/1","uid":"2121212121212121"}}`,
	},
	{
		"ocsf",
		`{"activity_id":1,"activity_name":"Create","category_uid":2,"category_name":"Findings","class_uid":2004,` +
			`"class_name":"Detection Finding","type_uid":200401,"type_name":"Detection Finding: Create","time":1545403837162,` +
			`"severity_id":4,"severity":"High","is_alert":true,"status_id":1,"status":"New","risk_score":100,` +
			`"message":"threatdetect: flow judged a threat","metadata":{"version":"1.5.0","product":{"name":"threatdetect",` +
			`"vendor_name":"threatdetect","version":"0.1.0"}},"finding_info":{"uid":"ef21988c169f57ae856ab5333c29559f",` +
			`"title":"threatdetect: flow judged a threat","types":["DoS, fast"],"first_seen_time":1545403837162,` +
			`"last_seen_time":1545403838662,"analytic":{"type_id":4,"type":"Learning (ML/DL)","name":"flow-portable/1",` +
			`"uid":"sha256:abababababababababababababababababababababababababababababababab"}},` +
			`"evidences":[{"src_endpoint":{"ip":"192.168.1.195","port":36436},"dst_endpoint":{"ip":"185.244.25.235","port":6667},` +
			`"connection_info":{"direction_id":2,"uid":"CDe43c1PtgynajGI6","protocol_name":"tcp","protocol_num":6,` +
			`"protocol_ver_id":4,"flag_history":"ShADadFf"},"data":{"packets_out":10,"packets_in":8,"bytes_out":1200,` +
			`"bytes_in":900}}],"unmapped":{"threatdetect":{"score":0.9973,"threshold":0.5,"threat":true,` +
			`"model":"sha256:abababababababababababababababababababababababababababababababab","set":"flow-portable/1",` +
			`"uid":"CDe43c1PtgynajGI6","class":"DoS, fast","classes":[{"name":"benign","score":0.0027},{"name":"DoS, fast",` +
			`"score":0.9},{"name":"=scan","score":0.0973}]}}}`,
		`{"activity_id":1,"activity_name":"Create","category_uid":2,"category_name":"Findings","class_uid":2004,` +
			`"class_name":"Detection Finding","type_uid":200401,"type_name":"Detection Finding: Create","time":0,"severity_id":1,` +
			`"severity":"Informational","is_alert":false,"message":"threatdetect: flow judged no threat",` +
			`"metadata":{"version":"1.5.0","product":{"name":"threatdetect","vendor_name":"threatdetect","version":"0.1.0"}},` +
			`"finding_info":{"uid":"ae1a11f0224b8797676f783e389c7e49","title":"threatdetect: flow judged no threat",` +
			`"analytic":{"type_id":4,"type":"Learning (ML/DL)","name":"flow-min/1"}},` +
			`"evidences":[{"connection_info":{"direction_id":0}}],"unmapped":{"threatdetect":{"score":null,"threshold":0.5,` +
			`"threat":false,"set":"flow-min/1"}}}`,
		`{"activity_id":1,"activity_name":"Create","category_uid":2,"category_name":"Findings","class_uid":2004,` +
			`"class_name":"Detection Finding","type_uid":200401,"type_name":"Detection Finding: Create","time":0,"severity_id":1,` +
			`"severity":"Informational","is_alert":false,"risk_score":25,"message":"threatdetect: flow judged no threat",` +
			`"metadata":{"version":"1.5.0","product":{"name":"threatdetect","vendor_name":"threatdetect","version":"0.1.0"}},` +
			`"finding_info":{"uid":"618b78f5daf816d091e4684b5a282559","title":"threatdetect: flow judged no threat",` +
			`"analytic":{"type_id":4,"type":"Learning (ML/DL)","name":"flow-min/1","uid":"sha256:ab"}},` +
			`"evidences":[{"src_endpoint":{"ip":"fe80::1"},"dst_endpoint":{"ip":"ff02::1"},"connection_info":{"direction_id":0,` +
			`"uid":"2121212121212121","protocol_name":"ipv6-icmp","protocol_num":58,"protocol_ver_id":6}}],` +
			`"unmapped":{"threatdetect":{"score":0.25,"threshold":0.5,"threat":false,"model":"sha256:ab","set":"flow-min/1",` +
			`"uid":"2121212121212121"}}}`,
	},
	{
		"zeek",
		"1545403837.162213999\tCDe43c1PtgynajGI6\t192.168.1.195\t36436\t185.244.25.235\t6667\ttcp\t0.9973\tT\t0.5\t" +
			"sha256:abababababababababababababababababababababababababababababababab\tflow-portable/1\tDoS, fast",
		"-\t-\t-\t-\t-\t-\t-\tnan\tF\t0.5\t-\tflow-min/1",
		"-\t2121212121212121\tfe80::1\t135\tff02::1\t7\ticmp\t0.25\tF\t0.5\tsha256:ab\tflow-min/1",
	},
}

package detect

import (
	"bytes"
	"errors"
	"io"
	"math"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"threatdetect/features"
	"threatdetect/model"
)

var jsonFormats = []OutputFormat{NDJSON, EVE, ECS, OCSF}

// tinyDetector is a detector whose model gives every flow the same score: 0.5 for each of its outputs.
func tinyDetector(t testing.TB, objective string, classes ...string) *Detector {
	t.Helper()
	set, err := features.LookupSet("flow-portable/1")
	require.NoError(t, err)
	contract, err := features.NewContract(set, time.Unix(0, 0))
	require.NoError(t, err)
	contract.Output.Classes = classes
	b := &model.Booster{
		Digest: strings.Repeat("ab", 32), Kind: "gbtree", Objective: objective, Params: map[string]string{},
		NumFeature: len(contract.Columns), NumClass: len(classes), NumTarget: 1, NumParallelTree: 1, BaseScore: []float32{0.5},
		Attributes: map[string]string{}, IterationStart: []int32{0},
	}
	for group := range max(len(classes), 1) {
		b.Trees = append(b.Trees, model.Tree{Left: []int32{-1}, Right: []int32{-1}, Feature: []int32{0}, Value: []float32{0},
			DefaultLeft: []bool{false}})
		b.TreeGroup = append(b.TreeGroup, int32(group))
	}
	b.IterationStart = append(b.IterationStart, int32(len(b.Trees)))
	d, err := New(b, contract, nil)
	require.NoError(t, err)
	return d
}

func binaryAbout() *about {
	return &about{model: "sha256:" + strings.Repeat("ab", 32), set: "flow-portable/1", threshold: 0.5}
}

func classAbout() *about {
	a := binaryAbout()
	a.classes, a.scores = []string{"benign", "DoS, fast", "=scan"}, true
	return a
}

// fullFlow knows everything that a log can tell.
func fullFlow() *features.Flow {
	return &features.Flow{
		Start: 1545403850000000000 - 12837786*1000 - 1, Duration: 1500000000,
		Src: netip.MustParseAddr("192.168.1.195"), Dst: netip.MustParseAddr("185.244.25.235"), SrcPort: 36436, DstPort: 6667,
		Proto: features.ProtoTCP, ProtoName: "tcp", FwdPkts: 10, RevPkts: 8, FwdBytes: 1200, RevBytes: 900,
		App: features.AppIRC, AppName: "irc", LocalSrc: true, UID: []byte("CDe43c1PtgynajGI6"), History: []byte("ShADadFf"),
		Known: features.FieldStart | features.FieldDuration | features.FieldAddrs | features.FieldSrcPort | features.FieldDstPort |
			features.FieldProto | features.FieldFwdPkts | features.FieldRevPkts | features.FieldFwdBytes | features.FieldRevBytes |
			features.FieldLocalSrc | features.FieldLocalDst | features.FieldHistory,
	}
}

func icmpFlow() *features.Flow {
	return &features.Flow{
		Src: netip.MustParseAddr("fe80::1"), Dst: netip.MustParseAddr("ff02::1"), ICMPType: 135, ICMPCode: 7,
		Proto: features.ProtoICMP, ProtoName: "icmp6", UID: []byte("2121212121212121"),
		Known: features.FieldAddrs | features.FieldProto | features.FieldICMP,
	}
}

func written(t testing.TB, format OutputFormat, a *about, verdicts ...*Verdict) string {
	t.Helper()
	var out bytes.Buffer
	w, err := newWriter(&out, format, a)
	require.NoError(t, err)
	for _, v := range verdicts {
		require.NoError(t, w.Write(v))
	}
	require.Zero(t, out.Len(), "nothing is handed on before it must be")
	require.NoError(t, w.Close())
	return out.String()
}

// record returns the last line.
func record(t testing.TB, format OutputFormat, a *about, v *Verdict) string {
	t.Helper()
	lines := strings.SplitAfter(written(t, format, a, v), "\n")
	require.Empty(t, lines[len(lines)-1], "the last line is whole")
	header := map[OutputFormat]int{CSV: 1, Zeek: 7}[format]
	require.Len(t, lines, header+2, "one record is one line")
	return strings.TrimSuffix(lines[header], "\n")
}

func TestWriterRealDetector(t *testing.T) {
	d := tinyDetector(t, "binary:logistic")
	v, err := d.Stream().Judge(fullFlow())
	require.NoError(t, err)
	var out bytes.Buffer
	w, err := NewWriter(&out, "ndjson", d)
	require.NoError(t, err)
	require.NoError(t, w.Write(v))
	require.NoError(t, w.Flush())
	require.Equal(t, `{"ts":"2018-12-21T14:50:37.162213999Z","uid":"CDe43c1PtgynajGI6","src":"192.168.1.195","src_port":36436,`+
		`"dst":"185.244.25.235","dst_port":6667,"proto":"tcp","score":0.5,"threat":true,"threshold":0.5,"model":"sha256:`+
		strings.Repeat("ab", 32)+`","set":"flow-portable/1"}`+"\n", out.String())

	soft := tinyDetector(t, "multi:softprob", "benign", "scan")
	require.Equal(t, &about{model: soft.Model(), set: soft.Set(), threshold: 0.5, classes: []string{"benign", "scan"}, scores: true},
		soft.about())
	hard := tinyDetector(t, "multi:softmax", "benign", "scan")
	require.Equal(t, &about{model: hard.Model(), set: hard.Set(), threshold: 0.5, classes: []string{"benign", "scan"}}, hard.about())
	v, err = hard.Stream().Judge(fullFlow())
	require.NoError(t, err)
	require.True(t, strings.HasSuffix(record(t, NDJSON, hard.about(), v), `"set":"flow-portable/1","class":"benign"}`))
}

func TestWriterUnknownFormat(t *testing.T) {
	_, err := NewWriter(io.Discard, "xml", tinyDetector(t, "binary:logistic"))
	require.ErrorIs(t, err, ErrOutputFormat)
	require.ErrorContains(t, err, `"xml"`)
	for _, format := range OutputFormats() {
		require.ErrorContains(t, err, format)
	}
}

func TestWriterHeaderWithoutVerdicts(t *testing.T) {
	require.Equal(t, "ts,uid,src,src_port,dst,dst_port,proto,score,threat,threshold,model,set\n", written(t, CSV, binaryAbout()))
	require.Equal(t, "#separator \\x09\n#set_separator\t,\n#empty_field\t(empty)\n#unset_field\t-\n#path\tthreatdetect\n"+
		"#fields\tts\tuid\tid.orig_h\tid.orig_p\tid.resp_h\tid.resp_p\tproto\tscore\tthreat\tthreshold\tmodel\tset\n"+
		"#types\ttime\tstring\taddr\tport\taddr\tport\tenum\tdouble\tbool\tdouble\tstring\tstring\n", written(t, Zeek, binaryAbout()))
	for _, format := range jsonFormats {
		require.Empty(t, written(t, format, binaryAbout()))
	}
}

type failing struct{ calls int }

func (f *failing) Write(b []byte) (int, error) {
	f.calls++
	return 0, errors.New("disk full")
}

func TestWriterKeepsFirstError(t *testing.T) {
	out := new(failing)
	w, err := newWriter(out, NDJSON, binaryAbout())
	require.NoError(t, err)
	v := &Verdict{Flow: fullFlow()}
	for w.Write(v) == nil {
		require.Less(t, len(w.buf), flushAt)
	}
	require.ErrorContains(t, w.Write(v), "disk full")
	require.ErrorContains(t, w.Flush(), "disk full")
	require.ErrorContains(t, w.Close(), "disk full")
	require.Equal(t, 1, out.calls)

	w, err = newWriter(io.Discard, NDJSON, binaryAbout())
	require.NoError(t, err)
	require.NoError(t, w.Close())
	require.NoError(t, w.Close())
	require.Error(t, w.Write(v))
}

// lineWriter checks that it gets whole lines.
type lineWriter struct {
	t     *testing.T
	lines int
}

func (l *lineWriter) Write(b []byte) (int, error) {
	require.True(l.t, bytes.HasSuffix(b, []byte("\n")))
	l.lines += bytes.Count(b, []byte("\n"))
	return len(b), nil
}

func TestWriterHandsOnWholeLines(t *testing.T) {
	out := &lineWriter{t: t}
	w, err := newWriter(out, NDJSON, binaryAbout())
	require.NoError(t, err)
	for range 10000 {
		require.NoError(t, w.Write(&Verdict{Flow: fullFlow(), Score: 0.25}))
	}
	require.Positive(t, out.lines)
	require.NoError(t, w.Close())
	require.Equal(t, 10000, out.lines)
}

func TestWriteAllocates(t *testing.T) {
	hostile := fullFlow()
	hostile.Proto, hostile.ProtoName = features.ProtoOther, strings.Repeat("é\x1b\u202e", 500)
	hostile.UID = []byte(strings.Repeat("\xff\U000e0001\"", 500))
	for _, format := range OutputFormats() {
		for name, v := range map[string]*Verdict{
			"full":    {Flow: fullFlow(), Score: 0.9973, Threat: true, Class: 1, Classes: []float32{0.1, 0.7, 0.2}},
			"unknown": {Flow: new(features.Flow), Score: float32(math.NaN())},
			"icmp":    {Flow: icmpFlow(), Score: 1e-9},
			"hostile": {Flow: hostile, Score: 0.75, Threat: true},
		} {
			w, err := newWriter(io.Discard, format, classAbout())
			require.NoError(t, err)
			require.NoError(t, w.Write(v)) // scratch memory grows once
			require.Zero(t, testing.AllocsPerRun(200, func() {
				if err := w.Write(v); err != nil {
					t.Fatal(err)
				}
			}), "%s, %s", format, name)
		}
	}
}

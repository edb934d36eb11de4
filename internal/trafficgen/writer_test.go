package trafficgen

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// write returns a whole log and its account.
func write(t testing.TB, cfg Config, opts *WriterOptions) (string, Account) {
	t.Helper()
	var out bytes.Buffer
	g, err := New(cfg)
	require.NoError(t, err)
	w, err := NewWriter(&out, opts)
	require.NoError(t, err)
	for r := range g.All() {
		require.NoError(t, w.Write(r))
	}
	require.NoError(t, w.Close())
	require.EqualValues(t, out.Len(), w.Account().Bytes)
	return out.String(), w.Account()
}

// row is a line of either format as text by column name; unset columns are absent.
type row map[string]string

// rows reads a log in the simplest way that copes with all quirks. Blanks
// between label columns become columns. Rows of other logs are left out.
func rows(t testing.TB, log string) []row {
	t.Helper()
	var list []row
	var fields []string
	path := "conn"
	log = strings.TrimPrefix(log, "\ufeff")
	for line := range strings.Lines(log) {
		line = strings.TrimRight(line, "\r\n")
		switch {
		case line == "":
		case line[0] == '{':
			var object map[string]any
			d := json.NewDecoder(strings.NewReader(line))
			d.UseNumber()
			require.NoError(t, d.Decode(&object), line)
			if _, ok := object["conn_state"]; !ok {
				continue
			}
			r := row{}
			for k, v := range object {
				r[k] = fmt.Sprint(v)
			}
			list = append(list, r)
		case strings.HasPrefix(line, "#path\t"):
			path = line[6:]
		case strings.HasPrefix(line, "#fields\t"):
			fields = split(line)[1:]
		case line[0] == '#' || path != "conn":
		default:
			values := split(line)
			require.Len(t, values, len(fields), line)
			r := row{}
			for i, v := range values {
				if v != "-" {
					r[fields[i]] = v
				}
			}
			list = append(list, r)
		}
	}
	return list
}

func split(line string) []string {
	return strings.Split(strings.ReplaceAll(line, "   ", "\t"), "\t")
}

func TestTSVHeader(t *testing.T) {
	log, acc := write(t, Config{Seed: 1, Records: 10}, nil)
	lines := strings.Split(log, "\n")
	require.Equal(t, `#separator \x09`, lines[0])
	require.Equal(t, "#set_separator\t,", lines[1])
	require.Equal(t, "#empty_field\t(empty)", lines[2])
	require.Equal(t, "#unset_field\t-", lines[3])
	require.Equal(t, "#path\tconn", lines[4])
	require.Regexp(t, `^#open\t2024-03-04-07-\d\d-\d\d$`, lines[5])
	require.Equal(t, "#fields\tts\tuid\tid.orig_h\tid.orig_p\tid.resp_h\tid.resp_p\tproto\tservice\tduration\torig_bytes\tresp_bytes\tconn_state\tlocal_orig\tlocal_resp\tmissed_bytes\thistory\torig_pkts\torig_ip_bytes\tresp_pkts\tresp_ip_bytes\ttunnel_parents\tip_proto", lines[6])
	require.Equal(t, "#types\ttime\tstring\taddr\tport\taddr\tport\tenum\tstring\tinterval\tcount\tcount\tstring\tbool\tbool\tcount\tstring\tcount\tcount\tcount\tcount\tset[string]\tcount", lines[7])
	require.Len(t, lines, 8+10+2)
	require.Regexp(t, `^#close\t2024-03-04-`, lines[18])
	require.Empty(t, lines[19])
	require.Equal(t, Account{Records: 10, Flows: 10, Headers: 1, Bytes: int64(len(log))}, acc)
}

// Both formats tell the same about every record.
func TestFormatsAgree(t *testing.T) {
	cfg := Config{Seed: 8, Records: 5_000}
	text, _ := write(t, cfg, &WriterOptions{Quirks: QuirkLabelsTabs})
	objects, _ := write(t, cfg, &WriterOptions{Format: JSON, Quirks: QuirkLabelsTabs})
	a, b := rows(t, text), rows(t, objects)
	require.Len(t, a, 5_000)
	require.Len(t, b, 5_000)
	for i := range a {
		for _, name := range []string{"ts", "duration"} {
			if v, ok := b[i][name]; ok {
				b[i][name] = sixDecimals(t, v)
			}
		}
		for _, name := range []string{"local_orig", "local_resp"} {
			b[i][name] = map[string]string{"true": "T", "false": "F"}[b[i][name]]
		}
		if v, ok := b[i]["tunnel_parents"]; ok {
			b[i]["tunnel_parents"] = strings.Trim(v, "[]")
		}
		if b[i]["detailedlabel"] == "-" {
			delete(b[i], "detailedlabel")
		}
		require.Equal(t, a[i], b[i])
	}
}

func sixDecimals(t testing.TB, s string) string {
	f, err := strconv.ParseFloat(s, 64)
	require.NoError(t, err)
	us := int64(math.Round(f * 1e6))
	return fmt.Sprintf("%d.%06d", us/1e6, us%1e6)
}

// A log with every quirk still holds every record.
func TestAllQuirksKeepTheRecords(t *testing.T) {
	cfg := Config{Seed: 8, Records: 20_000}
	want := map[string]Record{}
	for _, r := range generate(t, cfg) {
		want[r.UID.String()] = r
	}
	for _, f := range []Format{TSV, JSON} {
		log, acc := write(t, cfg, &WriterOptions{Format: f, Quirks: QuirksAll, Seed: 3})
		list := rows(t, log)
		require.EqualValues(t, acc.Flows, len(list))
		require.EqualValues(t, 20_000+acc.Duplicates, acc.Flows)
		require.Equal(t, acc.Records, acc.Flows+acc.Bad[Other])
		require.Positive(t, acc.Duplicates)
		require.Positive(t, acc.Late)
		require.Positive(t, acc.Blank)
		require.Positive(t, acc.Bad[Other])
		found := map[string]int{}
		for _, r := range list {
			found[r["uid"]]++
			w, ok := want[r["uid"]]
			require.True(t, ok)
			require.Equal(t, w.OrigH.String(), first(r, "id.orig_h", "id_orig_h", "src"))
			require.Equal(t, strconv.FormatUint(w.RespIPBytes, 10), r["resp_ip_bytes"])
			require.Equal(t, w.ConnState, r["conn_state"])
			require.Equal(t, w.History, r["history"])
		}
		require.Len(t, found, 20_000)
	}
}

func first(r row, names ...string) string {
	for _, n := range names {
		if v, ok := r[n]; ok {
			return v
		}
	}
	return ""
}

func TestQuirks(t *testing.T) {
	const n = 3_000
	cfg := Config{Seed: 2, Records: n}
	plain := map[Format]string{}
	for _, f := range []Format{TSV, JSON} {
		plain[f], _ = write(t, cfg, &WriterOptions{Format: f})
	}
	has := func(parts ...string) func(*testing.T, string, Account) {
		return func(t *testing.T, log string, _ Account) {
			for _, p := range parts {
				require.Contains(t, log, p)
			}
		}
	}
	lacks := func(part string) func(*testing.T, string, Account) {
		return func(t *testing.T, log string, _ Account) { require.NotContains(t, log, part) }
	}
	for _, c := range []struct {
		quirk  Quirk
		format Format
		check  func(t *testing.T, log string, acc Account)
	}{
		{QuirkRestart, TSV, func(t *testing.T, log string, acc Account) {
			require.Greater(t, acc.Headers, int64(1))
			require.EqualValues(t, acc.Headers, strings.Count(log, "#separator"))
			require.Contains(t, log, "\torig_pkts\tmissed_bytes\thistory\tconn_state\t")
		}},
		{QuirkNoClose, TSV, lacks("#close")},
		{QuirkComments, TSV, has("### simulated")},
		{QuirkCRLF, TSV, func(t *testing.T, log string, _ Account) {
			require.Equal(t, strings.Count(log, "\n"), strings.Count(log, "\r\n"))
		}},
		{QuirkCRLF, JSON, has("}\r\n")},
		{QuirkBOM, TSV, has("\ufeff#separator")},
		{QuirkBOM, JSON, has("\ufeff{")},
		{QuirkBlankLines, TSV, has("\n\n")},
		{QuirkNoFinalNewline, TSV, func(t *testing.T, log string, _ Account) { require.False(t, strings.HasSuffix(log, "\n")) }},
		{QuirkNoFinalNewline, JSON, func(t *testing.T, log string, _ Account) { require.True(t, strings.HasSuffix(log, "}")) }},
		{QuirkLabelsBlanks, TSV, has("\ttunnel_parents   label   detailed-label\n", "\tset[string]   string   string\n", "\t-   Benign   -\n", "\t-   Malicious   beacon\n")},
		{QuirkLabelsTabs, TSV, has("\tlabel\tdetailedlabel\n", "\tMalicious\tsyn-flood\n", "\tBenign\t-\n")},
		{QuirkLabelsTabs, JSON, has(`"label":"Malicious","detailedlabel":"dns-tunnel"}`)},
		{QuirkOld, TSV, has("\tresp_ip_bytes\ttunnel_parents\n", "table[string]\n", "\t(empty)\n")},
		{QuirkOld, JSON, lacks("ip_proto")},
		{QuirkScopeUnderscore, TSV, has("\tid_orig_h\tid_orig_p\tid_resp_h\tid_resp_p\t")},
		{QuirkScopeUnderscore, JSON, has(`"id_orig_h":"`)},
		{QuirkRenamed, TSV, has("\tsrc\tsrc_port\tdst\tdst_port\t")},
		{QuirkRenamed, JSON, has(`"src":"`, `"dst_port":`)},
		{QuirkNoLocal, TSV, lacks("\tT\t")},
		{QuirkNoLocal, JSON, lacks("local_orig")},
		{QuirkExtraColumns, TSV, has("\tvlan\torig_l2_addr\tresp_l2_addr\t")},
		{QuirkExtraColumns, JSON, has(`"vlan":`, `"orig_l2_addr":"02:`)},
		{QuirkEscapes, TSV, has("\tsensor\t", `north\x09tap`, `\x2d`, `\x28empty)`, `caf\xc3\xa9`)},
		{QuirkEscapes, JSON, has(`"sensor":"north\\x09tap"`, `"sensor":"-"`)},
		{QuirkServiceOrder, TSV, has("\tquic,ssl\t", "\tssl,quic\t")},
		{QuirkServiceMinus, TSV, has("-gssapi\t", "\t-ftp,")},
		{QuirkUnknownTransport, TSV, has("\tunknown_transport\t")},
		{QuirkUnknownTransport, JSON, has(`"proto":"unknown_transport"`, `"ip_proto":47`)},
		{QuirkMixedLogs, TSV, has("#path\tdns\n", "\tNOERROR\n#separator")},
		{QuirkMixedLogs, JSON, has(`{"_path":"dns",`)},
		{QuirkDuplicates, TSV, func(t *testing.T, _ string, acc Account) { require.Equal(t, n+acc.Duplicates, acc.Flows) }},
		{QuirkLate, TSV, func(t *testing.T, _ string, acc Account) { require.Positive(t, acc.Late) }},
		{QuirkTimeMillis, JSON, func(t *testing.T, log string, _ Account) { require.Regexp(t, `^\{"ts":17095\d{8},`, log) }},
		{QuirkTimeISO, JSON, func(t *testing.T, log string, _ Account) {
			require.Regexp(t, `^\{"ts":"2024-03-04T07:\d\d:\d\d\.\d{6}Z",`, log)
		}},
		{QuirkFloatNoise, JSON, func(t *testing.T, log string, _ Account) { require.Regexp(t, `"duration":\d+\.\d{10,}`, log) }},
		{QuirkPathKeys, JSON, has(`{"_path":"conn","_system_name":"sensor-1","_write_ts":"2024-03-04T`)},
	} {
		t.Run(c.format.String()+"/"+c.quirk.String(), func(t *testing.T) {
			log, acc := write(t, cfg, &WriterOptions{Format: c.format, Quirks: c.quirk})
			require.NotEqual(t, plain[c.format], log)
			c.check(t, log, acc)
			require.Len(t, rows(t, log), int(acc.Flows))
		})
	}
}

// The noise of floating point never moves an interval to another microsecond.
func TestFloatNoiseRoundsBack(t *testing.T) {
	cfg := Config{Seed: 2, Records: 20_000}
	log, _ := write(t, cfg, &WriterOptions{Format: JSON, Quirks: QuirkFloatNoise})
	want := generate(t, cfg)
	for i, r := range rows(t, log) {
		if want[i].Timed {
			require.Equal(t, fmt.Sprintf("%d.%06d", want[i].Duration/1e6, want[i].Duration%1e6), sixDecimals(t, r["duration"]))
		}
	}
}

func TestDecimals(t *testing.T) {
	for us, want := range map[int64]string{0: "0.0", 1: "0.000001", 1_000_000: "1.0", 1_500_000: "1.5", 12_345_678: "12.345678"} {
		require.Equal(t, want, string(appendDecimal(nil, us)))
	}
	require.Equal(t, "22.335172", string(appendSeconds(nil, 22_335_172)))
	require.Equal(t, `"2024-03-04T07:00:00.000000Z"`, string(appendISO(nil, DefaultStart.UnixMicro())))
	require.Equal(t, "2024-03-04-07-00-00", stamp(DefaultStart.UnixMicro()))
}

func TestEmptyLog(t *testing.T) {
	var out bytes.Buffer
	w, err := NewWriter(&out, nil)
	require.NoError(t, err)
	require.NoError(t, w.Close())
	require.NoError(t, w.Close())
	require.Equal(t, 9, strings.Count(out.String(), "\n"))
	require.Error(t, w.Write(&Record{}))

	out.Reset()
	w, err = NewWriter(&out, &WriterOptions{Format: JSON})
	require.NoError(t, err)
	require.NoError(t, w.Close())
	require.Empty(t, out.String())
}

func TestLabels(t *testing.T) {
	var out bytes.Buffer
	l := NewLabelWriter(&out)
	list := generate(t, Config{Seed: 1, Records: 4_000})
	for i := range list {
		require.NoError(t, l.Write(&list[i]))
	}
	require.NoError(t, l.Close())
	lines := strings.Split(strings.TrimSuffix(out.String(), "\n"), "\n")
	require.Equal(t, "uid,label,detailed-label", lines[0])
	require.Len(t, lines, 4_001)
	for i, r := range list {
		require.Equal(t, r.UID.String()+","+r.Kind.Label()+","+r.Kind.Detail(), lines[i+1])
	}
}

type brokenWriter struct{ left int }

var errFull = errors.New("disk full")

func (b *brokenWriter) Write(p []byte) (int, error) {
	if b.left -= len(p); b.left < 0 {
		return 0, errFull
	}
	return len(p), nil
}

func TestWriteErrors(t *testing.T) {
	list := generate(t, Config{Seed: 1, Records: 3_000})
	w, err := NewWriter(&brokenWriter{left: 100_000}, nil)
	require.NoError(t, err)
	l := NewLabelWriter(&brokenWriter{left: 10})
	failed := 0
	for i := range list {
		if errors.Is(w.Write(&list[i]), errFull) {
			failed++
		}
		_ = l.Write(&list[i])
	}
	require.Positive(t, failed)
	require.ErrorIs(t, w.Close(), errFull)
	require.ErrorIs(t, l.Close(), errFull)
}

func TestWriterOptionErrors(t *testing.T) {
	for name, o := range map[string]WriterOptions{
		"format":            {Format: 7},
		"quirks":            {Quirks: 1 << 30},
		"rate":              {FaultRate: 1.5},
		"no rate":           {FaultRate: math.NaN()},
		"not in tsv":        {Faults: []Reason{Malformed}},
		"not in json":       {Format: JSON, Faults: []Reason{Fields}},
		"other is no fault": {Faults: []Reason{Other}},
	} {
		_, err := NewWriter(&bytes.Buffer{}, &o)
		require.ErrorIs(t, err, ErrConfig, name)
	}
	q, err := ParseQuirks("crlf, bom")
	require.NoError(t, err)
	require.Equal(t, QuirkCRLF|QuirkBOM, q)
	require.Equal(t, "crlf,bom", q.String())
	q, err = ParseQuirks("all,-bom")
	require.NoError(t, err)
	require.Equal(t, QuirksAll&^QuirkBOM, q)
	_, err = ParseQuirks("all,tabs")
	require.Error(t, err)
	require.Equal(t, "none", Quirk(0).String())
	for _, name := range QuirkNames() {
		_, err := ParseQuirks(name)
		require.NoError(t, err)
	}
	for _, f := range []Format{TSV, JSON} {
		got, err := ParseFormat(f.String())
		require.NoError(t, err)
		require.Equal(t, f, got)
	}
	_, err = ParseFormat("xml")
	require.Error(t, err)
	_, err = ParseReason("rust")
	require.Error(t, err)
}

func TestUnusedRecordsAreNotKept(t *testing.T) {
	// A late record is a copy: changing the original does not change the log.
	list := generate(t, Config{Seed: 1, Records: 3_000})
	var a, b bytes.Buffer
	for _, out := range []*bytes.Buffer{&a, &b} {
		w, err := NewWriter(out, &WriterOptions{Quirks: QuirkLate | QuirkDuplicates})
		require.NoError(t, err)
		for i := range list {
			r := list[i]
			require.NoError(t, w.Write(&r))
			if out == &b {
				r = Record{}
			}
		}
		require.NoError(t, w.Close())
	}
	require.Equal(t, a.String(), b.String())
}

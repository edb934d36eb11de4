package zeek

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"threatdetect/features"
	"threatdetect/internal/logio"
	"threatdetect/internal/rowscan"
	"threatdetect/internal/testkit/logs"
	"threatdetect/internal/trafficgen"
)

// both reads a log the quick way and the long way, and returns how many rows the quick way could read.
func both(t *testing.T, log []byte) (quick int) {
	t.Helper()
	read := func(long bool) (list []string) {
		yield := func(f *features.Flow, err error) bool {
			if err != nil {
				list = append(list, err.Error())
				return true
			}
			list = append(list, fmt.Sprintf("%+v", *f)) // all of it, texts that are empty or nil as well
			return true
		}
		rd := &reader{lines: logio.From(bytes.NewReader(log), 0), opts: &Options{}, labelName: "label", yield: yield, long: long}
		defer rd.lines.Close()
		rd.run()
		return list
	}
	want, got := read(true), read(false)
	require.Len(t, got, len(want))
	for i, s := range got {
		require.Equal(t, want[i], s)
		if strings.HasPrefix(s, "{Start:") {
			quick++
		}
	}
	return quick
}

const quickHeader = "#separator \\x09\n#unset_field\t-\n#empty_field\t(empty)\n#path\tconn\n#fields\tts\tuid\tid.orig_h\tid.orig_p\tid.resp_h\tid.resp_p\tproto\tservice\tduration\t" +
	"orig_bytes\tresp_bytes\tconn_state\tlocal_orig\tlocal_resp\tmissed_bytes\thistory\torig_pkts\torig_ip_bytes\tresp_pkts\tresp_ip_bytes\ttunnel_parents\tlabel\tdetailed-label\n"

const quickRow = "1545403816.962094\tCmES5u32sYpV7JYN\t192.168.1.195\t41040\t185.244.25.235\t80\ttcp\thttp\t2.999051\t149\t128252\tSF\tT\tF\t0\tShADadttfF\t94\t5525\t96\t139044\t(empty)\tMalicious\tC&C\n"

// TestQuickIsTaken shows that usual rows are read without the long way, which is made unable to.
func TestQuickIsTaken(t *testing.T) {
	n := 0
	rd := &reader{lines: logio.From(strings.NewReader(quickHeader+strings.Repeat(quickRow, 3)), 0), opts: &Options{}, labelName: "label"}
	rd.yield = func(_ *features.Flow, err error) bool {
		require.NoError(t, err)
		n++
		return true
	}
	for rd.lines.Next() {
		if rd.tsv.header.fields == nil {
			rd.tsv.header = newHeader()
		}
		if n > 0 {
			rd.tsv.header.places = nil
		}
		rd.tsvLine(rd.lines.Bytes())
	}
	require.Equal(t, 3, n)
}

// TestBulkIsTaken shows that usual rows are read in bulk: the other ways are made unable to.
func TestBulkIsTaken(t *testing.T) {
	const rows = 1000
	log := quickHeader + strings.Repeat(quickRow, rows)
	n := 0
	rd := &reader{lines: logio.Plain([]byte(log), 0), opts: &Options{}, labelName: "label"}
	rd.yield = func(f *features.Flow, err error) bool {
		require.NoError(t, err)
		n++
		require.EqualValues(t, n+strings.Count(quickHeader, "\n"), rd.lines.Number())
		require.EqualValues(t, len(quickHeader)+n*len(quickRow), rd.lines.Offset())
		require.Equal(t, quickRow, string(rd.lines.Bytes())+"\n")
		rd.tsv.header.usual, rd.tsv.header.places = false, nil
		return true
	}
	rd.run()
	require.Equal(t, rows, n)
}

// TestBulkBetweenDirectives has lines between rows that change nothing: they must not make the reader look at the header, and at the text behind them, anew (READ-11).
func TestBulkBetweenDirectives(t *testing.T) {
	const rows = 2000
	lines := []string{"# a comment\n", "#close\t2024-03-04-07-59-49\n", "#separator \\x09\n", "#unset_field\t-\n", "#empty_field\t(empty)\n", "#path\tconn\n",
		quickHeader[strings.Index(quickHeader, "#fields"):]}
	log := strings.Builder{}
	log.WriteString(quickHeader)
	for i := range rows {
		log.WriteString(quickRow + lines[i%len(lines)])
	}
	require.Equal(t, rows, both(t, []byte(log.String())))
	n := 0
	rd := &reader{lines: logio.Plain([]byte(log.String()), 0), opts: &Options{}, labelName: "label"}
	rd.yield = func(_ *features.Flow, err error) bool {
		require.NoError(t, err)
		n++
		return true
	}
	rd.run()
	require.Equal(t, rows, n)
	require.Equal(t, rowscan.MaxText, rd.quick.bulk.ahead)
}

// TestQuickAndLong changes usual rows at random, one to three bytes or cells of each.
func TestQuickAndLong(t *testing.T) {
	rnd := rand.New(rand.NewPCG(5, 6))
	cells := strings.Split(`-|(empty)||0|1|00|9999999|99999999|100000000|4294967296|65535|65536|1.0|1e3|-1|0.000000|12345.678901|99999.9|9999999999.999999|0.1234567|1.2.3.4|10.0.0.256|010.0.0.1|2001:db8::1|`+
		`::ffff:1.2.3.4|1.2.3|1.2.3.4.5|255.255.255.255|udp|icmp|TCP|6|17|gre|tcp6|ssl|dns|http|ssl,http|-ssl|zabbix_trapper|S0|REJ|OTH|RSTOS0|XX|T|F|t|Dd|D|ShADadfFR|^dDa|a\x09b|\\|\x2d|Benign|benign|`+
		"tcp\x00|http\x00|\x00|\x00\x00\x00\x00\x00\x00\x00|SF\x00", "|")
	var log strings.Builder
	log.WriteString(quickHeader)
	for i := range 12_000 {
		row := strings.Split(strings.TrimSuffix(quickRow, "\n"), "\t")
		for range rnd.IntN(3) {
			row[rnd.IntN(len(row))] = cells[rnd.IntN(len(cells))]
		}
		line := []byte(strings.Join(row, "\t"))
		if i%5 == 0 {
			line[rnd.IntN(len(line))] = byte(rnd.IntN(256))
		}
		log.Write(line)
		log.WriteByte('\n')
		switch i % 200 { // what is between rows, or instead of one
		case 20:
			log.WriteString("\n \t \n\r\n")
		case 40:
			log.WriteString(quickRow[:len(quickRow)-1] + "\r\n# a comment\n")
		case 60:
			log.WriteString(strings.Repeat("\n", rnd.IntN(3000)))
		case 80:
			log.WriteString(strings.Replace(quickRow, "ShADadttfF", strings.Repeat("d", rnd.IntN(20_000)), 1))
		}
		switch i % 4000 { // marks that mean other things, separators, and other columns
		case 1000:
			log.WriteString("#empty_field\thttp\n")
		case 1500:
			log.WriteString("#unset_field\tF\n")
		case 2000:
			log.WriteString("#unset_field\t--\n#empty_field\tSF\n")
		case 2250:
			log.WriteString("#unset_field\t0\n")
		case 2500:
			log.WriteString("#fields\t" + strings.Join(rotated(strings.Fields(quickHeader[strings.Index(quickHeader, "ts\t"):]), 7), "\t") + "\n")
		case 3000:
			log.WriteString(quickHeader)
		}
	}
	require.Greater(t, both(t, []byte(log.String())), 3_000)
}

// rotated is a list that begins with its element n.
func rotated(list []string, n int) []string {
	return append(append([]string{}, list[n:]...), list[:n]...)
}

// TestQuickFirst puts every column first, where its text is no word of a line, once with a value and once without.
func TestQuickFirst(t *testing.T) {
	names := strings.Fields(quickHeader[strings.Index(quickHeader, "ts\t"):])
	row := strings.Split(strings.TrimSuffix(quickRow, "\n"), "\t")
	for _, unset := range []string{"-", "~"} {
		log := strings.ReplaceAll(quickHeader, "#unset_field\t-", "#unset_field\t"+unset)
		for n := range names {
			cells := rotated(row, n)
			log += "#fields\t" + strings.Join(rotated(names, n), "\t") + "\n" + strings.Join(cells, "\t") + "\n"
			cells[0] = unset
			log += strings.Join(cells, "\t") + "\n"
		}
		require.Greater(t, both(t, []byte(log)), 2*len(names)-5)
	}
}

func TestQuickTraffic(t *testing.T) {
	for _, quirks := range []trafficgen.Quirk{0, trafficgen.QuirkLabelsBlanks} {
		require.Greater(t, both(t, logs.Simulate(t, trafficgen.Config{Seed: 3, Records: 5_000}, &trafficgen.WriterOptions{Quirks: quirks})), 4_500)
	}
}

func FuzzQuick(f *testing.F) {
	f.Add([]byte(quickRow))
	f.Add([]byte(quickRow + "#empty_field\thttp\n" + quickRow + "#unset_field\t\n#separator \\x2c\n"))
	f.Add([]byte(strings.ReplaceAll(quickRow, "192.168.1.195", "::1") + "#fields\tproto\tts\tsrc\tdst\nicmp\t1545403816.962094\t1.2.3.4\t1.2.3.4\n"))
	f.Fuzz(func(t *testing.T, rows []byte) { both(t, append([]byte(quickHeader), rows...)) })
}

// TestQuickAndLongJSON changes usual JSON records at random, up to three members of each.
func TestQuickAndLongJSON(t *testing.T) {
	rnd := rand.New(rand.NewPCG(7, 8))
	members := strings.Split(`"ts":1575413096.052279|"uid":"CH53301MTU21BMj2Bj"|"id.orig_h":"10.18.20.97"|"id.orig_p":49187|"id.resp_h":"10.18.20.8"|"id.resp_p":88|"proto":"tcp"|`+
		`"service":"krb_tcp"|"duration":0.0012309551239013672|"orig_bytes":242|"resp_bytes":283|"conn_state":"RSTR"|"local_orig":true|"local_resp":false|"missed_bytes":0|`+
		`"history":"ShADdFar"|"orig_pkts":4|"orig_ip_bytes":414|"resp_pkts":4|"resp_ip_bytes":455|"tunnel_parents":[]|"detailed-label":"C&C"`, "|")
	values := strings.Split(`null|true|false|""|0|1|-1|1.5|1e3|0.000001|99999999|100000000|65535|65536|255|1575413096052|253402300800|1575413096.0522785000001|9223372036855|`+
		`"2019-12-03T22:44:56.052279Z"|"x"|"tcp"|"udp"|"icmp"|"ICMP"|"6"|"gre"|"1.2.3.4"|"2001:db8::1"|"::ffff:1.2.3.4"|"1.2.3"|"SF"|"S0"|"http"|"ssl,http"|"zabbix_trapper"|`+
		`"ShADadfFR"|"^d"|"D"|[1,{"a":"]"}]|{"a":1}|"\u0041"|"(empty)"|"-"|01|tru`, "|")
	var log strings.Builder
	for range 30_000 {
		record := slices.Clone(members)
		for range rnd.IntN(4) {
			i := rnd.IntN(len(record))
			key, _, _ := strings.Cut(record[i], ":")
			switch rnd.IntN(12) {
			case 0:
				record = slices.Delete(record, i, i+1)
			case 1:
				record = append(record, key+":"+values[rnd.IntN(len(values))]) // a second time
			case 2:
				record[i] = strings.NewReplacer(`id.orig_h`, `src`, `id.resp_h`, `id_resp_h`, `id.orig_p`, `id_orig_p`, `detailed-label`, `detailedlabel`).Replace(record[i])
			default:
				record[i] = key + ":" + values[rnd.IntN(len(values))]
			}
		}
		log.WriteString("{" + strings.Join(record, ",") + "}\n")
	}
	quick := both(t, []byte(log.String()))
	t.Logf("%d of 30,000 records are flows", quick)
	require.Greater(t, quick, 5_000)
}

// TestQuickJSONIsTaken shows that usual records are read without the long way, which is made unable to.
func TestQuickJSONIsTaken(t *testing.T) {
	const record = `{"ts":1575413096.052279,"uid":"CH53301MTU21BMj2Bj","id.orig_h":"10.18.20.97","id.orig_p":49187,"id.resp_h":"10.18.20.8","id.resp_p":88,"proto":"tcp","conn_state":"RSTR"}` + "\n"
	n := 0
	rd := &reader{lines: logio.From(strings.NewReader(strings.Repeat(record, 9)), 0), opts: &Options{}, labelName: "label"}
	rd.yield = func(f *features.Flow, err error) bool {
		require.NoError(t, err)
		if n++; n > 1 {
			require.Equal(t, byte(0), rd.rec.cells[colUID].text[0], "the long way was taken")
		}
		if text := rd.rec.cells[colUID].text; text != nil {
			rd.rec.cells[colUID].text = []byte{0}
		}
		require.Equal(t, "CH53301MTU21BMj2Bj", string(f.UID))
		return true
	}
	rd.run()
	require.Equal(t, 9, n)
}

// TestBulkShortBeginning has rows that begin with short texts, at the beginning of what is read in bulk: what is ahead of them is none of their bytes.
func TestBulkShortBeginning(t *testing.T) {
	const fields = "service\tts\tproto\tid.orig_h\tid.orig_p\tid.resp_h\tid.resp_p\tduration\torig_bytes\tresp_bytes\tmissed_bytes\torig_pkts\torig_ip_bytes\tresp_pkts\tresp_ip_bytes\tconn_state\thistory\n"
	for _, unset := range []string{"-", "F", "t"} {
		log := "#separator \\x09\n#unset_field\t" + unset + "\n#path\tconn\n#fields\t" + fields
		for range 500 {
			for _, service := range []string{unset, "", "x", "http", "(empty)"} {
				log += service + "\t1545403816.962094\tudp\t10.0.0.1\t5\t192.168.0.255\t53\t" + unset + "\t1\t2\t3\t4\t5\t6\t7\t" + unset + "\t" + unset + "\n"
			}
		}
		require.Equal(t, 2500, both(t, []byte(log)))
	}
}

package zeek_test

import (
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// oddities are texts of cells at which readers differ: at the edges of numbers, times and addresses, and beyond them.
var oddities = strings.FieldsFunc(`0|-0|+1|00012|1.|.5|1.0|1.5|1e5|1E+2|12e-1|120e-1|1e-400|0e999|0x10|1_000|1e|e5|.|-|--1| 1|1 |1,5|nan|inf|-inf|Infinity
18446744073709551615|18446744073709551616|18446744073709551615.0|184467440737095516150e-1|65535|65536|255|256|65535.0000
9223372036.854775|9223372036.8547758|9223372036.8547754999|9223372036.8547755|9223372036.9|-9223372036.854775|-9223372036.8547763|-9223372037
0.0000005|0.0000015|0.00000150|0.0000015000000000000000000000000001|-0.0000005|-0.0000004|-0.0000006|1.9999995|1545403816.9620945
99999999999|100000000000|100000000000.5|1616161616161|9223372036854.7754|9223372036854.776|-100000000000|1616161616161.0005
10.0.0.1|10.0.0.256|010.0.0.1|10.0.0|10.0.0.1.1|1.2.3.4%eth0|::|::1|1::|::ffff:1.2.3.4|::ffff:1.2.3.4%x|fe80::1%eth0|fe80::1%|1:2:3:4:5:6:7:8
1:2:3:4:5:6:7::|::1:2:3:4:5:6:7:8|1:2:3:4:5:6:1.2.3.4|1:2:3:4:5:6:7:1.2.3.4|::1.2.3|12345::|::g|1:2:3:4:5:6:7|[::1]|10.0.0.1/8
tcp|TCP|udp|UDP|icmp|ICMP|icmp6|sctp|dccp|udplite|6|17|1|58|132|47|6.0|1e1|300|-1|unknown_transport|any|3pc
S0|S1|S2|S3|SF|sf|REJ|RSTO|RSTR|RSTOS0|RSTRH|SH|SHR|OTH|XYZ|T|F|t|true|false|ShADadfFrR|^sHqQ|CcGgTtWwIiXx|D
dns|SSL|ssl,http|http,ssl|-http|failed|, dns ,|zabbix,aaa|ftp_data|https|http2|a,b,dns,-ssl|(empty)|\x2d|\\x41|\x4|\xzz|\\
2008-07-09T16:13:30.005432Z|1969-12-31T23:59:59.9999995Z|1969-12-31T23:59:59.4999995z|2024-02-29T00:00:00+05:30|2023-02-29T00:00:00Z
1900-02-29T00:00:00Z|2000-02-29t23:59:60Z|2024-13-01T00:00:00Z|2024-01-01T00:00:00|2024-01-01 00:00:00Z|2024-01-01T00:00:00.Z|0000-01-01T00:00:00Z
1677-09-21T00:12:43.145224Z|1677-09-21T00:12:44Z|2262-04-11T23:47:16.854775Z|2262-04-11T23:47:16.854776Z|2024-01-01T00:00:00+0100|2024-01-01T00:00:00-23:59`,
	func(c rune) bool { return c == '|' || c == '\n' })

// TestAgainstReference puts odd texts into one to three cells of a good record, in both formats.
func TestAgainstReference(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	names := strings.Fields(fieldNames)
	names = names[:len(names)-1] // without _path
	good := strings.Fields("1545403816.962094 CuJ1 10.0.0.1 41040 185.244.25.235 80 tcp http 1.477656 149 128252 SF T F 2896 ShADadttcfF 94 5525 96 139044 12 - Benign")
	require.Len(t, good, len(names))
	var tsv, js [][]byte
	for i := range 20_000 {
		row := append([]string(nil), good...)
		quoted := make([]int, len(row)) // 0: as the column wants it; 1: the other way; 2: a word
		for range 1 + rnd.IntN(3) {
			c := rnd.IntN(len(row))
			row[c] = oddities[rnd.IntN(len(oddities))]
			quoted[c] = rnd.IntN(6)
		}
		if i%3 == 0 {
			row[6] = []string{"icmp", "udp", "6", "gre"}[rnd.IntN(4)]
		}
		tsv = append(tsv, []byte(strings.Join(row, "\t")))
		js = append(js, jsonOf(names, row, quoted))
	}
	header := "#separator \\x09\n#path\tconn\n#fields\t" + strings.Join(names, "\t") + "\n"
	check := func(header string, lines [][]byte, reference func([]byte) string) {
		var log, want = []byte(header), []string(nil)
		for _, line := range lines {
			log = append(append(log, line...), '\n')
			want = append(want, reference(line))
		}
		got, err := outcome(log, nil)
		require.NoError(t, err)
		require.Len(t, got, len(want))
		seen := map[string]int{}
		for i := range want {
			require.Equal(t, want[i], got[i], "%q", lines[i])
			seen[strings.Fields(got[i])[0]]++
		}
		for _, outcome := range []string{"flow", "number", "address", "time"} {
			require.NotZero(t, seen[outcome], outcome)
		}
	}
	check(header, tsv, func(line []byte) string { return refTSV(names, "conn", line) })
	check("", js, refJSON)
}

// jsonOf writes a row as a JSON object.
func jsonOf(names, row []string, quoted []int) []byte {
	words := []string{"true", "false", "null", `{"a":[1]}`, `[]`}
	b := []byte("{")
	for i, name := range names {
		if i > 0 {
			b = append(b, ',')
		}
		numeric := !strings.Contains(" uid id.orig_h id.resp_h proto service conn_state history label ", " "+name+" ")
		switch {
		case name == "local_orig" || name == "local_resp":
			if quoted[i] < 4 {
				numeric = true
				row[i] = map[bool]string{true: "true", false: "false"}[row[i] == "T"]
			}
		case quoted[i] == 1:
			numeric = !numeric
		case quoted[i] == 2:
			numeric = true
			row[i] = words[len(row[(i+1)%len(row)])%len(words)]
		}
		b = append(append(append(b, '"'), name...), '"', ':')
		if numeric {
			b = append(b, row[i]...)
		} else {
			b = append(append(append(b, '"'), strings.ReplaceAll(row[i], `\`, `\\`)...), '"')
		}
	}
	return append(b, '}')
}

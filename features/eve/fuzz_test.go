package eve_test

import (
	"bytes"
	"math/rand/v2"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"threatdetect/features/eve"
)

const good = `{"timestamp":"2021-06-06T15:59:46.457984+0200","flow_id":1374195536821504,"in_iface":"eth0","event_type":"flow","vlan":[7],` +
	`"src_ip":"192.0.2.1","src_port":51698,"dest_ip":"198.51.100.9","dest_port":445,"proto":"TCP","app_proto":"smb","flow":{"pkts_toserver":7,` +
	`"pkts_toclient":5,"bytes_toserver":900,"bytes_toclient":4000,"start":"2021-06-06T15:58:46.457984+0200","end":"2021-06-06T15:59:46.957984+0200",` +
	`"age":60,"state":"closed","reason":"timeout","alerted":false},"tcp":{"tcp_flags":"1b","tcp_flags_ts":"1b","tcp_flags_tc":"1b","syn":true}}`

var seeds = []string{
	good, strings.Replace(good, `"TCP"`, `"udp"`, 1), strings.Replace(good, `[7]`, `7`, 1), strings.Replace(good, `[7]`, `[1,[2,{}],"x"]`, 1),
	strings.Replace(good, `"end"`, `"END"`, 1), strings.Replace(good, `"flow":{`, `"flow":7,"flow":{`, 1), good[:len(good)-1] + `,"flow":null}`,
	good[:len(good)-1] + `,"flow":{"start":"2021-06-06T15:58:46Z"}}`, good[:len(good)-1] + `,"tcp":{"tcp_flags_tc":"12"}}`,
	strings.Replace(good, `event_type":"flow"`, `event_type":"dns"`, 1), strings.Replace(good, `src_ip`, `src\u005fip`, 1),
	strings.Replace(good, `"192.0.2.1"`, `"2001:0db8:0000:0000:0000:0000:0000:0001"`, 1), `{"event_type":"flow"}`, `{}`, `[]`, `{"event_type":"stats"`,
	strings.Replace(good, `"TCP"`, `"ICMP","icmp_type":8,"icmp_code":0`, 1), strings.Replace(good, `:7,`, `:18446744073709551615,`, 1),
	strings.ReplaceAll(good, `":`, `" : `), good + " ", good + "x", strings.Replace(good, `{"pkts`, ` { "pkts`, 1), strings.Replace(good, `"1b","syn"`, `"1","syn"`, 1),
	strings.Replace(good, `"label"`, `"label":"Attack","x"`, 1), good[:len(good)-1] + `,"label":true}`, strings.Replace(good, `{"pkts`, `[{"pkts`, 1),
}

func blank(line []byte) bool { return len(bytes.Trim(line, " \t\v\f\r\n")) == 0 }

var largeExp = regexp.MustCompile(`[eE][-+]?0*[0-9]{4,}`)

// check reads lines three times, so that their layouts are known, and compares each time.
func check(t *testing.T, log []byte) {
	t.Helper()
	var want []string
	var again []byte
	for line := range bytes.SplitSeq(bytes.TrimPrefix(log, []byte("\xef\xbb\xbf")), []byte("\n")) {
		line = bytes.TrimSuffix(line, []byte("\r"))
		if !blank(line) {
			want = append(want, refLine(line))
			again = append(append(again, line...), '\n')
		}
	}
	got, err := outcome(append(again, append(again, again...)...), nil)
	require.NoError(t, err)
	want = append(want, append(want, want...)...)
	require.Equal(t, want, got)
}

// FuzzRead compares with the reference.
func FuzzRead(f *testing.F) {
	for _, s := range seeds {
		f.Add([]byte(s))
	}
	f.Add([]byte(strings.Join(seeds, "\n")))
	f.Fuzz(func(t *testing.T, log []byte) {
		if len(log) > 1<<15 || largeExp.Match(log) || bytes.Count(log, []byte(",")) > 1000 {
			t.Skip()
		}
		check(t, log)
	})
}

// FuzzAny reads anything at all, also with options: nothing panics, and each line is at most one record.
func FuzzAny(f *testing.F) {
	for _, s := range seeds {
		f.Add([]byte(s), "flow.alerted", "")
		f.Add([]byte(`{"event":{"original":`+s+`}}`), "label", "/event/original")
	}
	f.Fuzz(func(t *testing.T, log []byte, label, pointer string) {
		records, _ := outcome(log, &eve.Options{Label: label, Pointer: pointer, MaxLine: 4096})
		if !bytes.HasPrefix(log, []byte{0x1f, 0x8b}) && !bytes.HasPrefix(log, []byte{0x28, 0xb5, 0x2f, 0xfd}) {
			require.LessOrEqual(t, len(records), bytes.Count(log, []byte("\n"))+1)
		}
	})
}

// oddities are values at which readers differ: at the edges of numbers, times, addresses and flags, and beyond them.
var oddities = strings.Split(`0|-0|1.0|1.5|1e3|12e-1|120e-1|01|18446744073709551615|18446744073709551616|65535|65536|-1|null|true|false|{}|[]|[1,2]|["a"]|{"start":1}
"0"|"x"|""|"1b"|"1"|"1B"|"123"|"0x1b"|"g1"|"tcp"|"UDP"|"IPv6-ICMP"|"icmp"|"SCTP"|"6"|"17"|"300"|"1e1"|"failed"|"tls"|"-"|"SSL,http"
"10.0.0.1"|"10.0.0.256"|"::ffff:1.2.3.4"|"fe80::1%eth0"|"2001:0db8:0000:0000:0000:0000:0000:0001"|"1.2.3"
"2021-06-06T15:57:37.272281+0200"|"2021-06-06T15:57:37+02:00"|"2021-06-06T15:57:37Z"|"2021-06-06T15:57:37.0000000005Z"|"2021-06-06T15:57:37.0000000015-2359"
"2021-06-06T15:57:37"|"2021-06-06 15:57:37Z"|"2021-02-30T00:00:00Z"|"2021-06-06T24:00:00Z"|"2021-06-06T15:57:60Z"|"2262-04-11T23:47:16.854775807Z"|"2262-04-11T23:47:16.8547758075Z"
"1677-09-21T00:12:43.145224192Z"|"1677-09-21T00:12:43.145224191Z"|"1970-01-01T00:00:00.Z"|"2021-06-06T15:57:37+2400"|"2021-06-06T15:57:37+02"|"0000-01-01T00:00:00Z"`, "|")

// TestAgainstReference puts odd values into one to three places of good events.
func TestAgainstReference(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	var values []string
	for _, v := range oddities {
		values = append(values, strings.Split(v, "\n")...)
	}
	place := regexp.MustCompile(`"[a-z_]+":("[^"]*"|[0-9]+|true|false)`)
	var log []byte
	seen := map[string]int{}
	for range 6_000 {
		line := good
		if rnd.IntN(3) == 0 {
			line = strings.Replace(line, `"TCP"`, []string{`"UDP"`, `"ICMP"`, `"132"`}[rnd.IntN(3)], 1)
		}
		for range 1 + rnd.IntN(3) {
			places := place.FindAllStringIndex(line, -1)
			at := places[rnd.IntN(len(places))]
			member := line[at[0]:at[1]]
			key, _, _ := strings.Cut(member, ":")
			switch rnd.IntN(8) {
			case 0: // again, so that one of two counts
				line = line[:at[1]] + "," + key + ":" + values[rnd.IntN(len(values))] + line[at[1]:]
			case 1: // under another name
				line = line[:at[0]] + `"x` + member[1:] + line[at[1]:]
			default:
				line = line[:at[0]] + key + ":" + values[rnd.IntN(len(values))] + line[at[1]:]
			}
		}
		log = append(append(log, line...), '\n')
		seen[strings.Fields(refLine([]byte(line)))[0]]++
	}
	for _, outcome := range []string{"flow", "number", "address", "time", "missing", "other", "malformed"} {
		require.NotZero(t, seen[outcome], outcome)
	}
	check(t, log)
}

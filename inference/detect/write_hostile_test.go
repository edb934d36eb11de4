package detect

import (
	"encoding/csv"
	"encoding/json"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"threatdetect/features"
)

var hostileTexts = []string{
	"a\nb", "a\r\nb", "\x1b[31mred\x1b[0m", `quote " and \ backslash`, "=cmd|' /C calc'!A0", "+1", "-1", "@sum", "\t=1", "\r=1",
	"\xff\xfe bad", "\xc3", "\u202egnp.exe", "\u2066x\u2069", "line\u2028sep\u2029", "\u0085\u009b31m", "\x7f\x00", "\ufeffbom", "-",
	"(empty)", "#close", "a,b;c", "{\"x\":1}", "%s%n", "💣", "\U000e0041tag", "\\n", "\"", "'", " lead", strings.Repeat("x", 70000),
	strings.Repeat("é", 2000), strings.Repeat("\x01", 5000), "cut" + strings.Repeat("€", 700),
}

func TestWriteHostileTexts(t *testing.T) {
	for _, hostile := range hostileTexts {
		checkHostile(t, []byte(hostile), hostile)
	}
}

func FuzzWriters(f *testing.F) {
	for _, s := range hostileTexts {
		f.Add([]byte(s), s)
	}
	f.Fuzz(func(t *testing.T, uid []byte, proto string) { checkHostile(t, uid, proto) })
}

// checkHostile writes a flow with the texts in all formats: each record must be one valid line of printable characters.
func checkHostile(t *testing.T, uid []byte, proto string) {
	flow := fullFlow()
	flow.UID, flow.History, flow.AppName = uid, uid, proto
	flow.Proto, flow.ProtoName = features.ProtoOther, proto
	v := &Verdict{Flow: flow, Score: 0.75, Threat: true, Class: 2, Classes: []float32{0.25, 0.25, 0.5}}
	for _, format := range OutputFormats() {
		line := record(t, format, classAbout(), v)
		require.LessOrEqual(t, len(line), 64<<10)
		require.True(t, utf8.ValidString(line))
		for _, r := range line {
			require.True(t, unicode.IsPrint(r) || format == Zeek && r == '\t', "%s: %U in %q", format, r, line)
		}
		switch format {
		case CSV:
			rows, err := csv.NewReader(strings.NewReader(line)).ReadAll()
			require.NoError(t, err)
			require.Len(t, rows, 1)
			require.Len(t, rows[0], 16)
			for _, cell := range []string{rows[0][1], rows[0][6], rows[0][12]} {
				require.False(t, cell != "" && strings.ContainsRune("=+-@\t\r", rune(cell[0])), "%q", cell)
			}
		case Zeek:
			cells := strings.Split(line, "\t")
			require.Len(t, cells, 13)
			require.Equal(t, len(uid) == 0, cells[1] == "-")
			require.NotEqual(t, "(empty)", cells[1])
		default:
			checkJSON(t, format, line, uid)
		}
	}
}

func checkJSON(t *testing.T, format OutputFormat, line string, uid []byte) {
	var object map[string]any
	require.NoError(t, json.Unmarshal([]byte(line), &object), line)
	got := object["uid"]
	switch format {
	case EVE, ECS:
		got = object["threatdetect"].(map[string]any)["uid"]
	case OCSF:
		got = object["evidences"].([]any)[0].(map[string]any)["connection_info"].(map[string]any)["uid"]
	}
	if len(uid) == 0 {
		require.Nil(t, got)
		return
	}
	want := strings.ToValidUTF8(string(uid), "\ufffd")
	if len(uid) > maxText {
		require.True(t, strings.HasSuffix(got.(string), cutMark))
	} else if !strings.Contains(want, "\ufffd") {
		require.Equal(t, want, got)
	}
}

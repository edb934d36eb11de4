package detect

import (
	"encoding/binary"
	"math"
	"math/rand/v2"
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"threatdetect/internal/decimal"
)

func TestAppendFloat(t *testing.T) {
	for f, want := range map[float32]string{
		0: "0", 1: "1", 0.5: "0.5", 0.9973: "0.9973", -0.25: "-0.25", 16777216: "16777216", 1e-6: "0.000001", 1e-7: "1e-7",
		math.SmallestNonzeroFloat32: "1e-45", math.MaxFloat32: "3.4028235e+38", float32(math.Inf(1)): "inf", float32(math.Inf(-1)): "-inf",
	} {
		require.Equal(t, want, string(decimal.AppendFloat32(nil, f)))
	}
	nan := float32(math.NaN())
	require.Equal(t, "nan", string(decimal.AppendFloat32(nil, nan)))
	for _, f := range []float32{nan, float32(math.Inf(1)), float32(math.Inf(-1))} {
		require.Equal(t, "null", string(appendNumber(nil, f)))
	}
	require.Equal(t, "3.4028235e+38", string(appendNumber(nil, math.MaxFloat32)))
}

func TestAppendTime(t *testing.T) {
	for _, tc := range []struct {
		ns                         int64
		rfc3339, seconds, suricata string
	}{
		{0, "1970-01-01T00:00:00.000000Z", "0.000000", `"1970-01-01T00:00:00.000000+0000"`},
		{1545403837163214000, "2018-12-21T14:50:37.163214Z", "1545403837.163214", `"2018-12-21T14:50:37.163214+0000"`},
		{1545403837163214001, "2018-12-21T14:50:37.163214001Z", "1545403837.163214001", `"2018-12-21T14:50:37.163214+0000"`},
		{-1500000000, "1969-12-31T23:59:58.500000Z", "-1.500000", `"1969-12-31T23:59:58.500000+0000"`},
		{math.MaxInt64, "2262-04-11T23:47:16.854775807Z", "9223372036.854775807", `"2262-04-11T23:47:16.854775+0000"`},
		{math.MinInt64, "1677-09-21T00:12:43.145224192Z", "-9223372036.854775808", `"1677-09-21T00:12:43.145224+0000"`},
	} {
		require.Equal(t, tc.rfc3339, string(appendTime(nil, tc.ns)))
		require.Equal(t, tc.seconds, string(appendSeconds(nil, tc.ns)))
		require.Equal(t, tc.suricata, string(appendEVETime(nil, tc.ns)))
	}
	draw := rand.New(rand.NewPCG(8, 1))
	for range 10_000 {
		ns := int64(draw.Uint64())
		require.Equal(t, time.Unix(0, ns|1).UTC().Format("2006-01-02T15:04:05.000000000Z"), string(appendTime(nil, ns|1)))
		require.Equal(t, time.Unix(0, ns/1000*1000).UTC().Format("2006-01-02T15:04:05.000000Z"), string(appendTime(nil, ns/1000*1000)))
	}
}

// What is kept of earlier texts changes none of those that come.
func TestKeptTexts(t *testing.T) {
	draw := rand.New(rand.NewPCG(8, 2))
	var c clock
	var s scores
	for range 20_000 {
		f := math.Float32frombits(draw.Uint32N(1<<9) << 23 * 3) // many again, of all sizes
		if draw.IntN(2) == 0 {
			f = float32(draw.IntN(900)) / 1000
		}
		require.Equal(t, string(appendNumber(nil, f)), string(s.appendNumber(nil, f)))
		ns := int64(draw.Uint64N(4e9)) - 2e9
		require.Equal(t, string(appendTime(nil, ns)), string(c.appendTime(nil, ns)))
		addr := netip.AddrFrom4([4]byte(binary.LittleEndian.AppendUint32(nil, draw.Uint32()>>draw.UintN(32))))
		require.Equal(t, addr.String(), string(appendAddr(nil, addr)))
	}
}

func TestAppendString(t *testing.T) {
	for in, want := range map[string]string{
		"":                         `""`,
		"plain é 💣 <&>":            `"plain é 💣 <&>"`,
		"\"\\/\n\r\t":              `"\"\\/\n\r\t"`,
		"\x00\x1b\x7f":             `"\u0000\u001b\u007f"`,
		"\u0085\u009b":             `"\u0085\u009b"`,
		"\u2028\u2029":             `"\u2028\u2029"`,
		"\u061c\u200e\u200f":       `"\u061c\u200e\u200f"`,
		"\u202a\u202e\u2066\u2069": `"\u202a\u202e\u2066\u2069"`,
		"\ufeff\U000e0001":         `"\ufeff\udb40\udc01"`,
		"a\xffb\xc3":               "\"a\ufffdb\ufffd\"",
		"\xed\xa0\x80":             "\"\ufffd\ufffd\ufffd\"", // half a surrogate pair
	} {
		require.Equal(t, want, string(appendString(nil, in)))
		require.Equal(t, want, string(appendString(nil, []byte(in))))
	}
}

func TestZeekString(t *testing.T) {
	for in, want := range map[string]string{
		"": "-", "-": `\x2d`, "(empty)": `\x28empty)`, "--": "--", "a\tb\n": `a\x09b\x0a`, `a\b`: `a\\b`, "é": `\xc3\xa9`, "#x": "#x", "a,b": "a,b",
	} {
		require.Equal(t, want, string(appendZeekString(nil, in)))
	}
}

func TestField(t *testing.T) {
	for in, want := range map[string]string{
		"": "", "plain": "plain", "a,b": `"a,b"`, `a"b`: `"a""b"`, "=1+1": "'=1+1", "+1": "'+1", "-": "'-", "@x": "'@x", "\tx": `'\tx`, "\rx": `'\rx`,
		"a=b": "a=b", "x\ny": `x\ny`, `=a"b`: `"'=a""b"`, "two words": `"two words"`,
	} {
		require.Equal(t, want, string(appendField(nil, in)))
	}
}

func TestFlowID(t *testing.T) {
	for in, want := range map[string]uint64{"1": 1, "445348883402532": 445348883402532, "18446744073709551615": math.MaxUint64} {
		id, ok := eveFlowID([]byte(in))
		require.True(t, ok, in)
		require.Equal(t, want, id)
	}
	for _, in := range []string{"", "0", "01", "12a", "-1", "18446744073709551616", "99999999999999999999", "123456789012345678901"} {
		_, ok := eveFlowID([]byte(in))
		require.False(t, ok, in)
	}
}

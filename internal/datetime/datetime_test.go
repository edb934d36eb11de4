package datetime_test

import (
	"fmt"
	"math"
	"math/big"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"threatdetect/internal/datetime"
)

var form = regexp.MustCompile(`^([0-9]{4})(?:-([0-9]{2})-|/([0-9]{2})/)([0-9]{2})[ Tt]([0-9]{2}:[0-9]{2}:[0-9]{2})(?:\.([0-9]{1,9}))?(Z|z|[+-][0-9]{2}:?[0-9]{2})?$`)

// reference reads the same with package time, given up to nine digits of fraction.
func reference(s string) (int64, bool) {
	m := form.FindStringSubmatch(s)
	if m == nil {
		return 0, false
	}
	zone := strings.ToUpper(m[7])
	switch {
	case zone == "":
		zone = "Z"
	case len(zone) == 5:
		zone = zone[:3] + ":" + zone[3:]
	}
	t, err := time.Parse(time.RFC3339Nano, m[1]+"-"+m[2]+m[3]+"-"+m[4]+"T"+m[5]+"."+m[6]+strings.Repeat("0", 9-len(m[6]))+zone)
	if err != nil || strings.HasPrefix(zone[1:], "24") {
		return 0, false
	}
	ns := new(big.Int).Mul(big.NewInt(t.Unix()), big.NewInt(1e9))
	ns.Add(ns, big.NewInt(int64(t.Nanosecond())))
	if !ns.IsInt64() {
		return 0, false
	}
	return ns.Int64(), true
}

func TestParse(t *testing.T) {
	for s, want := range map[string]int64{
		"1970-01-01 00:00:00":                 0,
		"2018-01-12T15:37:30.942":             1515771450942000000,
		"2011/08/18 09:56:29.146156":          1313661389146156000,
		"2021-06-06T15:57:37.272281+0200":     1622987857272281000,
		"2021-06-06T15:57:37.272281+02:00":    1622987857272281000,
		"2021-06-06T15:57:37.272281-00:30":    1622996857272281000,
		"1969-12-31 23:59:59.6":               -400000000,
		"2000-01-01 00:00:00.0000000005":      946684800000000000,
		"2000-01-01 00:00:00.0000000015":      946684800000000002,
		"2000-01-01 00:00:00.9999999999":      946684801000000000,
		"2262-04-11T23:47:16.854775807Z":      math.MaxInt64,
		"1677-09-21T00:12:43.145224192Z":      math.MinInt64,
		"1677-09-21T00:12:43.14522419151999Z": math.MinInt64,
	} {
		got, ok := datetime.Parse([]byte(s))
		require.True(t, ok, s)
		require.Equal(t, want, got, s)
	}
	for _, s := range []string{"", "2018-01-12", "2018-01-12 15:37", "2018-13-12 15:37:30", "2018-02-29 00:00:00", "2018-01-12 24:00:00",
		"2018-01-12 15:37:60", "2018-01/12 15:37:30", "2018-01-12 15:37:30.", "2018-01-12 15:37:30.1x", "2018-01-12 15:37:30+2", "x018-01-12 15:37:30",
		"2262-04-11T23:47:16.854775808Z", "1677-09-21T00:12:43.145224191Z", "9999-12-31 23:59:59", "0000-01-01 00:00:00", "2018-01-12 15:37:30+24:00"} {
		_, ok := datetime.Parse([]byte(s))
		require.False(t, ok, s)
	}
	ns, ok := datetime.Clock([]byte("15:37:30.5"))
	require.True(t, ok)
	require.Equal(t, int64(56250_500000000), ns)
	_, ok = datetime.Clock([]byte("15:37:30Z"))
	require.False(t, ok)
	require.Zero(t, testing.AllocsPerRun(10, func() { datetime.Parse([]byte("2021-06-06T15:57:37.272281+0200")) }))
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{"2018-01-12 15:37:30", "2011/08/18 09:56:29.146156", "2021-06-06T15:57:37.272281+0200", "2000-02-29T00:00:00Z", "1600-02-29 23:59:59.999999999-23:59"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if i := strings.IndexByte(s, '.'); i >= 0 && len(s) > i+10 && s[i+10]-'0' <= 9 {
			t.Skip() // more digits than package time knows
		}
		got, ok := datetime.Parse([]byte(s))
		want, wantOK := reference(s)
		require.Equal(t, fmt.Sprint(want, wantOK), fmt.Sprint(got, ok), s)
	})
}

package datetime_test

import (
	"fmt"
	"math"
	"math/big"
	"regexp"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"threatdetect/internal/datetime"
)

func ExampleISO() {
	ns, ok := datetime.ISO([]byte("2021-06-06T15:57:37.272281+0200"), 9, datetime.Colonless)
	fmt.Println(time.Unix(0, ns).UTC(), ok)
	// Output: 2021-06-06 13:57:37.272281 +0000 UTC true
}

// TestRecent reads times one after the other of which some have the date and the zone of the one before.
func TestRecent(t *testing.T) {
	var r datetime.Recent
	for _, s := range []string{"2021-06-06T15:57:37.272281+0200", "2021-06-06T00:00:00.000000+0200", "2021-06-06T23:59:59.999999+0200", "2021-06-06t23:59:59.999999+0200",
		"2021-06-06T23:59:59.999999-0200", "2021-06-07T23:59:59.999999-0200", "2021-06-07T23:59:60.999999-0200", "2021-06-07T24:00:00.999999-0200", "2021-06-31T23:59:59.999999-0200",
		"2021-06-07T23:59:59.99999x-0200", "2021-06-07T23:59:59,999999-0200", "2021-06-07T23:59:59.999999-2400", "2021-06-07T23:59:59.999999Z", "1969-12-31T23:59:59.999999+0000",
		"1969-12-31T00:00:00.000001+0000", "1969-12-31T00:00:00.000001+00:0", "0000-01-01T00:00:00.000000+2359", "9999-12-31T23:59:59.999999-2359", "9999-12-31T23:59:59.999999-2359",
		"2262-04-11T23:47:16.854775+0000", "2262-04-11T23:47:16.854776+0000", "1677-09-21T00:12:43.145225+0000", "1677-09-21T00:12:43.145224+0000"} {
		for _, places := range []int{6, 9, 3} {
			want, wantOK := datetime.ISO([]byte(s), places, datetime.Colonless)
			got, ok := r.ISO([]byte(s), places, datetime.Colonless)
			require.Equal(t, wantOK, ok, s)
			if ok {
				require.Equal(t, want, got, s)
			}
		}
	}
}

// plain is a second implementation, with a regular expression, big numbers and package time.
func plain(s string, places int, zones datetime.Zones) (int64, bool) {
	colon := ":"
	if zones == datetime.Colonless {
		colon = ":?"
	}
	m := regexp.MustCompile(`^([0-9]{4}-[0-9]{2}-[0-9]{2})[Tt]([0-9]{2}:[0-9]{2}:[0-9]{2})(\.[0-9]+)?([Zz]|[-+]([01][0-9]|2[0-3])` + colon + `[0-5][0-9])$`).FindStringSubmatch(s)
	if m == nil {
		return 0, false
	}
	base, err := time.Parse("2006-01-02 15:04:05", m[1]+" "+m[2])
	if err != nil {
		return 0, false
	}
	seconds := base.Unix()
	if z := m[4]; len(z) > 1 {
		east := int64(z[1]-'0')*36000 + int64(z[2]-'0')*3600 + int64(z[len(z)-2]-'0')*600 + int64(z[len(z)-1]-'0')*60
		if z[0] == '-' {
			east = -east
		}
		seconds -= east
	}
	r := big.NewRat(seconds, 1)
	if m[3] != "" {
		f, _ := new(big.Rat).SetString("0" + m[3])
		r.Add(r, f)
	}
	r.Mul(r, new(big.Rat).SetInt(new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(places)), nil)))
	whole := new(big.Int).Div(r.Num(), r.Denom())
	rest := new(big.Rat).Sub(r, new(big.Rat).SetInt(whole))
	if c := rest.Cmp(big.NewRat(1, 2)); c > 0 || c == 0 && whole.Bit(0) == 1 {
		whole.Add(whole, big.NewInt(1))
	}
	return whole.Int64(), whole.IsInt64()
}

func FuzzISO(f *testing.F) {
	for _, s := range []string{
		"2021-06-06T15:57:37.272281+0200", "1969-12-31T23:59:59.9999999995Z", "2262-04-11T23:47:16.854775807Z", "2262-04-11T23:47:16.854775808Z",
		"1677-09-21T00:12:43.145224192Z", "1677-09-21T00:12:43.145224191Z", "2262-04-11T23:47:16.8547758075Z", "1677-09-21T00:12:43.1452241915-00:00",
		"2024-02-30T00:00:00Z", "2024-02-29T24:00:00Z", "2024-02-29t23:59:59z", "0000-01-01T00:00:00Z", "9999-12-31T23:59:59.5+23:59", "2024-01-01T00:00:60Z",
		"2024-01-01T00:00:00.Z", "2024-01-01T00:00:00", "2024-01-01T00:00:00+02", "2024-01-01 00:00:00Z", "2024-01-01T00:00:00+2400", "1900-02-29T00:00:00Z",
	} {
		f.Add(s)
	}
	var recent datetime.Recent
	f.Fuzz(func(t *testing.T, s string) {
		for _, places := range []int{1, 6, 9} {
			for _, zones := range []datetime.Zones{datetime.RFC3339, datetime.Colonless} {
				want, wantOK := plain(s, places, zones)
				got, ok := datetime.ISO([]byte(s), places, zones)
				require.Equal(t, wantOK, ok, "%q, %d places, zones %d", s, places, zones)
				if ok {
					require.Equal(t, want, got, "%q, %d places", s, places)
				}
				var fresh datetime.Recent
				for _, r := range []*datetime.Recent{&fresh, &fresh, &recent} {
					again, ok2 := r.ISO([]byte(s), places, zones)
					require.Equal(t, ok, ok2, "%q, %d places, zones %d", s, places, zones)
					if ok {
						require.Equal(t, got, again, "%q, %d places", s, places)
					}
				}
			}
		}
	})
}

func TestISOExtremes(t *testing.T) {
	ns, ok := datetime.ISO([]byte("2262-04-11T23:47:16.854775807Z"), 9, datetime.RFC3339)
	require.True(t, ok)
	require.EqualValues(t, math.MaxInt64, ns)
	ns, ok = datetime.ISO([]byte("1677-09-21T00:12:43.145224192Z"), 9, datetime.RFC3339)
	require.True(t, ok)
	require.EqualValues(t, math.MinInt64, ns)
}

package decimal_test

import (
	"encoding/binary"
	"fmt"
	"math"
	"math/big"
	"math/rand/v2"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"threatdetect/internal/decimal"
)

var (
	realForm  = regexp.MustCompile(`^[-+]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][-+]?[0-9]+)?$`)
	countForm = regexp.MustCompile(`^[0-9]+(\.[0-9]*)?([eE][-+]?[0-9]+)?$`)
)

// exact returns the value of text of a form. An exponent that is so large that its sign alone decides is cut to a
// thousand.
func exact(form *regexp.Regexp, s string) (*big.Rat, bool) {
	if !form.MatchString(s) {
		return nil, false
	}
	if i := strings.IndexAny(s, "eE"); i >= 0 {
		exp, err := strconv.ParseInt(s[i+1:], 10, 64)
		if err != nil || exp > 1000 || exp < -1000 {
			mantissa, _ := new(big.Rat).SetString(s[:i])
			if mantissa.Sign() == 0 {
				return mantissa, true
			}
			s = s[:i] + map[bool]string{true: "e-1000", false: "e1000"}[strings.Contains(s[i:], "-")]
		}
	}
	return new(big.Rat).SetString(s)
}

// check compares all functions with rationals.
func check(t *testing.T, s string) {
	t.Helper()
	r, ok := exact(countForm, s)
	ok = ok && r.IsInt() && r.Num().IsUint64()
	n, gotOK := decimal.Count([]byte(s))
	require.Equal(t, ok, gotOK, "Count(%q)", s)
	if ok {
		require.Equal(t, r.Num().Uint64(), n, "Count(%q)", s)
	}

	at, atOK := decimal.CountAt([]byte(s), 0, len(s))
	behind, behindOK := decimal.CountAt([]byte("99999999"+s), 8, 8+len(s))
	require.Equal(t, []any{n, n, gotOK, gotOK}, []any{at, behind, atOK, behindOK}, "CountAt(%q)", s)

	r, ok = exact(realForm, s)
	f, gotOK := decimal.Real([]byte(s))
	want, err := strconv.ParseFloat(s, 64)
	require.Equal(t, ok && err == nil, gotOK, "Real(%q)", s)
	if gotOK {
		require.Equal(t, math.Float64bits(want), math.Float64bits(f), "Real(%q)", s)
	}

	for places := range 10 {
		v, gotOK := decimal.Fixed([]byte(s), places)
		if !ok {
			require.False(t, gotOK, "Fixed(%q)", s)
			continue
		}
		scaled := new(big.Rat).Mul(r, new(big.Rat).SetInt64(int64(math.Pow10(places))))
		whole := new(big.Int).Div(scaled.Num(), scaled.Denom())
		rest := new(big.Rat).Sub(scaled, new(big.Rat).SetInt(whole))
		if c := rest.Cmp(big.NewRat(1, 2)); c > 0 || c == 0 && whole.Bit(0) == 1 {
			whole.Add(whole, big.NewInt(1))
		}
		require.Equal(t, whole.IsInt64(), gotOK, "Fixed(%q, %d)", s, places)
		if gotOK {
			require.Equal(t, whole.Int64(), v, "Fixed(%q, %d)", s, places)
		}
	}
}

// seeds are texts at the edges.
var seeds = strings.Fields(`0 1 12 007 12. .5 12.0 1.5 -1 +1 -0 -.5 . - + e5 1e 1e+ 1e5 1E+5 1e-5 120e-1 125e-1 1.5e1 0e9999999999999999999999
	1e999 -1e999 1e-999 1e99999999999999999999 1e-99999999999999999999 0x10 1_000 1,5 nan inf Infinity -nan 1.2.3 1e5.0 --1 1e--1 1e1e1 ١
	9999999999999999999 10000000000000000000 18446744073709551615 18446744073709551616 18446744073709551615.0 18446744073709551615.5
	184467440737095516150e-1 184467440737095516151e-1 9223372036854775807 9223372036854775808 -9223372036854775808 -9223372036854775809
	9223372036854775807.5 9223372036854775807.4 -9223372036854775808.5 -9223372036854775808.50000001 9223372036.8547758075 9223372036.854775808
	0.5 1.5 2.5 -0.5 -1.5 0.50000000000000000000000000000001 0.4999999999999999999999999 0.0000000005 0.0000000015 0.00000000050000000001
	1545403816.962094 0.10370898246765137 0.0012309551239013672 9007199254740993 9007199254740992.5 123456789012345678 1234567890123456789
	1.7976931348623157e308 1.7976931348623159e308 4.9e-324 2.4e-324 2.2250738585072011e-308 500473.9375 9.89101 2e-06`)

// TestNoise checks numbers that a float64 was written as, and others that look like one.
func TestNoise(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	for _, s := range strings.Fields(`0.12345650000000000 0.12345750000000000 0.123456500000000001 0.1234565000000000000001 0.1234565000000001 0.12345649999999999 0.1234565000000000x
		0.12345650x00000001 0.1234565000000000.0 0.x2345650000000001 12345.6789015000000 9999999999.9999995000000 99999999999.9999995000000 00000000001.1234565000001 0.12345675000000001
		.12345650000000000 -0.12345650000000001 0:12345650000000001 0.999999500000000000 0.1234565000000000000000000001`) {
		check(t, s)
	}
	for range 2000 {
		s := fmt.Sprintf("%d.%06d%0*d", rnd.IntN(1000), rnd.IntN(1e6), 1+rnd.IntN(18), rnd.Uint64N(1e18)>>rnd.IntN(60))
		check(t, s)
		check(t, s[:len(s)-1]+string("05x."[rnd.IntN(4)]))
	}
}

func TestSeeds(t *testing.T) {
	check(t, "")
	check(t, " 1")
	check(t, "1\x00")
	for _, s := range seeds {
		check(t, s)
	}
}

func FuzzDecimal(f *testing.F) {
	for _, s := range seeds {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if len(s) < 1000 {
			check(t, s)
		}
	})
}

func TestLongText(t *testing.T) {
	long := strings.Repeat("0", 1<<20)
	n, ok := decimal.Count([]byte(long + "7." + long + "e0" + long))
	require.True(t, ok)
	require.Equal(t, uint64(7), n)
	n, ok = decimal.Count([]byte("7" + long + "e-1048576"))
	require.True(t, ok)
	require.Equal(t, uint64(7), n)
	_, ok = decimal.Count([]byte("7" + long))
	require.False(t, ok)
}

func TestNoAllocation(t *testing.T) {
	texts := [][]byte{[]byte("1545403816.962094"), []byte("0.0012309551239013672"), []byte("12.0"), []byte("500473.9375")}
	require.Zero(t, testing.AllocsPerRun(100, func() {
		for _, b := range texts {
			decimal.Count(b)
			decimal.Real(b)
			decimal.Fixed(b, 6)
		}
	}))
}

func Example() {
	n, _ := decimal.Count([]byte("1e5"))
	us, _ := decimal.Fixed([]byte("0.10370898246765137"), 6)
	_, ok := decimal.Real([]byte("0x10"))
	fmt.Println(n, us, ok)
	// Output: 100000 103709 false
}

// TestMicros compares the form that has a way of its own with the long way.
func TestMicros(t *testing.T) {
	slow := func(s string) (int64, bool) { return decimal.Fixed([]byte(s+"0"), 6) } // one more zero leaves the fast form
	for _, s := range []string{"0.000000", "1.000001", "1545403816.962094", "9999999999.999999", "10.123456", "12.34567x", "x.345678", "1x.345678", "1.34/678",
		"1:5.345678", "-1.345678", "-.345678", "+1.345678", "1..45678", "00000000.000001", "123456789.000010", "1 .345678", "1.3456\x30", "1.345:78"} {
		want, wantOK := slow(s)
		got, ok := decimal.Fixed([]byte(s), 6)
		require.Equal(t, wantOK, ok, s)
		require.Equal(t, want, got, s)
	}
	for i := range int64(200_000) {
		v := i * 49_999_987 % 10_000_000_000_000_000
		s := fmt.Sprintf("%d.%06d", v/1e6, v%1e6)
		got, ok := decimal.Fixed([]byte(s), 6)
		require.True(t, ok)
		require.Equal(t, v, got, s)
	}
}

// TestLast compares it with Count, for numbers of every length and for each byte in each place of one.
func TestLast(t *testing.T) {
	check := func(text string) {
		var b [8]byte
		for _, before := range []byte{0, '0', '9', '\t', 0xff} {
			for i := range b {
				b[i] = before
			}
			copy(b[8-len(text):], text)
			want, wantOK := decimal.Count([]byte(text))
			got, ok := decimal.Last(binary.LittleEndian.Uint64(b[:]), len(text))
			require.Equal(t, wantOK, ok, "%q", text)
			require.Equal(t, want, got, "%q", text)
		}
	}
	for _, v := range []int{0, 1, 9, 10, 42, 99, 100, 255, 1000, 65535, 99999, 100000, 1234567, 9999999, 10000000, 12345678, 99999999} {
		text := strconv.Itoa(v)
		check(text)
		for i := range text {
			for c := range 256 {
				if c == '.' || c == 'e' || c == 'E' {
					continue // which Count knows, and Last leaves to it
				}
				check(text[:i] + string([]byte{byte(c)}) + text[i+1:])
			}
		}
	}
}

// TestRecent compares with Fixed: what Recent takes it takes alike, whatever was before, and it takes the usual form.
func TestRecent(t *testing.T) {
	var r decimal.Recent
	for _, text := range []string{"\x00\x00\x00\x00\x00\x00\x00\x0000.000000", "0000000000.000000", "1545403816.962094", "1545403816.962095", "1545403899.999999", "1545403:16.962094", "15454038:6.962094",
		"1545403816x962094", "15454038/6.962090", "154540381/.962094", "/545403816.962094", "9999999999.999999", "1.5", "1545403816.9620940", "-545403816.962094", "1545403816..62094",
		"15454038a6.962094", "1545403816.962094", "", "1545403816"} {
		got, ok := r.Seconds([]byte(text), len(".000000"))
		whole, _, _ := strings.Cut(text, ".")
		want, fixed := decimal.Fixed([]byte(whole), 0)
		if ok {
			require.True(t, fixed, text)
			require.Equal(t, want, got, text)
		} else {
			require.False(t, fixed && len(text) == 17 && text[10] == '.' && text[0] != '-', text)
		}
	}
}

package model

import (
	"math"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestDecimalToFloat32(t *testing.T) {
	check := func(text string) {
		t.Helper()
		want, _ := strconv.ParseFloat(text, 32)
		got, err := newJSONReader([]byte(text)).float32()
		require.NoError(t, err, text)
		require.Equal(t, math.Float32bits(float32(want)), math.Float32bits(got), text)
	}
	for _, text := range []string{"0", "-0", "-0E0", "0.0", "1", "5E-1", "1e38", "3.4028235e38", "3.4028236e38", "1e39", "-1e400", "1e-45", "1e-400",
		"1.17549435E-38", "1.1754942E-38", "16777217", "16777216.999999999", "-1.00917792320251465e+00", "123456789012345678901234567890",
		"0.000000000000000000000000000000000000000000001", "9007199254740993", "1.00000005960464477539062500", // half-way
		"1.000000059604644775390625", "1.0000000596046447753906251", "1.0000000596046447753906249", "7.038531e-26", "8.5899345e9"} {
		check(text)
	}
	r := rand.New(rand.NewPCG(1, 2))
	for range 100_000 {
		v := math.Float32frombits(r.Uint32())
		if !finite(v) {
			continue
		}
		text := strconv.FormatFloat(float64(v), "eEgf"[r.IntN(4)], []int{-1, 6, 8, 9, 17}[r.IntN(5)], []int{32, 64}[r.IntN(2)])
		if strings.HasPrefix(text, "+") {
			continue
		}
		check(text)
		// close to and exactly on the middle between two neighbours
		next := math.Nextafter32(v, float32(math.Inf(1)))
		if middle := (float64(v) + float64(next)) / 2; !math.IsInf(middle, 0) {
			check(strconv.FormatFloat(middle, 'e', []int{-1, 12, 15, 25, 40}[r.IntN(5)], 64))
		}
	}
}

func TestJSONNumbers(t *testing.T) {
	for text, want := range map[string]float64{"NaN": nan, "Infinity": inf, "-Infinity": -inf, "12": 12, "-3.5E+2": -350} {
		v, err := newJSONReader([]byte(text)).float32()
		require.NoError(t, err)
		require.Equal(t, math.Float32bits(float32(want)), math.Float32bits(v))
	}
	for _, text := range []string{"", "-", "+1", ".5", "1.", "1.e5", "1e", "1e+", "01", "-01", "nan", "inf", "-NaN", "x", `"1"`, "\x00", "0x10"} {
		r := newJSONReader([]byte(text))
		_, err := r.float32()
		if err == nil {
			err = r.End()
		}
		require.ErrorIs(t, err, ErrFormat, text)
	}
	for _, text := range []string{"", "-", "1.0", "1e3", "01", "9223372036854775808", "true", "0x1"} {
		r := newJSONReader([]byte(text))
		_, err := r.Int()
		if err == nil {
			err = r.End()
		}
		require.ErrorIs(t, err, ErrFormat, text)
	}
}

func TestJSONStrings(t *testing.T) {
	for text, want := range map[string]string{
		`""`: "", `"a b"`: "a b", `"\"\\\/\b\f\n\r\t"`: "\"\\/\b\f\n\r\t", `"\u00e9\u20AC"`: "é€", `"\ud83d\ude00"`: "😀",
		`"\ud83dx"`: "\ufffdx", `"\ud83d\u0041"`: "\ufffdA", `"\udc00"`: "\ufffd", "\"\x01\xff\"": "\x01\xff", `"a\\"`: `a\`,
	} {
		got, err := newJSONReader([]byte(text)).Text()
		require.NoError(t, err, text)
		require.Equal(t, want, string(got), text)
	}
	for _, text := range []string{`"`, `"a`, `"a\"`, `"\x"`, `"\u12"`, `"\u12G4"`, `"\u+123"`, `"\`, `'a'`, `"\u12"34"`} {
		_, err := newJSONReader([]byte(text)).Text()
		require.ErrorIs(t, err, ErrFormat, text)
	}
	long := `"` + strings.Repeat("x", 16<<20+1) + `"`
	_, err := newJSONReader([]byte(long)).Text()
	require.ErrorIs(t, err, ErrTooLarge)
	_, err = newJSONReader([]byte(`"\n` + long[1:])).Text()
	require.ErrorIs(t, err, ErrTooLarge)
	_, _, err = func() ([]byte, bool, error) {
		r := newJSONReader([]byte(`{"` + strings.Repeat("k", 1025) + `":1}`))
		require.NoError(t, r.Object())
		return r.Key()
	}()
	require.ErrorIs(t, err, ErrTooLarge)
}

func TestJSONSkip(t *testing.T) {
	for _, text := range []string{`{}`, `[]`, `{"a":[1,2.5,{"b":null}],"c":true,"d":false}`, ` [ ] `, `[NaN,-Infinity]`, `"x"`, strings.Repeat("[", 64) + strings.Repeat("]", 64)} {
		r := newJSONReader([]byte(text))
		require.NoError(t, r.Skip(), text)
		require.NoError(t, r.End(), text)
	}
	for _, text := range []string{`{`, `[`, `[1`, `[1,]`, `[,]`, `{"a"}`, `{"a":}`, `{"a":1,}`, `{a:1}`, `[1 2]`, `{"a":1]`, `[1}`, `nul`, `truth`, `tru`, `]`, `,`} {
		r := newJSONReader([]byte(text))
		err := r.Skip()
		if err == nil {
			err = r.End()
		}
		require.ErrorIs(t, err, ErrFormat, text)
	}
	require.ErrorIs(t, newJSONReader([]byte(strings.Repeat("[", 65))).Skip(), ErrTooLarge)
	require.ErrorIs(t, newJSONReader([]byte(strings.Repeat(`{"a":`, 1_000_000))).Skip(), ErrTooLarge)
}

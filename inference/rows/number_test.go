package rows

import (
	"math"
	"math/big"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// twoRoundings is the definition: text to float64 to float32.
func twoRoundings(t *testing.T, text string) float32 {
	t.Helper()
	v, err := strconv.ParseFloat(text, 64)
	if err != nil {
		require.ErrorIs(t, err, strconv.ErrRange, text)
	}
	return float32(v)
}

func requireNumber(t *testing.T, text string) {
	t.Helper()
	got, ok := number([]byte(text))
	require.True(t, ok, text)
	if want := twoRoundings(t, text); !same(want, got) {
		t.Fatalf("%s: want %v, got %v", text, want, got)
	}
}

func TestNumber(t *testing.T) {
	for _, text := range []string{
		"0", "-0", "+0", "00", "0.0", "-0e99999999999", "0e-5", "1", "-1", "1.", ".5", "-.5e-1", "1e5", "1E+05", "1e-45", "7e-46", "7.1e-46", "1e-46",
		"3.4028234663852886e38", "3.4028235677973366e38", "3.4028235677973365e38", "3.5e38", "1e46", "1e308", "1e309", "-1e400",
		"1.1754943508222875e-38", "1.1754942106924411e-38", "16777217", "16777219", "16777217.0000001", "33554433",
		"9007199254740993", "9007199254740992", "999999999999999999", "1000000000000000000", "18446744073709551615", "18446744073709551616",
		"0.1", "0.30000000000000004", "0.000000000000000000000000000000000000000001",
		"0.00000000000000000000000000012345678901234567e20", "123456789012345678901234567890123456789012345678901234567890",
		"1e23", "8.5e22", "1" + strings.Repeat("0", 400), "0." + strings.Repeat("0", 400) + "1e400",
		"inf", "-INF", "+Infinity", "infinity",
	} {
		requireNumber(t, text)
	}
	// strconv does not count that far.
	v, ok := number([]byte("0." + strings.Repeat("0", 200_000) + "1e200001"))
	require.True(t, ok)
	require.Equal(t, float32(1), v)
	v, ok = number([]byte("0." + strings.Repeat("0", 123_455) + "1e1234567"))
	require.True(t, ok)
	require.Equal(t, inf, v)

	for _, text := range []string{"", "+", "-", ".", "-.", "e5", ".e5", "1e", "1e+", "1.2.3", "--1", "1f", "0x1", "1_000", "1,5", "nan", "infi", "∞", "１", "1\x00", " 1"} {
		_, ok := number([]byte(text))
		require.False(t, ok, text)
	}
}

// Decimals on, and right beside, the middle between two float32, where the shortcut must not be taken.
func TestNumberNearMiddle(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for range 20_000 {
		bits := random.Uint32() &^ (1 << 31)
		low := math.Float32frombits(bits)
		high := math.Float32frombits(bits + 1)
		if math.IsInf(float64(high), 0) || high != high {
			continue
		}
		middle := (float64(low) + float64(high)) / 2
		for _, v := range []float64{middle, math.Nextafter(middle, 0), math.Nextafter(middle, math.Inf(1))} {
			for _, digits := range []int{-1, 15, 16, 17, 18, 19} {
				requireNumber(t, strconv.FormatFloat(v, 'e', digits, 64))
			}
			if 1e-15 < v && v < 1e15 {
				requireNumber(t, strconv.FormatFloat(v, 'f', -1, 64))
				requireNumber(t, new(big.Float).SetFloat64(v).Text('f', 60))
			}
		}
	}
}

func TestNumberRandom(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	for range 200_000 {
		text := strconv.FormatUint(random.Uint64()>>random.IntN(64), 10)
		point := random.IntN(len(text) + 1)
		text = text[:point] + "." + text[point:]
		if random.IntN(2) == 0 {
			text += "e" + strconv.Itoa(random.IntN(140)-70)
		}
		requireNumber(t, text)
		requireNumber(t, "-0000000"+text)
		requireNumber(t, strconv.FormatFloat(random.NormFloat64(), 'g', -1, 64))
		requireNumber(t, strconv.FormatFloat(math.Float64frombits(random.Uint64()&^(1<<62)), 'g', -1, 64))
	}
}

func FuzzNumber(f *testing.F) {
	for _, text := range []string{"1", "-0.5e-7", "123456789.123456789", "1e39", "inf", "0x1p-2", "1_0", ".", "nan"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got, ok := number([]byte(text))
		want, err := strconv.ParseFloat(text, 64)
		valid := err == nil || strings.Contains(err.Error(), strconv.ErrRange.Error())
		valid = valid && want == want && !strings.ContainsAny(text, "xXpP_")
		require.Equal(t, valid, ok, "%q", text)
		if ok && len(text) < 1000 {
			require.True(t, same(float32(want), got), "%q: want %v, got %v", text, want, got)
		}
	})
}

package ubjson

import (
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"threatdetect/internal/safeio"
)

func TestIntegers(t *testing.T) {
	for text, want := range map[string]int64{
		"i\x80": -128, "U\x80": 128, "I\x80\x00": math.MinInt16, "l\x80\x00\x00\x00": math.MinInt32,
		"L\x80\x00\x00\x00\x00\x00\x00\x00": math.MinInt64, "L\x00\x00\x00\x00\x00\x00\x01\x00": 256,
	} {
		r := NewReader([]byte(text))
		v, err := r.Int()
		require.NoError(t, err)
		require.Equal(t, want, v)
		require.NoError(t, r.End())
		_, err = NewReader([]byte(text[:len(text)-1])).Int()
		require.Error(t, err)
	}
	_, err := NewReader([]byte("d\x00\x00\x00\x00")).Int()
	require.Error(t, err)
}

func TestArraysOfNumbers(t *testing.T) {
	for _, text := range []string{"[$U#U\x03\x01\x00\x02", "[$l#i\x03\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x02", "[#I\x00\x03U\x01i\x00I\x00\x02",
		"[U\x01U\x00U\x02]", "[$i#l\x00\x00\x00\x03\x01\x00\x02"} {
		ints, err := NewReader([]byte(text)).AppendInt32s([]int32{9})
		require.NoError(t, err, "%q", text)
		require.Equal(t, []int32{9, 1, 0, 2}, ints)
		floats, err := NewReader([]byte(text)).AppendFloat32s(nil)
		require.NoError(t, err)
		require.Equal(t, []float32{1, 0, 2}, floats)
		flags, err := NewReader([]byte(text)).AppendBools(nil)
		require.NoError(t, err)
		require.Equal(t, []bool{true, false, false}, flags)
		r := NewReader([]byte(text))
		require.NoError(t, r.Skip())
		require.NoError(t, r.End())
		for n := range len(text) {
			_, err := NewReader([]byte(text[:n])).AppendInt32s(nil)
			require.Error(t, err, "%q", text[:n])
			require.Error(t, NewReader([]byte(text[:n])).Skip(), "%q", text[:n])
		}
	}
	floats, err := NewReader([]byte("[$d#U\x01\x3f\x80\x00\x00")).AppendFloat32s(nil)
	require.NoError(t, err)
	require.Equal(t, []float32{1}, floats)
	floats, err = NewReader([]byte("[$D#U\x01\x3f\xf0\x00\x00\x00\x00\x00\x00")).AppendFloat32s(nil)
	require.NoError(t, err)
	require.Equal(t, []float32{1}, floats)
	flags, err := NewReader([]byte("[TFU\x02]")).AppendBools(nil)
	require.NoError(t, err)
	require.Equal(t, []bool{true, false, false}, flags)
}

func TestErrorsOfElements(t *testing.T) {
	for text, index := range map[string]int{"[U\x01SU\x00]": 1, "[$L#U\x02\x00\x00\x00\x00\x00\x00\x00\x01\x00\x00\x00\x01\x00\x00\x00\x00": 1, "[T]": 0} {
		_, err := NewReader([]byte(text)).AppendInt32s(nil)
		var e *Error
		require.ErrorAs(t, err, &e, "%q", text)
		require.Equal(t, index, e.Index)
	}
	_, err := NewReader([]byte("[$d#U\x01\x00\x00\x00\x00")).AppendInt32s(nil)
	require.Error(t, err)
	_, err = NewReader([]byte("[T]")).AppendFloat32s(nil)
	require.Error(t, err)
	_, err = NewReader([]byte("[Z]")).AppendBools(nil)
	require.Error(t, err)
}

func TestLengthsDoNotFit(t *testing.T) {
	for _, text := range []string{
		"[$l#U\x01\x00\x00\x00", "[#U\x01", "[$U#L\x7f\xff\xff\xff\xff\xff\xff\xff\x00", "[$L#L\x20\x00\x00\x00\x00\x00\x00\x00\x00", "[$U#i\xff\x00",
		"SU\x05abcd", "SL\xff\xff\xff\xff\xff\xff\xff\xff", "{U\x05a", "[$T#U\x01", "[$S#U\x00", "[$[#U\x00", "[$U\x00", "H", "N", "[#d\x00\x00\x00\x00", "x", "",
		"{d\x00\x00\x00\x00", "{i\xff", "S", "C", "[", "{", "[$", "[$U", "[$U#", "[#",
	} {
		var e *Error
		require.ErrorAs(t, NewReader([]byte(text)).Skip(), &e, "%q", text)
		require.LessOrEqual(t, e.Offset, int64(len(text)))
		require.Equal(t, -1, e.Index)
		require.NotEmpty(t, e.Error())
	}
}

func TestWalk(t *testing.T) {
	r := NewReader([]byte("{U\x01aCxU\x02bb[#U\x02SU\x01yCzU\x01c[{}]U\x01dTU\x01eF}"))
	require.True(t, r.IsObject())
	require.NoError(t, r.Object())
	var got []string
	for {
		key, ok, err := r.Key()
		require.NoError(t, err)
		if !ok {
			break
		}
		switch string(key) {
		case "a":
			require.True(t, r.IsText())
			text, err := r.Text()
			require.NoError(t, err)
			got = append(got, string(text))
		case "bb":
			require.NoError(t, r.Array())
			for {
				ok, err := r.More()
				require.NoError(t, err)
				if !ok {
					break
				}
				text, err := r.Text()
				require.NoError(t, err)
				got = append(got, string(text))
			}
		default:
			require.NoError(t, r.Skip())
		}
	}
	require.Equal(t, []string{"x", "y", "z"}, got)
	require.NoError(t, r.End())
	require.Error(t, NewReader([]byte("Zx")).End())
	require.Error(t, NewReader([]byte("[$U#U\x01\x00")).Array(), "numbers where other things are expected")
	require.NoError(t, NewReader([]byte("[$U#U\x00")).Array())
	_, err := NewReader([]byte("U\x00")).Text()
	require.Error(t, err)
}

func TestLimits(t *testing.T) {
	for _, text := range []string{strings.Repeat("[", 66), strings.Repeat("[#U\x01", 66), strings.Repeat("{U\x01a", 1_000_000),
		"{I\x04\x01" + strings.Repeat("k", 1025) + "Z}", "Sl\x01\x00\x00\x01" + strings.Repeat("x", 16<<20+1)} {
		err := NewReader([]byte(text)).Skip()
		var limit *safeio.LimitError
		require.True(t, errors.As(err, &limit), "%.20q: %v", text, err)
	}
	require.NoError(t, NewReader([]byte(strings.Repeat("[", 64)+strings.Repeat("]", 64))).Skip())
}

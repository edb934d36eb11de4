package decimal

import (
	"bytes"
	"math"
	"strconv"
)

// AppendPython appends a number as Python's repr prints a float: the shortest decimal that reads back to the same float64, with
// a point or an exponent in it, and nan, inf or -inf. It is how SageMaker's container writes numbers, which are float32 values
// by then made float64.
func AppendPython(dst []byte, v float64) []byte {
	switch a := math.Abs(v); {
	case v != v:
		return append(dst, "nan"...)
	case v > math.MaxFloat64:
		return append(dst, "inf"...)
	case v < -math.MaxFloat64:
		return append(dst, "-inf"...)
	case a != 0 && (a < 1e-4 || a >= 1e16):
		return strconv.AppendFloat(dst, v, 'e', -1, 64)
	}
	start := len(dst)
	dst = strconv.AppendFloat(dst, v, 'f', -1, 64)
	if bytes.IndexByte(dst[start:], '.') < 0 {
		dst = append(dst, ".0"...)
	}
	return dst
}

package decimal

import (
	"math"
	"strconv"
)

// AppendFloat32 appends the shortest decimal text that reads back to the same float32: "nan", "inf" and "-inf" for what
// is not a number, and an exponent only where it is shorter, below 1e-6 and from 1e21 on.
func AppendFloat32(dst []byte, f float32) []byte {
	if n := int32(f); float32(n) == f && -1<<24 < n && n < 1<<24 { // whole numbers that float32 holds exactly
		if n == 0 && math.Signbit(float64(f)) {
			dst = append(dst, '-')
		}
		return strconv.AppendInt(dst, int64(n), 10)
	}
	v := float64(f)
	switch a := max(f, -f); {
	case f != f:
		return append(dst, "nan"...)
	case v > math.MaxFloat32 || v < -math.MaxFloat32:
		if v < 0 {
			dst = append(dst, '-')
		}
		return append(dst, "inf"...)
	case a < 1e-6 || a >= 1e21:
		dst = strconv.AppendFloat(dst, v, 'e', -1, 32)
		if n := len(dst); n >= 4 && dst[n-4] == 'e' && dst[n-2] == '0' { // e-07 is e-7
			dst[n-2] = dst[n-1]
			dst = dst[:n-1]
		}
		return dst
	}
	return strconv.AppendFloat(dst, v, 'f', -1, 32)
}

package f32math

import "math"

// logTable splits [0x1.66p-1, 0x1.66p0) in 16 parts. inv is near 1/c for c near the middle of a part, log is ln c.
var logTable = [16]struct{ inv, log float64 }{
	{0x1.661ec79f8f3bep+0, -0x1.57bf7808caadep-2},
	{0x1.571ed4aaf883dp+0, -0x1.2bef0a7c06ddbp-2},
	{0x1.49539f0f010b0p+0, -0x1.01eae7f513a67p-2},
	{0x1.3c995b0b80385p+0, -0x1.b31d8a68224e9p-3},
	{0x1.30d190c8864a5p+0, -0x1.6574f0ac07758p-3},
	{0x1.25e227b0b8ea0p+0, -0x1.1aa2bc79c8100p-3},
	{0x1.1bb4a4a1a343fp+0, -0x1.a4e76ce8c0e5ep-4},
	{0x1.12358f08ae5bap+0, -0x1.1973c5a611cccp-4},
	{0x1.0953f419900a7p+0, -0x1.252f438e10c1ep-5},
	{1, 0},
	{0x1.e608cfd9a47acp-1, 0x1.aa5aa5df25984p-5},
	{0x1.ca4b31f026aa0p-1, 0x1.c5e53aa362eb4p-4},
	{0x1.b2036576afce6p-1, 0x1.526e57720db08p-3},
	{0x1.9c2d163a1aa2dp-1, 0x1.bc2860d224770p-3},
	{0x1.886e6037841edp-1, 0x1.1058bc8a07ee1p-2},
	{0x1.767dcf5534862p-1, 0x1.4043057b6ee09p-2},
}

const (
	logOffset = 0x3F330000 // bits of the lower end of the range that logTable splits
	logLn2    = 0x1.62e42fefa39efp-1
	logA0     = -0x1.00ea348b88334p-2
	logA1     = 0x1.5575b0be00b6ap-2
	logA2     = -0x1.ffffef20a4123p-2
)

// Log returns the natural logarithm of x with the bits of glibc's logf: -Inf for both zeros, NaN for numbers below
// zero, +0 for 1.
func Log(x float32) float32 {
	switch {
	case x == 1:
		return 0
	case x == 0:
		return float32(math.Inf(-1))
	case x < 0 || x != x:
		return float32(math.NaN())
	case x > math.MaxFloat32:
		return x
	}
	bits := math.Float32bits(x)
	if bits < 1<<23 { // subnormal: scale into the normal range, and the exponent back
		bits = math.Float32bits(x*(1<<23)) - 23<<23
	}
	// x = 2^k * z, z is in part i of the table, and ln x = k ln 2 + ln c + ln(z/c).
	t := bits - logOffset
	i := t >> 19 % 16
	k := int32(t) >> 23
	z := float64(math.Float32frombits(bits - t&0xFF800000))
	r := math.FMA(z, logTable[i].inv, -1)
	y0 := math.FMA(float64(k), logLn2, logTable[i].log)
	r2 := float64(r * r)
	y := math.FMA(logA1, r, logA2)
	y = math.FMA(logA0, r2, y)
	y = math.FMA(y, r2, float64(y0+r))
	return float32(y)
}

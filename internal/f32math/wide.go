package f32math

import "math"

// ExpWide returns e to the power of x, computed in float64 and rounded, with the bits of float(exp(double(x))) with glibc. It
// differs from [Exp] in the last bit for a few arguments in a thousand.
func ExpWide(x float32) float32 {
	switch {
	case x != x:
		return x
	case x > 104: // far above MaxFloat32
		return float32(math.Inf(1))
	case x < -110: // far below the smallest float32
		return 0
	}
	const (
		ln2Hi = 0x1.62e42fefa0000p-6 // ln 2 / 32: few enough bits for k*ln2Hi to be exact
		ln2Lo = 0x1.cf79abc9e3b39p-45
	)
	// x = k/32 ln 2 + r with |r| <= ln 2 / 64; e^r is a polynomial of degree 6, whose rest is below 2^-58.
	xd := float64(x)
	kd := math.FMA(expInvLn2, xd, expShift)
	ki := math.Float64bits(kd)
	kd -= expShift
	r := math.FMA(kd, -ln2Lo, math.FMA(kd, -ln2Hi, xd))
	i := ki % 32
	s := math.Float64frombits(exp2Table[i] - i<<47 + ki<<47)
	y := math.FMA(r, 1./720, 1./120)
	y = math.FMA(r, y, 1./24)
	y = math.FMA(r, y, 1./6)
	y = math.FMA(r, y, 0.5)
	y = math.FMA(float64(r*r), y, r)
	return float32(math.FMA(s, y, s))
}

package f32math

import "math"

// The constants of this file and of log.go are those of Arm Optimized Routines, which glibc uses too:
// Copyright (c) 2017-2018 Arm Limited, MIT licence; see LICENSE.arm-optimized-routines beside this file.

// exp2Table holds, for i in [0, 32), the bits of 2^(i/32), correctly rounded. math.Exp2 rounds six of them wrongly.
var exp2Table = [32]uint64{
	0x3FF0000000000000, 0x3FF059B0D3158574, 0x3FF0B5586CF9890F, 0x3FF11301D0125B51,
	0x3FF172B83C7D517B, 0x3FF1D4873168B9AA, 0x3FF2387A6E756238, 0x3FF29E9DF51FDEE1,
	0x3FF306FE0A31B715, 0x3FF371A7373AA9CB, 0x3FF3DEA64C123422, 0x3FF44E086061892D,
	0x3FF4BFDAD5362A27, 0x3FF5342B569D4F82, 0x3FF5AB07DD485429, 0x3FF6247EB03A5585,
	0x3FF6A09E667F3BCD, 0x3FF71F75E8EC5F74, 0x3FF7A11473EB0187, 0x3FF82589994CCE13,
	0x3FF8ACE5422AA0DB, 0x3FF93737B0CDC5E5, 0x3FF9C49182A3F090, 0x3FFA5503B23E255D,
	0x3FFAE89F995AD3AD, 0x3FFB7F76F2FB5E47, 0x3FFC199BDD85529C, 0x3FFCB720DCEF9069,
	0x3FFD5818DCFBA487, 0x3FFDFC97337B9B5F, 0x3FFEA4AFA2A490DA, 0x3FFF50765B6E4540,
}

const (
	expOverflow  = 0x1.62e42ep6  // above it the result is +Inf
	expUnderflow = -0x1.9fe368p6 // below it the result is 0

	expInvLn2 = 0x1.71547652b82fep+0 * 32
	expShift  = 0x1.8p52 // adding it rounds a float64 to an integer, which then sits in the low bits
	expC0     = 0x1.c6af84b912394p-5 / (32 * 32 * 32)
	expC1     = 0x1.ebfce50fac4f3p-3 / (32 * 32)
	expC2     = 0x1.62e42ff0c52d6p-1 / 32
)

// Exp returns e to the power of x with the bits of glibc's expf: +Inf above about 88.72, 0 below about -103.97,
// subnormal results in between are exact, NaN for NaN.
func Exp(x float32) float32 {
	switch {
	case x != x:
		return x
	case x > expOverflow:
		return float32(math.Inf(1))
	case x < expUnderflow:
		return 0
	}
	// x = k/32 ln 2 + r/32 ln 2 with |r| <= 1/2, and e^x = 2^(k/32) * 2^(r/32). The second factor is a polynomial.
	xd := float64(x)
	kd := math.FMA(expInvLn2, xd, expShift)
	ki := math.Float64bits(kd)
	kd -= expShift
	r := math.FMA(expInvLn2, xd, -kd)
	// Adding ki << 47 adds k/32, rounded down, to the exponent; the table entry is corrected for the part it holds.
	i := ki % 32
	s := math.Float64frombits(exp2Table[i] - i<<47 + ki<<47)
	y := math.FMA(math.FMA(expC0, r, expC1), float64(r*r), math.FMA(expC2, r, 1))
	return float32(float64(y * s))
}

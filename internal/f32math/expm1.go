package f32math

import "math"

// Expm1 and Log1p take the steps of the C library of Sun Microsystems (fdlibm), as glibc does until 2.40; from 2.41 on it
// rounds correctly, which differs in the last bit for some arguments.
//
//	Copyright (C) 1993 by Sun Microsystems, Inc. All rights reserved.
//	Developed at SunPro, a Sun Microsystems, Inc. business. Permission to use, copy, modify, and distribute this
//	software is freely granted, provided that this notice is preserved.

const (
	ln2Hi = 0x1.62e300p-1  // 0x3F317180
	ln2Lo = 0x1.2fefa2p-17 // 0x3717F7D1
)

// Expm1 returns e to the power of x, minus 1, with the bits of glibc's expm1f.
func Expm1(x float32) float32 {
	const invLn2 = 0x1.715476p+0 // 0x3FB8AA3B
	size := math.Float32bits(x) & 0x7FFFFFFF
	negative := math.Signbit(float64(x))
	switch {
	case x != x:
		return x
	case negative && size >= 0x4195B844: // below -27 ln 2
		return -1
	case size >= 0x42B17218: // above 88.72
		return float32(math.Inf(1))
	case size < 0x33000000: // below 2^-25
		return x
	}
	// x = k ln 2 + r, with the rest of rounding r in c.
	var c float32
	k := int32(0)
	if size > 0x3EB17218 { // above 0.5 ln 2
		var hi, lo float32
		switch {
		case size >= 0x3F851592: // above 1.5 ln 2
			half := float32(0.5)
			if negative {
				half = -0.5
			}
			k = int32(float32(invLn2*x) + half)
			hi, lo = x-float32(float32(k)*ln2Hi), float32(float32(k)*ln2Lo)
		case negative:
			hi, lo, k = x+ln2Hi, -ln2Lo, -1
		default:
			hi, lo, k = x-ln2Hi, ln2Lo, 1
		}
		x = hi - lo
		c = (hi - x) - lo
	}
	h := float32(0.5 * x)
	z := float32(x * h)
	r := expm1Poly(z)
	t := 3 - float32(r*h)
	e := float32(z * ((r - t) / (6 - float32(x*t))))
	if k == 0 {
		return x - (float32(x*e) - z)
	}
	e = float32(x*(e-c)) - c
	e -= z
	switch {
	case k == -1:
		return float32(0.5*(x-e)) - 0.5
	case k == 1 && x < -0.25:
		return -2 * (e - (x + 0.5))
	case k == 1:
		return 1 + float32(2*(x-e))
	case k <= -2 || k > 56:
		return scale(1-(e-x), k) - 1
	case k < 23:
		return scale(math.Float32frombits(0x3F800000-0x1000000>>k)-(e-x), k) // 1 - 2^-k
	}
	return scale(x-(e+math.Float32frombits(uint32(0x7F-k)<<23))+1, k) // 2^-k
}

// scale adds k to the exponent of x.
func scale(x float32, k int32) float32 {
	return math.Float32frombits(math.Float32bits(x) + uint32(k)<<23)
}

// expm1Poly is the rational part of Expm1, a function of r*r/2.
func expm1Poly(z float32) float32 {
	const (
		q1 = -0x1.111112p-5  // 0xBD088889
		q2 = 0x1.a01a02p-10  // 0x3AD00D01
		q3 = -0x1.4ce19ap-14 // 0xB8A670CD
		q4 = 0x1.0cfca8p-18  // 0x36867E54
		q5 = -0x1.afdb76p-23 // 0xB457EDBB
	)
	y := q4 + float32(z*q5)
	y = q3 + float32(z*y)
	y = q2 + float32(z*y)
	y = q1 + float32(z*y)
	return 1 + float32(z*y)
}

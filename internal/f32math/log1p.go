package f32math

import "math"

// Log1p returns the natural logarithm of 1+x with the bits of glibc's log1pf; see [Expm1] for the releases of glibc.
func Log1p(x float32) float32 {
	bits := int32(math.Float32bits(x))
	size := bits & 0x7FFFFFFF
	switch {
	case x != x || x < -1:
		return float32(math.NaN())
	case x == -1:
		return float32(math.Inf(-1))
	case x > math.MaxFloat32:
		return x
	case size < 0x24800000: // below 2^-54
		return x
	case size < 0x31000000: // below 2^-29
		return x - float32(float32(x*x)*0.5)
	}
	// 1+x = 2^k * (1+f), where the rounding of 1+x is made good by c. part is 0 if f is tiny.
	k, f, part, c := int32(0), x, int32(1), float32(0)
	if bits >= 0x3ED413D7 || uint32(bits) > 0xBE95F61F { // beyond [-0.2929, 0.41422]
		u := x
		if bits < 0x5A000000 {
			u = 1 + x
		}
		part = int32(math.Float32bits(u))
		k = part>>23 - 127
		if bits < 0x5A000000 {
			if k > 0 {
				c = 1 - (u - x)
			} else {
				c = x - (u - 1)
			}
			c /= u
		}
		part &= 0x7FFFFF
		if part < 0x3504F7 {
			u = math.Float32frombits(uint32(part) | 0x3F800000)
		} else {
			k++
			u = math.Float32frombits(uint32(part) | 0x3F000000)
			part = (0x800000 - part) >> 2
		}
		f = u - 1
	}
	kHi, kLo := float32(float32(k)*ln2Hi), float32(float32(k)*ln2Lo)
	half := float32(float32(0.5*f) * f)
	if part == 0 {
		if f == 0 {
			return kHi + (c + kLo)
		}
		r := float32(half * (1 - float32(0x1.555556p-1*f)))
		if k == 0 {
			return f - r
		}
		return kHi - ((r - (kLo + c)) - f)
	}
	s := f / (2 + f)
	r := log1pPoly(float32(s * s))
	if k == 0 {
		return f - (half - float32(s*(half+r)))
	}
	return kHi - ((half - (float32(s*(half+r)) + (kLo + c))) - f)
}

// log1pPoly is the polynomial of Log1p in z = (f/(2+f))^2.
func log1pPoly(z float32) float32 {
	const (
		p1 = 0x1.555556p-1 // 0x3F2AAAAB
		p2 = 0x1.99999ap-2 // 0x3ECCCCCD
		p3 = 0x1.24924ap-2 // 0x3E924925
		p4 = 0x1.c71c52p-3 // 0x3E638E29
		p5 = 0x1.74664ap-3 // 0x3E3A3325
		p6 = 0x1.39a09ep-3 // 0x3E1CD04F
		p7 = 0x1.2f112ep-3 // 0x3E178897
	)
	y := p6 + float32(z*p7)
	y = p5 + float32(z*y)
	y = p4 + float32(z*y)
	y = p3 + float32(z*y)
	y = p2 + float32(z*y)
	y = p1 + float32(z*y)
	return float32(z * y)
}

package f32math

// sigmoidLimit keeps the exponential of [Sigmoid] finite, as XGBoost's common/math.h does.
const sigmoidLimit = 88.7

// Sigmoid returns 1/(1+e^-x) as XGBoost 1.6 and later compute it. A very negative x gives about 3.0e-39, never 0;
// x above about 17 gives 1; NaN gives NaN.
//
// XGBoost also adds 1e-16 to the denominator, which in float32 never changes a number of 1 or more.
func Sigmoid(x float32) float32 {
	m := -x
	if m > sigmoidLimit { // false for NaN, which passes
		m = sigmoidLimit
	}
	return 1 / float32(Exp(m)+1)
}

// SigmoidUnclamped is [Sigmoid] as XGBoost up to 1.5 computes it: below about -88.72 it is 0.
func SigmoidUnclamped(x float32) float32 { return 1 / float32(Exp(-x)+1) }

// Logit is the inverse of the sigmoid as XGBoost computes it for a base score p in (0, 1); Logit(0.5) is -0.
func Logit(p float32) float32 { return -Log(float32(1/p) - 1) }

// Softplus returns ln(1+e^x) as XGBoost computes it.
func Softplus(x float32) float32 {
	if x > 0 {
		return x + Log1p(Exp(-x))
	}
	return Log1p(Exp(x))
}

// SoftplusInverse is the inverse of [Softplus] as XGBoost computes it: arguments below 1e-6 count as 1e-6.
func SoftplusInverse(x float32) float32 {
	if !(x > 1e-6) {
		x = 1e-6
	}
	return x + Log(-Expm1(-x))
}

// Softmax replaces the margins in x by probabilities, as XGBoost's common/math.h does: exponentials in float32 of the
// distance to the largest margin, their sum in float64 and in order. One NaN makes all of them NaN. x must not be
// empty.
func Softmax(x []float32) {
	top := x[0]
	for _, v := range x[1:] {
		if v > top || top != top { // fmaxf: a NaN yields to a number
			top = v
		}
	}
	var sum float64
	for i, v := range x {
		e := Exp(v - top)
		x[i] = e
		sum += float64(e)
	}
	scale := float32(sum)
	for i := range x {
		x[i] /= scale
	}
}

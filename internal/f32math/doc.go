// Package f32math holds the float32 functions that stand between a margin and a prediction, with the bits that
// XGBoost produces on Linux.
//
// XGBoost calls the C library's expf and logf, and for one objective expm1f and log1pf. Going through float64
// (float32(math.Exp(float64(x)))) is not the same: it is one unit in the last place off for about one in 3000 inputs.
// [Exp] and [Log] therefore follow the algorithm of glibc 2.27 and later, step by step, and agree with glibc 2.36 on a
// machine with fused multiply-add on all 2^32 inputs; so do [Expm1] and [Log1p]. The package's tests hold digests of
// all, over every input and over a sample.
//
// All functions are pure, safe for concurrent use and allocate nothing. The payload and sign of a NaN result are
// unspecified; everything else is defined to the bit on every platform.
package f32math

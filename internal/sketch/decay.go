package sketch

import "math"

// powers are 2^(-i/8).
var powers = [8]float64{
	1.0000000000000000000000000000,
	0.9170040432046712317435415948,
	0.8408964152537145430311254762,
	0.7711054127039704118061459310,
	0.7071067811865475244008443621,
	0.6484197773255048329668770589,
	0.5946035575013605333587499853,
	0.5452538663326288296035053279,
}

// series are (-ln 2)^k / k! for k from 1.
var series = [10]float64{
	-0.6931471805599453094172321215,
	0.2402265069591007123335512632,
	-0.05550410866482157995314226376862,
	0.00961812910762847716197907157366,
	-0.00133335581464284434234122219880,
	0.00015403530393381609954437097333,
	-0.00001525273380405984028002543901,
	0.00000132154867901443094884037582,
	-1.0178086009239699727490008e-7,
	7.05491162080112332987539e-9,
}

// Decay returns 2^-x for x >= 0. With n and i the whole numbers for which 0 <= u = x - n - i/8 < 1/8, it is
//
//	2^-n * (2^(-i/8) * (1 + u*(c1 + u*(c2 + ... u*c10))))
//
// where c are the terms of series and every operation is rounded on its own. It is off by less than two units in the last place.
func Decay(x float64) float64 {
	if !(x < 1100) {
		return 0
	}
	n := int(x)
	u := x - float64(n)
	i := int(u * 8)
	u -= float64(i) / 8
	p := series[9]
	for k := 8; k >= 0; k-- {
		p = float64(p*u) + series[k]
	}
	p = float64(p*u) + 1
	return math.Ldexp(powers[i]*p, -n)
}

// PerSecond returns the rate to multiply a time in nanoseconds with, so that Decay of the product fades by e in so many
// seconds.
func PerSecond(seconds float64) float64 { return log2e / (seconds * 1e9) }

var log2e = math.Log2E // no constant, so that PerSecond is two roundings at run time

// Log2 returns the logarithm of x > 0 to the base 2. With x = m * 2^e, sqrt(1/2) <= m < sqrt(2), and s = (m - 1) / (m + 1), it is
//
//	e + s * (2/ln 2) * (1 + q*(1/3 + q*(1/5 + ... q*1/25))), q = s*s
//
// where every operation is rounded on its own.
func Log2(x float64) float64 {
	m, e := math.Frexp(x)
	if m < math.Sqrt2/2 {
		m *= 2
		e--
	}
	s := (m - 1) / (m + 1)
	q := s * s
	p := 1.0 / 25
	for k := 23; k >= 1; k -= 2 {
		p = float64(p*q) + 1/float64(k)
	}
	return float64(e) + float64(float64(s*(2/math.Ln2))*p)
}

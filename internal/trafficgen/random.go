package trafficgen

import (
	"math"
	"math/bits"
	"math/rand/v2"
)

// Microseconds in the units of the model.
const (
	millisecond = int64(1_000)
	second      = 1_000 * millisecond
	minute      = 60 * second
	hour        = 60 * minute
	day         = 24 * hour
)

// mix is a permutation of the 64-bit numbers that spreads near values far apart
// (the finalizer of the SplitMix64 generator).
func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// unit maps the high 53 bits of x to [0, 1).
func unit(x uint64) float64 { return float64(float64(x>>11) * (1.0 / (1 << 53))) }

// stream draws numbers. It uses only exactly rounded operations, so that equal
// seeds give equal numbers on every platform.
type stream struct{ pcg *rand.PCG }

func newStream(seed, name uint64) stream {
	return stream{rand.NewPCG(mix(seed), mix(name+0x7472616666696367))}
}

func (s stream) u64() uint64 { return s.pcg.Uint64() }

// float returns a number in [0, 1).
func (s stream) float() float64 { return unit(s.pcg.Uint64()) }

// below returns an integer in [0, n); n must be positive.
func (s stream) below(n int) int {
	hi, _ := bits.Mul64(s.pcg.Uint64(), uint64(n))
	return int(hi)
}

// between returns an integer in [lo, hi].
func (s stream) between(lo, hi int64) int64 {
	if hi <= lo {
		return lo
	}
	n, _ := bits.Mul64(s.pcg.Uint64(), uint64(hi-lo)+1)
	return lo + int64(n)
}

// chance is true with probability p.
func (s stream) chance(p float64) bool { return s.float() < p }

// wait returns an exponentially distributed time with the given mean, at least 1.
func (s stream) wait(mean int64) int64 {
	u := 1 - s.float()
	return 1 + int64(float64(mean)*-ln(u))
}

// jitter returns v changed by up to share of itself in either direction.
func (s stream) jitter(v int64, share float64) int64 {
	f := float64(share*(s.float()+s.float()-1)) + 1
	return int64(float64(v) * f)
}

// rank returns an index in [0, n) with heavy preference for low ones: the chance
// of being under r is the fourth root of r/n.
func (s stream) rank(n int) int { return rankOf(s.float(), n) }

func rankOf(u float64, n int) int {
	u *= u
	u *= u
	return int(u * float64(n))
}

// size draws from a curve and rounds down.
func (s stream) size(c curve) int64 { return int64(c.at(s.float())) }

// pick returns one of the strings.
func (s stream) pick(list ...string) string { return list[s.below(len(list))] }

// port returns an ephemeral port.
func (s stream) port() uint16 { return uint16(s.between(32768, 60999)) }

// knot is one point of a quantile function: share p of the values is below x.
type knot struct{ p, x float64 }

// curve is a quantile function. Between two knots the density falls with the
// square of the value, so a few knots make a heavy tail without exp and log.
// The first knot has p = 0, the last p = 1, and all x are positive.
type curve []knot

func (c curve) at(u float64) float64 {
	i := 1
	for i < len(c)-1 && u >= c[i].p {
		i++
	}
	a, b := c[i-1], c[i]
	v := (u - a.p) / (b.p - a.p)
	return a.x * b.x / (b.x - float64(v*(b.x-a.x)))
}

// ln is the natural logarithm of a positive number, written with + - * / only:
// math.Log may differ in the last bit between architectures.
func ln(x float64) float64 {
	m, e := math.Frexp(x)
	if m < math.Sqrt2/2 {
		m *= 2
		e--
	}
	t := (m - 1) / (m + 1)
	t2 := float64(t * t)
	sum, pow := 0.0, t
	for k := 1; k <= 23; k += 2 {
		sum += pow / float64(k)
		pow = float64(pow * t2)
	}
	return float64(2*sum) + float64(float64(e)*math.Ln2)
}

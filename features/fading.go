package features

import (
	"math"

	"threatdetect/internal/sketch"
)

// The spans in which counts of hosts fade by e. All but the last one are those of flows, bytes and packets.
const (
	in1s = iota
	in10s
	in60s
	in600s
	in3600s
	in24h
	numSpan

	sumSpans = in24h
)

var perSpan = [numSpan]float64{sketch.PerSecond(1), sketch.PerSecond(10), sketch.PerSecond(60), sketch.PerSecond(600), sketch.PerSecond(3600), sketch.PerSecond(86400)}

// decays are what counts are to be multiplied with, by span.
type decays [numSpan]float64

func decaysOver(dt float64) (d decays) {
	for i, k := range perSpan {
		d[i] = sketch.Decay(dt * k)
	}
	return d
}

// news is by how much a count of different things rises when one of them comes up again: each counts as much as is left of it since it
// came up last. So the count is a sum over things of what fades by e in the span. One that is fresh counts in full.
func news(fresh bool, decay float64) float64 {
	if fresh {
		return 1
	}
	return 1 - decay
}

// soon are counts of different things that fade in 1 and in 10 s. They are float32, so that a source has room for them in its 512 bytes: of
// so few flows as come in the span, rounding does not add up to much.
type soon [2]float32

// add fades the counts by d, and adds x.
func (c *soon) add(d, x *decays) {
	for i := range c {
		c[i] = float32(float64(float64(c[i])*d[in1s+i]) + x[in1s+i])
	}
}

// sums are what the flows of a host add up to, by span.
type sums struct{ flows, out, in, pkts [sumSpans]float64 }

// add fades the sums, and adds a flow if it counts.
func (s *sums) add(d *decays, count bool, out, in, pkts float64) {
	for i := range sumSpans {
		s.flows[i] *= d[i]
		s.out[i] *= d[i]
		s.in[i] *= d[i]
		s.pkts[i] *= d[i]
		if count {
			s.flows[i]++
			s.out[i] += out
			s.in[i] += in
			s.pkts[i] += pkts
		}
	}
}

// numbers are all of them, to be saved.
func (s *sums) numbers() (all []*float64) {
	for _, list := range []*[sumSpans]float64{&s.flows, &s.out, &s.in, &s.pkts} {
		for i := range list {
			all = append(all, &list[i])
		}
	}
	return all
}

// spread is mean and variance of a quantity that fade by e in a day.
type spread struct{ weight, mean, squares float64 }

func (s *spread) numbers() []*float64 { return []*float64{&s.weight, &s.mean, &s.squares} }

// add returns how far x is from the mean so far, in standard deviations, with the two, and counts x. What is missing gives missing and is not
// counted.
func (s *spread) add(x, decay float64, count bool) (z, mean, deviation float64) {
	s.weight *= decay
	s.squares *= decay
	z, mean, deviation = nan, nan, nan
	if s.weight > 0 {
		mean = s.mean
	}
	if s.weight >= 2 {
		deviation = math.Sqrt(s.squares / s.weight)
	}
	if x != x {
		return z, mean, deviation
	}
	off := x - s.mean
	if deviation > 0 {
		z = off / deviation
	}
	if count {
		s.weight++
		s.mean += off / s.weight
		s.squares += float64(off * (x - s.mean))
	}
	return z, mean, deviation
}

// since is how long ago last was, in nanoseconds.
func since(t, last int64) float64 { return float64(uint64(t) - uint64(last)) }

// portion is part of all, missing where all is nothing.
func portion(part, all float64) float32 {
	if all == 0 {
		return nan32
	}
	return round(part / all)
}

package evaluate

import (
	"math"
	"strconv"
)

// Number is a float64 whose JSON form is null where it is not a number or not finite.
type Number float64

// MarshalJSON implements json.Marshaler.
func (n Number) MarshalJSON() ([]byte, error) {
	if !n.Known() {
		return []byte("null"), nil
	}
	return strconv.AppendFloat(nil, float64(n), 'g', -1, 64), nil
}

// UnmarshalJSON implements json.Unmarshaler.
func (n *Number) UnmarshalJSON(b []byte) error {
	if string(b) == "null" {
		*n = Number(math.NaN())
		return nil
	}
	v, err := strconv.ParseFloat(string(b), 64)
	*n = Number(v)
	return err
}

// Known reports whether n is a finite number.
func (n Number) Known() bool { return !math.IsNaN(float64(n)) && !math.IsInf(float64(n), 0) }

// Interval is the range in which a figure lies with a confidence of 95 %.
type Interval struct {
	Low  Number `json:"low"`
	High Number `json:"high"`
}

// unknown is the interval of a figure that cannot be measured.
var unknown = Interval{Number(math.NaN()), Number(math.NaN())}

// ratio is a/b, NaN if b is 0.
func ratio[T int | int64 | float64](a, b T) Number { return Number(float64(a) / float64(b)) }

// Wilson returns the 95 % interval of a share of which found of n were counted (Wilson, 1927): it stays within 0 and 1,
// and says something also if found is 0 or n.
func Wilson(found, n int) Interval {
	if n == 0 {
		return unknown
	}
	const z = 1.959963984540054
	total, p := float64(n), float64(found)/float64(n)
	centre := p + z*z/(2*total)
	spread := z * math.Sqrt(p*(1-p)/total+z*z/(4*total*total))
	scale := 1 + z*z/total
	return Interval{Number(max(0, (centre-spread)/scale)), Number(min(1, (centre+spread)/scale))}
}

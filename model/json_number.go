package model

import (
	"math"
	"strconv"
)

func (r *jsonReader) Int() (int64, error) {
	r.peek()
	d, i := r.data, r.pos
	neg := i < len(d) && d[i] == '-'
	if neg {
		i++
	}
	first := i
	var v int64
	for ; i < len(d); i++ {
		c := d[i] - '0'
		if c > 9 {
			break
		}
		if v > (math.MaxInt64-int64(c))/10 {
			return 0, r.failf(r.pos, "integer out of the range of 64 bits")
		}
		v = 10*v + int64(c)
	}
	switch {
	case i == first, i > first+1 && d[first] == '0':
		return 0, r.unexpected("an integer")
	case i < len(d) && (d[i] == '.' || d[i] == 'e' || d[i] == 'E'):
		return 0, r.failf(r.pos, "expected an integer, found a number with a fraction or an exponent")
	}
	r.pos = i
	if neg {
		v = -v
	}
	return v, nil
}

// float32 reads a number and rounds its decimal text to the nearest float32, once.
func (r *jsonReader) float32() (float32, error) {
	switch r.peek() {
	case 'N', 'I', '-':
		if v, ok := r.nonFinite(); ok {
			return v, nil
		}
	}
	d, i := r.data, r.pos
	neg := i < len(d) && d[i] == '-'
	if neg {
		i++
	}
	var mantissa uint64 // of the first 19 digits, which 64 bits hold
	var digits, exponent int
	first := i
	for ; i < len(d) && d[i]-'0' <= 9; i++ {
		if digits < 19 {
			mantissa = 10*mantissa + uint64(d[i]-'0')
		}
		digits++
	}
	if i == first || i > first+1 && d[first] == '0' {
		return 0, r.unexpected("a number")
	}
	if i < len(d) && d[i] == '.' {
		i++
		fraction := i
		for ; i < len(d) && d[i]-'0' <= 9; i++ {
			if digits < 19 {
				mantissa = 10*mantissa + uint64(d[i]-'0')
			}
			digits++
		}
		if exponent = fraction - i; exponent == 0 {
			return 0, r.failf(i, "expected a digit after the decimal point")
		}
	}
	if i < len(d) && (d[i] == 'e' || d[i] == 'E') {
		i++
		minus := i < len(d) && d[i] == '-'
		if minus || i < len(d) && d[i] == '+' {
			i++
		}
		e, power := 0, i
		for ; i < len(d) && d[i]-'0' <= 9; i++ {
			e = min(10*e+int(d[i]-'0'), 1<<20) // far beyond any float, far below overflow
		}
		if i == power {
			return 0, r.failf(i, "expected a digit in the exponent")
		}
		if minus {
			e = -e
		}
		exponent += e
	}
	text := d[r.pos:i]
	r.pos = i
	if digits <= 19 {
		if v, ok := decimalToFloat32(mantissa, exponent); ok {
			if neg {
				v = -v
			}
			return v, nil
		}
	}
	// The syntax is right, so the only error left is a number out of range, for which ParseFloat gives the infinity it rounds to.
	v, _ := strconv.ParseFloat(string(text), 32)
	return float32(v), nil
}

func (r *jsonReader) nonFinite() (float32, bool) {
	switch {
	case r.word("NaN"):
		return float32(math.NaN()), true
	case r.word("Infinity"):
		return float32(math.Inf(1)), true
	case r.word("-Infinity"):
		return float32(math.Inf(-1)), true
	}
	return 0, false
}

// powers of ten that a float64 holds exactly
var powers = [...]float64{1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10,
	1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22}

// decimalToFloat32 rounds m * 10^e to float32 if that is possible without long arithmetic.
//
// Both factors being exact in float64, their product or quotient v is the true value rounded once. Rounding v again to float32 is wrong
// only where v lies exactly half-way between two float32 numbers while the true value does not: rounding is monotone and
// every such half-way point is a float64, so on either side of it v and the true value are on the same side. Those v are left to the
// slow way, as are results outside of float32's normal range, where the half-way points lie elsewhere.
func decimalToFloat32(m uint64, e int) (float32, bool) {
	if m == 0 {
		return 0, true
	}
	if m > 1<<53 || e < -22 || e > 22 {
		return 0, false
	}
	v := float64(m)
	if e < 0 {
		v /= powers[-e]
	} else {
		v *= powers[e]
	}
	const half, low = 1 << 28, 1<<29 - 1 // of the 29 bits of a float64's fraction that float32 has not
	if v < 0x1p-126 || v >= 0x1p127 || math.Float64bits(v)&low == half {
		return 0, false
	}
	return float32(v), true
}

// elements calls value at each element of an array of scalars.
func (r *jsonReader) elements(value func() error) error {
	if err := r.Array(); err != nil {
		return err
	}
	for i := 0; ; i++ {
		ok, err := r.More()
		if err != nil || !ok {
			return err
		}
		if err := value(); err != nil {
			return within(index("", i), at(int64(r.pos), err))
		}
	}
}

func (r *jsonReader) AppendInt32s(dst []int32) ([]int32, error) {
	err := r.elements(func() error {
		at := r.pos
		v, err := r.Int()
		if err != nil {
			return err
		}
		if v != int64(int32(v)) {
			return r.failf(at, "integer out of the range of 32 bits")
		}
		dst = append(dst, int32(v))
		return nil
	})
	return dst, err
}

func (r *jsonReader) AppendFloat32s(dst []float32) ([]float32, error) {
	err := r.elements(func() error {
		v, err := r.float32()
		dst = append(dst, v)
		return err
	})
	return dst, err
}

func (r *jsonReader) AppendBools(dst []bool) ([]bool, error) {
	err := r.elements(func() error {
		switch {
		case r.word("true"):
			dst = append(dst, true)
		case r.word("false"):
			dst = append(dst, false)
		default:
			v, err := r.Int()
			dst = append(dst, v == 1)
			return err
		}
		return nil
	})
	return dst, err
}

// Len is unknown: text has to be read to its end.
func (r *jsonReader) Len() int { return -1 }

func (r *jsonReader) AppendBytes(dst []byte) ([]byte, error) {
	err := r.elements(func() error {
		v, err := r.Int()
		if err == nil && (v < math.MinInt8 || v > math.MaxUint8) {
			return formatErrorf("%d is not a byte", v)
		}
		dst = append(dst, byte(v))
		return err
	})
	return dst, err
}

func (r *jsonReader) Numbers() (ints []int64, floats []float64, err error) {
	err = r.elements(func() error {
		start := r.pos
		if v, err := r.Int(); err == nil && floats == nil {
			ints = append(ints, v)
			return nil
		}
		r.pos = start
		var wide float64
		if v, ok := r.nonFinite(); ok {
			wide = float64(v)
		} else if _, err := r.float32(); err == nil { // it checks the syntax
			wide, _ = strconv.ParseFloat(string(r.data[start:r.pos]), 64)
		} else {
			return err
		}
		for _, v := range ints {
			floats = append(floats, float64(v))
		}
		ints, floats = nil, append(floats, wide)
		return nil
	})
	return ints, floats, err
}

package diagnose

import "math"

// Comparison is how far predictions are from those that were expected.
type Comparison struct {
	Rows   int // compared
	Values int // Rows times the values of a row

	DifferingRows   int    // rows with at least one value of other bits
	DifferingValues int    // values of other bits; all NaN are one value
	LargestULP      uint32 // largest distance of two values, counted in float32 numbers; MaxULP where one is NaN

	// Row and Column are the place of the first difference, from 0; -1 if there is none. Got and Want are the values there.
	Row, Column int
	Got, Want   float32
}

// MaxULP is the distance between NaN and a number.
const MaxULP = math.MaxUint32

// Equal tells that not a bit differs.
func (c *Comparison) Equal() bool { return c.DifferingValues == 0 }

// Compare compares got with want, both n x width and row-major, of which the shorter one decides how many whole rows are
// compared. Width is at least 1.
func Compare(got, want []float32, width int) Comparison {
	n := min(len(got), len(want)) / width
	c := Comparison{Rows: n, Values: n * width, Row: -1, Column: -1}
	last := -1
	for i := range n * width {
		if Same(got[i], want[i]) {
			continue
		}
		if c.DifferingValues++; c.DifferingValues == 1 {
			c.Row, c.Column, c.Got, c.Want = i/width, i%width, got[i], want[i]
		}
		if row := i / width; row != last {
			c.DifferingRows++
			last = row
		}
		c.LargestULP = max(c.LargestULP, ULP(got[i], want[i]))
	}
	return c
}

// Same tells whether two values have the same bits. All NaN are the same.
func Same(a, b float32) bool {
	return math.Float32bits(a) == math.Float32bits(b) || a != a && b != b
}

// ULP is how many float32 numbers lie from a to b. It is 0 from 0 to -0.
func ULP(a, b float32) uint32 {
	if a != a || b != b {
		if a != a && b != b {
			return 0
		}
		return MaxULP
	}
	x, y := place(a), place(b)
	if x > y {
		x, y = y, x
	}
	return uint32(y - x)
}

// place numbers the float32 values in their order.
func place(v float32) int64 {
	bits := math.Float32bits(v)
	n := int64(bits &^ (1 << 31))
	if bits>>31 == 1 {
		n = -n
	}
	return n
}

package forest

import "threatdetect/internal/kernel"

// Kernel is a way to score rows. All give the same bits.
type Kernel uint8

const (
	Auto    Kernel = iota // by the forest's shape and the number of rows
	Walk                  // the reference walker
	Heap                  // the heap walker
	Generic               // the portable block kernel, if it can do the forest
	AVX2                  // the block kernel of amd64 with AVX2, likewise
	AVX512                // the block kernel of amd64 with AVX-512, likewise
	NEON                  // the block kernel of arm64, likewise
)

// Kind is the block kernel that k names; ok is false if it names none.
func (k Kernel) Kind() (kind kernel.Kind, ok bool) {
	switch k {
	case Generic:
		return kernel.Generic, true
	case AVX2:
		return kernel.AVX2, true
	case AVX512:
		return kernel.AVX512, true
	case NEON:
		return kernel.NEON, true
	}
	return 0, false
}

// Matrix is where the values of rows are; see [kernel.Matrix].
type Matrix = kernel.Matrix

// Margins is [Forest.MatrixMargins] for len(rows)/NumFeature rows, one after the other.
func (f *Forest) Margins(dst, base, rows []float32, s *Scratch) {
	f.MatrixMargins(dst, base, Matrix{Data: rows, RowStride: f.NumFeature, ColumnStride: 1}, len(rows)/f.NumFeature, s)
}

// MatrixMargins writes the NumGroup margins of each of n rows, row by row. base holds the base margins,
// NumGroup for all rows or as many for each. The slices must have these lengths, m the values of n rows, and dst must not overlap the
// others. It does not allocate, but for the memory that s gets when it first meets a large batch or columns that are not adjacent.
func (f *Forest) MatrixMargins(dst, base []float32, m Matrix, n int, s *Scratch) {
	groups := f.NumGroup
	own := len(base) > groups
	if k := f.inBlocks(n); k > 0 && f.plan != nil {
		if s.block == nil {
			s.block = f.plan.NewScratch()
		}
		f.plan.Margins(dst, base, m, k, f.BaseLast, s.block)
		if n -= k; n == 0 {
			return
		}
		dst, m.Data = dst[k*groups:], m.Data[k*m.RowStride:]
		if own {
			base = base[k*groups:]
		}
	}
	if f.kernel != Walk {
		f.rowMargins(dst, base, m, n, s)
		return
	}
	for r := range n {
		f.WalkMargins(dst[r*groups:][:groups], base[:groups], f.row(m, r, s))
		if own && r < n-1 {
			base = base[groups:]
		}
	}
}

// MatrixLeaves writes, row by row, the number of the leaf of every tree that each of n rows ends in; see [Forest.MatrixMargins] for the rest. It is fastest for
// a forest by [CompileLeaves].
func (f *Forest) MatrixLeaves(dst []float32, m Matrix, n int, s *Scratch) {
	trees, k := f.NumTree(), 0
	if f.leafPlan != nil {
		if k = f.inBlocks(n); k > 0 {
			if s.block == nil {
				s.block = f.leafPlan.NewScratch()
			}
			f.leafPlan.Margins(dst, f.zeros, m, k, false, s.block)
		}
	}
	for r := k; r < n; r++ {
		if row, to := f.row(m, r, s), dst[r*trees:][:trees]; f.kernel == Walk {
			f.WalkLeaves(to, row)
		} else {
			f.Leaves(to, row, s)
		}
	}
}

// anyPlan is the plan of whatever f is for.
func (f *Forest) anyPlan() *kernel.Plan {
	if f.leafPlan != nil {
		return f.leafPlan
	}
	return f.plan
}

// row returns the values of a row, in s if those of m are not adjacent. Of columns that no split uses the values may be others.
func (f *Forest) row(m Matrix, r int, s *Scratch) []float32 {
	if m.ColumnStride == 1 {
		return m.Data[r*m.RowStride:][:f.NumFeature]
	}
	if s.row == nil {
		s.row = make([]float32, f.NumFeature)
	}
	for _, c := range f.columns {
		s.row[c] = m.Data[r*m.RowStride+int(c)*m.ColumnStride]
	}
	for i := range f.conditions {
		c := f.conditions[i].column
		s.row[c] = m.Data[r*m.RowStride+int(c)*m.ColumnStride]
	}
	return s.row
}

// inBlocks is how many of n rows the block kernel takes: all, or, if the last block would have too few, those of the others.
func (f *Forest) inBlocks(n int) int {
	if f.anyPlan() == nil || n < f.blockRows {
		return 0
	}
	if rest := n % f.anyPlan().Kind().Rows(); rest < f.blockRows {
		return n - rest
	}
	return n
}

// Part is the number of rows that n are best split into for several goroutines, or multiples of it: a block, or some if there are no blocks.
func (f *Forest) Part(n, some int) int {
	if f.inBlocks(n) > 0 {
		return f.anyPlan().Kind().Rows()
	}
	return some
}

// Cost is how many nanoseconds the margins, or leaves, of n rows take, roughly.
func (f *Forest) Cost(n int) float64 {
	if k := f.inBlocks(n); k > 0 {
		return float64(k) * f.blockCost / float64(f.anyPlan().Kind().Rows())
	}
	return float64(n) * f.oneCost
}

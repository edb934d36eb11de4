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
)

// Margins writes the NumGroup margins of each of some rows of NumFeature values, one row after the other. base holds the base margins,
// NumGroup for all rows or as many for each. The slices must have these lengths and dst must not overlap the others. It does not
// allocate, but for the memory that s gets when it first meets a large batch.
func (f *Forest) Margins(dst, base, rows []float32, s *Scratch) {
	width, groups := f.NumFeature, f.NumGroup
	own := len(base) > groups
	if n := f.inBlocks(len(rows) / width); n > 0 {
		if s.block == nil {
			s.block = f.plan.NewScratch()
		}
		m := kernel.Matrix{Data: rows, RowStride: width, ColumnStride: 1}
		f.plan.Margins(dst, base, m, n, f.BaseLast, s.block)
		dst, rows = dst[n*groups:], rows[n*width:]
		if own && len(rows) > 0 {
			base = base[n*groups:]
		}
	}
	if f.kernel != Walk {
		f.rowMargins(dst, base, rows, s)
		return
	}
	for ; len(rows) > 0; dst, rows = dst[groups:], rows[width:] {
		f.WalkMargins(dst[:groups], base[:groups], rows[:width])
		if own && len(rows) > width {
			base = base[groups:]
		}
	}
}

// inBlocks is how many of n rows the block kernel takes: all, or, if the last block would have too few, those of the others.
func (f *Forest) inBlocks(n int) int {
	if f.plan == nil || n < f.blockRows {
		return 0
	}
	if rest := n % f.plan.Kind().Rows(); rest < f.blockRows {
		return n - rest
	}
	return n
}

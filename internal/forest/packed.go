package forest

import (
	"math"
	"slices"

	"threatdetect/internal/kernel"
)

// Packing says which columns of rows are given as bits. It is for the forest that made it, and immutable.
type Packing struct {
	width   int
	columns []int32          // of the bits
	spans   []span           // of the others
	values  [2]float32       // that the bits stand for
	whole   []bool           // bytes of eight columns side by side
	eights  *[256][8]float32 // values of these; nil if there are none
	plan    *kernel.Packing
}

// span is columns side by side, from one on, and where they are among those that are no bits.
type span struct{ column, at, n int }

// Packed is rows of which some columns are bits: of row r, column c of the dense ones, in their order, is Dense[r*NumDense+c], and bit i has place i%8, counted from the lowest, in
// Bits[r*NumBytes+i/8].
type Packed struct {
	*Packing
	Dense []float32
	Bits  []byte
}

// NewPacking makes the packing for rows in which some columns, which are different and in [0, NumFeature), are bits that stand for off and on.
func (f *Forest) NewPacking(columns []int32, off, on float32) *Packing {
	x := NewPacking(f.NumFeature, columns, off, on)
	if f.plan != nil {
		x.plan = f.plan.NewPacking(columns, off, on)
	}
	return x
}

// NewPacking is [Forest.NewPacking] for rows of width columns that no forest takes as they are.
func NewPacking(width int, columns []int32, off, on float32) *Packing {
	x := &Packing{width: width, columns: slices.Clone(columns), values: [2]float32{off, on}}
	next := 0
	for i, c := range slices.Sorted(slices.Values(columns)) {
		if n := int(c) - next; n > 0 {
			x.spans = append(x.spans, span{next, next - i, n})
		}
		next = int(c) + 1
	}
	if n := width - next; n > 0 {
		x.spans = append(x.spans, span{next, next - len(columns), n})
	}
	x.whole = make([]bool, len(columns)/8)
	for i := range x.whole {
		x.whole[i] = true
		for k, c := range columns[8*i:][:8] {
			x.whole[i] = x.whole[i] && c == columns[8*i]+int32(k)
		}
		if x.whole[i] && x.eights == nil {
			x.eights = new([256][8]float32)
			for b := range x.eights {
				for k := range x.eights[b] {
					x.eights[b][k] = x.values[b>>k&1]
				}
			}
		}
	}
	return x
}

// NumDense is the number of values of a row, and NumBytes that of bytes of bits.
func (x *Packing) NumDense() int { return x.width - len(x.columns) }
func (x *Packing) NumBytes() int { return (len(x.columns) + 7) / 8 }

// Pack writes a row of all columns as values and bits, unless a column has another value than a bit can stand for, which is returned.
func (x *Packing) Pack(dense []float32, bits []byte, row []float32) (column int32, ok bool) {
	clear(bits)
	for i, c := range x.columns {
		switch value := row[c]; {
		case same(value, x.values[1]):
			bits[i/8] |= 1 << (i % 8)
		case !same(value, x.values[0]):
			return c, false
		}
	}
	for _, p := range x.spans {
		copy(dense[p.at:][:p.n], row[p.column:])
	}
	return 0, true
}

// Rows writes all columns of the rows from first on into dst, one after the other.
func (x *Packed) Rows(dst []float32, first int) {
	for r := first; len(dst) > 0; r, dst = r+1, dst[x.width:] {
		dense := x.Dense[r*x.NumDense():][:x.NumDense()]
		for _, p := range x.spans {
			copy(dst[p.column:][:p.n], dense[p.at:])
		}
		bits := x.Bits[r*x.NumBytes():][:x.NumBytes()]
		for i, b := range bits {
			columns := x.columns[8*i : min(8*i+8, len(x.columns))]
			if i < len(x.whole) && x.whole[i] {
				copy(dst[columns[0]:][:8], x.eights[b][:])
				continue
			}
			for _, c := range columns {
				dst[c] = x.values[b&1]
				b >>= 1
			}
		}
	}
}

// same tells that two values are the same, as all missing ones are.
func same(a, b float32) bool {
	return math.Float32bits(a) == math.Float32bits(b) || a != a && b != b
}

// maxPacked is how many bytes the rows may take that are made of packed ones at a time, beyond one.
const maxPacked = 4 << 20

// PackedMargins is [Forest.MatrixMargins] for the rows of x from first to first+n-1.
func (f *Forest) PackedMargins(dst, base []float32, x *Packed, first, n int, s *Scratch) {
	groups, own := f.NumGroup, 0
	if len(base) > groups {
		own = groups
	}
	most := s.rows
	if k := f.inBlocks(n); k > 0 && f.plan != nil {
		most = f.plan.Kind().Rows()
		if x.plan != nil && k > kernel.SmallRows {
			if s.block == nil {
				s.block = f.plan.NewScratch()
			}
			rows := kernel.Bits{Dense: x.Dense[first*x.NumDense():], Bits: x.Bits[first*x.NumBytes():]}
			f.plan.PackedMargins(dst, base, x.plan, rows, k, f.BaseLast, s.block)
			dst, first, n = dst[k*groups:], first+k, n-k
			if n == 0 {
				return
			}
			base = base[k*own:]
		}
	}
	// The others as floats, some at a time.
	most = max(min(most, maxPacked/4/f.NumFeature), 1)
	if len(s.packed) < most*f.NumFeature {
		s.packed = make([]float32, most*f.NumFeature)
	}
	for n > 0 {
		k := min(n, most)
		rows := s.packed[:k*f.NumFeature]
		x.Rows(rows, first)
		of := base
		if own > 0 {
			of, base = base[:k*own], base[k*own:]
		}
		if k == 1 {
			f.RowMargins(dst[:groups], of[:groups], rows, s)
		} else {
			f.Margins(dst[:k*groups], of, rows, s)
		}
		dst, first, n = dst[k*groups:], first+k, n-k
	}
}

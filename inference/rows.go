package inference

import (
	"fmt"
	"math"

	"threatdetect/internal/forest"
)

// Matrix is a view of rows that lie in a slice of the caller's, in one of two orders. Row r has in column c
//
//	Data[r*Stride + c]   or, if ByColumn,
//	Data[c*Stride + r]
//
// so that rows, or columns, may have other things between them. The zero Stride means that there is nothing: NumFeature, or Rows.
type Matrix struct {
	Data     []float32 // NaN is missing
	Rows     int
	Stride   int
	ByColumn bool

	// Base holds base margins for each row, Rows x NumGroup, row by row; nil stands for those of the model. See [Predictor.PredictFrom].
	Base []float32
}

// CSR is rows of which only some values are there, in the compressed form of sparse matrices: row r has Values[i] in column Columns[i], for i from
// Offsets[r] to Offsets[r+1]-1. What is absent is missing, exactly as a NaN in a dense row is; a zero that is there is a zero. A
// model for which zeros are missing, as one trained on LIBSVM files or on sparse matrices, is given rows without zeros.
//
// Columns need not be in order. Of several values in one column of a row the last counts, and a NaN may be there.
type CSR struct {
	Offsets []int   // one more than rows, ascending, within Columns; not necessarily from 0
	Columns []int32 // in [0, NumFeature)
	Values  []float32

	// Base holds base margins for each row, as in [Matrix].
	Base []float32
}

// Rows is the number of rows.
func (x *CSR) Rows() int { return max(len(x.Offsets)-1, 0) }

// input is the rows of a call.
type input struct {
	matrix forest.Matrix
	csr    forest.Sparse
	sparse bool
	packed forest.Packed // if it has a packing
	n      int
	base   []float32 // for each row, or nil
}

// form numbers the forms by what a scratch needs for them.
func (in *input) form() int {
	switch {
	case in.packed.Packing != nil:
		return 3
	case in.sparse:
		return 2
	case in.matrix.ColumnStride != 1:
		return 1
	}
	return 0
}

// dense makes the input of n rows that lie one after the other.
func (p *Predictor) dense(rows, base []float32) input {
	return input{
		matrix: forest.Matrix{Data: rows, RowStride: p.numFeature, ColumnStride: 1},
		n:      len(rows) / p.numFeature,
		base:   base,
	}
}

// matrix checks m and makes an input of it.
func (p *Predictor) matrix(op string, dst []float32, m Matrix) (input, error) {
	width, height := p.numFeature, m.Rows // of what lies together, and how often
	if m.ByColumn {
		width, height = m.Rows, p.numFeature
	}
	stride := m.Stride
	if stride == 0 {
		stride = width
	}
	switch {
	case m.Rows < 0:
		return input{}, &ShapeError{Op: op, What: "Rows", Got: m.Rows, Want: 0}
	case stride < width:
		return input{}, &ShapeError{Op: op, What: "Stride", Got: stride, Want: width}
	}
	// The last part may end where its values do. The product is taken only where it cannot overflow.
	if m.Rows > 0 && (len(m.Data) < width || (len(m.Data)-width)/stride < height-1) {
		want := math.MaxInt
		if stride <= (math.MaxInt-width)/height {
			want = (height-1)*stride + width
		}
		return input{}, &ShapeError{Op: op, What: "Data", Got: len(m.Data), Want: want}
	}
	if err := p.checkBase(op, m.Base, m.Rows); err != nil {
		return input{}, err
	}
	in := input{n: m.Rows, base: m.Base}
	if m.Rows > 0 {
		m.Data = m.Data[:(height-1)*stride+width] // what lies behind is nobody's business
	}
	in.matrix = forest.Matrix{Data: m.Data, RowStride: stride, ColumnStride: 1}
	if m.ByColumn {
		in.matrix.RowStride, in.matrix.ColumnStride = 1, stride
	}
	return in, p.checkDst(op, dst, in.n)
}

// csr checks x and makes an input of it.
func (p *Predictor) csr(op string, dst []float32, x *CSR) (input, error) {
	n := x.Rows()
	switch {
	case len(x.Offsets) == 0:
		return input{}, &ShapeError{Op: op, What: "Offsets", Got: 0, Want: 1}
	case len(x.Values) != len(x.Columns):
		return input{}, &ShapeError{Op: op, What: "Values", Got: len(x.Values), Want: len(x.Columns)}
	}
	if err := p.checkBase(op, x.Base, n); err != nil {
		return input{}, err
	}
	before := 0
	for i, offset := range x.Offsets {
		if offset < before || offset > len(x.Columns) {
			return input{}, &SparseError{Op: op, Row: max(i-1, 0), What: "offset", Got: offset, Min: before, Max: len(x.Columns)}
		}
		before = offset
	}
	limit := uint32(min(p.numFeature, math.MaxInt32))
	for i, column := range x.Columns[x.Offsets[0]:before] {
		if uint32(column) >= limit {
			row := 0
			for x.Offsets[row+1] <= x.Offsets[0]+i {
				row++
			}
			return input{}, &SparseError{Op: op, Row: row, What: "column", Got: int(column), Min: 0, Max: p.numFeature - 1}
		}
	}
	in := input{csr: forest.Sparse{Offsets: x.Offsets, Columns: x.Columns, Values: x.Values}, sparse: true, n: n, base: x.Base}
	return in, p.checkDst(op, dst, n)
}

func (p *Predictor) checkBase(op string, base []float32, n int) error {
	if base != nil && len(base) != n*p.numGroup {
		return &ShapeError{Op: op, What: "Base", Got: len(base), Want: n * p.numGroup}
	}
	return nil
}

func (p *Predictor) checkDst(op string, dst []float32, n int) error {
	if len(dst) != n*p.numOutput {
		return &ShapeError{Op: op, What: "dst", Got: len(dst), Want: n * p.numOutput}
	}
	return nil
}

// copyRows writes the rows from first on into dst, one after the other.
func (in *input) copyRows(dst []float32, width, first int) {
	if in.packed.Packing != nil {
		in.packed.Rows(dst, first)
		return
	}
	n := len(dst) / width
	if in.sparse {
		nan := float32(math.NaN())
		for i := range dst {
			dst[i] = nan
		}
		for r := range n {
			row := dst[r*width:][:width]
			for i := in.csr.Offsets[first+r]; i < in.csr.Offsets[first+r+1]; i++ {
				row[in.csr.Columns[i]] = in.csr.Values[i]
			}
		}
		return
	}
	m := in.matrix
	for r := range n {
		row := dst[r*width:][:width]
		for c := range row {
			row[c] = m.Data[(first+r)*m.RowStride+c*m.ColumnStride]
		}
	}
}

// SparseError says what is wrong with a [CSR]. Nothing was written.
type SparseError struct {
	Op       string // the method, for example "PredictCSR"
	Row      int
	What     string // "offset" or "column"
	Got      int
	Min, Max int // what it could be
}

func (e *SparseError) Error() string {
	return fmt.Sprintf("inference: %s: row %d has the %s %d, want %d to %d", e.Op, e.Row, e.What, e.Got, e.Min, e.Max)
}

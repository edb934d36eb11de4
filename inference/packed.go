package inference

import (
	"fmt"
	"math"

	"threatdetect/internal/forest"
)

// Packing says which columns of a model's rows are given as bits, as one-hot columns can be: what a row of them takes is a 32nd of the memory, and
// reading memory is much of what such rows cost. [Predictor.NewPacking] makes one. It is immutable and safe for concurrent use.
type Packing struct {
	p       *Predictor
	columns int
	forest  *forest.Packing
}

// Packed is rows of which some columns are bits. Row r has, of the columns that are no bits, in the model's order, the values
//
//	Dense[r*NumDense : (r+1)*NumDense]
//
// NaN being missing, and the i-th column of the packing is the bit
//
//	Bits[r*NumBytes + i/8] >> (i%8) & 1
//
// which stands for one of the two values of the packing. Bits behind the last column are not looked at. The number of rows is that of Bits by NumBytes.
//
// That is what numpy.packbits(x, axis=1, bitorder="little") gives for the columns of a matrix, and what [Packing.Pack] makes of rows.
type Packed struct {
	Packing *Packing
	Dense   []float32
	Bits    []byte

	// Base holds base margins for each row, as in [Matrix].
	Base []float32
}

// NewPacking makes a packing of the given columns, in the order of their bits. A bit that is not set stands for off, and one that is set for on: 0 and 1, for
// one-hot columns; NaN and 1 where the model was trained on rows of which zeros are missing, as those of LIBSVM files are. So a bit column
// is missing where its value is NaN, and nowhere else; rows that miss some of these columns and have zeros in others have to be given as floats. No
// column, one that is not in [0, NumFeature), and one that is there twice are a [*PackingError].
func (p *Predictor) NewPacking(columns []int, off, on float32) (*Packing, error) {
	if len(columns) == 0 {
		return nil, &PackingError{Op: "NewPacking", What: "no columns"}
	}
	list, seen := make([]int32, 0, len(columns)), make(map[int]bool, len(columns))
	for i, c := range columns {
		if c < 0 || c >= min(p.numFeature, math.MaxInt32) {
			return nil, &PackingError{Op: "NewPacking", What: fmt.Sprintf("bit %d is of column %d, want 0 to %d", i, c, p.numFeature-1), Column: c}
		}
		if seen[c] {
			return nil, &PackingError{Op: "NewPacking", What: fmt.Sprintf("bit %d is of column %d again", i, c), Column: c}
		}
		seen[c] = true
		list = append(list, int32(c))
	}
	k := &Packing{p: p, columns: len(list)}
	if p.forest != nil {
		k.forest = p.forest.NewPacking(list, off, on)
	} else {
		k.forest = forest.NewPacking(p.numFeature, list, off, on)
	}
	return k, nil
}

// NumDense is the number of values of a row that are no bits.
func (k *Packing) NumDense() int { return k.forest.NumDense() }

// NumBytes is the number of bytes of bits of a row: an eighth of the number of columns that are bits, rounded up.
func (k *Packing) NumBytes() int { return k.forest.NumBytes() }

// Pack makes of rows, one after the other, what [Packed] has: NumDense values and NumBytes bytes of each, for which there has to be room. A column that has
// another value than its bit can stand for is a [*PackingError], -0 where a bit stands for 0 as well; rows before it were written. Wrong lengths are a [*ShapeError].
func (k *Packing) Pack(dense []float32, bits []byte, rows []float32) error {
	width := k.p.numFeature
	n := len(rows) / width
	switch {
	case len(rows)%width != 0:
		return &ShapeError{Op: "Pack", What: "rows", Got: len(rows), Want: width}
	case len(dense) != n*k.NumDense():
		return &ShapeError{Op: "Pack", What: "Dense", Got: len(dense), Want: n * k.NumDense()}
	case len(bits) != n*k.NumBytes():
		return &ShapeError{Op: "Pack", What: "Bits", Got: len(bits), Want: n * k.NumBytes()}
	}
	for r := range n {
		row := rows[r*width:][:width]
		if c, ok := k.forest.Pack(dense[r*k.NumDense():][:k.NumDense()], bits[r*k.NumBytes():][:k.NumBytes()], row); !ok {
			return &PackingError{Op: "Pack", What: fmt.Sprintf("row %d has %v in column %d, for which no bit stands", r, row[c], c), Row: r, Column: int(c)}
		}
	}
	return nil
}

// PredictPacked is [Predictor.PredictBatch] for rows of which some columns are bits, and has the bits of the same rows as floats. Of batches, blocks of rows take such
// columns as they are, unless the model asks many things of one of them. Few rows, those of other kernels, and those for outputs other than [Value] and [Margin] become rows of floats first,
// some at a time, which takes longer than to be given them. Errors are [*ShapeError] and [*PackingError]; nothing was written then.
func (p *Predictor) PredictPacked(dst []float32, x Packed) error {
	in, err := p.packed("PredictPacked", dst, &x)
	if err != nil {
		return err
	}
	p.run(dst, &in)
	return nil
}

// PredictPacked is [Predictor.PredictPacked].
func (s *Session) PredictPacked(dst []float32, x Packed) error {
	in, err := s.p.packed("PredictPacked", dst, &x)
	return s.score(dst, &in, err)
}

// packed checks x and makes an input of it.
func (p *Predictor) packed(op string, dst []float32, x *Packed) (input, error) {
	k := x.Packing
	if k == nil || k.p != p {
		return input{}, &PackingError{Op: op, What: "the packing is of another predictor, or none"}
	}
	n := len(x.Bits) / k.NumBytes()
	if len(x.Bits)%k.NumBytes() != 0 {
		return input{}, &ShapeError{Op: op, What: "Bits", Got: len(x.Bits), Want: k.NumBytes()}
	}
	if width := k.NumDense(); len(x.Dense) != n*width || width > 0 && n > math.MaxInt/width {
		return input{}, &ShapeError{Op: op, What: "Dense", Got: len(x.Dense), Want: n * width}
	}
	if err := p.checkBase(op, x.Base, n); err != nil {
		return input{}, err
	}
	in := input{packed: forest.Packed{Packing: k.forest, Dense: x.Dense, Bits: x.Bits}, n: n, base: x.Base}
	return in, p.checkDst(op, dst, n)
}

// PackingError says what is wrong with a [Packing], or with rows for it.
type PackingError struct {
	Op          string // the method, for example "NewPacking"
	What        string
	Row, Column int // where, if it is somewhere
}

func (e *PackingError) Error() string { return fmt.Sprintf("inference: %s: %s", e.Op, e.What) }

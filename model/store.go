package model

// treeStore makes the arrays of trees. A booster has thousands of short ones: they are cut from large pieces, and
// what is read without knowing its length first is collected in a scratch array. A length that a document knows is backed by bytes.
type treeStore struct {
	ints        slab[int32]
	floats      slab[float32]
	flags       slab[bool]
	intBuffer   []int32
	floatBuffer []float32
	flagBuffer  []bool
}

func (s *treeStore) int32s(doc document) (_ []int32, err error) {
	if n := doc.Len(); n >= 0 {
		return doc.AppendInt32s(s.ints.take(n)[:0])
	}
	s.intBuffer, err = doc.AppendInt32s(s.intBuffer[:0])
	return s.ints.clone(s.intBuffer), err
}

func (s *treeStore) float32s(doc document) (_ []float32, err error) {
	if n := doc.Len(); n >= 0 {
		return doc.AppendFloat32s(s.floats.take(n)[:0])
	}
	s.floatBuffer, err = doc.AppendFloat32s(s.floatBuffer[:0])
	return s.floats.clone(s.floatBuffer), err
}

func (s *treeStore) bools(doc document) (_ []bool, err error) {
	if n := doc.Len(); n >= 0 {
		return doc.AppendBools(s.flags.take(n)[:0])
	}
	s.flagBuffer, err = doc.AppendBools(s.flagBuffer[:0])
	return s.flags.clone(s.flagBuffer), err
}

// slab cuts slices from pieces whose size doubles up to maxSlab elements.
type slab[T any] struct {
	free []T
	size int
}

const (
	minSlab = 1 << 9
	maxSlab = 1 << 16
)

// take returns a slice of n zero elements and no spare capacity.
func (s *slab[T]) take(n int) []T {
	if n > len(s.free) {
		if n > s.size/4 && n > minSlab {
			return make([]T, n)
		}
		s.size = min(max(2*s.size, minSlab), maxSlab)
		s.free = make([]T, max(s.size, n))
	}
	piece := s.free[:n:n]
	s.free = s.free[n:]
	return piece
}

func (s *slab[T]) clone(src []T) []T {
	dst := s.take(len(src))
	copy(dst, src)
	return dst
}

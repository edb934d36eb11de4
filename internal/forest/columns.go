package forest

import "slices"

// maxDense is the number of columns up to which one that is not used takes memory while a forest is compiled.
const maxDense = 1 << 16

// columnSet is some of the columns of a booster.
type columnSet struct {
	dense  []bool // by column, if there are not too many
	sparse map[int32]struct{}
}

func newColumnSet(numFeature int) columnSet {
	if numFeature <= maxDense {
		return columnSet{dense: make([]bool, numFeature)}
	}
	return columnSet{sparse: map[int32]struct{}{}}
}

func (s *columnSet) add(column int32) {
	if s.dense != nil {
		s.dense[column] = true
		return
	}
	s.sparse[column] = struct{}{}
}

// sorted returns the columns of the set.
func (s *columnSet) sorted() (columns []int32) {
	for c, used := range s.dense {
		if used {
			columns = append(columns, int32(c))
		}
	}
	for c := range s.sparse {
		columns = append(columns, c)
	}
	slices.Sort(columns)
	return columns
}

// columnPlaces tells where columns are among the used ones, which are ascending.
type columnPlaces struct {
	dense  []int32 // by column, if there are not too many
	sorted []int32
}

func (f *Forest) columnPlaces() columnPlaces {
	p := columnPlaces{sorted: f.columns}
	if f.NumFeature <= maxDense {
		p.dense = make([]int32, f.NumFeature)
		for i, c := range f.columns {
			p.dense[c] = int32(i)
		}
	}
	return p
}

// of returns the place of a used column.
func (p *columnPlaces) of(column int) int {
	if p.dense != nil {
		return int(p.dense[column])
	}
	i, _ := slices.BinarySearch(p.sorted, int32(column))
	return i
}

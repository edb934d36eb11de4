package forest

import (
	"cmp"
	"math"
	"slices"

	"threatdetect/internal/heapwalk"
)

// Sparse is rows of which only some values are there; the others are missing. Those of row r are Values[i] in the columns Columns[i], for i from
// Offsets[r] to Offsets[r+1]-1. Of several in one column the last counts.
type Sparse struct {
	Offsets []int
	Columns []int32 // in [0, NumFeature)
	Values  []float32
}

// row returns the columns and values of row r.
func (x *Sparse) row(r int) ([]int32, []float32) {
	return x.Columns[x.Offsets[r]:x.Offsets[r+1]], x.Values[x.Offsets[r]:x.Offsets[r+1]]
}

const (
	// maxStaged is how many bytes a block of sparse rows may take when it is laid out for the block kernel.
	maxStaged = 4 << 20
	// fillCost is how many values can be made missing one after the other in the time that one takes by itself.
	fillCost = 24
	// maxIndexed is the most columns of a table of columns.
	maxIndexed = 1 << 20
)

// sparseIndex is what the columns of sparse rows are for. It is made when the first of such rows come.
type sparseIndex struct {
	slots []uint32     // first wide slots of Forest.columns
	ranks []rankPlace  // where Forest.columns are ranked, if splits are narrow
	order []int32      // numbers of the conditions in the order of their columns
	table []columnUses // by column; nil if they are too many
}

// columnUses is where the uses of a column are, plus 1, or 0 if there is none.
type columnUses struct {
	numeric int32 // in Forest.columns
	tested  int32 // first in sparseIndex.order
}

type rankPlace struct{ pack, tree int32 }

func (f *Forest) newSparseIndex() *sparseIndex {
	x := &sparseIndex{slots: f.wideSlots(), ranks: make([]rankPlace, len(f.columns)), order: make([]int32, len(f.conditions))}
	for i := range f.ranks {
		for k, c := range f.ranks[i].columns {
			x.ranks[c] = rankPlace{int32(i), int32(k)}
		}
	}
	for i := range x.order {
		x.order[i] = int32(i)
	}
	slices.SortStableFunc(x.order, func(a, b int32) int { return cmp.Compare(f.conditions[a].column, f.conditions[b].column) })
	if f.NumFeature > maxIndexed {
		return x
	}
	x.table = make([]columnUses, f.NumFeature)
	for c, column := range f.columns {
		x.table[column].numeric = int32(c) + 1
	}
	for i := len(x.order) - 1; i >= 0; i-- {
		x.table[f.conditions[x.order[i]].column].tested = int32(i) + 1
	}
	return x
}

func (x *sparseIndex) uses(f *Forest, column int32) (u columnUses) {
	if x.table != nil {
		return x.table[column]
	}
	if c, ok := slices.BinarySearch(f.columns, column); ok {
		u.numeric = int32(c) + 1
	}
	i, ok := slices.BinarySearchFunc(x.order, column, func(i, c int32) int { return cmp.Compare(f.conditions[i].column, c) })
	if ok {
		u.tested = int32(i) + 1
	}
	return u
}

// sparseScratch is laid out as if all values were missing, whenever no row is at work.
type sparseScratch struct {
	keys   *Scratch
	rows   []float32 // dense, for trees that are walked node by node; nil if there are none
	staged []float32 // a block, column by column; nil until there is one
	filler [1024]float32
}

func (f *Forest) newSparseScratch() *sparseScratch {
	s := &sparseScratch{keys: f.NewScratch(), filler: [1024]float32(missing(1024))}
	walked := f.kernel == Walk || slices.ContainsFunc(f.runs, func(r run) bool { return !r.heap })
	if walked {
		s.keys.rows = 1
		s.rows = missing(f.NumFeature)
	}
	k := s.keys
	for i := range k.wide {
		k.wide[i] = heapwalk.WideKey(keyMissingLeft)
		if i%f.numWide()%2 == 1 { // conditions, which are behind the columns, follow
			k.wide[i] = heapwalk.WideKey(keyMissingRight)
		}
	}
	for i := range k.narrow {
		k.narrow[i] = heapwalk.NarrowKey(0)
		if i%f.numNarrow()%2 == 1 {
			k.narrow[i] = heapwalk.NarrowKey(rankMissingRight)
		}
	}
	for r := range k.rows {
		for i := range f.tests {
			f.setTest(k, r, i, float32(math.NaN()))
		}
	}
	return s
}

func missing(n int) []float32 { return slices.Repeat([]float32{float32(math.NaN())}, n) }

// SparseMargins is [Forest.MatrixMargins] for the rows of x from first to first+n-1. What takes its time is the values that are there, and the
// trees.
func (f *Forest) SparseMargins(dst, base []float32, x *Sparse, first, n int, s *Scratch) {
	index := f.index()
	if s.sparse == nil {
		s.sparse = f.newSparseScratch()
	}
	groups, own := f.NumGroup, 0
	if len(base) > groups {
		own = groups
	}
	blocks := f.inBlocks(n)
	if f.plan == nil || f.stagedStride()*f.NumFeature*4 > maxStaged {
		blocks = 0
	}
	for n > 0 {
		k := 0
		if blocks > 0 {
			k = min(blocks, f.plan.Kind().Rows())
			blocks -= k
			f.stagedMargins(dst[:k*groups], base, index, x, first, k, s)
		} else {
			k = min(n, s.sparse.keys.rows)
			f.sparseMargins(dst[:k*groups], base, index, x, first, k, s.sparse)
		}
		first, n, dst = first+k, n-k, dst[k*groups:]
		if n > 0 {
			base = base[k*own:]
		}
	}
}

func (f *Forest) stagedStride() int {
	if f.plan == nil {
		return 0
	}
	return f.plan.Kind().Rows() + 16 // not to have all columns compete for the same sets of a cache
}

// stagedMargins is SparseMargins for a block.
func (f *Forest) stagedMargins(dst, base []float32, index *sparseIndex, x *Sparse, first, k int, s *Scratch) {
	stride := f.stagedStride()
	if s.sparse.staged == nil {
		s.sparse.staged = missing(stride * f.NumFeature)
	}
	if s.block == nil {
		s.block = f.plan.NewScratch()
	}
	staged := s.sparse.staged
	for r := range k {
		columns, values := x.row(first + r)
		values = values[:len(columns)]
		for i, c := range columns {
			staged[int(c)*stride+r] = values[i]
		}
	}
	f.plan.Margins(dst, base, Matrix{Data: staged, RowStride: 1, ColumnStride: stride}, k, f.BaseLast, s.block)
	if values := x.Offsets[first+k] - x.Offsets[first]; values > len(staged)/fillCost {
		for len(staged) > 0 { // all of it, which runs through memory
			staged = staged[copy(staged, s.sparse.filler[:]):]
		}
		return
	}
	nan := float32(math.NaN())
	for r := range k {
		columns, _ := x.row(first + r)
		for _, c := range columns {
			staged[int(c)*stride+r] = nan
		}
	}
}

// sparseMargins is SparseMargins for a few rows without a block.
func (f *Forest) sparseMargins(dst, base []float32, index *sparseIndex, x *Sparse, first, k int, s *sparseScratch) {
	for r := range k {
		columns, values := x.row(first + r)
		for i, c := range columns {
			f.setKeys(index, s, r, c, values[i])
		}
	}
	if f.kernel == Walk {
		f.WalkMargins(dst, base[:f.NumGroup], s.rows)
	} else {
		f.keyMargins(dst, base, Matrix{Data: s.rows, ColumnStride: 1}, 0, k, s.keys)
	}
	for r := range k {
		columns, _ := x.row(first + r)
		for _, c := range columns {
			f.setKeys(index, s, r, c, float32(math.NaN()))
		}
	}
}

// setKeys writes a value into the keys of row r.
func (f *Forest) setKeys(index *sparseIndex, s *sparseScratch, r int, column int32, x float32) {
	if s.rows != nil {
		s.rows[column] = x
	}
	u := index.uses(f, column)
	wide := s.keys.wide[r*f.numWide():][:f.numWide()]
	var narrow []uint32
	if f.narrow {
		narrow = s.keys.narrow[r*f.numNarrow():][:f.numNarrow()]
	}
	if u.numeric > 0 {
		c := u.numeric - 1
		left, right := uint32(keyMissingLeft), uint32(keyMissingRight)
		if x == x {
			left = heapwalk.Order(math.Float32bits(x))
			right = left
		}
		if f.narrow {
			pair := narrow[2*c:][:2]
			if x == x {
				rank := f.rankOf(index.ranks[c], left)
				pair[0], pair[1] = heapwalk.NarrowKey(rank), heapwalk.NarrowKey(rank)
			} else {
				pair[0], pair[1] = heapwalk.NarrowKey(0), heapwalk.NarrowKey(rankMissingRight)
			}
		} else {
			pair := wide[index.slots[c]:][:2]
			pair[0], pair[1] = heapwalk.WideKey(left), heapwalk.WideKey(right)
		}
	}
	if u.tested == 0 || f.tests == 0 {
		return
	}
	for _, i := range index.order[u.tested-1:] {
		if f.conditions[i].column != column {
			break
		}
		f.setTest(s.keys, r, int(i), x)
	}
}

// setTest writes the key of a condition for a value into the keys of row r.
func (f *Forest) setTest(s *Scratch, r, i int, x float32) {
	key := heapwalk.WideKey(f.conditions[i].key(x))
	s.wide[(r+1)*f.numWide()-f.tests+i] = key
	if f.narrow {
		s.narrow[(r+1)*f.numNarrow()-f.tests+i] = narrowTest(key)
	}
}

// rankOf finds the rank of one value.
func (f *Forest) rankOf(at rankPlace, value uint32) uint16 {
	p := &f.ranks[at.pack].packs
	j := p.Trees + int(at.tree)
	for range p.Depth {
		j *= 2
		if p.Nodes[j/2]>>32 <= uint64(value) {
			j++
		}
	}
	return uint16(j & (1<<p.Depth - 1))
}

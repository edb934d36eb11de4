package kernel

import (
	"math"
	"unsafe"
)

// Matrix is rows of values: the one of row r and column c is Data[r*RowStride + c*ColumnStride]. One of the strides is 1.
type Matrix struct {
	Data                    []float32
	RowStride, ColumnStride int
}

// rows returns the part of m from row r on.
func (m Matrix) rows(r int) Matrix {
	m.Data = m.Data[r*m.RowStride:]
	return m
}

// Scratch is the memory of one call. It may be used again, for plans of the same shape, by one goroutine at a time.
type Scratch struct {
	planes   []uint64
	columns  []float32 // of a block, where they are made from rows
	sums     []float32 // of a block, group after group
	tail     []float32 // the rows of the last block, if it is not full
	keys     []int32   // where conditions are answered in Go: of a block, slot after slot
	missed   []uint64  // likewise: the rows that miss the column of a slot
	ranks    []byte
	shared   []byte    // ranks of a block in Plan.shared, column after column
	bytes    []byte    // of a small block, sideBytes for each of Plan.small
	rowRanks []byte    // of a small block, rowBytes for each of Plan.small and eight rows, if some walk
	answers  []byte    // of a block, in Plan.windows or of Packing.places
	bits     []byte    // of the last block, if it is not full and rows have some
	work     []byte    // of assembly
	soon     []float32 // rows of the next block, to be asked for ahead
}

// maxAsked is how many bytes of rows a block may ask for ahead: half of a common second-level cache. That of processors with AVX-512 is twice as large.
const maxAsked = 256 << 10

// wideRow is from how many values on rows are what blocks of 512 wait for: then they ask for the next ones ahead, and have windows. 196 columns take 0.7 of the time
// with both, 42 columns 1.05 to 1.1: what is in the nearest cache anyhow need not be asked for, and becomes columns as fast.
const wideRow = 128

// columnStride is the room of a column in Scratch.columns. It is no multiple of a kilobyte, so that columns do not
// compete for the same sets of a cache.
func columnStride(rows int) int { return rows + 16 }

// NewScratch returns memory for one call at a time.
func (p *Plan) NewScratch() *Scratch {
	rows := p.kind.Rows()
	words := rows / 64
	s := &Scratch{
		sums:   aligned[float32](p.numGroup * rows),
		tail:   aligned[float32](max(p.numFeature, 4) * rows),
		ranks:  aligned[byte](rows),
		shared: aligned[byte](len(p.shared) * rows),
		bytes:  aligned[byte](len(p.small) * sideBytes),
	}
	if p.walks {
		s.rowRanks = aligned[byte](len(p.small) * SmallRows / 8 * rowBytes)
	}
	if p.kind.keys() {
		s.keys, s.missed = make([]int32, 4*len(p.loads)*rows), make([]uint64, 4*len(p.loads)*words)
	} else {
		s.answers = aligned[byte](len(p.windows) * rows)
		s.columns = aligned[float32](4 * len(p.loads) * columnStride(rows))
	}
	if p.kind == Generic {
		s.planes = aligned[uint64](MaxPlanes) // all, which spares bounds checks
	} else {
		s.planes = aligned[uint64]((p.maxPlanes + 1) * words) // one more for answers that nobody needs
		s.work = aligned[byte](workBytes)
	}
	return s
}

// Bytes is the memory that s takes.
func (s *Scratch) Bytes() int64 {
	return int64(8*(len(s.planes)+len(s.missed)) + 4*(len(s.columns)+len(s.keys)+len(s.sums)+len(s.tail)) + len(s.ranks) + len(s.shared) + len(s.bytes) + len(s.rowRanks) + len(s.answers) + len(s.bits) + len(s.work))
}

// aligned returns n zeros at a multiple of 64 bytes.
func aligned[T byte | float32 | uint64](n int) []T {
	var zero T
	size := int(unsafe.Sizeof(zero))
	all := make([]T, n+64/size)
	skip := int(-uintptr(unsafe.Pointer(unsafe.SliceData(all)))&63) / size
	return all[skip : skip+n : skip+n]
}

// Margins writes the margins of n rows: n times numGroup values, row by row. base holds what the sums start from: numGroup values
// for every row, or for all rows if there are only so many. If baseLast, sums start from zero and base is added at the
// end. dst must not overlap the others. It does not allocate.
func (p *Plan) Margins(dst, base []float32, m Matrix, n int, baseLast bool, s *Scratch) {
	p.margins(dst, base, source{Matrix: m}, n, baseLast, s)
}

func (p *Plan) margins(dst, base []float32, x source, n int, baseLast bool, s *Scratch) {
	groups := p.numGroup
	small := p.small != nil && x.packing == nil
	step := 0 // of base, from row to row
	if len(base) > groups {
		step = groups
	}
	for first, k := 0, 0; first < n; first += k {
		skip := 0
		k = p.next(n-first, small)
		rows := p.blockRows(k, small)
		if k < rows && n >= rows { // again some rows of the block before, which need no copy to fill this one
			skip = rows - k
			first, k = n-rows, rows
		}
		from := base[first*step:]
		if baseLast {
			for g := range groups { // not all in one go, in which a goroutine cannot be stopped
				clear(s.sums[g*rows:][:rows])
			}
		} else {
			p.start(from, step, k, rows, s)
		}
		s.soon = soonAfter(x.Matrix, first+k, rows)
		p.sum(x.rows(first), k, rows, s)
		p.finish(dst[(first+skip)*groups:], from[skip*step:], step, k, skip, rows, baseLast, s)
	}
	s.soon = nil // rows are the caller's
}

// soonAfter is the rows of the block behind one, from row first on, if they are few enough to be asked for ahead. The last block of a call asks for those of
// the next call, if m has them: a goroutine takes its part of a batch in several calls.
func soonAfter(m Matrix, first, rows int) []float32 {
	most, least := maxAsked, 1
	if rows == 512 { // with AVX-512
		most, least = 2*maxAsked, wideRow
	}
	if m.ColumnStride != 1 || m.RowStride < least || m.RowStride > most/4/rows {
		return nil
	}
	next := min(rows, (len(m.Data)-1)/m.RowStride+1-first)
	if next < SmallRows {
		return nil
	}
	return m.Data[first*m.RowStride:][:(next-1)*m.RowStride+1]
}

// sum adds all trees for k rows, in a block of more.
func (p *Plan) sum(x source, k, rows int, s *Scratch) {
	if p.kind == Generic {
		p.sumGeneric(x, k, s)
		return
	}
	p.sumVectors(x, k, rows, s)
}

// start begins the sums of a block of k rows.
func (p *Plan) start(base []float32, step, k, rows int, s *Scratch) {
	for g := range p.numGroup {
		sums := s.sums[g*rows:][:rows]
		if step == 0 {
			for i := range sums {
				sums[i] = base[g]
			}
			continue
		}
		at := p.kind.positions(rows)
		for r := range k {
			to := r
			if at != nil {
				to = int(at[r])
			}
			sums[to] = base[r*step+g]
		}
	}
}

// finish writes the sums of a block of k rows but for the first ones to skip, row by row.
func (p *Plan) finish(dst, base []float32, step, k, skip, rows int, baseLast bool, s *Scratch) {
	groups := p.numGroup
	if p.kind.positions(rows) == nil && !baseLast && groups > 1 {
		transposeSums(dst, s.sums[skip:], rows, k-skip, groups)
		return
	}
	for g := range groups {
		sums := s.sums[g*rows:][:rows]
		if at := p.kind.positions(rows); at != nil {
			sums = s.inOrder(sums, at)
		}
		sums = sums[skip:k]
		switch {
		case baseLast:
			for r, x := range sums {
				dst[r*groups+g] = base[r*step+g] + x
			}
		case groups == 1:
			copy(dst, sums)
		default:
			for r, x := range sums {
				dst[r*groups+g] = x
			}
		}
	}
}

// transposeSums writes sums row by row: some rows at a time, whose lines of dst stay in the nearest cache while group after group comes.
func transposeSums(dst, sums []float32, rows, k, groups int) {
	const some = 16
	for first := 0; first < k; first += some {
		n := min(some, k-first)
		for g := range groups {
			of := sums[g*rows+first:][:n]
			to := dst[first*groups+g:]
			for r, x := range of {
				to[r*groups] = x
			}
		}
	}
}

// inOrder returns sums row by row, in memory that the block has no use for any more.
func (s *Scratch) inOrder(sums []float32, at []uint16) []float32 {
	to := s.tail[:len(sums)]
	if at[1] != at[0]+1 {
		for r, i := range at {
			to[r] = sums[i]
		}
		return to
	}
	for r := 0; r < len(to); r += 4 { // four rows stay together
		*(*[4]float32)(to[r:]) = [4]float32(sums[at[r]:])
	}
	return to
}

func float32bits(x float32) uint32 { return math.Float32bits(x) }

// derive makes the planes that are made of others. A plane has `words` words.
func (t *tile) derive(planes []uint64, words int) {
	at := func(reference uint16) []uint64 { return planes[int(reference)/planeUnit*words:][:words] }
	for i := range t.derived {
		d := &t.derived[i]
		to := planes[d.plane*words:][:words]
		switch d.op {
		case opAnd:
			x, y := at(d.sources[0]), at(d.sources[1])
			for w := range to {
				to[w] = x[w] & y[w]
			}
		case opAndNot:
			x, y := at(d.sources[0]), at(d.sources[1])
			for w := range to {
				to[w] = x[w] &^ y[w]
			}
		default:
			start := uint64(0)
			if d.op == opXnor {
				start--
			}
			for w := range to {
				to[w] = start
			}
			for _, source := range d.sources {
				for w, x := range at(source) {
					to[w] ^= x
				}
			}
			for w, x := range at(d.missing) {
				if d.left {
					to[w] |= x
				} else {
					to[w] &^= x
				}
			}
		}
	}
}

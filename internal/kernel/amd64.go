//go:build amd64 && !purego

package kernel

import (
	"slices"
	"unsafe"

	"golang.org/x/sys/cpu"
)

var hasAVX2 = cpu.X86.HasAVX2

const hasNEON = false

// vectors is the assembly for blocks of one size.
type vectors struct {
	rows           int
	transpose      func(columns, rows *float32, stride uintptr, loads *uint32, n uintptr)
	below          func(planes *uint64, column, thresholds *float32, n uintptr)
	belowOrMissing func(planes *uint64, column, thresholds *float32, n uintptr)
	rankLinear     func(ranks *byte, column *float32, table *byte, work *byte)
	rankLog        func(ranks *byte, column *float32, table *byte, work *byte)
	remap          func(ranks, from, table *byte, n uintptr)
	expand         func(planes *uint64, ranks *byte, bits, n uintptr, work *byte)
	missing        func(planes, plane *uint64, column *float32, pairs *uint16, n uintptr)
	compare        func(answers *byte, rows *float32, stride uintptr, windows *byte, n uintptr)
	spread         func(planes *uint64, answers, spreads *byte, n uintptr)
	collect        func(answers, rows *byte, stride uintptr, places *uint32, n uintptr)
	search         [9]func(ranks *byte, column, tree *float32, work *byte) // by the bits of a rank; instead of the above where it is there
	tables         [MaxDepth + 1]treesOfTables
	values         [MaxDepth + 1]func(planes *uint64, program *uint16, leaves *float32, sums *float32, n uintptr, work *byte)
}

var vectors256 = vectors{
	256, transpose256, below256, belowOrMissing256, rankLinear256, rankLog256, remap256, expand256, missing256, compare256, spread256, collect256, [9]func(*byte, *float32, *float32, *byte){},
	[MaxDepth + 1]treesOfTables{1: trees1x256, 2: trees2x256, 3: trees3x256, 4: trees4x256, 5: trees5x256, 6: trees6x256},
	[MaxDepth + 1]func(*uint64, *uint16, *float32, *float32, uintptr, *byte){7: trees7x256, 8: trees8x256},
}

var vectors128 = vectors{
	128, transpose128, below128, belowOrMissing128, rankLinear128, rankLog128, remap128, expand128, missing128, compare128, spread128, collect128, [9]func(*byte, *float32, *float32, *byte){},
	[MaxDepth + 1]treesOfTables{1: trees1x128, 2: trees2x128, 3: trees3x128, 4: trees4x128, 5: trees5x128, 6: trees6x128},
	[MaxDepth + 1]func(*uint64, *uint16, *float32, *float32, uintptr, *byte){7: trees7x128, 8: trees8x128},
}

// workBytes is the memory that the assembly wants for itself: two numbers for each row of 256, the planes of several sub-trees, or the
// codes of four trees for 512 rows; and what to ask for ahead, see [Scratch.askAhead].
const workBytes = soonAt + 64

// soonAt is where the memory of the assembly has the address of the next line to ask for, and that of the end of those.
const soonAt = 2048

// vectors is the assembly for a block of some rows.
func (p *Plan) vectors(rows int) *vectors {
	switch rows {
	case SmallestRows:
		return &small32.vectors
	case SmallRows:
		return &small64.vectors
	case 128:
		return &vectors128
	case 512:
		return wide
	}
	return &vectors256
}

// addTrees adds the trees of a tile to the sums of a block of some rows, whose planes are made.
func (p *Plan) addTrees(t *tile, rows int, s *Scratch) {
	v := p.vectors(rows)
	for j := range t.runs {
		if p.kind == Generic {
			t.runs[j].addGeneric(t, s)
		} else {
			p.addRun(t, &t.runs[j], v, s)
		}
	}
}

func (p *Plan) sumVectors(x source, k, rows int, s *Scratch) {
	v := p.vectors(rows)
	stride := columnStride(rows)
	column := func(slot int) *float32 { return &s.columns[slot*stride] }
	windows := false
	switch {
	case x.packing != nil:
		if k < rows || x.packing.numDense > 0 && x.packing.numDense < 4 {
			x = x.padBits(k, s)
		}
		v.columns(x.packing.loads, x.Matrix, s)
		if v.collect != nil {
			v.collectBits(x, s)
		}
		column = func(slot int) *float32 { return &s.columns[int(x.packing.denseOf[slot])*stride] }
	case k < rows || x.ColumnStride == 1 && p.numFeature < 4:
		x.Matrix = p.pad(x.Matrix, k, s)
		fallthrough
	case x.ColumnStride == 1:
		loads := p.loads
		if windows = len(p.windows) > 0 && v.worthWindows(p.numFeature); windows {
			loads = loads[:p.whole]
			v.compareWindows(p, x.Matrix, s)
		}
		v.columns(loads, x.Matrix, s)
	default:
		column = func(slot int) *float32 { return &x.Data[p.column(slot)*x.ColumnStride:][:rows][0] }
	}
	switch rows {
	case SmallestRows:
		small := &small32
		if k <= FewRows {
			small = &small16
		}
		p.sumSmall(small, column, s)
		return
	case SmallRows:
		p.sumSmall(&small64, column, s)
		return
	}
	s.askAhead(s.soon)
	words := rows / 64
	clear(s.planes[:words]) // plane 0, which a block of the other size may have used
	for i := range p.shared {
		v.rank(&p.shared[i], column(p.shared[i].slot), &s.shared[i*rows], s)
	}
	for i := range p.tiles {
		t := &p.tiles[i]
		for j := range t.ranked {
			r := &t.ranked[j]
			switch {
			case r.table != nil:
				v.remap(&s.ranks[0], &s.shared[r.from*rows], &r.table[0], uintptr(len(r.table)/16))
				v.expandRanks(r, s)
			case r.buckets != nil || v.search[r.bits] != nil:
				v.rank(r, column(r.slot), &s.ranks[0], s)
				v.expandRanks(r, s)
			default:
				v.compareDirect(&direct{plane: r.plane, thresholds: r.thresholds}, column(r.slot), s)
			}
			if r.missing >= 0 && t.missing[r.missing].follows {
				v.addMissing(&t.missing[r.missing], column(r.slot), s)
			}
		}
		switch {
		case x.packing != nil:
			of := &x.packing.tiles[i]
			if v.collect != nil {
				of.fill(s.planes, words)
				v.spreadAnswers(of.spreads, s)
			} else {
				of.addBits(s.planes, words, x)
			}
			for j := range of.direct {
				v.compareDirect(&of.direct[j], &s.columns[of.direct[j].slot*stride], s)
			}
		case windows:
			v.spreadAnswers(t.spreads, s)
			for j := range t.direct[:t.whole] {
				v.compareDirect(&t.direct[j], column(t.direct[j].slot), s)
			}
		default:
			for j := range t.direct {
				v.compareDirect(&t.direct[j], column(t.direct[j].slot), s)
			}
		}
		for j := range t.missing {
			if w := &t.missing[j]; !w.follows {
				v.addMissing(w, column(w.slot), s)
			}
		}
		t.derive(s.planes, words)
		p.addTrees(t, rows, s)
	}
}

// columns makes columns of the rows of a block.
func (v *vectors) columns(loads []uint32, m Matrix, s *Scratch) {
	if len(loads) == 0 {
		return
	}
	_ = m.Data[(v.rows-1)*m.RowStride+int(slices.Max(loads))+3]
	in := inRows{rows: v.rows, stride: m.RowStride, width: 4, line: 16, own: 4 * (rowTime + v.rows/16*nextTime)} // four columns
	for first, n := 0, 0; first < len(loads); first += n {
		rest := loads[first:]
		n = in.fit(len(rest), func(i int) uint32 { return rest[i] })
		v.transpose(&s.columns[4*first*columnStride(v.rows)], &m.Data[0], 4*uintptr(m.RowStride), &rest[0], uintptr(n))
	}
}

// worthWindows tells whether windows are faster than columns for rows of so many values: always with AVX2, if there is assembly for them. With AVX-512 a window takes as
// long as two loads of four columns, and is worth it if these would be more than the nearest cache holds.
func (v *vectors) worthWindows(width int) bool {
	return v.compare != nil && (v.rows < 512 || width >= wideRow)
}

// compareWindows compares the columns of a block's rows that lie in windows.
func (v *vectors) compareWindows(p *Plan, m Matrix, s *Scratch) {
	_ = m.Data[(v.rows-1)*m.RowStride+p.numFeature-1]
	in := inRows{rows: v.rows, stride: m.RowStride, width: windowColumns, line: 16, own: 3 * v.rows}
	for first, n := 0, 0; first < len(p.windows); first += n {
		rest := p.windows[first:]
		n = in.fit(len(rest), func(i int) uint32 { return rest[i].first })
		v.compare(&s.answers[first*v.rows], &m.Data[0], 4*uintptr(m.RowStride), (*byte)(unsafe.Pointer(&rest[0])), uintptr(n))
	}
}

// collectBits puts the bits of a block's rows where the answers of windows are.
func (v *vectors) collectBits(x source, s *Scratch) {
	if places := x.packing.places; len(places) > 0 {
		_ = x.bits[v.rows*x.packing.numBytes-1]
		in := inRows{rows: v.rows, stride: x.packing.numBytes, width: 1, line: 64, own: v.rows/2 + v.rows/64*nextTime}
		for first, n := 0, 0; first < len(places); first += n {
			rest := places[first:]
			n = in.fit(len(rest), func(i int) uint32 { return rest[i] })
			v.collect(&s.answers[first*v.rows], &x.bits[0], uintptr(x.packing.numBytes), &rest[0], uintptr(n))
		}
	}
}

// compareDirect makes the planes of thresholds that a column is compared with.
func (v *vectors) compareDirect(d *direct, column *float32, s *Scratch) {
	compare := v.below
	if d.missingLeft {
		compare = v.belowOrMissing
	}
	for first := 0; first < len(d.thresholds); first += maxThresholds {
		thresholds := d.thresholds[first:min(first+maxThresholds, len(d.thresholds))]
		compare(&s.planes[(d.plane+first)*v.rows/64], column, &thresholds[0], uintptr(len(thresholds)))
	}
}

// askAhead lets the assembly ask for memory that will be needed soon, some of it in each call.
func (s *Scratch) askAhead(soon []float32) {
	at := (*[2]uintptr)(unsafe.Pointer(&s.work[soonAt]))
	*at = [2]uintptr{}
	if len(soon) > 0 {
		first := uintptr(unsafe.Pointer(&soon[0]))
		*at = [2]uintptr{first, first + 4*uintptr(len(soon))}
	}
}

// spreadAnswers makes planes of what windows found.
func (v *vectors) spreadAnswers(spreads []spread, s *Scratch) {
	for len(spreads) > 0 {
		n := min(len(spreads), maxSpreads)
		v.spread(&s.planes[0], &s.answers[0], (*byte)(unsafe.Pointer(&spreads[0])), uintptr(n))
		spreads = spreads[n:]
	}
}

// rank writes the ranks of a column.
func (v *vectors) rank(r *ranked, column *float32, ranks *byte, s *Scratch) {
	if search := v.search[r.bits]; search != nil {
		search(ranks, column, &r.tree[0], &s.work[0])
		return
	}
	rank := v.rankLog
	if r.linear {
		rank = v.rankLinear
	}
	rank(ranks, column, (*byte)(unsafe.Pointer(&r.lookup)), &s.work[0])
}

// expandRanks makes planes of the ranks of a column.
func (v *vectors) expandRanks(r *ranked, s *Scratch) {
	v.expand(&s.planes[r.plane*v.rows/64], &s.ranks[0], uintptr(r.bits), uintptr(r.n), &s.work[0])
}

// addMissing makes the plane of the rows that miss a column, and what depends on it: the plane anew in each call, which takes no time to speak of.
func (v *vectors) addMissing(m *missing, column *float32, s *Scratch) {
	plane := &s.planes[m.plane*v.rows/64]
	if len(m.pairs) == 0 {
		v.missing(&s.planes[0], plane, column, nil, 0)
	}
	for pairs := m.pairs; len(pairs) > 0; {
		n := min(len(pairs)/2, maxPairs)
		v.missing(&s.planes[0], plane, column, &pairs[0], uintptr(n))
		pairs = pairs[2*n:]
	}
}

// addRun adds the trees of a run, not too many in a call.
func (p *Plan) addRun(t *tile, r *run, v *vectors, s *Scratch) {
	sums := &s.sums[r.group*v.rows]
	for first, most := 0, r.calls(); first < r.trees; first += most {
		n := min(most, r.trees-first)
		program := &t.program[r.program+first*(1<<r.depth-1)]
		if v.tables[r.depth] != nil {
			leaves := &t.tables[r.tables+first*tableBytes(r.depth)]
			v.tables[r.depth](&s.planes[0], program, leaves, sums, uintptr(n), &s.work[0])
		} else {
			v.values[r.depth](&s.planes[0], program, &t.values[r.values+first<<r.depth], sums, uintptr(n), &s.work[0])
		}
	}
}

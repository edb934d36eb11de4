//go:build !purego

package kernel

import "unsafe"

// The kernel for arm64: blocks of 128 rows, whose conditions are answered in Go, 64 rows at a time, and whose networks are assembly.

const hasAVX2, hasAVX512, hasNEON = false, false, true

// workBytes is the memory that the assembly wants for itself: the codes of a block, and four bytes for each of them.
const workBytes = 5 * 128

//go:noescape
func trees1x128(planes *uint64, program *uint16, leaves *byte, sums *float32, n uintptr, work *byte)

//go:noescape
func trees2x128(planes *uint64, program *uint16, leaves *byte, sums *float32, n uintptr, work *byte)

//go:noescape
func trees3x128(planes *uint64, program *uint16, leaves *byte, sums *float32, n uintptr, work *byte)

//go:noescape
func trees4x128(planes *uint64, program *uint16, leaves *byte, sums *float32, n uintptr, work *byte)

//go:noescape
func trees5x128(planes *uint64, program *uint16, leaves *byte, sums *float32, n uintptr, work *byte)

//go:noescape
func trees6x128(planes *uint64, program *uint16, leaves *byte, sums *float32, n uintptr, work *byte)

//go:noescape
func trees7x128(planes *uint64, program *uint16, leaves *byte, sums *float32, n uintptr, work *byte)

//go:noescape
func trees8x128(planes *uint64, program *uint16, leaves *byte, sums *float32, n uintptr, work *byte)

var treesNEON = [MaxDepth + 1]treesOfTables{1: trees1x128, 2: trees2x128, 3: trees3x128, 4: trees4x128, 5: trees5x128, 6: trees6x128, 7: trees7x128, 8: trees8x128}

func (p *Plan) addTrees(t *tile, _ int, s *Scratch) {
	for j := range t.runs {
		if p.kind == Generic {
			t.runs[j].addGeneric(t, s)
		} else {
			p.addRun(t, &t.runs[j], s)
		}
	}
}

// addRun adds the trees of a run, not too many in a call.
func (p *Plan) addRun(t *tile, r *run, s *Scratch) {
	for first, most := 0, r.calls(); first < r.trees; first += most {
		n := min(most, r.trees-first)
		treesNEON[r.depth](&s.planes[0], &t.program[r.program+first*(1<<r.depth-1)], &t.tables[r.tables+first*tableBytes(r.depth)],
			&s.sums[r.group*128], uintptr(n), &s.work[0])
	}
}

func (p *Plan) sumVectors(x source, k, _ int, s *Scratch) {
	keys := func(slot int) int { return slot }
	read := func(slot uint32, values []float32, stride int) {
		for half := range 2 {
			i := 2*int(slot) + half
			s.missed[i] = keysGeneric(s.keysOf(i), values[64*half*stride:], stride)
		}
	}
	if x.packing == nil {
		m := x.Matrix
		if k < 128 {
			m = p.pad(m, k, s)
		}
		for _, slot := range p.slots {
			read(slot, m.Data[p.column(int(slot))*m.ColumnStride:], m.RowStride)
		}
	} else {
		if k < 128 {
			x = x.padBits(k, s)
		}
		for _, slot := range x.packing.slots {
			read(slot, x.Data[x.packing.column(int(slot)):], x.RowStride)
		}
		keys = func(slot int) int { return int(x.packing.denseOf[slot]) }
	}
	planes := unsafe.Slice((*[2]uint64)(unsafe.Pointer(&s.planes[0])), len(s.planes)/2)
	var made [64]uint64 // planes of half a block
	for i := range p.tiles {
		t := &p.tiles[i]
		compared := t.direct
		if x.packing != nil {
			compared = x.packing.tiles[i].direct
			x.packing.tiles[i].addBits(s.planes, 2, x)
		}
		for j := range compared {
			d := &compared[j]
			for half := range 2 {
				missing := uint64(0)
				if d.missingLeft {
					missing = s.missed[2*d.slot+half]
				}
				for first := 0; first < len(d.thresholds); first += len(made) {
					thresholds := d.thresholds[first:min(first+len(made), len(d.thresholds))]
					directGeneric(made[:], s.keysOf(2*d.slot+half), missing, thresholds)
					for k := range thresholds {
						planes[d.plane+first+k][half] = made[k]
					}
				}
			}
		}
		for j := range t.ranked {
			r := &t.ranked[j]
			var bits [2][8]uint64
			for half := range bits {
				bits[half] = rankGeneric(s.keysOf(2*keys(r.slot)+half), r)
			}
			expandPairs(planes[r.plane:][:r.n], &bits, r.bits)
		}
		for j := range t.missing {
			w := &t.missing[j]
			plane := [2]uint64(s.missed[2*keys(w.slot):])
			planes[w.plane] = plane
			for q := 0; q+1 < len(w.pairs); q += 2 {
				from, to := planes[w.pairs[q]/planeUnit], &planes[w.pairs[q+1]/planeUnit]
				to[0], to[1] = from[0]|plane[0], from[1]|plane[1]
			}
		}
		t.derive(s.planes, 2)
		p.addTrees(t, k, s)
	}
}

// expandPairs is expandGeneric for two words of each plane.
func expandPairs(planes [][2]uint64, ranks *[2][8]uint64, bits int) {
	planes[0] = [2]uint64{^uint64(0), ^uint64(0)}
	for j := range bits {
		below := [2]uint64{^ranks[0][j&7], ^ranks[1][j&7]}
		half := 1 << j
		for k := range planes[:half] {
			p := &planes[k]
			if k+half < len(planes) {
				planes[k+half] = [2]uint64{p[0] | below[0], p[1] | below[1]}
			}
			p[0], p[1] = p[0]&below[0], p[1]&below[1]
		}
	}
}

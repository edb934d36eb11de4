package kernel

import "math"

// The portable implementation: a plane is one word, a row one bit.

func (p *Plan) sumGeneric(x source, k int, s *Scratch) {
	keys := func(slot int) int { return slot }
	if x.packing == nil {
		m := x.Matrix
		if k < 64 {
			m = p.pad(m, k, s)
		}
		for _, slot := range p.slots {
			s.missed[slot] = keysGeneric(s.keysOf(int(slot)), m.Data[p.column(int(slot))*m.ColumnStride:], m.RowStride)
		}
	} else {
		if k < 64 {
			x = x.padBits(k, s)
		}
		for _, slot := range x.packing.slots {
			s.missed[slot] = keysGeneric(s.keysOf(int(slot)), x.Data[x.packing.column(int(slot)):], x.RowStride)
		}
		keys = func(slot int) int { return int(x.packing.denseOf[slot]) }
	}
	planes := (*[MaxPlanes]uint64)(s.planes)
	for i := range p.tiles {
		t := &p.tiles[i]
		if x.packing == nil {
			for j := range t.direct {
				s.compareGeneric(planes, &t.direct[j])
			}
		} else {
			of := &x.packing.tiles[i]
			for j := range of.direct {
				s.compareGeneric(planes, &of.direct[j])
			}
			of.addBits(planes[:], 1, x)
		}
		for j := range t.ranked {
			r := &t.ranked[j]
			bits := rankGeneric(s.keysOf(keys(r.slot)), r)
			expandGeneric(planes[r.plane:][:r.n], &bits, r.bits)
		}
		for j := range t.missing {
			w := &t.missing[j]
			plane := s.missed[keys(w.slot)]
			planes[w.plane] = plane
			for q := 0; q+1 < len(w.pairs); q += 2 {
				planes[w.pairs[q+1]/planeUnit] = planes[w.pairs[q]/planeUnit] | plane
			}
		}
		t.derive(planes[:], 1)
		for j := range t.runs {
			t.runs[j].addGeneric(t, s)
		}
	}
}

// compareGeneric makes the planes of thresholds that a column is compared with.
func (s *Scratch) compareGeneric(planes *[MaxPlanes]uint64, d *direct) {
	missing := uint64(0)
	if d.missingLeft {
		missing = s.missed[d.slot]
	}
	directGeneric(planes[d.plane:], s.keysOf(d.slot), missing, d.thresholds)
}

// keysOf are the keys of a block in a slot.
func (s *Scratch) keysOf(slot int) *[64]int32 { return (*[64]int32)(s.keys[64*slot:]) }

func (r *run) addGeneric(t *tile, s *Scratch) {
	treesGeneric[r.depth]((*[MaxPlanes]uint64)(s.planes), t.program[r.program:], t.values[r.values:], (*[64]float32)(s.sums[64*r.group:]), r.trees)
}

// column is the column of a slot.
func (p *Plan) column(slot int) int { return int(p.loads[slot/4]) + slot%4 }

// pad copies the k rows of a block that is not full.
func (p *Plan) pad(m Matrix, k int, s *Scratch) Matrix {
	stride := max(p.numFeature, 4)
	for r := range k {
		row := s.tail[r*stride:][:p.numFeature]
		if m.ColumnStride == 1 {
			copy(row, m.Data[r*m.RowStride:])
			continue
		}
		for c := range row {
			row[c] = m.Data[r*m.RowStride+c*m.ColumnStride]
		}
	}
	return Matrix{Data: s.tail, RowStride: stride, ColumnStride: 1}
}

// missingAbove is the key of +Inf, the largest that a number has.
const missingAbove = 0x7F800000 - keyShift

// keysGeneric makes the keys of 64 values, and the plane of those that are missing, whose keys are larger than every other.
func keysGeneric(keys *[64]int32, x []float32, stride int) (plane uint64) {
	for r := range keys {
		k := numberKey(math.Float32bits(x[r*stride] + 0)) // -0 becomes 0
		keys[r] = k
		plane = plane>>1 | uint64(missingAbove-int64(k))&(1<<63)
	}
	return plane
}

// directGeneric compares 64 values with each threshold: by the sign of a difference, not to branch on values. Rows of the plane missing
// go left whatever their key.
func directGeneric(planes []uint64, keys *[64]int32, missing uint64, thresholds []float32) {
	for i, t := range thresholds {
		plane, threshold := uint64(0), int64(numberKeyOf(t))
		for _, k := range keys {
			plane = plane>>1 | uint64(int64(k)-threshold)&(1<<63)
		}
		planes[i] = plane | missing
	}
}

// rankGeneric returns the bits of the ranks of 64 values, bit by bit. Its loops are short, so that all that each needs is in registers: where those run out, min and max become branches on values.
func rankGeneric(keys *[64]int32, r *ranked) (bits [8]uint64) {
	var clamped, first [64]int32
	var at [64]uint16 // buckets
	var ranks [64]uint8
	lo, last := r.key, numberKeyOf(r.last)
	for i, k := range keys {
		clamped[i] = min(max(k, lo), last)
	}
	if r.linear {
		base, scale := r.lo, r.scale
		for i, k := range clamped {
			at[i] = uint16(int32((math.Float32frombits(uint32(keyOfBits(uint32(k+keyShift)))) - base) * scale))
		}
	} else {
		shift := r.shift & 31
		for i, k := range clamped {
			at[i] = uint16(uint32(k-lo) >> shift)
		}
	}
	buckets := r.buckets
	if r.compares == 1 {
		for i, k := range clamped {
			b := buckets[at[i]]
			ranks[i] = uint8(b.rank + int32((int64(k)-int64(b.threshold))>>63))
		}
	} else {
		for i, k := range clamped {
			b := buckets[at[i]]
			first[i] = b.rank
			ranks[i] = uint8(b.rank + int32((int64(k)-int64(b.threshold))>>63))
		}
		for c := range r.compares - 1 {
			more := r.more[c:]
			for i, k := range clamped {
				ranks[i] += uint8((int64(k) - int64(more[first[i]])) >> 63)
			}
		}
	}
	for j := range bits {
		word := uint64(0)
		for g := range 8 {
			word = word>>8 | uint64(ranks[8*g+j])<<56
		}
		bits[j] = word
	}
	transpose8(&bits)
	return bits
}

// expandGeneric makes the plane of each threshold from the bits of the ranks: bit r of the one at k is set if the rank of row r is k at
// most. It begins with the lowest bit and a single plane of ones, and doubles the number of planes with each bit.
func expandGeneric(planes []uint64, ranks *[8]uint64, bits int) {
	planes[0] = math.MaxUint64
	for j := range bits {
		below := ^ranks[j&7]
		half := 1 << j
		lower, upper := planes[:half], planes[half:min(2*half, len(planes))]
		for k := range upper {
			p := lower[k]
			upper[k], lower[k] = p|below, p&below
		}
		for k := len(upper); k < half; k++ {
			lower[k] &= below
		}
	}
}

// transpose8 transposes the 8x8 bits that the words have in each of their bytes: bit j of word i becomes bit i of word j.
func transpose8(w *[8]uint64) {
	for i := 0; i < 8; i += 2 {
		t := (w[i]>>1 ^ w[i+1]) & 0x5555555555555555
		w[i], w[i+1] = w[i]^t<<1, w[i+1]^t
	}
	for _, i := range [4]int{0, 1, 4, 5} {
		t := (w[i]>>2 ^ w[i+2]) & 0x3333333333333333
		w[i], w[i+2] = w[i]^t<<2, w[i+2]^t
	}
	for i := range 4 {
		t := (w[i]>>4 ^ w[i+4]) & 0x0F0F0F0F0F0F0F0F
		w[i], w[i+4] = w[i]^t<<4, w[i+4]^t
	}
}

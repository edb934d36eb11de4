package kernel

import (
	"encoding/binary"
	"math"
	"slices"
)

// Packing says how a [Plan] takes rows of which some columns are bits: their conditions are bits already, or constant. It is immutable and safe for
// concurrent use.
type Packing struct {
	numDense int // values of a row
	numBytes int // likewise, with its bits

	loads   []uint32 // as in Plan, of the values of a row
	slots   []uint32 // likewise
	denseOf []int32  // by slot of the plan: the slot here; -1 if the column is a bit
	places  []uint32 // of the bytes of a row that are needed

	tiles []packedTile
}

// packedTile is what a tile has instead of its comparisons.
type packedTile struct {
	direct    []direct
	spreads   []spread // to planes; from is in Packing.places
	constants []constant
	unused    uint32 // the reference of bits that nobody needs
}

// constant is a plane whose bits are the same in all rows.
type constant struct {
	plane int
	holds bool
}

// Bits is rows, one after the other, that are given as values and bits.
type Bits struct {
	Dense []float32 // values of the columns that are no bits, in their order
	Bits  []byte    // bits of the others, from the lowest one of a byte on
}

// NewPacking makes the packing for rows in which some columns are bits, which stand for off and on. It is nil if the plan needs the values of such a
// column, or has to be given rows of floats for other reasons.
func (p *Plan) NewPacking(columns []int32, off, on float32) *Packing {
	bitOf := make(map[int32]int, len(columns))
	for i, c := range columns {
		bitOf[c] = i
	}
	isBit := func(slot int) bool {
		_, ok := bitOf[int32(p.column(slot))]
		return ok
	}
	for i := range p.tiles {
		t := &p.tiles[i]
		if slices.ContainsFunc(t.ranked, func(r ranked) bool { return isBit(r.slot) }) || slices.ContainsFunc(t.missing, func(m missing) bool { return isBit(m.slot) }) {
			return nil
		}
	}
	x := &Packing{numDense: p.numFeature - len(columns), numBytes: (len(columns) + 7) / 8, denseOf: make([]int32, 4*len(p.loads))}
	x.placeDense(p, slices.Sorted(slices.Values(columns)), isBit)
	places := map[int]uint32{} // of bytes of a row, in x.places
	for i := range p.tiles {
		x.addTile(p, &p.tiles[i], bitOf, places, off, on)
	}
	return x
}

// placeDense chooses which values of rows are read, and where to.
func (x *Packing) placeDense(p *Plan, bits []int32, isBit func(slot int) bool) {
	last := max(x.numDense, 4) - 4
	for i := range x.denseOf {
		x.denseOf[i] = -1
	}
	slots := slices.Clone(p.slots)
	slices.SortFunc(slots, func(a, b uint32) int { return p.column(int(a)) - p.column(int(b)) })
	end := -1
	for _, slot := range slots {
		if isBit(int(slot)) {
			continue
		}
		c := p.column(int(slot))
		before, _ := slices.BinarySearch(bits, int32(c))
		c -= before
		if c >= end {
			x.loads = append(x.loads, uint32(min(c, last)))
			end = min(c, last) + 4
		}
		n := len(x.loads) - 1
		at := 4*n + c - int(x.loads[n])
		x.denseOf[slot] = int32(at)
		x.slots = append(x.slots, uint32(at))
	}
}

// addTile adds what a tile does.
func (x *Packing) addTile(p *Plan, t *tile, bitOf map[int32]int, places map[int]uint32, off, on float32) {
	to := packedTile{unused: uint32(planeUnit * t.planes)}
	ofByte := map[int]*byteSpreads{}
	for _, d := range t.direct {
		bit, ok := bitOf[int32(p.column(d.slot))]
		if !ok {
			d.slot = int(x.denseOf[d.slot])
			to.direct = append(to.direct, d)
			continue
		}
		for k, threshold := range d.thresholds {
			below := func(value float32) bool {
				if value != value {
					return d.missingLeft
				}
				return value < threshold
			}
			plane, inverted := d.plane+k, below(off)
			if below(on) == inverted {
				to.constants = append(to.constants, constant{plane, inverted})
				continue
			}
			byte := bit / 8
			if ofByte[byte] == nil {
				ofByte[byte] = &byteSpreads{from: x.place(byte, places)}
			}
			to.addSpread(ofByte[byte], bit%8, plane, inverted)
		}
	}
	x.tiles = append(x.tiles, to)
}

// place is where a byte of rows is among those that are needed.
func (x *Packing) place(byte int, places map[int]uint32) uint32 {
	from, ok := places[byte]
	if !ok {
		from = uint32(len(x.places))
		places[byte] = from
		x.places = append(x.places, uint32(byte))
	}
	return from
}

// byteSpreads is the spreads of a byte of rows in a tile.
type byteSpreads struct {
	from    uint32
	spreads []int              // places among those of the tile
	used    [windowColumns]int // how many of these, the first ones, have a plane of each bit
}

// addSpread lets a bit of a byte become a plane.
func (t *packedTile) addSpread(of *byteSpreads, lane, plane int, inverted bool) {
	k := of.used[lane]
	of.used[lane]++
	if k == len(of.spreads) {
		s := spread{from: of.from}
		for i := range s.to {
			s.to[i] = t.unused
		}
		of.spreads = append(of.spreads, len(t.spreads))
		t.spreads = append(t.spreads, s)
	}
	s := &t.spreads[of.spreads[k]]
	s.to[lane] = uint32(planeUnit * plane)
	if inverted {
		s.invert |= 0x01010101 << lane
	}
}

// PackedMargins is [Plan.Margins] for rows that are given as x says.
func (p *Plan) PackedMargins(dst, base []float32, x *Packing, rows Bits, n int, baseLast bool, s *Scratch) {
	x.grow(p.kind, s)
	m := Matrix{Data: rows.Dense, RowStride: x.numDense, ColumnStride: 1}
	p.margins(dst, base, source{m, x, rows.Bits}, n, baseLast, s)
}

// source is the rows of a block and those behind them.
type source struct {
	Matrix
	packing *Packing // nil if Matrix has all columns
	bits    []byte
}

// rows returns the part of x from row r on.
func (x source) rows(r int) source {
	x.Matrix = x.Matrix.rows(r)
	if x.packing != nil {
		x.bits = x.bits[r*x.packing.numBytes:]
	}
	return x
}

// padBits copies the k rows of a block that is not full.
func (x source) padBits(k int, s *Scratch) source {
	width, bytes := x.packing.numDense, x.packing.numBytes
	stride := max(width, 4)
	for r := range k {
		copy(s.tail[r*stride:], x.Data[r*width:][:width])
	}
	copy(s.bits, x.bits[:k*bytes])
	return source{Matrix{Data: s.tail, RowStride: stride, ColumnStride: 1}, x.packing, s.bits}
}

// grow gives s the room that a packing needs.
func (x *Packing) grow(kind Kind, s *Scratch) {
	rows := kind.Rows()
	if n := x.numBytes * rows; len(s.bits) < n {
		s.bits = make([]byte, n)
	}
	if n := len(x.places) * rows; kind.amd64() && len(s.answers) < n {
		s.answers = aligned[byte](n)
	}
	slots := 4 * len(x.loads)
	if n := slots * columnStride(rows); !kind.keys() && len(s.columns) < n {
		s.columns = aligned[float32](n)
	}
	if n := slots * rows; kind.keys() && len(s.keys) < n {
		s.keys, s.missed = make([]int32, n), make([]uint64, n/64)
	}
}

// column is the value of a row that is in a slot.
func (x *Packing) column(slot int) int { return int(x.loads[slot/4]) + slot%4 }

// addBits makes the planes of a tile's bits and constants, where row r of a block is bit r of a plane of some words.
func (t *packedTile) addBits(planes []uint64, words int, x source) {
	t.fill(planes, words)
	stride := x.packing.numBytes
	for i := range t.spreads {
		sp := &t.spreads[i]
		for w := range words {
			made := planesOfBytes(x.bits[64*w*stride+int(x.packing.places[sp.from]):], stride)
			for lane, to := range sp.to {
				if to != t.unused {
					planes[int(to)/planeUnit*words+w] = made[lane] ^ -uint64(sp.invert>>lane&1)
				}
			}
		}
	}
}

// planesOfBytes makes the planes of 64 rows of a byte of bits each.
func planesOfBytes(rows []byte, stride int) (planes [8]uint64) {
	var bytes [64]byte
	for i := range 8 {
		for g := range 8 {
			bytes[8*i+g] = rows[(8*g+i)*stride]
		}
	}
	for i := range planes {
		planes[i] = binary.LittleEndian.Uint64(bytes[8*i:])
	}
	transpose8(&planes)
	return planes
}

// fill makes the constant planes of a tile.
func (t *packedTile) fill(planes []uint64, words int) {
	for _, c := range t.constants {
		value := uint64(0)
		if c.holds {
			value = math.MaxUint64
		}
		for i := range planes[c.plane*words:][:words] {
			planes[c.plane*words+i] = value
		}
	}
}

package forest

import (
	"math"

	"threatdetect/internal/heapwalk"
	"threatdetect/internal/kernel"
)

const (
	keyMissingLeft  = 0
	keyNaNThreshold = 1
	keyMissingRight = math.MaxUint32
)

// thresholdKey is the key of a threshold: a row goes left where its own key is less.
func thresholdKey(x float32) uint32 {
	if x != x {
		return keyNaNThreshold
	}
	return heapwalk.Order(math.Float32bits(x))
}

// thresholdOf is a threshold that has a key.
func thresholdOf(key uint32) float32 {
	if key == keyNaNThreshold {
		return float32(math.NaN())
	}
	return math.Float32frombits(heapwalk.Unorder(key))
}

// numWide and numNarrow are how many keys of each kind a row has.
func (f *Forest) numWide() int { return 2*heapwalk.Quad*len(f.quads) + f.tests }

func (f *Forest) numNarrow() int {
	if !f.narrow {
		return 0
	}
	return 2*len(f.columns) + f.tests
}

// quadColumns chooses the first columns of quads that cover the used columns.
func (f *Forest) quadColumns() []uint32 {
	var quads []uint32
	last := max(f.NumFeature-heapwalk.Quad, 0)
	for _, column := range f.columns {
		if n := len(quads); n == 0 || uint32(column) >= quads[n-1]+heapwalk.Quad {
			quads = append(quads, uint32(min(int(column), last)))
		}
	}
	return quads
}

// wideSlots returns the first slot of each of f.columns.
func (f *Forest) wideSlots() []uint32 {
	slots := make([]uint32, len(f.columns))
	q := 0
	for c, column := range f.columns {
		for uint32(column) >= f.quads[q]+heapwalk.Quad {
			q++
		}
		slots[c] = 2 * (heapwalk.Quad*uint32(q) + uint32(column) - f.quads[q])
	}
	return slots
}

// Scratch is the memory of one call. It may be used again, for the same forest, by one goroutine at a time.
type Scratch struct {
	rows   int // that are walked together
	wide   []uint64
	narrow []uint32
	sums   []float32
	places []uint32
	padded [heapwalk.Quad]float32 // a row of fewer columns
	row    []float32              // a row whose values are not adjacent; nil until there is one
	sparse *sparseScratch         // nil until there are sparse rows
	packed []float32              // rows that came as bits; nil until there are some
	block  *kernel.Scratch        // nil until a batch is large enough for the block kernel
}

const (
	// maxRows is how many rows are walked together: each pack comes into the nearest cache once for all of them.
	maxRows = 32
	// maxKeys is how many bytes their keys may take: they stay in the nearest cache beside a pack.
	maxKeys = 16 << 10
)

// NewScratch returns memory for one call at a time.
func (f *Forest) NewScratch() *Scratch {
	size := 8 * f.numWide()
	if f.narrow {
		size = 4 * f.numNarrow()
	}
	rows := min(max(maxKeys/max(size, 1), 1), maxRows)
	s := &Scratch{
		rows:   rows,
		wide:   make([]uint64, rows*f.numWide()),
		narrow: make([]uint32, rows*f.numNarrow()),
		sums:   make([]float32, rows*f.NumGroup),
	}
	places := 0
	for i := range f.ranks {
		places = max(places, f.ranks[i].packs.Trees)
	}
	for i := range f.runs {
		places = max(places, len(f.runs[i].trees))
	}
	s.places = make([]uint32, places)
	return s
}

// expand writes the keys of row r of a call.
func (f *Forest) expand(s *Scratch, r int, row []float32) {
	n := f.numWide()
	keys := s.wide[r*n:][:n]
	full := row
	if len(row) < heapwalk.Quad {
		copy(s.padded[:], row)
		full = s.padded[:]
	}
	heapwalk.Expand(keys, full, f.quads)
	for i := range f.tests {
		test := &f.conditions[i]
		keys[2*heapwalk.Quad*len(f.quads)+i] = heapwalk.WideKey(test.key(row[test.column]))
	}
	if f.narrow {
		f.rank(s, r, keys)
	}
}

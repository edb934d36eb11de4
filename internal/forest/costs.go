package forest

import "threatdetect/internal/kernel"

// kernelCosts are the costs of a kind.
func kernelCosts(kind kernel.Kind) costs {
	switch kind {
	case kernel.AVX2, kernel.AVX512:
		return avx2Costs
	case kernel.NEON:
		return neonCosts
	}
	return genericCosts
}

// of is what a block takes for everything but its networks. The conversions keep a compiler from fusing, for the same choice everywhere.
func (c *costs) of(groups int, s kernel.Size) float64 {
	return float64(c.overhead*float64(groups)) + float64(c.column*float64(s.Ranked-s.Mapped)) + float64(c.remap*float64(s.Mapped)) + float64(c.load*float64(s.Columns)) +
		float64(c.plane*float64(s.Planes)) + float64(c.derive*float64(s.Sources))
}

// genericCosts are for 64 rows.
var genericCosts = costs{
	tree:     [kernel.MaxDepth + 1]float64{0, 29, 31, 34, 36, 45, 61, 150, 250},
	plane:    1,
	column:   600,
	load:     0,
	derive:   2,
	overhead: 100,
}

// avx2Costs are for 256 rows, and for 512 of AVX-512: on a Zen 5 such a block takes 0.95 to 1.35 times as long as one of 256 with AVX2.
var avx2Costs = costs{
	tree:     [kernel.MaxDepth + 1]float64{0, 21, 22, 24, 27, 40, 65, 128, 225},
	plane:    1.5,
	column:   200,
	remap:    60,
	load:     20,
	derive:   6,
	overhead: 200,
}

// neonCosts are for 128 rows: twice those of Go for 64 without its networks, which are counted by their instructions.
var neonCosts = costs{
	tree:     [kernel.MaxDepth + 1]float64{0, 25, 27, 30, 34, 46, 70, 150, 280},
	plane:    2,
	column:   1200,
	load:     0,
	derive:   3,
	overhead: 200,
}

// rowCost is what a row takes without blocks, in nanoseconds, if it is one of several.
func (f *Forest) rowCost(shapes []shape, leaves bool) float64 {
	total, leaf := 50.0, 0.0 // what a leaf takes
	switch {
	case leaves:
		leaf = 1
	case f.vectors != nil:
		leaf = 2 + float64(f.NumGroup)
	}
	for i := range f.runs {
		r := &f.runs[i]
		for _, t := range r.trees {
			total += leaf
			if r.heap {
				total += 0.3 + float64(0.7*float64(shapes[t].depth))
			} else {
				total += 4 + float64(6*float64(shapes[t].depth))
			}
		}
	}
	switch portable := kernel.Best() == kernel.Generic; {
	case portable && f.narrow:
		total *= portableFarRow
	case portable:
		total *= portableRow
	case f.narrow:
		total *= farRow
	}
	return total
}

// portableRow is how many times as long a row takes where there is no assembly.
const portableRow = 1.6

// farRow is how many times as long a row takes in a forest that a second-level cache does not hold, although it is asked for ahead.
const farRow = 1.2

// portableFarRow is the same for a forest that a second-level cache does not hold: there is no assembly that asks for it ahead.
const portableFarRow = 3.5

// halfBlock is what the block of 128 rows costs of one of 256 by these figures. It takes 0.85 of the time; the rest is that rows of a batch
// by themselves take less than rowCost.
const halfBlock = 1.4

// smallBlock is the same for a block of 64 rows, and smallestBlock for one of 32, neither of which has planes. Batches of five models took as long in both ways
// with 16, 20, 11, 15 and 10 rows; this gave 16, 19, 11, 18 and 9. The fourth, of depth 8, has another one since.
const (
	smallBlock    = 0.75
	smallestBlock = 0.5

	// fewBlock is the same for one of 32 of which 16 rows at most walk through the lower levels of deep trees: 1000 trees of depth 8 took as long in both ways with
	// 12 to 13 rows.
	fewBlock = 0.35
)

package kernel

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

// flagPlan makes the same plan for any kind: columns of many thresholds, and flags beside each other that are compared with one or a few numbers, in one tile or several.
func flagPlan(kind Kind, seed uint64, width int) *Plan {
	r := rand.New(rand.NewPCG(seed, 2))
	thresholds := make([][]float32, width)
	for c := range thresholds {
		switch r.IntN(8) {
		case 0:
			thresholds[c] = hardThresholds(r, 1+r.IntN(60))
		case 1:
			thresholds[c] = hardThresholds(r, 1+r.IntN(3))
		case 2:
			thresholds[c] = []float32{[]float32{float32(math.Inf(1)), float32(math.Inf(-1)), math.MaxFloat32, -math.MaxFloat32, 0}[r.IntN(5)]}
		default:
			thresholds[c] = []float32{[]float32{0.5, 1, math.SmallestNonzeroFloat32, 1e-6, 0}[r.IntN(5)]}
		}
	}
	var all []Threshold
	for c := range thresholds {
		for _, value := range append(thresholds[c], 0, 1) {
			all = append(all, Threshold{int32(c), value})
		}
	}
	b := NewBuilder(kind, width, 2, all)
	less := func() Cond {
		c := r.IntN(width)
		return b.Less(b.Number(int32(c), thresholds[c][r.IntN(len(thresholds[c]))]), r.IntN(8) != 0)
	}
	for range 60 {
		if seed%3 == 0 && r.IntN(15) == 0 {
			b.EndTile()
		}
		depth := 1 + r.IntN(6)
		conds, leaves := make([]Cond, 1<<depth-1), make([]float32, 1<<depth)
		for i := range conds {
			conds[i] = less()
			if seed%5 == 0 && r.IntN(9) == 0 {
				conds[i] = b.Not(b.And(conds[i], less(), true))
			}
			if seed%7 == 0 && r.IntN(20) == 0 {
				conds[i] = b.Set(int32(r.IntN(width)), []float32{0, 1}, true, r.IntN(2) == 0)
			}
		}
		for i := range leaves {
			leaves[i] = float32(r.NormFloat64())
		}
		b.Tree(r.IntN(2), depth, conds, leaves)
	}
	return b.Plan()
}

// TestFlags compares plans of all kinds with the portable one, for rows of floats, by row and by column, and for rows of which some columns are bits.
func TestFlags(t *testing.T) {
	for kind := Generic; kind <= NEON; kind++ {
		if kind.Available() {
			compareFlags(t, kind, 24)
		}
	}
}

func compareFlags(t *testing.T, kind Kind, seeds uint64) {
	windows, packings := 0, 0
	for seed := range seeds {
		r := rand.New(rand.NewPCG(seed, 9))
		width := []int{3, 4, 7, 8, 9, 20, 70, 200}[seed%8]
		want, got := flagPlan(Generic, seed, width), flagPlan(kind, seed, width)
		windows += len(got.windows)
		ws, gs := want.NewScratch(), got.NewScratch()
		columns := make([]int32, width)
		for i := range columns {
			columns[i] = int32(i)
		}
		r.Shuffle(width, func(i, j int) { columns[i], columns[j] = columns[j], columns[i] })
		columns = columns[:1+r.IntN(width)]
		if seed < 8 { // those of which few things are asked
			columns = slices.DeleteFunc(columns, func(c int32) bool { return got.NewPacking([]int32{c}, 0, 1) == nil })
		}
		values := [2]float32{0, 1}
		switch seed % 4 {
		case 2:
			values[0] = float32(math.NaN())
		case 3:
			values = [2]float32{float32(math.Inf(1)), -1}
		}
		packing := got.NewPacking(columns, values[0], values[1])
		for _, n := range []int{1, 63, 65, 127, 129, 255, 256, 257, 512, 513, 600} {
			rows := hardValues(r, []float32{0.5, 1, 1, 0, 0}, n*width)
			a, b := make([]float32, 2*n), make([]float32, 2*n)
			compare := func(what string, run func()) {
				t.Helper()
				want.Margins(a, []float32{1, 2}, Matrix{rows, width, 1}, n, false, ws)
				run()
				require.Equal(t, a, b, "%v, %s, seed %d, %d columns, %d rows", kind, what, seed, width, n)
			}
			compare("rows", func() { got.Margins(b, []float32{1, 2}, Matrix{rows, width, 1}, n, false, gs) })
			byColumn := make([]float32, n*width)
			for i, x := range rows {
				byColumn[i%width*n+i/width] = x
			}
			compare("columns", func() { got.Margins(b, []float32{1, 2}, Matrix{byColumn, 1, n}, n, false, gs) })
			if packing == nil || len(columns) == 0 {
				continue
			}
			packings++
			packed := Bits{Bits: make([]byte, n*packing.numBytes)}
			for row := range n {
				of := rows[row*width:][:width]
				for i, c := range columns {
					on := r.IntN(2)
					of[c] = values[on]
					packed.Bits[row*packing.numBytes+i/8] |= byte(on << (i % 8))
				}
				for c, x := range of {
					if !slices.Contains(columns, int32(c)) {
						packed.Dense = append(packed.Dense, x)
					}
				}
			}
			compare(fmt.Sprint("bits of ", columns), func() { got.PackedMargins(b, []float32{1, 2}, packing, packed, n, false, gs) })
		}
	}
	require.Positive(t, packings)
	require.Equal(t, kind.amd64(), windows > 0)
}

// TestManyFlags would take minutes if each of the columns took time by the number of all.
func TestManyFlags(t *testing.T) {
	const width = 320_000
	p, flags := &Plan{kind: Generic, numFeature: width}, tile{planes: 1 + 2*width}
	columns := make([]int32, width-1) // all but the last, in an order of their own
	for c := range width {
		if c%4 == 0 {
			p.loads = append(p.loads, uint32(c))
		}
		p.slots = append(p.slots, uint32(c))
		flags.direct = append(flags.direct, direct{slot: c, plane: 1 + 2*c, thresholds: []float32{0.5, 1}, missingLeft: true})
	}
	for i := range columns {
		columns[i] = int32((7*i + 5) % (width - 1))
	}
	p.tiles = []tile{flags}
	x := p.NewPacking(columns, 0, 1)
	require.Equal(t, []int{1, width / 8}, []int{x.numDense, x.numBytes})
	require.Equal(t, width/8, len(x.places))
	to := &x.tiles[0]
	require.Equal(t, []direct{{slot: 0, plane: 1 + 2*(width-1), thresholds: []float32{0.5, 1}, missingLeft: true}}, to.direct)
	require.Equal(t, 2*width/8, len(to.spreads))
	seen := make([]int, width/8)
	for _, s := range to.spreads {
		byte := int(x.places[s.from])
		for lane, plane := range s.to {
			want, inverted := to.unused, false
			if i := 8*byte + lane; i < len(columns) {
				want, inverted = uint32(planeUnit*(1+2*int(columns[i])+seen[byte])), true
			}
			if plane != want || s.invert>>lane&1 != 0 != inverted {
				t.Fatalf("bit %d of byte %d is plane %d, want %d", lane, byte, plane, want)
			}
		}
		seen[byte]++
	}
}

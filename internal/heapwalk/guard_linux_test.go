package heapwalk

import (
	"math"
	"testing"

	"threatdetect/internal/testkit"
)

// TestGuardPages walks packs, keys and rows that lie between pages which must not be touched.
func TestGuardPages(t *testing.T) {
	for _, atEnd := range []bool{true, false} {
		guardWalks(t, atEnd, Wide, WideKey)
		guardWalks(t, atEnd, func(threshold, slot uint32) uint32 { return Narrow(uint16(threshold), uint16(slot)) },
			func(value uint32) uint32 { return NarrowKey(uint16(value)) })
		r := testkit.Rand(t)
		for width := Quad; width < 24; width++ {
			row := make([]float32, width)
			for i := range row {
				row[i] = math.Float32frombits(r.Uint32())
			}
			quads := []uint32{0, uint32(width - Quad)}
			keys := testkit.Pages(t, make([]uint64, 8*len(quads)), atEnd)
			Expand(keys, testkit.Pages(t, row, atEnd), testkit.Pages(t, quads, atEnd))
		}
	}
}

func guardWalks[N Node](t *testing.T, atEnd bool, split func(threshold, slot uint32) N, key func(value uint32) N) {
	r := testkit.Rand(t)
	for depth := range 10 {
		for _, trees := range []int{1, PackTrees} {
			slots, rows := 1+r.IntN(9), 1+r.IntN(4)
			p := randomPacks(r, trees, depth, 1+r.IntN(3), slots, split)
			p.Nodes, p.Leaves = testkit.Pages(t, p.Nodes, atEnd), testkit.Pages(t, p.Leaves, atEnd)
			keys := make([]N, rows*slots)
			for i := range keys {
				keys[i] = key([]uint32{0, uint32(r.IntN(9)), math.MaxUint32}[r.IntN(3)])
			}
			keys = testkit.Pages(t, keys, atEnd)
			SumRows(testkit.Pages(t, make([]float32, rows), atEnd), p, keys)
			one := testkit.Pages(t, keys[:slots], atEnd)
			SumRow(0, p, one)
			p.Far = true
			SumRow(0, p, one)
			Find(testkit.Pages(t, make([]uint32, p.Count()*trees), atEnd), p, one)
		}
	}
}

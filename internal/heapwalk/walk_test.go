package heapwalk

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"threatdetect/internal/testkit"
)

// plain follows one tree by the definition.
func plain[N Node](p *Packs[N], pack, tree int, keys []N, half uint) int {
	j := p.Trees + tree
	for range p.Depth {
		split := p.Nodes[pack*p.Size()+j]
		slot := split & (1<<half - 1)
		j *= 2
		if keys[slot]>>half >= split>>half {
			j++
		}
	}
	return j - p.Size()
}

// randomPacks has few thresholds, for many splits to be equal to keys.
func randomPacks[N Node](r *rand.Rand, trees, depth, count, slots int, make func(threshold, slot uint32) N) *Packs[N] {
	p := &Packs[N]{Trees: trees, Depth: depth}
	for range count * p.Size() {
		threshold := []uint32{0, 1, uint32(r.IntN(8)), math.MaxUint32, math.MaxUint32 - 1}[r.IntN(5)]
		p.Nodes = append(p.Nodes, make(threshold, uint32(r.IntN(slots))))
		p.Leaves = append(p.Leaves, float32(r.NormFloat64()))
	}
	for k := range trees { // the places that mean nothing
		if len(p.Nodes) > 0 {
			p.Nodes[k] = ^N(0)
		}
	}
	return p
}

func testWalks[N Node](t *testing.T, half uint, split func(threshold, slot uint32) N, key func(value uint32) N) {
	r := testkit.Rand(t)
	for depth := range 10 {
		for _, trees := range []int{1, 2, 3, 4, 5, 7, 9, PackTrees, PackTrees, PackTrees} {
			slots, rows, count := 1+r.IntN(90), 1+r.IntN(20), r.IntN(5)
			p := randomPacks(r, trees, depth, count, slots, split)
			keys := make([]N, rows*slots)
			for i := range keys {
				keys[i] = key([]uint32{0, uint32(r.IntN(9)), math.MaxUint32}[r.IntN(3)])
			}
			name := fmt.Sprintf("%d packs of %d trees of depth %d, %d rows", count, trees, depth, rows)
			sums, want := testkit.Guard(rows), make([]float32, rows)
			for i := range rows {
				want[i] = float32(r.NormFloat64())
				sums.Values()[i] = want[i]
				row := keys[i*slots:][:slots:slots]
				places := slices.Repeat([]uint32{0xABCD}, count*trees+2)
				Find(places[1:len(places)-1:len(places)-1], p, row)
				if places[0] != 0xABCD || places[len(places)-1] != 0xABCD {
					t.Fatalf("%s: place written outside", name)
				}
				one := want[i]
				for k := range count * trees {
					at := plain(p, k/trees, k%trees, row, half)
					if int(places[1+k]) != at {
						t.Fatalf("%s: tree %d of row %d ends at %d, want %d", name, k, i, places[1+k], at)
					}
					one += p.Leaves[k/trees*p.Size()+at]
				}
				for _, p.Far = range []bool{false, true} {
					testkit.DiffBits(t, name+", one row", []float32{SumRow(want[i], p, row)}, []float32{one})
				}
				want[i] = one
			}
			SumRows(sums.Values(), p, keys)
			testkit.DiffBits(t, name, sums.Values(), want)
			sums.Check(t)
			if t.Failed() {
				return
			}
		}
	}
}

func TestWide(t *testing.T) { testWalks(t, 32, Wide, WideKey) }

func TestNarrow(t *testing.T) {
	testWalks(t, 16,
		func(threshold, slot uint32) uint32 { return Narrow(uint16(threshold), uint16(slot)) },
		func(value uint32) uint32 { return NarrowKey(uint16(value)) })
}

// TestMuchWork has more packs, and more rows for a pack, than one call of assembly takes.
func TestMuchWork(t *testing.T) {
	r := testkit.Rand(t)
	testMuchWork(t, r, randomPacks(r, PackTrees, 3, 300, 4, Wide), 5)
	testMuchWork(t, r, randomPacks(r, PackTrees, 12, 2, 4, Wide), 60)
}

func testMuchWork(t *testing.T, r *rand.Rand, p *Packs[uint64], rows int) {
	keys := make([]uint64, rows*4)
	for i := range keys {
		keys[i] = WideKey(uint32(r.IntN(9)))
	}
	sums, want := make([]float32, rows), make([]float32, rows)
	for i := range sums {
		want[i] = sumRowGeneric(0, p, keys[4*i:][:4])
		testkit.DiffBits(t, "one row", []float32{SumRow(0, p, keys[4*i:][:4])}, want[i:i+1])
		got, places := make([]uint32, p.Count()*p.Trees), make([]uint32, p.Count()*p.Trees)
		Find(got, p, keys[4*i:][:4])
		findGeneric(places, p, keys[4*i:][:4])
		if !slices.Equal(got, places) {
			t.Errorf("places of row %d differ", i)
		}
	}
	SumRows(sums, p, keys)
	testkit.DiffBits(t, "rows", sums, want)
}

// TestExpand compares all kinds of numbers in all places of a quad.
func TestExpand(t *testing.T) {
	r := testkit.Rand(t)
	special := []uint32{0, 1 << 31, 1, 1<<31 | 1, 0x007FFFFF, 0x00800000, 0x7F7FFFFF, 0xFF7FFFFF, 0x7F800000, 0xFF800000,
		0x7F800001, 0x7FC00000, 0x7FFFFFFF, 0xFF800001, 0xFFC00000, 0xFFFFFFFF}
	for width := Quad; width < 40; width++ {
		row := make([]float32, width)
		for i := range row {
			bits := r.Uint32()
			if r.IntN(2) == 0 {
				bits = special[r.IntN(len(special))]
			}
			row[i] = math.Float32frombits(bits)
		}
		quads := []uint32{uint32(width - Quad)}
		for range r.IntN(12) {
			quads = append(quads, uint32(r.IntN(width-Quad+1)))
		}
		got := slices.Repeat([]uint64{77}, 8*len(quads)+2)
		want := slices.Clone(got)
		Expand(got[1:], row, quads)
		expandGeneric(want[1:], row, quads)
		if !slices.Equal(got, want) {
			t.Fatalf("quads %d of %v\ngot  %x\nwant %x", quads, row, got, want)
		}
		for i, q := range quads {
			for c, x := range row[q:][:Quad] {
				left, right := got[1+8*i+2*c], got[1+8*i+2*c+1]
				switch {
				case x != x && (left != WideKey(0) || right != WideKey(math.MaxUint32)):
					t.Fatalf("%v has the keys %x and %x", x, left, right)
				case x == x && (left != right || left>>32 != uint64(Order(math.Float32bits(x)))):
					t.Fatalf("%v has the keys %x and %x", x, left, right)
				}
			}
		}
	}
	Expand(nil, nil, nil)
}
